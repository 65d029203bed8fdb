"""The page on which a person sees where they are logged in, and logs out there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from babel.dates import format_datetime

from bot.core.i18n import babel_locale
from db.sessions import Login
from web.browsers import browser_of
from web.dashboard.formdata import FORM
from web.dashboard.guilds import BACK, PAGE
from web.dashboard.notices import notice_for, see_other
from web.dashboard.render import render
from web.keys import VISITOR
from web.locale import locale_of
from web.logins import end_login, end_other_logins, logins_of
from web.routes import Access, Pace, Route

_PATH = "/sessions"


@dataclass(frozen=True, slots=True)
class Row:
    """One login as the page shows it, in the reader's language."""

    handle: str
    browser: str
    began_at: datetime
    began: str
    seen_at: datetime
    seen: str


async def get_sessions_page(request: web.Request) -> web.Response:
    """List the person's logins, the last used first, with the way to end each other one."""
    logins, current = await logins_of(request)
    locale, visitor = locale_of(request), request[VISITOR]
    return render(
        "sessions.html",
        locale,
        rows=[_row(one, locale) for one in logins],
        current=current,
        name=visitor.shown_name,
        may_operate=visitor.may_operate,
        notice=notice_for(request, locale),
    )


async def post_end_session(request: web.Request) -> web.Response:
    """Log one of the person's browsers out."""
    await end_login(request, request.match_info["session_id"])
    raise see_other(_PATH, "logged_out")


async def post_end_others(request: web.Request) -> web.Response:
    """Log all of the person's browsers out but this one."""
    await end_other_logins(request)
    raise see_other(_PATH, "logged_out")


def _row(login: Login, locale: str) -> Row:
    return Row(
        handle=login.handle,
        browser=browser_of(login.user_agent).render(locale),
        began_at=login.created_at,
        began=_instant(login.created_at, locale),
        seen_at=login.seen_at,
        seen=_instant(login.seen_at, locale),
    )


def _instant(at: datetime, locale: str) -> str:
    return f"{format_datetime(at, 'medium', tzinfo=UTC, locale=babel_locale(locale))} UTC"


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=get_sessions_page,
        part="dashboard",
        access=Access.SESSION,
        pace=Pace.PAGE,
        summary="The page with the places where you are logged in",
        replies={200: PAGE},
    ),
    Route(
        method="POST",
        path="/sessions/end-others",
        handler=post_end_others,
        part="dashboard",
        access=Access.SESSION,
        pace=Pace.PAGE,
        summary="Log out in every other browser from a page",
        accepts=FORM,
        replies={303: BACK},
    ),
    Route(
        method="POST",
        path="/sessions/{session_id}/end",
        handler=post_end_session,
        part="dashboard",
        access=Access.SESSION,
        pace=Pace.PAGE,
        summary="Log out in one browser from a page",
        accepts=FORM,
        replies={303: BACK},
    ),
)
