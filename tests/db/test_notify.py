"""Notices: only what commits is heard, in order, and gaps are reported."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import text

from db.engine import Database
from db.notify import PAYLOAD_LIMIT, Notifier, PostgresNotifier, make_notifier

CUT_LISTENERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"


@asynccontextmanager
async def running(notifier: Notifier) -> AsyncIterator[None]:
    task = asyncio.create_task(notifier.run())
    try:
        if isinstance(notifier, PostgresNotifier):
            await notifier.wait_connected()
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_notice_arrives_after_commit(database: Database) -> None:
    notifier = make_notifier(database)
    heard: asyncio.Queue[str] = asyncio.Queue()
    notifier.listen("settings", heard.put_nowait)
    async with running(notifier):
        async with database.write() as session:
            await notifier.publish("settings", "1/welcome", session)
            await asyncio.sleep(0)
            assert heard.empty()
        async with asyncio.timeout(30):
            assert await heard.get() == "1/welcome"


async def test_notice_of_rolled_back_transaction_is_never_heard(database: Database) -> None:
    notifier = make_notifier(database)
    heard: asyncio.Queue[str] = asyncio.Queue()
    notifier.listen("settings", heard.put_nowait)
    async with running(notifier):
        with suppress(ZeroDivisionError):
            async with database.write() as session:
                await session.execute(text("SELECT 1"))
                await notifier.publish("settings", "lost", session)
                raise ZeroDivisionError
        async with database.write() as session:
            await notifier.publish("settings", "kept", session)
        async with asyncio.timeout(30):
            assert await heard.get() == "kept"
        assert heard.empty()


async def test_notices_of_one_transaction_arrive_in_order_and_once(database: Database) -> None:
    notifier = make_notifier(database)
    heard: asyncio.Queue[str] = asyncio.Queue()
    notifier.listen("settings", heard.put_nowait)
    async with running(notifier):
        async with database.write() as session:
            for payload in ("a", "b", "a", "c"):
                await notifier.publish("settings", payload, session)
            async with session.begin_nested():
                await notifier.publish("settings", "d", session)
        async with asyncio.timeout(30):
            assert [await heard.get() for _ in range(4)] == ["a", "b", "c", "d"]
        assert heard.empty()


async def test_notice_reaches_only_its_channel(database: Database) -> None:
    notifier = make_notifier(database)
    heard: asyncio.Queue[str] = asyncio.Queue()
    notifier.listen("settings", lambda payload: heard.put_nowait(f"settings {payload}"))
    notifier.listen("jobs", lambda payload: heard.put_nowait(f"jobs {payload}"))
    async with running(notifier):
        async with database.write() as session:
            await notifier.publish("jobs", "1", session)
        async with asyncio.timeout(30):
            assert await heard.get() == "jobs 1"


@pytest.mark.parametrize("payload", ["x" * (PAYLOAD_LIMIT + 1), "é" * 4000])
async def test_publish_refuses_payload_that_is_too_long(database: Database, payload: str) -> None:
    notifier = make_notifier(database)
    async with database.write() as session:
        with pytest.raises(ValueError, match="at most 7999 bytes"):
            await notifier.publish("settings", payload, session)


@pytest.mark.parametrize("channel", ["", "Settings", "a b", 'x"; DROP TABLE jobs; --', "x" * 64])
async def test_listen_refuses_malformed_channel(database: Database, channel: str) -> None:
    with pytest.raises(ValueError, match="no channel name"):
        make_notifier(database).listen(channel, print)


async def test_other_process_hears_the_notice(postgres_database: Database) -> None:
    here, there = make_notifier(postgres_database), make_notifier(postgres_database)
    heard: asyncio.Queue[str] = asyncio.Queue()
    there.listen("settings", heard.put_nowait)
    async with running(there), postgres_database.write() as session:
        await here.publish("settings", "1/welcome", session)
        await session.commit()
        async with asyncio.timeout(30):
            assert await heard.get() == "1/welcome"


async def test_lost_connection_is_replaced_and_reported_as_gap(
    postgres_database: Database,
) -> None:
    notifier = PostgresNotifier(postgres_database)
    heard: asyncio.Queue[str] = asyncio.Queue()
    gaps: asyncio.Queue[None] = asyncio.Queue()
    notifier.listen("settings", heard.put_nowait)
    notifier.on_gap(lambda: gaps.put_nowait(None))
    async with running(notifier):
        assert gaps.empty()
        async with postgres_database.read() as session:
            await session.execute(text(CUT_LISTENERS))
        async with asyncio.timeout(30):
            await gaps.get()
            await notifier.wait_connected()
        async with postgres_database.write() as session:
            await notifier.publish("settings", "after", session)
        async with asyncio.timeout(30):
            assert await heard.get() == "after"
