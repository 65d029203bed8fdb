"""Reads the request's body within limits of size, time and type, before any handler runs."""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from web.keys import route_of
from web.routes import BODY_LIMIT

READ_SECONDS = 10.0


@web.middleware
async def limit_body(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the request through once its body is read; see `read_within_limits`."""
    await read_within_limits(request)
    return await handler(request)


async def read_within_limits(request: web.Request) -> None:
    """Refuse a body that is too large (413), too slow (408), compressed or of a foreign type (415).

    One that breaks off or is not framed as HTTP wants it is refused too (400).
    """
    route = route_of(request)
    limit = route.limit if route else BODY_LIMIT
    if (request.content_length or 0) > limit:
        raise web.HTTPRequestEntityTooLarge(limit, request.content_length or 0)
    if request.can_read_body:
        if "Content-Encoding" in request.headers:
            raise web.HTTPUnsupportedMediaType
        body = await _read(request)
        # The application's own limit, up to which anything is read, is the greatest of all routes.
        if len(body) > limit:
            raise web.HTTPRequestEntityTooLarge(limit, len(body))
        if body and route is not None and request.content_type not in route.accepts:
            raise web.HTTPUnsupportedMediaType


async def _read(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None
