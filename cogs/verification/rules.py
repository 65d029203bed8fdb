"""Decides who may try, who has to pause, who is reminded or removed, and when; pure.

The time and all chance are arguments.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from cogs.verification.questions import read_questions

if TYPE_CHECKING:
    from bot.core.contracts import BotState
    from cogs.verification.settings import VerificationSettings

# Questions in a row, answered or not, before somebody pauses: each picture costs work to draw.
MOST_ASKED = 12
# How long a question can be answered.
PATIENCE = timedelta(minutes=10)
# Reminders mention people: so many of a guild at most within the window, the rest later.
MOST_REMINDERS = 20
REMINDER_WINDOW = timedelta(minutes=10)
# When somebody whom time is up for can't be removed yet, or waits for staff.
LATER = timedelta(hours=1)
# What members can do who are no newcomers, whatever roles they lack.
_STAFF = frozenset({"administrator", "manage_guild", "manage_roles", "kick_members", "ban_members"})


class State(StrEnum):
    """How far somebody is."""

    WAITING = "waiting"
    # Staff decide on what they answered.
    REVIEW = "review"
    PASSED = "passed"
    KICKING = "kicking"
    KICKED = "kicked"
    LEFT = "left"


OVER = frozenset({State.PASSED, State.KICKED, State.LEFT})


@dataclass(frozen=True, slots=True)
class Applicant:
    """Somebody at the gate, as Discord shows them at this moment."""

    guild_id: int
    user_id: int
    name: str
    role_ids: frozenset[int] = frozenset()
    pending: bool = False
    is_bot: bool = False
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How far somebody is: the part of their row that is decided on."""

    state: State
    round: int
    attempts: int = 0
    asked: int = 0
    locked_until: datetime | None = None

    def is_locked(self, now: datetime) -> bool:
        """Whether they have to pause."""
        return self.locked_until is not None and self.locked_until > now

    @property
    def was_turned_down(self) -> bool:
        """Whether a pause follows from what staff decided: one for many attempts forgets these."""
        return self.locked_until is not None and self.asked > 0


class StepKind(StrEnum):
    """What time brings to somebody who does not verify."""

    REMIND = "remind"
    KICK = "kick"


@dataclass(frozen=True, slots=True)
class Step:
    """What is due next, and when."""

    kind: StepKind
    at: datetime


def round_at(now: datetime) -> int:
    """Return the number of a round that begins now: milliseconds since the epoch."""
    return int(now.timestamp() * 1000)


def is_verified(settings: VerificationSettings, role_ids: Collection[int]) -> bool:
    """Tell by the roles alone; where no role is chosen nobody is."""
    given, taken = settings.verified_role_id, settings.unverified_role_id
    if given is None and taken is None:
        return False
    return (given is None or given in role_ids) and (taken is None or taken not in role_ids)


def has_role_to_change(settings: VerificationSettings, state: BotState, guild_id: int) -> bool:
    """Tell whether there is a role that passing changes; one that is gone is none."""
    role_id = settings.verified_role_id or settings.unverified_role_id
    return role_id is not None and state.role(guild_id, role_id) is not None


def can_judge_forms(settings: VerificationSettings) -> bool:
    """Tell whether there are questions, and a place for staff to judge what only they can."""
    questions = read_questions(settings.questions)
    needs_staff = settings.staff_review or not all(one.accepted for one in questions)
    return bool(questions) and (settings.log_channel_id is not None or not needs_staff)


def is_open(settings: VerificationSettings, state: BotState, guild_id: int) -> bool:
    """Tell whether anybody can pass at all; while nobody can, time does nothing to anybody."""
    is_judged = settings.method != "form" or can_judge_forms(settings)
    return is_judged and has_role_to_change(settings, state, guild_id)


def at_the_gate(standing: Standing, now: datetime) -> Standing:
    """Return the standing of somebody who comes to the gate now.

    Who is through, was removed or left begins a new round; a pause that is over is forgotten. Wrong
    answers and a pause stay with who leaves and comes back.
    """
    if standing.state in OVER:
        standing = replace(standing, state=State.WAITING, round=round_at(now))
    if standing.locked_until is not None and not standing.is_locked(now):
        standing = replace(standing, attempts=0, asked=0, locked_until=None)
    return standing


def after_question(
    settings: VerificationSettings, standing: Standing, now: datetime
) -> tuple[Standing, bool]:
    """Return the standing after one more question, and whether it may be asked."""
    if standing.asked >= MOST_ASKED:
        return _pausing(settings, standing, now), False
    return replace(standing, asked=standing.asked + 1), True


def after_wrong_answer(
    settings: VerificationSettings, standing: Standing, now: datetime
) -> Standing:
    """Return the standing after a wrong answer, the last of which begins a pause."""
    standing = replace(standing, attempts=standing.attempts + 1)
    if standing.attempts >= settings.attempts:
        return _pausing(settings, standing, now)
    return standing


def _pausing(settings: VerificationSettings, standing: Standing, now: datetime) -> Standing:
    return replace(standing, attempts=0, asked=0, locked_until=now + settings.cooldown)


def after_passing(standing: Standing) -> Standing:
    """Return the standing of somebody who has passed."""
    return replace(standing, state=State.PASSED, attempts=0, asked=0, locked_until=None)


def after_refusal(settings: VerificationSettings, standing: Standing, now: datetime) -> Standing:
    """Return the standing of somebody whose answers staff have turned down."""
    return replace(
        standing,
        state=State.WAITING,
        asked=max(standing.asked, 1),
        locked_until=now + settings.cooldown,
    )


def next_step(
    settings: VerificationSettings, joined_at: datetime | None, reminded_at: datetime | None
) -> Step | None:
    """Return what time brings next to somebody who waits since they joined.

    Somebody is reminded before they are removed, and has at least the time between the two to do
    something about it, however late the reminder was.
    """
    if joined_at is None:
        return None
    remind, kick = settings.remind_after, settings.kick_deadline
    if settings.channel_id is None or (kick is not None and remind is not None and remind >= kick):
        remind = None
    if remind is not None and reminded_at is None:
        return Step(StepKind.REMIND, joined_at + remind)
    if kick is None:
        return None
    kick_at = joined_at + kick
    if remind is not None and reminded_at is not None:
        kick_at = max(kick_at, reminded_at + (kick - remind))
    return Step(StepKind.KICK, kick_at)


def is_staff(permissions: Collection[str]) -> bool:
    """Tell whether somebody is trusted with more than newcomers are: time does nothing to them."""
    return not _STAFF.isdisjoint(permissions)
