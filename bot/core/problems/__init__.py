"""Problems: what keeps a feature from doing what it is set to do, with the fix.

Found from the declarations of settings, by a feature's own `check`, or reported when Discord
refuses something. Nothing here switches a feature off.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Protocol

import structlog

from bot.core.contracts import BotState
from bot.core.events import Event, EventBus
from bot.core.message_json import message_from_json, message_to_json
from bot.core.problems.merging import without_repeats
from bot.core.problems.rules import Problem, find_problems
from bot.core.settings.model import SettingsChanged
from db.engine import is_connection_error
from db.problems import (
    Problem as ProblemRow,
)
from db.problems import (
    ProblemKey,
    claim_untold,
    has_open_problem,
    list_open_problems,
    open_problem,
    solve_problems,
)

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.features import FeatureRegistry
    from bot.core.settings import SettingsStore
    from db.engine import Database

log = structlog.get_logger(__name__)

__all__ = [
    "OpenProblem",
    "Problem",
    "ProblemFound",
    "ProblemService",
    "ProblemSolved",
    "Teller",
    "find_problems",
]

# Changes come in bursts: a role that is moved changes the rank of many.
DEBOUNCE_SECONDS = 1.0
# A problem that comes and goes is told once a day at most.
TELL_AGAIN = timedelta(days=1)
# Guilds looked at together; a bot that connects looks at all of its guilds.
BATCH = 500


@dataclass(frozen=True, slots=True)
class OpenProblem:
    """A problem on record that is not solved yet; `told_at` is when the guild's staff heard."""

    problem: Problem
    found_at: datetime
    told_at: datetime | None
    reported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFound(Event):
    """A problem was met for the first time, or again after it had been solved."""

    guild_id: int
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemSolved(Event):
    """A problem is gone."""

    guild_id: int
    problem: Problem


class Teller(Protocol):
    """Tells a guild's staff of problems; see `bot.core.problems.news`."""

    async def find_channel(self, guild_id: int) -> int | None:
        """Return the channel to tell in, or `None` while there is none."""
        ...

    async def tell(
        self, session: AsyncSession, guild_id: int, channel_id: int, problems: Sequence[Problem]
    ) -> None:
        """Send one message about the problems when the session commits."""
        ...


# Returns the problems of each of the guilds that has any, at the price of a query for all of them.
Source = Callable[[Sequence[int]], Awaitable[Mapping[int, Sequence[Problem]]]]


