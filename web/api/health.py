"""`/api/health`: the short form of the health, one yes or no per part."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, Field

from bot.core.health.rules import Verdict
from web.keys import SERVICES
from web.ops.bodies import Status
from web.responses import json_response, timestamp
from web.routes import Access, Pace, Reply, Route

# Checks by the part they are told under; whatever else there is, is of the bot.
_DATABASE = frozenset({"database", "disk"})
_MEMORY = frozenset({"memory"})


class BriefChecks(BaseModel):
    """True for each part that is not unhealthy."""

    bot: bool
    database: bool
    memory: bool


class BriefHealth(BaseModel):
    """The health in short."""

    status: Status
    checks: BriefChecks
    timestamp: str = Field(examples=["2024-01-01T00:00:00.000Z"])


async def get_api_health(request: web.Request) -> web.Response:
    """Answer as `/health` does, with one yes or no per part."""
    services = request.app[SERVICES]
    report = services.health.report()

    failing = {one.name for one in report.checks if one.verdict is Verdict.UNHEALTHY}
    body = BriefHealth.model_validate(
        {
            "status": report.verdict.word,
            "checks": {
                "bot": failing <= _DATABASE | _MEMORY,
                "database": not failing & _DATABASE,
                "memory": not failing & _MEMORY,
            },
            "timestamp": timestamp(services.clock.now()),
        }
    )
    return json_response(body, status=503 if report.verdict is Verdict.UNHEALTHY else 200)


ROUTE = Route(
    method="GET",
    path="/api/health",
    handler=get_api_health,
    part="api",
    access=Access.ANYONE,
    pace=Pace.LIMITED,
    summary="The health in short",
    replies={200: Reply("Healthy or degraded", BriefHealth), 503: Reply("Unhealthy", BriefHealth)},
)
