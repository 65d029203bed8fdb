"""`/v1/guilds/{guild_id}/<resource>`: what features keep besides settings, as they declare it.

Nothing here knows a feature: the routes are made of the manifests' declarations, and what is
checked and kept is up to the service that the feature has handed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal, cast

from aiohttp import web
from pydantic import BaseModel, Field

from bot.core.errors import NotFound
from bot.core.features import Feature
from bot.core.i18n import _
from bot.core.resources import (
    ActingService,
    Action,
    AddingService,
    ChangingService,
    DocumentedService,
    Item,
    ListedService,
    PagedService,
    RemovingService,
    Resource,
    ResourceService,
    SearchedService,
)
from web.access import actor_of
from web.api.body import JSON, read_body
from web.api.query import DiscordId, Query, read_query
from web.keys import GUILD, SERVICES
from web.preconditions import expected_revision
from web.problems import OldVersion
from web.responses import document_response, etag_of, json_response
from web.routes import BODY_LIMIT, SETTINGS_LIMIT, Access, Handler, Method, Pace, Reply, Route

_PATH = "/v1/guilds/{{guild_id}}/{name}"
_ITEM = "/v1/guilds/{{guild_id}}/{name}/{{item_id}}"
# What the database holds.
_LARGEST_ID = 2**63 - 1
_LONGEST_ID = len(str(_LARGEST_ID))
_MOST_LISTED = 200


class PageQuery(Query):
    """Which part of a long list to return."""

    limit: Annotated[int, Field(ge=1, le=_MOST_LISTED, description="How many.")] = _MOST_LISTED
    before: Annotated[
        DiscordId | None, Field(description="Those with a lesser id: the last of the page before.")
    ] = None


class SearchQuery(PageQuery):
    """Which part of a long list to return, or what to look for in all of it."""

    q: Annotated[str, Field(max_length=200, description="Return those that this finds.")] = ""


class _Operations:
    """What can be done with the things of one kind; the casts are what it declares."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    async def list(self, request: web.Request) -> web.Response:
        """Answer with all of the guild's, in the order in which people see them."""
        found = await cast("ListedService", self.service(request)).list(request[GUILD].id)
        return _listed(found)

    async def list_page(self, request: web.Request) -> web.Response:
        """Answer with the newest, those before, or those found; `Link` leads to the next if any."""
        query = read_query(request, SearchQuery if self._resource.search else PageQuery)
        if isinstance(query, SearchQuery) and query.q:
            searched = cast("SearchedService", self.service(request))
            return _listed(await searched.search(request[GUILD].id, query.q, actor_of(request)))
        service = cast("PagedService", self.service(request))
        found = await service.list_page(
            request[GUILD].id, before=query.before, limit=query.limit + 1
        )
        page, headers = found[: query.limit], {}
        if len(found) > len(page):
            target = request.rel_url.update_query({"before": str(page[-1].id)})
            headers = {"Link": f'<{target}>; rel="next"'}
        return _listed(page, headers)

    async def get(self, request: web.Request) -> web.Response:
        """Answer with one."""
        return _answer(await self.item(request))

    async def remove(self, request: web.Request) -> web.Response:
        """Remove it for good."""
        item = await self.item(request)
        _check_version(request, item, required=False)
        service = cast("RemovingService", self.service(request))
        await service.remove(request[GUILD].id, item.id, item.revision, actor_of(request))
        return web.Response(status=204)

    async def document(self, request: web.Request) -> web.Response:
        """Answer with the file that there is of one."""
        service = cast("DocumentedService", self.service(request))
        item_id, actor = id_in(request), actor_of(request)
        return document_response(await service.document(request[GUILD].id, item_id, actor))

    def service(self, request: web.Request) -> ResourceService:
        """Return what the feature has handed over."""
        return request.app[SERVICES].resources.get(self._resource.name)

    async def item(self, request: web.Request) -> Item:
        """Return the one that the path names; raises `NotFound`."""
        return await self.service(request).get(request[GUILD].id, id_in(request))


class _Writing:
    """The operations that take bodies of a model."""

    def __init__(self, operations: _Operations, body: type[BaseModel]) -> None:
        self._operations = operations
        self._body = body

    async def add(self, request: web.Request) -> web.Response:
        """Add one, or nothing at all; `Location` is where it is."""
        body = await read_body(request, self._body)
        service = cast("AddingService", self._operations.service(request))
        item = await service.add(request[GUILD].id, body, actor_of(request))
        path = f"{request.path.rstrip('/')}/{item.id}"
        return _answer(item, status=201, headers={"Location": path})

    async def put(self, request: web.Request) -> web.Response:
        """Put what is sent in its place, or change nothing at all."""
        item = await self._operations.item(request)
        _check_version(request, item, required=True)
        body = await read_body(request, self._body)
        service = cast("ChangingService", self._operations.service(request))
        guild_id, actor = request[GUILD].id, actor_of(request)
        return _answer(await service.put(guild_id, item.id, item.revision, body, actor))


