"""The one place that touches simcord's private parts; tests get a running bot from here.

simcord runs discord.py's real dispatch, command tree and views against a model of Discord in
memory. It is no wire: connections are tested against `bot.sandbox`. Workers don't run by
themselves here (simcord waits until the bot rests): a test calls `Bench.deliver()` and
`Bench.run_jobs()` where the outbox and the jobs would act.
"""

from __future__ import annotations

import copy
import marshal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import aiohttp
import discord
import simcord
from simcord import interactions as simcord_interactions
from simcord.http import router as simcord_router

from bot.assembly import LiveState, build_kernel
from bot.client import Pegasus
from bot.core.config import Config
from bot.core.features import FeatureRegistry, discover
from bot.core.kernel import Kernel
from bot.intake import Intake
from bot.state import DiscordState
from db.engine import Database


def _copied(payload: Any) -> Any:
    """Return a copy of what simcord notes of a request; plain data is copied ten times faster."""
    try:
        return marshal.loads(marshal.dumps(payload))
    except ValueError:
        return copy.deepcopy(payload)


# All commands of the bot are among them.
simcord_router.copy = SimpleNamespace(deepcopy=_copied)
# The default waits 50 ms of real time after each action; the bot's own work is done long before.
simcord.Env._settle_internal.__kwdefaults__["idle"] = 0.002


# A start or an action may take so many times five seconds.
TURNS = 10


class SimcordClock:
    """The simulated world's time, which moves with `Bench.env.advance_time`."""

    def now(self) -> datetime:
        """Return the world's present instant."""
        return discord.utils.utcnow()

    def monotonic(self) -> float:
        """Return the world's present instant in seconds."""
        return discord.utils.utcnow().timestamp()


class PatientEnv(simcord.Env):
    """A simulated world that gives a busy machine several times as long to come to rest.

    The limit itself stays as it is: simcord takes whoever sleeps for longer to be at rest.
    """

    async def _settle_internal(self, **options: Any) -> None:
        for _ in range(TURNS - 1):
            with suppress(TimeoutError):
                return await super()._settle_internal(**options)
        return await super()._settle_internal(**options)


@dataclass
class Bench:
    """A bot in a simulated world, with the kernel at hand."""

    env: simcord.Env
    bot: Pegasus
    kernel: Kernel

    async def deliver(self) -> None:
        """Deliver what is in the outbox, and wait until the bot rests."""
        await self.kernel.outbox.run_due()
        await self.env.settle()

    async def run_jobs(self) -> None:
        """Run the jobs that are due, and wait until the bot rests."""
        await self.kernel.jobs.run_due()
        await self.env.settle()


@asynccontextmanager
async def running_bench(
    database: Database,
    *,
    registry: FeatureRegistry | None = None,
    settings: dict[str, Any] | None = None,
    translated: bool = False,
) -> AsyncIterator[Bench]:
    """Run the bot on a database; `settings` are configuration sections, as in config.toml.

    Commands are registered in English only unless they are to be `translated`: putting every text
    into some thirty locales is a third of the cost of a start, and simcord shows none of them.
    """
    sections: dict[str, Any] = {
        "limits": {
            "default": "1000/60",
            "economy": "1000/60",
            "admin": "1000/60",
            "moderation": "1000/60",
            "heavy": "1000/60",
            "press": "1000/60",
        }
    }
    sections |= settings or {}
    # There is no gateway that would recommend a number.
    sections["discord"] = {"shard_count": 1} | sections.get("discord", {})
    config = Config.model_validate(sections)
    clock = SimcordClock()
    state = LiveState()
    async with aiohttp.ClientSession() as http:
        kernel = build_kernel(
            config,
            database=database,
            clock=clock,
            http=http,
            registry=registry or discover(),
            state=state,
        )
        intake = Intake(
            clock,
            kernel.supervisor.spawn,
            fast_lane=config.intake.fast_lane,
            on_failure=kernel.faults.part_failed,
        )
        bot = Pegasus(kernel, intake)
        if not translated:
            bot.tree.set_translator = _leave_in_english
        state.current = DiscordState(bot, clock, last_event_age=intake.last_event_age)
        env = PatientEnv(bot, settle_timeout=5)
        env.backend.clock._epoch = datetime.now(UTC).replace(microsecond=0)
        await env.start()
        try:
            yield Bench(env, bot, kernel)
        finally:
            await env.shutdown()
            await bot.close()
            await kernel.supervisor.stop()


async def _leave_in_english(_translator: object) -> None:
    """Stand in for the command tree's taking a translator."""


@asynccontextmanager
async def speaking(locale: str, guild_locale: str = "en-US") -> AsyncIterator[None]:
    """Have everybody's client set to a language; simcord's own is fixed to American English."""
    original = simcord_interactions.base_payload

    def in_language(*args: Any, **kwargs: Any) -> Any:
        record, payload = original(*args, **kwargs)
        payload["locale"] = locale
        if "guild_locale" in payload:
            payload["guild_locale"] = guild_locale
        return record, payload

    simcord_interactions.base_payload = in_language
    try:
        yield
    finally:
        simcord_interactions.base_payload = original
