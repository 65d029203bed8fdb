"""The form of a feature's settings: what is entered is judged by the settings model alone.

Only what a person edited is changed. When somebody else changed the settings meanwhile, the form
comes back with the new values, and what was typed still in its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from bot.core.errors import InvalidInput, NotFound
from bot.core.features import Feature
from bot.core.fields import FieldInfo, describe_fields
from bot.core.i18n import _
from bot.core.settings import FeatureState, Revision, StaleSettings
from web.access import actor_of
from web.dashboard.bodies import changes_of, errors_in
from web.dashboard.controls import marked_in, sections_of
from web.dashboard.formdata import FORM, read_form, version_in
from web.dashboard.guilds import BACK, PAGE, kept_of, problems_of
from web.dashboard.notices import notice_for, see_other
from web.dashboard.people import find_people
from web.dashboard.render import render
from web.dashboard.texts import (
    Text,
    Texts,
    edited_in,
    entered_in,
    texts_of,
    turned,
    without_blank,
)
from web.dashboard.values import DiffRow, Reader, diff_rows
from web.keys import GUILD, SERVICES, VISITOR
from web.locale import locale_of
from web.overview import FeatureView, view_feature
from web.routes import SETTINGS_LIMIT, Access, Pace, Reply, Route


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a form comes back: what was typed in it, what is wrong where, what others changed."""

    status: int
    summary: str
    edited: Texts
    errors: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[Revision, ...] = ()


def reader_of(request: web.Request) -> Reader:
    """Return whom the page is for, and in which guild."""
    return Reader(request.app[SERVICES].state(), request[GUILD].id, locale_of(request))


def feature_of(request: web.Request) -> Feature:
    """Return the feature that the path names; raises `NotFound`."""
    return request.app[SERVICES].registry.get(request.match_info["feature"])


async def get_settings_page(request: web.Request) -> web.Response:
    """Show the settings as they are, ready to be edited."""
    view = await view_feature(request.app[SERVICES], request[GUILD].id, feature_of(request).key)
    return _page(request, view, view.state)


async def post_settings_page(request: web.Request) -> web.Response:
    """Save what was edited, or show the form again with what is wrong beside each field."""
    services, feature = request.app[SERVICES], feature_of(request)
    fields, reader = describe_fields(feature.settings), reader_of(request)
    sent = await read_form(request)
    version = version_in(sent)
    entered = entered_in(fields, sent)
    if (again := turned(fields, entered, sent)) is not None:
        view = await view_feature(services, reader.guild_id, feature.key)
        return _page(request, view, view.state, typed=again, version=version)
    found = await find_people(services, fields, without_blank(fields, entered), sent, reader)
    reader = found.reader
    edited = edited_in(fields, found.texts, await _texts_at(request, feature, version))
    try:
        changes = changes_of(fields, replace(found, texts=edited))
        change = await services.settings.change(
            reader.guild_id,
            feature.key,
            changes,
            actor=actor_of(request),
            expected_revision=version,
        )
    except StaleSettings as stale:
        trouble = _about_change(stale, edited, fields, reader)
        return await _again(request, stale.current, trouble, reader)
    except InvalidInput as error:
        state = await services.settings.get(reader.guild_id, feature.key)
        return await _again(request, state, _about_input(error, edited, fields, reader), reader)
    raise see_other(request.path, "saved" if change.diff else "same")


async def _texts_at(request: web.Request, feature: Feature, version: int) -> dict[str, Text]:
    """Return what the form was made with, to tell what was edited in it."""
    settings: Any = feature.settings()
    if version > 0:
        store = request.app[SERVICES].settings
        state = await store.get(request[GUILD].id, feature.key)
        settings = state.settings
        if state.revision != version:
            try:
                past = await store.revision(request[GUILD].id, feature.key, version)
            except NotFound:
                # Forgotten long since: compared with what is there now, all else counts as edited.
                pass
            else:
                settings = past.settings
    return texts_of(describe_fields(feature.settings), settings.to_json())


def _about_input(
    error: InvalidInput, edited: Texts, fields: tuple[FieldInfo, ...], reader: Reader
) -> Trouble:
    found, _others = errors_in(error, fields, reader)
    summary = _("Nothing was saved yet. Correct what is marked below, then save again.")
    if not {name.partition(".")[0] for name in found} & edited.keys():
        summary = error.message
    return Trouble(400, reader.say(summary), edited, found)


def _about_change(
    stale: StaleSettings, edited: Texts, fields: tuple[FieldInfo, ...], reader: Reader
) -> Trouble:
    values = stale.current.settings.to_json()
    touched = {name for change in stale.changes for name in change.diff}
    errors = {
        one.name: reader.say(
            _(
                "Somebody else set this to “{value}” meanwhile. If you save, yours replaces it.",
                value=reader.value(one, values[one.name])[:200],
            )
        )
        for one in fields
        if one.name in touched and one.name in edited
    }
    summary = _(
        "Somebody else changed these settings while you were editing, so nothing was saved yet. "
        "Below are their values, with yours where you typed. Look through it, then save again."
    )
    return Trouble(409, reader.say(summary), edited, errors, stale.changes)


async def _again(
    request: web.Request, state: FeatureState, trouble: Trouble, reader: Reader
) -> web.Response:
    view = await view_feature(request.app[SERVICES], state.guild_id, state.feature)
    return _page(request, view, state, trouble, reader=reader)


def _page(
    request: web.Request,
    view: FeatureView,
    state: FeatureState,
    trouble: Trouble | None = None,
    *,
    typed: Texts | None = None,
    version: int | None = None,
    reader: Reader | None = None,
) -> web.Response:
    """Return the form of a state, or of the `version` that is being edited, as it is `typed`."""
    feature, reader = view.feature, reader or reader_of(request)
    fields = describe_fields(feature.settings)
    texts = texts_of(fields, state.settings.to_json())
    texts |= trouble.edited if trouble else typed or {}
    sections = sections_of(fields, texts, trouble.errors if trouble else {}, reader)
    return render(
        "settings.html",
        reader.locale,
        status=trouble.status if trouble else 200,
        guild=request[GUILD],
        key=feature.key,
        title=reader.say(feature.title),
        description=reader.say(feature.description),
        state=state,
        version=state.revision if version is None else version,
        can_switch=not feature.always_on,
        kept=kept_of(feature, reader.locale),
        sections=sections,
        problems=problems_of(view, reader.locale),
        trouble=trouble,
        marked=list(marked_in(sections)),
        others=_rows_of_others(fields, trouble, reader),
        notice=("", "") if trouble else notice_for(request, reader.locale),
        is_logged_in=request[VISITOR].user_id is not None,
    )


def _rows_of_others(
    fields: tuple[FieldInfo, ...], trouble: Trouble | None, reader: Reader
) -> list[DiffRow]:
    changes = trouble.changes if trouble else ()
    return [row for one in reversed(changes) for row in diff_rows(fields, one.diff, reader)]


_PATH = "/guilds/{guild_id}/settings/{feature}"

ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=get_settings_page,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="The form of a feature's settings",
        replies={200: PAGE},
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=post_settings_page,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="Save the form of a feature's settings",
        accepts=FORM,
        limit=SETTINGS_LIMIT,
        replies={
            303: BACK,
            400: Reply("The form, with what is wrong beside the fields", media_type="text/html"),
            409: Reply("The form, with what others changed", media_type="text/html"),
        },
    ),
)
