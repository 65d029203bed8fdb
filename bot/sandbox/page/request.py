"""One request from the page over HTTP: who asks, from where, and how a refusal is worded."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import web

from ..codec import decode, encode
from ..command_data import NotPossibleError
from ..interactions import NotAnsweredError
from ..models import Json
from .visit import Action, NobodyError, NotThereError, UnfitError, Visit
from .visitors import FullHouseError, Visitor, Visitors
from .wording import locale_of, refusal

if TYPE_CHECKING:
    from ..server import Sandbox

LARGEST_REQUEST = 8 * 1024 * 1024
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SAFE_METHODS = ("GET", "HEAD")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def cookie_name(sandbox: Sandbox) -> str:
    """Return the visitor cookie's name; cookies know no ports, so the name does."""
    return f"sandbox_visitor_{sandbox.port}"


def find_visitor(request: web.Request, sandbox: Sandbox, visitors: Visitors) -> Visitor | None:
    """Return the visitor whose browser this is."""
    return visitors.find(request.cookies.get(cookie_name(sandbox), ""))


def check_is_own_page(request: web.Request, sandbox: Sandbox) -> None:
    """Raise HTTPForbidden unless the sandbox's own page asks.

    A sandbox on loopback answers under no other name (or a foreign page could give loopback a
    name of its own); what changes something must say that this page sent it.
    """
    if _is_loopback(sandbox.host) and not _is_loopback(request.host):
        raise web.HTTPForbidden(text="The sandbox answers on this machine only.")
    if request.method in _SAFE_METHODS:
        return
    if request.headers.get("Origin") != f"http://{request.host}":
        raise web.HTTPForbidden(text="Only the sandbox's own page may ask this.")


def _is_loopback(authority: str) -> bool:
    try:
        return urlsplit(f"//{authority}").hostname in _LOOPBACK
    except ValueError:
        return False


def web_handler(
    sandbox: Sandbox, visitors: Visitors, handler: Action
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the action as a web handler: JSON in, JSON out, refusals as `{"error": words}`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        check_is_own_page(request, sandbox)
        guest = find_visitor(request, sandbox, visitors)
        locale = locale_of(request.headers.get("Accept-Language", ""))
        path, query = dict(request.match_info), dict(request.query)
        try:
            body = await _read(request)
            visit = Visit(sandbox, visitors, guest, path, query, body, locale)
            answer = await handler(visit)
        except tuple(_REFUSALS) as failure:
            return refuse(failure, guest, locale)
        response = web.Response(
            body=encode(answer), content_type="application/json", headers=HEADERS
        )
        if visit.guest is not None and visit.guest is not guest:
            response.set_cookie(
                cookie_name(sandbox), visit.guest.token, httponly=True, samesite="Strict"
            )
        return response

    return handle


async def _read(request: web.Request) -> Json:
    if (request.content_length or 0) > LARGEST_REQUEST:
        raise UnfitError("that is more than 5 MB")
    raw = await request.read()
    body = decode(raw) if raw else {}
    if not isinstance(body, dict):
        raise UnfitError("the body must be an object")
    return body


# -- refusals -------------------------------------------------------------------------------------

_UNREADABLE = (400, "The request can't be understood")
# By kind: the HTTP status and the words, where they are not the failure's own.
_REFUSALS: dict[type[Exception], tuple[int, str]] = {
    NobodyError: (401, "Choose a name first"),
    FullHouseError: (503, "The page is full; try again when somebody has left"),
    NotThereError: (404, ""),
    NotPossibleError: (409, ""),
    NotAnsweredError: (504, "The application did not respond"),
    UnfitError: (400, ""),
    KeyError: _UNREADABLE,
    TypeError: _UNREADABLE,
    ValueError: _UNREADABLE,
}


def refuse(failure: Exception, guest: Visitor | None, locale: str) -> web.Response:
    """Return the answer that says in words of the locale why something was not done."""
    status, words = next(answer for kind, answer in _REFUSALS.items() if isinstance(failure, kind))
    name = guest.account.name if guest else ""
    return web.Response(
        status=status,
        body=encode({"error": refusal(words or str(failure), locale, name=name)}),
        content_type="application/json",
        headers=HEADERS,
    )
