"""Requests are held against a document of Discord's shape, and what the service takes beside it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.sandbox.openapi import RequestValidator
from bot.sandbox.recorder import RestCall

DOCUMENT = {
    "openapi": "3.1.0",
    "paths": {
        "/channels/{channel_id}/messages": {
            "get": {
                "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer"}}]
            },
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Message"}}
                    },
                }
            },
        },
        "/guilds/{guild_id}/members/{user_id}": {"delete": {}},
        "/guilds/{guild_id}/members/@me": {"patch": {}},
        "/guilds/{guild_id}/roles": {
            "post": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "properties": {"permissions": {"type": ["integer", "null"]}},
                            }
                        }
                    }
                }
            }
        },
    },
    "components": {
        "schemas": {
            "SnowflakeType": {"type": "string", "pattern": "^[0-9]+$"},
            "Message": {
                "type": "object",
                "properties": {
                    "content": {"type": "string", "maxLength": 10},
                    "reply_to": {"$ref": "#/components/schemas/SnowflakeType"},
                },
            },
        }
    },
}


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> RequestValidator:
    path = tmp_path_factory.mktemp("openapi") / "document.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    return RequestValidator(path)


def _call(method: str, path: str, body: Any = None, **query: str) -> RestCall:
    at = datetime(2026, 6, 1, tzinfo=UTC)
    return RestCall(1, at, method, path, "", query, body, [], "application/json")


@pytest.mark.parametrize(
    "call",
    [
        _call("POST", "/channels/1/messages", {"content": "hello"}),
        _call("POST", "/api/v10/channels/1/messages", {"reply_to": "12"}),
        _call("POST", "/channels/1/messages", {"reply_to": 12}),
        _call("GET", "/channels/1/messages", limit="5"),
        _call("DELETE", "/guilds/1/members/2"),
        _call("PATCH", "/guilds/1/members/@me"),
        _call("POST", "/guilds/1/roles", {"permissions": "8"}),
    ],
)
def test_check_good_request_passes(validator: RequestValidator, call: RestCall) -> None:
    assert list(validator.check(call)) == []


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (_call("POST", "/channels/1/messages", {"content": "far too long"}), "/content"),
        (_call("POST", "/channels/1/messages", {"contents": "hello"}), "/"),
        (_call("POST", "/channels/1/messages"), "/"),
        (_call("GET", "/channels/1/messages", before="5"), "?before"),
        (_call("DELETE", "/guilds/1/members/2", {"reason": "x"}), "/"),
        (_call("PUT", "/channels/1/messages", {}), "/"),
        (_call("GET", "/nowhere"), "/"),
        (_call("POST", "/guilds/1/roles", {"permissions": "all"}), "/permissions"),
    ],
)
def test_check_bad_request_names_the_place(
    validator: RequestValidator, call: RestCall, where: str
) -> None:
    (violation,) = validator.check(call)
    assert violation.where == where
    assert violation.path == call.path
