"""Sessions and login links on both engines."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from db.engine import Database
from db.sessions import (
    add_login_link,
    add_session,
    claim_login_link,
    delete_expired_sessions,
    delete_session,
    delete_sessions_of,
    get_login,
    mark_session_seen,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


async def test_login_is_found_until_it_is_idle_too_long(database: Database) -> None:
    async with database.write() as session:
        await add_session(session, id_hash="a", user_id=1, now=NOW)
    async with database.write() as session:
        await mark_session_seen(session, "a", NOW + timedelta(hours=4))
    async with database.read() as session:
        login = await get_login(session, "a", NOW + timedelta(hours=11))
        assert login is not None
        assert (login.user_id, login.seen_at) == (1, NOW + timedelta(hours=4))
        assert await get_login(session, "a", NOW + timedelta(hours=12)) is None
        assert await get_login(session, "b", NOW) is None


async def test_logout_of_one_browser_and_of_all(database: Database) -> None:
    async with database.write() as session:
        for name, user in (("a", 1), ("b", 1), ("c", 1), ("d", 2)):
            await add_session(session, id_hash=name, user_id=user, now=NOW)
        assert await delete_session(session, "a")
        assert not await delete_session(session, "a")
        assert await delete_sessions_of(session, 1) == 2
    async with database.read() as session:
        assert await get_login(session, "d", NOW) is not None


async def test_login_link_is_claimed_by_one_of_many(database: Database) -> None:
    async with database.write() as session:
        await add_login_link(session, token_hash="t", user_id=7, now=NOW)

    async def claim() -> int | None:
        async with database.write() as session:
            return await claim_login_link(session, "t", NOW)

    claimed = await asyncio.gather(*(claim() for _ in range(5)))
    assert sorted(claimed, key=str) == [7, None, None, None, None]


async def test_login_link_too_old_or_unknown(database: Database) -> None:
    async with database.write() as session:
        await add_login_link(session, token_hash="t", user_id=7, now=NOW)
        assert await claim_login_link(session, "u", NOW) is None
        assert await claim_login_link(session, "t", NOW + timedelta(minutes=5)) is None
        assert await claim_login_link(session, "t", NOW + timedelta(minutes=4)) == 7


async def test_expired_sessions_and_links_are_deleted(database: Database) -> None:
    async with database.write() as session:
        await add_session(session, id_hash="old", user_id=1, now=NOW - timedelta(hours=9))
        await add_session(session, id_hash="new", user_id=1, now=NOW)
        await add_login_link(session, token_hash="t", user_id=1, now=NOW - timedelta(minutes=6))
        assert await delete_expired_sessions(session, NOW) == 2
        assert await get_login(session, "new", NOW) is not None
