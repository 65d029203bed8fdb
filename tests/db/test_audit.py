"""The audit log: filtered, paged without gaps, shortened and deleted with age."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db import audit
from db.audit import AuditCursor, AuditEntry
from db.engine import Database

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


async def add(database: Database, **changes: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "user_id": 1,
        "guild_id": 2,
        "action": "settings_changed",
        "category": "admin",
        "now": NOW,
    }
    async with database.write() as session:
        return await audit.add_audit_entry(session, **(values | changes))


async def list_entries(database: Database, **filters: Any) -> list[AuditEntry]:
    async with database.read() as session:
        return list(await audit.list_audit_entries(session, **filters))


async def test_entry_comes_back_as_recorded(database: Database) -> None:
    added = await add(
        database, guild_id=None, details={"feature": "welcome"}, ip="::1", user_agent="curl"
    )
    [entry] = await list_entries(database)
    assert (entry.id, entry.user_id, entry.guild_id) == (added.id, 1, 0)
    assert (entry.details, entry.ip, entry.user_agent) == ({"feature": "welcome"}, "::1", "curl")
    assert entry.created_at == NOW


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"guild_id": 2}, {"a", "c"}),
        ({"user_id": 1}, {"a", "b"}),
        ({"action": "ban"}, {"c"}),
        ({"category": "admin"}, {"a", "b"}),
        ({"guild_id": 2, "user_id": 1}, {"a"}),
        ({"guild_id": 5}, set()),
    ],
)
async def test_filters_apply_together(
    database: Database, filters: dict[str, Any], expected: set[str]
) -> None:
    await add(database, details={"name": "a"})
    await add(database, details={"name": "b"}, guild_id=3)
    await add(database, details={"name": "c"}, user_id=4, action="ban", category="moderation")
    entries = await list_entries(database, **filters)
    assert {entry.details["name"] for entry in entries} == expected


async def test_pages_follow_each_other_even_within_one_instant(database: Database) -> None:
    for _ in range(5):
        await add(database)
    for minutes in (1, 2):
        await add(database, now=NOW + timedelta(minutes=minutes))
    seen: list[uuid.UUID] = []
    cursor = None
    while page := await list_entries(database, limit=2, before=cursor):
        seen += [entry.id for entry in page]
        cursor = AuditCursor.parse(str(AuditCursor.of(page[-1])))
    assert len(seen) == len(set(seen)) == 7
    assert seen == [entry.id for entry in await list_entries(database)]


async def test_bare_instant_is_a_cursor_too(database: Database) -> None:
    await add(database)
    older = await add(database, now=NOW - timedelta(seconds=1))
    entries = await list_entries(database, before=AuditCursor.parse("2026-06-01T12:00:00Z"))
    assert [entry.id for entry in entries] == [older.id]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-06-01_x", "_", "2026-06-01T12:00:00Z_1"])
def test_malformed_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        AuditCursor.parse(text)


@given(st.datetimes(timezones=st.just(UTC)), st.none() | st.uuids())
def test_cursor_survives_its_text(created_at: datetime, identity: uuid.UUID | None) -> None:
    cursor = AuditCursor(created_at, identity)
    assert AuditCursor.parse(str(cursor)) == cursor


async def test_old_addresses_keep_their_network_only(database: Database) -> None:
    old = NOW - timedelta(days=40)
    addresses = ["203.0.113.77", "2001:db8:1:2:3::4", "not-an-address", None]
    for address in addresses:
        await add(database, ip=address, user_agent="Browser", now=old)
    await add(database, ip="203.0.113.78", user_agent="Browser")
    async with database.write() as session:
        assert await audit.shorten_addresses_before(session, NOW - timedelta(days=30)) == 3
        assert await audit.shorten_addresses_before(session, NOW - timedelta(days=30)) == 0
    entries = await list_entries(database)
    assert (entries[0].ip, entries[0].user_agent) == ("203.0.113.78", "Browser")
    assert {entry.ip for entry in entries[1:]} == {"203.0.113.0/24", "2001:db8:1::/48", None}
    assert {entry.user_agent for entry in entries[1:]} == {None}


async def test_addresses_are_shortened_in_bounded_steps(database: Database) -> None:
    for number in range(5):
        await add(database, ip=f"198.51.100.{number}")
    done = []
    async with database.write() as session:
        while count := await audit.shorten_addresses_before(
            session, NOW + timedelta(days=1), limit=2
        ):
            done.append(count)
    assert done == [2, 2, 1]


async def test_delete_entries_before_spares_newer_ones(database: Database) -> None:
    await add(database)
    await add(database, now=NOW - timedelta(days=1))
    async with database.write() as session:
        assert await audit.delete_entries_before(session, NOW) == 1
    assert len(await list_entries(database)) == 1
