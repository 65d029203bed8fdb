"""Gives each request an id, and notes in log and metrics how it ended."""

from __future__ import annotations

import secrets
import time
from typing import get_args

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from web.keys import CLIENT, REQUEST_ID, SERVICES, route_of
from web.routes import Method

log = structlog.get_logger(__name__)

# What nginx calls it when the client went away before the answer.
CLIENT_GONE = 499
_UNKNOWN = "unmatched"
# Others would make a series for whatever a stranger thinks of.
_METHODS = frozenset({"GET", "HEAD", *get_args(Method)})


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count, time and log the request; its id is in every log line written meanwhile."""
    metrics = request.app[SERVICES].metrics
    request[REQUEST_ID] = secrets.token_hex(8)
    started = time.perf_counter()
    status = CLIENT_GONE
    metrics.requests_in_flight.inc()
    try:
        with structlog.contextvars.bound_contextvars(request_id=request[REQUEST_ID]):
            response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as redirect:
        status = redirect.status
        raise
    finally:
        metrics.requests_in_flight.dec()
        _note(request, status, time.perf_counter() - started)


def _note(request: web.Request, status: int, seconds: float) -> None:
    route = route_of(request)
    path = route.path if route else _UNKNOWN
    part = route.part if route else _UNKNOWN
    method = request.method if request.method in _METHODS else "other"
    request.app[SERVICES].metrics.request_finished(method, path, part, status, seconds)
    # Probes and scrapes come every few seconds and would drown everything else.
    write = log.debug if part in ("health", "metrics") and status < 400 else log.info
    write(
        "request",
        request_id=request[REQUEST_ID],
        method=method,
        route=path,
        status=status,
        milliseconds=round(seconds * 1000, 1),
        **_sender(request, status),
    )


def _sender(request: web.Request, status: int) -> dict[str, str]:
    # An address is personal data; it is logged only where abuse may have to be traced.
    if status in (401, 403, 429) and (client := request.get(CLIENT)):
        return {"client": str(client.address)}
    return {}
