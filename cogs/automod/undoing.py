"""Takes back what an incident did, and remembers what staff say was no violation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.errors import AppError, Conflict, Denied, NotFound
from bot.core.i18n import _
from bot.core.jobs import Job
from cogs.automod.calls import CallError
from cogs.automod.parts import Parts
from cogs.automod.plans import AUTOMOD
from cogs.automod.recording import MOST_CONTENTS
from db import automod as table
from db import automod_messages as message_table
from db import automod_strikes as strike_table

UNDO_JOB = "automod.undo"
# When the job looks whether the undo came to its end: later than this process takes for it.
UNDO_AFTER = timedelta(seconds=40)


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of undoing: the incident, and what could not be lifted, in words."""

    incident: table.Incident
    shown: Sequence[message_table.IncidentMessage]
    failures: tuple[AppError, ...] = ()


class Undoer:
    """Undoes incidents; an undo that a crash cut short is gone on with."""

    def __init__(self, parts: Parts, happened: Callable[[str], None]) -> None:
        self._database = parts.database
        self._clock = parts.clock
        self._jobs = parts.jobs
        self._cases = parts.cases
        self._effects = parts.effects
        self._deletions = parts.deletions
        self._logbook = parts.logbook
        self._turns = parts.turns
        self._pace = parts.pace
        self._happened = happened

    def start(self) -> None:
        """Take up the work of earlier runs."""
        long = timedelta(minutes=5)
        self._jobs.register(UNDO_JOB, effect=self._undo_again, timeout=long, max_attempts=30)

    async def undo(self, guild_id: int, incident_id: int, *, user_id: int, pardon: bool) -> Undone:
        """Take back all that an incident did, strikes included; with `pardon` it was none.

        Of two who undo it one does; the other gets `Conflict`. Where Discord refuses to lift
        something the incident stands again, so that it can be tried once more.
        """
        async with self._database.write() as session:
            incident = await table.claim_undo(
                session, incident_id, user_id=user_id, now=self._clock.now()
            )
            if incident is None:
                raise Conflict(_("This incident is undone already."))
            await self._jobs.schedule(
                session,
                UNDO_JOB,
                self._clock.now() + UNDO_AFTER,
                {"incident_id": incident_id},
                dedupe_key=f"{UNDO_JOB}:{incident_id}",
                guild_id=guild_id,
            )
            if pardon:
                await self._record_false_positive(session, incident, user_id)
            shown = await message_table.list_shown(session, incident_id, MOST_CONTENTS)
        self._happened("false_positive" if pardon else "undone")
        failures = await self._take_back(incident)
        self._logbook.refresh(incident_id)
        return Undone(incident, shown, failures)

    async def _record_false_positive(
        self, session: AsyncSession, incident: table.Incident, user_id: int
    ) -> None:
        rules = list(incident.findings.get("rules", {}))
        await strike_table.add_false_positive(
            session,
            incident_id=incident.id,
            guild_id=incident.guild_id,
            user_id=incident.user_id,
            rules={"list": rules},
            text=incident.excerpt,
            marked_by=user_id,
            marked_at=self._clock.now(),
        )

    async def _take_back(self, incident: table.Incident) -> tuple[AppError, ...]:
        """Lift what an undone incident did; returns what Discord did not let through."""
        async with self._turns.of(f"incident:{incident.id}"):
            async with self._database.read() as session:
                members = await table.list_members(session, incident.id)
            await self._spare(incident.id)
            failures = [
                failure
                for member in members
                for one in member.outcome.get("list", ())
                if "case" in one
                and (failure := await self._undo_case(incident, one["case"])) is not None
            ]
            try:
                await self._effects.end_of(incident)
            except CallError:
                failures.append(Denied(_("Discord did not let me change the channel back.")))
            async with self._database.write() as session:
                if failures:
                    await table.give_back_undo(session, incident.id)
                else:
                    await strike_table.take_back_strikes(session, incident.id)
                await self._jobs.cancel(session, f"{UNDO_JOB}:{incident.id}")
        return tuple(failures)

    async def _spare(self, incident_id: int) -> None:
        """Leave alone what is still to be deleted."""
        async with self._database.write() as session:
            pending = await message_table.list_pending(session, incident_id)
            await message_table.mark_messages(
                session, [one.message_id for one in pending], message_table.KEPT
            )
        for one in pending:
            self._deletions.discard(one.channel_id, [one.message_id])

    async def _undo_case(self, incident: table.Incident, number: int) -> AppError | None:
        await self._pace.wait()
        try:
            await self._cases.undo(incident.guild_id, number, AUTOMOD, notify=True)
        except (Conflict, NotFound):
            # Somebody has undone or deleted it already, or it never took effect.
            return None
        except AppError as error:
            return error
        return None

    async def _undo_again(self, job: Job) -> None:
        """Go on with an undo whose process died."""
        async with self._database.read() as session:
            incident = await table.get_incident(session, int(job.payload["incident_id"]))
        if incident is not None and incident.state == table.UNDONE:
            await self._take_back(incident)
            await self._logbook.write(incident.id)
