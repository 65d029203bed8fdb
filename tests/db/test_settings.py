"""Feature settings: compare-and-set by revision, with a history."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from db import settings
from db.engine import Database

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


async def save(
    database: Database, revision: int, *, guild_id: int = 1, feature: str = "welcome", **more: Any
) -> bool:
    values: dict[str, Any] = {"enabled": True, "version": 1, "data": {}, "actor_id": 9} | more
    async with database.write() as session:
        return await settings.save_feature_settings(
            session,
            guild_id=guild_id,
            feature=feature,
            now=NOW,
            expected_revision=revision,
            **values,
        )


async def add_revisions(database: Database, count: int, *, feature: str = "welcome") -> None:
    async with database.write() as session:
        for revision in range(1, count + 1):
            await settings.add_revision(
                session,
                guild_id=1,
                feature=feature,
                revision=revision,
                enabled=None,
                version=1,
                data={"number": revision},
                diff={},
                source="web",
                actor_id=9,
                now=NOW,
            )


async def test_unknown_settings_are_none(database: Database) -> None:
    async with database.read() as session:
        assert await settings.get_feature_settings(session, 1, "welcome") is None


async def test_saved_settings_come_back_as_stored(database: Database) -> None:
    data = {"text": "¡Hola, 世界! \u0041", "colours": [1, 2], "nested": {"on": None}}
    assert await save(database, 0, enabled=None, data=data)
    async with database.read() as session:
        row = await settings.get_feature_settings(session, 1, "welcome")
    assert row is not None
    assert (row.enabled, row.version, row.revision, row.data) == (None, 1, 1, data)
    assert (row.updated_at, row.updated_by) == (NOW, 9)


async def test_save_with_outdated_revision_changes_nothing(database: Database) -> None:
    assert await save(database, 0, data={"by": "a"})
    assert not await save(database, 0, data={"by": "b"})
    assert await save(database, 1, data={"by": "c"})
    assert not await save(database, 1, data={"by": "d"})
    assert not await save(database, 7, data={"by": "e"})
    async with database.read() as session:
        row = await settings.get_feature_settings(session, 1, "welcome")
    assert row is not None
    assert (row.revision, row.data) == (2, {"by": "c"})


async def test_concurrent_saves_let_one_win(database: Database) -> None:
    for revision in (0, 1):
        results = await asyncio.gather(*(save(database, revision) for _ in range(5)))
        assert sorted(results) == [False] * 4 + [True]


async def test_revisions_are_listed_newest_first_in_pages(database: Database) -> None:
    await add_revisions(database, 5)
    async with database.read() as session:
        page = await settings.list_revisions(session, 1, "welcome", limit=2)
        rest = await settings.list_revisions(session, 1, "welcome", before=page[-1].revision)
        third = await settings.get_revision(session, 1, "welcome", 3)
        missing = await settings.get_revision(session, 1, "welcome", 6)
    assert [row.revision for row in page] == [5, 4]
    assert [row.revision for row in rest] == [3, 2, 1]
    assert third is not None
    assert (third.data, third.source, third.actor_id) == ({"number": 3}, "web", 9)
    assert missing is None


async def test_delete_old_revisions_keeps_the_last_of_each_feature(database: Database) -> None:
    await add_revisions(database, 5)
    await add_revisions(database, 2, feature="levels")
    for revision in range(5):
        await save(database, revision)
    for revision in range(2):
        await save(database, revision, feature="levels")
    async with database.write() as session:
        assert await settings.delete_old_revisions(session, keep=3) == 2
    async with database.read() as session:
        kept = await settings.list_revisions(session, 1, "welcome")
        others = await settings.list_revisions(session, 1, "levels")
    assert [row.revision for row in kept] == [5, 4, 3]
    assert [row.revision for row in others] == [2, 1]
