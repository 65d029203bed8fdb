"""Thresholds of warn points: how they are written, and which one a warning reaches. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.core.cases.rules import NEED_DURATION
from bot.core.cases.values import CaseKind
from bot.core.durations import parse_duration
from bot.core.errors import InvalidInput
from bot.core.i18n import _

MOST_POINTS = 1000

_KINDS = {
    CaseKind.TIMEOUT: "timeout aislar aislamiento",
    CaseKind.MUTE: "mute silenciar silencio",
    CaseKind.KICK: "kick expulsar expulsión",
    CaseKind.TEMPBAN: "tempban",
    CaseKind.BAN: "ban banear baneo",
}
_BY_WORD = {word: kind for kind, words in _KINDS.items() for word in words.split()}
_LINE = re.compile(r"(\d{1,4})\s*[:=]?\s*([a-zñó]+)\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Threshold:
    """What follows when a member's points reach a number; without a duration it is for good."""

    points: int
    kind: CaseKind
    duration: timedelta | None = None


def read_threshold(line: str) -> Threshold:
    """Return the threshold that a line such as "5 timeout 1h" names; raises `InvalidInput`."""
    found = _LINE.fullmatch(line.strip().casefold())
    kind = _BY_WORD.get(found[2]) if found else None
    if found is None or kind is None or not 0 < int(found[1]) <= MOST_POINTS:
        raise InvalidInput(
            _("“{line}” is no threshold.", line=line.strip()[:60]),
            hint=_("Write for example 3 timeout 1h, 5 mute 1 day, 8 kick or 10 ban."),
        )
    duration = parse_duration(found[3], minimum=timedelta(minutes=1)) if found[3].strip() else None
    if kind is CaseKind.KICK and duration is not None:
        raise InvalidInput(_("A kick has no duration."))
    if kind in NEED_DURATION and duration is None:
        raise InvalidInput(
            _("“{line}” needs a duration, for example 1h or 7 days.", line=line.strip()[:60])
        )
    if kind is CaseKind.BAN and duration is not None:
        kind = CaseKind.TEMPBAN
    return Threshold(int(found[1]), kind, duration)


def read_thresholds(lines: Iterable[str]) -> tuple[Threshold, ...]:
    """Return the thresholds, lowest first; raises `InvalidInput` for two with the same points."""
    found = sorted((read_threshold(line) for line in lines), key=lambda one: one.points)
    points = [one.points for one in found]
    for first, second in itertools.pairwise(points):
        if first == second:
            raise InvalidInput(_("Two thresholds have {points} points.", points=first))
    return tuple(found)


def reached(thresholds: Sequence[Threshold], before: int, after: int) -> Threshold | None:
    """Return the highest threshold that lies above `before` and not above `after`."""
    crossed = [one for one in thresholds if before < one.points <= after]
    return max(crossed, key=lambda one: one.points, default=None)
