"""The guilds to choose from, and one guild's features with their switches and problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.core.contracts import GuildSummary
from bot.core.features import Category, Feature
from bot.core.fields import describe_fields
from bot.core.i18n import _, ngettext
from bot.core.settings import StaleSettings
from web.access import actor_of, manageable_guilds
from web.api.query import DiscordId, Query, read_query
from web.dashboard.formdata import FORM, read_form, version_in
from web.dashboard.notices import notice_for, see_other
from web.dashboard.render import number, render
from web.keys import GUILD, SERVICES, VISITOR
from web.locale import locale_of
from web.overview import FeatureView, view_features
from web.paging import page_of_guilds
from web.routes import Access, Pace, Reply, Route

PAGE = Reply("A page", media_type="text/html")
BACK = Reply("Back to the page", media_type="")
_GUILDS_PER_PAGE = 100
# The only place from elsewhere that the content security policy lets pictures come from.
_PICTURES = "https://cdn.discordapp.com/"


class ListQuery(Query):
    """Which guilds to list."""

    q: Annotated[str, Field(max_length=100, description="A part of the guild's name.")] = ""
    after: Annotated[DiscordId, Field(description="Guilds with a greater id.")] = 0


@dataclass(frozen=True, slots=True)
class Card:
    """One feature as the page of a guild shows it, in the reader's language."""

    key: str
    title: str
    description: str
    is_on: bool
    can_switch: bool
    has_settings: bool
    version: int
    problems: tuple[tuple[str, str], ...]
    kept: tuple[tuple[str, str], ...]


async def get_guilds_page(request: web.Request) -> web.Response:
    """List the guilds that the visitor may manage."""
    query, locale = read_query(request, ListQuery), locale_of(request)
    page, more = page_of_guilds(
        manageable_guilds(request), part=query.q, after=query.after, limit=_GUILDS_PER_PAGE
    )
    following = request.rel_url.update_query({"after": str(page[-1].id)}) if more else None
    return render(
        "guilds.html",
        locale,
        guilds=[
            (one, picture_of(one), _members(one, locale))
            for one in sorted(page, key=lambda guild: guild.name.casefold())
        ],
        part=query.q,
        following=following,
        is_logged_in=request[VISITOR].user_id is not None,
    )


async def get_guild_page(request: web.Request) -> web.Response:
    """Show a guild's features: which are on, and what is in their way."""
    guild, locale = request[GUILD], locale_of(request)
    views = await view_features(request.app[SERVICES], guild.id)
    by_category = {
        category: [_card(one, locale) for one in views if one.feature.category is category]
        for category in Category
    }
    groups = [(_(one.label).render(locale), cards) for one, cards in by_category.items() if cards]
    return render(
        "guild.html",
        locale,
        guild=guild,
        picture=picture_of(guild),
        members=_members(guild, locale),
        groups=groups,
        notice=notice_for(request, locale),
        is_logged_in=request[VISITOR].user_id is not None,
    )


async def post_switch(request: web.Request) -> web.Response:
    """Switch a feature on or off, unless somebody changed it since the page was made."""
    services, guild_id = request.app[SERVICES], request[GUILD].id
    key = services.registry.get(request.match_info["feature"]).key
    sent = await read_form(request)
    back = f"/guilds/{guild_id}"
    if sent.get("back") == ["settings"]:
        back = f"{back}/settings/{key}"
    try:
        change = await services.settings.change(
            guild_id,
            key,
            {},
            actor=actor_of(request),
            enabled=sent.get("enabled") == ["true"],
            expected_revision=version_in(sent),
        )
    except StaleSettings:
        raise see_other(back, "stale") from None
    raise see_other(back, "saved" if change.diff else "same")


def picture_of(guild: GuildSummary) -> str:
    """Return the address of a guild's picture, "" when there is none that a page may show."""
    address = guild.icon_url or ""
    return address if address.startswith(_PICTURES) else ""


def _members(guild: GuildSummary, locale: str) -> str:
    count = guild.member_count
    shown = number(count, locale)
    return ngettext("{number} member", "{number} members", count, number=shown).render(locale)


def _card(view: FeatureView, locale: str) -> Card:
    feature = view.feature
    return Card(
        key=feature.key,
        title=_(feature.title).render(locale),
        description=_(feature.description).render(locale),
        is_on=view.state.enabled,
        can_switch=not feature.always_on,
        has_settings=bool(describe_fields(feature.settings)),
        version=view.state.revision,
        problems=problems_of(view, locale),
        kept=kept_of(feature, locale),
    )


def kept_of(feature: Feature, locale: str) -> tuple[tuple[str, str], ...]:
    """Return the resources of a feature by name, with their titles in the reader's language."""
    return tuple((one.name, _(one.title).render(locale)) for one in feature.resources)


def problems_of(view: FeatureView, locale: str) -> tuple[tuple[str, str], ...]:
    """Return what is in a feature's way, each with its fix, in the reader's language."""
    return tuple((one.message.render(locale), one.fix.render(locale)) for one in view.problems)


ROUTES = (
    Route(
        method="GET",
        path="/guilds",
        handler=get_guilds_page,
        part="dashboard",
        access=Access.OPERATOR,
        pace=Pace.PAGE,
        summary="The page with the guilds to choose from",
        query=ListQuery,
        replies={200: PAGE},
    ),
    Route(
        method="GET",
        path="/guilds/{guild_id}",
        handler=get_guild_page,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="The page with a guild's features",
        replies={200: PAGE},
    ),
    Route(
        method="POST",
        path="/guilds/{guild_id}/features/{feature}",
        handler=post_switch,
        part="dashboard",
        access=Access.GUILD,
        pace=Pace.PAGE,
        summary="Switch a feature on or off from a page",
        accepts=FORM,
        replies={303: BACK},
    ),
)
