"""What is written in tickets is taken down as it happens, with edits, deletions and files."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.errors import InvalidInput, NotFound
from db.engine import Database
from db.ticket_messages import TicketFile, TicketMessage
from tests.cogs.tickets.stage import GUILD, OTHER, STAFF, Stage
from tests.cogs.tickets.talk import PNG, attachment, message, opened, record, rows, say


async def test_messages_edits_and_deletions_stay_on_record(database: Database) -> None:
    stage, ticket = await opened(database)
    capture = stage.service.capture
    await say(stage, ticket, 1, "My wallet\x00 is lost")
    await say(stage, ticket, 2, "Which one?", author=STAFF, name="Sam", roles=(70,))
    edit = message(ticket.channel_id, 1, "My purse is lost", stage.clock.now())
    capture.take_edit(edit)
    capture.take_edit(edit)
    capture.take_deletion({"id": "2", "channel_id": str(ticket.channel_id)})
    await capture.flush()
    first, second = (await record(stage, ticket))["messages"]
    assert first["content"] == "My purse is lost"
    assert [one["content"] for one in first["versions"]] == ["My wallet is lost"]
    assert (second["is_staff"], second["deleted_at"] is not None) == (True, True)
    assert second["content"] == "Which one?"


async def test_who_writes_moves_the_deadlines(database: Database) -> None:
    stage, ticket = await opened(database)
    stage.clock.advance(60)
    await say(stage, ticket, 1, "Somebody there?", author=STAFF, roles=(70,))
    answered = await stage.get(ticket.id)
    assert answered.first_reply_at == stage.clock.now()
    assert answered.waiting_since is None
    await stage.service.life.add(ticket.id, STAFF, OTHER)
    stage.clock.advance(60)
    await say(stage, ticket, 2, "I am with them", author=OTHER)
    assert (await stage.get(ticket.id)).staff_wrote_at == answered.staff_wrote_at


async def test_other_channels_are_passed_over(sqlite_database: Database) -> None:
    stage, _ticket = await opened(sqlite_database)
    stage.service.capture.take_message(message(77, 1, "hello", stage.clock.now()))
    await stage.service.capture.flush()
    assert await rows(stage, TicketMessage) == []


async def test_what_was_missed_is_read_and_nothing_twice(sqlite_database: Database) -> None:
    stage, ticket = await opened(sqlite_database)
    await say(stage, ticket, 1, "one")
    missed = [
        message(ticket.channel_id, one, f"m{one}", stage.clock.now()) for one in range(1, 250)
    ]
    stage.history[ticket.channel_id or 0] = missed
    again = await Stage.make(sqlite_database, stage.clock, stage.rooms)
    again.history = stage.history
    await again.service.losses.begin_session([GUILD])
    await again.wait(1)
    found = await rows(again, TicketMessage)
    assert sorted(one.message_id for one in found) == list(range(1, 250))


async def test_a_message_of_the_new_session_hides_nothing_that_was_missed(
    database: Database,
) -> None:
    stage, ticket = await opened(database)
    await say(stage, ticket, 1, "one")
    stage.history[ticket.channel_id or 0] = [
        message(ticket.channel_id, one, f"m{one}", stage.clock.now()) for one in range(1, 51)
    ]
    again = await Stage.make(database, stage.clock, stage.rooms)
    again.history = stage.history
    await again.service.losses.begin_session([GUILD])
    await say(again, ticket, 50, "live")
    await again.wait(1)
    assert sorted(one.message_id for one in await rows(again, TicketMessage)) == [*range(1, 51)]
    assert (await again.get(ticket.id)).missed_after is None


async def test_what_a_session_of_the_same_process_missed_is_read(
    sqlite_database: Database,
) -> None:
    stage, ticket = await opened(sqlite_database)
    await stage.service.losses.begin_session([GUILD])
    await stage.wait(1)
    await say(stage, ticket, 1, "one")
    stage.service.capture.take_gap({})
    await say(stage, ticket, 9, "live")
    stage.history[ticket.channel_id or 0] = [
        message(ticket.channel_id, one, f"m{one}", stage.clock.now()) for one in range(1, 10)
    ]
    await stage.service.losses.begin_session([GUILD])
    await stage.wait(1)
    assert sorted(one.message_id for one in await rows(stage, TicketMessage)) == [*range(1, 10)]


async def test_an_event_that_cannot_be_read_keeps_no_other_from_the_record(
    database: Database,
) -> None:
    stage, ticket = await opened(database)
    capture, now = stage.service.capture, stage.clock.now()
    capture.take_message(message(ticket.channel_id, 1, "before", now))
    capture.take_message(message(ticket.channel_id, 2, "bad", now, timestamp="never"))
    capture.take_message({**message(ticket.channel_id, 3, "bad", now), "author": {"id": "x"}})
    capture.take_message(message(ticket.channel_id, 4, "after", now))
    await capture.flush()
    assert [one.message_id for one in await rows(stage, TicketMessage)] == [1, 4]


async def test_a_gap_is_remembered_while_the_channel_cannot_be_read(
    sqlite_database: Database,
) -> None:
    stage, ticket = await opened(sqlite_database)
    room = ticket.channel_id or 0
    stage.service.capture.take_gap({})
    stage.unreadable.add(room)
    await stage.service.losses.begin_session([GUILD])
    await stage.wait(1)
    stage.unreadable.clear()
    stage.history[room] = [message(room, 1, "m", stage.clock.now())]
    await stage.service.losses.begin_session([GUILD])
    await stage.wait(1)
    assert [one.message_id for one in await rows(stage, TicketMessage)] == [1]


async def test_a_message_told_twice_at_once_has_its_file_once(
    database: Database, tmp_path: Path
) -> None:
    stage, ticket = await opened(database, tmp_path)
    file = attachment(5, "a.png", len(PNG))
    told = message(ticket.channel_id, 1, "", stage.clock.now(), attachments=[file])
    stage.service.capture.take_message(told)
    stage.service.capture.take_message(told)
    await stage.service.capture.flush()
    assert len(await rows(stage, TicketFile)) == 1


async def test_when_too_much_waits_the_rest_is_read_from_the_channel(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.tickets.capturing.MOST_PENDING", 3)
    stage, ticket = await opened(sqlite_database)
    sent = [message(ticket.channel_id, one, f"m{one}", stage.clock.now()) for one in range(1, 9)]
    for one in sent:
        stage.service.capture.take_message(one)
    await stage.service.capture.flush()
    assert len(await rows(stage, TicketMessage)) == 3
    stage.history[ticket.channel_id or 0] = sent
    await stage.service.losses.begin_session([GUILD])
    await stage.wait(1)
    assert len(await rows(stage, TicketMessage)) == 8


async def test_words_find_messages_and_only_where_one_may_look(database: Database) -> None:
    stage, ticket = await opened(database)
    await say(stage, ticket, 1, "Mi Cañón está roto")
    await say(stage, ticket, 2, "canon camera")
    search = stage.service.archive.search
    found = await search(GUILD, "CANON", panel_ids=None)
    assert [one.message_id for one, _ticket in found] == [2, 1]
    assert len(await search(GUILD, "canon rot", panel_ids=[ticket.panel_id or 0])) == 1
    assert await search(GUILD, "canon", panel_ids=[999]) == []
    assert await search(GUILD, "rot canon", panel_ids=None) == []
    with pytest.raises(InvalidInput):
        await search(GUILD, "…!", panel_ids=None)


async def test_redaction_leaves_nothing_of_a_message(database: Database, tmp_path: Path) -> None:
    stage, ticket = await opened(database, tmp_path)
    file = attachment(5, "card.png", len(PNG))
    stage.cdn[file["url"]] = PNG
    await say(stage, ticket, 1, "secret number 1234", attachments=[file])
    await stage.jobs.run_due()
    edit = message(ticket.channel_id, 1, "secret again", stage.clock.now())
    stage.service.capture.take_edit(edit)
    await stage.service.archive.redact(ticket, 1, STAFF)
    assert "secret" not in json.dumps(await record(stage, ticket))
    assert await stage.service.archive.search(GUILD, "secret", panel_ids=None) == []
    assert await rows(stage, TicketFile) == []
    with pytest.raises(NotFound):
        await stage.service.archive.redact(ticket, 1, STAFF)
    stage.service.capture.take_edit(edit)
    await stage.service.capture.flush()
    assert "secret" not in json.dumps(await record(stage, ticket))
    stage.clock.advance(timedelta(days=2))
    await stage.service.files.sweep(older_than=timedelta())
    assert await stage.service.files.store.list(timedelta()) == []


async def test_notes_are_the_staffs_alone(sqlite_database: Database) -> None:
    stage, ticket = await opened(sqlite_database)
    await stage.service.life.add_note(ticket.id, STAFF, "looks fishy")
    assert "fishy" in json.dumps(await record(stage, ticket))
    assert "fishy" not in json.dumps(await record(stage, ticket, for_staff=False))
    page = await stage.service.archive.render(ticket.id, locale="es", for_staff=False)
    assert b"fishy" not in page
    assert b'lang="es"' in page


async def test_a_tag_answers_by_itself_once(database: Database) -> None:
    stage, ticket = await opened(database)
    quality = stage.service.quality
    actor = stage.request(await stage.panel("x")).actor
    await quality.save_tag(GUILD, "Refunds", "See #rules", "refund money", actor, new=True)
    await say(stage, ticket, 1, "I want a REFUND of my money!")
    await say(stage, ticket, 2, "refund money")
    await say(stage, ticket, 3, "refund money", author=STAFF, roles=(70,))
    await stage.settle()
    assert stage.said(ticket.channel_id).count("See #rules") == 1
    assert [one.uses for one in await quality.list_tags(GUILD)] == [1]


async def test_of_many_versions_the_first_and_the_newest_are_kept(database: Database) -> None:
    stage, ticket = await opened(database)
    await say(stage, ticket, 1, "v0")
    for number in range(1, 31):
        edit = message(ticket.channel_id, 1, f"v{number}", stage.clock.now())
        stage.service.capture.take_edit(edit)
    await stage.service.capture.flush()
    (kept,) = (await record(stage, ticket))["messages"]
    contents = [one["content"] for one in kept["versions"]]
    assert contents == ["v0", *(f"v{number}" for number in range(11, 30))]
    assert (kept["content"], kept["versions_left_out"]) == ("v30", 10)
    page = await stage.service.archive.render(ticket.id, locale="en", for_staff=True)
    assert b"10 versions are not kept." in page


async def test_a_transcript_says_how_many_messages_are_left_out(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, ticket = await opened(sqlite_database)
    for number in range(1, 41):
        text = f"number {number} " + "x" * 500
        stage.service.capture.take_message(
            message(ticket.channel_id, number, text, stage.clock.now())
        )
    page = await stage.service.archive.render(ticket.id, locale="en", for_staff=True)
    assert b"left out" not in page
    monkeypatch.setattr("cogs.tickets.archive.LARGEST_UPLOAD", 20_000)
    page = await stage.service.archive.render(ticket.id, locale="en", for_staff=True)
    shown = page.count(b"<article")
    assert f"The oldest {40 - shown} messages are left out".encode() in page
    assert b"number 40 " in page
    assert b"number 1 " not in page


async def test_however_many_were_missed_they_are_read_without_another_session(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.tickets.capturing._MOST_PAGES", 2)
    stage, ticket = await opened(sqlite_database)
    stage.history[ticket.channel_id or 0] = [
        message(ticket.channel_id, one, f"m{one}", stage.clock.now()) for one in range(1, 751)
    ]
    stage.service.capture.take_gap({})
    await stage.service.losses.begin_session([GUILD])
    for _turn in range(3):
        await stage.wait(1)
    assert len(await rows(stage, TicketMessage)) == 750
    assert (await stage.get(ticket.id)).missed_after is None
