"""Nobody can have the bot give a role that they could not give themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest

from bot.core.contracts import SYSTEM, Actor
from bot.core.errors import Denied
from db.engine import Database
from tests.simcord_env import Bench, running_bench

FIELDS = [
    ("verification", "verified_role_id"),
    ("moderation", "mute_role_id"),
    ("autorole", "sticky_allowed"),
]


@pytest.fixture
async def bench(sqlite_database: Database) -> AsyncIterator[Bench]:
    async with running_bench(sqlite_database) as bench:
        yield bench


def _people(bench: Bench) -> tuple[Any, Any, Any, Any, Any]:
    """Return a guild with a manager, who has Manage Server and no more, and a role above theirs."""
    guild = bench.env.create_guild("Harbour")
    # New roles come to stand below those that there are.
    high = guild.create_role("Captain", permissions=discord.Permissions(administrator=True))
    low = guild.create_role("Manager", permissions=discord.Permissions(manage_guild=True))
    manager = guild.add_member(bench.env.create_user("manager"), roles=[low])
    return guild, guild.create_text_channel("general"), manager, low, high


@pytest.mark.parametrize(("feature", "name"), FIELDS)
async def test_role_above_ones_own_is_refused_whoever_may_change_the_settings(
    bench: Bench, feature: str, name: str
) -> None:
    guild, channel, manager, low, high = _people(bench)
    command = "settings set"
    for role in (high, low):
        options = {"feature": feature, "field": name, "value": str(role.id)}
        said = (await manager.slash(channel, command, **options)).response.content
        assert "is not below your highest role" in said, said
    state = await bench.kernel.settings.get(guild.id, feature)
    assert not getattr(state.settings, name)


async def test_owner_and_system_are_above_ranks(bench: Bench) -> None:
    guild, _, _, _, high = _people(bench)
    changes = {"verified_role_id": str(high.id)}
    await bench.kernel.settings.change(guild.id, "verification", changes, actor=SYSTEM)


async def test_rollback_to_a_role_above_ones_own_is_refused(bench: Bench) -> None:
    guild, _, manager, _, high = _people(bench)
    settings = bench.kernel.settings
    changes = {"verified_role_id": str(high.id)}
    await settings.change(guild.id, "verification", changes, actor=SYSTEM)
    await settings.reset(guild.id, "verification", None, actor=SYSTEM)
    low = Actor(manager.id, "command", "manager", rank=1)

    with pytest.raises(Denied, match="not below your highest role"):
        await settings.rollback(guild.id, "verification", 1, actor=low)
    # What stands already is no reason against other changes.
    await settings.change(guild.id, "verification", changes, actor=SYSTEM)
    await settings.change(guild.id, "verification", {"method": "button"}, actor=low)
