"""Each giveaway is drawn exactly once, however it ends, and the draw can be proven."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from bot.core.jobs import Job
from cogs.giveaways import finding
from cogs.giveaways.proof import proof_of
from cogs.giveaways.verify import check_proof
from db import giveaway_entries, giveaway_proofs
from db.engine import Database
from db.giveaways import (
    CANCELLED,
    DRAWING,
    ENDED,
    PAUSED,
    SKIPPED,
    WON,
    Giveaway,
    GiveawayEntry,
    GiveawayRound,
    GiveawayWinner,
)
from tests.cogs.giveaways.stage import (
    CHANNEL,
    GUILD,
    HOST,
    HOUR,
    FakeMembers,
    Stage,
    fill,
    make_giveaway,
    make_stage,
)


@pytest.fixture
def stage(database: Database) -> Stage:
    return make_stage(database)


@pytest.fixture(params=["short list", "long list"])
def anylist(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short list of entries is final as it is closed, a long one is read after that."""
    if request.param == "long list":
        monkeypatch.setattr(finding, "SHORT_LIST", 0)


async def check(stage: Stage, giveaway_id: uuid.UUID) -> list[str]:
    """Check the proof of all draws as anybody would."""
    async with stage.database.read() as session:
        giveaway = await giveaway_proofs.get_giveaway(session, GUILD, giveaway_id)
        assert giveaway is not None
        entries = await giveaway_proofs.list_entry_lines(session, giveaway_id)
        rounds = await giveaway_proofs.list_drawn_rounds(session, giveaway_id)
        drawn = await giveaway_proofs.list_drawn(session, giveaway_id)
    return check_proof(proof_of(giveaway, entries, rounds, drawn))


@pytest.mark.usefixtures("anylist")
async def test_when_its_time_comes_it_is_closed_published_and_drawn(stage: Stage):
    giveaway = await stage.add(winner_count=2)
    await stage.fill(giveaway, 9)
    await stage.wait(HOUR - timedelta(seconds=1))
    assert stage.said() == []

    await stage.wait(1)

    row = await stage.get(giveaway)
    assert (row.status, row.ended_at, row.rounds) == (ENDED, stage.clock.now(), 1)
    winners = await stage.drawn(giveaway)
    assert [one.state for one in winners] == [WON, WON]
    closed, result = stage.said()
    (first,) = await stage.rounds(giveaway)
    assert "9 people have entered" in closed
    assert first.entries_root in closed
    assert str(giveaway) in closed
    assert first.seed is not None
    assert first.seed not in closed
    assert first.seed in result
    assert all(f"<@{one.user_id}>" in result for one in winners)
    assert "**A \\*boat\\***" in result
    assert set(stage.letters()) == {one.user_id for one in winners}
    assert stage.board.refreshed == [giveaway, giveaway]
    assert len(await check(stage, giveaway)) == 4


async def test_only_the_winners_are_mentioned(stage: Stage):
    giveaway = await stage.add()
    await stage.fill(giveaway, 3)
    await stage.end(giveaway)

    (winner,) = await stage.drawn(giveaway)
    result = stage.posts()[1]
    assert result["allowed_mentions"]["users"] == [str(winner.user_id)]
    assert result["allowed_mentions"]["parse"] == []
    assert result["message_reference"]["message_id"] == "4711"
    assert "components" not in result


async def test_nobody_entered_ends_without_winners_and_says_so(stage: Stage):
    giveaway = await stage.add()
    await stage.end(giveaway)

    assert (await stage.get(giveaway)).status == ENDED
    assert await stage.drawn(giveaway) == []
    (said,) = stage.said()
    assert said.startswith("Nobody entered")
    assert len(await check(stage, giveaway)) == 4


async def test_who_may_not_win_is_passed_over_with_the_reason(stage: Stage):
    stage.members.gone = {1, 2}
    stage.members.roles = {4: {7}, 5: {7}, 6: {7}}
    await stage.set(blocked_roles=["66"])
    stage.members.roles[6].add(66)
    giveaway = await stage.add(winner_count=3, requirements={"all_roles": ["7"]})
    await stage.fill(giveaway, 6)
    async with stage.database.write() as session:
        await giveaway_entries.add_block(
            session, GUILD, 5, reason=None, blocked_by=HOST, now=stage.clock.now()
        )

    await stage.end(giveaway)

    drawn = {one.user_id: (one.state, one.reason) for one in await stage.drawn(giveaway)}
    assert drawn == {
        1: (SKIPPED, "left"),
        2: (SKIPPED, "left"),
        3: (SKIPPED, "roles"),
        4: (WON, None),
        5: (SKIPPED, "blocked"),
        6: (SKIPPED, "blocked"),
    }
    assert "Only 1 of 3 winners" in stage.said()[-1]
    await check(stage, giveaway)


