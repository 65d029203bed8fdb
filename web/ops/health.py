"""`/health`: how well the process does, for uptime monitors and container health checks."""

from __future__ import annotations

from aiohttp import web

from bot.core.health.rules import Verdict
from web.keys import SERVICES, VISITOR
from web.ops.bodies import HealthBody, brief, full, standard
from web.responses import json_response, timestamp
from web.routes import Access, Pace, Reply, Route

HEALTH_JSON = "application/health+json"


async def get_health(request: web.Request) -> web.Response:
    """Answer 200 while the bot does its work, also badly, and 503 when it does not."""
    services = request.app[SERVICES]
    report = services.health.report()
    status = 503 if report.verdict is Verdict.UNHEALTHY else 200
    with_detail = request[VISITOR].may_operate
    if HEALTH_JSON in request.headers.get("Accept", ""):
        body = standard(report, with_detail=with_detail)
        return json_response(body, status=status, content_type=HEALTH_JSON)
    at = timestamp(services.clock.now())
    answer = full(report, services.pool(), at) if with_detail else brief(report, at)
    return json_response(answer.model_dump(by_alias=True, exclude_unset=True), status=status)


ROUTE = Route(
    method="GET",
    path="/health",
    handler=get_health,
    part="health",
    access=Access.DETAIL,
    pace=Pace.EXEMPT,
    summary="How well the process does",
    replies={
        200: Reply("Healthy or degraded", HealthBody),
        503: Reply("Unhealthy", HealthBody),
    },
)
