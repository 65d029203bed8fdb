"""The lists: what there is of a kind, and the way to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, cast

from aiohttp import web
from pydantic import Field

from bot.core.resources import Item, ListedService, PagedService
from web.api.query import DiscordId, Query, read_query
from web.dashboard.guilds import PAGE
from web.dashboard.kept.kinds import PATH, Kind, kind_of
from web.routes import Access, Pace, Route


class ListQuery(Query):
    """Which part of a long list to show; `done` is for the page to say something."""

    before: Annotated[
        DiscordId | None, Field(description="Those with a lesser id: the last of the page before.")
    ] = None
    done: Annotated[str, Field(max_length=20, description="What was done.")] = ""


async def get_list_page(request: web.Request) -> web.Response:
    """Show what there is, each with its facts, and the way to add one."""
    query, kind = read_query(request, ListQuery), await kind_of(request)
    found, older = await _listed(kind, query.before)
    return kind.page(
        "kept.html",
        below=False,
        rows=[(f"{kind.path}/{one.id}", kind.label(one), _facts(kind, one)) for one in found],
        can_add=kind.resource.addition is not None,
        older=older,
        is_older=query.before is not None,
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
        pace=Pace.LIMITED,
        summary="The page with what a feature keeps of one kind",
        query=ListQuery,
        replies={200: PAGE},
    ),
)