async def test_when_nobody_may_win_it_ends_and_says_so(stage: Stage):
    stage.members.gone = {1, 2}
    giveaway = await stage.add()
    await stage.fill(giveaway, 2)
    await stage.end(giveaway)

    assert (await stage.get(giveaway)).status == ENDED
    assert "Nobody who entered may still win" in stage.said()[-1]
    await check(stage, giveaway)


async def test_nobody_is_passed_over_because_discord_is_silent(stage: Stage):
    giveaway = await stage.add()
    await stage.fill(giveaway, 3)
    stage.members.silent = 2

    await stage.end(giveaway)
    assert (await stage.get(giveaway)).status == DRAWING
    assert len(stage.said()) == 1

    await stage.wait(10)
    await stage.wait(10)
    assert (await stage.get(giveaway)).status == ENDED
    assert [one.state for one in await stage.drawn(giveaway)] == [WON]
    assert len(stage.said()) == 2


async def test_a_guild_that_is_away_is_drawn_when_it_is_back_and_asked_for_ever_less(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
):
    stage = make_stage(sqlite_database)
    giveaway = await stage.add()
    await stage.fill(giveaway, 3)
    looks = 0

    def away(_guild_id: int) -> None:
        nonlocal looks
        looks += 1

    with monkeypatch.context() as patch:
        patch.setattr(stage.view, "guild", away)
        await stage.end(giveaway)
        for _ in range(100):
            await stage.wait(timedelta(minutes=15))
    # Over 25 hours: soon in the beginning, then each hour.
    assert looks < 40
    assert (await stage.get(giveaway)).status == DRAWING

    await stage.wait(HOUR)
    assert (await stage.get(giveaway)).status == ENDED


async def test_only_as_many_are_looked_up_as_needed(sqlite_database: Database):
    stage = make_stage(sqlite_database)
    giveaway = await stage.add(winner_count=1)
    await stage.fill(giveaway, 3000)
    await stage.end(giveaway)

    assert len(stage.members.asked) <= 5


async def test_many_who_left_are_passed_over_in_batches(sqlite_database: Database):
    stage = make_stage(sqlite_database)
    stage.members.gone = set(range(1, 400))
    giveaway = await stage.add(winner_count=1)
    await stage.fill(giveaway, 400)
    await stage.end(giveaway)

    *skipped, winner = await stage.drawn(giveaway)
    assert (winner.user_id, winner.state) == (400, WON)
    assert {one.state for one in skipped} <= {SKIPPED}
    await check(stage, giveaway)


async def test_a_paused_giveaway_is_ended_by_hand_and_not_by_time(stage: Stage):
    giveaway = await stage.add()
    await stage.fill(giveaway, 1)
    await stage.change(giveaway, status=PAUSED)
    await stage.wait(2 * HOUR)
    assert (await stage.get(giveaway)).status == PAUSED

    assert await stage.end(giveaway)
    assert (await stage.get(giveaway)).status == ENDED


async def test_time_that_was_added_meanwhile_counts(stage: Stage):
    giveaway = await stage.add()
    await stage.change(giveaway, ends_at=stage.clock.now() + 2 * HOUR)
    await stage.wait(HOUR)
    assert (await stage.get(giveaway)).status == "active"
    await stage.wait(HOUR)
    assert (await stage.get(giveaway)).status == ENDED


@pytest.mark.parametrize("status", [CANCELLED, ENDED, DRAWING, "scheduled"])
async def test_what_does_not_go_on_is_not_ended(sqlite_database: Database, status: str):
    stage = make_stage(sqlite_database)
    giveaway = await stage.add(status=status)
    assert not await stage.end(giveaway)
    assert stage.said() == []


async def test_command_timer_last_entry_and_a_second_process_draw_once(stage: Stage):
    other = Stage(stage.database, stage.clock, stage.members)
    # What the other process delivers is only seen when the time is up.
    stage.drawing.patience = other.drawing.patience = 1.0
    giveaway = await stage.add(end_at_entries=4)
    await stage.fill(giveaway, 3)
    stage.clock.advance(HOUR - timedelta(milliseconds=1))

    async def by_entry() -> None:
        await stage.entering.enter(giveaway, stage.person(77))

    async def by_time() -> None:
        stage.clock.advance(timedelta(milliseconds=1))
        await asyncio.gather(stage.settle(), other.settle())

    await asyncio.gather(
        by_entry(), stage.end(giveaway), other.end(giveaway), by_time(), return_exceptions=True
    )
    for one in (stage, other, stage):
        await one.settle()

    assert len(await stage.drawn(giveaway)) == 1
    assert len(stage.said() + other.said()) == 2
    assert len(stage.letters() | other.letters()) == 1


@pytest.mark.usefixtures("anylist")
async def test_both_processes_may_make_the_same_draw(stage: Stage):
    """A lease that ran out gives a draw to a second process while the first is still at it."""
    other = Stage(stage.database, stage.clock, stage.members)
    giveaway = await stage.add(winner_count=3)
    await stage.fill(giveaway, 20)
    async with stage.database.write() as session:
        assert await stage.drawing.close(session, giveaway, by=None)

    stage.drawing.patience = other.drawing.patience = 0.01
    # Up to where the list is published, which nobody delivers meanwhile; then with that done.
    for _turn in range(2):
        await asyncio.gather(
            *(do_draw(one, giveaway) for one in (stage, other) * 2),
            return_exceptions=True,
        )
        await stage.outbox.run_due()
    await stage.settle()

    assert len(await stage.drawn(giveaway)) == 3
    assert len(stage.said()) == 2
    await check(stage, giveaway)


