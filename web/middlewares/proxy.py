"""Finds the sender behind reverse proxies, and believes nobody else about it."""

from __future__ import annotations

import structlog
from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

from web.client import Client, contains, parse_address, rightmost_untrusted
from web.keys import CLIENT, SERVICES

log = structlog.get_logger(__name__)

WARNED = web.AppKey("proxy_warned", set[str])
_CLAIMS = (
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "Via",
)


@web.middleware
async def see_through_proxies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note who sent the request; only proxies that are configured may speak for others."""
    request[CLIENT] = _client_of(request)
    return await handler(request)


def _client_of(request: web.Request) -> Client:
    proxies = request.app[SERVICES].options.trusted_proxies
    peer = parse_address(request.remote)
    if contains(proxies, peer):
        forwarded_for = ",".join(request.headers.getall("X-Forwarded-For", []))
        sender = rightmost_untrusted(peer, forwarded_for, proxies)
        return Client(sender or peer, _scheme_of(request), disguised=sender is None)
    disguised = _is_forwarded(request)
    if disguised:
        _warn_once(request.app, str(peer))
    return Client(peer, request.scheme, disguised=disguised)


def _is_forwarded(request: web.Request) -> bool:
    # Browsers, Prometheus and curl speak HTTP/1.1; nginx says 1.0 unless it is told otherwise, and
    # it is such a one that adds no field by which it could be recognised.
    is_old = request.version < HttpVersion11
    return is_old or any(name in request.headers for name in _CLAIMS)


def _scheme_of(request: web.Request) -> str:
    """The scheme as the nearest proxy saw it; proxies of ours set the field, not append to it."""
    claimed = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip().lower()
    return claimed if claimed in ("http", "https") else request.scheme


def _warn_once(app: web.Application, peer: str) -> None:
    warned = app[WARNED]
    if not warned:
        warned.add(peer)
        log.warning(
            "proxy_not_trusted",
            peer=peer,
            advice="Requests are forwarded from an address that web.trusted_proxies does not "
            "name. Until it does, all visitors behind it share one rate limit and count as "
            "strangers.",
        )
