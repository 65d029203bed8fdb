"""Messages as the gateway tells of them, and what is on record, for the tests of both."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from db.engine import Database
from db.statements import table_of
from db.tickets import Ticket
from tests.cogs.tickets.stage import GUILD, OPENER, Stage
from tests.fakes import FakeClock

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 50


def message(
    channel_id: int | None,
    message_id: int,
    content: str,
    at: datetime,
    *,
    author: int = OPENER,
    name: str = "Ada",
    roles: tuple[int, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    """Return a MESSAGE_CREATE."""
    return {
        "id": str(message_id),
        "channel_id": str(channel_id),
        "guild_id": str(GUILD),
        "type": 0,
        "author": {"id": str(author), "username": name.casefold(), "global_name": name},
        "member": {"roles": [str(one) for one in roles]},
        "content": content,
        "timestamp": at.isoformat(),
        "attachments": [],
        "embeds": [],
        **more,
    }


def attachment(file_id: int, name: str, size: int, kind: str = "image/png") -> dict[str, Any]:
    """Return an attachment as a message has it."""
    return {
        "id": str(file_id),
        "filename": name,
        "size": size,
        "content_type": kind,
        "url": f"https://cdn.discordapp.com/attachments/1/{file_id}/{name}",
    }


async def opened(database: Database, files: Path | None = None) -> tuple[Stage, Ticket]:
    """Return a stage with an open ticket."""
    stage = await Stage.make(database, FakeClock(), files=files)
    ticket = await stage.open(await stage.panel(staff_roles=["70"]))
    return stage, ticket


async def say(stage: Stage, ticket: Ticket, number: int, text: str, **more: Any) -> None:
    """Have a message be sent in the ticket's room, and be written down."""
    payload = message(ticket.channel_id, number, text, stage.clock.now(), **more)
    stage.service.capture.take_message(payload)
    await stage.service.capture.flush()


async def rows(stage: Stage, table: Any) -> list[Any]:
    """Return all rows of a table in the order of their keys."""
    ordered = select(table).order_by(*table_of(table).primary_key)
    async with stage.database.read() as session:
        return list(await session.scalars(ordered))


async def record(stage: Stage, ticket: Ticket, *, for_staff: bool = True) -> Any:
    """Return the ticket's transcript as JSON."""
    archive = stage.service.archive
    data = await archive.render(ticket.id, locale="en", for_staff=for_staff, as_json=True)
    return json.loads(data)
