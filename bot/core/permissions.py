"""Grants: an admin hands the management of one feature, or of all, to one member.

They add to what Discord's own roles allow; who may grant is up to the caller.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.core.contracts import Actor
from bot.core.errors import NotFound
from bot.core.i18n import _
from db.permissions import grant_permission, list_permissions, revoke_permission

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.features import FeatureRegistry
    from db.engine import Database

EVERY_FEATURE = "*"
_PREFIX = "manage:"
# For so many seconds another process may not have heard of a change.
REMEMBERED_SECONDS = 10.0
MOST_REMEMBERED = 10_000

Decisions = Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Grant:
    """A member's right to manage a feature, or every one for "*"."""

    user_id: int
    feature: str
    granted_by: int | None
    granted_at: datetime


class PermissionService:
    """Grants, revokes and answers who manages what, from memory for ten seconds after asking."""

    def __init__(
        self, database: Database, clock: Clock, registry: FeatureRegistry, audit: AuditLog
    ) -> None:
        self._database = database
        self._clock = clock
        self._registry = registry
        self._audit = audit
        self._remembered: OrderedDict[tuple[int, int], tuple[float, Decisions]] = OrderedDict()
        # Counts changes, so that nothing is remembered that was read before one.
        self._changes = 0

    async def has(self, guild_id: int, user_id: int, feature: str) -> bool:
        """Tell whether the member was granted the feature, or every feature."""
        return _decide(await self._decisions(guild_id, user_id), feature)

    async def managed_features(self, guild_id: int, user_id: int) -> frozenset[str]:
        """Return the keys of all features that the member was granted."""
        decided = await self._decisions(guild_id, user_id)
        return frozenset(one.key for one in self._registry.all() if _decide(decided, one.key))

    async def grant(self, guild_id: int, user_id: int, feature: str, *, actor: Actor) -> bool:
        """Let the member manage a feature, or every one for "*"; False when they could already.

        Raises `NotFound`.
        """
        self._check(feature)
        async with self._database.write() as session:
            is_new = await grant_permission(
                session,
                guild_id=guild_id,
                user_id=user_id,
                permission=_PREFIX + feature,
                granted_by=actor.user_id,
                now=self._clock.now(),
            )
            if is_new:
                action = "permission.grant"
                await self._record(session, action, guild_id, user_id, feature, actor=actor)
        self._forget(guild_id, user_id)
        return is_new

    async def revoke(self, guild_id: int, user_id: int, feature: str, *, actor: Actor) -> None:
        """Take a grant back; raises `NotFound` when there is none."""
        async with self._database.write() as session:
            permission = _PREFIX + feature
            if not await revoke_permission(
                session, guild_id=guild_id, user_id=user_id, permission=permission
            ):
                raise NotFound(
                    _("That member was not granted this."),
                    hint=_("Look at /permissions list to see who was granted what."),
                )
            action = "permission.revoke"
            await self._record(session, action, guild_id, user_id, feature, actor=actor)
        self._forget(guild_id, user_id)

    async def _record(
        self,
        session: AsyncSession,
        action: str,
        guild_id: int,
        user_id: int,
        feature: str,
        *,
        actor: Actor,
    ) -> None:
        await self._audit.record(
            session,
            actor=actor,
            action=action,
            category="permissions",
            guild_id=guild_id,
            details={"user_id": str(user_id), "feature": feature},
            target_id=user_id,
        )

    async def list(self, guild_id: int) -> tuple[Grant, ...]:
        """Return every grant of a guild, by member and feature."""
        async with self._database.read() as session:
            rows = await list_permissions(session, guild_id)
        return tuple(
            Grant(row.user_id, row.permission.removeprefix(_PREFIX), row.granted_by, row.granted_at)
            for row in rows
            if row.allowed and row.permission.startswith(_PREFIX)
        )

    async def _decisions(self, guild_id: int, user_id: int) -> Decisions:
        now = self._clock.monotonic()
        known = self._remembered.get((guild_id, user_id))
        if known is not None and known[0] > now:
            return known[1]
        changes = self._changes
        async with self._database.read() as session:
            rows = await list_permissions(session, guild_id, user_id=user_id)
        decided = {row.permission: row.allowed for row in rows}
        if changes == self._changes:
            self._remembered[guild_id, user_id] = (now + REMEMBERED_SECONDS, decided)
            self._remembered.move_to_end((guild_id, user_id))
            if len(self._remembered) > MOST_REMEMBERED:
                self._remembered.popitem(last=False)
        return decided

    def _forget(self, guild_id: int, user_id: int) -> None:
        self._changes += 1
        self._remembered.pop((guild_id, user_id), None)

    def _check(self, feature: str) -> None:
        if feature != EVERY_FEATURE:
            self._registry.get(feature)


def _decide(decided: Decisions, feature: str) -> bool:
    """What was decided about the feature itself goes before what was decided about all."""
    return decided.get(_PREFIX + feature, decided.get(_PREFIX + EVERY_FEATURE, False))
