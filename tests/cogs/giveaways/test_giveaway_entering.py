"""Entries are made once, while the giveaway is open, and counted right whatever happens at once."""

from __future__ import annotations

import asyncio
import contextlib
import random
import uuid
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from bot.core.contracts import MessageFacts
from bot.core.errors import Conflict, NotFound
from cogs.giveaways import counting, entering
from cogs.giveaways.counting import MessageCounter
from cogs.giveaways.entering import Entered, Inside, Refused
from db import giveaway_entries as table
from db.engine import Database
from db.giveaways import ACTIVE, CANCELLED, DRAWING, ENDED, PAUSED, SCHEDULED
from db.people import erase_person
from tests.cogs.giveaways.stage import GUILD, HOUR, Stage, make_stage


@pytest.fixture
def stage(database: Database) -> Stage:
    return make_stage(database)


def watch_counts(monkeypatch: pytest.MonkeyPatch) -> list[uuid.UUID]:
    """Return what grows by a giveaway whenever its entries are counted."""
    counts: list[uuid.UUID] = []
    count_people = table.count_people

    async def count(session: Any, giveaway_id: uuid.UUID) -> int:
        counts.append(giveaway_id)
        return await count_people(session, giveaway_id)

    monkeypatch.setattr(table, "count_people", count)
    return counts


async def test_entering_twice_is_one_entry_and_leaving_takes_it_back(stage: Stage):
    giveaway = await stage.add()

    assert await stage.entering.enter(giveaway, stage.person(1)) == Entered(1)
    assert await stage.entering.enter(giveaway, stage.person(1)) == Inside(1)
    assert len(await stage.entries(giveaway)) == 1

    assert await stage.entering.leave(giveaway, GUILD, 1)
    assert not await stage.entering.leave(giveaway, GUILD, 1)
    assert await stage.entries(giveaway) == []
    assert stage.board.refreshed == [giveaway, giveaway]


async def test_weight_follows_the_roles_when_the_button_is_pressed_again(stage: Stage):
    giveaway = await stage.add(bonus_entries=[{"role_id": "7", "entries": 4}])
    await stage.enter(giveaway, 1)

    assert await stage.entering.enter(giveaway, stage.person(1, 7, 8)) == Inside(5)
    assert [one.weight for one in await stage.entries(giveaway)] == [5]

    assert await stage.entering.enter(giveaway, stage.person(1)) == Inside(1)
    assert [one.weight for one in await stage.entries(giveaway)] == [1]


async def test_everything_in_the_way_is_named_at_once(stage: Stage):
    await stage.set(blocked_roles=["66"])
    giveaway = await stage.add(requirements={"all_roles": ["7"], "level": 3, "messages": 2})
    async with stage.database.write() as session:
        await table.add_block(session, GUILD, 1, reason=None, blocked_by=9, now=stage.clock.now())

    refused = await stage.entering.enter(giveaway, stage.person(1, 66))

    assert isinstance(refused, Refused)
    told = "\n".join(str(one) for one in refused.obstacles)
    for part in ("blocked", "<@&66>", "<@&7>", "level 3", "2 messages"):
        assert part in told
    assert await stage.entries(giveaway) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (SCHEDULED, "not begun"),
        (PAUSED, "paused"),
        (DRAWING, "being drawn"),
        (ENDED, "is over"),
        (CANCELLED, "cancelled"),
    ],
)
async def test_only_an_open_giveaway_takes_entries(
    sqlite_database: Database, status: str, words: str
):
    stage = make_stage(sqlite_database)
    giveaway = await stage.add(status=status)

    with pytest.raises(Conflict, match=words):
        await stage.entering.enter(giveaway, stage.person(1))


async def test_a_giveaway_whose_time_is_up_takes_none_before_it_is_closed(stage: Stage):
    giveaway = await stage.add()
    await stage.enter(giveaway, 1)
    stage.clock.advance(HOUR)

    with pytest.raises(Conflict, match="is over"):
        await stage.entering.enter(giveaway, stage.person(2))


