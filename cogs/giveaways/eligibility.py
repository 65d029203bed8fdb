"""Who may enter a giveaway and with how many entries, and whom a draw passes over. Pure.

All that stands in somebody's way is named at once, with what would change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.contracts import BotState
from bot.core.durations import Span
from bot.core.i18n import Message, _, ngettext
from cogs.giveaways.mentions import roles
from cogs.giveaways.plan import AnyBonus, Requirements

# Why a draw passes somebody over: the words that a winner's row and the proof hold.
LEFT, BLOCKED, ROLES, ERASED = "left", "blocked", "roles", "erased"
TIME, LEVEL, MESSAGES = "time in the server", "level", "messages"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What the guild has set for all its giveaways."""

    blocked_roles: frozenset[int] = frozenset()
    bypass_roles: frozenset[int] = frozenset()
    min_account_age: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of somebody who wants to enter.

    `joined_at` is `None` where Discord does not say; then their time in the guild begins now.
    `messages` are those since the giveaway began. `deleted_roles` are those of the giveaway
    that are not there any more.
    """

    role_ids: frozenset[int]
    created_at: datetime
    joined_at: datetime | None = None
    level: int = 0
    messages: int = 0
    is_blocked: bool = False
    deleted_roles: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What somebody who is drawn has now; `joined_at` is `None` where Discord does not say."""

    role_ids: frozenset[int]
    joined_at: datetime | None = None
    level: int = 0
    messages: int = 0


def obstacles(
    requirements: Requirements, house: House, facts: Facts, now: datetime
) -> tuple[Message, ...]:
    """Return all that keeps somebody from entering, each with what would change it."""
    barred = tuple(_barred(house, facts))
    bypass = house.bypass_roles | frozenset(requirements.bypass_roles)
    if bypass & facts.role_ids:
        return barred
    unmet = (_unmet_roles, _unmet_ages, _unmet_activity)
    found = (one for check in unmet for one in check(requirements, house, facts, now))
    return (*barred, *found)


def weight_of(bonuses: Sequence[AnyBonus], role_ids: frozenset[int], level: int = 0) -> int:
    """Return how many entries somebody has: the one that all have, and all bonuses of theirs."""
    return 1 + sum(one.entries for one in bonuses if one.holds(role_ids, level))


def reason_to_pass_over(
    requirements: Requirements,
    house: House,
    standing: Standing | None,
    now: datetime,
    *,
    is_blocked: bool = False,
) -> str | None:
    """Return why somebody who is drawn does not win, `None` when they do.

    `standing` is `None` when they have left. The age of an account can't be lost and is not asked
    again.
    """
    if standing is None:
        return LEFT
    held = standing.role_ids
    if is_blocked or house.blocked_roles & held:
        return BLOCKED
    bypass = house.bypass_roles | frozenset(requirements.bypass_roles)
    if bypass & held:
        return None
    if not _has_roles(requirements, held):
        return ROLES
    return _what_was_lost(requirements, standing, now)


def deleted_roles(requirements: Requirements, state: BotState, guild_id: int) -> frozenset[int]:
    """Return which of the roles that are asked for were deleted; none while nothing is known."""
    if state.guild(guild_id) is None:
        return frozenset()
    needed = {*requirements.any_roles, *requirements.all_roles}
    return frozenset(one for one in needed if state.role(guild_id, one) is None)


def is_shut(requirements: Requirements, deleted: frozenset[int]) -> bool:
    """Tell whether nobody can have the roles that are asked for, since those were deleted."""
    one_of = frozenset(requirements.any_roles)
    return bool(deleted.intersection(requirements.all_roles) or (one_of and one_of <= deleted))


def without_deleted(requirements: Requirements, deleted: frozenset[int]) -> Requirements:
    """Return what can still be asked of those who have entered.

    Nobody loses a role by having it deleted. Where it was one of several they may have entered with
    that one, so none of those is asked for.
    """
    one_of = requirements.any_roles
    return replace(
        requirements,
        all_roles=tuple(one for one in requirements.all_roles if one not in deleted),
        any_roles=() if deleted.intersection(one_of) else one_of,
    )


