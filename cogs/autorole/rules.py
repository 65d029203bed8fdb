"""Which roles somebody gets by themselves, and from when on. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.contracts import RoleSummary
from bot.core.power import is_powerful

if TYPE_CHECKING:
    from cogs.autorole.settings import AutoroleSettings, JoinRole

# What Discord's verification levels hold members without a role to, as far as it can be waited
# for: https://discord.com/developers/docs/resources/guild#guild-object-verification-level
_MEDIUM, _HIGH = 2, 3
_ACCOUNT_WAIT, _MEMBER_WAIT = timedelta(minutes=5), timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A member as join roles see one; `role_ids` are the roles that they have."""

    guild_id: int
    user_id: int
    joined_at: datetime
    created_at: datetime
    is_bot: bool = False
    pending: bool = False
    role_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Gift:
    """A role that is to be given, not before an instant nor, if so, before screening is passed."""

    role_id: int
    not_before: datetime
    after_screening: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody gets, and which join roles wait for which other role of theirs."""

    gifts: tuple[Gift, ...] = ()
    waits: tuple[tuple[int, int], ...] = ()


def decide(roles: Iterable[JoinRole], newcomer: Newcomer, *, level: int, now: datetime) -> Decision:
    """Return what a member gets of the join roles; `level` is the guild's verification level.

    Roles that they have already are left out.
    """
    gifts, waits = [], []
    for one in roles:
        if one.role_id in newcomer.role_ids or not is_for(one, is_bot=newcomer.is_bot):
            continue
        if one.after_role_id is not None and one.after_role_id not in newcomer.role_ids:
            waits.append((one.role_id, one.after_role_id))
        else:
            gifts.append(gift_of(one, newcomer, level=level, now=now))
    return Decision(tuple(gifts), tuple(waits))


def is_for(one: JoinRole, *, is_bot: bool) -> bool:
    """Return whether a join role is for bots, or for people, as asked."""
    return one.recipients == "everyone" or (one.recipients == "bots") == is_bot


def gift_of(one: JoinRole, newcomer: Newcomer, *, level: int, now: datetime) -> Gift:
    """Return when a member gets a join role that is for them."""
    joined, created = newcomer.joined_at + one.delay, newcomer.created_at + one.account_age
    if not one.after_screening:
        return Gift(one.role_id, max(now, joined, created), after_screening=False)
    gated = gated_gift(one.role_id, newcomer, level=level, now=now)
    return replace(gated, not_before=max(gated.not_before, joined, created))


def gated_gift(role_id: int, newcomer: Newcomer, *, level: int, now: datetime) -> Gift:
    """Return when a member can have a role without getting past what the guild asks of them.

    Discord holds no member who has a role to the verification level, so the role waits as long as
    the level has people wait. Bots are held to neither.
    """
    instants = [now]
    if level >= _MEDIUM and not newcomer.is_bot:
        instants.append(newcomer.created_at + _ACCOUNT_WAIT)
    if level >= _HIGH and not newcomer.is_bot:
        instants.append(newcomer.joined_at + _MEMBER_WAIT)
    screened = newcomer.pending and not newcomer.is_bot
    return Gift(role_id, max(instants), after_screening=screened)


def may_be_given(one: JoinRole, role: RoleSummary) -> bool:
    """Return whether a join role is harmless, or somebody has agreed to what it allows."""
    return one.trusted or not is_powerful(role)


def kept_roles(
    had: Iterable[int],
    roles: Mapping[int, RoleSummary],
    *,
    denied: Collection[int],
    allowed: Collection[int],
    muted: int | None,
) -> frozenset[int]:
    """Return which of the roles that somebody had they are given back.

    Roles that are gone or belong to an integration can't be; those with rights of staff are only
    where they are allowed by name, and the mute role, which cases give and take, never is.
    """
    return frozenset(
        role_id
        for role_id in had
        if (role := roles.get(role_id)) is not None
        and not role.managed
        and role_id not in denied
        and role_id != muted
        and (role_id in allowed or not is_powerful(role))
    )


def unlocked(member: Newcomer, settings: AutoroleSettings) -> bool:
    """Return whether a member has a role that a join role may have waited for."""
    return any(one.after_role_id in member.role_ids for one in settings.join_roles)
