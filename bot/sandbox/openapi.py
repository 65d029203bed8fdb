"""Holds each REST request against Discord's published OpenAPI document and lists what does not fit.

The document is the operator's own copy; jsonschema comes with the test extra. Objects are read as
closed: a key that the document does not know is a violation, and a union must fit one member whole.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .recorder import RestCall

# What the real service accepts although the document says otherwise, found by sending it.
_EXTRA_KEYS: dict[str, tuple[str, ...]] = {
    "ApplicationCommandCreateRequest": ("nsfw",),
    "ApplicationCommandUpdateRequest": ("nsfw",),
    "ApplicationCommandPatchRequestPartial": ("nsfw",),
    "MessageEditRequestPartial": ("tts", "flags"),
    "IncomingWebhookUpdateRequestPartial": ("tts", "flags"),
    "IncomingWebhookInteractionRequest": ("tts",),
    "IncomingWebhookUpdateForInteractionCallbackRequestPartial": ("tts",),
    "RichEmbed": ("flags",),
    "CreateTextThreadWithMessageRequest": ("tts", "flags", "type"),
    "CreateTextThreadWithoutMessageRequest": ("tts", "flags", "type"),
}
_PERMISSION_SETS = ("permissions", "allow", "deny", "default_member_permissions")
_EXTRA_BODY_KEYS = {
    ("PUT", "/channels/{channel_id}/permissions/{overwrite_id}"): ("id",),
}
_EXTRA_QUERY = {
    ("PUT", "/guilds/{guild_id}/bans/{user_id}"): ("delete_message_days", "delete_message_seconds"),
    ("GET", "/webhooks/{webhook_id}/{webhook_token}"): ("use_nested_fields",),
}
_BODY_MAY_MISS = {
    ("PUT", "/guilds/{guild_id}/bans/{user_id}"),
    ("DELETE", "/guilds/{guild_id}/bans/{user_id}"),
}
_ROOT = "urn:discord-openapi"
# Bodies of which is remembered what was wrong with them.
_MOST_FOUND = 500


@dataclass(frozen=True, slots=True)
class Violation:
    """One request that the document does not allow, and where it differs."""

    method: str
    path: str
    where: str
    message: str

    def to_json(self) -> dict[str, str]:
        """Return it as JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.method} {self.path} at {self.where}: {self.message}"


class RequestValidator:
    """Checks requests against one document; add `observe` to the recorder's listeners.

    Raises `ModuleNotFoundError` when jsonschema is not installed, `OSError` and `ValueError` when
    the file can't be read.
    """

    def __init__(self, document: Path, *, limit: int = 1000) -> None:
        self._schemas = _read(document, document.stat().st_mtime_ns)
        self._limit = limit
        self.violations: list[Violation] = []
        self.checked = 0

    def observe(self, call: RestCall) -> None:
        """Check a recorded call; what is wrong with it is added to `violations`, up to the limit.

        A request that was refused for another reason (a limit, a missing permission) is held to
        the document as well: it was sent.
        """
        self.checked += 1
        for violation in self.check(call):
            if len(self.violations) < self._limit:
                self.violations.append(violation)

    def check(self, call: RestCall) -> Iterator[Violation]:
        """Yield every way in which a request differs from the document."""
        template = self._schemas.template(call.path)
        item = self._schemas.document["paths"].get(template, {})
        operation = item.get(call.method.lower())
        if operation is None:
            yield Violation(call.method, call.path, "/", "the document has no such route")
            return
        for where, message in (
            *self._check_query(call, template, item, operation),
            *self._check_body(call, template, operation),
        ):
            yield Violation(call.method, call.path, where, message)

    def _check_query(
        self, call: RestCall, template: str, item: Any, operation: Any
    ) -> Iterator[tuple[str, str]]:
        declared = [*item.get("parameters", ()), *operation.get("parameters", ())]
        known = {one["name"] for one in declared if one.get("in") == "query"}
        known |= set(_EXTRA_QUERY.get((call.method, template), ()))
        for name in call.query:
            if name not in known:
                yield f"?{name}", "the document has no such query parameter"

    def _check_body(
        self, call: RestCall, template: str, operation: Any
    ) -> Iterator[tuple[str, str]]:
        declared = operation.get("requestBody")
        key = (call.method, template)
        if declared is None:
            if call.body not in (None, {}):
                yield "/", "the document has no body for this request"
            return
        if call.body is None:
            if declared.get("required") and key not in _BODY_MAY_MISS and not call.files:
                yield "/", "the body is missing"
            return
        schema = declared["content"].get("application/json", {}).get("schema")
        if schema is None:
            return
        extras = _EXTRA_BODY_KEYS.get(key, ())
        body = call.body
        if extras and isinstance(body, dict):
            body = {name: value for name, value in body.items() if name not in extras}
        yield from self._schemas.errors(key, schema, body)


