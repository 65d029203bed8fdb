"""When joins are a raid, and who of those that joined looks like a part of it. Pure.

Joins are counted in a window of bounded size, so that a flood costs no more than a trickle.
"""

from __future__ import annotations

import unicodedata
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

# More joins than this in one window are a raid whatever is set.
MOST_WATCHED = 500
# New accounts and look-alikes are counted over this many windows: they may come slowly.
LONGER = 4
# As many alike are no chance any more.
ALIKE = 3
# A name of fewer letters says nothing about who gave it.
_SHORTEST_STEM = 3
_LONGEST_STEM = 12


class Trigger(StrEnum):
    """What made joins a raid."""

    RATE = "rate"
    FRESH = "fresh"
    ALIKE = "alike"
    STAFF = "staff"


class Mark(StrEnum):
    """What speaks against someone who joined."""

    NEW_ACCOUNT = "new_account"
    NO_AVATAR = "no_avatar"
    SIMILAR_NAME = "similar_name"
    SAME_AVATAR = "same_avatar"
    SAME_AGE = "same_age"


WEIGHTS = {
    Mark.NEW_ACCOUNT: 2,
    Mark.NO_AVATAR: 1,
    Mark.SIMILAR_NAME: 2,
    Mark.SAME_AVATAR: 3,
    Mark.SAME_AGE: 1,
}
# From here on somebody is taken for a part of the raid.
SUSPICIOUS = 3


@dataclass(frozen=True, slots=True)
class Joiner:
    """Someone who joined, as the gateway tells of them; `avatar` is the picture's hash."""

    user_id: int
    name: str
    avatar: str | None
    created_at: datetime
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """From how many joins on, in what time, it is a raid.

    `share` is the percentage of new accounts and such without a picture at which fewer joins are
    enough, 0 for never. An account is new while it is younger than `minimum_age`.
    """

    joins: int
    window: timedelta
    share: int
    minimum_age: timedelta

    @property
    def few(self) -> int:
        """How many joins are enough where something else speaks for a raid, too."""
        return max(ALIKE, (self.joins + 1) // 2)


@dataclass(frozen=True, slots=True)
class Finding:
    """Joins that are a raid; the joiners are those in view, oldest first."""

    trigger: Trigger
    joiners: tuple[Joiner, ...]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What speaks against someone; `score` is the sum of its weights."""

    joiner: Joiner
    marks: tuple[Mark, ...]

    @property
    def score(self) -> int:
        """The sum of the marks' weights, from 0 on."""
        return sum(WEIGHTS[mark] for mark in self.marks)

    @property
    def is_suspicious(self) -> bool:
        """Whether this is taken for a part of the raid."""
        return self.score >= SUSPICIOUS


class JoinWatch:
    """The latest joins of one guild: at most `MOST_WATCHED`, with what many of them share."""

    __slots__ = ("_alike", "_ids", "_joiners", "_plain")

    def __init__(self) -> None:
        self._joiners: deque[Joiner] = deque()
        self._ids: set[int] = set()
        self._alike: Counter[str] = Counter()
        # How many are new accounts or have no picture, by the limits at their join.
        self._plain: deque[bool] = deque()

    def __len__(self) -> int:
        return len(self._joiners)

    def observe(self, joiner: Joiner, limits: Limits) -> Finding | None:
        """Count a join and tell what it makes of the latest ones; the same person counts once."""
        now = joiner.joined_at
        self._forget_before(now - limits.window * LONGER)
        if joiner.user_id not in self._ids:
            self._add(joiner, limits)
        trigger = self._judge(now, limits)
        return Finding(trigger, tuple(self._joiners)) if trigger else None

    def clear(self) -> None:
        """Forget all joins, so that they don't count again."""
        self._joiners.clear()
        self._ids.clear()
        self._plain.clear()
        self._alike.clear()

    def _judge(self, now: datetime, limits: Limits) -> Trigger | None:
        since = now - limits.window
        recent = sum(1 for one in self._joiners if one.joined_at > since)
        if recent >= min(limits.joins, MOST_WATCHED):
            return Trigger.RATE
        total = len(self._joiners)
        if total < limits.few:
            return None
        if limits.share and sum(self._plain) * 100 >= limits.share * total:
            return Trigger.FRESH
        alike = max(self._alike.values(), default=0)
        return Trigger.ALIKE if alike >= limits.few else None

    def _add(self, joiner: Joiner, limits: Limits) -> None:
        if len(self._joiners) >= MOST_WATCHED:
            self._drop_oldest()
        self._joiners.append(joiner)
        self._ids.add(joiner.user_id)
        self._plain.append(is_new(joiner, limits.minimum_age) or joiner.avatar is None)
        self._alike.update(_traits(joiner))

    def _forget_before(self, since: datetime) -> None:
        while self._joiners and self._joiners[0].joined_at <= since:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        gone = self._joiners.popleft()
        self._ids.discard(gone.user_id)
        self._plain.popleft()
        for trait in _traits(gone):
            if self._alike[trait] <= 1:
                del self._alike[trait]
            else:
                self._alike[trait] -= 1


def is_new(joiner: Joiner, minimum_age: timedelta) -> bool:
    """Return whether the account was younger than that when it joined."""
    return joiner.joined_at - joiner.created_at < minimum_age


def suspect(joiners: Sequence[Joiner], minimum_age: timedelta) -> list[Suspicion]:
    """Return what speaks against each of them, in their order; they are judged by each other."""
    names = Counter(filter(None, (stem_of(one.name) for one in joiners)))
    pictures = Counter(one.avatar for one in joiners if one.avatar)
    days = Counter(one.created_at.date() for one in joiners)
    return [
        Suspicion(one, tuple(_marks(one, minimum_age, names, pictures, days))) for one in joiners
    ]


def _marks(
    joiner: Joiner,
    minimum_age: timedelta,
    names: Counter[str],
    pictures: Counter[str],
    days: Counter[date],
) -> Iterable[Mark]:
    if is_new(joiner, minimum_age):
        yield Mark.NEW_ACCOUNT
    if joiner.avatar is None:
        yield Mark.NO_AVATAR
    if names[stem_of(joiner.name)] >= ALIKE:
        yield Mark.SIMILAR_NAME
    if joiner.avatar and pictures[joiner.avatar] >= ALIKE:
        yield Mark.SAME_AVATAR
    if days[joiner.created_at.date()] >= ALIKE:
        yield Mark.SAME_AGE


def stem_of(name: str) -> str:
    """Return what numbered names have in common: `Raider_07` and `raider 12` are `raider`.

    Empty for a name that has too few letters to tell.
    """
    folded = unicodedata.normalize("NFKC", name[:64]).casefold()
    letters = "".join(one for one in folded if one.isalpha())[:_LONGEST_STEM]
    return letters if len(letters) >= _SHORTEST_STEM else ""


def _traits(joiner: Joiner) -> list[str]:
    stem = stem_of(joiner.name)
    traits = [f"name:{stem}"] if stem else []
    return [*traits, f"avatar:{joiner.avatar}"] if joiner.avatar else traits
