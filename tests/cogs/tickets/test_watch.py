"""What is due for a ticket that nobody touches, at the right time and once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.errors import Conflict
from cogs.tickets.figures import NEVER_LATE, Late
from cogs.tickets.watch import Writer
from db.engine import Database
from tests.cogs.tickets.stage import GUILD, OPENER, OTHER, STAFF, Stage, refusal
from tests.cogs.tickets.talk import message
from tests.fakes import FakeClock

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


async def watched(database: Database, **values: Any) -> tuple[Stage, Any]:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open(await stage.panel(**values))
    return stage, ticket


async def test_silence_is_warned_of_then_closes(database: Database) -> None:
    stage, ticket = await watched(database, closing={"inactive_after": 8 * 3600})
    await stage.wait(6 * HOUR)
    assert "Without a message this ticket is closed" in stage.said(ticket.channel_id)[-1]
    await stage.service.watch.note_writing(ticket.id, [(Writer.OPENER, stage.clock.now())])
    await stage.wait(5 * HOUR)
    assert (await stage.get(ticket.id)).status == "open"
    await stage.wait(HOUR)
    await stage.wait(3 * HOUR)
    closed = await stage.get(ticket.id)
    assert (closed.status, closed.close_reason) == ("closed", "Nobody has written for a while.")
    assert (await stage.events(ticket.id)).count("warn_inactive") == 2


async def test_after_a_long_absence_there_is_still_a_warning(sqlite_database: Database) -> None:
    stage, ticket = await watched(sqlite_database, closing={"inactive_after": 8 * 3600})
    await stage.wait(48 * HOUR)
    assert (await stage.get(ticket.id)).status == "open"
    await stage.wait(HOUR)
    assert (await stage.get(ticket.id)).status == "closed"


async def test_the_openers_silence_counts_only_after_an_answer(sqlite_database: Database) -> None:
    stage, ticket = await watched(sqlite_database, closing={"unanswered_after": 8 * 3600})
    await stage.wait(48 * HOUR)
    assert (await stage.get(ticket.id)).status == "open"
    await stage.service.watch.note_writing(ticket.id, [(Writer.STAFF, stage.clock.now())])
    await stage.wait(6 * HOUR)
    await stage.wait(2 * HOUR)
    closed = await stage.get(ticket.id)
    # The staff did write: it is said whose answer is missing.
    reason = "Whoever opened the ticket has not answered the staff."
    assert (closed.status, closed.close_reason) == ("closed", reason)


async def test_a_reopened_ticket_has_its_whole_time_again(database: Database) -> None:
    closing = {"inactive_after": 8 * 3600, "unanswered_after": 6 * 3600}
    stage, ticket = await watched(database, closing=closing)
    await stage.service.watch.note_writing(ticket.id, [(Writer.STAFF, stage.clock.now())])
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(48 * HOUR)
    await stage.service.life.reopen(ticket.id, STAFF)
    for _look in range(4):
        await stage.wait(HOUR)
    assert (await stage.get(ticket.id)).status == "open"
    assert "warn_inactive" not in await stage.events(ticket.id)


async def test_what_is_read_late_answers_no_later_question(database: Database) -> None:
    stage, ticket = await watched(database)
    asked = stage.clock.now() + 10 * MINUTE
    await stage.service.watch.note_writing(ticket.id, [(Writer.OPENER, asked)])
    await stage.service.watch.note_writing(ticket.id, [(Writer.STAFF, asked - 5 * MINUTE)])
    assert (await stage.get(ticket.id)).waiting_since is not None
    await stage.service.watch.note_writing(ticket.id, [(Writer.STAFF, asked + MINUTE)])
    assert (await stage.get(ticket.id)).waiting_since is None


async def test_an_exempt_ticket_stays(sqlite_database: Database) -> None:
    stage, ticket = await watched(sqlite_database, closing={"inactive_after": 3600})
    await stage.service.life.set_exempt(ticket.id, STAFF, exempt=True)
    await stage.wait(48 * HOUR)
    assert (await stage.get(ticket.id)).status == "open"


async def test_the_ladder_is_climbed_step_by_step_and_begins_anew(database: Database) -> None:
    service = {
        "remind_after": 3600,
        "escalate_after": 2 * 3600,
        "escalate_roles": ["71"],
        "lead_after": 3 * 3600,
    }
    stage, ticket = await watched(database, service=service, staff_roles=["70"])
    await stage.set(lead_role_id="72")
    for role in ("<@&70>", "<@&71>", "<@&72>"):
        await stage.wait(HOUR)
        assert role in stage.said(ticket.channel_id)[-1]
    await stage.wait(48 * HOUR)
    assert [
        one for one in await stage.events(ticket.id) if one in ("remind", "escalate", "lead")
    ] == ["remind", "escalate", "lead"]
    assert (await stage.service.quality.figures(GUILD, 30)).late == Late(1, 1, 1)
    assert (await stage.service.quality.figures(GUILD, 1)).late == NEVER_LATE
    now = stage.clock.now()
    await stage.service.watch.note_writing(ticket.id, [(Writer.STAFF, now)])
    answered = await stage.get(ticket.id)
    assert (answered.level, answered.waiting_since, answered.first_reply_at) == (0, None, now)
    await stage.service.watch.note_writing(ticket.id, [(Writer.OPENER, now + timedelta(minutes=1))])
    await stage.wait(HOUR + timedelta(minutes=1))
    assert (await stage.events(ticket.id)).count("remind") == 2


async def test_outside_opening_hours_no_time_passes(sqlite_database: Database) -> None:
    hours = [{"day": day, "opens": "09:00", "closes": "17:00"} for day in range(5)]
    clock = FakeClock(datetime(2026, 11, 27, 16, tzinfo=UTC))
    stage = await Stage.make(sqlite_database, clock)
    panel = await stage.panel(hours=hours, service={"remind_after": 2 * 3600})
    ticket = await stage.open(panel)
    await stage.wait(timedelta(days=2))
    assert "remind" not in await stage.events(ticket.id)
    await stage.wait(timedelta(hours=18))
    assert "remind" in await stage.events(ticket.id)


async def test_whoever_leaves_has_their_ticket_closed_where_it_is_set(
    sqlite_database: Database,
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    plain = await stage.open(await stage.panel())
    kept = await stage.open(await stage.panel("Bugs", closing={"on_leave": False}))
    excluded = await stage.open(await stage.panel("Deals"))
    await stage.service.life.set_exempt(excluded.id, STAFF, exempt=True)
    await stage.service.losses.member_left(plain.guild_id, OPENER)
    await stage.wait(1)
    assert (await stage.get(plain.id)).status == "closed"
    assert (await stage.get(kept.id)).status == "open"
    assert (await stage.get(excluded.id)).status == "open"


async def test_whoever_leaves_while_their_room_is_made_has_their_ticket_closed(
    database: Database,
) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.service.opening.open(stage.request(await stage.panel()))
    stays = await stage.service.opening.open(stage.request(await stage.panel("Bugs"), OTHER))
    await stage.service.losses.member_left(GUILD, OPENER)
    await stage.service.losses.member_left(GUILD, OTHER)
    stage.gone.add(OPENER)
    for _second in range(3):
        await stage.wait(1)
    closed = await stage.get(ticket.id)
    assert (closed.status, closed.close_reason) == (
        "closed",
        "Whoever opened this ticket has left the server.",
    )
    # They were back before their room was there.
    assert (await stage.get(stays.id)).status == "open"


async def test_a_ticket_is_let_go_when_who_sees_to_it_leaves(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    service = {"remind_after": 3600}
    panel = await stage.panel(service=service, staff_roles=["70"], per_member=2)
    mine, theirs = await stage.open(panel), await stage.open(panel)
    await stage.service.life.claim(mine.id, STAFF)
    await stage.service.life.claim(theirs.id, OTHER)
    await stage.service.losses.member_left(GUILD, STAFF)
    await stage.wait(HOUR)
    assert (await stage.get(mine.id)).claimed_by is None
    assert "<@&70>" in stage.said(mine.channel_id)[-1]
    assert (await stage.get(theirs.id)).claimed_by == OTHER


async def test_who_left_while_the_bot_was_away_lets_go_of_tickets(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open()
    await stage.service.life.claim(ticket.id, STAFF)
    stage.gone.add(STAFF)
    await stage.service.losses.begin_session([GUILD])
    await stage.wait(1)
    assert (await stage.get(ticket.id)).claimed_by is None


async def test_a_ticket_that_is_kept_outlasts_its_opener(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open(await stage.panel())
    await stage.service.life.set_exempt(ticket.id, STAFF, exempt=True)
    await stage.service.losses.member_left(ticket.guild_id, OPENER)
    await stage.wait(1)
    assert (await stage.get(ticket.id)).status == "open"


async def test_who_comes_back_is_let_into_their_open_ticket(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open(await stage.panel(closing={"on_leave": False}))
    room = stage.room_of(ticket)
    assert OPENER in room.viewers
    await stage.service.losses.member_left(ticket.guild_id, OPENER)
    # Discord takes who leaves a server out of its threads.
    room.viewers.discard(OPENER)
    await stage.service.losses.member_returned(ticket.guild_id, OPENER)
    await stage.wait(1)
    assert OPENER in room.viewers
    assert stage.service.capture.tickets_with(ticket.guild_id, STAFF) == []


async def test_who_came_back_while_the_bot_was_away_is_let_in_at_the_next_session(
    database: Database,
) -> None:
    stage = await Stage.make(database, FakeClock())
    mine = await stage.open(await stage.panel())
    theirs = await stage.open(await stage.panel("Bugs"), OTHER)
    await stage.service.life.add(theirs.id, STAFF, OPENER)
    await stage.wait(1)
    rooms = stage.room_of(mine), stage.room_of(theirs)
    for room in rooms:
        # Discord takes who leaves a server out of its threads.
        room.viewers.discard(OPENER)
    stage.joined[OPENER] = stage.clock.now()
    stage.rooms.calls.clear()
    await stage.service.losses.begin_session([mine.guild_id])
    await stage.wait(1)
    assert [sorted(room.viewers) for room in rooms] == [[OPENER], [OPENER, OTHER]]
    assert (await stage.get(mine.id)).status == "open"

    # Who was never away is not let in again, nor is anybody into what they are in.
    stage.joined = {OTHER: theirs.created_at - timedelta(days=9)}
    stage.rooms.calls.clear()
    await stage.service.losses.begin_session([mine.guild_id])
    await stage.wait(1)
    assert "align" not in [call for call, _room in stage.rooms.calls]


async def test_an_opener_is_called_before_silence_closes_their_ticket(
    sqlite_database: Database,
) -> None:
    stage, ticket = await watched(sqlite_database, closing={"inactive_after": 3600})
    await stage.wait(45 * MINUTE)
    warning = stage.said(ticket.channel_id)[-1]
    assert warning.startswith(f"<@{OPENER}> Without a message this ticket is closed")


async def test_who_is_called_sees_the_channel_first(database: Database) -> None:
    service = {"remind_after": 3600, "escalate_after": 7200, "escalate_roles": ["71"]}
    stage, ticket = await watched(
        database, service=service | {"lead_after": 10800}, staff_roles=["70"], room="channel"
    )
    await stage.set(lead_role_id="72")
    await stage.wait(HOUR)
    assert "<@&70> Nobody of the staff has answered yet." in stage.said(ticket.channel_id)
    assert stage.room_of(ticket).roles == {70}
    await stage.wait(HOUR)
    await stage.wait(HOUR)
    assert stage.room_of(ticket).roles == {70, 71, 72}
    called = [one for one in stage.said(ticket.channel_id) if "👋" in one]
    assert called == ["<@&71> 👋", "<@&72> 👋"]
    known = await stage.get(ticket.id)
    assert known.staff_roles == ["71", "72"]
    room = stage.service.capture.room(ticket.channel_id)
    assert room is not None
    assert room.staff_roles == {70, 71, 72}
    await stage.service.watch.note_writing(ticket.id, [(Writer.STAFF, stage.clock.now())])
    later = stage.clock.now() + MINUTE
    await stage.service.watch.note_writing(ticket.id, [(Writer.OPENER, later)])
    await stage.wait(2 * HOUR + 2 * MINUTE)
    assert stage.said(ticket.channel_id)[-1].startswith("<@&71> Nobody of the staff")
    assert (await stage.get(ticket.id)).staff_roles == ["71", "72"]


async def test_a_refused_room_does_not_call_who_cannot_see_it(sqlite_database: Database) -> None:
    service = {"escalate_after": 3600, "escalate_roles": ["71"]}
    stage, ticket = await watched(sqlite_database, service=service, room="channel")
    stage.rooms.refusing = refusal("I lack Manage Permissions.")
    await stage.wait(HOUR)
    assert not any("<@&71>" in one for one in stage.said(ticket.channel_id))
    stage.rooms.refusing = None
    await stage.wait(10 * MINUTE)
    assert stage.said(ticket.channel_id)[-1] == "<@&71> 👋"


async def test_who_writes_after_the_question_goes_on(database: Database) -> None:
    stage, ticket = await watched(database)
    asked = stage.clock.now()
    stage.clock.advance(MINUTE)
    await stage.service.life.request_close(ticket.id, STAFF, "Found?", 2 * HOUR)
    await stage.settle()
    write = stage.service.watch.note_writing
    await write(ticket.id, [(Writer.OPENER, asked)])
    await write(ticket.id, [(Writer.STAFF, stage.clock.now()), (Writer.GUEST, stage.clock.now())])
    assert (await stage.get(ticket.id)).close_requested_by == STAFF
    await write(ticket.id, [(Writer.OPENER, stage.clock.now() + MINUTE)])
    await stage.settle()
    now = await stage.get(ticket.id)
    assert (now.close_requested_by, now.close_at, now.close_reason) == (None, None, None)
    assert stage.said(ticket.channel_id)[-1] == (
        f"<@{STAFF}> <@{OPENER}> has written again: the ticket stays open."
    )
    said = stage.courier.delivered[-1].payload
    assert said["allowed_mentions"]["users"] == [str(STAFF)]
    assert (await stage.events(ticket.id))[-1] == "decline_close"
    await stage.wait(3 * HOUR)
    assert (await stage.get(ticket.id)).status == "open"
    with pytest.raises(Conflict, match="Nobody asks any more"):
        await stage.service.life.accept_close(ticket.id, OPENER)


async def test_a_planned_end_stands_whoever_writes(sqlite_database: Database) -> None:
    stage, ticket = await watched(sqlite_database)
    await stage.service.life.schedule_close(ticket.id, STAFF, HOUR, None)
    await stage.service.watch.note_writing(ticket.id, [(Writer.OPENER, stage.clock.now())])
    await stage.wait(HOUR)
    assert (await stage.get(ticket.id)).status == "closed"


async def test_who_was_added_breaks_the_silence(database: Database) -> None:
    closing = {"inactive_after": 8 * 3600, "unanswered_after": 8 * 3600}
    stage, ticket = await watched(database, closing=closing)
    await stage.service.watch.note_writing(ticket.id, [(Writer.STAFF, stage.clock.now())])
    await stage.wait(7 * HOUR)
    assert (await stage.events(ticket.id)).count("warn_inactive") == 1
    await stage.service.watch.note_writing(ticket.id, [(Writer.GUEST, stage.clock.now())])
    await stage.wait(5 * HOUR)
    assert (await stage.get(ticket.id)).status == "open"
    await stage.wait(HOUR)
    await stage.wait(2 * HOUR)
    assert (await stage.get(ticket.id)).status == "closed"


@pytest.mark.parametrize("away", ["from the guild", "from everything"])
async def test_what_was_written_unheard_counts_before_anything_is_due(
    database: Database, away: str
) -> None:
    stage, ticket = await watched(database)
    await stage.service.life.request_close(ticket.id, STAFF, None, 2 * HOUR)
    await stage.settle()
    if away == "from the guild":
        stage.service.capture.take_gap({})
    else:
        stage = await Stage.make(database, stage.clock, stage.rooms)
    said = message(ticket.channel_id, 10**6, "Not yet!", stage.clock.now() + HOUR)
    stage.history[ticket.channel_id or 0] = [said]
    await stage.wait(3 * HOUR)
    assert (await stage.get(ticket.id)).status == "open"
    assert (await stage.events(ticket.id))[-1] == "decline_close"


async def test_what_is_due_waits_for_no_room_that_cannot_be_read(sqlite_database: Database) -> None:
    stage, ticket = await watched(sqlite_database)
    await stage.service.life.request_close(ticket.id, STAFF, None, 2 * HOUR)
    stage.service.capture.take_gap({})
    stage.unreadable.add(ticket.channel_id or 0)
    await stage.wait(3 * HOUR)
    assert (await stage.get(ticket.id)).status == "closed"
