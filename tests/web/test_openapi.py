"""The OpenAPI document: valid, complete, and true."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.web.support import CHANNEL, GUILD, REGISTRY, World
from web.app import declared_routes
from web.openapi import build_document
from web.routes import Access, Pace

DOCUMENT = build_document(declared_routes(REGISTRY.all()), REGISTRY.all())

# The rules of OpenAPI 3.1 for the parts that the document uses.
RULES: dict[str, Any] = {
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "additionalProperties": False,
    "properties": {
        "openapi": {"pattern": r"^3\.1\.\d+$"},
        "jsonSchemaDialect": {"type": "string", "format": "uri"},
        "info": {
            "required": ["title", "version"],
            "properties": {"license": {"required": ["name"]}},
        },
        "servers": {"type": "array", "items": {"required": ["url"]}},
        "tags": {"type": "array", "items": {"required": ["name"]}},
        "paths": {
            "propertyNames": {"pattern": "^/"},
            "additionalProperties": {
                "propertyNames": {"enum": ["get", "post", "put", "patch", "delete"]},
                "additionalProperties": {"$ref": "#/$defs/operation"},
            },
        },
        "components": {
            "additionalProperties": False,
            "properties": {
                "schemas": {"propertyNames": {"pattern": r"^[a-zA-Z0-9._-]+$"}},
                "responses": {"additionalProperties": {"$ref": "#/$defs/response"}},
                "securitySchemes": {
                    "additionalProperties": {
                        "required": ["type"],
                        "properties": {"type": {"enum": ["apiKey", "http", "oauth2"]}},
                    }
                },
            },
        },
    },
    "$defs": {
        "operation": {
            "required": ["operationId", "summary", "tags", "security", "responses"],
            "additionalProperties": False,
            "properties": {
                "operationId": {"type": "string"},
                "summary": {"type": "string", "minLength": 1},
                "description": {"type": "string", "minLength": 1},
                "tags": {"type": "array"},
                "security": {"type": "array", "items": {"type": "object"}},
                "parameters": {"type": "array", "items": {"$ref": "#/$defs/parameter"}},
                "requestBody": {"required": ["content"]},
                "responses": {
                    "minProperties": 1,
                    "propertyNames": {"pattern": "^([1-5][0-9][0-9]|default)$"},
                    "additionalProperties": {"$ref": "#/$defs/response"},
                },
            },
        },
        "parameter": {
            "required": ["name", "in", "schema"],
            "additionalProperties": False,
            "properties": {
                "name": {"type": "string"},
                "in": {"enum": ["query", "header", "path", "cookie"]},
                "required": {"type": "boolean"},
                "description": {"type": "string"},
                "schema": {"type": "object"},
            },
            "if": {"properties": {"in": {"const": "path"}}},
            "then": {"properties": {"required": {"const": True}}, "required": ["required"]},
        },
        "response": {
            "anyOf": [
                {"required": ["$ref"], "additionalProperties": False, "properties": {"$ref": {}}},
                {"required": ["description"]},
            ]
        },
    },
}


def test_openapi_keeps_the_rules_of_3_1() -> None:
    Draft202012Validator.check_schema(RULES)
    problems = [error.message for error in Draft202012Validator(RULES).iter_errors(DOCUMENT)]
    assert problems == []


def test_openapi_every_schema_is_one() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [one for value in node.values() for one in _references(value)]
    if isinstance(node, list):
        return [one for value in node for one in _references(value)]
    return []


def test_openapi_every_reference_leads_somewhere() -> None:
    references = _references(DOCUMENT)
    assert references
    for reference in references:
        node = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_openapi_describes_every_route() -> None:
    described = {
        (path, method.upper())
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    }
    declared = {(route.path, route.method) for route in declared_routes(REGISTRY.all())}
    settings = "/v1/guilds/{{guild_id}}/settings/{}"
    typed = {
        (path.replace("{feature}", feature.key), method)
        for path, method in declared
        if path in (settings.format("{feature}"), settings.format("{feature}/rollback"))
        for feature in REGISTRY.all()
    }
    assert described == declared | typed
    names = [
        operation["operationId"]
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
    ]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("route", declared_routes(REGISTRY.all()), ids=lambda route: route.summary)
def test_openapi_names_refusals_and_who_may_call(route: Any) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    assert ("401" in operation["responses"]) == (route.access not in (Access.ANYONE, Access.DETAIL))
    assert ("429" in operation["responses"]) == (route.pace is not Pace.EXEMPT)
    assert ({} in operation["security"]) == (route.access in (Access.ANYONE, Access.DETAIL))


async def test_openapi_is_served(world: World) -> None:
    assert await (await world.client.get("/openapi.json")).json() == DOCUMENT


@pytest.mark.parametrize("path", ["/livez", "/health", "/ready", "/api/health", "/api/stats"])
async def test_openapi_is_true_of_what_is_answered(world: World, path: str) -> None:
    await _check_answer(world, path, 200)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/guilds",
        "/v1/guilds/{guild_id}",
        "/v1/guilds/{guild_id}/channels",
        "/v1/guilds/{guild_id}/roles",
        "/v1/guilds/{guild_id}/features",
        "/v1/guilds/{guild_id}/settings/welcome",
        "/v1/guilds/{guild_id}/settings/general",
    ],
)
async def test_openapi_is_true_of_a_guild(world: World, path: str) -> None:
    await _check_answer(world, path, 200)


async def test_openapi_is_true_of_a_change_and_its_refusal(world: World) -> None:
    path = f"/v1/guilds/{GUILD}/settings/welcome"
    template = "/v1/guilds/{guild_id}/settings/welcome"
    headers = {"If-Match": '"v0"', "Sec-Fetch-Site": "same-origin"}
    sent = {"join_channel_id": str(CHANNEL)}
    _validate(sent, DOCUMENT["paths"][template]["patch"]["requestBody"], "application/json")
    for status, media_type in ((200, "application/json"), (412, "application/problem+json")):
        response = await world.client.patch(path, json=sent, headers=headers)
        assert response.status == status
        reply = DOCUMENT["paths"][template]["patch"]["responses"][str(status)]
        _validate(await response.json(), reply, media_type)
    await _check_answer(world, f"{template.replace('welcome', '{feature}')}/revisions", 200)


async def test_openapi_is_true_of_a_page_of_logs(world: World) -> None:
    await _check_answer(world, "/api/logs", 200)


async def test_openapi_is_true_of_a_process_that_is_not_ready(world: World) -> None:
    world.state.disconnect(200)
    await world.measure()
    await _check_answer(world, "/ready", 503)
    await _check_answer(world, "/health", 503)


async def _check_answer(world: World, path: str, status: int) -> None:
    response = await world.client.get(path.format(guild_id=GUILD, feature="welcome"))
    assert response.status == status
    reply = DOCUMENT["paths"][path]["get"]["responses"][str(status)]
    _validate(await response.json(), reply, "application/json")


def _validate(body: Any, described: Any, media_type: str) -> None:
    schema = described["content"][media_type]["schema"] | {"components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(body)
