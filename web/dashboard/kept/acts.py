"""What is done with a thing rather than changed in it, its removal, and its document.

What can't be undone is asked for on a page of its own; so is what an action needs to know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from aiohttp import web
from pydantic import BaseModel

from bot.core.errors import NotFound
from bot.core.fields.bodies import describe_body
from bot.core.i18n import _
from bot.core.resources import ActingService, Action, DocumentedService, Item, RemovingService
from web.access import actor_of
from web.dashboard.bodies import body_of, typed_anew
from web.dashboard.formdata import read_form, version_in
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
from web.dashboard.texts import Texts, entered_in, texts_at_first, turned, without_blank
from web.responses import document_response
from web.routes import Access, Pace, Reply, Route


@dataclass(frozen=True, slots=True)
class _Deed:
    """What is about to be done: `do` does it, `after` is where the page then leads.

    The `warning` stands above the button of what can't be taken back; it is "" for all else.
    """

    title: str
    body: type[BaseModel] | None
    warning: str
    path: str
    do: Callable[[Item, BaseModel | None], Awaitable[object]]
    after: tuple[str, str]


async def get_action_page(request: web.Request) -> web.Response:
    """Ask for what the action needs, or whether to do it."""
    kind = await kind_of(request)
    return await _ask(kind, _action_deed(kind))


async def post_action_page(request: web.Request) -> web.Response:
    """Do it, or say on its page what speaks against it."""
    kind = await kind_of(request)
    return await _do(kind, _action_deed(kind))


async def get_removal_page(request: web.Request) -> web.Response:
    """Ask whether to remove one."""
    kind = await kind_of(request)
    return await _ask(kind, _removal_deed(kind))


async def post_removal_page(request: web.Request) -> web.Response:
    """Remove one, or say on its page what speaks against it."""
    kind = await kind_of(request)
    return await _do(kind, _removal_deed(kind))


async def get_document(request: web.Request) -> web.Response:
    """Answer with the file that there is of one."""
    kind = await kind_of(request)
    if not kind.resource.document:
        raise NotFound(_("There is nothing at this address."))
    service = cast("DocumentedService", kind.service)
    return document_response(
        await service.document(kind.reader.guild_id, kind.item_id, actor_of(request))
    )


def _action_deed(kind: Kind) -> _Deed:
    action = kind.resource.action(kind.request.match_info["action"])
    if action is None:
        raise NotFound(_("There is nothing at this address."))
    return _Deed(
        kind.reader.say(action.title),
        action.body,
        kind.reader.say(_("This can't be undone.")) if action.is_final else "",
        f"{kind.item_path}/do/{action.name}",
        _acting(kind, action),
        (kind.item_path, "done"),
    )


def _acting(kind: Kind, action: Action) -> Callable[[Item, BaseModel | None], Awaitable[object]]:
    async def do(item: Item, body: BaseModel | None) -> object:
        service, actor = cast("ActingService", kind.service), actor_of(kind.request)
        return await service.act(kind.reader.guild_id, item, action.name, body, actor)

    return do


def _removal_deed(kind: Kind) -> _Deed:
    if not kind.resource.removal:
        raise NotFound(_("There is nothing at this address."))

    async def do(item: Item, _body: BaseModel | None) -> object:
        service, actor = cast("RemovingService", kind.service), actor_of(kind.request)
        return await service.remove(kind.reader.guild_id, item.id, item.revision, actor)

    return _Deed(
        kind.reader.say(kind.resource.removal),
        None,
        kind.reader.say(
            _("This can't be undone.") if kind.resource.stays else _("This removes it for good.")
        ),
        f"{kind.item_path}/remove",
        do,
        (kind.item_path, "done") if kind.resource.stays else (kind.path, "removed"),
    )


async def _ask(kind: Kind, deed: _Deed) -> web.Response:
    fields = describe_body(deed.body) if deed.body else ()
    return _page(kind, deed, await kind.item(), texts_at_first(fields, kind.reader.zone))


async def _do(kind: Kind, deed: _Deed) -> web.Response:
    sent = await read_form(kind.request)
    version = version_in(sent, digits=REVISION_DIGITS)
    fields = describe_body(deed.body) if deed.body else ()
    before = texts_at_first(fields, kind.reader.zone)
    texts = {**before, **entered_in(fields, sent)}
    again = turned(fields, texts, sent)
    texts = without_blank(fields, texts)
    try:
        item = await kind.item()
        if item.revision != version:
            return _page(kind, deed, item, texts, _stale(kind))
        if again is not None:
            return _page(kind, deed, item, again)
        body = None
        if deed.body is not None:
            kind, people = await kind.finding(fields, texts, sent)
            texts = people.texts
            body = body_of(deed.body, {}, people, typed_anew(fields, texts, before))
        await deed.do(item, body)
    except TOLD as error:
        trouble = kind.trouble(error, fields)
        return _page(kind, deed, await kind.item_if_there(), texts, trouble)
    raise see_other(*deed.after)


def _stale(kind: Kind) -> Trouble:
    said = _("Somebody changed this meanwhile. Look at it again, then repeat your change.")
    return Trouble(409, kind.reader.say(said))


def _page(
    kind: Kind,
    deed: _Deed,
    item: Item | None,
    texts: Texts,
    trouble: Trouble | None = None,
) -> web.Response:
    label = kind.label(item) if item else f"#{kind.item_id}"
    return kind.form_page(
        deed.body,
        texts,
        trouble,
        heading=f"{deed.title}: {label}",
        back=kind.item_path if item else kind.path,
        # What is gone is not asked for once more.
        action=deed.path if item else "",
        version=item.revision if item else None,
        yes=deed.title,
        warning=deed.warning,
        more_steps=[(kind.item_path, label)] if item else [],
    )


ROUTES = (
    *form_routes(
        f"{PATH}/{{item_id}}/do/{{action}}",
        asks="The page that asks for what an action needs",
        does="Do something with one thing that a feature keeps from a page",
        get=get_action_page,
        post=post_action_page,
    ),
    *form_routes(
        f"{PATH}/{{item_id}}/remove",
        asks="The question whether to remove one thing that a feature keeps",
        does="Remove one thing that a feature keeps from a page",
        get=get_removal_page,
        post=post_removal_page,
    ),
    Route(
        method="GET",
        path=f"{PATH}/{{item_id}}/document",
        handler=get_document,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="The file that there is of one thing that a feature keeps",
        replies={200: Reply("The file, compressed where it is large")},
    ),
)
