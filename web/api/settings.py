"""`/v1/guilds/{guild_id}/settings/{feature}`: a feature's settings, their schema and their past.

The resource is the settings themselves, so a pointer of an error leads into what was sent. Its
version is the `ETag`; what is checked and kept is up to the settings store.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bot.core.features import Feature
from bot.core.settings import Change, FeatureState, StaleSettings
from web.access import actor_of
from web.api.body import JSON, Body, read_body, read_object
from web.api.query import Query, read_query
from web.keys import GUILD, SERVICES
from web.locale import locale_of
from web.preconditions import expected_revision
from web.problems import PreconditionFailed
from web.responses import RevisionBody, StaleProblem, etag_of, json_response, revision_body
from web.routes import SETTINGS_LIMIT, Access, Pace, Reply, Route
from web.schemas import settings_schema

SCHEMA_JSON = "application/schema+json"


class RevisionQuery(Query):
    """Which past changes to return."""

    limit: Annotated[int, Field(ge=1, le=100, description="How many changes.")] = 25
    before: Annotated[
        int | None, Field(ge=1, le=2**31 - 1, description="Changes older than this revision.")
    ] = None


class Rollback(Body):
    """The revision whose settings are to be the present ones again; 0 is before all changes."""

    revision: Annotated[int, Field(ge=0, le=2**31 - 1)]


async def get_settings(request: web.Request) -> web.Response:
    """Answer with every setting, whether it was chosen or is the default."""
    return _answer(await _state(request))


async def patch_settings(request: web.Request) -> web.Response:
    """Change the settings that are given and leave the others alone, or change nothing at all."""
    services = request.app[SERVICES]
    current = await _state(request)
    expected = expected_revision(request, current, required=True)
    changes = await read_object(request)
    return await _commit(
        services.settings.change(
            current.guild_id,
            current.feature,
            changes,
            actor=actor_of(request),
            expected_revision=expected,
        )
    )


async def delete_settings(request: web.Request) -> web.Response:
    """Give every setting its default again; the switch stays as it is."""
    current = await _state(request)
    return await _commit(
        request.app[SERVICES].settings.reset(
            current.guild_id,
            current.feature,
            None,
            actor=actor_of(request),
            expected_revision=expected_revision(request, current),
        )
    )


async def get_settings_schema(request: web.Request) -> web.Response:
    """Answer with the JSON Schema of the settings; `x-form` says how each is best edited."""
    feature = _feature(request)
    schema = settings_schema(feature.settings, locale_of(request))
    headers = {"Vary": "Accept-Language", "Content-Language": locale_of(request)}
    return json_response(schema, content_type=SCHEMA_JSON, headers=headers)


async def get_revisions(request: web.Request) -> web.Response:
    """Answer with past changes, newest first; the `Link` field leads to older ones if there are."""
    feature, query = _feature(request), read_query(request, RevisionQuery)
    found = await request.app[SERVICES].settings.history(
        request[GUILD].id, feature.key, query.limit + 1, query.before
    )
    page = found[: query.limit]
    headers = {}
    if len(found) > query.limit:
        target = request.rel_url.update_query({"before": str(page[-1].revision)})
        headers = {"Link": f'<{target}>; rel="next"'}
    return json_response([revision_body(one).model_dump() for one in page], headers=headers)


async def rollback_settings(request: web.Request) -> web.Response:
    """Make settings and switch what they were at a revision; that is a new change of its own."""
    current = await _state(request)
    wanted = await read_body(request, Rollback)
    return await _commit(
        request.app[SERVICES].settings.rollback(
            current.guild_id,
            current.feature,
            wanted.revision,
            actor=actor_of(request),
            expected_revision=expected_revision(request, current),
        )
    )


def _feature(request: web.Request) -> Feature:
    return request.app[SERVICES].registry.get(request.match_info["feature"])


async def _state(request: web.Request) -> FeatureState:
    return await request.app[SERVICES].settings.get(request[GUILD].id, _feature(request).key)


async def _commit(change: Awaitable[Change]) -> web.Response:
    try:
        made = await change
    except StaleSettings as stale:
        raise PreconditionFailed(stale) from stale
    return _answer(made.after)


def _answer(state: FeatureState) -> web.Response:
    values: dict[str, Any] = state.settings.to_json()
    return json_response(values, headers={"ETag": etag_of(state.revision)})


_PATH = "/v1/guilds/{guild_id}/settings/{feature}"
_SETTINGS = Reply("The settings", versioned=True, settings=True)
_STALE = Reply("Somebody changed them meanwhile", StaleProblem, "application/problem+json")

ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=get_settings,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="The settings of a feature",
        replies={200: _SETTINGS},
    ),
    Route(
        method="PATCH",
        path=_PATH,
        handler=patch_settings,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="Change some settings of a feature",
        accepts=JSON,
        limit=SETTINGS_LIMIT,
        if_match="required",
        replies={200: _SETTINGS, 412: _STALE},
    ),
    Route(
        method="DELETE",
        path=_PATH,
        handler=delete_settings,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="Reset the settings of a feature",
        if_match="optional",
        replies={200: _SETTINGS, 412: _STALE},
    ),
    Route(
        method="GET",
        path=f"{_PATH}/schema",
        handler=get_settings_schema,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="The JSON Schema of a feature's settings",
        replies={200: Reply("A JSON Schema", media_type=SCHEMA_JSON)},
    ),
    Route(
        method="GET",
        path=f"{_PATH}/revisions",
        handler=get_revisions,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="The past changes of a feature's settings",
        query=RevisionQuery,
        replies={200: Reply("A page of changes", RevisionBody, many=True)},
    ),
    Route(
        method="POST",
        path=f"{_PATH}/rollback",
        handler=rollback_settings,
        part="api",
        access=Access.GUILD,
        pace=Pace.LIMITED,
        summary="Go back to an earlier revision of a feature's settings",
        accepts=JSON,
        body=Rollback,
        if_match="optional",
        replies={200: _SETTINGS, 412: _STALE},
    ),
)
