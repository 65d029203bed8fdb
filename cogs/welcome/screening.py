"""Remembers who has yet to pass membership screening, as far as this process can know.

Discord only says how a member is now. That someone has just passed is known of those alone who
were heard of while they had not; memory answers, since every member's update asks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core.clock import Clock

# How long somebody who was heard of all along is waited for.
LONGEST_WAIT = timedelta(days=60)
# And somebody of whom news may have been missed: their next update may be about anything.
DOUBTFUL_WAIT = timedelta(hours=1)
MOST_WAITING = 50_000
MOST_PASSED = 1_000

_Member = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Wait:
    since: datetime
    is_certain: bool


class Screening:
    """The members who are waited for, and those who passed before their join was handled."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: OrderedDict[_Member, _Wait] = OrderedDict()
        self._passed: OrderedDict[_Member, None] = OrderedDict()

    def begin(self, guild_id: int, user_id: int) -> None:
        """Wait for someone who has joined just now; the longest waits give way to new ones."""
        self._wait_for((guild_id, user_id), _Wait(self._clock.now(), is_certain=True))

    def restore(self, waiting: Iterable[tuple[int, int, datetime]]) -> None:
        """Wait for those whom an earlier run waited for: guild id, user id and when they joined."""
        for guild_id, user_id, joined_at in waiting:
            self._wait_for((guild_id, user_id), _Wait(joined_at, is_certain=False))

    def doubt(self) -> None:
        """Take it that news of everyone may have been missed, as when a new session begins."""
        for member, wait in self._waiting.items():
            self._waiting[member] = replace(wait, is_certain=False)

    def is_waiting(self, guild_id: int, user_id: int) -> bool:
        """Tell whether this member's passing would be news."""
        wait = self._waiting.get((guild_id, user_id))
        if wait is None:
            return False
        longest = LONGEST_WAIT if wait.is_certain else DOUBTFUL_WAIT
        return self._clock.now() - wait.since < longest

    def end(self, guild_id: int, user_id: int) -> None:
        """Forget all about a member: they passed, left, or join anew."""
        self._waiting.pop((guild_id, user_id), None)
        self._passed.pop((guild_id, user_id), None)

    def note_passed(self, guild_id: int, user_id: int) -> None:
        """Keep it for a join that is yet to be handled."""
        self._passed[guild_id, user_id] = None
        if len(self._passed) > MOST_PASSED:
            self._passed.popitem(last=False)

    def take_passed(self, guild_id: int, user_id: int) -> bool:
        """Tell whether someone whose join is handled now has passed already; once."""
        return self._passed.pop((guild_id, user_id), self) is None

    def _wait_for(self, member: _Member, wait: _Wait) -> None:
        self._waiting[member] = wait
        self._waiting.move_to_end(member)
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popitem(last=False)
