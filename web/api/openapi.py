"""`/openapi.json`: the description of the API, for programs and their authors."""

from __future__ import annotations

import asyncio

from aiohttp import web

from web.keys import DECLARED, OPENAPI, SERVICES
from web.openapi import build_document
from web.responses import to_json
from web.routes import Access, Pace, Reply, Route


async def get_openapi(request: web.Request) -> web.Response:
    """Answer with the OpenAPI document of this very process."""
    made = request.app[OPENAPI]
    if not made:
        features = request.app[SERVICES].registry.all()
        # Some hundred milliseconds for many features, which the event loop does not have.
        document = await asyncio.to_thread(build_document, request.app[DECLARED], features)
        made.append(to_json(document))
    return web.Response(body=made[0], content_type="application/json", charset="utf-8")


ROUTE = Route(
    method="GET",
    path="/openapi.json",
    handler=get_openapi,
    part="api",
    access=Access.ANYONE,
    pace=Pace.LIMITED,
    summary="This description of the API",
    replies={200: Reply("An OpenAPI 3.1 document")},
)
