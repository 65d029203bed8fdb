"""The transcript tells each thing once, and calls people by their names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.core.outbox import DeliveryKind
from db.engine import Database
from db.guilds import SeenUser, save_users
from db.tickets import Ticket
from tests.cogs.tickets.stage import OPENER, OTHER, STAFF, Stage
from tests.cogs.tickets.talk import message, opened, record, say

BOT = {"id": "99", "username": "pegasus", "bot": True}
MINUTE = timedelta(minutes=1)


async def hear(stage: Stage, ticket: Ticket) -> None:
    """Have what the bot has said in the room be taken down, as the gateway repeats it."""
    await stage.wait(1)
    for number, one in enumerate(stage.courier.delivered, 1):
        if one.channel_id != ticket.channel_id or one.kind is not DeliveryKind.SEND:
            continue
        files = [{"id": str(number), "filename": "x", "size": 1, "url": "x", "content_type": "x"}]
        payload: dict[str, Any] = message(
            ticket.channel_id,
            1000 + number,
            one.payload.get("content", ""),
            stage.clock.now(),
            author=99,
            attachments=files if one.payload.get("attachments") else [],
        )
        stage.service.capture.take_message(payload | {"author": BOT})
    await stage.service.capture.flush()


async def page_of(stage: Stage, ticket: Ticket, locale: str = "en") -> str:
    data = await stage.service.archive.render(ticket.id, locale=locale, for_staff=True)
    return data.decode()


async def test_what_the_bot_said_of_an_event_is_shown_once(database: Database) -> None:
    stage, ticket = await opened(database)
    life = stage.service.life
    await life.claim(ticket.id, STAFF)
    await life.unclaim(ticket.id, STAFF, manages=False)
    await life.claim(ticket.id, STAFF)
    await life.schedule_close(ticket.id, STAFF, 60 * MINUTE, "Solved, I think")
    await hear(stage, ticket)
    # An answer to such a line still finds it.
    claimed = next(
        number
        for number, one in enumerate(stage.courier.delivered, 1)
        if "sees to this ticket" in one.payload.get("content", "")
    )
    reply = {"type": 19, "message_reference": {"message_id": str(1000 + claimed)}}
    await say(stage, ticket, 5000, "Thank you!", **reply)
    page = await page_of(stage, ticket)
    assert page.count("sees to this ticket.</p>") == 2
    # What is told as an event is counted as no message besides.
    assert f"{page.count('<article')} messages · times in" in page
    assert page.count("let go of this ticket") == 1
    assert page.count("Solved, I think") == 1
    assert f'id="m{1000 + claimed}"' in page
    assert f'href="#m{1000 + claimed}"' in page


async def test_a_message_that_says_more_is_shown_in_the_event_s_place(
    sqlite_database: Database,
) -> None:
    stage, ticket = await opened(sqlite_database)
    await stage.service.life.request_close(ticket.id, STAFF, "All found?", 60 * MINUTE)
    await hear(stage, ticket)
    page = await page_of(stage, ticket)
    assert page.count("All found?") == 1
    assert "Without an answer it is closed" in page
    assert "asks whether this can be closed" not in page


async def test_a_line_that_was_never_said_is_in_the_transcript(sqlite_database: Database) -> None:
    stage, ticket = await opened(sqlite_database)
    await stage.service.life.claim(ticket.id, STAFF)
    # Somebody's own words are no line of the bot's.
    await say(stage, ticket, 7, f"<@{STAFF}> sees to this ticket.", author=OTHER)
    assert (await page_of(stage, ticket)).count("sees to this ticket.") == 2


async def test_who_only_used_commands_has_a_name(sqlite_database: Database) -> None:
    stage, ticket = await opened(sqlite_database)
    async with sqlite_database.write() as session:
        await save_users(session, [SeenUser(STAFF, "Sam Sailor", None, stage.clock.now())])
    await stage.service.life.claim(ticket.id, STAFF)
    page = await page_of(stage, ticket)
    assert "<dd>Sam Sailor</dd>" in page
    assert '<span class="mention">@Sam Sailor</span> sees to this ticket.' in page


async def test_the_json_says_to_whom_a_ticket_was_handed(sqlite_database: Database) -> None:
    stage, ticket = await opened(sqlite_database)
    await stage.service.life.transfer(ticket.id, STAFF, OTHER)
    event = (await record(stage, ticket))["events"][-1]
    assert (event["kind"], event["subject_id"]) == ("transfer", str(OTHER))


async def test_it_is_said_who_opened_a_ticket_again(sqlite_database: Database) -> None:
    stage, ticket = await opened(sqlite_database)
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    await stage.service.life.reopen(ticket.id, OTHER)
    await stage.wait(1)
    said = f"<@{OPENER}> <@{OTHER}> opened the ticket again."
    assert said in stage.said(ticket.channel_id)


async def test_a_line_that_calls_the_opener_is_shown_once(sqlite_database: Database) -> None:
    stage, ticket = await opened(sqlite_database)
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    await stage.service.life.reopen(ticket.id, OTHER)
    await hear(stage, ticket)
    assert (await page_of(stage, ticket)).count("opened the ticket again.") == 1
