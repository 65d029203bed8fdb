"""The kind of thing that a page is about: its declaration, its service, its addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast
from zoneinfo import ZoneInfo

import structlog
from aiohttp import web
from pydantic import BaseModel

from bot.core.errors import (
    AppError,
    ConfigurationError,
    Denied,
    DiscordFailed,
    InvalidInput,
    NotFound,
)
from bot.core.features import FeatureRegistry
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.bodies import describe_body, row_fields, with_rows
from bot.core.guild_locale import BASICS
from bot.core.i18n import Message, _
from bot.core.resources import Item, ListedService, Resource, ResourceService
from db.guilds import list_names
from web.api.resources import id_in
from web.dashboard.bodies import errors_in
from web.dashboard.controls import marked_in, sections_of
from web.dashboard.formdata import FORM, Sent
from web.dashboard.guilds import BACK, PAGE
from web.dashboard.notices import notice_for
from web.dashboard.people import People, find_people
from web.dashboard.render import render
from web.dashboard.settings import reader_of
from web.dashboard.texts import Texts, value_in
from web.dashboard.values import Reader
from web.keys import GUILD, SERVICES, VISITOR
from web.routes import SETTINGS_LIMIT, Access, Handler, Pace, Reply, Route

log = structlog.get_logger(__name__)

# A revision that is told from what is shown is longer than one that counts changes.
REVISION_DIGITS = 18
PATH = "/guilds/{guild_id}/kept/{resource}"
# What a service says to the person who asked; their page says it, and keeps what they typed.
TOLD = (InvalidInput, Denied, NotFound, DiscordFailed, ConfigurationError)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a page comes back: what is wrong in all, beside which fields, and with none of them."""

    status: int
    summary: str
    errors: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of thing for one reader, in one guild."""

    request: web.Request
    resource: Resource
    service: ResourceService
    reader: Reader

    @property
    def path(self) -> str:
        """The address of the list."""
        return path_of(self.reader.guild_id, self.resource)

    @property
    def item_id(self) -> int:
        """The id in the address; raises `NotFound` for what is none."""
        return id_in(self.request)

    @property
    def item_path(self) -> str:
        """The address of the one that the address is about."""
        return f"{self.path}/{self.item_id}"

    async def item(self) -> Item:
        """Return the one that the address is about; raises `NotFound`."""
        return await self.service.get(self.reader.guild_id, self.item_id)

    async def item_if_there(self) -> Item | None:
        """Return the one that the address is about as it is now, `None` when it is gone."""
        try:
            return await self.item()
        except NotFound:
            return None

    def label(self, item: Item) -> str:
        """Return what one is called."""
        return self.said(self.resource.label(item.body)) or f"#{item.id}"

    def said(self, text: Message | str) -> str:
        """Return a text of ours as it is read; a bare one is somebody's own, and stays as it is."""
        if not isinstance(text, Message):
            return text
        return self.reader.plain(self.reader.say(text))

    async def knowing(self, items: Iterable[Item]) -> Kind:
        """Return it with the names of the people that some items name."""
        ids = {user_id for one in items for user_id in _people_in(one.body)}
        if not ids:
            return self
        async with self.request.app[SERVICES].database.read() as session:
            names = await list_names(session, ids)
        return replace(self, reader=replace(self.reader, names={**names, **self.reader.names}))

    async def finding(
        self, fields: Iterable[FieldInfo], texts: Texts, sent: Sent
    ) -> tuple[Kind, People]:
        """Return the texts with ids for the names of members, and the kind for who may choose."""
        services = self.request.app[SERVICES]
        people = await find_people(services, fields, texts, sent, self.reader)
        return replace(self, reader=people.reader), people

    def page(
        self, template: str, *, trouble: Trouble | None = None, below: bool = True, **values: Any
    ) -> web.Response:
        """Return a page; below the list, it leads there."""
        guild, say = self.request[GUILD], self.reader.say
        steps = [("/guilds", say(_("Servers"))), (f"/guilds/{guild.id}", guild.name)]
        if below:
            steps.append((self.path, say(self.resource.title)))
        return render(
            template,
            self.reader.locale,
            status=trouble.status if trouble else 200,
            guild=guild,
            kind=say(self.resource.title),
            path=self.path,
            trouble=trouble,
            notice=("", "") if trouble else notice_for(self.request, self.reader.locale),
            is_logged_in=self.request[VISITOR].user_id is not None,
            steps=[*steps, *values.pop("more_steps", ())],
            **values,
        )

    def form_page(
        self,
        model: type[BaseModel] | None,
        texts: Texts,
        trouble: Trouble | None = None,
        *,
        heading: str,
        back: str,
        action: str = "",
        version: int | None = None,
        yes: str = "",
        warning: str = "",
        more_steps: Sequence[tuple[str, str]] = (),
    ) -> web.Response:
        """Return the page of one form: it goes to the action, with a button that says `yes`."""
        return self.page(
            "kept_form.html",
            trouble=trouble,
            more_steps=more_steps,
            heading=heading,
            back=back,
            action=action,
            version=version,
            yes=yes,
            warning=warning,
            **self.form(model, texts, trouble),
        )

    def form(
        self,
        model: type[BaseModel] | None,
        texts: Texts,
        trouble: Trouble | None = None,
    ) -> dict[str, Any]:
        """Return what a template needs to draw the form of a body, or of none."""
        fields = describe_body(model) if model else ()
        errors = trouble.errors if trouble else {}
        sections = sections_of(fields, texts, errors, self.reader)
        return {"sections": sections, "marked": list(marked_in(sections))}

    def trouble(self, error: AppError, fields: Sequence[FieldInfo] = ()) -> Trouble:
        """Return what a service or a model says against what was sent."""
        if isinstance(error, DiscordFailed):
            log.warning("request_not_served", code=error.code, reason=str(error))
        beside: Mapping[str, str] = {}
        others: list[str] = []
        if isinstance(error, InvalidInput):
            beside, others = errors_in(error, fields, self.reader)
        if beside:
            summary: Message = _(
                "Nothing was saved yet. Correct what is marked below, then save again."
            )
            return Trouble(error.status, self.reader.say(summary), beside, others)
        if error.hint is not None:
            others.append(self.reader.plain(self.reader.say(error.hint)))
        said = self.reader.plain(self.reader.say(error.message))
        return Trouble(error.status, said, others=[one for one in others if one != said])


