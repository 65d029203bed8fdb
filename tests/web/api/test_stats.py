"""`/api/stats`: every documented key, from live state, heartbeats and database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.contracts import BotCounts
from bot.core.usage import UsageEvent
from db.engine import Database
from db.processes import save_heartbeat
from tests.fakes import FakeClock
from tests.web.ops.test_health import assert_has_shape
from tests.web.support import World, open_world

DOCUMENTED = {
    "bot": {
        "guilds": 150,
        "users": 50000,
        "channels": 3000,
        "uptime": 3600,
        "memory": {"heapUsed": 134217728, "heapTotal": 268435456},
    },
    "database": {
        "guilds": 150,
        "users": 45000,
        "tracked_guilds": 150,
        "economy_users": 25000,
        "open_tickets": 45,
        "active_giveaways": 12,
    },
    "activity": {
        "daily_actions": 15000,
        "weekly_actions": 95000,
        "daily_active_users": 5000,
        "daily_active_guilds": 120,
    },
    "topCommands": [{"command": "help", "count": 5000}],
    "rateLimit": {"totalEntries": 50, "blacklistedCount": 2, "topOffenders": []},
}


async def test_stats_have_every_documented_key(world: World) -> None:
    world.clock.advance(5)
    response = await world.client.get("/api/stats")
    assert response.status == 200
    body = await response.json()
    assert_has_shape(body, DOCUMENTED)
    assert body["bot"]["guilds"] == 150
    assert body["bot"]["channels"] == 3000
    assert body["bot"]["uptime"] == 5
    assert body["database"]["open_tickets"] == 0
    assert body["rateLimit"]["topOffenders"] == [
        {"user_id": "77", "violations": 12, "blocked_until": None}
    ]


async def test_stats_count_commands(database: Database, clock: FakeClock) -> None:
    world = await open_world(database, clock)
    for command, user in (("help", 1), ("help", 2), ("ping", 1)):
        world.services.usage.record(  # type: ignore[attr-defined]
            UsageEvent(
                guild_id=5,
                user_id=user,
                command=command,
                kind="slash",
                outcome="ok",
                duration_ms=3,
                at=clock.now(),
            )
        )
    await world.services.usage.flush()  # type: ignore[attr-defined]
    body = await (await world.client.get("/api/stats")).json()
    assert body["topCommands"] == [
        {"command": "help", "count": 2},
        {"command": "ping", "count": 1},
    ]
    assert body["activity"] == {
        "daily_actions": 3,
        "weekly_actions": 3,
        "daily_active_users": 2,
        "daily_active_guilds": 1,
    }
    await world.client.close()


async def test_stats_sum_the_processes_that_live(database: Database, clock: FakeClock) -> None:
    world = await open_world(database, clock)
    world.state.numbers = BotCounts(guilds=10, users=100, channels={"text": 20, "voice": 5})
    numbers = {"guilds": 1000, "users": 2000, "channels": 3000}
    async with database.write() as session:
        for name, age in (("this-one", 0), ("other", 50), ("dead", 61)):
            await save_heartbeat(
                session,
                process_id=name,
                shard_ids=[0],
                counts=numbers,
                started_at=clock.now() - timedelta(hours=1),
                now=clock.now() - timedelta(seconds=age),
            )
    bot = (await (await world.client.get("/api/stats")).json())["bot"]
    assert bot["processes"] == 2
    assert (bot["guilds"], bot["users"], bot["channels"]) == (1010, 2100, 3025)
    await world.client.close()


async def test_stats_include_what_features_count(world: World) -> None:
    async def open_tickets(session: AsyncSession) -> int:
        return 45

    services = replace(world.services, counters={"open_tickets": open_tickets})
    object.__setattr__(world.services, "counters", services.counters)
    body = await (await world.client.get("/api/stats")).json()
    assert body["database"]["open_tickets"] == 45
    assert body["database"]["active_giveaways"] == 0
