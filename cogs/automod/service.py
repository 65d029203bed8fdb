"""Deals with what rules hit: one incident per burst, carried out once, logged once, undone whole.

An occasion is written down in one transaction, with a job that sees to all that follows should
this process die; then messages are deleted and cases ordered at once. Free of discord.py.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import DBAPIError

from bot.core.cases import CaseService
from bot.core.contracts import BotState
from bot.core.errors import NotFound
from bot.core.i18n import _
from bot.core.jobs import Job, JobService, Retry
from bot.core.outbox import OutboxService
from cogs.automod.deletions import GATHER_SECONDS, DeletionQueue, Remover, Settled
from cogs.automod.effects import Changer, Effects
from cogs.automod.execution import Executor
from cogs.automod.logbook import Logbook
from cogs.automod.parts import Parts
from cogs.automod.planning import Json, Occasion
from cogs.automod.problems import Troubles
from cogs.automod.recording import SETTLE_JOB, Count, Recorder
from cogs.automod.turns import ACTS_PER_SECOND, Pace, Turns
from cogs.automod.undoing import Undoer, Undone
from db import automod as table
from db import automod_messages as message_table
from db.engine import Database

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.problems import ProblemService
    from bot.core.settings import SettingsStore
    from bot.core.supervisor import TaskSupervisor

log = structlog.get_logger(__name__)

# What Discord has not let through by then is left as it is.
GIVE_UP = timedelta(hours=6)
MOST_WAITING = 1_000
# Between attempts to write down what happened, in seconds.
PAUSES = (0.05, 0.5, 2.0, 5.0, 10.0)


def _ignore(_first: str, _second: str) -> None:
    """Count nothing."""


class AutomodService:
    """Incidents of all guilds; one per process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        jobs: JobService,
        outbox: OutboxService,
        cases: CaseService,
        problems: ProblemService,
        supervisor: TaskSupervisor,
        state: Callable[[], BotState],
        remover: Remover,
        changer: Changer,
        acted: Count = _ignore,
        happened: Callable[[str], None] = lambda _what: None,
        gather_seconds: float = GATHER_SECONDS,
        log_pause: float = 2.0,
        acts_per_second: float = ACTS_PER_SECOND,
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self.effects = Effects(database, clock, jobs, changer)
        self.logbook = Logbook(
            database, settings, outbox, supervisor=supervisor, state=state, pause=log_pause
        )
        self.deletions = DeletionQueue(
            remover, clock, supervisor, self._on_deletion, gather_seconds=gather_seconds
        )
        self.troubles = Troubles(problems, state)
        self._waiting: dict[str, list[Occasion]] = {}
        self._turns = Turns()
        self._recorder = Recorder(
            database, clock, jobs, self.logbook, acted=acted, happened=happened
        )
        parts = Parts(
            database,
            clock,
            jobs,
            cases,
            self.effects,
            self.deletions,
            self.logbook,
            self.troubles,
            self._turns,
            Pace(clock, acts_per_second),
        )
        self._executor = Executor(parts)
        self._undoer = Undoer(parts, happened)

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self.effects.start()
        self._executor.start()
        self._undoer.start()
        long = timedelta(minutes=5)
        self._jobs.register(SETTLE_JOB, effect=self._settle, timeout=long, max_attempts=30)

    # --- hits --------------------------------------------------------------------------------

    async def handle(self, occasion: Occasion) -> int | None:
        """Deal with what rules hit; returns the incident it became part of, `None` for none.

        What comes while an earlier occasion of the same key is written down is written together.
        """
        key = occasion.open_key
        waiting = self._waiting.setdefault(key, [])
        if len(waiting) < MOST_WAITING:
            waiting.append(occasion)
        else:
            # What the others come to holds for the member; the message goes all the same.
            self._delete([occasion])
        async with self._turns.of(key):
            batch = self._waiting.pop(key, [])
            if not batch:
                return None
            incident_id, pending = await self._write_down_surely(batch)
        if incident_id is None:
            return None
        self.deletions.add(occasion.guild_id, pending)
        await self._executor.carry_out(incident_id)
        return incident_id

    async def _write_down_surely(
        self, batch: Sequence[Occasion]
    ) -> tuple[int | None, dict[int, list[int]]]:
        """Write occasions down, also past a database that is away for a while."""
        for pause in PAUSES:
            try:
                return await self._recorder.write_down(batch)
            except DBAPIError as error:
                log.warning("automod_not_written_yet", error=type(error.orig).__name__)
                # The messages go all the same.
                self._delete(batch)
                await asyncio.sleep(pause)
        return await self._recorder.write_down(batch)

    def _delete(self, batch: Sequence[Occasion]) -> None:
        for one in batch:
            if one.judgement.delete and not one.shadow:
                for ref in one.judgement.messages:
                    self.deletions.add(one.guild_id, {ref.channel_id: [ref.message_id]})

    # --- deletions ---------------------------------------------------------------------------

    async def _on_deletion(self, settled: Settled) -> None:
        state = message_table.DELETED if settled.deleted else message_table.FAILED
        async with self._database.write() as session:
            incidents = await message_table.mark_messages(session, settled.message_ids, state)
        for incident_id in incidents:
            self.logbook.refresh(incident_id)
        if settled.deleted:
            await self.troubles.could_delete(settled.guild_id, settled.channel_id)
        else:
            await self.troubles.cannot_delete(settled.guild_id, settled.channel_id)

    async def note_deleted(self, message_ids: Sequence[int]) -> None:
        """Take note that messages which were to be deleted are gone by whatever hand."""
        async with self._database.write() as session:
            incidents = await message_table.mark_messages(
                session, message_ids, message_table.DELETED
            )
        for incident_id in incidents:
            self.logbook.refresh(incident_id)

    # --- making sure -------------------------------------------------------------------------

    async def _settle(self, job: Job) -> None:
        """Bring an incident to its end, whoever began it; runs until all is done."""
        incident_id = int(job.payload["incident_id"])
        await self._executor.carry_out(incident_id)
        async with self._database.read() as session:
            incident = await table.get_incident(session, incident_id)
            pending = await message_table.list_pending(session, incident_id)
        if incident is None:
            return
        if pending and incident.state != table.UNDONE:
            await self._delete_again(incident, pending)
        await self.logbook.write(incident_id)
        now = self._clock.now()
        async with self._database.write() as session:
            await table.close_incident(session, incident_id, now)
            left = await message_table.list_pending(session, incident_id)
            effects = incident.effects.get("list", ())
            if (left or any(_is_open(one) for one in effects)) and (
                now - incident.opened_at < GIVE_UP
            ):
                raise Retry(timedelta(seconds=30), "messages or channels are left")
            if left:
                await message_table.mark_messages(
                    session, [one.message_id for one in left], message_table.FAILED
                )
        if now < incident.open_until:
            raise Retry(incident.open_until - now, "still open")

    async def _delete_again(
        self, incident: table.Incident, pending: Sequence[message_table.IncidentMessage]
    ) -> None:
        waiting: dict[int, list[int]] = defaultdict(list)
        for message in pending:
            waiting[message.channel_id].append(message.message_id)
        self.deletions.add(incident.guild_id, waiting)
        await self.deletions.drain(waiting, 60.0)

    # --- undoing -----------------------------------------------------------------------------

    async def get(self, guild_id: int, incident_id: int) -> table.Incident:
        """Return an incident of the guild; raises `NotFound`."""
        async with self._database.read() as session:
            incident = await table.get_incident(session, incident_id)
        if incident is None or incident.guild_id != guild_id:
            raise NotFound(_("This incident is not on record any more."))
        return incident

    async def undo(
        self, guild_id: int, incident_id: int, *, user_id: int, pardon: bool = False
    ) -> Undone:
        """Take back all that an incident of the guild did; with `pardon` it was none.

        Raises `NotFound` for one that is not the guild's, `Conflict` when somebody was first.
        """
        await self.get(guild_id, incident_id)
        return await self._undoer.undo(guild_id, incident_id, user_id=user_id, pardon=pardon)


def _is_open(effect: Json) -> bool:
    return not effect.get("done") and "error" not in effect
