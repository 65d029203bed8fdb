"""What `check` found: one thing each, in words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.core.i18n import Message


class Level(StrEnum):
    """How much a finding matters: a problem keeps the bot from running as configured.

    What is unknown could not be looked at.
    """

    FINE = "fine"
    UNKNOWN = "unknown"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, in words; a problem says what to do about it."""

    level: Level
    message: Message

    @property
    def is_problem(self) -> bool:
        """Whether the bot can't run as configured because of this."""
        return self.level is Level.PROBLEM

    def __str__(self) -> str:
        return f"{self.level.value + ':':9}{self.message}"
