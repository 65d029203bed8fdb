"""What counts as a deed of staff, when there are too many of them, and which roles go. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any

from bot.core.cases.values import Case, CaseKind
from bot.core.contracts import MemberFacts, RoleSummary
from bot.core.power import DESTRUCTIVE
from bot.core.preflight import Action, Refusal, can_act

# https://discord.com/developers/docs/reference#snowflakes
_DISCORD_EPOCH_MS = 1_420_070_400_000
_DANGEROUS_BITS = sum(DESTRUCTIVE.values())


class DeedKind(StrEnum):
    """What is counted."""

    BAN = "ban"
    KICK = "kick"
    CHANNEL_DELETE = "channel_delete"
    ROLE_DELETE = "role_delete"
    CHANNEL_CREATE = "channel_create"
    ROLE_CREATE = "role_create"
    WEBHOOK_CREATE = "webhook_create"
    # Of a dangerous permission: to a role, or of a role that has one to a member.
    GRANT = "grant"
    BOT_ADD = "bot_add"


class AuditAction(IntEnum):
    """The actions that are counted.

    https://discord.com/developers/docs/resources/audit-log#audit-log-entry-object-audit-log-events
    """

    CHANNEL_CREATE = 10
    CHANNEL_DELETE = 12
    MEMBER_KICK = 20
    MEMBER_PRUNE = 21
    MEMBER_BAN_ADD = 22
    MEMBER_ROLE_UPDATE = 25
    BOT_ADD = 28
    ROLE_CREATE = 30
    ROLE_UPDATE = 31
    ROLE_DELETE = 32
    WEBHOOK_CREATE = 50


_PLAIN = {
    AuditAction.CHANNEL_CREATE: DeedKind.CHANNEL_CREATE,
    AuditAction.CHANNEL_DELETE: DeedKind.CHANNEL_DELETE,
    AuditAction.MEMBER_KICK: DeedKind.KICK,
    AuditAction.MEMBER_PRUNE: DeedKind.KICK,
    AuditAction.MEMBER_BAN_ADD: DeedKind.BAN,
    AuditAction.BOT_ADD: DeedKind.BOT_ADD,
    AuditAction.ROLE_CREATE: DeedKind.ROLE_CREATE,
    AuditAction.ROLE_DELETE: DeedKind.ROLE_DELETE,
    AuditAction.WEBHOOK_CREATE: DeedKind.WEBHOOK_CREATE,
}
_CASES = {
    CaseKind.KICK: DeedKind.KICK,
    CaseKind.SOFTBAN: DeedKind.KICK,
    CaseKind.BAN: DeedKind.BAN,
    CaseKind.TEMPBAN: DeedKind.BAN,
}
# What staff order through the bot; what they do in Discord itself comes by the audit log.
_ORDERED = frozenset({"command", "web"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """Something that somebody did, `weight` times at once; the key is another for each."""

    key: str
    guild_id: int
    user_id: int
    kind: DeedKind
    at: datetime
    weight: int = 1
    target_id: int | None = None
    target_name: str | None = None


@dataclass(frozen=True, slots=True)
class RolePlan:
    """A dangerous role of somebody, and why it can't be taken from them, if it can't."""

    role: RoleSummary
    refusal: Refusal | None = None


def read_entry(payload: Mapping[str, Any], dangerous_roles: Collection[int]) -> tuple[Deed, ...]:
    """Return what an audit log entry counts as, which may be nothing.

    `dangerous_roles` are the guild's roles that have a dangerous permission now.
    """
    if not payload.get("user_id"):
        return ()
    return tuple(_deed(payload, kind) for kind in _kinds(payload, dangerous_roles))


def _kinds(payload: Mapping[str, Any], dangerous_roles: Collection[int]) -> Iterator[DeedKind]:
    action = payload["action_type"]
    changes = {one["key"]: one for one in payload.get("changes") or ()}
    if (kind := _PLAIN.get(action)) is not None:
        yield kind
    if action == AuditAction.MEMBER_ROLE_UPDATE:
        if not _role_ids(changes.get("$add")).isdisjoint(dangerous_roles):
            yield DeedKind.GRANT
    elif action in (AuditAction.ROLE_CREATE, AuditAction.ROLE_UPDATE):
        change = changes.get("permissions") or {}
        new, old = int(change.get("new_value") or 0), int(change.get("old_value") or 0)
        if new & ~old & _DANGEROUS_BITS:
            yield DeedKind.GRANT


def _deed(payload: Mapping[str, Any], kind: DeedKind) -> Deed:
    entry_id, target_id = int(payload["id"]), payload.get("target_id")
    pruned = (payload.get("options") or {}).get("members_removed")
    return Deed(
        key=f"audit:{entry_id}:{kind}",
        guild_id=int(payload["guild_id"]),
        user_id=int(payload["user_id"]),
        kind=kind,
        at=instant_of(entry_id),
        weight=max(int(pruned), 1) if pruned else 1,
        target_id=int(target_id) if target_id else None,
        target_name=_name_in(payload),
    )


def _name_in(payload: Mapping[str, Any]) -> str | None:
    for change in payload.get("changes") or ():
        if change["key"] == "name":
            return str(change.get("old_value") or change.get("new_value") or "")[:100] or None
    return None


def _role_ids(change: Mapping[str, Any] | None) -> frozenset[int]:
    return frozenset(int(role["id"]) for role in (change or {}).get("new_value") or ())


def instant_of(snowflake: int) -> datetime:
    """Return when Discord made the thing with this id."""
    return datetime.fromtimestamp(((snowflake >> 22) + _DISCORD_EPOCH_MS) / 1000, tz=UTC)


def read_case(case: Case) -> Deed | None:
    """Return what a case that staff ordered through the bot counts as, `None` for nothing.

    What a second person has approved is no deed of one alone.
    """
    kind = _CASES.get(case.kind)
    ordered = case.source in _ORDERED and case.moderator_id
    if kind is None or not ordered or case.details.get("approval"):
        return None
    return Deed(
        key=f"case:{case.id}",
        guild_id=case.guild_id,
        user_id=case.moderator_id,
        kind=kind,
        at=case.created_at,
        target_id=case.target.id or None,
        target_name=case.target.name[:100] or None,
    )


def exceeded(counts: Mapping[str, int], limits: Mapping[str, int]) -> tuple[DeedKind, ...]:
    """Return of which kinds there are more than their limits allow; a limit of 0 is none."""
    return tuple(kind for kind in DeedKind if 0 < limits.get(kind, 0) < counts.get(kind, 0))


def window_start(deeds: Sequence[Deed], window: timedelta) -> datetime:
    """Return after which instant deeds count together with these, by Discord's own clock."""
    return max(one.at for one in deeds) - window


def is_dangerous(role: RoleSummary) -> bool:
    """Tell whether a guild can be taken apart with a role."""
    return not role.permissions.isdisjoint(DESTRUCTIVE)


def plan_roles(
    held: Collection[int], roles: Sequence[RoleSummary], bot: MemberFacts
) -> tuple[RolePlan, ...]:
    """Return somebody's dangerous roles, the highest first, and which of them the bot can't take.

    `held` are the roles that they have, `roles` those of the guild.
    """
    found = sorted(
        (one for one in roles if one.id in held and is_dangerous(one)),
        key=lambda one: (-one.position, one.id),
    )
    return tuple(RolePlan(one, _refusal(one, bot)) for one in found)


def _refusal(role: RoleSummary, bot: MemberFacts) -> Refusal | None:
    # Whom it is taken from does not matter: only ranks of roles are compared.
    return can_act(Action.REMOVE_ROLE, bot=bot, target=bot, role=role)