class _Schemas:
    """A document as requests are held to it, and what was found of the last bodies.

    A bot sends all its commands at each start: to check those takes seconds, and finds the same.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        from jsonschema import Draft202012Validator
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        self.document = document
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self._registry = Registry().with_resource(_ROOT, resource)
        self._validator = Draft202012Validator
        self._routes = [(_pattern(path), path) for path in sorted(document["paths"])]
        self._validators: dict[tuple[str, str], Any] = {}
        self._found: OrderedDict[tuple[tuple[str, str], bytes], list[tuple[str, str]]] = (
            OrderedDict()
        )

    def template(self, path: str) -> str:
        """Return the route of a path, empty for one that the document has not."""
        bare = re.sub(r"^/api(/v\d+)?", "", path)
        return next((t for pattern, t in self._routes if pattern.fullmatch(bare)), "")

    def errors(self, key: tuple[str, str], schema: Any, body: Any) -> list[tuple[str, str]]:
        """Return where a route's body differs from its schema, and how."""
        place = key, hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
        if place not in self._found:
            self._found[place] = list(self._look(key, schema, body))
            if len(self._found) > _MOST_FOUND:
                self._found.popitem(last=False)
        return self._found[place]

    def _look(self, key: tuple[str, str], schema: Any, body: Any) -> Iterator[tuple[str, str]]:
        from jsonschema.exceptions import best_match

        if key not in self._validators:
            self._validators[key] = self._validator(_absolute(schema), registry=self._registry)
        errors = sorted(self._validators[key].iter_errors(body), key=lambda e: list(e.path))
        for error in errors:
            deepest = best_match([error]) or error
            where = "/" + "/".join(str(part) for part in deepest.absolute_path)
            yield where, deepest.message[:300]


@lru_cache(maxsize=2)
def _read(document: Path, _changed: int) -> _Schemas:
    return _Schemas(relaxed(json.loads(document.read_text(encoding="utf-8"))))


def relaxed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document closed to unknown keys, and open to what the service does accept."""
    document = copy.deepcopy(document)
    schemas = document["components"]["schemas"]
    # Discord's own clients send ids as strings, its libraries also as numbers; both are taken.
    schemas["SnowflakeType"] = {
        "anyOf": [{"type": "string", "pattern": "^(0|[1-9][0-9]*)$"}, {"type": "integer"}]
    }
    # The document leaves out forwards, which Discord's pages describe.
    schemas["MessageReferenceType"] = {"enum": [0, 1]}
    # It leaves out media channels as well:
    # https://discord.com/developers/docs/resources/channel#channel-object-channel-types
    if "ChannelTypes" in schemas:
        schemas["ChannelTypes"]["oneOf"].append({"title": "GUILD_MEDIA", "const": 16})
    for name, keys in _EXTRA_KEYS.items():
        if name in schemas:
            schemas[name].setdefault("properties", {}).update({key: {} for key in keys})
    for part in _walk(document):
        properties = part.get("properties")
        if not isinstance(properties, dict):
            continue
        if part.get("type") == "object" or "object" in part.get("type", ()):
            part.setdefault("additionalProperties", False)
        for name in _PERMISSION_SETS:
            if "integer" in properties.get(name, {}).get("type", ()):
                properties[name] = {"type": ["integer", "string", "null"], "pattern": "^[0-9]+$"}
    return document


def _walk(value: Any) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        part = stack.pop()
        if isinstance(part, dict):
            yield part
            stack += part.values()
        elif isinstance(part, list):
            stack += part


def _absolute(schema: Any) -> Any:
    """Return the schema with its references pointing into the registered document."""
    text = json.dumps(schema)
    return json.loads(text.replace('"#/components/', f'"{_ROOT}#/components/'))


def _pattern(template: str) -> re.Pattern[str]:
    """Return the pattern of a path; an id is never `@me` or `@original`, which have their own."""
    parts = re.split(r"(\{[a-z_]+\})", unquote(template))
    return re.compile("".join("[^/@][^/]*" if p.startswith("{") else re.escape(p) for p in parts))
