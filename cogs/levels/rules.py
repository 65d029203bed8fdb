"""What experience is worth and what it takes: curves, shares, similarity, rewards. Pure."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.errors import InvalidInput
from bot.core.i18n import _
from cogs.levels.describing import Number

if TYPE_CHECKING:
    from cogs.levels.settings import Reward

# A number that every reader of JSON holds exactly; no total goes beyond it.
MOST_XP = 2**53 - 1
# What the column of levels holds.
HIGHEST_LEVEL = 2**31 - 1
# Roles, channels and boosts together.
MOST_FACTOR = 2000
_TABLE = 400
# What is compared of a message: the rest of a long one is no less similar for being cut.
READ = 160
_FEW_WORDS = 2
# Of fewer letters the half may be the same by chance.
_SHORT = 8
_SIGNS = "!?.,;:-*_~|()'\"`"
_SIGN_BYTES = _SIGNS.encode()
_WHOLE_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Curve:
    """The experience that the step from level L to L + 1 takes: aL² + bL + c."""

    a: int
    b: int
    c: int

    def need(self, level: int) -> int:
        """Return what the step from this level to the next takes."""
        return self.a * level * level + self.b * level + self.c

    def total(self, level: int) -> int:
        """Return all experience that a level takes from 0 on: the closed sum of `need`."""
        squares = (level - 1) * level * (2 * level - 1) // 6
        return self.a * squares + self.b * (level * (level - 1) // 2) + self.c * level

    def level_at(self, xp: int) -> int:
        """Return the level that so much experience makes, up to the highest: `total` inverted."""
        table = _totals(self)
        if xp < table[-1]:
            return bisect_right(table, xp) - 1
        return min(_search(self, xp), HIGHEST_LEVEL)


@functools.lru_cache(maxsize=16)
def _totals(curve: Curve) -> tuple[int, ...]:
    return tuple(curve.total(level) for level in range(_TABLE + 1))


def _search(curve: Curve, xp: int) -> int:
    low, high = _TABLE, 2 * _TABLE
    while curve.total(high) <= xp:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if curve.total(middle) <= xp:
            low = middle
        else:
            high = middle
    return low


# By the name that settings have for them. The first is the one that most servers know from bots
# they had before: reference values of MEE6 (level 10 takes 4675).
CURVES = {
    "standard": Curve(5, 50, 100),
    "gentle": Curve(2, 30, 75),
    "steep": Curve(10, 100, 200),
    "constant": Curve(0, 0, 1000),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far somebody is: within the level, `done` of `need`."""

    level: int
    done: int
    need: int


def progress_of(curve: Curve, xp: int) -> Progress:
    """Return how far so much experience is."""
    level = curve.level_at(xp)
    need = curve.need(level)
    # At the highest level there is more than the step would take.
    return Progress(level, min(xp - curve.total(level), need), need)


# --- shares ------------------------------------------------------------------------------------


