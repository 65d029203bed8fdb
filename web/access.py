"""What a visitor may do: the one place where a route's declared access is turned into yes or no."""

from __future__ import annotations

from aiohttp import web
from aiohttp_session import get_session
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import AppError, Denied, Unauthenticated
from bot.core.i18n import _
from web.auth import NOBODY, Visitor, check_key, has_key, is_operators_network
from web.keys import CLIENT, PACER, SERVICES
from web.routes import Access, Route
from web.session import USER_ID


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


async def identify(request: web.Request) -> Visitor:
    """Return who asks: by key if there is one, else by network, else by session."""
    services, client = request.app[SERVICES], request[CLIENT]
    if has_key(request):
        return check_key(request, client, services.options, request.app[PACER])
    if is_operators_network(request, client, services.options):
        return Visitor("network")
    return await _person(request)


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


async def _person(request: web.Request) -> Visitor:
    session = await get_session(request)
    if session.empty:
        return NOBODY
    user_id = int(session[USER_ID])
    return Visitor("session", user_id, is_owner=user_id in request.app[SERVICES].owners())
