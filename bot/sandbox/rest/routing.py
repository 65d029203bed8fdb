"""The registry of REST routes.

A resource module adds its own with `@route` and nothing else changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .call import Call

Handler = Callable[["Call"], Any]

_PARAMETER = re.compile(r"{(\w+)}")
_MAJOR = ("channel_id", "guild_id", "webhook_id", "interaction_id")


@dataclass(slots=True, frozen=True)
class Route:
    """One method on one path template.

    `permissions` is checked in the path's channel or guild before the handler runs.
    """

    method: str
    template: str
    handler: Handler
    bucket: str
    permissions: int
    authenticated: bool
    counts_globally: bool
    pattern: re.Pattern[str]

    def bucket_key(self, params: dict[str, str]) -> str:
        """Return the rate-limit bucket of a call: the bucket's name and the major parameter."""
        major = next((params[name] for name in _MAJOR if name in params), "")
        return f"{self.bucket}:{major}"


_routes: dict[str, list[Route]] = {}


def route(
    method: str,
    template: str,
    *,
    bucket: str | None = None,
    permissions: int = 0,
    authenticated: bool = True,
    counts_globally: bool = True,
) -> Callable[[Handler], Handler]:
    """Register a handler for a method and path template such as `/channels/{channel_id}/messages`.

    `authenticated` False is for routes whose path carries a token (webhooks, interactions).
    """

    def register(handler: Handler) -> Handler:
        pattern = re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", template) + r"\Z")
        entry = Route(
            method,
            template,
            handler,
            bucket or f"{method} {template}",
            permissions,
            authenticated,
            counts_globally,
            pattern,
        )
        _routes.setdefault(method, []).append(entry)
        return handler

    return register


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a call with its path parameters.

    Literal path parts win over parameters.
    """
    found = [
        (entry, match) for entry in _routes.get(method, ()) if (match := entry.pattern.match(path))
    ]
    if not found:
        return None
    entry, match = min(found, key=lambda pair: pair[0].template.count("{"))
    return entry, match.groupdict()


def path_exists(path: str) -> bool:
    """Whether any method is registered on the path."""
    return any(entry.pattern.match(path) for entries in _routes.values() for entry in entries)


def all_routes() -> list[Route]:
    """Return every registered route."""
    return [entry for entries in _routes.values() for entry in entries]
