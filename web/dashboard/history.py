"""The past of a feature's settings, the way back to it, and the way back to the defaults.

Both ways ask first, on a page that shows what would be different.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.core.errors import NotFound
from bot.core.fields import describe_fields
from bot.core.i18n import N_, Message, _
from bot.core.settings import Change, Diff, Revision, StaleSettings
from bot.core.settings.model import diff_between
from db.guilds import list_names
from web.access import actor_of
from web.api.query import Query, read_query
from web.dashboard.formdata import FORM, read_form, version_in
from web.dashboard.guilds import BACK, PAGE
from web.dashboard.notices import notice_for, see_other
from web.dashboard.render import render
from web.dashboard.settings import feature_of, reader_of
from web.dashboard.trail import Back, steps_of
from web.dashboard.values import DiffRow, diff_rows
from web.keys import GUILD, SERVICES, VISITOR
from web.routes import Access, Pace, Route

_PER_PAGE = 25
_DOORS = {
    "command": N_("by a command in Discord"),
    "panel": N_("in the panel in Discord"),
    "web": N_("on these pages"),
    "api": N_("through the API"),
    "system": N_("by the bot itself"),
}


class HistoryQuery(Query):
    """Which changes to list; `done` is for the page to say something."""

    before: Annotated[int | None, Field(ge=1, le=2**31 - 1)] = None
    back: Back = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One past change as the page shows it."""

    revision: int
    at: datetime
    instant: str
    door: str
    actor: str
    name: str
    rows: tuple[DiffRow, ...]


async def get_history_page(request: web.Request) -> web.Response:
    """List past changes, newest first, with the way back to each."""
    feature, reader = feature_of(request), reader_of(request)
    query = read_query(request, HistoryQuery)
    store = request.app[SERVICES].settings
    found = await store.history(reader.guild_id, feature.key, _PER_PAGE + 1, query.before)
    state = await store.get(reader.guild_id, feature.key)
    async with request.app[SERVICES].database.read() as session:
        names = await list_names(session, {one.actor_id for one in found if one.actor_id})
    fields = describe_fields(feature.settings)

    def entry(one: Revision) -> Entry:
        return Entry(
            one.revision,
            one.at,
            reader.instant(one.at),
            reader.say(_DOORS.get(one.source, one.source)),
            str(one.actor_id or ""),
            names.get(one.actor_id or 0, ""),
            tuple(diff_rows(fields, one.diff, reader)),
        )

    more = len(found) > _PER_PAGE
    return render(
        "history.html",
        reader.locale,
        guild=request[GUILD],
        key=feature.key,
        title=reader.say(feature.title),
        current=state.revision,
        entries=[entry(one) for one in found[:_PER_PAGE]],
        is_older=query.before is not None,
        leads=steps_of(query.before, query.back, found[_PER_PAGE - 1].revision if more else None),
        is_logged_in=request[VISITOR].user_id is not None,
    )


async def get_rollback_page(request: web.Request) -> web.Response:
    """Ask whether to go back, and show what that would change."""
    number, feature = _revision(request), feature_of(request)
    store = request.app[SERVICES].settings
    diff = await store.preview_rollback(request[GUILD].id, feature.key, number)
    if number:
        question = _("Go back to revision {number}?", number=number)
    else:
        question = _("Go back to how it was before all changes?")
    return await _ask(request, question, diff, _("Go back"))


async def post_rollback_page(request: web.Request) -> web.Response:
    """Go back, unless somebody changed the settings since the question was asked."""
    number, feature, sent = _revision(request), feature_of(request), await read_form(request)
    rollback = request.app[SERVICES].settings.rollback(
        request[GUILD].id,
        feature.key,
        number,
        actor=actor_of(request),
        expected_revision=version_in(sent),
    )
    return await _do(request, rollback)


async def get_reset_page(request: web.Request) -> web.Response:
    """Ask whether to give every setting its default again, and show what that would change."""
    feature = feature_of(request)
    state = await request.app[SERVICES].settings.get(request[GUILD].id, feature.key)
    switch = (state.enabled, state.enabled)
    diff = diff_between(state.settings, feature.settings(), switch)
    question = _("Reset all settings of {feature}?", feature=_(feature.title))
    return await _ask(request, question, diff, _("Reset"))


async def post_reset_page(request: web.Request) -> web.Response:
    """Reset, unless somebody changed the settings since the question was asked."""
    feature, sent = feature_of(request), await read_form(request)
    reset = request.app[SERVICES].settings.reset(
        request[GUILD].id,
        feature.key,
        None,
        actor=actor_of(request),
        expected_revision=version_in(sent),
    )
    return await _do(request, reset)


def _revision(request: web.Request) -> int:
    text = request.match_info["revision"]
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotFound(_("There is nothing at this address."))
    return int(text)


async def _ask(request: web.Request, question: Message, diff: Diff, yes: Message) -> web.Response:
    feature, reader = feature_of(request), reader_of(request)
    state = await request.app[SERVICES].settings.get(reader.guild_id, feature.key)
    return render(
        "confirm.html",
        reader.locale,
        guild=request[GUILD],
        key=feature.key,
        title=reader.say(feature.title),
        question=reader.say(question),
        yes=reader.say(yes),
        rows=diff_rows(describe_fields(feature.settings), diff, reader),
        version=state.revision,
        notice=notice_for(request, reader.locale),
        is_logged_in=request[VISITOR].user_id is not None,
    )


async def _do(request: web.Request, change: Awaitable[Change]) -> web.Response:
    try:
        made = await change
    except StaleSettings:
        raise see_other(request.path, "stale") from None
    form = f"/guilds/{request[GUILD].id}/settings/{feature_of(request).key}"
    raise see_other(form, "saved" if made.diff else "same")


_PATH = "/guilds/{guild_id}/settings/{feature}"

ROUTES = (
    Route(
        method="GET",
        path=f"{_PATH}/history",
        handler=get_history_page,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="The page with the past changes of a feature's settings",
        query=HistoryQuery,
        replies={200: PAGE},
    ),
    Route(
        method="GET",
        path=f"{_PATH}/history/{{revision}}",
        handler=get_rollback_page,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="The question whether to go back to a revision",
        replies={200: PAGE},
    ),
    Route(
        method="POST",
        path=f"{_PATH}/history/{{revision}}",
        handler=post_rollback_page,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="Go back to a revision from a page",
        accepts=FORM,
        replies={303: BACK},
    ),
    Route(
        method="GET",
        path=f"{_PATH}/reset",
        handler=get_reset_page,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="The question whether to reset a feature's settings",
        replies={200: PAGE},
    ),
    Route(
        method="POST",
        path=f"{_PATH}/reset",
        handler=post_reset_page,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="Reset a feature's settings from a page",
        accepts=FORM,
        replies={303: BACK},
    ),
)
