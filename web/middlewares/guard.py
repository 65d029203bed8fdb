"""Asks the access rule that the route declares; no handler runs without it."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from web.access import admit
from web.keys import VISITOR, route_of


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in whom the route is for; what no route declares is only aiohttp's own 404 or 405."""
    route = route_of(request)
    if route is not None:
        request[VISITOR] = await admit(request, route)
    return await handler(request)