class ProblemService:
    """Keeps each guild's open problems on record and has each told once."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        bus: EventBus,
        registry: FeatureRegistry,
        settings: SettingsStore,
        *,
        state: Callable[[], BotState],
        intents: Collection[str] | None = None,
        teller: Teller | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._bus = bus
        self._registry = registry
        self._settings = settings
        self._state = state
        self._intents = intents
        self._teller = teller
        self._due: set[int] = set()
        self._wake = asyncio.Event()
        self._sources: list[Source] = []
        bus.subscribe(SettingsChanged, self._on_settings_changed)

    def add_source(self, source: Source) -> Callable[[], None]:
        """Also ask `source`, for what a feature keeps besides its settings; return what ends it."""
        self._sources.append(source)
        return lambda: self._sources.remove(source)

    def recheck(self, guild_id: int) -> None:
        """Have a guild looked at again soon; many calls in a row make one look."""
        self._due.add(guild_id)
        self._wake.set()

    async def run(self, debounce: float = DEBOUNCE_SECONDS) -> None:
        """Look at guilds that are due, until cancelled; `debounce` is in seconds."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(debounce)
            self._wake.clear()
            while self._due:
                await self._check_due()

    async def _check_due(self) -> None:
        """Look at some of the guilds that are due; they stay due while the database is away."""
        batch = frozenset(islice(self._due, BATCH))
        self._due -= batch
        looked = False
        try:
            if await self._fails(*batch):
                # One that always fails must not keep the others from being looked at.
                for guild_id in batch:
                    if error := await self._fails(guild_id):
                        log.error("problems_not_looked_for", guild_id=guild_id, exc_info=error)
            looked = True
        finally:
            if not looked:
                self._due |= batch

    async def _fails(self, *guild_ids: int) -> Exception | None:
        """Look at guilds and return what prevented it, unless that is the database's absence."""
        try:
            await self.check(*guild_ids)
        except Exception as error:
            if is_connection_error(error):
                raise
            return error
        return None

    async def check(self, *guild_ids: int) -> None:
        """Compare what is on record with what is found now, and tell what is new.

        Does nothing for a guild that the bot does not see: what can't be seen is not solved. A
        thousand guilds without problems cost two queries, and those of the sources.
        """
        seen = [one for one in guild_ids if self._sees(one)]
        await self._settings.warm(seen)
        kept = await self._ask_sources(seen)
        known: defaultdict[int, list[ProblemRow]] = defaultdict(list)
        for row in await self._open_rows(*seen):
            known[row.guild_id].append(row)
        for guild_id in seen:
            # It may have been left while others were looked at.
            if self._sees(guild_id):
                found = [*await self._look(guild_id), *kept.get(guild_id, ())]
                await self._compare(guild_id, known[guild_id], found)
            # With all settings in memory nothing above waits, and hundreds in one go would hold
            # up everything else.
            await asyncio.sleep(0)

    def _sees(self, guild_id: int) -> bool:
        return self._state().guild(guild_id) is not None

    async def _compare(
        self, guild_id: int, rows: Sequence[ProblemRow], problems: Iterable[Problem]
    ) -> None:
        found = {_key(guild_id, one): one for one in problems}
        known = {_key_of(row): row for row in rows}
        gone = [key for key, row in known.items() if key not in found and not row.reported]
        new = {key: one for key, one in found.items() if key not in known}
        if new or gone:
            await self._note(guild_id, new, gone)
        if found or known:
            await self.tell(guild_id)

    async def _note(
        self, guild_id: int, new: Mapping[ProblemKey, Problem], gone: Sequence[ProblemKey]
    ) -> None:
        async with self._database.write() as session:
            now = self._clock.now()
            opened = [one for key, one in new.items() if await _open(session, key, one, now)]
            solved = await solve_problems(session, gone, now=now)
        await self._publish(guild_id, opened, [_problem(row) for row in solved])

    async def find(self, guild_id: int, feature: str | None = None) -> list[Problem]:
        """Return what is wrong now, without recording it; of one feature or of all."""
        kept = (await self._ask_sources([guild_id])).get(guild_id, [])
        if feature is not None:
            kept = [one for one in kept if one.feature == feature]
        return [*await self._look(guild_id, feature), *kept]

    async def _ask_sources(self, guild_ids: Sequence[int]) -> Mapping[int, list[Problem]]:
        found: defaultdict[int, list[Problem]] = defaultdict(list)
        for source in self._sources:
            for guild_id, problems in (await source(guild_ids)).items():
                found[guild_id] += problems
        return found

    async def _look(self, guild_id: int, feature: str | None = None) -> list[Problem]:
        features = [self._registry.get(feature)] if feature else self._registry.all()
        return [
            problem
            for one in features
            for problem in find_problems(
                one,
                await self._settings.get(guild_id, one.key),
                self._state(),
                guild_id,
                self._intents,
            )
        ]

    async def report(self, guild_id: int, problem: Problem) -> None:
        """Record a problem met while working, and have it told soon unless it is known.

        Not at once: what hits one channel often hits others, and they are told in one message.
        """
        key = _key(guild_id, problem)
        async with self._database.write() as session:
            is_new = await _open(session, key, problem, self._clock.now(), reported=True)
        if is_new:
            await self._publish(guild_id, [problem], [])
            self.recheck(guild_id)

    async def solve(self, guild_id: int, feature: str, cause: str, subject: str) -> None:
        """Record that a reported problem is gone; nothing happens when it is not on record."""
        key = ProblemKey(guild_id, feature, cause, subject)
        async with self._database.read() as session:
            # Mostly it is not, and whoever asks after each success need not wait for writers.
            if not await has_open_problem(session, key):
                return
        async with self._database.write() as session:
            solved = await solve_problems(session, [key], now=self._clock.now())
        await self._publish(guild_id, [], [_problem(row) for row in solved])

    async def list(self, guild_id: int) -> list[OpenProblem]:
        """Return a guild's open problems, by feature."""
        return [
            OpenProblem(_problem(row), row.found_at, row.told_at, row.reported)
            for row in await self._open_rows(guild_id)
        ]

    async def tell(self, guild_id: int) -> None:
        """Tell open problems that nobody was told yet, all in one message."""
        if self._teller is None or (channel := await self._teller.find_channel(guild_id)) is None:
            return
        async with self._database.write() as session:
            now = self._clock.now()
            rows = await claim_untold(session, guild_id, now=now, again_after=now - TELL_AGAIN)
            if not rows:
                return
            standing = [_problem(row) for row in await list_open_problems(session, [guild_id])]
            if untold := without_repeats(map(_problem, rows), standing):
                await self._teller.tell(session, guild_id, channel, untold)

    async def _open_rows(self, *guild_ids: int) -> Sequence[ProblemRow]:
        async with self._database.read() as session:
            return await list_open_problems(session, guild_ids)

    async def _publish(
        self, guild_id: int, found: Iterable[Problem], solved: Iterable[Problem]
    ) -> None:
        at = self._clock.now()
        for one in found:
            await self._bus.publish(ProblemFound(at=at, guild_id=guild_id, problem=one))
        for one in solved:
            await self._bus.publish(ProblemSolved(at=at, guild_id=guild_id, problem=one))

    async def _on_settings_changed(self, event: SettingsChanged) -> None:
        self.recheck(event.guild_id)


def _key(guild_id: int, problem: Problem) -> ProblemKey:
    return ProblemKey(guild_id, problem.feature, problem.cause, problem.subject)


def _key_of(row: ProblemRow) -> ProblemKey:
    return ProblemKey(row.guild_id, row.feature, row.cause, row.subject)


def _problem(row: ProblemRow) -> Problem:
    return Problem(
        feature=row.feature,
        cause=row.cause,
        subject=row.subject,
        message=message_from_json(row.message),
        fix=message_from_json(row.fix),
    )


async def _open(
    session: AsyncSession,
    key: ProblemKey,
    problem: Problem,
    now: datetime,
    *,
    reported: bool = False,
) -> bool:
    return await open_problem(
        session,
        key,
        message=message_to_json(problem.message),
        fix=message_to_json(problem.fix),
        reported=reported,
        now=now,
    )
