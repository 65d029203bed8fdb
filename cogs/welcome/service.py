"""Carries out what the rules decide about joins and departures; free of discord.py.

Each decision and its messages are one transaction, in which the visit's row takes its state:
whoever loses that race, or repeats an event, says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from weakref import WeakValueDictionary

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.jobs import Job, JobService, Retry
from bot.core.settings import SettingsStore
from cogs.welcome.announcer import Announcer
from cogs.welcome.rules import (
    Arrival,
    Kind,
    Person,
    State,
    Visit,
    decide_arrival,
    digest_due,
    gets_private_message,
    greet_or_gather,
    greeting_hold,
    is_departure_told,
    is_digest_stale,
    is_greeted,
    private_hold,
    visit_key,
)
from cogs.welcome.screening import DOUBTFUL_WAIT, MOST_WAITING, Screening
from cogs.welcome.settings import WelcomeSettings
from cogs.welcome.visits import (
    count_departures,
    count_recent,
    end_stay,
    past_of,
    record,
)
from db import welcome as table
from db.engine import Database

KEY = "welcome"
DIGEST_JOB = "welcome.digest"

_GUILD_PAUSE = timedelta(seconds=10)

_Transaction = tuple[AsyncSession, WelcomeSettings] | tuple[None, None]


class WelcomeService:
    """Greets, gathers and says goodbye; one per process, for all guilds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        jobs: JobService,
        announcer: Announcer,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._announcer = announcer
        self._screening = Screening(clock)
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def start(self) -> None:
        """Take up the work of earlier runs: jobs, and members who have yet to pass screening."""
        self._announcer.start()
        self._jobs.register(DIGEST_JOB, self.post_digest)
        since = self._clock.now() - DOUBTFUL_WAIT
        async with self._database.read() as session:
            waiting = await table.list_waiting(
                session, state=State.SCREENING, since=since, limit=MOST_WAITING
            )
        self._screening.restore(waiting)

    def note_arrival(self, guild_id: int, user_id: int, *, pending: bool) -> None:
        """Take note of a join at once, before any news that may follow on its heels."""
        self._screening.end(guild_id, user_id)
        if pending:
            self._screening.begin(guild_id, user_id)

    def is_screening(self, guild_id: int, user_id: int) -> bool:
        """Tell whether this member has yet to pass screening; asks memory alone."""
        return self._screening.is_waiting(guild_id, user_id)

    def doubt_screening(self) -> None:
        """Say that news may have been missed, such as that of somebody who passed screening."""
        self._screening.doubt()

    async def member_joined(self, arrival: Arrival) -> None:
        """Greet, gather, wait or drop, as the rules decide; once for each join."""
        async with self._transaction(arrival.guild_id) as (session, settings):
            if session is None or settings is None:
                return
            if arrival.pending:
                arrival = self._look_again(arrival)
            now = self._clock.now()
            past = await past_of(session, arrival, settings, now)
            decision = decide_arrival(settings, arrival, past, now)
            visit = Visit(
                arrival.guild_id,
                arrival.person,
                arrival.joined_at,
                past.kind,
                arrival.member_count,
            )
            if await record(session, visit, decision.state, now):
                await self._carry_out(session, settings, visit, decision.state, past.recent)

    async def screening_passed(self, guild_id: int, person: Person) -> None:
        """Greet or gather a member who waited; once, however often it is reported."""
        async with self._transaction(guild_id) as (session, settings):
            self._screening.end(guild_id, person.id)
            if session is None or settings is None:
                return
            now = self._clock.now()
            recent, since_digest = await count_recent(session, guild_id, settings, now)
            state = greet_or_gather(settings, recent=recent, since_digest=since_digest).state
            row = await table.claim_visit(
                session, guild_id, person.id, expected=State.SCREENING, state=state, now=now
            )
            if row is None:
                self._screening.note_passed(guild_id, person.id)
                return
            visit = Visit(guild_id, person, row.joined_at, Kind(row.kind))
            await self._carry_out(session, settings, visit, state, recent)

    async def member_left(
        self, guild_id: int, person: Person, member_count: int | None = None
    ) -> None:
        """Take back what was not yet said to the person, and say goodbye if that is wanted."""
        async with self._transaction(guild_id) as (session, settings):
            self._screening.end(guild_id, person.id)
            if session is None or settings is None:
                return
            now = self._clock.now()
            recent = await count_departures(session, guild_id, now - settings.raid_window)
            ended = await end_stay(session, guild_id, person, now)
            if ended is None:
                return
            was_spared = await self._announcer.retract(session, ended.visit)
            was_seen = ended.was_seen and not was_spared
            if is_departure_told(settings, was_seen=was_seen, is_bot=person.is_bot, recent=recent):
                goodbye = replace(ended.visit, kind=Kind.LEAVE, member_count=member_count)
                await self._announcer.announce(session, settings, goodbye)

    async def post_digest(self, job: Job, session: AsyncSession) -> None:
        """Announce all who were gathered in a guild with one message; handles `DIGEST_JOB`."""
        guild_id = job.payload["guild_id"]
        settings = await self._active_settings(guild_id)
        now = self._clock.now()
        if settings is None or is_digest_stale(settings, job.due_at, now):
            return
        guild = self._announcer.guild(guild_id)
        if guild is None:
            raise Retry(_GUILD_PAUSE, "the guild is not there")
        await table.lock_guild(session, guild_id)
        rows = await table.claim_visits(
            session, guild_id, expected=State.GATHERED, state=State.GREETED
        )
        names = [row.name for row in rows if not is_digest_stale(settings, row.decided_at, now)]
        if names and settings.join_enabled:
            await self._announcer.announce_all(session, settings, guild, names, job.dedupe_key)

    async def _active_settings(self, guild_id: int) -> WelcomeSettings | None:
        state = await self._settings.get(guild_id, KEY)
        return state.settings if state.enabled else None

    @asynccontextmanager
    async def _transaction(self, guild_id: int) -> AsyncIterator[_Transaction]:
        """A transaction that no other about the guild overlaps; no session while switched off.

        The lock in memory keeps the order of the events and the connections free; the one in the
        database holds for all processes.
        """
        turn = self._turns.setdefault(guild_id, asyncio.Lock())
        async with turn:
            settings = await self._active_settings(guild_id)
            if settings is None:
                yield None, None
                return
            async with self._database.write() as session:
                await table.lock_guild(session, guild_id)
                yield session, settings

    def _look_again(self, arrival: Arrival) -> Arrival:
        """Return the arrival as it stands now: screening may have been passed meanwhile."""
        guild_id, user_id = arrival.guild_id, arrival.person.id
        if self._screening.take_passed(guild_id, user_id):
            return replace(arrival, pending=False)
        self._screening.begin(guild_id, user_id)
        return arrival

    async def _carry_out(
        self,
        session: AsyncSession,
        settings: WelcomeSettings,
        visit: Visit,
        state: State,
        recent: int,
    ) -> None:
        if state is State.GREETED:
            await self._greet(session, settings, visit, recent)
        elif state is State.GATHERED:
            await self._gather(session, settings, visit.guild_id)

    async def _greet(
        self, session: AsyncSession, settings: WelcomeSettings, visit: Visit, recent: int
    ) -> None:
        if is_greeted(settings, visit.kind):
            hold = greeting_hold(settings, recent, self._clock.now())
            await self._announcer.announce(session, settings, visit, hold)
        if gets_private_message(settings, visit.kind) and not visit.person.is_bot:
            hold = private_hold(settings, recent)
            await self._announcer.write_to(session, settings, visit, hold)

    async def _gather(
        self, session: AsyncSession, settings: WelcomeSettings, guild_id: int
    ) -> None:
        """Have a digest posted; whoever's greeting still waits is named there instead."""
        now = self._clock.now()
        rows = await table.list_visits(
            session, guild_id, state=State.GREETED, since=now - settings.raid_window
        )
        keys = {
            visit_key(row.kind, guild_id, row.user_id, row.joined_at): row.user_id for row in rows
        }
        taken_back = await self._announcer.take_back(session, keys)
        await table.move_visits(
            session,
            guild_id,
            [keys[key] for key in taken_back],
            expected=State.GREETED,
            state=State.GATHERED,
        )
        due_at = digest_due(settings, now)
        await self._jobs.schedule(
            session,
            DIGEST_JOB,
            due_at,
            {"guild_id": guild_id},
            dedupe_key=f"{DIGEST_JOB}:{guild_id}:{round(due_at.timestamp())}",
            guild_id=guild_id,
            replace=False,
        )
