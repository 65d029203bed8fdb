"""Builds the OpenAPI 3.1 document from the declared routes and their models.

A route whose bodies are a feature's settings is described once as it is declared, and once more
under each feature's own path, where the settings have their names and types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import bot
from bot.core.features import Feature
from web.responses import PROBLEM_JSON, Problem
from web.routes import Access, Pace, Reply, Route

_SCHEMAS = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"{(\w+)}")
_DESCRIPTION = (
    "Health, metrics, statistics and logs of a Pegasus bot, and the settings of its features in "
    "each guild. Ids of Discord are strings, instants are ISO 8601 in UTC, errors are problem "
    "details (RFC 9457). Changes need the access key, or one of the bot's own pages as origin."
)
_TITLES = {
    "health": "Probes for monitors and orchestrators",
    "metrics": "Metrics for Prometheus",
    "api": "The JSON API",
    "dashboard": "Pages for people",
}


Schemas = Mapping[type[BaseModel], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Place:
    """One operation's place in the document: a route, of one feature where `feature` is set."""

    route: Route
    feature: Feature | None = None

    @property
    def path(self) -> str:
        path = self.route.path
        return path.replace("{feature}", self.feature.key) if self.feature else path

    @property
    def operation_id(self) -> str:
        name = self.route.name or self.route.handler.__name__
        return f"{name}_of_{self.feature.key}" if self.feature else name


def build_document(routes: Iterable[Route], features: Iterable[Feature] = ()) -> dict[str, Any]:
    """Return the document of these routes and features, ready to be written as JSON."""
    declared, known = list(routes), list(features)
    schemas, definitions = _schemas_of(declared, known)
    typed = [one for one in declared if any(reply.settings for reply in one.replies.values())]
    places = [_Place(route) for route in declared]
    places += [_Place(route, feature) for feature in known for route in typed]
    paths: dict[str, dict[str, Any]] = {}
    for place in places:
        operation = _operation(place, schemas)
        paths.setdefault(place.path, {})[place.route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Pegasus",
            "version": bot.__version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TITLES.items()],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": {"Problem": _problem_reply()},
            "securitySchemes": _SECURITY,
        },
    }


_SECURITY = {
    "accessKey": {
        "type": "http",
        "scheme": "bearer",
        "description": "The operator's key, web.access_key. Trusted networks need none.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-pegasus",
        "description": "The login of the bot's owner; without TLS the cookie is named pegasus.",
    },
}
_SECURITY_OF: Mapping[Access, list[dict[str, list[str]]]] = {
    Access.ANYONE: [{}],
    Access.DETAIL: [{}, {"accessKey": []}, {"session": []}],
    Access.OPERATOR: [{"accessKey": []}, {"session": []}],
    Access.GUILD: [{"accessKey": []}, {"session": []}],
    Access.SESSION: [{"session": []}],
}


def _schemas_of(routes: list[Route], features: list[Feature]) -> tuple[Schemas, dict[str, Any]]:
    """Return a reference for each model of routes and features, and the definitions of all."""
    models: dict[type[BaseModel], None] = {Problem: None}
    for route in routes:
        models |= {reply.model: None for reply in route.replies.values() if reply.model}
        models |= {route.body: None} if route.body else {}
    models |= {feature.settings: None for feature in features}
    references, document = models_json_schema(
        [(model, "serialization") for model in models], by_alias=True, ref_template=_SCHEMAS
    )
    return {model: references[model, "serialization"] for model in models}, document["$defs"]


def _operation(place: _Place, schemas: Schemas) -> dict[str, Any]:
    route = place.route
    operation: dict[str, Any] = {
        "operationId": place.operation_id,
        "summary": route.summary,
        "description": (route.handler.__doc__ or "").strip(),
        "tags": [route.part],
        "security": _SECURITY_OF[route.access],
        "parameters": [
            *_path_parameters(place.path),
            *_query_parameters(route),
            *_header_parameters(route),
        ],
        "responses": _responses(place, schemas),
    }
    if route.accepts:
        operation["requestBody"] = _request_body(place, schemas)
    return operation


def _request_body(place: _Place, schemas: Schemas) -> dict[str, Any]:
    route = place.route
    if route.body is not None:
        schema = schemas[route.body]
    elif place.feature is not None:
        schema = schemas[place.feature.settings]
    else:
        return {"content": {kind: {} for kind in route.accepts}}
    return {"required": True, "content": {kind: {"schema": schema} for kind in route.accepts}}


def _responses(place: _Place, schemas: Schemas) -> dict[str, Any]:
    route = place.route
    responses = {
        str(status): _response(one, place.feature, schemas) for status, one in route.replies.items()
    }
    refused = ["400"] if route.query or route.accepts or route.if_match else []
    if route.access in (Access.OPERATOR, Access.GUILD):
        refused += ["401", "403"]
    elif route.access is Access.SESSION:
        refused += ["401"]
    if "{" in route.path:
        refused += ["404"]
    if route.if_match == "required":
        refused += ["428"]
    if route.pace is not Pace.EXEMPT:
        refused += ["429"]
    problem = {"$ref": "#/components/responses/Problem"}
    return responses | dict.fromkeys([*refused, "default"], problem)


def _response(reply: Reply, feature: Feature | None, schemas: Schemas) -> dict[str, Any]:
    response: dict[str, Any] = {"description": reply.description}
    if reply.media_type == "":
        return response
    model = feature.settings if reply.settings and feature else reply.model
    schema = schemas[model] if model else {}
    if reply.many:
        schema = {"type": "array", "items": schema}
    response["content"] = {reply.media_type: {"schema": schema} if schema else {}}
    if reply.versioned:
        response["headers"] = {"ETag": _VERSION}
    return response


_VERSION = {
    "description": "The version, to be sent as If-Match with a change.",
    "schema": {"type": "string", "examples": ['"v3"']},
}


def _problem_reply() -> dict[str, Any]:
    schema = {"$ref": _SCHEMAS.format(model=Problem.__name__)}
    return {
        "description": "What went wrong, with the application's code",
        "content": {PROBLEM_JSON: {"schema": schema}},
    }


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]


def _header_parameters(route: Route) -> list[dict[str, Any]]:
    if route.if_match is None:
        return []
    return [
        {
            "name": "If-Match",
            "in": "header",
            "required": route.if_match == "required",
            "description": "The version that the change is meant for: an ETag, or * for any.",
            "schema": {"type": "string", "examples": ['"v3"']},
        }
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    schema = route.query.model_json_schema(mode="validation")
    required = schema.get("required", [])
    parameters = []
    for name, described in schema["properties"].items():
        details = {key: value for key, value in described.items() if key != "description"}
        parameter = {"name": name, "in": "query", "required": name in required, "schema": details}
        if "description" in described:
            parameter["description"] = described["description"]
        parameters.append(parameter)
    return parameters
