"""Bans that delete: what Discord took along is told from what is still there."""

from __future__ import annotations

from datetime import timedelta

from bot.core.cases import Delayed, NotPermitted
from db import automod_messages as message_table
from tests.cogs.automod.world import ANN, World, rule, words

BAN = {"type": "ban", "delete_window": 3600}
ROLE = {"type": "add_role", "role_id": "700"}
HOUR_IN_ID = 3_600_000 << 22


async def states(world: World) -> list[str]:
    return [row.state for row in await world.rows(message_table.IncidentMessage)]


async def test_edit_of_a_message_older_than_the_window_is_deleted_by_us(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", BAN))
    old = world.message("hello").id - 2 * HOUR_IN_ID
    await world.say("nitro", message_id=old, edited=True)

    assert world.discord.bans == {ANN.id}
    assert world.bridge.deleted == {old}
    assert await states(world) == ["deleted"]


async def test_ban_that_discord_delays_leaves_the_deleting_to_us(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", BAN))
    world.discord.before.append(Delayed("busy", after=timedelta(hours=1)))
    facts = world.message("nitro")
    await world.say("nitro", message_id=facts.id)

    assert [case.state for case in await world.all_cases()] == ["planned"]
    assert world.bridge.deleted == {facts.id}
    assert await states(world) == ["deleted"]


async def test_role_beside_a_refused_ban_says_nothing_of_the_messages(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", BAN, ROLE))
    world.discord.before.append(NotPermitted("missing_permissions"))
    facts = world.message("nitro")
    await world.say("nitro", message_id=facts.id)

    assert world.discord.roles[ANN.id] == {700}
    assert world.bridge.deleted == {facts.id}


async def test_refused_role_beside_a_ban_has_nothing_deleted_twice(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", BAN, ROLE))
    world.discord.before += [None, NotPermitted("missing_permissions")]
    await world.say("nitro")

    assert world.discord.bans == {ANN.id}
    assert world.bridge.calls == []
    assert await states(world) == ["deleted"]