class _Acting:
    """The handler of one action."""

    def __init__(self, operations: _Operations, action: Action) -> None:
        self._operations = operations
        self._action = action

    async def act(self, request: web.Request) -> web.Response:
        """Do it, or change nothing at all."""
        item, action = await self._operations.item(request), self._action
        _check_version(request, item, required=False)
        body = await read_body(request, action.body) if action.body else None
        service = cast("ActingService", self._operations.service(request))
        actor = actor_of(request)
        return _answer(await service.act(request[GUILD].id, item, action.name, body, actor))


def id_in(request: web.Request) -> int:
    """Return the id of the thing that the path names; raises `NotFound` for what is none."""
    text = request.match_info["item_id"]
    is_number = text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID
    if not is_number or int(text) > _LARGEST_ID:
        raise NotFound(_("There is nothing at this address."))
    return int(text)


def _check_version(request: web.Request, item: Item, *, required: bool) -> None:
    expected = expected_revision(request, item, required=required)
    if expected not in (None, item.revision):
        raise OldVersion(
            _("Somebody else has changed this meanwhile."),
            hint=_("Read it again, then repeat your change."),
        )


def _listed(items: Sequence[Item], headers: dict[str, str] | None = None) -> web.Response:
    bodies = [one.body.model_dump(mode="json") for one in items]
    return json_response(bodies, headers=headers or {})


def _answer(
    item: Item, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    tagged = {"ETag": etag_of(item.revision), **(headers or {})}
    return json_response(item.body, status=status, headers=tagged)


def routes_of(features: Iterable[Feature]) -> Iterator[Route]:
    """Yield the routes of all resources that features declare."""
    for feature in features:
        for resource in feature.resources:
            yield from _routes_of(resource)


def _routes_of(resource: Resource) -> Iterator[Route]:
    operations = _Operations(resource)
    yield _list_route(resource, operations)
    yield _route(
        resource,
        method="GET",
        verb="get",
        place=_ITEM,
        handler=operations.get,
        summary=f"One of the {resource.many}",
        reply=_one_of(resource),
    )
    if resource.addition is not None:
        yield _add_route(resource, _Writing(operations, resource.addition), resource.addition)
    if resource.change is not None:
        yield _put_route(resource, _Writing(operations, resource.change), resource.change)
    if resource.removal:
        yield _remove_route(resource, operations)
    if resource.document:
        yield _document_route(resource, operations)
    for action in resource.actions:
        yield _action_route(resource, _Acting(operations, action), action)


def _one_of(resource: Resource) -> Reply:
    return Reply(f"The {resource.one}", resource.model, versioned=True)


def _list_route(resource: Resource, operations: _Operations) -> Route:
    query = SearchQuery if resource.search else PageQuery
    return _route(
        resource,
        method="GET",
        verb="get_all",
        handler=operations.list_page if resource.page else operations.list,
        summary=f"The {resource.many} of a guild",
        reply=Reply(f"The {resource.many}", resource.model, many=True),
        query=query if resource.page else None,
    )


def _add_route(resource: Resource, writing: _Writing, body: type[BaseModel]) -> Route:
    return _route(
        resource,
        method="POST",
        verb="add",
        handler=writing.add,
        summary=f"Add to the {resource.many}",
        body=body,
        reply=_one_of(resource),
        status=201,
    )


def _put_route(resource: Resource, writing: _Writing, body: type[BaseModel]) -> Route:
    return _route(
        resource,
        method="PUT",
        verb="put",
        place=_ITEM,
        handler=writing.put,
        summary=f"Change one of the {resource.many}",
        body=body,
        reply=_one_of(resource),
        if_match="required",
    )


def _remove_route(resource: Resource, operations: _Operations) -> Route:
    return _route(
        resource,
        method="DELETE",
        verb="delete",
        place=_ITEM,
        handler=operations.remove,
        summary=f"Delete one of the {resource.many}",
        reply=Reply("It is gone", media_type=""),
        status=204,
        if_match="optional",
    )


def _document_route(resource: Resource, operations: _Operations) -> Route:
    return _route(
        resource,
        method="GET",
        verb="get",
        name=f"get_{resource.key}_{resource.document}",
        place=f"{_ITEM}/{resource.document}",
        handler=operations.document,
        summary=f"The {resource.document} of one of the {resource.many}",
        reply=Reply(f"The {resource.document}, compressed where it is large"),
    )


def _action_route(resource: Resource, acting: _Acting, action: Action) -> Route:
    return _route(
        resource,
        method="POST",
        verb=action.key,
        place=f"{_ITEM}/{action.name}",
        handler=acting.act,
        summary=f"{action.summary} one of the {resource.many}",
        body=action.body,
        reply=_one_of(resource),
        if_match="optional",
    )


def _route(
    resource: Resource,
    *,
    method: Method,
    verb: str,
    handler: Handler,
    summary: str,
    reply: Reply,
    place: str = _PATH,
    status: int = 200,
    name: str = "",
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    if_match: Literal["required", "optional"] | None = None,
) -> Route:
    return Route(
        method=method,
        path=place.format(name=resource.name),
        handler=handler,
        name=name or f"{verb}_{resource.key}",
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary=summary,
        accepts=JSON if body else (),
        body=body,
        limit=SETTINGS_LIMIT if body else BODY_LIMIT,
        query=query,
        if_match=if_match,
        replies={status: reply},
    )
