"""Rooms on Discord follow their tickets, whatever gets in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.core.jobs import Retry
from bot.core.outbox import Entry
from cogs.tickets.keeper import MOST_ATTEMPTS
from cogs.tickets.ports import Admitted, RoomPlan, RoomRefused
from db.engine import Database
from tests.cogs.tickets.stage import OPENER, STAFF, FakeRooms, Room, Stage, refusal
from tests.fakes import FakeClock


class Forgetful(FakeRooms):
    """Makes the room, and then the answer is lost."""

    async def make(self, plan: Any) -> int:
        await super().make(plan)
        raise Retry(timedelta(seconds=1), "no answer")


async def test_a_room_whose_making_was_not_noted_is_found_again(database: Database) -> None:
    rooms = Forgetful()
    stage = await Stage.make(database, FakeClock(), rooms)
    ticket = await stage.service.opening.open(stage.request(await stage.panel()))
    await stage.settle()
    assert (await stage.get(ticket.id)).status == "opening"
    await stage.wait(5)
    opened = await stage.get(ticket.id)
    assert (opened.status, list(rooms.made)) == ("open", [opened.channel_id])
    assert stage.room_of(opened).viewers == {OPENER}


@pytest.mark.parametrize("silence", [timedelta(minutes=2), timedelta(minutes=9)])
async def test_a_room_made_before_the_end_of_a_process_is_never_left_behind(
    database: Database, silence: timedelta
) -> None:
    before = await Stage.make(database, FakeClock(), Forgetful())
    ticket = await before.service.opening.open(before.request(await before.panel()))
    await before.settle()
    assert len(before.rooms.made) == 1
    silent = Retry(timedelta(seconds=15), "the guild is not available")
    rooms = FakeRooms(made=before.rooms.made, refusing=silent)
    before.clock.advance(timedelta(days=1))
    stage = await Stage.make(database, before.clock, rooms)
    for _look in range(int(silence / timedelta(minutes=1))):
        await stage.wait(timedelta(minutes=1))
    rooms.refusing = None
    await stage.wait(timedelta(minutes=10))
    found = await stage.get(ticket.id)
    if silence < timedelta(minutes=5):
        assert (found.status, list(rooms.made)) == ("open", [found.channel_id])
        return
    # Whoever waits has been told; the room is locked, since a thread is not deleted.
    assert found.status == "failed"
    (room,) = rooms.made.values()
    assert room.locked


async def test_waiting_hears_of_the_refusal(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock(), FakeRooms(refusing=refusal()))
    ticket = await stage.service.opening.open(stage.request(await stage.panel()))
    waiting = asyncio.create_task(stage.service.keeper.wait(ticket.id, 5))
    await stage.turn()
    await stage.jobs.run_due()
    with pytest.raises(RoomRefused):
        await waiting
    assert stage.letters(OPENER) == []
    assert [one.problem.cause for one in await stage.problems.list(ticket.guild_id)] == [
        "room_refused"
    ]


async def test_who_waits_too_long_is_told(sqlite_database: Database) -> None:
    silent = Retry(timedelta(seconds=30), "Discord answers 500")
    stage = await Stage.make(sqlite_database, FakeClock(), FakeRooms(refusing=silent))
    ticket = await stage.open()
    assert ticket.status == "opening"
    for _ in range(12):
        await stage.wait(timedelta(seconds=30))
    assert (await stage.get(ticket.id)).status == "failed"
    assert "could not be opened" in stage.letters(OPENER)[-1]


async def test_a_deleted_room_closes_its_ticket_and_reopening_makes_another(
    database: Database,
) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    assert ticket.channel_id is not None
    del stage.rooms.made[ticket.channel_id]
    await stage.service.losses.room_deleted(ticket.channel_id)
    await stage.settle()
    lost = await stage.get(ticket.id)
    assert (lost.status, lost.channel_id, lost.room_lost) == ("closed", None, True)
    # Nobody closed it: whoever opened it is told why it is over.
    assert "is closed.\n> Its room was deleted in Discord." in stage.letters(OPENER)[-1]
    await stage.service.life.reopen(ticket.id, STAFF)
    await stage.wait(1)
    again = await stage.get(ticket.id)
    assert again.status == "open"
    assert again.channel_id not in {None, ticket.channel_id}
    attached = [one.payload.get("attachments") for one in stage.courier.delivered]
    assert any(it and it[0]["renderer"] == "ticket_transcript" for it in attached if it)


async def test_a_closed_channel_is_deleted_when_its_time_has_come(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    await stage.set(keep_channel_for=3600)
    ticket = await stage.open(await stage.panel(room="channel"))
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    assert stage.room_of(ticket).locked
    await stage.wait(timedelta(hours=1))
    gone = await stage.get(ticket.id)
    assert (gone.channel_id, gone.room_lost, stage.rooms.made) == (None, False, {})
    assert (await stage.events(ticket.id))[-1] == "room_removed"


async def test_a_closed_channel_that_somebody_deletes_before_its_time_is_lost(
    sqlite_database: Database,
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open(await stage.panel(room="channel"))
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    await stage.service.losses.room_deleted(ticket.channel_id or 0)
    lost = await stage.get(ticket.id)
    assert (lost.status, lost.channel_id, lost.room_lost) == ("closed", None, True)
    assert (await stage.events(ticket.id))[-1] == "room_lost"


async def test_reopened_in_time_a_channel_stays(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open(await stage.panel(room="channel"))
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    await stage.service.life.reopen(ticket.id, STAFF)
    await stage.wait(timedelta(days=3))
    assert (await stage.get(ticket.id)).channel_id == ticket.channel_id
    assert not stage.room_of(ticket).locked


async def test_a_lock_that_is_refused_is_tried_again(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    await stage.service.life.close(ticket.id, STAFF)
    stage.rooms.refusing = refusal("I lack Manage Threads.")
    await stage.wait(1)
    closed = await stage.get(ticket.id)
    assert (closed.status, stage.room_of(closed).locked) == ("closed", False)
    stage.rooms.refusing = None
    await stage.wait(timedelta(minutes=10))
    assert stage.room_of(closed).locked
    assert await stage.problems.list(ticket.guild_id) == []


async def test_a_session_finds_what_was_lost_meanwhile(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel()
    lost, left, stays = [await stage.open(panel, one) for one in (OPENER, 81, 82)]
    assert lost.channel_id is not None
    del stage.rooms.made[lost.channel_id]
    stage.gone = {81}
    await stage.service.losses.begin_session([lost.guild_id])
    await stage.wait(1)
    states = [(await stage.get(one.id)).status for one in (lost, left, stays)]
    assert states == ["closed", "closed", "open"]


async def test_two_tickets_never_share_a_room_of_the_same_name(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel(naming="help")
    one, two = await stage.open(panel), await stage.open(panel, 81)
    assert (one.name, two.name) == ("help-0001", "help-0002")
    stage.rooms.made[5] = Room(5, stage.room_of(one).plan)
    assert one.channel_id != two.channel_id


async def test_a_role_called_again_after_it_had_left_is_let_in_again(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    await stage.set(staff_roles=["70", "71"])
    ticket = await stage.open()
    for staff in (["70"], ["70", "71"], ["71", "70"]):
        await stage.set(staff_roles=staff)
        await stage.service.following.follow(ticket.guild_id)
        await stage.wait(1)
    assert stage.said(ticket.channel_id)[1:] == ["<@&71> 👋"]
    assert stage.room_of(ticket).roles == {70, 71}


async def test_a_channel_opens_to_new_staff_without_a_call(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open(await stage.panel(room="channel", ping_roles=["73"]))
    await stage.set(staff_roles=["70"])
    await stage.service.following.follow(ticket.guild_id)
    await stage.wait(1)
    assert stage.room_of(ticket).roles == {70, 73}
    assert stage.said(ticket.channel_id) == [f"<@{OPENER}> <@&73>"]


async def test_who_is_taken_out_while_they_are_let_in_is_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    other = await Stage.make(database, stage.clock, stage.rooms)
    align, helper = stage.rooms.align, 90

    async def slowly(channel_id: int, plan: RoomPlan, was: Admitted) -> None:
        await align(channel_id, plan, was)
        if helper in plan.viewers:
            # The run that this asks for is over before the one that lets them in has noted so.
            await stage.service.life.remove(ticket.id, STAFF, helper)
            await other.jobs.run_due()

    monkeypatch.setattr(stage.rooms, "align", slowly)
    await stage.service.life.add(ticket.id, STAFF, helper)
    await stage.wait(1)
    assert ("align", ticket.channel_id) in stage.rooms.calls
    assert helper not in stage.room_of(ticket).viewers


@pytest.mark.parametrize("error", [Retry(timedelta(minutes=1), "no answer"), KeyError("a bug")])
async def test_who_is_let_in_by_a_run_that_fails_then_is_taken_out_again(
    database: Database, error: Exception
) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    helper = 90

    def fail() -> None:
        stage.rooms.interrupt = lambda: None
        raise error

    stage.rooms.interrupt = fail
    await stage.service.life.add(ticket.id, STAFF, helper)
    await stage.settle()
    assert helper in stage.room_of(ticket).viewers
    await stage.service.life.remove(ticket.id, STAFF, helper)
    await stage.wait(timedelta(minutes=1))
    assert stage.room_of(ticket).viewers == {OPENER}


async def test_a_call_that_comes_late_lets_nobody_in_who_was_taken_out(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    helper = 90
    await stage.service.life.add(ticket.id, STAFF, helper)
    await stage.jobs.run_due()
    await stage.service.life.remove(ticket.id, STAFF, helper)
    await stage.jobs.run_due()
    assert stage.room_of(ticket).viewers == {OPENER}
    await stage.outbox.run_due()
    assert stage.said(ticket.channel_id)[-2:] == [
        f"<@{STAFF}> added <@{helper}>.",
        f"<@{STAFF}> took <@{helper}> out.",
    ]
    assert stage.room_of(ticket).viewers == {OPENER}


async def test_a_call_that_is_under_way_lets_nobody_in_for_long_who_was_taken_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    deliver, helper = stage.courier.deliver, 90
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(entry: Entry) -> int | None:
        entered.set()
        await go_on.wait()
        return await deliver(entry)

    monkeypatch.setattr(stage.courier, "deliver", slowly)
    await stage.service.life.add(ticket.id, STAFF, helper)
    delivering = asyncio.create_task(stage.outbox.run_due())
    await entered.wait()
    await stage.service.life.remove(ticket.id, STAFF, helper)
    await stage.jobs.run_due()
    go_on.set()
    await delivering
    assert helper in stage.room_of(ticket).viewers
    await stage.wait(2)
    assert stage.room_of(ticket).viewers == {OPENER}
    asked = len(stage.rooms.calls)
    await stage.wait(10)
    assert len(stage.rooms.calls) == asked


async def test_a_ticket_that_is_closed_ends_though_its_room_cannot_be_locked(
    database: Database,
) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open(await stage.panel())
    await stage.service.life.close(ticket.id, STAFF, "Solved")
    stage.rooms.refusing = ValueError("Discord answers what nobody knows")
    for _attempt in range(MOST_ATTEMPTS):
        await stage.wait(timedelta(minutes=6))
    closed = await stage.get(ticket.id)
    assert (closed.status, closed.close_reason) == ("closed", "Solved")
    assert "is closed" in stage.letters(OPENER)[-1]
    stage.rooms.refusing = None
    assert not stage.room_of(closed).locked
    await stage.wait(timedelta(minutes=10))
    assert stage.room_of(closed).locked


async def test_an_opening_whose_job_is_given_up_ends_in_words(database: Database) -> None:
    stage = await Stage.make(
        database, FakeClock(), FakeRooms(refusing=ValueError("what nobody knows"))
    )
    ticket = await stage.open(await stage.panel())
    for _attempt in range(MOST_ATTEMPTS):
        await stage.wait(timedelta(minutes=6))
    assert (await stage.get(ticket.id)).status == "failed"
    assert "could not be opened" in stage.letters(OPENER)[-1]
