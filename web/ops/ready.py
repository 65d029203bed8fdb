"""`/ready`: whether the bot does its work now, for routing and deploy gates."""

from __future__ import annotations

from aiohttp import web

from web.keys import SERVICES, VISITOR
from web.ops.bodies import ReadyBody
from web.responses import json_response, timestamp
from web.routes import Access, Pace, Reply, Route


async def get_ready(request: web.Request) -> web.Response:
    """Answer 200 when nothing keeps the bot from its work, else 503 with what does."""
    readiness = request.app[SERVICES].health.readiness()
    body = ReadyBody(ready=readiness.ready, timestamp=timestamp(readiness.at))
    if request[VISITOR].may_operate:
        body.reasons = [str(reason) for reason in readiness.reasons]
    return json_response(
        body.model_dump(by_alias=True, exclude_unset=True), status=200 if readiness.ready else 503
    )


ROUTE = Route(
    method="GET",
    path="/ready",
    handler=get_ready,
    part="health",
    access=Access.DETAIL,
    pace=Pace.EXEMPT,
    summary="Whether the bot does its work now",
    replies={200: Reply("Ready", ReadyBody), 503: Reply("Not ready", ReadyBody)},
)
