"""What the jobs' service and their handlers say to each other: a job, its outcomes, its events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.backoff import Backoff
from bot.core.events import Event
from bot.core.jobs.recurrence import Recurrence
from bot.core.work import WorkSnapshot


class Park(Exception):
    """Set the job aside until `resume_parked`: something has to be put right by people first.

    `reason` is a short word that the one who resumes knows too, such as a permission's name.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Retry(Exception):
    """Try the job again after a while; it does not count as a failed attempt."""

    def __init__(self, after: timedelta, reason: str = "not ready yet") -> None:
        self.after = after
        super().__init__(reason)


class LeaseLost(Exception):
    """The job was cancelled, replaced or taken over meanwhile; nothing of the handler remains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as its handler sees it; `attempt` counts from 1."""

    id: int
    kind: str
    dedupe_key: str
    guild_id: int | None
    payload: Mapping[str, Any]
    due_at: datetime
    attempt: int
    created_at: datetime
    recurrence: Recurrence | None = None


# Returns when to run again, or None when the job is done.
Handler = Callable[[Job, AsyncSession], Awaitable[datetime | None]]
# What an effect leaves to be stored with the end of the job; it returns what a handler returns.
Finish = Callable[[AsyncSession], Awaitable[datetime | None]]
Effect = Callable[[Job], Awaitable[Finish | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobParked(Event):
    """A job waits for people to put something right."""

    job: Job
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(Event):
    """A job was given up, or this occurrence of one that repeats."""

    job: Job
    error: str


@dataclass(frozen=True, slots=True)
class JobsSnapshot(WorkSnapshot):
    """How the jobs stand; `runs` counts this process's runs by kind and outcome.

    `durations` holds by kind how many of them there were and how many seconds they took together.
    """

    runs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    durations: Mapping[str, tuple[int, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """What a kind of job does, and how often it is tried."""

    handler: Handler | None
    effect: Effect | None
    timeout: timedelta
    max_attempts: int
    backoff: Backoff
    outlasts_absence: bool = False