async def test_a_paused_giveaway_can_be_left_and_a_closed_one_not(stage: Stage):
    giveaway = await stage.add()
    for user_id in (1, 2):
        await stage.enter(giveaway, user_id)

    await stage.change(giveaway, status=PAUSED)
    assert await stage.entering.leave(giveaway, GUILD, 1)

    await stage.change(giveaway, status=DRAWING)
    with pytest.raises(Conflict):
        await stage.entering.leave(giveaway, GUILD, 2)
    assert [one.user_id for one in await stage.entries(giveaway)] == [2]


async def test_another_guilds_giveaway_and_a_switched_off_feature_are_refused(stage: Stage):
    other = await stage.add(guild_id=GUILD + 1)
    with pytest.raises(NotFound):
        await stage.entering.enter(other, stage.person(1))

    giveaway = await stage.add(number=2)
    await stage.set(enabled=False)
    with pytest.raises(Conflict, match="switched off"):
        await stage.entering.enter(giveaway, stage.person(1))


async def test_the_last_place_goes_to_one_of_many_and_no_more(stage: Stage):
    giveaway = await stage.add(max_entries=3)

    async def press(user_id: int) -> bool:
        try:
            return isinstance(await stage.entering.enter(giveaway, stage.person(user_id)), Entered)
        except Conflict:
            return False

    entered = await asyncio.gather(*(press(one) for one in range(1, 13)))

    assert sum(entered) == 3
    assert len(await stage.entries(giveaway)) == 3


async def test_a_hundred_thousand_may_enter_and_no_more(sqlite_database: Database):
    stage = make_stage(sqlite_database)
    giveaway = await stage.add()
    await stage.fill(giveaway, 99_999)

    await stage.enter(giveaway, 200_000)
    with pytest.raises(Conflict, match="100,000 entries"):
        await stage.enter(giveaway, 200_001)
    assert await stage.entering.leave(giveaway, GUILD, 7)
    await stage.enter(giveaway, 200_001)


