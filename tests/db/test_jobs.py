"""Durable jobs: claimed by one, settled by whoever holds the claim, lost by nobody."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from db import jobs, leases, outbox
from db.engine import Database
from db.jobs import Job
from db.leases import Backlog, WorkState

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=1)


async def add(database: Database, key: str = "a", **changes: Any) -> Job | None:
    values: dict[str, Any] = {"kind": "reminder", "due_at": NOW, "now": NOW} | changes
    async with database.write() as session:
        return await jobs.add_job(session, dedupe_key=key, **values)


async def claim(
    database: Database, now: datetime = NOW, *, owner: str = "p1", limit: int = 10, **more: Any
) -> list[Job]:
    async with database.write() as session:
        return list(
            await jobs.claim_due_jobs(
                session, now=now, owner=owner, lease=LEASE, limit=limit, **more
            )
        )


async def get(database: Database, key: str = "a") -> Job:
    async with database.read() as session:
        job = await jobs.get_job(session, key)
    assert job is not None
    return job


async def test_add_job_keeps_every_value(database: Database) -> None:
    added = await add(
        database,
        guild_id=2**62,
        payload={"giveaway": 7},
        timezone="Europe/Madrid",
        recurrence="0 9 * * 1",
    )
    assert added is not None
    job = await get(database)
    assert (job.kind, job.guild_id, job.payload) == ("reminder", 2**62, {"giveaway": 7})
    assert (job.timezone, job.recurrence) == ("Europe/Madrid", "0 9 * * 1")
    assert (job.state, job.attempts, job.due_at) == ("pending", 0, NOW)


async def test_add_job_with_taken_key_changes_nothing(database: Database) -> None:
    await add(database, payload={"first": True})
    assert await add(database, payload={"first": False}) is None
    assert (await get(database)).payload == {"first": True}


async def test_add_job_replaces_and_disarms_the_present_claimer(database: Database) -> None:
    await add(database)
    [claimed] = await claim(database)
    replaced = await add(database, due_at=NOW + timedelta(hours=1), replace=True)
    assert replaced is not None
    assert (replaced.state, replaced.attempts) == ("pending", 0)
    async with database.write() as session:
        assert not await jobs.finish_job(session, claimed, now=NOW)
    [again] = await claim(database, NOW + timedelta(hours=1))
    async with database.write() as session:
        assert not await jobs.finish_job(session, claimed, now=NOW)
        assert await jobs.finish_job(session, again, now=NOW)


async def test_claim_takes_due_jobs_oldest_first_up_to_the_limit(database: Database) -> None:
    for minutes in (3, 1, 2, -5):
        await add(database, str(minutes), due_at=NOW - timedelta(minutes=minutes))
    assert [job.dedupe_key for job in await claim(database, limit=2)] == ["3", "2"]
    assert [job.dedupe_key for job in await claim(database, limit=2)] == ["1"]
    assert await claim(database) == []


async def test_claim_takes_only_the_kinds_asked_for(database: Database) -> None:
    await add(database, "a", kind="reminder")
    await add(database, "b", kind="unban")
    assert [job.kind for job in await claim(database, kinds={"unban"})] == ["unban"]
    assert await claim(database, kinds=()) == []


async def test_claim_takes_over_when_the_lease_ran_out(database: Database) -> None:
    await add(database)
    [first] = await claim(database, owner="p1")
    assert await claim(database, NOW + LEASE - timedelta(seconds=1), owner="p2") == []
    [second] = await claim(database, NOW + LEASE, owner="p2")
    assert (second.id, second.lease_owner, second.attempts) == (first.id, "p2", 2)
    async with database.write() as session:
        assert not await jobs.finish_job(session, first, now=NOW)
        assert not await leases.extend_lease(session, first, NOW + 5 * LEASE)
        assert not await jobs.park_job(session, first, reason="late")
        assert await jobs.finish_job(session, second, now=NOW)


async def test_extended_lease_keeps_the_job(database: Database) -> None:
    await add(database)
    [job] = await claim(database)
    async with database.write() as session:
        assert await leases.extend_lease(session, job, NOW + 3 * LEASE)
    assert await claim(database, NOW + 2 * LEASE) == []


async def test_finished_job_is_done_and_its_key_stays_taken(database: Database) -> None:
    await add(database)
    [job] = await claim(database)
    async with database.write() as session:
        assert await jobs.finish_job(session, job, now=NOW)
        assert not await jobs.finish_job(session, job, now=NOW)
    done = await get(database)
    assert (done.state, done.finished_at, done.lease_owner) == ("done", NOW, None)
    assert await add(database) is None


async def test_retried_job_is_due_later_with_its_error(database: Database) -> None:
    await add(database)
    [job] = await claim(database)
    later = NOW + timedelta(minutes=5)
    async with database.write() as session:
        assert await jobs.retry_job(session, job, due_at=later, error="E002", attempts=1)
    waiting = await get(database)
    assert (waiting.state, waiting.last_error, waiting.attempts) == ("pending", "E002", 1)
    assert await claim(database) == []
    [again] = await claim(database, later)
    assert again.attempts == 2


async def test_parked_job_waits_until_resumed(database: Database) -> None:
    for key, guild_id in (("a", 1), ("b", 2)):
        await add(database, key, guild_id=guild_id)
    async with database.write() as session:
        for job in await jobs.claim_due_jobs(session, now=NOW, owner="p", lease=LEASE, limit=9):
            assert await jobs.park_job(session, job, reason="guild_unavailable", error="E002")
    assert (await get(database)).park_reason == "guild_unavailable"
    assert await claim(database, NOW + timedelta(days=1)) == []
    later = NOW + timedelta(days=2)
    async with database.write() as session:
        assert await jobs.resume_parked(session, now=later, reason="other") == 0
        assert await jobs.resume_parked(session, now=later, guild_id=2) == 1
    [job] = await claim(database, later)
    assert (job.dedupe_key, job.attempts, job.park_reason) == ("b", 1, None)


async def test_cancelled_job_never_runs_and_can_not_be_finished(database: Database) -> None:
    await add(database)
    [job] = await claim(database)
    async with database.write() as session:
        assert await jobs.cancel_job(session, "a", now=NOW)
        assert not await jobs.cancel_job(session, "a", now=NOW)
        assert not await jobs.finish_job(session, job, now=NOW)
    assert await claim(database, NOW + timedelta(days=1)) == []


async def test_cancel_jobs_spares_other_guilds_and_kinds(database: Database) -> None:
    await add(database, "a", guild_id=1)
    await add(database, "b", guild_id=1, kind="unban")
    await add(database, "c", guild_id=2)
    async with database.write() as session:
        assert await jobs.cancel_jobs(session, guild_id=1, kind="unban", now=NOW) == 1
        assert await jobs.cancel_jobs(session, guild_id=1, now=NOW) == 1
    assert [job.dedupe_key for job in await claim(database)] == ["c"]


async def test_next_due_counts_leases_too(database: Database) -> None:
    async with database.read() as session:
        assert await jobs.get_next_due(session) is None
    await add(database)
    await add(database, "later", due_at=NOW + timedelta(hours=1))
    async with database.read() as session:
        assert await jobs.get_next_due(session) == NOW
    await claim(database)
    async with database.read() as session:
        assert await jobs.get_next_due(session) == NOW + LEASE
        assert await jobs.get_next_due(session, kinds=["unban"]) is None


async def test_backlog_counts_what_waits_and_since_when(database: Database) -> None:
    await add(database, "a", due_at=NOW - timedelta(minutes=9))
    await add(database, "b")
    await add(database, "c", kind="unban", due_at=NOW + timedelta(hours=1))
    async with database.read() as session:
        backlog = await jobs.get_backlog(session, NOW)
    assert backlog == Backlog(pending=3, overdue_since=NOW - timedelta(minutes=9))


async def test_delete_finished_jobs_frees_their_keys(database: Database) -> None:
    await add(database)
    await add(database, "open")
    async with database.write() as session:
        [job] = await jobs.claim_due_jobs(session, now=NOW, owner="p", lease=LEASE, limit=1)
        await jobs.finish_job(session, job, now=NOW)
        assert await jobs.delete_finished_jobs(session, NOW) == 0
        assert await jobs.delete_finished_jobs(session, NOW + timedelta(seconds=1)) == 1
    assert await add(database) is not None


@pytest.mark.timeout(120)
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    due=st.lists(st.integers(-30, 30), min_size=1, max_size=25),
    claimers=st.lists(st.integers(1, 8), min_size=2, max_size=6),
)
def test_concurrent_claimers_never_share_a_job(
    database_url: str, due: list[int], claimers: list[int]
) -> None:
    asyncio.run(claim_together(database_url, due, claimers))


async def claim_together(url: str, due: list[int], claimers: list[int]) -> None:
    database = Database(url)
    try:
        async with database.write() as session:
            await session.execute(delete(Job))
        for number, minutes in enumerate(due):
            await add(database, str(number), due_at=NOW + timedelta(minutes=minutes))
        batches = await asyncio.gather(
            *(claim(database, owner=f"p{n}", limit=limit) for n, limit in enumerate(claimers))
        )
        assert all(len(batch) <= limit for batch, limit in zip(batches, claimers, strict=True))
        claimed = [job.id for batch in batches for job in batch]
        assert len(claimed) == len(set(claimed))
        ready = sum(minutes <= 0 for minutes in due)
        rest = await claim(database, owner="last", limit=100)
        assert len(claimed) + len(rest) == ready
    finally:
        await database.close()


PROCESS = textwrap.dedent("""
    import asyncio, sys
    from datetime import datetime, timedelta
    from db import jobs, outbox
    from db.engine import Database

    async def main(url, step, now):
        database = Database(url)
        async with database.write() as session:
            [job] = await jobs.claim_due_jobs(
                session, now=now, owner="victim", lease=timedelta(minutes=1), limit=1
            )
            if step == "claiming":
                await hang()
        if step == "claimed":
            await hang()
        async with database.write() as session:
            await outbox.add_message(
                session, kind="message.send", dedupe_key="effect", now=now, payload={}
            )
            assert await jobs.finish_job(session, job, now=now)
            if step == "finishing":
                await hang()
        await hang()

    async def hang():
        print("ready", flush=True)
        await asyncio.sleep(600)

    asyncio.run(main(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3])))
""")


def kill_at(url: str, step: str) -> None:
    command = [sys.executable, "-c", PROCESS, url, step, NOW.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize(
    ("step", "claimable_at"),
    [("claiming", NOW), ("claimed", NOW + LEASE), ("finishing", NOW + LEASE), ("finished", None)],
)
async def test_killed_process_loses_and_repeats_nothing(
    database_url: str, database: Database, step: str, claimable_at: datetime | None
) -> None:
    await add(database)
    await asyncio.to_thread(kill_at, database_url, step)
    async with database.read() as session:
        effect = await outbox.get_message(session, "effect")
        next_due = await jobs.get_next_due(session)
    assert (effect is not None) == (step == "finished")
    assert next_due == claimable_at
    survivors = await claim(database, NOW + LEASE, owner="survivor")
    assert len(survivors) == (step != "finished")
    if step == "finished":
        assert (await get(database)).state == WorkState.DONE
