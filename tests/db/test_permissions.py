"""Permissions handed to single members."""

from __future__ import annotations

from datetime import UTC, datetime

from db import permissions
from db.engine import Database

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
KEY = {"guild_id": 1, "user_id": 2, "permission": "manage.welcome"}


async def test_granted_permission_is_held_until_revoked(database: Database) -> None:
    async with database.write() as session:
        await permissions.grant_permission(session, **KEY, granted_by=3, now=NOW)
        [row] = await permissions.list_permissions(session, 1)
        assert (row.user_id, row.permission, row.allowed) == (2, "manage.welcome", True)
        assert await permissions.revoke_permission(session, **KEY)
        assert not await permissions.revoke_permission(session, **KEY)
        assert await permissions.list_permissions(session, 1) == []


async def test_later_decision_replaces_the_earlier(database: Database) -> None:
    async with database.write() as session:
        await permissions.grant_permission(session, **KEY, granted_by=3, now=NOW)
        await permissions.grant_permission(session, **KEY, granted_by=4, now=NOW, allowed=False)
        [row] = await permissions.list_permissions(session, 1)
    assert (row.granted_by, row.allowed, row.granted_at) == (4, False, NOW)


async def test_list_permissions_is_of_one_guild_or_member(database: Database) -> None:
    async with database.write() as session:
        for guild_id, user_id, permission in ((1, 3, "b"), (1, 2, "b"), (1, 2, "a"), (2, 2, "c")):
            await permissions.grant_permission(
                session,
                guild_id=guild_id,
                user_id=user_id,
                permission=permission,
                granted_by=None,
                now=NOW,
            )
        everyone = await permissions.list_permissions(session, 1)
        one = await permissions.list_permissions(session, 1, user_id=2)
    assert [(row.user_id, row.permission) for row in everyone] == [(2, "a"), (2, "b"), (3, "b")]
    assert [row.permission for row in one] == ["a", "b"]
