"""`/livez`: the process lives. It asks neither database nor Discord, which a restart can't cure."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, Field

from web.responses import json_response
from web.routes import Access, Pace, Reply, Route


class Liveness(BaseModel):
    """The event loop answers."""

    status: str = Field(default="alive", examples=["alive"])


async def get_livez(request: web.Request) -> web.Response:  # noqa: ARG001 - asks nothing
    """Answer; a loop that stands still does not, and that is the sign."""
    return json_response(Liveness())


ROUTE = Route(
    method="GET",
    path="/livez",
    handler=get_livez,
    part="health",
    access=Access.ANYONE,
    pace=Pace.EXEMPT,
    summary="Whether the process lives",
    replies={200: Reply("The event loop answers", Liveness)},
)
