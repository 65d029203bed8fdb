"""Logging in with a one-time link from Discord, and logging out.

The link only shows a button: programs that fetch links to preview them must not use it up.
"""

from __future__ import annotations

from typing import NoReturn

from aiohttp import web
from aiohttp_session import get_session, new_session

from bot.core.errors import Denied, NotFound
from bot.core.i18n import _
from bot.core.loginlinks import LinkState
from db.sessions import delete_sessions_of
from web.auth import is_on_this_machine
from web.dashboard.render import render
from web.keys import CLIENT, SERVICES
from web.locale import locale_of
from web.logins import record_login
from web.routes import Access, Pace, Reply, Route
from web.session import USER_ID

_FORM = ("application/x-www-form-urlencoded",)
_PAGE = Reply("A page", media_type="text/html")
_REDIRECT = Reply("To the start page", media_type="")


async def get_login(request: web.Request) -> web.Response:
    """Show the button that logs in, or that the link is no good; looking changes nothing."""
    _demand_safe_cookie(request)
    state = await request.app[SERVICES].login_links.look(request.match_info["token"])
    if state is not LinkState.OPEN:
        raise _no_good(state)
    return render("login.html", locale_of(request))


async def post_login(request: web.Request) -> web.Response:
    """Use the link up and log its person in, under a session id that is new."""
    _demand_safe_cookie(request)
    services = request.app[SERVICES]
    token = request.match_info["token"]
    user_id = await services.login_links.redeem(token)
    if user_id is None:
        services.metrics.login_attempted("refused")
        raise _no_good(await services.login_links.look(token))
    session = await new_session(request)
    session[USER_ID] = user_id
    async with services.database.write() as transaction:
        await record_login(request, transaction, user_id, "logged_in")
    services.metrics.login_attempted("ok")
    raise web.HTTPSeeOther("/")


async def post_logout(request: web.Request) -> web.Response:
    """End this browser's session and have the browser forget what it kept."""
    current = await get_session(request)
    async with request.app[SERVICES].database.write() as transaction:
        await record_login(request, transaction, current[USER_ID], "logged_out")
    current.invalidate()
    _leave(request)


async def post_logout_everywhere(request: web.Request) -> web.Response:
    """End the person's sessions in every browser, wherever their cookies went."""
    current = await get_session(request)
    async with request.app[SERVICES].database.write() as transaction:
        browsers = await delete_sessions_of(transaction, current[USER_ID])
        await record_login(
            request, transaction, current[USER_ID], "logged_out_everywhere", browsers=browsers
        )
    current.invalidate()
    _leave(request)


def _leave(request: web.Request) -> NoReturn:
    request.app[SERVICES].metrics.login_attempted("logout")
    raise web.HTTPSeeOther("/", headers={"Clear-Site-Data": '"cache", "cookies", "storage"'})


def _no_good(state: LinkState) -> NotFound:
    hint = _("Ask the bot for a new one.")
    if state is LinkState.USED:
        return NotFound(_("This link has been used already; it works once."), hint=hint)
    return NotFound(_("This link is older than five minutes, or there is a newer one."), hint=hint)


def _demand_safe_cookie(request: web.Request) -> None:
    """Refuse a login whose cookie could be read on the way."""
    options = request.app[SERVICES].options
    client = request[CLIENT]
    # A proxy may have put its own machine's name in place of the one that the browser asked for.
    is_here = is_on_this_machine(request) and not client.disguised
    is_safe = client.scheme == "https" or is_here
    if not is_safe and not options.insecure_http:
        raise Denied(
            _("Logging in needs https, or a browser on the bot's own machine."),
            hint=_("The operator sets web.public_url to an https address."),
        )


ROUTES = (
    Route(
        method="GET",
        path="/login/{token}",
        handler=get_login,
        part="dashboard",
        access=Access.ANYONE,
        pace=Pace.LOGIN,
        summary="The page behind a login link",
        replies={200: _PAGE},
    ),
    Route(
        method="POST",
        path="/login/{token}",
        handler=post_login,
        part="dashboard",
        access=Access.ANYONE,
        pace=Pace.LOGIN,
        summary="Log in with a login link",
        accepts=_FORM,
        replies={303: _REDIRECT},
    ),
    Route(
        method="POST",
        path="/logout",
        handler=post_logout,
        part="dashboard",
        access=Access.SESSION,
        pace=Pace.PAGE,
        summary="Log out",
        accepts=_FORM,
        replies={303: _REDIRECT},
    ),
    Route(
        method="POST",
        path="/logout/everywhere",
        handler=post_logout_everywhere,
        part="dashboard",
        access=Access.SESSION,
        pace=Pace.PAGE,
        summary="Log out in every browser",
        accepts=_FORM,
        replies={303: _REDIRECT},
    ),
)
