"""Guilds, users and memberships outlive their leaving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from db import guilds
from db.engine import Database
from db.guilds import SeenGuild, SeenMember, SeenUser

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


async def test_saved_guild_is_renamed_and_comes_back(database: Database) -> None:
    async with database.write() as session:
        await guilds.save_guilds(session, [SeenGuild(2**60, "Old", NOW), SeenGuild(2, "B", NOW)])
        await guilds.mark_guilds_left(session, {2**60: NOW + DAY, 99: NOW})
        assert await guilds.count_guilds(session) == 2
        assert await guilds.count_guilds(session, present=True) == 1
    async with database.read() as session:
        left = await guilds.get_guild(session, 2**60)
    assert left is not None
    assert left.left_at == NOW + DAY
    async with database.write() as session:
        await guilds.save_guilds(session, [SeenGuild(2**60, "New", NOW + 2 * DAY)])
    async with database.read() as session:
        back = await guilds.get_guild(session, 2**60)
    assert back is not None
    assert (back.name, back.joined_at, back.left_at) == ("New", NOW + 2 * DAY, None)
    assert (back.settings, back.premium_until) == ({}, None)


async def test_saved_users_are_counted_once(database: Database) -> None:
    async with database.write() as session:
        await guilds.save_users(
            session, [SeenUser(1, "Ann", None, NOW), SeenUser(2, None, "u", NOW)]
        )
        await guilds.save_users(session, [SeenUser(1, "Anna", "https://cdn/a", NOW + DAY)])
        assert await guilds.count_users(session) == 2


async def test_saving_nothing_is_fine(database: Database) -> None:
    async with database.write() as session:
        await guilds.save_guilds(session, [])
        await guilds.save_users(session, [])
        await guilds.save_members(session, [])
        await guilds.mark_guilds_left(session, {})
        await guilds.mark_members_left(session, {})
        assert await guilds.count_guilds(session) == 0


async def test_rejoining_keeps_the_first_join_and_what_was_earned(database: Database) -> None:
    async with database.write() as session:
        await guilds.save_members(session, [SeenMember(1, 5, NOW)])
        member = await guilds.get_member(session, 1, 5)
        assert member is not None
        member.xp = 250
    async with database.write() as session:
        await guilds.mark_members_left(session, {(1, 5): NOW + DAY})
    async with database.write() as session:
        await guilds.save_members(session, [SeenMember(1, 5, NOW + 2 * DAY)])
    async with database.read() as session:
        member = await guilds.get_member(session, 1, 5)
    assert member is not None
    assert (member.joined_at, member.left_at, member.xp, member.level) == (NOW, None, 250, 0)


async def test_person_whose_join_was_not_seen_is_known_once_they_have_left(
    database: Database,
) -> None:
    async with database.write() as session:
        await guilds.mark_members_left(session, {(1, 5): NOW, (1, 6): NOW})
        await guilds.mark_members_left(session, {(1, 6): NOW + DAY})
    async with database.write() as session:
        again = NOW + 3 * DAY
        assert await guilds.list_joined_before(session, 1, [5, 6], before=again) == {5, 6}
        await guilds.save_members(session, [SeenMember(1, 5, again)])
        members = [await guilds.get_member(session, 1, user_id) for user_id in (5, 6)]
    assert [member and (member.joined_at, member.left_at) for member in members] == [
        (NOW, None),
        (NOW, NOW + DAY),
    ]


async def test_list_joined_before_tells_who_comes_back(database: Database) -> None:
    async with database.write() as session:
        await guilds.save_members(
            session,
            [SeenMember(1, 5, NOW - DAY), SeenMember(1, 6, NOW), SeenMember(2, 7, NOW - DAY)],
        )
        known = await guilds.list_joined_before(session, 1, [5, 6, 7, 8], before=NOW)
    assert known == {5}
