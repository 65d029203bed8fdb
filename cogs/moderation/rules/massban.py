"""Whom a mass ban takes, and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.cases.values import Case, CaseState
from bot.core.cases.wording import failure_words
from bot.core.errors import AppError
from bot.core.i18n import Message


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody who may be banned; one who is no member has neither `joined_at` nor a name."""

    id: int
    name: str = ""
    joined_at: datetime | None = None
    created_at: datetime | None = None
    has_avatar: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BanFilter:
    """Which of those who were named are taken; members only, where it asks about members."""

    joined_within: timedelta | None = None
    account_younger_than: timedelta | None = None
    without_avatar: bool = False

    def takes(self, one: Candidate, now: datetime) -> bool:
        """Tell whether a candidate fits; what is not known of them does not."""
        if self.joined_within is not None and (
            one.joined_at is None or one.joined_at < now - self.joined_within
        ):
            return False
        if self.account_younger_than is not None and (
            one.created_at is None or one.created_at < now - self.account_younger_than
        ):
            return False
        return not (self.without_avatar and one.has_avatar)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How a mass ban ended: how many are banned or still being banned, and who was not and why."""

    banned: int
    waiting: int
    failed: tuple[tuple[int, Message], ...]


def sum_up(ids: Sequence[int], results: Sequence[Case | AppError]) -> Outcomes:
    """Return how it ended, from what came of each order."""
    banned = waiting = 0
    failed: list[tuple[int, Message]] = []
    for who, result in zip(ids, results, strict=True):
        if isinstance(result, AppError):
            failed.append((who, result.message))
        elif result.state is CaseState.FAILED:
            failed.append((who, failure_words(result.failure)))
        elif result.state is CaseState.PLANNED:
            waiting += 1
        else:
            banned += 1
    return Outcomes(banned, waiting, tuple(failed))
