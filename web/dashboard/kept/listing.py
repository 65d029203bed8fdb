"""The lists: what there is of a kind, and the way to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

from aiohttp import web
from pydantic import Field

from bot.core.errors import Denied, InvalidInput
from bot.core.resources import Item, ListedService, PagedService, SearchedService
from web.access import actor_of
from web.api.query import DiscordId, Query, read_query
from web.dashboard.guilds import PAGE
from web.dashboard.kept.kinds import PATH, Kind, kind_of
from web.dashboard.trail import Back, steps_of
from web.routes import Access, Pace, Route


class ListQuery(Query):
    """Which part of a long list to show; `done` is for the page to say something."""

    before: Annotated[
        DiscordId | None, Field(description="Those with a lesser id: the last of the page before.")
    ] = None
    back: Back = ""
    q: Annotated[str, Field(max_length=200, description="Show those that this finds.")] = ""
    done: Annotated[str, Field(max_length=20, description="What was done.")] = ""


async def get_list_page(request: web.Request) -> web.Response:
    """Show what there is, each with its facts, and the way to add one."""
    query, kind = read_query(request, ListQuery), await kind_of(request)
    trouble, text = None, query.q if kind.resource.search else ""
    try:
        found, older = await (_found(kind, text) if text else _listed(kind, query.before))
    except (InvalidInput, Denied) as error:
        found, older, trouble = (), None, kind.trouble(error)
    kind = await kind.knowing(found)
    return kind.page(
        "kept.html",
        trouble=trouble,
        below=False,
        search=kind.reader.say(kind.resource.search) if kind.resource.search else "",
        text=text,
        rows=[(f"{kind.path}/{one.id}", kind.label(one), _facts(kind, one)) for one in found],
        can_add=kind.resource.addition is not None,
        leads=steps_of(query.before, query.back, older),
        is_older=query.before is not None and not text,
    )


async def _listed(kind: Kind, before: int | None) -> tuple[Sequence[Item], int | None]:
    """Return a page of them, and before which id the next one is, `None` for no next one."""
    guild_id, size = kind.reader.guild_id, kind.resource.page
    if not size:
        return await cast("ListedService", kind.service).list(guild_id), None
    service = cast("PagedService", kind.service)
    found = await service.list_page(guild_id, before=before, limit=size + 1)
    page = found[:size]
    return page, page[-1].id if len(found) > size else None


async def _found(kind: Kind, text: str) -> tuple[Sequence[Item], None]:
    service = cast("SearchedService", kind.service)
    return await service.search(kind.reader.guild_id, text, actor_of(kind.request)), None


def _facts(kind: Kind, item: Item) -> str:
    facts = kind.resource.facts(item.body)
    # A bare text is somebody's own, and in no language of ours.
    said = [kind.said(one) for one in facts]
    return " · ".join(filter(None, said))


ROUTES = (
    Route(
        method="GET",
        path=PATH,
        handler=get_list_page,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="The page with what a feature keeps of one kind",
        query=ListQuery,
        replies={200: PAGE},
    ),
)
