"""`/api/logs`: the audit log, newest first, in pages."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.errors import FieldError, InvalidInput
from bot.core.i18n import _
from db.audit import AuditCategory, AuditCursor, AuditEntry, list_audit_entries
from web.api.query import DiscordId, Instant, Query, read_query
from web.keys import SERVICES
from web.responses import json_response, timestamp
from web.routes import Access, Pace, Reply, Route


class LogQuery(Query):
    """Which entries to return."""

    limit: Annotated[int, Field(ge=1, le=200, description="How many entries.")] = 50
    before: Annotated[
        str | None,
        Field(
            max_length=100,
            description="Entries older than this: the id of an entry, an instant, or the cursor "
            "in the Link field of the page before.",
        ),
    ] = None
    since: Annotated[
        Instant | None,
        Field(description="Entries of this instant and later, such as 2024-01-01T00:00:00Z."),
    ] = None
    guild_id: Annotated[
        DiscordId | None, Field(description="Entries of this server; 0 for those of none.")
    ] = None
    user_id: Annotated[
        DiscordId | None, Field(description="Entries of what this person did; 0 for the bot.")
    ] = None
    action: Annotated[
        str | None, Field(max_length=100, description="One action, such as command_executed.")
    ] = None
    category: Annotated[AuditCategory | None, Field(description="One kind of actions.")] = None


class LogEntry(BaseModel):
    """One recorded action."""

    id: str = Field(examples=["550e8400-e29b-41d4-a716-446655440000"])
    user_id: str
    guild_id: str
    action: str
    category: str
    details: dict[str, Any]
    created_at: str = Field(examples=["2024-01-01T00:00:00.000Z"])


async def get_logs(request: web.Request) -> web.Response:
    """Answer with a page of entries; the `Link` field leads to the next one while there is more."""
    query = read_query(request, LogQuery)
    async with request.app[SERVICES].database.read() as session:
        before = None if query.before is None else await _place_of(session, query.before)
        entries = await list_audit_entries(
            session,
            # One more than asked for tells whether there is a next page.
            limit=query.limit + 1,
            before=before,
            since=query.since,
            guild_id=query.guild_id,
            user_id=query.user_id,
            action=query.action,
            category=query.category,
        )
    page = list(entries[: query.limit])
    headers = {} if len(entries) <= query.limit else {"Link": _next_page(request, page[-1])}
    return json_response([_body_of(entry).model_dump() for entry in page], headers=headers)


async def _place_of(session: AsyncSession, before: str) -> AuditCursor:
    """Return the place that a cursor, an instant or an entry's id names."""
    try:
        identity = uuid.UUID(before)
    except ValueError:
        return _parse_cursor(before)
    entry = await session.get(AuditEntry, identity)
    if entry is None:
        raise _bad_cursor()
    return AuditCursor.of(entry)


def _parse_cursor(text: str) -> AuditCursor:
    try:
        return AuditCursor.parse(text)
    except ValueError:
        raise _bad_cursor() from None


def _bad_cursor() -> InvalidInput:
    wrong = FieldError("/before", _("This is no entry's id, no instant and no cursor."))
    return InvalidInput(_("The query can't be accepted."), errors=(wrong,))


def _next_page(request: web.Request, last: AuditEntry) -> str:
    target = request.rel_url.update_query({"before": str(AuditCursor.of(last))})
    return f'<{target}>; rel="next"'


def _body_of(entry: AuditEntry) -> LogEntry:
    return LogEntry(
        id=str(entry.id),
        user_id=str(entry.user_id),
        guild_id=str(entry.guild_id),
        action=entry.action,
        category=entry.category,
        details=entry.details,
        created_at=timestamp(entry.created_at),
    )


ROUTE = Route(
    method="GET",
    path="/api/logs",
    handler=get_logs,
    part="api",
    access=Access.OPERATOR,
    pace=Pace.LIMITED,
    summary="The audit log, newest first",
    query=LogQuery,
    replies={200: Reply("A page of entries", LogEntry, many=True)},
)
