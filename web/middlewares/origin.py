"""Keeps pages of other sites from making a browser act with its owner's cookie (CSRF)."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.core.errors import Denied
from bot.core.i18n import _
from web.auth import has_key
from web.keys import CLIENT, SERVICES, route_of

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@web.middleware
async def check_origin(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let unsafe methods through only from our own pages; a request with a key needs no cookie."""
    may_act = route_of(request) is not None and request.method not in _SAFE
    if may_act and not has_key(request) and not is_from_here(request):
        raise Denied(
            _("This request did not come from a page of this site."),
            hint=_("Programs send the access key: Authorization: Bearer KEY"),
        )
    return await handler(request)


def is_from_here(request: web.Request) -> bool:
    """Return whether a page of ours sent the request.

    Sec-Fetch-Site can't be set by scripts; browsers without it send Origin with each POST.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    return request.headers.get("Origin") == _own_origin(request)


def _own_origin(request: web.Request) -> str:
    configured = request.app[SERVICES].options.public_origin
    return configured or f"{request[CLIENT].scheme}://{request.host}"
