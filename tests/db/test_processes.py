"""Heartbeats of processes, summed over those alive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from db import processes
from db.engine import Database

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


async def beat(database: Database, process_id: str, now: datetime, **counts: int) -> None:
    async with database.write() as session:
        await processes.save_heartbeat(
            session,
            process_id=process_id,
            shard_ids=[0, 1],
            counts=counts,
            started_at=now,
            now=now,
        )


async def test_heartbeat_is_renewed_and_start_stays(database: Database) -> None:
    await beat(database, "a", NOW, guilds=1)
    await beat(database, "a", NOW + timedelta(seconds=30), guilds=2)
    async with database.read() as session:
        [row] = await processes.list_live_processes(session, since=NOW)
    assert (row.started_at, row.beat_at) == (NOW, NOW + timedelta(seconds=30))
    assert (row.shard_ids, row.counts) == ([0, 1], {"guilds": 2})


async def test_only_live_processes_are_summed(database: Database) -> None:
    await beat(database, "a", NOW, guilds=3, users=10)
    await beat(database, "b", NOW, guilds=4, channels=5)
    await beat(database, "dead", NOW - timedelta(hours=1), guilds=100)
    async with database.read() as session:
        live = await processes.list_live_processes(session, since=NOW - timedelta(minutes=1))
    assert processes.sum_counts(live) == {"guilds": 7, "users": 10, "channels": 5}


async def test_ended_and_stale_processes_are_forgotten(database: Database) -> None:
    await beat(database, "a", NOW)
    await beat(database, "b", NOW - timedelta(hours=1))
    async with database.write() as session:
        assert await processes.delete_process(session, "a")
        assert not await processes.delete_process(session, "a")
        assert await processes.delete_processes_before(session, NOW) == 1