def share(base: int, percents: Iterable[int]) -> int:
    """Return what is earned of a base under multipliers in percent, rounded down.

    Of anything that is not forbidden at least 1; together they make it at most twenty times as
    much.
    """
    factor = 100
    for percent in percents:
        factor = factor * percent // 100
    if factor <= 0 or base <= 0:
        return 0
    return max(1, base * min(factor, MOST_FACTOR) // 100)


def earned_by(each: int, minutes: int, *, full_for: int, cap: int) -> int:
    """Return what so many minutes of talking on one day have earned together, rounded down.

    The first `full_for` minutes count whole, the next as many half, then a quarter and so on;
    beyond `cap` none count.
    """
    left = max(0, min(minutes, cap, _WHOLE_DAY))
    spans = _WHOLE_DAY // full_for + 1
    # Counted in the smallest part that there is, so that halves are not lost minute by minute.
    total = 0
    for span in range(spans, -1, -1):
        part = min(left, full_for)
        total += part << span
        left -= part
    return each * total >> spans


def minute_worth(each: int, before: int, *, full_for: int, cap: int) -> int:
    """Return what the minute after so many on one day earns."""
    now = earned_by(each, before + 1, full_for=full_for, cap=cap)
    return now - earned_by(each, before, full_for=full_for, cap=cap)


# --- repeats -----------------------------------------------------------------------------------


def is_repeat(text: str, last: str, percent: int) -> bool:
    """Tell whether two texts are the same to so many percent; looks closely only where that may be.

    Give it no more than `READ` characters of each.
    """
    words, before = text.count(" ") + 1, last.count(" ") + 1
    length, other = len(text), len(last)
    if words * 100 < percent * before or before * 100 < percent * words:
        return False
    # One long word can be half of a text, and hardly more.
    if length > 2 * other or other > 2 * length:
        return False
    text, last = text.casefold(), last.casefold()
    if words > _FEW_WORDS:
        # Of two words of a text that is nearly the same one is there; which two changes with it.
        found = text.split() or [""]
        one, two = found[length % len(found)], found[length // 2 % len(found)]
        if one.strip(_SIGNS) not in last and two.strip(_SIGNS) not in last:
            return False
    else:
        text, last = text.strip(_SIGNS), last.strip(_SIGNS)
        length, other = len(text), len(last)
        if max(length, other) < _SHORT or min(length, other) * 100 < percent * max(length, other):
            return text == last
    return similarity(text, last) >= percent


def similarity(one: str, other: str) -> int:
    """Return how much of two texts is the same, in percent, whatever their case and signs.

    That is how many of their words they share; where there are hardly any words, as in languages
    that are written without spaces, how many pairs of letters.
    """
    parts, others = _parts(one), _parts(other)
    if not parts or not others:
        # Emoji and the like have no letters: what there is stands for itself.
        return 100 if one == other else 0
    shared = len(parts & others)
    return 100 * shared // (len(parts) + len(others) - shared)


def _parts(text: str) -> frozenset[bytes] | frozenset[str]:
    # As bytes, of which signs are taken away ten times as fast; all of them are ASCII.
    words = text.casefold().encode(errors="replace").translate(None, _SIGN_BYTES).split()
    if len(words) > _FEW_WORDS:
        return frozenset(words)
    letters = "".join(filter(str.isalnum, text.casefold()))
    return frozenset(letters[at : at + 2] for at in range(max(1, len(letters) - 1)) if letters)


# --- roles -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Desired:
    """The reward roles that a member is to have, and those that they are not to have."""

    wanted: frozenset[int]
    unwanted: frozenset[int]


@dataclass(frozen=True, slots=True)
class Changes:
    """The roles that a member is yet to get and to lose."""

    give: frozenset[int] = frozenset()
    take: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.give or self.take)


def desired_roles(rewards: Iterable[Reward], level: int, *, highest_only: bool) -> Desired:
    """Return which of the rewards somebody at a level is to have.

    A role that a level takes is taken whatever else gives it.
    """
    rewards = tuple(rewards)
    given = [one for one in rewards if one.action == "give"]
    reached = [one for one in given if one.level <= level]
    if highest_only and reached:
        top = max(one.level for one in reached)
        reached = [one for one in reached if one.level == top]
    taken = {one.role_id for one in rewards if one.action == "take" and one.level <= level}
    wanted = frozenset(one.role_id for one in reached) - taken
    return Desired(wanted, frozenset(one.role_id for one in given) - wanted | taken)


def changes_for(desired: Desired, held: Collection[int]) -> Changes:
    """Return what is missing between what somebody holds and what they are to have."""
    return Changes(desired.wanted.difference(held), desired.unwanted.intersection(held))


# --- what staff type ---------------------------------------------------------------------------


def parse_xp(text: str, *, zero: bool = False) -> int:
    """Return the whole number that a text says; raises `InvalidInput` in words.

    Thousands may be set apart: 1000, 1,000 and 1 000 are the same.
    """
    typed = " ".join(text.split())
    plain = _without_separators(typed)
    if plain.startswith("-") and plain[1:].isdecimal():
        raise InvalidInput(
            _("Experience can't be negative."), hint=_("Use /xp take to take some away.")
        )
    if not (plain.isascii() and plain.isdecimal()):
        raise InvalidInput(
            _("“{text}” is no whole number.", text=typed[:40]), hint=_("Write it like 250.")
        )
    # Far longer ones would take long to read.
    value = int(plain) if len(plain) <= 20 else MOST_XP + 1
    if value > MOST_XP:
        raise InvalidInput(_("That is too much: at most {most}.", most=Number(MOST_XP)))
    if value == 0 and not zero:
        raise InvalidInput(_("At least 1, please."))
    return value


def _without_separators(text: str) -> str:
    sign, digits = ("-", text[1:]) if text[:1] in ("-", "\u2212") else ("", text)
    for separator in (",", ".", " ", "\u00a0", "'"):
        parts = digits.split(separator)
        is_grouped = len(parts) > 1 and 0 < len(parts[0]) <= 3
        if is_grouped and all(len(one) == 3 for one in parts[1:]):
            return sign + "".join(parts)
    return sign + digits
