"""`/v1/guilds`: the guilds that the bot is in, with the channels and roles to choose from."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from bot.core.contracts import ChannelKind, ChannelSummary, GuildSummary, RoleSummary
from web.access import manageable_guilds
from web.api.query import DiscordId, Query, read_query
from web.keys import GUILD, SERVICES
from web.overview import view_features
from web.paging import page_of_guilds
from web.responses import json_response, timestamp
from web.routes import Access, Pace, Reply, Route


class GuildQuery(Query):
    """Which guilds to return."""

    limit: Annotated[int, Field(ge=1, le=200, description="How many guilds.")] = 100
    after: Annotated[
        DiscordId, Field(description="Guilds with a greater id: the last one of the page before.")
    ] = 0
    q: Annotated[str, Field(max_length=100, description="A part of the guild's name.")] = ""


class GuildBody(BaseModel):
    """A guild that the bot is in; `icon` is the address of a picture."""

    id: str
    name: str
    member_count: int
    icon: str | None


class GuildDetail(GuildBody):
    """A guild in full."""

    owner_id: str
    locale: str
    bot_joined_at: str | None = Field(examples=["2024-01-01T00:00:00.000Z"])
    enabled_features: list[str]
    problems: int = Field(description="How many things are in the features' way.")


class ChannelBody(BaseModel):
    """A channel; `bot_permissions` are what the bot may do in it, by discord.py's names."""

    id: str
    name: str
    type: ChannelKind
    position: int
    parent_id: str | None
    bot_permissions: list[str]


class RoleBody(BaseModel):
    """A role; `assignable` says whether the bot may give and take it."""

    id: str
    name: str
    color: int
    position: int
    managed: bool
    assignable: bool


async def get_guilds(request: web.Request) -> web.Response:
    """Answer with a page of guilds by id; the `Link` field leads to the next one if there is."""
    query = read_query(request, GuildQuery)
    page, more = page_of_guilds(
        manageable_guilds(request), part=query.q, after=query.after, limit=query.limit
    )
    headers = {}
    if more:
        target = request.rel_url.update_query({"after": str(page[-1].id)})
        headers = {"Link": f'<{target}>; rel="next"'}
    return json_response([_body_of(one).model_dump() for one in page], headers=headers)


async def get_guild(request: web.Request) -> web.Response:
    """Answer with one guild, and which features are on."""
    guild = request[GUILD]
    views = await view_features(request.app[SERVICES], guild.id)
    return json_response(
        GuildDetail(
            **dict(_body_of(guild)),
            owner_id=str(guild.owner_id),
            locale=guild.locale,
            bot_joined_at=None if guild.joined_at is None else timestamp(guild.joined_at),
            enabled_features=[one.feature.key for one in views if one.state.enabled],
            problems=sum(len(one.problems) for one in views),
        )
    )


async def get_channels(request: web.Request) -> web.Response:
    """Answer with the guild's channels, in the order in which Discord shows them."""
    channels = request.app[SERVICES].state().channels(request[GUILD].id)
    return json_response([_channel_of(one).model_dump() for one in channels])


async def get_roles(request: web.Request) -> web.Response:
    """Answer with the guild's roles, highest first, without @everyone."""
    roles = request.app[SERVICES].state().roles(request[GUILD].id)
    return json_response([_role_of(one).model_dump() for one in roles])


def _body_of(guild: GuildSummary) -> GuildBody:
    return GuildBody(
        id=str(guild.id), name=guild.name, member_count=guild.member_count, icon=guild.icon_url
    )


def _channel_of(channel: ChannelSummary) -> ChannelBody:
    return ChannelBody(
        id=str(channel.id),
        name=channel.name,
        type=channel.kind,
        position=channel.position,
        parent_id=None if channel.parent_id is None else str(channel.parent_id),
        bot_permissions=sorted(channel.bot_permissions),
    )


def _role_of(role: RoleSummary) -> RoleBody:
    return RoleBody(
        id=str(role.id),
        name=role.name,
        color=role.colour,
        position=role.position,
        managed=role.managed,
        assignable=role.assignable,
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/guilds",
        handler=get_guilds,
        part="api",
        access=Access.OPERATOR,
        pace=Pace.LIMITED,
        summary="The guilds that the bot is in",
        query=GuildQuery,
        replies={200: Reply("A page of guilds", GuildBody, many=True)},
    ),
    Route(
        method="GET",
        path="/v1/guilds/{guild_id}",
        handler=get_guild,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="One guild",
        replies={200: Reply("The guild", GuildDetail)},
    ),
    Route(
        method="GET",
        path="/v1/guilds/{guild_id}/channels",
        handler=get_channels,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="The channels of a guild",
        replies={200: Reply("The channels", ChannelBody, many=True)},
    ),
    Route(
        method="GET",
        path="/v1/guilds/{guild_id}/roles",
        handler=get_roles,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="The roles of a guild",
        replies={200: Reply("The roles", RoleBody, many=True)},
    ),
)
