"""`/openapi.json`: the description of the API, for programs and their authors."""

from __future__ import annotations

from aiohttp import web

from web.keys import DECLARED
from web.openapi import build_document
from web.responses import json_response
from web.routes import Access, Pace, Reply, Route


async def get_openapi(request: web.Request) -> web.Response:
    """Answer with the OpenAPI document of this very process."""
    return json_response(build_document(request.app[DECLARED]))


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