def _what_was_lost(requirements: Requirements, standing: Standing, now: datetime) -> str | None:
    """Return which requirement besides roles somebody does not meet any more."""
    stay, since = requirements.time_in_guild, standing.joined_at
    if stay is not None and since is not None and since + stay > now:
        # They left and came back.
        return TIME
    if standing.level < (requirements.level or 0):
        return LEVEL
    return MESSAGES if standing.messages < (requirements.messages or 0) else None


def _has_roles(requirements: Requirements, role_ids: frozenset[int]) -> bool:
    wanted, unwanted = frozenset(requirements.all_roles), frozenset(requirements.no_roles)
    one_of = frozenset(requirements.any_roles)
    return (
        wanted <= role_ids and not unwanted & role_ids and (not one_of or bool(one_of & role_ids))
    )


def _barred(house: House, facts: Facts) -> Iterator[Message]:
    if facts.is_blocked:
        yield _(
            "You are blocked from the giveaways of this server. If you think that is a mistake, "
            "talk to its staff."
        )
    if held := sorted(house.blocked_roles & facts.role_ids):
        yield _(
            "Whoever has {roles} can't enter giveaways here. If you should not have it, talk to "
            "the staff.",
            roles=roles(held, either=True),
        )


def _unmet_roles(
    requirements: Requirements, _house: House, facts: Facts, _now: datetime
) -> Iterator[Message]:
    held, deleted = facts.role_ids, facts.deleted_roles
    one_of = [one for one in requirements.any_roles if one not in deleted]
    if one_of and held.isdisjoint(requirements.any_roles):
        yield ngettext(
            "You need the role {roles}.",
            "You need one of these roles: {roles}.",
            len(one_of),
            roles=roles(one_of, either=True),
        )
    if missing := [one for one in requirements.all_roles if one not in held | deleted]:
        yield ngettext(
            "You need this role: {roles}.",
            "You need all of these roles: {roles}.",
            len(missing),
            roles=roles(missing),
        )
    if is_shut(requirements, deleted):
        yield _(
            "It asks for a role that was deleted, so nobody can enter until its host has chosen "
            "the roles anew."
        )
    if too_many := [one for one in requirements.no_roles if one in held]:
        yield ngettext(
            "You can't enter while you have the role {roles}.",
            "You can't enter while you have any of these roles: {roles}.",
            len(too_many),
            roles=roles(too_many),
        )


def _unmet_ages(
    requirements: Requirements, house: House, facts: Facts, now: datetime
) -> Iterator[Message]:
    age = max(requirements.account_age or timedelta(), house.min_account_age)
    if (old_enough := facts.created_at + age) > now:
        yield _(
            "Your account has to be {age} old; it will be on {when}.",
            age=Span(age),
            when=_moment(old_enough, now),
        )
    stay = requirements.time_in_guild or timedelta()
    if (long_enough := (facts.joined_at or now) + stay) > now:
        yield _(
            "You have to have been in this server for {time}; you will have been on {when}.",
            time=Span(stay),
            when=_moment(long_enough, now),
        )


def _unmet_activity(
    requirements: Requirements, _house: House, facts: Facts, _now: datetime
) -> Iterator[Message]:
    if (level := requirements.level) is not None and facts.level < level:
        yield _(
            "You need level {level}; you are at level {yours}. Talk along to rise.",
            level=level,
            yours=facts.level,
        )
    if (wanted := requirements.messages) is not None and facts.messages < wanted:
        yield _too_few(wanted, facts.messages, requirements.messages_since)


def _too_few(wanted: int, yours: int, since: datetime | None) -> Message:
    if since is None:
        return ngettext(
            "You need {count} message written here since the giveaway began; you have {yours}.",
            "You need {count} messages written here since the giveaway began; you have {yours}.",
            wanted,
            yours=yours,
        )
    return ngettext(
        "You need {count} message written here since {when}; you have {yours}.",
        "You need {count} messages written here since {when}; you have {yours}.",
        wanted,
        when=f"<t:{int(since.timestamp())}:f>",
        yours=yours,
    )


def _moment(when: datetime, now: datetime) -> str:
    """Return a timestamp as Discord shows it: the day, and the time where it is near.

    A second is added: what is left of one would show a moment that is too early.
    """
    style = "f" if when - now < timedelta(days=2) else "D"
    return f"<t:{int(when.timestamp()) + 1}:{style}>"
