"""Where levels are told, and where they are not."""

from __future__ import annotations

from typing import Any

import pytest

from cogs.levels.settings import Announcing
from db.levels import put_notify
from tests.cogs.levels.world import (
    ANN,
    BOB,
    CHANNEL,
    GUILD,
    PRIVATE,
    QUIET,
    THREAD,
    LevelWorld,
    ticket_in,
)


async def test_level_is_told_once_in_the_channel(world: LevelWorld) -> None:
    await world.earn(99)
    assert await world.level() == 0
    assert await world.told() == []

    await world.earn(200)
    assert await world.level() == 2
    [message] = await world.told()
    assert message.channel_id == CHANNEL
    assert message.payload["content"] == f"🎉 <@{ANN}> has reached level 2!"
    assert message.payload["allowed_mentions"] == {"parse": [], "users": []}
    assert [(one.before, one.level) for one in world.reached] == [(0, 2)]

    await world.earn(1)
    assert len(await world.told()) == 1


@pytest.mark.parametrize(
    ("settings", "wish", "expected"),
    [
        ({"announce": Announcing.OFF}, None, None),
        ({"announce": Announcing.PRIVATE}, None, (None, ANN)),
        (
            {"announce": Announcing.CHANNEL, "announce_channel_id": str(QUIET)},
            None,
            (QUIET, None),
        ),
        ({"announce": Announcing.CHANNEL}, None, (CHANNEL, None)),
        ({}, "off", None),
        ({}, "private", (None, ANN)),
        ({"announce": Announcing.OFF}, "private", (None, ANN)),
    ],
)
async def test_level_is_told_where_it_is_wanted(
    world: LevelWorld, settings: dict[str, Any], wish: str | None, expected: Any
) -> None:
    await world.set(**settings)
    async with world.database.write() as session:
        await put_notify(session, GUILD, ANN, wish)
    await world.earn(100)

    found = [(one.channel_id, one.user_id) for one in await world.told()]
    assert found == ([] if expected is None else [expected])


async def test_channel_that_the_bot_cant_write_in_is_no_matter(world: LevelWorld) -> None:
    await world.set(text_least=100, text_most=100)
    world.say(channel_id=QUIET)
    await world.counter.flush()

    assert await world.level() == 1
    assert await world.told() == []


async def test_nothing_is_told_in_a_private_thread_or_a_ticket(world: LevelWorld) -> None:
    await world.set(text_least=100, text_most=100)
    world.say(channel_id=PRIVATE)
    await world.counter.flush()
    async with world.database.write() as session:
        session.add(ticket_in(THREAD))
    world.say(channel_id=THREAD, user_id=BOB)
    await world.counter.flush()

    assert (await world.level(), await world.level(BOB)) == (1, 1)
    assert await world.told() == []


async def test_level_of_a_ticket_is_told_in_the_channel_for_it(world: LevelWorld) -> None:
    channel = {"announce": Announcing.CHANNEL, "announce_channel_id": str(QUIET)}
    await world.set(text_least=100, text_most=100, **channel)
    async with world.database.write() as session:
        session.add(ticket_in(THREAD))
    world.say(channel_id=THREAD)
    await world.counter.flush()

    assert [one.channel_id for one in await world.told()] == [QUIET]


async def test_own_text_with_a_mention_notifies_only_if_set(world: LevelWorld) -> None:
    await world.set(announce_text="{member.mention} **{level}** {xp} {guild}", announce_ping=True)
    await world.earn(1000)
    [message] = await world.told()

    assert message.payload["content"] == f"<@{ANN}> **4** 1,000 Garden"
    assert message.payload["allowed_mentions"] == {"parse": [], "users": [str(ANN)]}
