"""Pages that say one thing: what went wrong, or that something worked."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from bot.core.errors import AppError
from bot.core.i18n import Message
from web.dashboard.render import render
from web.keys import REQUEST_ID, UNSENT, route_of


def wants_page(request: web.Request) -> bool:
    """Return whether a person is reading: a browser asks for a page, or for no address of ours."""
    route = route_of(request)
    is_for_people = route is None or route.part == "dashboard"
    return is_for_people and "text/html" in request.headers.get("Accept", "")


def error_page(
    request: web.Request, error: AppError, locale: str, headers: Mapping[str, str]
) -> web.Response:
    """Return the page that says what went wrong and what to do about it.

    It holds what was typed into a form that came too soon, with a button that sends it again.
    """
    return render(
        "message.html",
        locale,
        status=error.status,
        headers=headers,
        title=Message(error.title).render(locale),
        text=error.message.render(locale),
        hint=error.hint.render(locale) if error.hint else "",
        action=request.rel_url.raw_path,
        unsent=request.get(UNSENT, {}),
        footnote=f"{error.code} · {request[REQUEST_ID]}",
    )