async def kind_of(request: web.Request) -> Kind:
    """Return what the address is about; raises `NotFound` for no resource's name.

    Raises `DiscordFailed` before the resource's feature has loaded.
    """
    services, name = request.app[SERVICES], request.match_info["resource"]
    resource = _resources(services.registry).get(name)
    if resource is None:
        raise NotFound(_("There is nothing at this address."))
    basics = (await services.settings.get(request[GUILD].id, BASICS)).settings
    zone, kept = ZoneInfo(basics.time_zone), await _kept_for(request, resource)
    reader = replace(reader_of(request), zone=zone, kept=kept)
    return Kind(request, resource, services.resources.get(name), reader)


async def _kept_for(request: web.Request, resource: Resource) -> dict[str, dict[str, str]]:
    """Return what there is of the kinds that fields of this one name, by the kinds' names."""
    services, guild_id = request.app[SERVICES], request[GUILD].id
    known = _resources(services.registry)
    models = [resource.model, resource.addition, resource.change]
    models += [one.body for one in resource.actions]
    named = {
        one.form.resource
        for model in models
        if model is not None
        for one in with_rows(describe_body(model))
        if one.form.widget is Widget.ITEM
    }
    found: dict[str, dict[str, str]] = {}
    for name in sorted(named & known.keys()):
        service = cast("ListedService", services.resources.get(name))
        items = await service.list(guild_id)
        found[name] = {str(one.id): str(known[name].label(one.body)) for one in items}
    return found


def _resources(registry: FeatureRegistry) -> dict[str, Resource]:
    return {one.name: one for feature in registry.all() for one in feature.resources}


def _people_in(body: BaseModel) -> Iterator[int]:
    return _people_among(describe_body(type(body)), body.model_dump(mode="json"))


def _people_among(fields: Iterable[FieldInfo], values: Mapping[str, Any]) -> Iterator[int]:
    for it in fields:
        found = value_in(values, it.name) or ()
        if it.form.widget in (Widget.MEMBER, Widget.MEMBERS):
            ids = [found] if isinstance(found, str) else found
            yield from (int(one) for one in ids if one.isdecimal())
        elif inner := row_fields(it):
            for entry in found:
                yield from _people_among(inner, entry)


def path_of(guild_id: int, resource: Resource) -> str:
    """Return the address of the list of a resource."""
    return PATH.format(guild_id=guild_id, resource=resource.name)


def form_routes(
    path: str, *, asks: str, does: str, get: Handler, post: Handler
) -> tuple[Route, Route]:
    """Return the routes of a page with a form: the one that shows it, and the one that takes it."""
    shared: dict[str, Any] = {
        "path": path,
        "part": "dashboard",
        "access": Access.GUILD,
        "pace": Pace.PAGE,
    }
    again = {
        status: Reply(f"The page once more, with {why}", media_type="text/html")
        for status, why in _WHY_AGAIN.items()
    }
    return (
        Route(method="GET", handler=get, summary=asks, replies={200: PAGE}, **shared),
        Route(
            method="POST",
            handler=post,
            summary=does,
            accepts=FORM,
            limit=SETTINGS_LIMIT,
            replies={303: BACK, **again},
            **shared,
        ),
    )


_WHY_AGAIN = {
    400: "what is wrong beside the fields",
    403: "why that may not be done",
    404: "what was typed for something that is gone",
    409: "what speaks against it, such as what others changed",
    500: "what the bot's operator has to set",
    502: "what Discord did not do",
}