@pytest.mark.usefixtures("anylist")
async def test_nobody_knows_the_seed_before_the_list_is_published(stage: Stage):
    giveaway = await stage.add()
    await stage.fill(giveaway, 5)
    async with stage.database.write() as session:
        await stage.drawing.close(session, giveaway, by=None)
    stage.drawing.patience = 0.01
    for _second in range(3):
        await stage.jobs.run_due()
        stage.clock.advance(1)
    (round_,) = await stage.rounds(giveaway)
    assert (round_.drawn_at, round_.seed) == (None, None)
    assert (await stage.get(giveaway)).status == DRAWING
    await stage.outbox.run_due()
    (said,) = stage.said()
    assert (await stage.get(giveaway)).commitment in said
    await stage.settle()
    assert (await stage.get(giveaway)).status == ENDED


async def do_draw(stage: Stage, giveaway_id: uuid.UUID) -> None:
    """Do the draw's job, but for the end that only one of two may give it."""
    job = Job(
        id=1,
        kind="giveaways.draw",
        dedupe_key=f"giveaways.draw:{giveaway_id}:0",
        guild_id=GUILD,
        payload={},
        due_at=datetime.now(UTC),
        attempt=1,
        created_at=datetime.now(UTC),
    )
    finish = await stage.drawing.draw_due(job)
    if finish is not None:
        async with stage.database.write() as session:
            await finish(session)


@pytest.mark.usefixtures("anylist")
async def test_entries_of_erased_people_are_gone_before_the_list_is_final(stage: Stage):
    giveaway = await stage.add(winner_count=5)
    await stage.fill(giveaway, 4)
    await erase(stage, 2)

    await stage.end(giveaway)

    assert {one.user_id for one in await stage.entries(giveaway)} == {1, 3, 4}
    (first,) = await stage.rounds(giveaway)
    assert first.entry_count == 3
    await check(stage, giveaway)


@pytest.mark.usefixtures("anylist")
async def test_an_erasure_after_the_list_is_final_leaves_the_proof_whole(stage: Stage):
    giveaway = await stage.add(winner_count=1)
    await stage.fill(giveaway, 3)
    stage.members.silent = 1
    await stage.end(giveaway)
    for user_id in (1, 2, 3):
        await erase(stage, user_id)

    await stage.wait(10)

    drawn = await stage.drawn(giveaway)
    assert [(one.state, one.reason) for one in drawn] == [(SKIPPED, "erased")] * 3
    await check(stage, giveaway)


async def erase(stage: Stage, user_id: int) -> None:
    async with stage.database.write() as session:
        await session.execute(
            update(GiveawayEntry)
            .where(GiveawayEntry.user_id == user_id)
            .values(user_id=None, salt=None)
        )


async def test_many_that_end_in_the_same_second_all_end_once_within_ten_seconds(stage: Stage):
    now, count = stage.clock.now(), 200
    rows = [make_giveaway(now, number=one, channel_id=CHANNEL + one) for one in range(count)]
    ids = [one.id for one in rows]
    async with stage.database.write() as session:
        session.add_all(rows)
    for giveaway in rows:
        await fill(stage.database, giveaway.id, 3, now)
    async with stage.database.write() as session:
        for giveaway in ids:
            await stage.jobs.schedule(
                session,
                "giveaways.end",
                now + HOUR,
                dedupe_key=f"giveaways.end:{giveaway}",
                guild_id=GUILD,
            )
    stage.clock.advance(HOUR)

    stage.drawing.patience = 0.0
    # Each waits for the message about its entries; none of them for more than ten seconds.
    for _look in range(3):
        await stage.settle()
        stage.clock.advance(3)
    await stage.settle()

    async with stage.database.read() as session:
        ended = select(func.count()).select_from(Giveaway).where(Giveaway.status == ENDED)
        winners = select(func.count()).select_from(GiveawayWinner)
        rounds = select(func.count()).select_from(GiveawayRound)
        assert await session.scalar(ended) == count
        assert await session.scalar(winners) == count
        assert await session.scalar(rounds) == count
    letters = [one for one in await stage.queued() if one.kind == "dm.send"]
    assert len(letters) == count


async def test_what_ended_while_nobody_ran_is_drawn_at_the_start(stage: Stage):
    giveaway = await stage.add()
    await stage.fill(giveaway, 2)
    stage.clock.advance(timedelta(days=3))

    again = Stage(stage.database, stage.clock, FakeMembers())
    await again.settle()

    assert (await again.get(giveaway)).status == ENDED
    assert len(again.said()) == 2
