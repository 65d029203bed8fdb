"""Builds the OpenAPI 3.1 document from the declared routes and their models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import bot
from web.responses import PROBLEM_JSON, Problem
from web.routes import Access, Pace, Reply, Route

_SCHEMAS = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"{(\w+)}")
_TITLES = {
    "health": "Probes for monitors and orchestrators",
    "metrics": "Metrics for Prometheus",
    "api": "The JSON API",
    "dashboard": "Pages for people",
}


def build_document(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document of these routes, ready to be written as JSON."""
    declared = list(routes)
    schemas, definitions = _schemas_of(declared)
    paths: dict[str, dict[str, Any]] = {}
    for route in declared:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Pegasus",
            "version": bot.__version__,
            "description": "Health, metrics, statistics and logs of a Pegasus bot. Ids of Discord "
            "are strings, instants are ISO 8601 in UTC, errors are problem details (RFC 9457).",
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
    Access.SESSION: [{"session": []}],
}


def _schemas_of(
    routes: list[Route],
) -> tuple[Mapping[type[BaseModel], dict[str, Any]], dict[str, Any]]:
    """Return a reference for each model of the routes, and the definitions referred to."""
    models: dict[type[BaseModel], None] = {Problem: None}
    for route in routes:
        models |= {reply.model: None for reply in route.replies.values() if reply.model}
    references, document = models_json_schema(
        [(model, "serialization") for model in models], by_alias=True, ref_template=_SCHEMAS
    )
    return {model: references[model, "serialization"] for model in models}, document["$defs"]


def _operation(route: Route, schemas: Mapping[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "description": (route.handler.__doc__ or "").strip(),
        "tags": [route.part],
        "security": _SECURITY_OF[route.access],
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": _responses(route, schemas),
    }
    if route.accepts:
        operation["requestBody"] = {"content": {kind: {} for kind in route.accepts}}
    return operation


def _responses(route: Route, schemas: Mapping[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    responses = {str(status): _response(one, schemas) for status, one in route.replies.items()}
    refused = ["400"] if route.query else []
    if route.access is Access.OPERATOR:
        refused += ["401", "403"]
    elif route.access is Access.SESSION:
        refused += ["401"]
    if route.pace is not Pace.EXEMPT:
        refused += ["429"]
    problem = {"$ref": "#/components/responses/Problem"}
    return responses | dict.fromkeys([*refused, "default"], problem)


def _response(reply: Reply, schemas: Mapping[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    if reply.media_type == "":
        return {"description": reply.description}
    schema = schemas[reply.model] if reply.model else {}
    if reply.many:
        schema = {"type": "array", "items": schema}
    return {
        "description": reply.description,
        "content": {reply.media_type: {"schema": schema} if schema else {}},
    }


def _problem_reply() -> dict[str, Any]:
    schema = {"$ref": _SCHEMAS.format(model=Problem.__name__)}
    return {
        "description": "What went wrong, with the application's code",
        "content": {PROBLEM_JSON: {"schema": schema}},
    }


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
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
