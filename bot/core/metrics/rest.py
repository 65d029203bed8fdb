"""Measures requests to Discord's REST API through aiohttp's client tracing.

Labels are groups of routes, never paths: a path holds ids.
"""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

from aiohttp import (
    ClientSession,
    TraceConfig,
    TraceRequestEndParams,
    TraceRequestExceptionParams,
    TraceRequestStartParams,
)
from prometheus_client import CollectorRegistry, Counter, Histogram
from yarl import URL

# Looked for from the end of the path, so that /channels/1/messages/2/reactions counts as reactions.
ROUTE_GROUPS = frozenset(
    {
        "messages",
        "reactions",
        "threads",
        "channels",
        "members",
        "roles",
        "bans",
        "guilds",
        "interactions",
        "webhooks",
        "commands",
        "users",
        "gateway",
        "invites",
    }
)
_SCOPES = frozenset({"user", "shared", "global"})
_DURATIONS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# Ten thousand of these in ten minutes and Discord shuts the address out; 429s of a shared limit
# are not counted: https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit
_INVALID = frozenset({401, 403, 429})


def route_group(url: URL) -> str:
    """Return the group of REST routes that a URL belongs to; there are at most 15."""
    for part in reversed(url.parts):
        if part in ROUTE_GROUPS:
            return part
    return "other"


class RestTrace:
    """Counts REST requests, their duration, rate limits, and refusals that could lead to a ban."""

    def __init__(self, registry: CollectorRegistry, prefix: str) -> None:
        self._requests = Counter(
            f"{prefix}discord_http_requests",
            "Requests to Discord's REST API",
            ("route_group", "status"),
            registry=registry,
        )
        self._durations = Histogram(
            f"{prefix}discord_http_request_duration_seconds",
            "Seconds a request to Discord's REST API took",
            ("route_group",),
            buckets=_DURATIONS,
            registry=registry,
        )
        self._limited = Counter(
            f"{prefix}discord_ratelimited",
            "Requests that Discord answered with 429",
            ("scope",),
            registry=registry,
        )
        self._invalid = Counter(
            f"{prefix}discord_invalid_requests",
            "Refused requests that count towards Discord's ban of the address",
            ("status",),
            registry=registry,
        )
        # A series that first shows up at 1 has no increase that an alert could see.
        for scope in _SCOPES:
            self._limited.labels(scope)
        for status in _INVALID:
            self._invalid.labels(str(status))

    def trace_config(self) -> TraceConfig:
        """Return a hook for one client session."""
        config = TraceConfig()
        config.on_request_start.append(_note_start)
        config.on_request_end.append(self._note_end)
        config.on_request_exception.append(self._note_exception)
        return config

    async def _note_end(
        self, _session: ClientSession, context: SimpleNamespace, params: TraceRequestEndParams
    ) -> None:
        response = params.response
        if response.status == 101:  # the gateway's own handshake is no REST request
            return
        self._finish(params.url, context, f"{response.status // 100}xx")
        scope = response.headers.get("X-RateLimit-Scope", "user")
        if response.status == 429:
            self._limited.labels(scope if scope in _SCOPES else "user").inc()
        if response.status in _INVALID and scope != "shared":
            self._invalid.labels(str(response.status)).inc()

    async def _note_exception(
        self, _session: ClientSession, context: SimpleNamespace, params: TraceRequestExceptionParams
    ) -> None:
        self._finish(params.url, context, "failed")

    def _finish(self, url: URL, context: SimpleNamespace, status: str) -> None:
        group = route_group(url)
        self._requests.labels(group, status).inc()
        started: Any = getattr(context, "started", None)
        if started is not None:
            self._durations.labels(group).observe(time.perf_counter() - started)


async def _note_start(
    _session: ClientSession, context: SimpleNamespace, _params: TraceRequestStartParams
) -> None:
    context.started = time.perf_counter()
