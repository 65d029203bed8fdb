"""Keeps each listener to the parts that it is configured to serve."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.core.errors import NotFound
from bot.core.i18n import _
from web.keys import PARTS_BY_ADDRESS, route_of
from web.routes import Part

_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound


@web.middleware
async def keep_to_listener(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 404 to what this listener does not serve, as if there were no such route."""
    route = route_of(request)
    served = _parts_served(request)
    if route is not None and served is not None and route.part not in served:
        raise NotFound(_("There is nothing at this address."))
    return await handler(request)


def _parts_served(request: web.Request) -> frozenset[Part] | None:
    listeners = request.app[PARTS_BY_ADDRESS]
    if not listeners or request.transport is None:
        return None
    local = request.transport.get_extra_info("sockname")
    if not isinstance(local, tuple):
        return None
    host, port = local[:2]
    for name in (host, *_WILDCARDS):
        if (name, port) in listeners:
            return listeners[name, port]
    return None
