"""Reactions on menus, from the gateway's payloads."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from bot.core.outbox.deliveries import DeliveryKind
from cogs.rolemenus import catchup
from cogs.rolemenus.rules import Menu, Mode, Style
from db.role_menus import change_post
from tests.cogs.rolemenus.world import ANN, BLUE, BOB, CHANNEL, GUILD, RED, World

BOT = 42
RED_ONE, BLUE_ONE = "🔴", "🟠"


@pytest.fixture
async def menu(world: World) -> Menu:
    """Return a posted menu with reactions, of which a member may have one role."""
    menu = await world.make(style=Style.REACTIONS, mode=Mode.UNIQUE, caps={BLUE: 1})
    await world.desk.post(menu, CHANNEL)
    await world.work()
    return menu


def payload(world: World, emoji: str, user_id: int = ANN, **values: Any) -> dict[str, Any]:
    (message_id,) = world.reactor.reactions
    member = {"roles": [], "user": {"id": str(user_id)}}
    event = {
        "message_id": str(message_id),
        "channel_id": str(CHANNEL),
        "guild_id": str(GUILD),
        "user_id": str(user_id),
        "emoji": {"id": None, "name": emoji},
        "member": member,
    }
    return event | values


async def react(world: World, emoji: str, user_id: int = ANN, *, on: bool = True) -> bool:
    """Let Discord tell of a reaction; false when nothing is made of it."""
    event = payload(world, emoji, user_id)
    if not on:
        del event["member"]
    reaction = world.reactions.read(event, on=on, own_id=BOT)
    if reaction is not None:
        await world.reactions.take(reaction)
    return reaction is not None


async def test_reaction_of_others_than_members_is_none(world: World, menu: Menu) -> None:
    bot = {"roles": [], "user": {"id": "7", "bot": True}}

    assert world.reactions.read(payload(world, RED_ONE, BOT), on=True, own_id=BOT) is None
    assert world.reactions.read(payload(world, RED_ONE, member=bot), on=True, own_id=BOT) is None
    other = payload(world, RED_ONE, message_id="1")
    assert world.reactions.read(other, on=True, own_id=BOT) is None
    # An emoji that is none of the menu's does nothing.
    assert await react(world, "🎨")
    assert await world.places(menu, RED) == 0


async def test_switch_takes_the_other_reaction_back_and_keeps_the_role(
    world: World, menu: Menu
) -> None:
    await react(world, RED_ONE)
    await react(world, BLUE_ONE)
    (message_id,) = world.reactor.reactions
    assert world.reactor.taken_back == [(message_id, RED_ONE, ANN)]

    # Discord tells of what was taken back, too: that is nobody's wish.
    assert not await react(world, RED_ONE, on=False)
    await world.roles.run_due()
    assert world.discord.roles[ANN] == {BLUE}

    await react(world, BLUE_ONE, on=False)
    await world.roles.run_due()
    assert world.discord.roles[ANN] == set()
    assert await world.places(menu, BLUE) == 0


async def test_refusal_is_taken_back_and_told_once(world: World, menu: Menu) -> None:
    await react(world, BLUE_ONE, BOB)
    for _attempt in range(2):
        await react(world, BLUE_ONE)
        assert not await react(world, BLUE_ONE, on=False)
    await world.work()

    told = [one for one in world.courier.delivered if one.kind is DeliveryKind.DIRECT]
    assert [one.user_id for one in told] == [ANN]
    assert "did nothing: <@&702> is full" in told[0].payload["content"]
    assert len(world.reactor.taken_back) == 2
    assert world.discord.roles[ANN] == set()
    assert menu.id


async def test_quick_reactions_end_with_the_last(world: World, menu: Menu) -> None:
    await asyncio.gather(
        react(world, RED_ONE), react(world, RED_ONE, on=False), react(world, RED_ONE)
    )
    await world.roles.run_due()

    assert world.discord.roles[ANN] == {RED}
    assert await world.places(menu, RED) == 1


async def test_nothing_happens_while_menus_are_off(world: World, menu: Menu) -> None:
    await world.settings.change(GUILD, "rolemenus", {}, enabled=False, actor=SYSTEM)

    await react(world, RED_ONE)
    await world.work()

    assert world.reactor.taken_back == []
    assert world.discord.roles[ANN] == set()
    assert menu.id


async def come_back(world: World) -> None:
    """Begin a session of the gateway, and let all that follows be done."""
    await world.catch_up.begin_session([GUILD])
    await world.jobs.run_due()
    await world.work()


async def test_what_was_done_while_away_is_made_good(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catchup, "PAGE", 3)
    menu = await world.make(style=Style.REACTIONS)
    await world.desk.post(menu, CHANNEL)
    await world.work()
    await react(world, RED_ONE)
    await react(world, RED_ONE, BOB)
    await world.roles.run_due()
    assert (world.discord.roles[ANN], world.discord.roles[BOB]) == ({RED}, {RED})

    # Ann takes hers back, Bob's stays though staff took the role; others come, one has left.
    (message_id,) = world.reactor.reactions
    others = set(range(2000, 2007))
    world.discord.members |= others
    world.discord.roles[BOB].discard(RED)
    world.reactor.roles[ANN] = {RED}
    world.reactor.gone = {2001}
    world.reactor.members[message_id, RED_ONE] = {BOT, BOB, *others}
    await come_back(world)
    assert world.discord.roles[ANN] == world.discord.roles[BOB] == set()
    assert {one for one in others if RED in world.discord.roles[one]} == others - {2001}

    calls = len(world.discord.calls)
    await come_back(world)
    assert len(world.discord.calls) == calls


async def test_refusal_of_what_was_done_while_away_is_not_repeated(
    world: World, menu: Menu
) -> None:
    await react(world, BLUE_ONE, BOB)
    (message_id,) = world.reactor.reactions
    # Taken back it is not: the bot lacks the permission.
    world.reactor.members[message_id, BLUE_ONE] = {ANN, BOB}
    world.reactor.refusing = True
    for _time in range(2):
        await come_back(world)
        world.clock.advance(timedelta(minutes=2))

    told = [one for one in world.courier.delivered if one.kind is DeliveryKind.DIRECT]
    assert [one.user_id for one in told] == [ANN]
    assert menu.id


async def test_reactions_from_before_the_record_are_taken_as_dealt_with(
    world: World, menu: Menu
) -> None:
    (message_id,) = world.reactor.reactions
    async with world.database.write() as session:
        await change_post(session, 1, is_read=False)
    world.reactor.members[message_id, RED_ONE] = {ANN}
    await come_back(world)
    assert world.discord.calls == []
    world.reactor.members[message_id, RED_ONE] |= {BOB}
    await come_back(world)
    assert (world.discord.roles[ANN], world.discord.roles[BOB]) == (set(), {RED})
    assert menu.id
