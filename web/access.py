"""What a visitor may do: the one place where a route's declared access is turned into yes or no."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from aiohttp import web
from aiohttp_session import get_session
from sqlalchemy.exc import SQLAlchemyError

from bot.core.contracts import Actor, GuildSummary
from bot.core.errors import AppError, Denied, NotFound, Unauthenticated
from bot.core.i18n import _
from web.auth import NOBODY, Visitor, check_key, has_key, is_operators_network
from web.keys import CLIENT, GUILD, PACER, SERVICES, VISITOR, route_of
from web.routes import Access, Route
from web.session import NAME, USER_ID

# How long somebody who may see everything waits for a database to tell who they are.
_PATIENCE_SECONDS = 1.0


async def admit(request: web.Request, route: Route) -> Visitor:
    """Return who asks.

    Raises `Unauthenticated` when the route needs somebody known, `Denied` when it needs somebody
    else. Routes for anyone are answered without asking the database.
    """
    match route.access:
        case Access.ANYONE:
            return NOBODY
        case Access.DETAIL:
            return await _identify_if_possible(request)
        case Access.SESSION:
            visitor = await _person(request)
            if visitor.user_id is None:
                raise Unauthenticated(_("You are not logged in."))
            return visitor
        case Access.OPERATOR:
            return _demand_operator(await identify(request))
        case Access.GUILD:
            return await admit_to_guild(request)


async def admit_to_guild(request: web.Request) -> Visitor:
    """Return who asks, and note the guild that the path names as `request[GUILD]`.

    Every route with a guild in its path passes here and nowhere else: operators may manage every
    guild, nobody else any. Raises `NotFound` for a guild that the bot is not in, but only to those
    who may know.
    """
    visitor = _demand_operator(await identify(request))
    request[GUILD] = _guild_named(request, request.match_info["guild_id"])
    return visitor


def manageable_guilds(request: web.Request) -> Sequence[GuildSummary]:
    """Return the guilds that `admit_to_guild` would let the visitor manage."""
    return request.app[SERVICES].state().guilds() if request[VISITOR].may_operate else ()


def actor_of(request: web.Request) -> Actor:
    """Return who changes something by this request, and through which door, for the audit log."""
    visitor, client, route = request[VISITOR], request[CLIENT], route_of(request)
    is_person = visitor.known_by == "session" or (route is not None and route.part == "dashboard")
    # aiohttp keeps bytes that are no UTF-8 as halves of surrogates, which no database takes.
    agent = request.headers.get("User-Agent", "").encode("utf-8", "replace").decode()
    return Actor(
        visitor.user_id or 0,
        "web" if is_person else "api",
        ip=None if client.address is None else str(client.address),
        user_agent=agent or None,
    )


def _guild_named(request: web.Request, text: str) -> GuildSummary:
    is_id = text.isascii() and text.isdigit() and len(text) <= 19
    guild = request.app[SERVICES].state().guild(int(text)) if is_id else None
    if guild is None:
        raise NotFound(
            _("The bot is in no server with this ID."),
            hint=_("While the bot is not connected to Discord, it finds none."),
        )
    return guild


async def identify(request: web.Request) -> Visitor:
    """Return who asks: by key if there is one, else by session, else by network.

    A person stays a person in a trusted network, and may operate there besides.
    """
    services, client = request.app[SERVICES], request[CLIENT]
    if has_key(request):
        return check_key(request, client, services.options, request.app[PACER], services.metrics)
    if not is_operators_network(request, client, services.options):
        return await _person(request)
    person = await _person_if_known(request)
    return Visitor("network") if person is NOBODY else replace(person, is_on_network=True)


async def _identify_if_possible(request: web.Request) -> Visitor:
    """Who asks, where everyone is answered: no wrong key and no lost database is in the way."""
    try:
        return await identify(request)
    except (AppError, SQLAlchemyError, OSError):
        return NOBODY


def _demand_operator(visitor: Visitor) -> Visitor:
    if visitor.may_operate:
        return visitor
    if visitor.user_id is not None:
        raise Denied(_("This is for the bot's owner."))
    raise Unauthenticated(
        _("This needs the operator's access key, a trusted network or a login."),
        hint=_("Send the key as: Authorization: Bearer KEY"),
    )


async def _person_if_known(request: web.Request) -> Visitor:
    """Who is logged in, where the answer does not hang on it: no lost database is in the way."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await _person(request)
    except (AppError, SQLAlchemyError, OSError):
        return NOBODY


async def _person(request: web.Request) -> Visitor:
    session = await get_session(request)
    if session.empty:
        return NOBODY
    user_id = int(session[USER_ID])
    return Visitor(
        "session",
        user_id,
        name=session.get(NAME),
        is_owner=user_id in request.app[SERVICES].owners(),
    )
