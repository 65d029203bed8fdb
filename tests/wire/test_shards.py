"""Two processes' worth of shards on one PostgreSQL: what one does, the other knows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.config import Config
from bot.core.contracts import SYSTEM
from bot.core.jobs import Job
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import Bot, config_for, running, until

Pair = tuple[Bot, Bot]


@pytest.fixture
def guilds(sandbox: Sandbox) -> tuple[Guild, Guild]:
    """A guild of each shard."""
    found: dict[int, Guild] = {}
    while len(found) < 2:
        guild = sandbox.add_guild("Harbour", channels=("general", "welcome"))
        shard = (guild.id >> 22) % 2
        if shard in found:
            sandbox.world.remove_guild(guild)
        else:
            found[shard] = guild
    return found[0], found[1]


def shard(sandbox: Sandbox, url: str, shard_id: int) -> Config:
    return config_for(
        sandbox,
        url,
        discord={"shard_ids": [shard_id], "shard_count": 2},
        # What one does is not noticed by the other because that happened to look.
        jobs={"poll_seconds": 50},
    )


@pytest.fixture
async def pair(
    sandbox: Sandbox, guilds: tuple[Guild, Guild], postgres_url: str
) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running(shard(sandbox, postgres_url, 0)))
        second = await stack.enter_async_context(running(shard(sandbox, postgres_url, 1)))
        yield first, second


async def test_each_process_serves_its_own_guilds(
    sandbox: Sandbox, guilds: tuple[Guild, Guild], pair: Pair
) -> None:
    for bot, guild in zip(pair, guilds, strict=True):
        assert [one.id for one in bot.kernel.state().guilds()] == [guild.id]
    await until(lambda: sandbox.application.commands)
    for guild in guilds:
        ada = sandbox.join(guild, "ada")
        assert (await ada.slash(guild.channel("general"), "about")).response is not None
    for bot in pair:
        assert await bot.metric("commands_total", command="about") == 1
    # One of them registered the commands.
    assert len(sandbox.recorder.calls_to("PUT", "/applications/*/commands")) == 1


async def test_setting_changed_in_one_process_applies_in_the_other(
    sandbox: Sandbox, guilds: tuple[Guild, Guild], pair: Pair
) -> None:
    (first, second), guild = pair, guilds[0]
    guild.update(system_channel_id=guild.channel("welcome").id)
    assert not first.kernel.settings.peek(guild.id, "welcome").enabled
    await second.kernel.settings.change(
        guild.id, "welcome", {"card_enabled": False}, actor=SYSTEM, enabled=True
    )
    await until(lambda: first.kernel.settings.peek(guild.id, "welcome").enabled, within=2.0)
    ada = sandbox.join(guild, "ada")
    await sandbox.wait_for_message(guild.channel("welcome"), containing=ada.mention)
    assert await first.metric("config_changes_total", feature="welcome") == 0
    assert await second.metric("config_changes_total", feature="welcome") == 1


async def test_statistics_are_summed_by_either(
    sandbox: Sandbox, guilds: tuple[Guild, Guild], pair: Pair
) -> None:
    users = sum(len(guild.members) for guild in guilds)
    for bot in pair:

        async def both(bot: Bot = bot) -> bool:
            stats = (await bot.get("/api/stats"))[1]["bot"]
            return (stats["processes"], stats["guilds"], stats["users"]) == (2, 2, users)

        await until(both)


async def test_job_runs_once_and_in_the_process_of_its_guild(
    guilds: tuple[Guild, Guild], pair: Pair
) -> None:
    runs: list[tuple[int, str]] = []
    both_ran = asyncio.Event()
    for number, bot in enumerate(pair):

        async def note(job: Job, session: AsyncSession, number: int = number) -> None:
            runs.append((number, job.dedupe_key))
            if len(runs) == 3:
                both_ran.set()

        bot.kernel.jobs.register("probe", note)
    kernel = pair[1].kernel
    async with kernel.database.write() as session:
        for key, guild in (("first", guilds[0]), ("second", guilds[1]), ("nobody's", None)):
            await kernel.jobs.schedule(
                session,
                "probe",
                kernel.clock.now(),
                dedupe_key=key,
                guild_id=guild.id if guild else None,
            )
    # Far sooner than either would look by itself.
    await asyncio.wait_for(both_ran.wait(), 30)
    assert sorted(key for _, key in runs) == ["first", "nobody's", "second"]
    assert (0, "first") in runs
    assert (1, "second") in runs
