"""The outbox: what is to be said on Discord, decided in a transaction and delivered after it.

Knows nothing of how a message is sent. A row keeps one nonce for all its deliveries, so that
Discord drops a repeat.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Function,
    Index,
    String,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute, Mapped, aliased, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler

from db import leases
from db.base import DELETE_ROW, Snowflake, UtcDateTime, person
from db.leases import Backlog, Leased, Shards, WorkState
from db.statements import count_changed, insert_for

SENDING_KINDS = ("message.send", "dm.send")


class OutboxMessage(Leased):
    """One thing to do on Discord: send, edit or delete a message, in a channel or to a person.

    The payload is emptied once the row has ended: it may hold names, and nobody needs it any more.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(None, "state", "due_at"),
        Index(None, "guild_id"),
        # These find what stands before a message in its channel, or in its DM.
        Index(None, "channel_id", "state"),
        Index(None, "user_id", "state"),
        Index(None, "subject_id"),
    )

    channel_id: Mapped[int | None] = mapped_column(Snowflake)
    user_id: Mapped[int | None] = mapped_column(Snowflake, info=person(DELETE_ROW))
    # Whom a message in a channel is about, when its key or payload names them.
    subject_id: Mapped[int | None] = mapped_column(Snowflake, info=person(DELETE_ROW))
    nonce: Mapped[str] = mapped_column(String(25), unique=True)
    message_id: Mapped[int | None] = mapped_column(Snowflake)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Of a message to edit or delete whose id is not known yet: the key of the row that sends it.
    target_key: Mapped[str | None] = mapped_column(String(200))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # The claim of the earliest delivery that may have reached Discord, while none is known to have.
    uncertain_since: Mapped[datetime | None] = mapped_column(UtcDateTime)


