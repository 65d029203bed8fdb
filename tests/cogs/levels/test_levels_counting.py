"""Experience for messages: what earns, what is remembered, what is written behind."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from bot.core.contracts import SYSTEM
from db.engine import Database
from db.guilds import GuildMember, mark_members_left
from tests.bot.core.roles.world import BLUE, RED
from tests.cogs.levels.world import (
    ANN,
    BOB,
    CATEGORY,
    CHANNEL,
    GUILD,
    JOINED,
    QUIET,
    THREAD,
    LevelWorld,
)
from tests.fakes import FakeClock


async def test_message_earns_once_in_a_pause(world: LevelWorld) -> None:
    world.say()
    world.say()
    await world.counter.flush()
    first = await world.xp()
    assert 15 <= first <= 25

    world.clock.advance(59)
    world.say()
    await world.counter.flush()
    assert await world.xp() == first

    world.clock.advance(1)
    world.say()
    await world.counter.flush()
    assert 30 <= await world.xp() <= 50
    assert (await world.days())[date(2026, 6, 1)][0] == await world.xp()


async def test_member_is_stored_with_their_own_join(world: LevelWorld) -> None:
    world.say()
    await world.counter.flush()
    found = await world.member()

    assert found is not None
    assert found.joined_at.isoformat() == JOINED.replace(".000000", "")
    assert found.left_at is None


async def test_pauses_are_of_each_member(world: LevelWorld) -> None:
    world.say(user_id=ANN)
    world.say(user_id=BOB)
    await world.counter.flush()

    assert await world.xp(ANN) > 0
    assert await world.xp(BOB) > 0
    assert world.counter.ready_in((GUILD, ANN)) == 60


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, {"content": "ok"}),
        ({"text_enabled": False}, {}),
        ({"excluded_roles": [str(RED)]}, {"role_ids": frozenset({RED})}),
        ({"excluded_channels": [str(CHANNEL)]}, {}),
        ({"excluded_channels": [str(CATEGORY)]}, {}),
        ({"excluded_channels": [str(CATEGORY)]}, {"channel_id": THREAD}),
        ({"multipliers": [{"channel_id": str(CHANNEL), "percent": 0}]}, {}),
        (
            {"multipliers": [{"role_id": str(RED), "percent": 0}]},
            {"role_ids": frozenset({RED, BLUE})},
        ),
    ],
)
async def test_message_that_earns_nothing(
    world: LevelWorld, settings: dict[str, Any], message: dict[str, Any]
) -> None:
    await world.set(**settings)
    world.say(**message)
    await world.counter.flush()

    assert await world.xp() == 0
    # It begins no pause either.
    assert world.counter.ready_in((GUILD, ANN)) == 0


async def test_feature_that_is_off_counts_nothing(world: LevelWorld) -> None:
    await world.set(enabled=False)
    world.say()
    await world.counter.flush()

    assert await world.member() is None


async def test_file_without_words_earns(world: LevelWorld) -> None:
    world.say("x", raw={"attachments": [{"id": "1"}]})
    await world.counter.flush()

    assert await world.xp() > 0


async def test_repeats_earn_nothing_until_something_else_is_said(world: LevelWorld) -> None:
    await world.set(text_cooldown=0)
    world.say("buy my mixtape, it is great")
    world.say("BUY my mixtape - it is great!")
    await world.counter.flush()
    first = await world.xp()
    assert first <= 25

    world.say("who wants to play tonight?")
    world.say("buy my mixtape, it is great")
    await world.counter.flush()
    assert await world.xp() >= 45

    await world.set(text_similarity=0)
    world.say("buy my mixtape, it is great")
    await world.counter.flush()
    assert await world.xp() >= 60


async def test_without_content_only_the_pause_counts(world: LevelWorld) -> None:
    world.counter = world.make_counter(reads_content=False)
    world.counter.see(_bare(world))
    await world.counter.flush()
    world.clock.advance(60)
    world.counter.see(_bare(world))
    await world.counter.flush()

    assert await world.xp() >= 30


def _bare(world: LevelWorld) -> Any:
    from bot.core.contracts import MessageFacts

    return MessageFacts(1, GUILD, CHANNEL, ANN, "", frozenset(), {})


async def test_multipliers_and_boosts_multiply(world: LevelWorld) -> None:
    await world.set(
        text_least=100,
        text_most=100,
        text_cooldown=0,
        multipliers=[
            {"role_id": str(RED), "percent": 150},
            {"role_id": str(BLUE), "percent": 50},
            {"channel_id": str(CATEGORY), "percent": 200},
        ],
    )
    world.say(role_ids=frozenset({RED, BLUE}))
    await world.counter.flush()
    assert await world.xp() == 300

    await world.staff.boost(GUILD, 200, timedelta(hours=1), SYSTEM)
    world.say(role_ids=frozenset({BLUE}), channel_id=QUIET)
    await world.counter.flush()
    assert await world.xp() == 400

    world.clock.advance(timedelta(hours=1))
    world.say(channel_id=QUIET)
    await world.counter.flush()
    assert await world.xp() == 500


async def test_boost_outlives_a_restart(world: LevelWorld) -> None:
    await world.staff.boost(GUILD, 300, timedelta(hours=1), SYSTEM)
    again = LevelWorld(world.database, world.clock, world.discord)
    await again.boosts.start()
    assert again.boosts.percent(GUILD) == 300

    assert await again.staff.end_boost(GUILD, SYSTEM)
    assert not await again.staff.end_boost(GUILD, SYSTEM)
    assert again.boosts.get(GUILD) is None


async def test_what_cant_be_written_is_kept_and_written_once(
    world: LevelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say(user_id=ANN)
    world.say(user_id=BOB)
    counted = world.counter.pending((GUILD, ANN))
    earn = world.book.earn

    async def fail(*arguments: Any) -> Any:
        await earn(*arguments)
        raise OperationalError("", {}, OSError("away"))

    monkeypatch.setattr(world.book, "earn", fail)
    with pytest.raises(OperationalError):
        await world.counter.flush()
    monkeypatch.undo()
    world.clock.advance(60)
    world.say(user_id=ANN)
    more = world.counter.pending((GUILD, ANN))
    assert more > counted

    await world.counter.flush()
    await world.counter.flush()
    assert await world.xp(ANN) == more
    assert await world.xp(BOB) > 0


async def test_member_whose_row_is_refused_holds_up_nobody(
    world: LevelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user_id in (ANN, BOB, 1003):
        world.say(user_id=user_id)
    earn = world.book.earn

    async def refuse(session: Any, earnings: Any) -> Any:
        found = await earn(session, earnings)
        if any(one.user_id == BOB for one in earnings):
            raise OverflowError("too large")
        return found

    monkeypatch.setattr(world.book, "earn", refuse)
    await world.counter.flush()

    assert await world.xp(ANN) > 0
    assert await world.xp(1003) > 0
    assert await world.xp(BOB) == 0
    assert world.counter.pending((GUILD, BOB)) == 0


async def test_writing_that_is_cancelled_as_it_ends_is_stored_once(world: LevelWorld) -> None:
    await world.set(text_least=20, text_most=20)
    world.say()
    task = asyncio.create_task(world.counter.flush())

    def cancel(_session: Session) -> None:
        task.cancel()

    event.listen(Session, "after_commit", cancel)
    try:
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        event.remove(Session, "after_commit", cancel)
    await world.counter.flush()

    assert await world.xp() == 20


async def test_memory_is_bounded(world: LevelWorld) -> None:
    world.counter = world.make_counter(most_remembered=2, most_pending=3)
    for user_id in (1, 2, 3, 4):
        world.say(user_id=user_id)

    assert world.counter.dropped == 1
    # The oldest is forgotten first, and whoever was not counted has no pause.
    assert [world.counter.ready_in((GUILD, one)) for one in (1, 2, 3, 4)] == [0, 60, 60, 0]
    with capture_logs() as logs:
        await world.counter.flush()
        await world.counter.flush()
    told = [one for one in logs if one["event"] == "experience_dropped"]
    assert [one["messages"] for one in told] == [1]


async def test_who_writes_after_they_left_is_there_again(world: LevelWorld) -> None:
    await world.earn(50)
    async with world.database.write() as session:
        await mark_members_left(session, {(GUILD, ANN): world.clock.now()})
    assert await world.standings.board(GUILD, "all") == []
    assert await world.standings.board(GUILD, "week") == []

    world.clock.advance(90)
    await world.earn(20)
    [place] = await world.standings.board(GUILD, "all")
    assert (place.user_id, place.xp) == (ANN, 70)


async def test_what_was_written_before_leaving_marks_nobody_present(world: LevelWorld) -> None:
    world.say()
    world.clock.advance(1)
    async with world.database.write() as session:
        await mark_members_left(session, {(GUILD, ANN): world.clock.now()})
    await world.counter.flush()
    found = await world.member()

    assert found is not None
    assert found.left_at == world.clock.now()
    assert found.xp > 0


async def test_experience_needs_more_than_32_bits(world: LevelWorld) -> None:
    async with world.database.write() as session:
        session.add(
            GuildMember(
                guild_id=GUILD,
                user_id=ANN,
                xp=2**53 - 10,
                level=0,
                joined_at=world.clock.now(),
            )
        )
    await world.earn(900)

    assert await world.xp() == 2**53 - 1


async def test_rank_sees_what_was_counted(world: LevelWorld) -> None:
    await world.earn(500, BOB)
    world.say()
    rank = await world.standings.rank(GUILD, ANN)

    assert rank.rank == 2
    assert rank.xp == await world.xp() > 0
    assert (await world.standings.rank(GUILD, BOB)).rank == 1
    assert (await world.standings.rank(GUILD, 1003)).rank == 0


async def test_boards_of_week_and_month_begin_with_their_days(
    database: Database, clock: FakeClock
) -> None:
    world = LevelWorld(database, clock)
    await world.set()
    # A Monday, the first of June; the week of the 8th begins with its Monday.
    await world.earn(100, ANN)
    clock.advance(timedelta(days=6))
    await world.earn(30, BOB)
    assert [one.user_id for one in await world.standings.board(GUILD, "week")] == [ANN, BOB]
    clock.advance(timedelta(days=1))
    assert await world.standings.board(GUILD, "week") == []
    await world.earn(5, BOB)

    assert [(one.user_id, one.xp) for one in await world.standings.board(GUILD, "week")] == [
        (BOB, 5)
    ]
    assert [(one.user_id, one.xp) for one in await world.standings.board(GUILD, "month")] == [
        (ANN, 100),
        (BOB, 35),
    ]
    ranks = [await world.standings.own_rank(GUILD, BOB, one) for one in ("week", "month", "all")]
    assert ranks == [1, 2, 2]
    assert await world.standings.own_rank(GUILD, ANN, "week") == 0
    clock.advance(timedelta(days=30))
    assert await world.standings.board(GUILD, "month") == []
    assert len(await world.standings.board(GUILD, "all")) == 2


async def test_day_is_that_of_the_guilds_zone(world: LevelWorld) -> None:
    await world.settings.change(GUILD, "general", {"time_zone": "Pacific/Auckland"}, actor=SYSTEM)
    await world.settings.get(GUILD, "general")
    world.say()
    await world.counter.flush()

    # Noon in UTC is midnight there.
    assert list(await world.days()) == [date(2026, 6, 2)]