async def test_who_entered_is_seldom_counted_and_yet_no_more_enter_than_may(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    """To count a hundred thousand with each press would keep hundreds of presses waiting."""
    monkeypatch.setattr(entering, "MOST_ENTRANTS", 200)
    counts = watch_counts(monkeypatch)
    giveaway = await stage.add()
    for user_id in range(1, 201):
        await stage.enter(giveaway, user_id)
    assert len(counts) < 20
    with pytest.raises(Conflict, match="full"):
        await stage.enter(giveaway, 201)

    await stage.entering.leave(giveaway, GUILD, 5)
    await stage.enter(giveaway, 201)
    with pytest.raises(Conflict, match="full"):
        await stage.enter(giveaway, 202)


async def test_presses_on_a_full_one_count_it_once_a_second(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    other = Stage(stage.database, stage.clock)
    counts = watch_counts(monkeypatch)
    giveaway = await stage.add(max_entries=2)
    await stage.fill(giveaway, 2)
    for user_id in range(10, 30):
        with pytest.raises(Conflict, match="full"):
            await stage.enter(giveaway, user_id)
    assert len(counts) == 1

    # A place that becomes free elsewhere is known a moment later, one of this process at once.
    await other.entering.leave(giveaway, GUILD, 1)
    with pytest.raises(Conflict, match="full"):
        await stage.enter(giveaway, 10)
    stage.clock.advance(timedelta(seconds=1))
    await stage.enter(giveaway, 10)
    with pytest.raises(Conflict, match="full"):
        await stage.enter(giveaway, 11)
    await stage.entering.leave(giveaway, GUILD, 10)
    await stage.enter(giveaway, 11)


async def test_the_entry_that_fills_it_ends_it_and_only_once(stage: Stage):
    giveaway = await stage.add(end_at_entries=4, ends_at=None)

    async def press(user_id: int) -> None:
        with contextlib.suppress(Conflict):
            await stage.entering.enter(giveaway, stage.person(user_id))

    await asyncio.gather(*(press(one) for one in range(1, 13)))
    await stage.settle()

    assert len(await stage.entries(giveaway)) == 4
    assert (await stage.get(giveaway)).status == ENDED
    assert len(await stage.drawn(giveaway)) == 1


@pytest.mark.parametrize(
    ("changes", "is_in", "status"),
    [
        ({"end_at_entries": 2}, True, ENDED),
        ({"max_entries": 1}, False, ACTIVE),
        ({"requirements": {"all_roles": ["7"]}}, False, ACTIVE),
    ],
)
async def test_what_the_host_changes_in_the_midst_of_a_press_counts(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, Any],
    is_in: bool,
    status: str,
):
    giveaway = await stage.add()
    await stage.enter(giveaway, 2)
    house = stage.backstage.house

    async def change(_stage: Any, guild_id: int) -> Any:
        monkeypatch.undo()
        await stage.change(giveaway, revision=1, **changes)
        return await house(guild_id)

    monkeypatch.setattr(type(stage.backstage), "house", change)
    with contextlib.suppress(Conflict):
        await stage.entering.enter(giveaway, stage.person(1))
    await stage.settle()
    assert (1 in {one.user_id for one in await stage.entries(giveaway)}) == is_in
    assert (await stage.get(giveaway)).status == status


async def test_5000_entries_and_leaves_at_once_leave_a_right_count(stage: Stage):
    """Each of 500 people presses ten times, wildly mixed; what counts is how many are in."""
    giveaway, people, presses = await stage.add(), 500, 10
    work = [user_id for user_id in range(1, people + 1) for _ in range(presses)]
    random.Random(5).shuffle(work)
    changes = dict.fromkeys(range(1, people + 1), 0)

    async def act(user_id: int, number: int) -> None:
        if number % 3 == 2:
            left = await stage.entering.leave(giveaway, GUILD, user_id) is not None
            changes[user_id] -= left
        else:
            entered = await stage.entering.enter(giveaway, stage.person(user_id))
            changes[user_id] += isinstance(entered, Entered)

    queue = list(enumerate(work))

    async def worker() -> None:
        while queue:
            number, user_id = queue.pop()
            await act(user_id, number)

    await asyncio.gather(*(worker() for _ in range(10)))

    inside = {one.user_id for one in await stage.entries(giveaway)}
    assert inside == {user_id for user_id, count in changes.items() if count == 1}
    assert set(changes.values()) <= {0, 1}
    async with stage.database.read() as session:
        assert await table.count_entries(session, giveaway) == len(inside)


async def test_messages_are_counted_for_giveaways_that_ask_for_them(stage: Stage):
    giveaway = await stage.add(requirements={"messages": 3})
    quiet = await stage.add(number=2)
    await stage.counter.reload()

    def write(user_id: int, guild_id: int = GUILD) -> None:
        stage.counter.see(MessageFacts(1, guild_id, 2, user_id, "hi", frozenset(), {}))

    write(1)
    write(1, GUILD + 1)
    await stage.counter.flush()
    write(1)
    refused = await stage.entering.enter(giveaway, stage.person(1))
    assert isinstance(refused, Refused)
    assert "you have 2" in str(refused.obstacles[0])

    # The third is not written down yet, and counts all the same.
    write(1)
    assert isinstance(await stage.entering.enter(giveaway, stage.person(1)), Entered)
    await stage.counter.flush()
    async with stage.database.read() as session:
        assert (await table.get_look(session, giveaway, 1)).messages == 3  # type: ignore[union-attr]
        assert (await table.get_look(session, quiet, 1)).messages == 0  # type: ignore[union-attr]


async def test_counted_messages_are_kept_while_the_database_is_away(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    giveaway = await stage.add(requirements={"messages": 1})
    await stage.counter.reload()
    stage.counter.see(MessageFacts(1, GUILD, 2, 1, "hi", frozenset(), {}))

    async def away(*_arguments: object) -> None:
        raise OSError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(table, "add_messages", away)
        with pytest.raises(OSError, match="away"):
            await stage.counter.flush()
    assert stage.counter.pending(giveaway, 1) == 1

    await stage.counter.flush()
    assert stage.counter.pending(giveaway, 1) == 0
    async with stage.database.read() as session:
        assert (await table.get_look(session, giveaway, 1)).messages == 1  # type: ignore[union-attr]


async def test_counting_that_is_cancelled_as_it_ends_is_stored_once(stage: Stage):
    giveaway = await stage.add(requirements={"messages": 1})
    await stage.counter.reload()
    stage.counter.see(MessageFacts(1, GUILD, 2, 1, "hi", frozenset(), {}))
    task = asyncio.create_task(stage.counter.flush())

    def cancel(_session: Session) -> None:
        task.cancel()

    event.listen(Session, "after_commit", cancel)
    try:
        with pytest.raises(asyncio.CancelledError):
            await task
    finally:
        event.remove(Session, "after_commit", cancel)
    await stage.counter.flush()

    async with stage.database.read() as session:
        assert (await table.get_look(session, giveaway, 1)).messages == 1  # type: ignore[union-attr]


async def test_counting_goes_on_after_a_failure_that_nobody_foresaw(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(counting, "FLUSH_SECONDS", 0)
    works: list[Coroutine[Any, Any, None]] = []
    counter = MessageCounter(stage.database, spawn=lambda _name, work: works.append(work))
    giveaway = await stage.add(requirements={"messages": 1})
    await counter.reload()
    facts = MessageFacts(1, GUILD, 2, 1, "hi", frozenset(), {})

    async def broken(*_arguments: object) -> None:
        raise RuntimeError("a fault of ours")

    with monkeypatch.context() as patch:
        patch.setattr(table, "add_messages", broken)
        counter.see(facts)
        with pytest.raises(RuntimeError, match="a fault"):
            await works.pop()
    counter.see(facts)
    await works.pop()

    async with stage.database.read() as session:
        assert (await table.get_look(session, giveaway, 1)).messages == 2  # type: ignore[union-attr]


async def test_level_comes_from_what_is_known_of_the_member(stage: Stage):
    from db.guilds import GuildMember

    giveaway = await stage.add(requirements={"level": 3})
    async with stage.database.write() as session:
        session.add(
            GuildMember(guild_id=GUILD, user_id=1, xp=0, level=3, joined_at=stage.clock.now())
        )

    assert isinstance(await stage.entering.enter(giveaway, stage.person(1)), Entered)
    assert isinstance(await stage.entering.enter(giveaway, stage.person(2)), Refused)


async def test_a_young_account_learns_when_it_is_old_enough(stage: Stage):
    giveaway = await stage.add(requirements={"account_age": 30 * 86400})
    created_at = stage.clock.now() - timedelta(days=10)

    refused = await stage.entering.enter(giveaway, stage.person(1, created_at=created_at))

    assert isinstance(refused, Refused)
    when = int((created_at + timedelta(days=30)).timestamp()) + 1
    assert str(refused.obstacles[0]) == (
        f"Your account has to be 30 days old; it will be on <t:{when}:D>."
    )


async def test_who_erases_their_data_takes_no_place_and_counts_for_no_end(stage: Stage):
    """Else one person could fill a giveaway, or end it with nobody else in it."""
    full = await stage.add(max_entries=2)
    ending = await stage.add(end_at_entries=2, number=2)
    for _turn in range(3):
        for giveaway in (full, ending):
            await stage.entering.enter(giveaway, stage.person(1))
        async with stage.database.write() as session:
            await erase_person(session, 1, records=False)

    await stage.entering.enter(full, stage.person(2))
    await stage.entering.enter(full, stage.person(3))
    assert (await stage.get(ending)).status == "active"
