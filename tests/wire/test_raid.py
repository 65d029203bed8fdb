"""A raid over the wire: noticed once, doors closed, and all exactly as before when it is over."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from db import raids as table
from tests.wire.running import Bot, config_for, running, until

OVERWRITES = "/channels/*/permissions/*"
PAUSES = "/guilds/*/incident-actions"


def doors(guild: Guild) -> Any:
    return (
        {one.id: copy.deepcopy(one.overwrites) for one in guild.channels.values()},
        guild.extra["verification_level"],
        (guild.extra["incidents_data"] or {}).get("invites_disabled_until"),
    )


async def set_raids(bot: Bot, guild: Guild, **changes: Any) -> None:
    await until(lambda: bot.kernel.state().guild(guild.id))
    wanted = {"raid_enabled": True, "log_channel_id": str(guild.channel("staff").id)} | changes
    await bot.kernel.settings.change(guild.id, "automod", wanted, actor=SYSTEM, enabled=True)


async def raid_of(bot: Bot, guild: Guild) -> table.Raid | None:
    async with bot.kernel.database.read() as session:
        return await table.get_last_raid(session, guild.id)


async def let_it_get_quiet(bot: Bot, guild: Guild) -> None:
    """Have the last join be an hour ago."""
    kernel = bot.kernel
    raid = await raid_of(bot, guild)
    assert raid is not None
    now = kernel.clock.now()
    async with kernel.database.write() as session:
        await table.change_raid(session, raid.id, last_join_at=now - timedelta(hours=1))
        await kernel.jobs.hasten(session, f"automod.raid:{raid.id}", now)


async def is_over(bot: Bot, guild: Guild) -> bool:
    raid = await raid_of(bot, guild)
    return raid is not None and raid.state == "ended"


@pytest.fixture
def harbour(guild: Guild) -> Guild:
    crew = guild.add_role("Crew")
    guild.channel("general").set_overwrite(crew.id, 0, allow=1 << 11)
    guild.channel("welcome").set_overwrite(guild.id, 0, allow=1 << 6, deny=1 << 13)
    guild.channel("staff").set_overwrite(guild.id, 0, deny=1 << 10)
    return guild


async def test_raid_is_met_once_and_everything_is_as_before_afterwards(
    sandbox: Sandbox, harbour: Guild, sqlite_url: str
) -> None:
    before = doors(harbour)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_raids(bot, harbour, raid_lockdown=True, raid_verification=True)
        await bot.kernel.settings.change(
            harbour.id,
            "welcome",
            {"join_channel_id": str(harbour.channel("welcome").id), "card_enabled": False},
            actor=SYSTEM,
            enabled=True,
        )
        people = [sandbox.join(harbour, f"raider{number}") for number in range(50)]

        async def all_counted() -> bool:
            raid = await raid_of(bot, harbour)
            return raid is not None and raid.joins == len(people)

        await until(all_counted, within=20)
        await until(lambda: len(sandbox.recorder.calls_to("PUT", OVERWRITES)) == 3, within=20)
        await until(lambda: sandbox.recorder.calls_to("PUT", PAUSES), within=20)
        closed = doors(harbour)
        assert closed[0][harbour.channel("general").id][harbour.id].deny & 1 << 11
        assert closed[0][harbour.channel("staff").id] == before[0][harbour.channel("staff").id]
        assert closed[1] == 4
        assert closed[2] is not None
        await let_it_get_quiet(bot, harbour)
        await until(lambda: is_over(bot, harbour), within=20)
        await until(lambda: doors(harbour) == before, within=20)

    posted = sandbox.recorder.calls_to("POST", f"/channels/{harbour.channel('staff').id}/messages")
    assert len(posted) == 1
    (alert,) = harbour.channel("staff").messages.values()
    assert "The raid is over" in str(alert.embeds)
    assert len(sandbox.recorder.calls_to("PUT", PAUSES)) == 2
    assert not [call for call in sandbox.recorder.calls if call.status in (400, 403, 429)]


async def test_raiders_are_banned_through_the_bulk_endpoint(
    sandbox: Sandbox, harbour: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_raids(bot, harbour, raid_action="ban")
        members = len(harbour.members)
        for number in range(50):
            sandbox.join(harbour, f"raider{number}")
        await until(lambda: len(harbour.members) == members, within=30)

    assert len(harbour.bans) == 50
    assert not sandbox.recorder.calls_to("PUT", "/guilds/*/bans/*")
