"""The life of a ticket: opened, closed, opened again; in the database and in its room."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.errors import Conflict, Denied, InvalidInput
from cogs.tickets.watch import Writer
from db.engine import Database
from tests.cogs.tickets.stage import CHANNEL, OPENER, OTHER, STAFF, FakeRooms, Stage, refusal
from tests.fakes import FakeClock


async def test_a_ticket_is_opened_in_a_thread_with_its_opener(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    assert (ticket.status, ticket.number, ticket.parent_id) == ("open", 1, CHANNEL)
    room = stage.room_of(ticket)
    assert (room.name, room.viewers, room.locked) == ("Help-0001", {OPENER}, False)
    assert stage.said(ticket.channel_id) == [f"<@{OPENER}>"]
    assert await stage.events(ticket.id) == ["open", "room_ready"]


async def test_closing_says_so_then_locks_and_reopening_unlocks(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    await stage.service.life.close(ticket.id, STAFF, "Solved")
    await stage.wait(1)
    closed = await stage.get(ticket.id)
    assert (closed.status, closed.close_reason, closed.closed_by) == ("closed", "Solved", STAFF)
    assert stage.room_of(closed).locked
    assert "closed the ticket" in stage.said(ticket.channel_id)[-1]
    assert "is closed" in stage.letters(OPENER)[-1]
    with pytest.raises(Conflict, match="is closed"):
        await stage.service.life.close(ticket.id, STAFF)
    await stage.service.life.reopen(ticket.id, STAFF)
    await stage.wait(1)
    again = await stage.get(ticket.id)
    assert (again.status, stage.room_of(again).locked) == ("open", False)
    assert await stage.events(ticket.id) == [
        "open",
        "room_ready",
        "close",
        "room_shut",
        "reopen",
        "room_ready",
    ]


async def test_a_room_that_cannot_be_made_frees_the_place_and_says_why(database: Database) -> None:
    stage = await Stage.make(database, FakeClock(), FakeRooms(refusing=refusal()))
    panel = await stage.panel()
    ticket = await stage.open(panel)
    assert ticket.status == "failed"
    assert "could not be opened" in stage.letters(OPENER)[-1]
    stage.rooms.refusing = None
    assert (await stage.open(panel)).status == "open"


async def test_a_second_ticket_of_the_panel_is_refused(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    panel = await stage.panel()
    await stage.open(panel)
    with pytest.raises(Denied, match="1 open ticket of this kind"):
        await stage.service.opening.open(stage.request(panel))
    assert (await stage.open(panel, OTHER)).number == 2


async def test_one_claims_and_the_room_lets_them_in(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    life = stage.service.life
    await life.claim(ticket.id, STAFF)
    with pytest.raises(Conflict, match=f"<@{STAFF}> sees to this ticket already"):
        await life.claim(ticket.id, OTHER)
    with pytest.raises(Conflict, match="sees to this ticket"):
        await life.unclaim(ticket.id, OTHER, manages=False)
    await stage.wait(1)
    assert stage.room_of(ticket).viewers == {OPENER, STAFF}
    await life.transfer(ticket.id, STAFF, OTHER)
    await stage.wait(1)
    assert stage.room_of(ticket).viewers == {OPENER, OTHER}
    await life.unclaim(ticket.id, STAFF, manages=True)
    assert (await stage.get(ticket.id)).claimed_by is None


async def test_members_are_added_and_taken_out(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    life = stage.service.life
    await life.add(ticket.id, STAFF, OTHER)
    await stage.wait(1)
    assert stage.room_of(ticket).viewers == {OPENER, OTHER}
    with pytest.raises(Conflict, match="in this ticket already"):
        await life.add(ticket.id, STAFF, OTHER)
    with pytest.raises(Conflict, match="not added"):
        await life.remove(ticket.id, STAFF, OPENER)
    await life.remove(ticket.id, STAFF, OTHER)
    await stage.wait(1)
    assert stage.room_of(ticket).viewers == {OPENER}


async def test_a_ticket_given_to_another_keeps_who_had_it(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    await stage.service.life.give_to(ticket.id, STAFF, OTHER)
    await stage.wait(1)
    given = await stage.get(ticket.id)
    assert (given.user_id, stage.room_of(given).viewers) == (OTHER, {OPENER, OTHER})


async def test_a_third_name_in_ten_minutes_waits(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    for name in ("one", "two", "three", "four"):
        await stage.service.life.rename(ticket.id, STAFF, name)
        await stage.wait(1)
    assert stage.room_of(ticket).name == "two"
    await stage.wait(timedelta(minutes=10))
    assert stage.room_of(ticket).name == "four"
    assert [call for call, _room in stage.rooms.calls].count("rename") == 3


async def test_a_name_of_nothing_is_refused(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    with pytest.raises(InvalidInput, match="has nothing in it"):
        await stage.service.life.rename(ticket.id, STAFF, " \u200b ")
    assert (await stage.get(ticket.id)).name == ticket.name


async def test_the_opener_is_asked_and_silence_closes(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    life = stage.service.life
    await life.request_close(ticket.id, STAFF, "Found?", timedelta(hours=2))
    await stage.settle()
    assert "Can the ticket be closed?" in stage.said(ticket.channel_id)[-1]
    await life.decline_close(ticket.id, OPENER)
    await stage.wait(timedelta(hours=3))
    assert (await stage.get(ticket.id)).status == "open"
    await life.request_close(ticket.id, STAFF, "Found?", timedelta(hours=2))
    await stage.wait(timedelta(hours=2))
    closed = await stage.get(ticket.id)
    assert (closed.status, closed.close_reason, closed.closed_by) == ("closed", "Found?", None)
    with pytest.raises(Conflict, match="closed"):
        await life.accept_close(ticket.id, OPENER)


async def test_who_is_asked_again_has_one_question_and_is_called_once(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    life = stage.service.life
    await life.request_close(ticket.id, STAFF, "Found?", None)
    await stage.settle()
    await life.request_close(ticket.id, OTHER, "Well?", timedelta(hours=2))
    await stage.settle()
    asked = [one for one in stage.courier.delivered if "Can the ticket" in str(one.payload)]
    assert [one.payload["allowed_mentions"]["users"] for one in asked] == [[str(OPENER)], []]
    bare = [one for one in stage.courier.delivered if one.payload == {"components": []}]
    assert [one.message_id for one in bare] == [asked_as(stage, asked[0])]
    # The opener's answer takes the other pair of buttons, too.
    await life.decline_close(ticket.id, OPENER)
    await stage.settle()
    bare = [one for one in stage.courier.delivered if one.payload == {"components": []}]
    assert [one.message_id for one in bare] == [asked_as(stage, one) for one in asked]
    await life.request_close(ticket.id, STAFF, None, None)
    await stage.settle()
    assert stage.courier.delivered[-1].payload["allowed_mentions"]["users"] == [str(OPENER)]


def asked_as(stage: Stage, entry: object) -> int:
    return 9001 + next(place for place, one in enumerate(stage.courier.delivered) if one is entry)


@pytest.mark.parametrize("way", ["keep_open", "schedule_close", "exempt", "word"])
async def test_a_question_that_is_settled_otherwise_loses_its_buttons(
    sqlite_database: Database, way: str
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    life = stage.service.life
    await life.request_close(ticket.id, STAFF, "Found?", None)
    await stage.settle()
    match way:
        case "keep_open":
            await life.keep_open(ticket.id, STAFF)
        case "schedule_close":
            await life.schedule_close(ticket.id, STAFF, timedelta(hours=1), None)
        case "exempt":
            await life.set_exempt(ticket.id, STAFF, exempt=True)
        case _:
            later = stage.clock.now() + timedelta(minutes=1)
            await stage.service.watch.note_writing(ticket.id, [(Writer.OPENER, later)])
    await stage.settle()
    asked = [one for one in stage.courier.delivered if "Can the ticket" in str(one.payload)]
    bare = [one for one in stage.courier.delivered if one.payload == {"components": []}]
    assert [one.message_id for one in bare] == [asked_as(stage, one) for one in asked]


async def test_staff_who_take_the_question_back_keep_the_ticket_open(
    sqlite_database: Database,
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    await stage.service.life.request_close(ticket.id, STAFF, None, None)
    await stage.service.life.decline_close(ticket.id, STAFF)
    await stage.settle()
    # Whether to go on was the opener's to say; and who acts is not called.
    assert f"<@{STAFF}> keeps this open." in stage.said(ticket.channel_id)
    assert (await stage.events(ticket.id))[-1] == "keep_open"


async def test_a_planned_end_can_be_taken_back(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    life = stage.service.life
    await life.schedule_close(ticket.id, STAFF, timedelta(hours=1), None)
    await life.keep_open(ticket.id, OPENER)
    with pytest.raises(Conflict, match="Nobody has asked"):
        await life.keep_open(ticket.id, OPENER)
    await stage.wait(timedelta(hours=2))
    assert (await stage.get(ticket.id)).status == "open"
    await life.schedule_close(ticket.id, STAFF, timedelta(hours=1), None)
    await stage.wait(timedelta(hours=1))
    assert (await stage.get(ticket.id)).status == "closed"


async def test_a_planned_end_says_how_it_is_taken_back(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    life = stage.service.life
    await life.schedule_close(ticket.id, STAFF, timedelta(hours=1), "Done.")
    await stage.settle()
    planned = next(
        one.payload for one in stage.courier.delivered if "Done." in one.payload.get("content", "")
    )
    (row,) = planned["components"]
    assert [one["custom_id"] for one in row["components"]] == [f"tickets:keep:{ticket.id}"]


async def test_what_is_kept_open_has_no_planned_end(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    life = stage.service.life
    await life.schedule_close(ticket.id, STAFF, timedelta(hours=1), "Done.")
    await life.set_exempt(ticket.id, STAFF, exempt=True)
    await stage.wait(timedelta(hours=2))
    kept = await stage.get(ticket.id)
    assert (kept.status, kept.close_at, kept.close_reason) == ("open", None, None)


async def test_moving_calls_the_other_staff_and_takes_the_category(
    sqlite_database: Database,
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel(room="channel", parent_id="700")
    other = await stage.panel("Bugs", room="channel", parent_id="701", ping_roles=["70"])
    ticket = await stage.open(panel)
    await stage.service.life.move(ticket.id, STAFF, other)
    await stage.wait(1)
    moved = await stage.get(ticket.id)
    assert (moved.panel_id, moved.category, moved.parent_id) == (other.id, "Bugs", 701)
    assert stage.room_of(moved).plan.parent_ids == (701,)
    assert any("<@&70>" in one for one in stage.said(ticket.channel_id))


async def test_labels_and_notes_are_checked_and_kept(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    life = stage.service.life
    changed = await life.set_labels(ticket.id, STAFF, [" money ", "lost", "money", ""])
    assert changed.labels == ["money", "lost"]
    with pytest.raises(InvalidInput, match="at most 30"):
        await life.set_labels(ticket.id, STAFF, ["x" * 31])
    await life.add_note(ticket.id, STAFF, " looks fishy ")
    with pytest.raises(InvalidInput):
        await life.add_note(ticket.id, STAFF, "  ")
    assert (await stage.events(ticket.id))[-2:] == ["label", "note"]


@pytest.mark.parametrize("times", [2, 5])
async def test_closing_at_once_by_several_closes_once(database: Database, times: int) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    came = await asyncio.gather(
        *(stage.service.life.close(ticket.id, STAFF + one) for one in range(times)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Conflict) for one in came) == times - 1
    await stage.wait(1)
    assert (await stage.events(ticket.id)).count("close") == 1
    assert len(stage.letters(OPENER)) == 1


@pytest.mark.parametrize("room", ["thread", "channel"])
async def test_a_closed_ticket_offers_to_be_opened_again_before_it_is_locked(
    sqlite_database: Database, room: str
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open(await stage.panel(room=room))
    await stage.service.life.close(ticket.id, STAFF)
    with pytest.raises(Conflict, match="just being closed"):
        await stage.service.life.reopen(ticket.id, STAFF)
    await stage.outbox.run_due()
    card, line = stage.courier.delivered[-2:]
    (button,) = card.payload["components"][0]["components"]
    assert button["custom_id"] == f"tickets:reopen:{ticket.id}"
    assert "closed the ticket" in line.payload["content"]
    assert not stage.room_of(ticket).locked
    await stage.wait(1)
    assert stage.room_of(ticket).locked
