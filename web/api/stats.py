"""`/api/stats`: what the bot sees, what the database holds, what people do with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from aiohttp import web
from pydantic import BaseModel, Field
from sqlalchemy.ext.asyncio import AsyncSession

from db.processes import list_live_processes, sum_counts
from db.statistics import get_database_counts
from web.keys import SERVICES
from web.ops.bodies import Camel, MemoryUsageBody, usage_of
from web.responses import json_response
from web.routes import Access, Pace, Reply, Route
from web.services import WebServices

# Three heartbeats of 20 s: a process that missed all of them is gone.
ALIVE_FOR = timedelta(seconds=60)
_SUMMED = ("guilds", "users", "channels")


class BotStats(Camel):
    """What all processes see together; `uptime` in seconds and `memory` in bytes are this one's."""

    guilds: int
    users: int
    channels: int
    uptime: int
    memory: MemoryUsageBody
    processes: int = Field(description="Processes that are alive, this one included.")


class ActivityStats(BaseModel):
    """Commands used in the last 24 hours and 7 days."""

    daily_actions: int
    weekly_actions: int
    daily_active_users: int
    daily_active_guilds: int


class CommandStats(BaseModel):
    """How often a command was used in the last 30 days."""

    command: str
    count: int


class OffenderStats(BaseModel):
    """A person who keeps running into rate limits."""

    user_id: str
    violations: int
    blocked_until: str | None


class RateLimitStats(Camel):
    """The command rate limiter of this process."""

    total_entries: int
    blacklisted_count: int
    top_offenders: list[OffenderStats]


class Stats(Camel):
    """Everything at a glance; `database` has a number of each feature that counts something."""

    bot: BotStats
    database: dict[str, int]
    activity: ActivityStats
    top_commands: list[CommandStats]
    rate_limit: RateLimitStats


async def get_stats(request: web.Request) -> web.Response:
    """Answer with live numbers of this process, the heartbeats of others, and the database's."""
    services = request.app[SERVICES]
    now = services.clock.now()
    async with services.database.read() as session:
        bot = await bot_stats(services, session, now)
        database = await get_database_counts(session, services.counters)
    usage = await services.usage.statistics()
    activity = usage.activity
    body = Stats(
        bot=bot,
        database=database,
        activity=ActivityStats(
            daily_actions=activity.daily_actions,
            weekly_actions=activity.weekly_actions,
            daily_active_users=activity.daily_active_users,
            daily_active_guilds=activity.daily_active_guilds,
        ),
        top_commands=[
            CommandStats(command=one.command, count=one.count) for one in usage.top_commands
        ],
        rate_limit=RateLimitStats.model_validate(services.limits.snapshot()),
    )
    return json_response(body)


async def bot_stats(services: WebServices, session: AsyncSession, now: datetime) -> BotStats:
    """Return what all processes see together; this one's share is read live."""
    alive = await list_live_processes(session, since=now - ALIVE_FOR)
    others = [process for process in alive if process.id != services.process_id]
    total = Counter(sum_counts(others)) + Counter(own_counts(services))
    return BotStats(
        **{name: total[name] for name in _SUMMED},
        uptime=int(services.health.uptime),
        memory=usage_of(services.health.report().vitals.memory),
        processes=len(others) + 1,
    )


def own_counts(services: WebServices) -> Mapping[str, int]:
    """Return what this process sees, under the names that heartbeats use."""
    counts = services.state().counts()
    return {
        "guilds": counts.guilds,
        "users": counts.users,
        "channels": sum(counts.channels.values()),
    }


ROUTE = Route(
    method="GET",
    path="/api/stats",
    handler=get_stats,
    part="api",
    access=Access.OPERATOR,
    pace=Pace.LIMITED,
    summary="Statistics of bot, database and commands",
    replies={200: Reply("The statistics", Stats)},
)
