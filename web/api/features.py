"""`/v1/guilds/{guild_id}/features`: which features are on, and what is in their way."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, Field

from bot.core.i18n import _
from bot.core.settings import StaleSettings
from web.access import actor_of
from web.api.body import JSON, Body, read_body
from web.keys import GUILD, SERVICES
from web.locale import locale_of
from web.overview import FeatureView, view_feature, view_features
from web.preconditions import expected_revision
from web.problems import PreconditionFailed
from web.responses import StaleProblem, etag_of, json_response
from web.routes import Access, Pace, Reply, Route


class ProblemBody(BaseModel):
    """Something that keeps a feature from doing what it is set to do, and what to do about it."""

    cause: str = Field(examples=["channel_gone"])
    subject: str = Field(examples=["join_channel_id:42"])
    message: str
    fix: str


class FeatureBody(BaseModel):
    """A feature in a guild; texts are in the reader's language."""

    key: str
    title: str
    description: str
    category: str
    enabled: bool
    always_on: bool = Field(description="Whether it can't be switched off.")
    version: str = Field(examples=['"v3"'], description="The version of its settings, for If-Match")
    problems: list[ProblemBody]


class FeatureSwitch(Body):
    """What can be changed about a feature as a whole."""

    enabled: bool


async def get_features(request: web.Request) -> web.Response:
    """Answer with every feature, in the order in which people see them."""
    views = await view_features(request.app[SERVICES], request[GUILD].id)
    locale = locale_of(request)
    return json_response([_body_of(one, locale).model_dump() for one in views])


async def get_feature(request: web.Request) -> web.Response:
    """Answer with one feature."""
    return await _answer(request)


async def patch_feature(request: web.Request) -> web.Response:
    """Switch a feature on or off; its settings stay as they are."""
    services, guild_id = request.app[SERVICES], request[GUILD].id
    key = services.registry.get(request.match_info["feature"]).key
    switch = await read_body(request, FeatureSwitch)
    current = await services.settings.get(guild_id, key)
    try:
        await services.settings.change(
            guild_id,
            key,
            {},
            actor=actor_of(request),
            enabled=switch.enabled,
            expected_revision=expected_revision(request, current),
        )
    except StaleSettings as stale:
        raise PreconditionFailed(stale) from stale
    return await _answer(request)


async def _answer(request: web.Request) -> web.Response:
    key = request.match_info["feature"]
    view = await view_feature(request.app[SERVICES], request[GUILD].id, key)
    headers = {"ETag": etag_of(view.state.revision)}
    return json_response(_body_of(view, locale_of(request)), headers=headers)


def _body_of(view: FeatureView, locale: str) -> FeatureBody:
    feature = view.feature
    return FeatureBody(
        key=feature.key,
        title=_(feature.title).render(locale),
        description=_(feature.description).render(locale),
        category=feature.category,
        enabled=view.state.enabled,
        always_on=feature.always_on,
        version=etag_of(view.state.revision),
        problems=[
            ProblemBody(
                cause=one.cause,
                subject=one.subject,
                message=one.message.render(locale),
                fix=one.fix.render(locale),
            )
            for one in view.problems
        ],
    )


_FEATURE = Reply("The feature", FeatureBody, versioned=True)

ROUTES = (
    Route(
        method="GET",
        path="/v1/guilds/{guild_id}/features",
        handler=get_features,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="The features of a guild",
        replies={200: Reply("Every feature", FeatureBody, many=True)},
    ),
    Route(
        method="GET",
        path="/v1/guilds/{guild_id}/features/{feature}",
        handler=get_feature,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="One feature of a guild",
        replies={200: _FEATURE},
    ),
    Route(
        method="PATCH",
        path="/v1/guilds/{guild_id}/features/{feature}",
        handler=patch_feature,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="Switch a feature on or off",
        accepts=JSON,
        body=FeatureSwitch,
        if_match="optional",
        replies={
            200: _FEATURE,
            412: Reply("Somebody changed it meanwhile", StaleProblem, "application/problem+json"),
        },
    ),
)