async def add_message(
    session: AsyncSession,
    *,
    kind: str,
    dedupe_key: str,
    now: datetime,
    payload: dict[str, Any],
    guild_id: int | None = None,
    channel_id: int | None = None,
    user_id: int | None = None,
    subject_id: int | None = None,
    message_id: int | None = None,
    target_key: str | None = None,
    expires_at: datetime | None = None,
    not_before: datetime | None = None,
) -> OutboxMessage | None:
    """Add a message to deliver and return it; None when its key is already there.

    `kind` is `message.send`, `message.edit`, `message.delete` or `dm.send`; `message_id` or
    `target_key` names the message to edit or delete. It is due at once, or at `not_before`.
    """
    statement = (
        insert_for(session, OutboxMessage)
        .values(
            kind=kind,
            dedupe_key=dedupe_key,
            nonce=nonce_of(dedupe_key),
            payload=payload,
            guild_id=guild_id,
            channel_id=channel_id,
            user_id=user_id,
            subject_id=subject_id,
            message_id=message_id,
            target_key=target_key,
            expires_at=expires_at,
            due_at=not_before or now,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(OutboxMessage)
    )
    return (await session.scalars(statement)).one_or_none()


async def get_message(session: AsyncSession, dedupe_key: str) -> OutboxMessage | None:
    """Return the message with that key, whatever its state."""
    query = select(OutboxMessage).where(OutboxMessage.dedupe_key == dedupe_key)
    return await session.scalar(query)


async def claim_due_messages(
    session: AsyncSession,
    *,
    now: datetime,
    owner: str,
    lease: timedelta,
    limit: int,
    shards: Shards | None = None,
) -> Sequence[OutboxMessage]:
    """Claim up to `limit` messages that are due or whose lease ran out, oldest first.

    Of each subject in a channel, and in a person's DM, only the first one that is still open can be
    claimed: a parked, held or failing message holds back what of its kind comes after it, and what
    is about the same message. The subject is what stands before the first colon of the key.
    """
    return await leases.claim_due(
        session,
        OutboxMessage,
        now=now,
        owner=owner,
        lease=lease,
        limit=limit,
        filters=[_is_first(), *leases.is_of_shards(OutboxMessage, shards)],
        uncertain_since=func.coalesce(OutboxMessage.uncertain_since, literal(now, UtcDateTime())),
    )


async def finish_message(
    session: AsyncSession, message: OutboxMessage, *, now: datetime, message_id: int | None
) -> bool:
    """Mark a claimed message sent and keep the id Discord gave it; False when the claim is lost."""
    values = {"sent_at": now, "message_id": message_id, "last_error": None}
    return await leases.settle(session, message, WorkState.SENT, payload={}, **values)


async def retry_message(
    session: AsyncSession,
    message: OutboxMessage,
    *,
    due_at: datetime,
    error: str,
    uncertain_since: datetime | None,
) -> bool:
    """Give a claimed message back, to be tried again at `due_at`; False when the claim is lost."""
    values = {"due_at": due_at, "last_error": error, "uncertain_since": uncertain_since}
    return await leases.settle(session, message, WorkState.PENDING, **values)


async def fail_message(session: AsyncSession, message: OutboxMessage, *, error: str) -> bool:
    """End a claimed message as failed, for good; False when the claim is lost."""
    return await leases.settle(session, message, WorkState.FAILED, payload={}, last_error=error)


async def drop_message(session: AsyncSession, message: OutboxMessage, *, reason: str) -> bool:
    """End a claimed message that is not wanted, as no failure; False when the claim is lost."""
    values = {"payload": {}, "last_error": reason}
    return await leases.settle(session, message, WorkState.CANCELLED, **values)


async def park_message(
    session: AsyncSession,
    message: OutboxMessage,
    *,
    reason: str,
    error: str,
    uncertain_since: datetime | None,
) -> bool:
    """Set a claimed message aside until `resume_parked`; False when the claim is lost."""
    values = {"park_reason": reason, "last_error": error, "uncertain_since": uncertain_since}
    return await leases.settle(session, message, WorkState.PARKED, **values)


async def resume_parked(
    session: AsyncSession,
    *,
    now: datetime,
    reason: str | None = None,
    guild_id: int | None = None,
    channel_id: int | None = None,
) -> int:
    """Make parked messages that match due now; return how many."""
    values = {"guild_id": guild_id, "channel_id": channel_id, "park_reason": reason}
    filters = leases.matching(OutboxMessage, **values)
    return await leases.resume(session, OutboxMessage, *filters, now=now)


async def cancel_message(session: AsyncSession, dedupe_key: str) -> bool:
    """Cancel the message with that key; False when there is none that has not ended."""
    key = OutboxMessage.dedupe_key == dedupe_key
    return await leases.cancel(session, OutboxMessage, key, payload={}) == 1


async def cancel_waiting(session: AsyncSession, dedupe_keys: Collection[str]) -> set[str]:
    """Cancel those of the messages that have not begun to be delivered; return their keys."""
    statement = (
        update(OutboxMessage)
        .where(
            OutboxMessage.dedupe_key.in_(dedupe_keys),
            OutboxMessage.state.in_((WorkState.PENDING, WorkState.PARKED)),
            # After an attempt without an answer it may have been seen.
            OutboxMessage.uncertain_since.is_(None),
        )
        .values(state=WorkState.CANCELLED, payload={})
        .returning(OutboxMessage.dedupe_key)
        .execution_options(synchronize_session=False)
    )
    return set(await session.scalars(statement))


async def hush_messages(
    session: AsyncSession, channel_id: int, *, users: Collection[int], roles: Collection[int]
) -> tuple[set[int], set[int]]:
    """Have messages to be sent in a channel call none of these people and roles.

    Returns those of them whom messages call that may be sent already.
    """
    query = select(OutboxMessage).where(
        OutboxMessage.channel_id == channel_id,
        OutboxMessage.kind == SENDING_KINDS[0],
        OutboxMessage.state.in_(leases.OPEN_STATES),
    )
    unwanted, late = {"users": set(users), "roles": set(roles)}, (set[int](), set[int]())
    for row in await session.scalars(query.with_for_update()):
        allowed = row.payload.get("allowed_mentions") or {}
        called = {kind: {int(one) for one in allowed.get(kind) or ()} for kind in unwanted}
        wrong = [called[kind] & ids for kind, ids in unwanted.items()]
        if not any(wrong):
            continue
        if row.state == WorkState.RUNNING or row.uncertain_since is not None:
            late[0].update(wrong[0])
            late[1].update(wrong[1])
            continue
        left = {
            kind: [str(one) for one in sorted(called[kind] - ids)] for kind, ids in unwanted.items()
        }
        row.payload = row.payload | {"allowed_mentions": allowed | left}
    return late


async def suspend_messages(session: AsyncSession, *, guild_id: int) -> int:
    """Set all that waits to be delivered in a guild aside; return how many."""
    statement = update(OutboxMessage).where(
        OutboxMessage.guild_id == guild_id, OutboxMessage.state.in_(leases.OPEN_STATES)
    )
    unclaimed = {"lease_owner": None, "lease_until": None, "park_reason": None}
    values = {"state": WorkState.SUSPENDED, "attempts": 0, **unclaimed}
    return await count_changed(session, statement.values(**values))


async def take_up_messages(
    session: AsyncSession, *, guild_id: int, since: datetime, now: datetime
) -> int:
    """Have a guild's suspended messages delivered, but for those added earlier; return how many."""
    await cancel_suspended_messages(session, before=since, guild_id=guild_id)
    statement = update(OutboxMessage).where(
        OutboxMessage.guild_id == guild_id, OutboxMessage.state == WorkState.SUSPENDED
    )
    due = case((OutboxMessage.due_at > now, OutboxMessage.due_at), else_=now)
    return await count_changed(session, statement.values(state=WorkState.PENDING, due_at=due))


async def cancel_suspended_messages(
    session: AsyncSession, *, before: datetime, guild_id: int | None = None
) -> int:
    """Cancel suspended messages, of one guild or all, added before an instant; return how many."""
    filters = leases.matching(OutboxMessage, guild_id=guild_id, state=WorkState.SUSPENDED)
    is_old = OutboxMessage.created_at < before
    return await leases.cancel(session, OutboxMessage, is_old, *filters, payload={})


async def get_next_due(session: AsyncSession, shards: Shards | None = None) -> datetime | None:
    """Return when a message of these shards can next be claimed, or None when none is open."""
    filters = leases.is_of_shards(OutboxMessage, shards)
    return await leases.get_next_due(session, OutboxMessage, _is_first(), *filters)


async def list_taken_ids(
    session: AsyncSession, channel_id: int | None, message_ids: Collection[int]
) -> set[int]:
    """Return those of the Discord messages that some row is already known to have sent."""
    query = select(OutboxMessage.message_id).where(
        OutboxMessage.message_id.in_(message_ids),
        OutboxMessage.state == WorkState.SENT,
        OutboxMessage.kind.in_(SENDING_KINDS),
        OutboxMessage.channel_id == channel_id,
    )
    return {taken for taken in await session.scalars(query) if taken is not None}


async def get_backlog(session: AsyncSession, now: datetime) -> Backlog:
    """Return how many messages wait, are under way or failed.

    Since when the oldest is due counts only those that could be claimed.
    """
    return await leases.get_backlog(session, OutboxMessage, now, _is_first())


async def delete_finished_messages(session: AsyncSession, before: datetime) -> int:
    """Delete messages added before an instant that have been settled; return how many."""
    return await leases.delete_settled(session, OutboxMessage, OutboxMessage.created_at < before)


def nonce_of(dedupe_key: str) -> str:
    """Return the nonce of a message: 24 characters that depend on its key alone.

    Discord takes up to 25 and, when told to enforce them, answers a repeat with the first message.
    """
    digest = hashlib.sha256(dedupe_key.encode()).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


@cache
def _is_first() -> ColumnElement[bool]:
    before = aliased(OutboxMessage)
    place = or_(
        before.channel_id == OutboxMessage.channel_id,
        and_(
            before.channel_id.is_(None),
            OutboxMessage.channel_id.is_(None),
            before.user_id == OutboxMessage.user_id,
        ),
    )
    related = or_(
        _Subject(before.dedupe_key) == _Subject(OutboxMessage.dedupe_key),
        before.dedupe_key == OutboxMessage.target_key,
        before.target_key == OutboxMessage.target_key,
        before.message_id == OutboxMessage.message_id,
    )
    open_before = exists().where(
        before.id < OutboxMessage.id, before.state.in_(leases.OPEN_STATES), place, related
    )
    return ~open_before


class _Subject(Function[str]):
    """What stands before the first colon of a key, or nothing where there is none."""

    inherit_cache = True

    def __init__(self, key: ColumnElement[str] | InstrumentedAttribute[str]) -> None:
        super().__init__("subject_of", key, type_=String())


@compiles(_Subject, "sqlite")
def _subject_on_sqlite(element: _Subject, compiler: SQLCompiler, **options: Any) -> str:
    key = compiler.process(element.clauses, **options)
    return f"substr({key}, 1, instr({key}, ':'))"


@compiles(_Subject, "postgresql")
def _subject_on_postgresql(element: _Subject, compiler: SQLCompiler, **options: Any) -> str:
    key = compiler.process(element.clauses, **options)
    return f"left({key}, strpos({key}, ':'))"
