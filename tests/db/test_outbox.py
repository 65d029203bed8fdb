"""The outbox: one row and one nonce per message, delivered by whoever holds the claim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from db import outbox
from db.engine import Database
from db.outbox import OutboxMessage, nonce_of

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
LEASE = timedelta(minutes=1)


async def add(database: Database, key: str = "a", **changes: Any) -> OutboxMessage | None:
    values: dict[str, Any] = {"kind": "message.send", "now": NOW, "payload": {"content": "hi"}}
    async with database.write() as session:
        return await outbox.add_message(session, dedupe_key=key, **(values | changes))


async def claim(database: Database, now: datetime = NOW, owner: str = "p1") -> list[OutboxMessage]:
    async with database.write() as session:
        return list(
            await outbox.claim_due_messages(session, now=now, owner=owner, lease=LEASE, limit=10)
        )


async def test_message_with_taken_key_is_not_added_again(database: Database) -> None:
    first = await add(database, channel_id=5, guild_id=6)
    assert first is not None
    assert (first.state, first.channel_id, first.due_at) == ("pending", 5, NOW)
    assert await add(database, channel_id=7) is None


async def test_repeated_delivery_keeps_the_nonce(database: Database) -> None:
    await add(database)
    [first] = await claim(database)
    [second] = await claim(database, NOW + LEASE, owner="p2")
    assert first.nonce == second.nonce == nonce_of("a")


async def test_only_the_present_claimer_can_finish(database: Database) -> None:
    await add(database)
    [first] = await claim(database)
    [second] = await claim(database, NOW + LEASE, owner="p2")
    async with database.write() as session:
        assert not await outbox.finish_message(session, first, now=NOW, message_id=1)
        assert await outbox.finish_message(session, second, now=NOW, message_id=2)
    async with database.read() as session:
        sent = await outbox.get_message(session, "a")
    assert sent is not None
    assert (sent.state, sent.message_id, sent.sent_at) == ("sent", 2, NOW)


async def test_channel_is_served_in_order(database: Database) -> None:
    await add(database, "first", channel_id=1)
    await add(database, "second", channel_id=1)
    await add(database, "elsewhere", channel_id=2)
    claimed = await claim(database)
    assert [message.dedupe_key for message in claimed] == ["first", "elsewhere"]
    async with database.write() as session:
        await outbox.finish_message(session, claimed[0], now=NOW, message_id=9)
    assert [message.dedupe_key for message in await claim(database)] == ["second"]


async def test_cancelled_messages_are_not_delivered(database: Database) -> None:
    await add(database, "b", guild_id=2)
    await add(database, "c", guild_id=3)
    async with database.write() as session:
        assert await outbox.cancel_message(session, "b")
        assert not await outbox.cancel_message(session, "b")
    assert [message.dedupe_key for message in await claim(database)] == ["c"]


async def test_delete_finished_messages_spares_open_ones(database: Database) -> None:
    await add(database, "a", guild_id=1)
    await add(database, "b", guild_id=2)
    async with database.write() as session:
        await outbox.cancel_message(session, "a")
        assert await outbox.delete_finished_messages(session, NOW + LEASE) == 1
        assert (await outbox.get_backlog(session, NOW)).pending == 1


@given(st.text(max_size=200))
def test_nonce_fits_discord_and_depends_on_the_key_alone(key: str) -> None:
    assert len(nonce_of(key)) == 24
    assert nonce_of(key).isascii()
    assert nonce_of(key) != nonce_of(key + "x")
