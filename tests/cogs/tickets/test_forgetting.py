"""What was written in tickets is forgotten: when it is old, and when somebody has it erased."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from cogs.tickets import FEATURE
from db import people
from db.engine import Database
from db.ticket_messages import TicketFile, TicketMessage, TicketWord
from db.ticket_panels import TicketDraft, put_draft
from db.ticket_quality import TicketRating
from db.tickets import TicketEvent
from tests.cogs.tickets.stage import GUILD, OPENER, OTHER, STAFF, Stage
from tests.cogs.tickets.talk import PNG, attachment, opened, record, rows, say
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
    await stage.service.quality.rate(ticket.id, OPENER, 4)
    await stage.service.quality.comment(ticket, OPENER, 4, "secret word")
    await stage.wait(timedelta(days=368))
    kept = await stage.get(ticket.id)
    assert (kept.answers, kept.origin, kept.close_reason) == ([], {}, None)
    assert (kept.status, kept.user_id, kept.closed_by) == ("closed", OPENER, STAFF)
    assert {(one.text, str(one.details)) for one in await rows(stage, TicketEvent)} == {
        (None, "{}")
    }
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
