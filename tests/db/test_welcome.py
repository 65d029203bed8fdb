"""The record of visits: each state is entered by one caller, and nothing is kept for long."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from db import welcome
from db.engine import Database
from db.people import erase_person, export_person

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
GUILD = 1


async def add(
    database: Database, user_id: int, *, state: str = "greeted", at: datetime = NOW
) -> bool:
    async with database.write() as session:
        return await welcome.add_visit(
            session,
            guild_id=GUILD,
            user_id=user_id,
            joined_at=at,
            name=f"user{user_id}",
            kind="join",
            state=state,
            now=at,
        )


async def test_add_visit_same_join_is_added_once(database: Database) -> None:
    added = await asyncio.gather(*(add(database, 1) for _ in range(4)))

    assert sorted(added) == [False, False, False, True]
    assert await add(database, 1, at=NOW + timedelta(days=1))


async def test_claim_visit_has_one_winner(database: Database) -> None:
    await add(database, 1, state="screening")

    async def claim() -> bool:
        async with database.write() as session:
            row = await welcome.claim_visit(
                session, GUILD, 1, expected="screening", state="greeted", now=NOW
            )
            return row is not None

    assert sorted(await asyncio.gather(*(claim() for _ in range(4)))) == [False, False, False, True]


async def test_claim_visits_takes_all_in_order_and_once(database: Database) -> None:
    for user_id, seconds in ((3, 2), (1, 0), (2, 1)):
        await add(database, user_id, state="gathered", at=NOW + timedelta(seconds=seconds))
    async with database.write() as session:
        first = await welcome.claim_visits(session, GUILD, expected="gathered", state="greeted")
        again = await welcome.claim_visits(session, GUILD, expected="gathered", state="greeted")

    assert [row.user_id for row in first] == [1, 2, 3]
    assert list(again) == []


async def test_count_visits_counts_states_within_the_window(database: Database) -> None:
    await add(database, 1, at=NOW - timedelta(seconds=61))
    await add(database, 2, at=NOW - timedelta(seconds=59))
    await add(database, 3, state="dropped")
    async with database.read() as session:
        since = NOW - timedelta(seconds=60)
        assert await welcome.count_visits(session, GUILD, states=["greeted"], since=since) == 1
        assert await welcome.count_visits(session, 2, states=["greeted"], since=since) == 0


async def test_delete_old_visits_keeps_who_is_waited_for_longer(database: Database) -> None:
    old, older = NOW - timedelta(days=2), NOW - timedelta(days=100)
    await add(database, 1, at=old)
    await add(database, 2, state="screening", at=old)
    await add(database, 3, state="screening", at=older)
    await add(database, 4)
    async with database.write() as session:
        await welcome.delete_old_visits(
            session,
            before=NOW - timedelta(days=1),
            waiting="screening",
            waiting_before=NOW - timedelta(days=60),
        )
        waiting = await welcome.list_waiting(
            session, state="screening", since=NOW - timedelta(days=365), limit=10
        )
        assert waiting == [(GUILD, 2, old)]
        assert await welcome.get_last_visit(session, GUILD, 1) is None
        assert await welcome.get_last_visit(session, GUILD, 4) is not None


async def test_claim_turn_counts_each_kind_from_zero(database: Database) -> None:
    async with database.write() as session:
        turns = [await welcome.claim_turn(session, GUILD, "join") for _ in range(3)]
        other = await welcome.claim_turn(session, GUILD, "leave")

    assert (turns, other) == ([0, 1, 2], 0)


async def test_visits_are_exported_and_erased_with_the_person(database: Database) -> None:
    await add(database, 1)
    await add(database, 2)
    async with database.write() as session:
        exported = await export_person(session, 1)
        await erase_person(session, 1)
        rest = await export_person(session, 2)

    assert [row["name"] for row in exported["welcome_visits"]] == ["user1"]
    assert len(rest["welcome_visits"]) == 1
