"""The roster remembers guilds and people, in batches, and loses none of its notes to a fault."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.roster import Roster
from db.engine import Database
from db.guilds import (
    SeenGuild,
    SeenMember,
    SeenUser,
    count_guilds,
    count_users,
    get_guild,
    get_member,
)
from db.leases import Shards
from tests.passing_errors import LOCK_TIMEOUT, fail_with

AT = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


async def test_flush_writes_every_kind_of_note(database: Database) -> None:
    roster = Roster(database)
    roster.guild_seen(SeenGuild(1, "One", AT))
    roster.user_seen(SeenUser(2, "Ada", None, AT))
    roster.member_joined(SeenMember(1, 2, AT))
    await roster.flush()
    async with database.read() as session:
        assert await count_guilds(session, present=True) == 1
        assert await count_users(session) == 1
        member = await get_member(session, 1, 2)
    assert member is not None
    assert (member.joined_at, member.left_at) == (AT, None)


async def test_flush_last_note_about_one_wins(database: Database) -> None:
    roster = Roster(database)
    roster.guild_seen(SeenGuild(1, "One", AT))
    roster.member_joined(SeenMember(1, 2, AT))
    await roster.flush()
    later = AT + timedelta(hours=1)
    roster.member_left(1, 2, later)
    roster.guild_left(1, later)
    await roster.flush()
    async with database.read() as session:
        guild, member = await get_guild(session, 1), await get_member(session, 1, 2)
    assert guild is not None
    assert member is not None
    assert (guild.left_at, member.left_at) == (later, later)
    roster.member_left(1, 2, later)
    roster.member_joined(SeenMember(1, 2, later))
    await roster.flush()
    async with database.read() as session:
        member = await get_member(session, 1, 2)
    assert member is not None
    assert (member.joined_at, member.left_at) == (AT, None)


async def test_flush_failure_keeps_the_notes(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster = Roster(sqlite_database)
    roster.guild_seen(SeenGuild(1, "One", AT))

    async def broken(*_: object) -> None:
        raise SQLAlchemyError("gone")

    with monkeypatch.context() as patch:
        patch.setattr("bot.core.roster.save_guilds", broken)
        with pytest.raises(SQLAlchemyError):
            await roster.flush()
    roster.guild_seen(SeenGuild(2, "Two", AT))
    await roster.flush()
    async with sqlite_database.read() as session:
        assert await count_guilds(session) == 2


@pytest.mark.parametrize("name", ["a\x00b", "half of a pair: \ud83d", "x" * 300])
async def test_flush_drops_what_the_database_refuses_and_nothing_else(
    database: Database, name: str
) -> None:
    roster = Roster(database)
    roster.guild_seen(SeenGuild(1, name, AT))
    roster.guild_seen(SeenGuild(2, "Two", AT))
    for user_id in range(10, 20):
        roster.user_seen(SeenUser(user_id, name if user_id == 14 else "Ada", None, AT))
        roster.member_joined(SeenMember(2, user_id, AT))
    roster.member_left(2, 19, AT + timedelta(hours=1))
    await roster.flush()
    async with database.read() as session:
        assert await get_guild(session, 2) is not None
        assert await count_users(session) >= 9
        members = [await get_member(session, 2, user_id) for user_id in range(10, 20)]
    assert all(members)
    assert members[-1] is not None
    assert members[-1].left_at is not None


async def test_flush_keeps_all_notes_when_the_connection_is_lost_between_refusals(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster = Roster(postgres_database)
    roster.guild_seen(SeenGuild(1, "a\x00b", AT))
    roster.guild_seen(SeenGuild(2, "Two", AT))
    real = postgres_database.write
    opened = 0

    def write() -> AbstractAsyncContextManager[AsyncSession]:
        nonlocal opened
        opened += 1
        if opened == 2:
            raise PoolTimeoutError
        return real()

    with monkeypatch.context() as patch:
        patch.setattr(postgres_database, "write", write)
        with pytest.raises(PoolTimeoutError):
            await roster.flush()
    await roster.flush()
    async with postgres_database.read() as session:
        assert await count_guilds(session) == 1


async def test_flush_keeps_all_notes_after_a_passing_error(
    postgres_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster = Roster(postgres_database)
    for guild_id in range(1, 6):
        roster.guild_seen(SeenGuild(guild_id, "One", AT))
    with monkeypatch.context() as patch:
        patch.setattr("bot.core.roster.save_guilds", partial(fail_with, LOCK_TIMEOUT))
        with pytest.raises(DBAPIError):
            await roster.flush()
    await roster.flush()
    async with postgres_database.read() as session:
        assert await count_guilds(session) == 5


async def test_notes_about_people_are_bounded(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.core.roster.MOST_WAITING", 3)
    roster = Roster(sqlite_database)
    for user_id in range(10):
        roster.user_seen(SeenUser(user_id, None, None, AT))
    await roster.flush()
    async with sqlite_database.read() as session:
        assert await count_users(session) == 3


async def test_flush_writes_those_who_came_and_left_meanwhile(database: Database) -> None:
    roster = Roster(database)
    later = AT + timedelta(milliseconds=300)
    roster.guild_seen(SeenGuild(1, "One", AT))
    roster.guild_left(1, later)
    roster.member_joined(SeenMember(1, 2, AT))
    roster.member_left(1, 2, later)
    await roster.flush()
    async with database.read() as session:
        guild, member = await get_guild(session, 1), await get_member(session, 1, 2)
    assert guild is not None
    assert member is not None
    assert (guild.left_at, member.joined_at, member.left_at) == (later, AT, later)


async def test_compare_finds_what_was_left_meanwhile_on_its_own_shards(database: Database) -> None:
    roster = Roster(database)
    # With two shards these are of shard 0, 0 and 1.
    stayed, left, elsewhere = 0 << 22, 2 << 22, 1 << 22
    for guild_id in (stayed, left, elsewhere):
        roster.guild_seen(SeenGuild(guild_id, "One", AT))
    await roster.flush()
    later = AT + timedelta(hours=1)
    await roster.compare([stayed], later, Shards(frozenset({0}), 2))
    await roster.flush()
    async with database.read() as session:
        found = [await get_guild(session, one) for one in (stayed, left, elsewhere)]
    assert [guild and guild.left_at for guild in found] == [None, later, None]


async def test_guilds_left_and_joined_again_are_handed_on_once(database: Database) -> None:
    heard: list[tuple[str, int]] = []

    async def left(_session: AsyncSession, guild_id: int) -> None:
        heard.append(("left", guild_id))

    async def returned(_session: AsyncSession, guild_id: int) -> None:
        heard.append(("returned", guild_id))

    roster = Roster(database, on_left=left, on_returned=returned)
    for guild_id in (1, 2):
        roster.guild_seen(SeenGuild(guild_id, "One", AT))
    await roster.flush()
    assert heard == []
    await roster.compare([1], AT)
    await roster.flush()
    await roster.compare([1], AT)
    await roster.flush()
    assert heard == [("left", 2)]
    for _again in range(2):
        roster.guild_seen(SeenGuild(2, "Two", AT))
        await roster.flush()
    assert heard == [("left", 2), ("returned", 2)]


async def test_guild_stays_to_be_marked_until_its_work_is_dropped(database: Database) -> None:
    failing = True

    async def left(_session: AsyncSession, _guild_id: int) -> None:
        if failing:
            raise PoolTimeoutError

    roster = Roster(database, on_left=left)
    roster.guild_seen(SeenGuild(1, "One", AT))
    await roster.flush()
    roster.guild_left(1, AT)
    with pytest.raises(PoolTimeoutError):
        await roster.flush()
    async with database.read() as session:
        assert await count_guilds(session, present=True) == 1
    failing = False
    await roster.flush()
    async with database.read() as session:
        assert await count_guilds(session, present=True) == 0
