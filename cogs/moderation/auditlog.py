"""Reads what somebody did to a member out of an entry of Discord's audit log. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from bot.core.cases.values import CaseKind


class AuditAction(IntEnum):
    """The actions that are about one member.

    https://discord.com/developers/docs/resources/audit-log#audit-log-entry-object-audit-log-events
    """

    MEMBER_KICK = 20
    MEMBER_BAN_ADD = 22
    MEMBER_BAN_REMOVE = 23
    MEMBER_UPDATE = 24
    MEMBER_ROLE_UPDATE = 25


_WHOLE = {
    AuditAction.MEMBER_KICK: CaseKind.KICK,
    AuditAction.MEMBER_BAN_ADD: CaseKind.BAN,
    AuditAction.MEMBER_BAN_REMOVE: CaseKind.UNBAN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeDeed:
    """Something done to a member in Discord itself; `until` is the end of a timeout."""

    entry_id: int
    guild_id: int
    moderator_id: int
    target_id: int
    kind: CaseKind
    reason: str | None = None
    until: datetime | None = None


def read_entry(payload: Mapping[str, Any], mute_role_id: int | None) -> NativeDeed | None:
    """Return what an entry says was done to a member, `None` when that makes no case."""
    if not payload.get("user_id") or not payload.get("target_id"):
        return None
    found = _deed(payload, mute_role_id)
    if found is None:
        return None
    kind, until = found
    return NativeDeed(
        entry_id=int(payload["id"]),
        guild_id=int(payload["guild_id"]),
        moderator_id=int(payload["user_id"]),
        target_id=int(payload["target_id"]),
        kind=kind,
        reason=payload.get("reason"),
        until=until,
    )


def _deed(
    payload: Mapping[str, Any], mute_role_id: int | None
) -> tuple[CaseKind, datetime | None] | None:
    action = payload["action_type"]
    changes = {one["key"]: one for one in payload.get("changes") or ()}
    if (kind := _WHOLE.get(action)) is not None:
        return kind, None
    if action == AuditAction.MEMBER_UPDATE:
        return _timeout(changes.get("communication_disabled_until"))
    if action == AuditAction.MEMBER_ROLE_UPDATE and mute_role_id is not None:
        if mute_role_id in _role_ids(changes.get("$add")):
            return CaseKind.MUTE, None
        if mute_role_id in _role_ids(changes.get("$remove")):
            return CaseKind.UNMUTE, None
    return None


def _timeout(change: Mapping[str, Any] | None) -> tuple[CaseKind, datetime | None] | None:
    if change is None:
        return None
    if until := change.get("new_value"):
        return CaseKind.TIMEOUT, datetime.fromisoformat(until)
    return CaseKind.UNTIMEOUT, None


def _role_ids(change: Mapping[str, Any] | None) -> Sequence[int]:
    return [int(role["id"]) for role in (change or {}).get("new_value") or ()]
