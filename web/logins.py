"""Where a person is logged in, and ending that: the one way for the API and the pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from aiohttp_session import get_session
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.contracts import Actor
from bot.core.errors import NotFound
from bot.core.i18n import _
from db.sessions import Login, delete_login, delete_other_sessions, list_logins
from web.keys import CLIENT, REQUEST_ID, SERVICES
from web.session import USER_ID


async def logins_of(request: web.Request) -> tuple[Sequence[Login], str]:
    """Return the person's logins, the last seen first, and the handle of this request's own."""
    session = await get_session(request)
    services = request.app[SERVICES]
    async with services.database.read() as transaction:
        logins = await list_logins(transaction, session[USER_ID], services.clock.now())
    current = next((one.handle for one in logins if one.id_hash == session.identity), "")
    return logins, current


async def end_login(request: web.Request, handle: str) -> None:
    """Log one of the person's browsers out; raises `NotFound` when it is none of theirs."""
    session = await get_session(request)
    user_id = session[USER_ID]
    async with request.app[SERVICES].database.write() as transaction:
        if not await delete_login(transaction, user_id, handle):
            raise NotFound(
                _("You are not logged in there."),
                hint=_("Look at the list again: that login may have ended by itself."),
            )
        await record_login(request, transaction, user_id, "login_ended", session=handle)


async def end_other_logins(request: web.Request) -> int:
    """Log all of the person's other browsers out; returns how many those were."""
    session = await get_session(request)
    user_id, this_one = session[USER_ID], str(session.identity)
    async with request.app[SERVICES].database.write() as transaction:
        count = await delete_other_sessions(transaction, user_id, this_one)
        await record_login(request, transaction, user_id, "other_logins_ended", browsers=count)
    return count


async def record_login(
    request: web.Request, transaction: AsyncSession, user_id: int, action: str, **details: Any
) -> None:
    """Note in the audit log who came or left, from where, and by which request."""
    address = request[CLIENT].address
    # aiohttp keeps bytes that are no UTF-8 as halves of surrogates, which no database takes.
    agent = request.headers.get("User-Agent", "").encode("utf-8", "replace").decode()
    actor = Actor(
        user_id, "web", ip=None if address is None else str(address), user_agent=agent or None
    )
    details = {"source": actor.source, "request_id": request[REQUEST_ID], **details}
    await request.app[SERVICES].audit.record(transaction, actor, None, action, "login", details)
