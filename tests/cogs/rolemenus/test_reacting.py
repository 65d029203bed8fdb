"""Reactions on menus, from the gateway's payloads."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from bot.core.outbox.deliveries import DeliveryKind
from cogs.rolemenus.rules import Menu, Mode, Style
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
