"""Deliveries of which nobody knows whether they were seen are not repeated."""

from __future__ import annotations

from datetime import timedelta

from bot.core.outbox import NONCE_WINDOW, Delayed, NotPermitted
from tests.bot.core.outbox.world import World


async def test_lost_answer_is_not_repeated_soon_after(world: World):
    world.discord.after_sending = [Delayed("connection", maybe_sent=True)]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(10)
    await world.outbox.run_due()

    assert world.discord.texts == ["hello"]
    assert world.discord.searches == 0
    assert (await world.row("hello")).message_id == 1000


async def test_lost_answer_is_not_repeated_after_discord_forgot_the_nonce(world: World):
    world.discord.after_sending = [Delayed("connection", maybe_sent=True)]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(NONCE_WINDOW)
    await world.outbox.run_due()

    assert world.discord.texts == ["hello"]
    assert world.discord.searches == 1
    assert (await world.row("hello")).message_id == 1000


async def test_unsent_message_is_sent_after_a_search_in_vain(world: World):
    world.discord.answers = [Delayed("connection", maybe_sent=True)]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(NONCE_WINDOW)
    await world.outbox.run_due()

    assert world.discord.searches == 1
    assert world.discord.texts == ["hello"]


async def test_search_does_not_take_the_same_words_of_another_delivery(world: World):
    await world.say("same", dedupe_key="one")
    await world.outbox.run_due()
    world.discord.answers = [Delayed("connection", maybe_sent=True)]
    await world.say("same", dedupe_key="two")
    await world.outbox.run_due()
    world.clock.advance(NONCE_WINDOW)
    await world.outbox.run_due()

    assert world.discord.texts == ["same", "same"]
    assert {(await world.row(key)).message_id for key in ("one", "two")} == {1000, 1001}


async def test_refused_attempt_leaves_no_doubt(world: World):
    """A delivery that certainly was not made needs no search, however long ago it was tried."""
    world.discord.answers = [Delayed("rate_limited", after=timedelta(hours=1))]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(timedelta(hours=1))
    await world.outbox.run_due()

    assert (world.discord.texts, world.discord.searches) == (["hello"], 0)


async def test_refused_attempt_does_not_end_the_doubt_of_an_earlier_one(world: World):
    world.discord.after_sending = [Delayed("connection", maybe_sent=True)]
    await world.say("hello")
    await world.outbox.run_due()
    world.clock.advance(60)
    world.discord.answers = [NotPermitted("missing_permissions")]
    await world.outbox.run_due()
    world.clock.advance(timedelta(days=1))
    await world.outbox.resume_parked()
    await world.outbox.run_due()

    assert (world.discord.texts, world.discord.searches) == (["hello"], 1)
