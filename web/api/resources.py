"""`/v1/guilds/{guild_id}/<resource>`: what features keep besides settings, as they declare it.

Nothing here knows a feature: the routes are made of the manifests' declarations, and what is
checked and kept is up to the service that the feature has handed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import cast

from aiohttp import web
from pydantic import BaseModel

from bot.core.errors import NotFound
from bot.core.features import Feature
from bot.core.i18n import _
from bot.core.resources import (
    DocumentedService,
    Item,
    Resource,
    ResourceService,
    WritableService,
)
from web.access import actor_of
from web.api.body import JSON, read_body
from web.keys import GUILD, SERVICES
from web.preconditions import expected_revision
from web.problems import OldVersion
from web.responses import etag_of, json_response
from web.routes import SETTINGS_LIMIT, Access, Pace, Reply, Route

_PATH = "/v1/guilds/{{guild_id}}/{name}"
_ITEM = "/v1/guilds/{{guild_id}}/{name}/{{item_id}}"
_LONGEST_ID = 18


class _Reading:
    """The operations that every resource has."""

    def __init__(self, resource: Resource) -> None:
        self._name = resource.name

    async def list(self, request: web.Request) -> web.Response:
        """Answer with all of the guild's, in the order in which people see them."""
        found = await self.service(request).list(request[GUILD].id)
        return json_response([one.body.model_dump(mode="json") for one in found])

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one."""
        return _answer(await self.item(request))

    async def remove(self, request: web.Request) -> web.Response:
        """Remove it for good."""
        item = await self.item(request)
        _check_version(request, item, required=False)
        service = self.service(request)
        await service.remove(request[GUILD].id, item.id, item.revision, actor_of(request))
        return web.Response(status=204)

    async def document(self, request: web.Request) -> web.Response:
        """Answer with the file that there is of one."""
        # A resource that declares a document has a service that makes it.
        service = cast("DocumentedService", self.service(request))
        found = await service.document(request[GUILD].id, _id_in(request))
        headers = {"Content-Disposition": f'attachment; filename="{found.filename}"'}
        kind = "application/gzip" if found.filename.endswith(".gz") else "application/json"
        return web.Response(body=found.data, content_type=kind, headers=headers)

    def service(self, request: web.Request) -> ResourceService:
        """Return what the feature has handed over."""
        return request.app[SERVICES].resources.get(self._name)

    async def item(self, request: web.Request) -> Item:
        """Return the one that the path names; raises `NotFound`."""
        return await self.service(request).get(request[GUILD].id, _id_in(request))


class _Writing(_Reading):
    """The operations of a resource that takes bodies."""

    def __init__(self, resource: Resource, body: type[BaseModel]) -> None:
        super().__init__(resource)
        self._body = body

    async def add(self, request: web.Request) -> web.Response:
        """Add one, or nothing at all; `Location` is where it is."""
        body = await read_body(request, self._body)
        item = await self._writable(request).add(request[GUILD].id, body, actor_of(request))
        path = f"{request.path.rstrip('/')}/{item.id}"
        return _answer(item, status=201, headers={"Location": path})

    async def put(self, request: web.Request) -> web.Response:
        """Put what is sent in its place, or change nothing at all."""
        item = await self.item(request)
        _check_version(request, item, required=True)
        body = await read_body(request, self._body)
        service, actor = self._writable(request), actor_of(request)
        return _answer(await service.put(request[GUILD].id, item.id, item.revision, body, actor))

    def _writable(self, request: web.Request) -> WritableService:
        # A resource that declares what is sent has a service that takes it.
        return cast("WritableService", self.service(request))


def _id_in(request: web.Request) -> int:
    text = request.match_info["item_id"]
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise NotFound(_("There is nothing at this address."))
    return int(text)


def _check_version(request: web.Request, item: Item, *, required: bool) -> None:
    expected = expected_revision(request, item, required=required)
    if expected not in (None, item.revision):
        raise OldVersion(
            _("Somebody else has changed this meanwhile."),
            hint=_("Read it again, then repeat your change."),
        )


def _answer(
    item: Item, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    tagged = {"ETag": etag_of(item.revision), **(headers or {})}
    return json_response(item.body, status=status, headers=tagged)


def routes_of(features: Iterable[Feature]) -> Iterator[Route]:
    """Yield the routes of all resources that features declare."""
    for feature in features:
        for resource in feature.resources:
            yield from _reading_routes(resource)
            if resource.body is not None:
                yield from _writing_routes(resource, resource.body)
            if resource.document:
                yield _document_route(resource)


def _one_of(resource: Resource) -> Reply:
    return Reply(f"The {resource.one}", resource.model, versioned=True)


def _reading_routes(resource: Resource) -> Iterator[Route]:
    reading = _Reading(resource)
    several = Reply(f"The {resource.many}", resource.model, many=True)
    every, item = _PATH.format(name=resource.name), _ITEM.format(name=resource.name)
    yield Route(
        method="GET",
        path=every,
        handler=reading.list,
        name=f"get_all_{resource.key}",
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary=f"The {resource.many} of a guild",
        replies={200: several},
    )
    yield Route(
        method="GET",
        path=item,
        handler=reading.get,
        name=f"get_{resource.key}",
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary=f"One of the {resource.many}",
        replies={200: _one_of(resource)},
    )
    yield Route(
        method="DELETE",
        path=item,
        handler=reading.remove,
        name=f"delete_{resource.key}",
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary=f"Delete one of the {resource.many}",
        if_match="optional",
        replies={204: Reply("It is gone", media_type="")},
    )


def _document_route(resource: Resource) -> Route:
    return Route(
        method="GET",
        path=f"{_ITEM.format(name=resource.name)}/{resource.document}",
        handler=_Reading(resource).document,
        name=f"get_{resource.key}_{resource.document}",
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary=f"The {resource.document} of one of the {resource.many}",
        replies={200: Reply(f"The {resource.document}, compressed where it is large")},
    )


def _writing_routes(resource: Resource, body: type[BaseModel]) -> Iterator[Route]:
    writing = _Writing(resource, body)
    every, item = _PATH.format(name=resource.name), _ITEM.format(name=resource.name)
    yield Route(
        method="POST",
        path=every,
        handler=writing.add,
        name=f"add_{resource.key}",
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary=f"Add to the {resource.many}",
        accepts=JSON,
        body=body,
        limit=SETTINGS_LIMIT,
        replies={201: _one_of(resource)},
    )
    yield Route(
        method="PUT",
        path=item,
        handler=writing.put,
        name=f"put_{resource.key}",
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary=f"Change one of the {resource.many}",
        accepts=JSON,
        body=body,
        limit=SETTINGS_LIMIT,
        if_match="required",
        replies={200: _one_of(resource)},
    )
