"""The typed keys under which the application and its requests carry values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web

from bot.core.contracts import GuildSummary
from web.auth import Visitor
from web.client import Client
from web.pacing import Paced, Pacer
from web.routes import Part, Route
from web.services import WebServices

SERVICES = web.AppKey("services", WebServices)
ROUTES = web.AppKey("routes", Mapping[web.AbstractRoute, Route])
# The fields that every answer carries.
SECURITY_HEADERS = web.AppKey("security_headers", Mapping[str, str])
DECLARED = web.AppKey("declared", tuple[Route, ...])
PACER = web.AppKey("pacer", Pacer)
# Which parts the listener on a local address serves; empty in tests, where one serves all.
PARTS_BY_ADDRESS = web.AppKey("parts_by_address", dict[tuple[str, int], frozenset[Part]])

# The OpenAPI document once somebody has asked for it; it takes a while to make and never changes.
OPENAPI = web.AppKey("openapi", list[bytes])

REQUEST_ID = web.RequestKey("request_id", str)
CLIENT = web.RequestKey("client", Client)
VISITOR = web.RequestKey("visitor", Visitor)
# The guild that the path names, on routes with one.
GUILD = web.RequestKey("guild", GuildSummary)
PACED = web.RequestKey("paced", Paced)
# What was typed into a form that came too soon, to be shown with the refusal.
UNSENT = web.RequestKey("unsent", Mapping[str, Sequence[str]])


def route_of(request: web.Request) -> Route | None:
    """Return the declared route that a request matched, `None` for an unknown path or method."""
    return request.app[ROUTES].get(request.match_info.route)
