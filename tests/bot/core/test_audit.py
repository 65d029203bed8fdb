"""The audit log: recorded with the action, heard of after it, kept as long as configured."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.audit import AuditLog, AuditRecorded, purge_audit
from bot.core.config import RetentionConfig
from bot.core.contracts import SYSTEM, Actor
from bot.core.events import EventBus
from bot.core.supervisor import TaskSupervisor
from db.audit import list_audit_entries
from db.engine import Database
from tests.fakes import FakeClock

ADMIN = Actor(7, "web", "Ada", ip="203.0.113.99", user_agent="Browser/1")


class Listener:
    """Notes what the bus says."""

    def __init__(self, bus: EventBus) -> None:
        self.heard: list[AuditRecorded] = []
        bus.subscribe(AuditRecorded, self._hear)

    async def _hear(self, event: AuditRecorded) -> None:
        self.heard.append(event)


@pytest.fixture
async def supervisor() -> AsyncIterator[TaskSupervisor]:
    supervisor = TaskSupervisor()
    yield supervisor
    await supervisor.stop()


@pytest.fixture
def bus() -> EventBus:
    return EventBus()


@pytest.fixture
def audit(clock: FakeClock, bus: EventBus, supervisor: TaskSupervisor) -> AuditLog:
    return AuditLog(clock, bus, supervisor)


async def test_record_is_stored_and_told_after_the_commit(
    audit: AuditLog,
    bus: EventBus,
    supervisor: TaskSupervisor,
    database: Database,
    clock: FakeClock,
) -> None:
    listener = Listener(bus)
    async with database.write() as session:
        await audit.record(session, ADMIN, 10, "settings.changed", "settings", {"feature": "x"})
        await audit.record(session, SYSTEM, None, "purged", "system")
        assert listener.heard == []
    await supervisor.stop()
    assert [(event.action, event.guild_id) for event in listener.heard] == [
        ("settings.changed", 10),
        ("purged", None),
    ]
    async with database.read() as session:
        (entry,) = await list_audit_entries(session, action="settings.changed")
    heard = listener.heard[0]
    assert (heard.id, heard.actor, heard.at) == (entry.id, ADMIN, clock.now())
    assert (entry.user_id, entry.ip, entry.user_agent) == (7, "203.0.113.99", "Browser/1")
    assert entry.details == {"feature": "x"}


async def test_record_rolled_back_is_not_told(
    audit: AuditLog, bus: EventBus, supervisor: TaskSupervisor, database: Database
) -> None:
    listener = Listener(bus)

    async def fail() -> None:
        async with database.write() as session:
            await audit.record(session, ADMIN, 10, "lost", "settings")
            raise ValueError

    with pytest.raises(ValueError):
        await fail()
    async with database.write() as session:
        await audit.record(session, ADMIN, 10, "kept", "settings")
    await supervisor.stop()
    assert [event.action for event in listener.heard] == ["kept"]
    async with database.read() as session:
        assert [entry.action for entry in await list_audit_entries(session)] == ["kept"]


async def test_session_used_for_two_transactions_tells_each_once(
    audit: AuditLog, bus: EventBus, supervisor: TaskSupervisor, database: Database
) -> None:
    listener = Listener(bus)
    async with AsyncSession(database.engine) as session:
        await audit.record(session, ADMIN, 10, "first", "settings")
        await session.commit()
        await audit.record(session, ADMIN, 10, "second", "settings")
        await session.commit()
        await audit.record(session, ADMIN, 10, "third", "settings")
        await session.rollback()
    await supervisor.stop()
    assert [event.action for event in listener.heard] == ["first", "second"]


async def test_savepoint_rolled_back_takes_only_its_own_news_along(
    audit: AuditLog, bus: EventBus, supervisor: TaskSupervisor, database: Database
) -> None:
    listener = Listener(bus)
    async with database.write() as session:
        await audit.record(session, ADMIN, 10, "outer", "settings")
        async with session.begin_nested() as savepoint:
            await audit.record(session, ADMIN, 10, "undone", "settings")
            await savepoint.rollback()
        async with session.begin_nested():
            await audit.record(session, ADMIN, 10, "kept", "settings")
        await asyncio.sleep(0)
        assert listener.heard == []
    await supervisor.stop()
    assert [event.action for event in listener.heard] == ["outer", "kept"]


async def test_record_cuts_an_overlong_user_agent(audit: AuditLog, database: Database) -> None:
    actor = Actor(7, "web", user_agent="x" * 10_000)
    async with database.write() as session:
        await audit.record(session, actor, 10, "a", "b")
    async with database.read() as session:
        (entry,) = await list_audit_entries(session)
    assert len(entry.user_agent or "") == 400


async def test_purge_shortens_addresses_then_deletes_entries(
    audit: AuditLog, database: Database, clock: FakeClock
) -> None:
    retention = RetentionConfig(audit_ip_days=30, audit_days=100)
    actors = (ADMIN, Actor(8, "web", ip="2001:db8:1:2::3"), SYSTEM)
    async with database.write() as session:
        for actor in actors:
            await audit.record(session, actor, 10, "a", "b")
    clock.advance(timedelta(days=29))
    assert await purge(database, clock, retention) == 0
    assert await addresses(database) == {7: "203.0.113.99", 8: "2001:db8:1:2::3", 0: None}
    clock.advance(timedelta(days=2))
    assert await purge(database, clock, retention) == 0
    assert await addresses(database) == {7: "203.0.113.0/24", 8: "2001:db8:1::/48", 0: None}
    clock.advance(timedelta(days=70))
    assert await purge(database, clock, retention) == 3
    assert await addresses(database) == {}


async def purge(database: Database, clock: FakeClock, retention: RetentionConfig) -> int:
    async with database.write() as session:
        return await purge_audit(session, clock.now(), retention)


async def addresses(database: Database) -> dict[int, str | None]:
    async with database.read() as session:
        return {entry.user_id: entry.ip for entry in await list_audit_entries(session)}
