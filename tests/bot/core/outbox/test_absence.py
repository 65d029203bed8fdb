"""What was to be said in a guild that the bot is taken out of."""

from __future__ import annotations

from datetime import timedelta

from bot.core.outbox import LATEST, NotPermitted
from db import outbox as table
from tests.bot.core.outbox.world import GUILD, OTHER, World

HOUR = timedelta(hours=1)


async def leave(world: World) -> None:
    async with world.database.write() as session:
        await world.outbox.suspend(session, GUILD)


async def come_back(world: World) -> None:
    async with world.database.write() as session:
        await world.outbox.take_up(session, GUILD)
    await world.outbox.run_due()


async def test_what_waited_or_was_parked_is_said_when_the_bot_is_back(world: World) -> None:
    """Whoever forgot a permission often takes the bot out and adds it again."""
    world.discord.answers = [NotPermitted("send_messages")]
    await world.say("parked")
    await world.outbox.run_due()
    await world.say("later", OTHER, not_before=world.clock.now() + 2 * HOUR)
    await leave(world)
    world.clock.advance(HOUR)
    await world.outbox.resume_parked(guild_id=GUILD)
    await world.outbox.run_due()
    assert world.discord.texts == []

    await come_back(world)
    assert world.discord.texts == ["parked"]
    world.clock.advance(HOUR)
    await world.outbox.run_due()
    assert world.discord.texts == ["parked", "later"]


async def test_what_is_a_day_old_by_then_is_not_said(world: World) -> None:
    await world.say("old")
    await leave(world)
    world.clock.advance(LATEST + HOUR)
    await world.say("new")
    await leave(world)
    await come_back(world)
    assert world.discord.texts == ["new"]
    assert (await world.row("old")).payload == {}


async def test_nothing_is_kept_for_longer_while_the_bot_is_away(world: World) -> None:
    await world.say("old")
    await leave(world)
    world.clock.advance(HOUR)
    async with world.database.write() as session:
        now = world.clock.now()
        assert not await table.cancel_suspended_messages(session, before=now - HOUR)
        assert await table.cancel_suspended_messages(session, before=now) == 1
    assert (await world.row("old")).payload == {}
    await come_back(world)
    assert world.discord.texts == []
