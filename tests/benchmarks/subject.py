"""The measured bot in a process of its own, pinned to one core.

    python -m tests.benchmarks.subject KIND API_BASE_URL TOKEN GUILDS INTENTS [DATABASE]

KIND is `pegasus` (the whole application, as `python -m bot` runs it), `automod` (the same with
rules in all guilds), `bare` (a discord.py client with an empty on_message), `frozen` (the same
after `bot.tuning.settle_memory`) or `intake` (a bare client that judges and counts through the
intake instead of on_message).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord
import psutil
from discord.ext import commands

from bot.__main__ import run_loop
from bot.core.clock import SystemClock
from bot.core.contracts import MessageFacts
from bot.core.messages import Verdict
from bot.core.supervisor import TaskSupervisor
from bot.intake import Intake
from bot.tuning import settle_memory
from tests.benchmarks.lines import BOT_CORE, Answer, obey, pin, say

PROBE_SECONDS = 0.01
READY_SECONDS = 60.0


# What Pegasus does without for the sake of memory, the clients it is compared with do without too.
OPTIONS: dict[str, Any] = {
    "chunk_guilds_at_startup": False,
    "member_cache_flags": discord.MemberCacheFlags.none(),
    "max_messages": None,
}


class BareClient(discord.AutoShardedClient):
    """The least that a bot which hears messages can be."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__(intents=intents, **OPTIONS)

    async def on_message(self, message: discord.Message) -> None:
        """Do nothing."""


class JudgingClient(commands.AutoShardedBot):
    """A client whose messages go through one gate and one observer, and to no listener."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__("!", intents=intents, help_command=None, **OPTIONS)
        self.observed = 0
        intake = Intake(SystemClock(), TaskSupervisor().spawn)
        intake.add_gate("words", self._judge, order=10)
        intake.add_observer("count", self._observe)
        intake.attach(self)

    def _judge(self, facts: MessageFacts) -> Verdict | None:
        return Verdict(accepted=False) if "forbidden" in facts.content else None

    def _observe(self, facts: MessageFacts) -> None:
        self.observed += 1


class Subject:
    """A connected client, and what the parent may ask about its process."""

    def __init__(self, client: discord.AutoShardedClient) -> None:
        self._client = client
        self._process = psutil.Process()

    async def usage(self, sequence: int = 0) -> Answer:
        """Answer with CPU seconds and memory once the event of this number has been handled."""
        while self._sequence < sequence:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.05)
        return {
            "cpu": time.process_time(),
            "wall": time.monotonic(),
            "rss": self._process.memory_info().rss / 2**20,
            # Messages that something was done about: none, where all of them are clean.
            "effects": intake.effects_started if (intake := self._intake) else 0,
        }

    async def lag(self, seconds: float) -> Answer:
        """Answer with how late in ms a timer of 10 ms was, each time for so many seconds."""
        late = []
        until = time.perf_counter() + seconds
        while (started := time.perf_counter()) < until:
            await asyncio.sleep(PROBE_SECONDS)
            late.append((time.perf_counter() - started - PROBE_SECONDS) * 1000)
        return {"late": late}

    @property
    def _intake(self) -> Intake | None:
        return getattr(self._client, "intake", None)

    @property
    def _sequence(self) -> int:
        return max(shard._parent.ws.sequence or 0 for shard in self._client.shards.values())


@asynccontextmanager
async def plain(
    client: discord.AutoShardedClient, api: str, token: str
) -> AsyncIterator[tuple[discord.AutoShardedClient, str]]:
    """Run a client by itself."""
    discord.http.Route.BASE = api
    async with client:
        running = asyncio.create_task(client.start(token))
        yield client, ""
        await client.close()
        await running


async def set_rules(client: Any) -> None:
    """Give every guild the benchmark's rules, the way a command would, until all of them judge."""
    from bot.core.contracts import SYSTEM
    from tests.benchmarks import chatter

    rules = chatter.rules(chatter.words(500), chatter.patterns(50))
    engines = client.get_cog("Automod").engines
    for guild in client.guilds:
        await client.kernel.settings.change(guild.id, "automod", rules, actor=SYSTEM, enabled=True)
        while (entry := engines.get(guild.id)) is None or entry.engine is None:
            engines.prepare(guild.id)
            await asyncio.sleep(0.01)


@asynccontextmanager
async def pegasus(
    api: str, token: str, database: Path | None
) -> AsyncIterator[tuple[discord.AutoShardedClient, str]]:
    """Run the whole application through its own entry point."""
    # Not at the top: the others must not carry what only Pegasus needs in their memory.
    from bot.application import Application
    from bot.core.config import Config
    from bot.core.log import configure_logging

    with tempfile.TemporaryDirectory(prefix="pegasus-benchmark-") as folder:
        config = Config.model_validate(
            {
                "discord": {"token": token, "api_base_url": api},
                "database": {"url": f"sqlite:///{database or Path(folder) / 'pegasus.db'}"},
                "web": {"port": 0},
                "log": {"level": "warning"},
            }
        )
        configure_logging(config.log, config.secrets())
        application = Application(config)
        running = asyncio.create_task(application.run())
        starting = asyncio.create_task(application.started.wait())
        await asyncio.wait({running, starting}, return_when=asyncio.FIRST_COMPLETED)
        assert application.runtime is not None
        while application.runtime._connection.client is None:
            await asyncio.sleep(0.01)
        yield application.runtime._connection.client, application.runtime.base_url
        application.request_stop()
        await running


def open_client(
    kind: str, api: str, token: str, intents: discord.Intents, database: Path | None
) -> Any:
    """Return the context manager that runs a client of this kind."""
    if kind in ("pegasus", "automod"):
        return pegasus(api, token, database)
    client = JudgingClient(intents) if kind == "intake" else BareClient(intents)
    return plain(client, api, token)


async def main(
    kind: str, api: str, token: str, guild_count: int, intents: int, database: Path | None
) -> int:
    """Connect, tell the parent when READY is through, and obey."""
    wanted = discord.Intents._from_value(intents)
    async with open_client(kind, api, token, wanted, database) as (client, web):
        async with asyncio.timeout(READY_SECONDS):
            while len(client.guilds) < guild_count or any(map(_is_missing, client.guilds)):
                await asyncio.sleep(0.005)
            loaded = _age()
            while not client.is_ready():
                await asyncio.sleep(0.005)
            ready = _age()
        if kind in ("frozen", "intake"):
            settle_memory()
        if kind == "automod":
            await set_rules(client)
        await asyncio.sleep(1)
        subject = Subject(client)
        say({"loaded": loaded, "ready": ready, "web": web})
        await obey({"usage": subject.usage, "lag": subject.lag})
    return 0


def _is_missing(guild: discord.Guild) -> bool:
    return guild.unavailable


def _age() -> float:
    return time.time() - psutil.Process().create_time()


if __name__ == "__main__":
    pin(BOT_CORE)
    kind, api, token, guild_count, intents, *rest = sys.argv[1:]
    database = Path(rest[0]) if rest else None
    run_loop(main(kind, api, token, int(guild_count), int(intents), database))
