"""The audit log as the kernel sees it: an entry in the caller's transaction, news of it afterwards.

What was not committed was not done, so nobody hears of it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event as orm_event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from bot.core.clock import Clock
from bot.core.config.sections import RetentionConfig
from bot.core.contracts import Actor
from bot.core.events import Event, EventBus
from bot.core.supervisor import TaskSupervisor
from db.audit import (
    AuditCategory,
    AuditEntry,
    add_audit_entry,
    delete_entries_before,
    shorten_addresses_before,
)

_WAITING = "pegasus_audit_entries"
LONGEST_USER_AGENT = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecorded(Event):
    """An action was recorded in the audit log and committed; `guild_id` is `None` for none."""

    id: uuid.UUID
    actor: Actor
    guild_id: int | None
    action: str
    category: str
    details: Mapping[str, Any] = field(default_factory=dict)


_News = tuple[AuditEntry, AuditRecorded]


class AuditLog:
    """Records who did what."""

    def __init__(self, clock: Clock, bus: EventBus, supervisor: TaskSupervisor) -> None:
        self._clock = clock
        self._bus = bus
        self._supervisor = supervisor

    async def record(  # noqa: PLR0917 - who, where, what, of which kind: the order of a sentence
        self,
        session: AsyncSession,
        actor: Actor,
        guild_id: int | None,
        action: str,
        category: AuditCategory,
        details: Mapping[str, Any] | None = None,
        *,
        target_id: int | None = None,
    ) -> None:
        """Add an entry to the session's transaction; `AuditRecorded` is published when it commits.

        `details` must be plain JSON values and hold no secret. `target_id` is the person to whom
        it was done, the only one whom they may name.
        """
        now = self._clock.now()
        entry = await add_audit_entry(
            session,
            user_id=actor.user_id,
            guild_id=guild_id,
            target_id=target_id,
            action=action,
            category=category,
            details=dict(details or {}),
            ip=actor.ip,
            user_agent=actor.user_agent[:LONGEST_USER_AGENT] if actor.user_agent else None,
            now=now,
        )
        news = AuditRecorded(
            at=now,
            id=entry.id,
            actor=actor,
            guild_id=guild_id,
            action=action,
            category=category,
            details=details or {},
        )
        self._waiting(session.sync_session).append((entry, news))

    def _waiting(self, session: Session) -> list[_News]:
        """The session's news that its next commit sets free."""
        waiting: list[_News] | None = session.info.get(_WAITING)
        if waiting is None:
            waiting = session.info[_WAITING] = []
            orm_event.listen(session, "after_commit", self._publish)
        return waiting

    def _publish(self, session: Session) -> None:
        # The event is also sent for a savepoint, after which everything may still be undone.
        if session.in_nested_transaction():
            return
        waiting = self._waiting(session)
        # An entry that was rolled back, alone or with its savepoint, has left the session.
        committed = [news for entry, news in waiting if entry in session]
        waiting.clear()
        for news in committed:
            self._supervisor.spawn("audit news", self._bus.publish(news))


async def purge_audit(session: AsyncSession, now: datetime, retention: RetentionConfig) -> int:
    """Shorten old addresses to their network and delete older entries; return how many."""
    full_until = now - timedelta(days=retention.audit_ip_days)
    while await shorten_addresses_before(session, full_until):
        # Each call does a bounded number of addresses.
        continue
    return await delete_entries_before(session, now - timedelta(days=retention.audit_days))
