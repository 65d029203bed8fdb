"""What was written in tickets is forgotten: when it is old, and when somebody has it erased."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.core.outbox import DeliveryKind
from cogs.tickets import FEATURE
from db import people
from db.engine import Database
from db.ticket_messages import TicketFile, TicketMessage, TicketVersion, TicketWord
from db.ticket_panels import TicketDraft, put_draft
from db.ticket_quality import TicketRating
from db.tickets import Ticket, TicketEvent, note_room
from tests.cogs.tickets.stage import GUILD, LOG, OPENER, OTHER, STAFF, Stage
from tests.cogs.tickets.talk import PNG, attachment, message, opened, record, rows, say
from tests.fakes import FakeClock


def quoted(author_id: int) -> dict[str, str]:
    """Return the message that a ticket was opened about."""
    place = dict.fromkeys(("guild_id", "channel_id", "message_id"), "1")
    return {**place, "author_id": str(author_id), "content": "secret quote"}


async def test_an_erased_person_is_in_no_transcript(database: Database) -> None:
    stage, ticket = await opened(database)
    await say(stage, ticket, 1, "my address is Harbour 1")
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    async with database.write() as session:
        await people.erase_person(session, OPENER)
    text = json.dumps(await record(stage, ticket))
    assert "Harbour 1" not in text
    assert "Ada" not in text
    assert await rows(stage, TicketWord) == []


async def erase(stage: Stage, user_id: int, *, records: bool = False) -> None:
    async with stage.database.write() as session:
        await people.erase_person(session, user_id, now=stage.clock.now(), records=records)


async def told(stage: Stage) -> str:
    """Return everything that is stored about tickets and what they say."""
    found = [
        {column.name: getattr(one, column.name) for column in table.__table__.columns}
        for table in (Ticket, TicketEvent, TicketMessage, TicketVersion, TicketFile, TicketWord)
        for one in await rows(stage, table)
    ]
    return json.dumps(found, default=str)


async def secretive(stage: Stage, **values: Any) -> Ticket:
    """Return an open ticket in which all that can tell something of its opener does."""
    question = {"key": "what", "label": "What", "kind": "line"}
    panel = await stage.panel(pages=[{"questions": [question]}], naming="{opener}-{number}")
    ticket = await stage.open(panel, answers={"what": "secret lamp"}, **values)
    await say(stage, ticket, 1, "secret text")
    card = {"embeds": [{"title": "secret lamp"}], "author": {"id": "1", "bot": True}}
    await say(stage, ticket, 2, "card", **card)
    await stage.service.life.rename(ticket.id, STAFF, "secret-user8")
    await stage.service.life.add_note(ticket.id, STAFF, "lies")
    await stage.settle()
    return ticket


async def test_an_opener_is_erased_from_a_closed_ticket(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await secretive(stage)
    await stage.service.life.close(ticket.id, STAFF, "secret reason")
    await stage.wait(5)
    await erase(stage, OPENER)
    stored = await told(stage)
    assert "secret" not in stored
    assert "user8" not in stored
    kept = await stage.get(ticket.id)
    assert (kept.user_id, kept.name, kept.room_state) == (0, "Help-1", {})
    # What the staff hold against somebody is theirs, until the operator erases it.
    assert "lies" in stored
    await stage.service.archive.render(ticket.id, locale="es", for_staff=True)


async def test_an_operator_erases_notes_as_well(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await secretive(stage)
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(5)
    await erase(stage, OPENER, records=True)
    assert "lies" not in await told(stage)


async def test_an_erasure_while_a_ticket_is_open_is_done_when_it_ends(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    await stage.set(log_channel_id=str(LOG))
    ticket = await secretive(stage)
    await erase(stage, OPENER)
    kept = await stage.get(ticket.id)
    assert (kept.user_id, [one["shown"] for one in kept.answers]) == (OPENER, [["secret lamp"]])
    await say(stage, ticket, 3, "secret again")
    stage.service.capture.take_message(
        message(ticket.channel_id, 4, "secret at last", stage.clock.now())
    )
    await stage.service.life.close(ticket.id, STAFF, "secret reason")
    await stage.wait(5)
    assert "secret" not in await told(stage)
    assert (await stage.get(ticket.id)).user_id == 0
    assert stage.letters(OPENER) == []
    (logged,) = [one for one in stage.courier.delivered if one.channel_id == LOG]
    assert "<@8>" not in str(logged.payload)
    assert "somebody whose data was erased" in str(logged.payload)


async def test_the_room_of_an_erased_opener_follows_and_goes_in_its_time(
    sqlite_database: Database,
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open(await stage.panel(room="channel"))
    await erase(stage, OPENER)
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(5)
    await stage.wait(timedelta(minutes=11))
    room = stage.room_of(ticket)
    assert (room.locked, room.viewers) == (True, set())
    await stage.wait(timedelta(hours=24))
    assert stage.rooms.made == {}


async def test_an_erasure_is_done_when_the_room_is_deleted(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await secretive(stage)
    await erase(stage, OPENER)
    await say(stage, ticket, 3, "secret again")
    await stage.service.losses.room_deleted(ticket.channel_id or 0)
    assert "secret" not in await told(stage)


async def test_a_ticket_that_is_given_away_keeps_nothing_of_who_was_erased(
    sqlite_database: Database,
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await secretive(stage)
    await erase(stage, OPENER)
    await stage.service.life.give_to(ticket.id, STAFF, OTHER)
    await stage.settle()
    kept = await stage.get(ticket.id)
    assert (kept.user_id, kept.erase_asked_at, kept.answers) == (OTHER, None, [])
    assert stage.room_of(kept).viewers == {OPENER, OTHER}
    assert "secret" not in await told(stage)


async def test_the_first_message_of_an_open_ticket_still_follows(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await secretive(stage)
    await erase(stage, OPENER)
    before = len(stage.courier.delivered)
    await stage.service.life.claim(ticket.id, STAFF)
    await stage.settle()
    kinds = [one.kind for one in stage.courier.delivered[before:]]
    assert DeliveryKind.EDIT in kinds
    edit = stage.courier.delivered[before + kinds.index(DeliveryKind.EDIT)]
    assert edit.message_id is not None


async def test_who_is_quoted_is_erased_and_not_told_of_the_ticket(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    ticket = await stage.open(origin=quoted(OTHER))
    card = {"embeds": [{"title": "secret quote"}], "author": {"id": "1", "bot": True}}
    await say(stage, ticket, 2, "card", **card)
    async with database.read() as session:
        assert "tickets" not in await people.export_person(session, OTHER)
    await erase(stage, OTHER)
    kept = await stage.get(ticket.id)
    assert (kept.origin, kept.quoted_author_id, kept.user_id) == ({}, None, OPENER)
    assert "secret" not in await told(stage)


async def test_who_is_erased_does_not_come_back_by_an_edit(sqlite_database: Database) -> None:
    stage, ticket = await opened(sqlite_database)
    await say(stage, ticket, 1, "secret", author=OTHER)
    await erase(stage, OTHER)
    poll = {"question": {"text": "secret"}, "answers": []}
    stage.service.capture.take_edit(
        message(ticket.channel_id, 1, "secret", stage.clock.now(), author=OTHER, poll=poll)
    )
    await stage.service.capture.flush()
    assert "secret" not in await told(stage)


async def test_who_is_erased_is_not_noted_among_those_in_a_thread(database: Database) -> None:
    stage, ticket = await opened(database)
    other = OTHER + 1
    state = {**(ticket.room_state or {}), "crowd": {str(OTHER): ["7"], str(other): ["7", "8"]}}
    async with database.write() as session:
        await note_room(session, ticket.id, state)
    await erase(stage, OTHER)

    kept = (await stage.get(ticket.id)).room_state
    assert kept == {**state, "crowd": {str(other): ["7", "8"]}}


async def test_old_records_are_forgotten_and_tickets_stay(sqlite_database: Database) -> None:
    stage, ticket = await opened(sqlite_database)
    await say(stage, ticket, 1, "hello")
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    await stage.wait(timedelta(days=364))
    assert len(await rows(stage, TicketMessage)) == 1
    await stage.wait(timedelta(days=3))
    assert await rows(stage, TicketMessage) == []
    assert (await stage.get(ticket.id)).status == "closed"


async def test_all_that_was_written_about_a_ticket_is_forgotten(
    database: Database, tmp_path: Path
) -> None:
    stage = await Stage.make(database, FakeClock(), files=tmp_path)
    questions = [
        {"key": "what", "label": "What", "kind": "line"},
        {"key": "pic", "label": "Picture", "kind": "file"},
    ]
    file = attachment(5, "lamp.png", len(PNG))
    stage.cdn[file["url"]] = PNG
    ticket = await stage.open(
        await stage.panel(pages=[{"questions": questions}]),
        answers={"what": "secret lamp", "pic": [file]},
        origin=quoted(OTHER),
    )
    await stage.service.life.add_note(ticket.id, STAFF, "secret note")
    await stage.service.life.rename(ticket.id, STAFF, "secret-name")
    await stage.service.life.close(ticket.id, STAFF, "secret reason")
    await stage.wait(5)
    await stage.service.ratings.rate(ticket.id, OPENER, 4)
    await stage.service.ratings.comment(ticket, OPENER, 4, "secret word")
    await stage.wait(timedelta(days=368))
    kept = await stage.get(ticket.id)
    assert (kept.answers, kept.origin, kept.close_reason) == ([], {}, None)
    assert (kept.status, kept.user_id, kept.closed_by) == ("closed", OPENER, STAFF)
    assert "secret" not in await told(stage)
    assert [(one.stars, one.comment) for one in await rows(stage, TicketRating)] == [(4, None)]
    assert await rows(stage, TicketFile) == []
    await stage.service.files.sweep(older_than=timedelta())
    assert await stage.service.files.store.list(timedelta()) == []


async def test_what_is_written_after_a_reopening_is_forgotten_as_well(
    sqlite_database: Database,
) -> None:
    stage, ticket = await opened(sqlite_database)
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    await stage.wait(timedelta(days=367))
    await stage.service.life.reopen(ticket.id, STAFF)
    await stage.settle()
    await say(stage, await stage.get(ticket.id), 9, "hello")
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    await stage.wait(timedelta(days=367))
    assert await rows(stage, TicketMessage) == []


async def test_a_channel_in_which_staff_still_write_is_forgotten_after_it(
    sqlite_database: Database,
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    await stage.set(keep_transcripts_for=86400, keep_channel_for=10 * 86400)
    ticket = await stage.open(await stage.panel(room="channel"))
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    await stage.wait(timedelta(days=3))
    await say(stage, ticket, 9, "for the staff", author=STAFF, roles=(70,))
    assert len(await rows(stage, TicketMessage)) == 1
    await stage.wait(timedelta(days=20))
    await stage.wait(timedelta(days=1))
    assert await rows(stage, TicketMessage) == []


async def test_half_filled_forms_are_forgotten(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    now = stage.clock.now()
    async with stage.database.write() as session:
        for user_id, hours in ((1, 1), (2, -1)):
            await put_draft(
                session,
                panel_id=1,
                user_id=user_id,
                guild_id=GUILD,
                answers={},
                context={},
                expires_at=now + timedelta(hours=hours),
            )
    assert FEATURE.purge is not None
    async with stage.database.write() as session:
        await FEATURE.purge(session, now)
    assert [one.user_id for one in await rows(stage, TicketDraft)] == [1]
