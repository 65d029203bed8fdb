"""Adding things and changing them: forms of the bodies that the API takes.

Only what a person edited is changed. When somebody else changed the thing meanwhile, the form comes
back with what is there now, and what was typed still in its fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from aiohttp import web
from pydantic import BaseModel

from bot.core.errors import AppError, Conflict, NotFound
from bot.core.fields.bodies import describe_body
from bot.core.i18n import _
from bot.core.resources import AddingService, ChangingService, Item
from web.access import actor_of
from web.dashboard.bodies import (
    body_of,
    differing,
    marks_of,
    read_marks,
    texts_in,
    typed_anew,
)
from web.dashboard.formdata import Sent, read_form, version_in
from web.dashboard.kept.details import details_of
from web.dashboard.kept.kinds import (
    PATH,
    REVISION_DIGITS,
    TOLD,
    Kind,
    Trouble,
    form_routes,
    kind_of,
)
from web.dashboard.notices import see_other
from web.dashboard.people import People
from web.dashboard.texts import (
    Texts,
    entered_in,
    texts_at_first,
    turned,
    value_in,
    without_blank,
)

_MARKS = "marks"
_LONGEST_SHOWN = 200


async def get_addition_page(request: web.Request) -> web.Response:
    """Show the form of a new one, with the defaults in it."""
    kind = await kind_of(request)
    model = _addition(kind)
    return _addition_page(kind, texts_at_first(describe_body(model), kind.reader.zone))


async def post_addition_page(request: web.Request) -> web.Response:
    """Add one, or show the form again with what is wrong beside each field."""
    kind = await kind_of(request)
    model, sent = _addition(kind), await read_form(request)
    fields, service = describe_body(model), cast("AddingService", kind.service)
    before = texts_at_first(fields, kind.reader.zone)
    texts = {**before, **entered_in(fields, sent)}
    if (again := turned(fields, texts, sent)) is not None:
        return _addition_page(kind, again)
    kind, people = await kind.finding(fields, without_blank(fields, texts), sent)
    texts = people.texts
    edited = typed_anew(fields, texts, before)
    try:
        body = body_of(model, {}, people, edited)
        item = await service.add(kind.reader.guild_id, body, actor_of(request))
    except TOLD as error:
        return _addition_page(kind, texts, kind.trouble(error, fields))
    raise see_other(f"{kind.path}/{item.id}", "added")


def _addition(kind: Kind) -> type[BaseModel]:
    if kind.resource.addition is None:
        raise NotFound(_("There is nothing at this address."))
    return kind.resource.addition


def _addition_page(kind: Kind, texts: Texts, trouble: Trouble | None = None) -> web.Response:
    return kind.form_page(
        _addition(kind),
        texts,
        trouble,
        heading=kind.reader.say(_("Add: {kind}", kind=_(kind.resource.title))),
        back=kind.path,
        action=f"{kind.path}/new",
        yes=kind.reader.say(_("Add")),
    )


async def get_item_page(request: web.Request) -> web.Response:
    """Show one: what is known of it, what can be done with it, and the form that changes it."""
    kind = await kind_of(request)
    return await _item_page(kind, await kind.item())


async def post_item_page(request: web.Request) -> web.Response:
    """Save what was edited, or show the form again with what is wrong beside each field."""
    kind = await kind_of(request)
    model = kind.resource.change
    if model is None:
        raise NotFound(_("There is nothing at this address."))
    sent = await read_form(request)
    version = version_in(sent, digits=REVISION_DIGITS)
    fields = describe_body(model)
    entered = entered_in(fields, sent)
    again = turned(fields, entered, sent)
    entered = without_blank(fields, entered)
    try:
        item = await kind.item()
    except NotFound as error:
        return _lost_page(kind, again or entered, error)
    if again is not None:
        return await _item_page(kind, item, again, seen=sent)
    kind, people = await kind.finding(fields, entered, sent)
    entered = people.texts
    edited = differing(fields, entered, _marks_in(sent, kind, item))
    if not edited:
        raise see_other(request.path, "same")
    if version != item.revision:
        return await _overtaken_page(kind, item, sent, people, edited)
    service = cast("ChangingService", kind.service)
    try:
        texts = {**_texts(kind, item), **entered}
        body = body_of(model, _as_sent(kind, item), replace(people, texts=texts), edited)
        await service.put(kind.reader.guild_id, item.id, item.revision, body, actor_of(request))
    except TOLD as error:
        now = await kind.item_if_there()
        if now is None:
            return _lost_page(kind, entered, error)
        if isinstance(error, Conflict) and now.revision != version:
            return await _overtaken_page(kind, now, sent, people, edited)
        return await _item_page(kind, now, entered, kind.trouble(error, fields))
    raise see_other(request.path, "saved")


def _as_sent(kind: Kind, item: Item) -> dict[str, Any]:
    """Return the body that would leave one as it is."""
    model = kind.resource.change
    names = set(model.model_fields) if model else set[str]()
    return item.body.model_dump(mode="json", include=names)


def _texts(kind: Kind, item: Item) -> Texts:
    model = kind.resource.change
    return texts_in(describe_body(model), _as_sent(kind, item), kind.reader) if model else {}


def _marks_in(sent: Sent, kind: Kind, item: Item) -> Mapping[str, str]:
    """Return what the form was made with; what is there now where it does not say."""
    model = kind.resource.change
    now = marks_of(describe_body(model), _texts(kind, item)) if model else "{}"
    return {**read_marks(now), **read_marks((sent.get(_MARKS) or [""])[-1])}


def _marks_shown(change: type[BaseModel], now: Texts, seen: Sent | None) -> str:
    before = read_marks((seen.get(_MARKS) or [""])[-1]) if seen else {}
    return json.dumps({**read_marks(marks_of(describe_body(change), now)), **before})


async def _overtaken_page(
    kind: Kind, item: Item, sent: Sent, people: People, edited: list[str]
) -> web.Response:
    """Show what somebody else made of it meanwhile, with what was typed where it was edited."""
    model = cast("type[BaseModel]", kind.resource.change)
    fields, reader = describe_body(model), kind.reader
    now, body = _texts(kind, item), _as_sent(kind, item)
    touched = differing(fields, now, _marks_in(sent, kind, item))
    errors = {
        one.name: reader.say(
            _(
                "Somebody else set this to “{value}” meanwhile. If you save, yours replaces it.",
                value=reader.value(one, value_in(body, one.name))[:_LONGEST_SHOWN],
            )
        )
        for one in fields
        if one.name in touched and one.name in edited
    }
    summary = _(
        "Somebody else changed this while you were editing, so nothing was saved yet. Below is "
        "what it is now, with yours where you typed. Look through it, then save again."
    )
    mine = {name: people.texts[name] for name in edited}
    return await _item_page(kind, item, mine, Trouble(409, reader.say(summary), errors))


def _lost_page(kind: Kind, entered: Texts, error: AppError) -> web.Response:
    """Keep what was typed into the form of one that is gone: it may be added as a new one."""
    model = cast("type[BaseModel]", kind.resource.change)
    texts = {**texts_at_first(describe_body(model), kind.reader.zone), **entered}
    trouble = kind.trouble(error)
    if model is kind.resource.addition:
        return _addition_page(kind, texts, trouble)
    return kind.form_page(
        model, texts, trouble, heading=kind.reader.say(kind.resource.title), back=kind.path
    )


async def _item_page(
    kind: Kind,
    item: Item,
    typed: Texts | None = None,
    trouble: Trouble | None = None,
    seen: Sent | None = None,
) -> web.Response:
    """Return the page of one; a form that is `seen` goes on from what it was made with."""
    version = version_in(seen, digits=REVISION_DIGITS) if seen else item.revision
    kind = await kind.knowing([item])
    resource, say = kind.resource, kind.reader.say
    now = _texts(kind, item)
    # What was typed is shown also where it can't be saved any more.
    change = resource.change if typed or resource.is_changeable(item.body) else None
    is_removable = resource.removal and resource.is_removable(item.body)
    has_document = resource.document and resource.has_document(item.body)
    return kind.page(
        "kept_item.html",
        trouble=trouble,
        heading=kind.label(item),
        item_path=kind.item_path,
        version=version,
        marks=_marks_shown(change, now, seen) if change else "",
        details=details_of(item.body, change.model_fields if change else (), kind.reader),
        acts=[
            (one.name, say(one.title), one.body is None and not one.is_final)
            for one in resource.actions
            if one.is_offered(item.body)
        ],
        removal=say(resource.removal) if is_removable else "",
        document=resource.document if has_document else "",
        **kind.form(change, {**now, **(typed or {})}, trouble),
    )


ROUTES = (
    *form_routes(
        f"{PATH}/new",
        asks="The form that adds to what a feature keeps",
        does="Add to what a feature keeps from a page",
        get=get_addition_page,
        post=post_addition_page,
    ),
    *form_routes(
        f"{PATH}/{{item_id}}",
        asks="The page of one thing that a feature keeps",
        does="Change one thing that a feature keeps from a page",
        get=get_item_page,
        post=post_item_page,
    ),
)
