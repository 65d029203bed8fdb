"""The audit log: who did what, where, and through which door."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Index,
    String,
    Text,
    Uuid,
    and_,
    case,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import NOBODY, Base, Erasure, Json, Snowflake, UtcDateTime, person
from db.statements import count_changed

# The kinds of actions, by which the log can be filtered.
AuditCategory = Literal["login", "moderation", "permissions", "settings", "system", "user_action"]
# What was done stays on record for the guild; by whom, from where and with what words does not.
_PSEUDONYMISE = Erasure(replacement=NOBODY, clears=("details", "ip", "user_agent"))
_FORGET_TARGET = Erasure(clears=("details",))


class AuditEntry(Base):
    """One recorded action; `user_id` 0 is nobody in particular, `guild_id` 0 no guild.

    `target_id` is the person to whom it was done; `details` may name nobody else.
    """

    __tablename__ = "audit_logs"
    __table_args__ = (
        Index(None, "created_at", "id"),
        Index(None, "guild_id", "created_at"),
        Index(None, "user_id", "created_at"),
        Index(None, "target_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[int] = mapped_column(Snowflake, info=person(_PSEUDONYMISE))
    target_id: Mapped[int | None] = mapped_column(Snowflake, info=person(_FORGET_TARGET))
    guild_id: Mapped[int] = mapped_column(Snowflake)
    action: Mapped[str] = mapped_column(String(100))
    category: Mapped[str] = mapped_column(String(50))
    details: Mapped[dict[str, Any]] = mapped_column(Json)
    ip: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class AuditCursor:
    """A place in the log, newest first: everything after it is older."""

    created_at: datetime
    id: uuid.UUID | None = None

    @classmethod
    def parse(cls, text: str) -> AuditCursor:
        """Read what `str()` wrote, or a bare ISO 8601 instant (UTC when it names no zone).

        Raises `ValueError` for anything else, an instant that UTC has no date for included.
        """
        instant, _, identity = text.partition("_")
        created_at = datetime.fromisoformat(instant)
        if created_at.tzinfo is None:
            created_at = created_at.replace(tzinfo=UTC)
        try:
            created_at = created_at.astimezone(UTC)
        except OverflowError as error:
            raise ValueError(f"{instant!r} is outside the years 1 to 9999 in UTC") from error
        return cls(created_at, uuid.UUID(identity) if identity else None)

    @classmethod
    def of(cls, entry: AuditEntry) -> AuditCursor:
        """Return the place right after an entry."""
        return cls(entry.created_at, entry.id)

    def __str__(self) -> str:
        instant = self.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return instant if self.id is None else f"{instant}_{self.id}"


async def add_audit_entry(
    session: AsyncSession,
    *,
    user_id: int,
    action: str,
    category: AuditCategory,
    now: datetime,
    guild_id: int | None = None,
    target_id: int | None = None,
    details: dict[str, Any] | None = None,
    ip: str | None = None,
    user_agent: str | None = None,
) -> AuditEntry:
    """Record an action and return the entry; belongs in the transaction of the action."""
    entry = AuditEntry(
        id=uuid.uuid4(),
        user_id=user_id,
        guild_id=guild_id or NOBODY,
        target_id=target_id,
        action=action,
        category=category,
        details=details or {},
        ip=ip,
        user_agent=user_agent,
        created_at=now,
    )
    session.add(entry)
    await session.flush()
    return entry


async def list_audit_entries(
    session: AsyncSession,
    *,
    limit: int = 50,
    before: AuditCursor | None = None,
    since: datetime | None = None,
    guild_id: int | None = None,
    user_id: int | None = None,
    action: str | None = None,
    category: str | None = None,
) -> Sequence[AuditEntry]:
    """Return entries, newest first, that match every filter given; those of `since` count."""
    wanted = {"guild_id": guild_id, "user_id": user_id, "action": action, "category": category}
    query = select(AuditEntry).where(
        *(getattr(AuditEntry, name) == value for name, value in wanted.items() if value is not None)
    )
    if before is not None:
        query = query.where(_older_than(before))
    if since is not None:
        query = query.where(AuditEntry.created_at >= since)
    query = query.order_by(AuditEntry.created_at.desc(), AuditEntry.id.desc()).limit(limit)
    return (await session.scalars(query)).all()


async def delete_entries_before(session: AsyncSession, before: datetime) -> int:
    """Delete entries older than an instant; return how many."""
    return await count_changed(session, delete(AuditEntry).where(AuditEntry.created_at < before))


async def shorten_addresses_before(
    session: AsyncSession, before: datetime, *, limit: int = 500
) -> int:
    """Keep only the network of IP addresses, and no user agent, in entries before an instant.

    IPv4 keeps 24 bits and IPv6 48. At most `limit` different addresses are done in one call;
    returns how many were, so that the caller goes on until it is 0.
    """
    old = AuditEntry.created_at < before
    whole = AuditEntry.ip.not_like("%/%")
    query = select(AuditEntry.ip).where(old, whole).distinct().limit(limit)
    addresses = [address for address in await session.scalars(query) if address is not None]
    if addresses:
        networks = case(
            {address: _network_of(address) for address in addresses}, value=AuditEntry.ip
        )
        some = update(AuditEntry).where(old, AuditEntry.ip.in_(addresses))
        await count_changed(session, some.values(ip=networks))
    agents = update(AuditEntry).where(old, AuditEntry.user_agent.is_not(None))
    await count_changed(session, agents.values(user_agent=None))
    return len(addresses)


def _network_of(address: str) -> str | None:
    try:
        bits = 24 if ip_address(address).version == 4 else 48
    except ValueError:
        return None
    return str(ip_network(f"{address}/{bits}", strict=False))


def _older_than(cursor: AuditCursor) -> ColumnElement[bool]:
    older = AuditEntry.created_at < cursor.created_at
    if cursor.id is None:
        return older
    return or_(older, and_(AuditEntry.created_at == cursor.created_at, AuditEntry.id < cursor.id))
