"""What automod does to channels and to the guild for a time, and how it is put back exactly.

What was there is written down before it is changed; a durable job puts it back. What people have
changed meanwhile is theirs and stays. Knows nothing of how Discord is reached: a changer does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.jobs import Job, JobService, Park, Retry
from cogs.automod.calls import Gone, NotAllowed, TryAgain
from cogs.automod.states import State, changed, restored, written
from db import automod_effects as table
from db.engine import Database

END_JOB = "automod.effect_end"
# Discord pauses invites for a day at most.
LONGEST_PAUSE = timedelta(hours=24) - timedelta(minutes=1)


class Changer(Protocol):
    """Reads and writes what effects change; `channel_id` is 0 for the guild. Raises `CallError`s.

    States: see `cogs.automod.states`.
    """

    async def read(self, kind: str, guild_id: int, channel_id: int) -> State:
        """Return the state as it is now, asked of Discord itself."""
        ...

    async def write(self, kind: str, guild_id: int, channel_id: int, state: State) -> None:
        """Make the state this."""
        ...


class Effects:
    """Begins effects, and ends them when their time is over or they are undone."""

    def __init__(
        self, database: Database, clock: Clock, jobs: JobService, changer: Changer
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._changer = changer

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._jobs.register(END_JOB, effect=self._work, max_attempts=50)

    async def begin(self, incident_id: int, guild_id: int, effect: State) -> None:
        """Bring an effect about, or make the one that is there last as long; may be repeated.

        Raises `CallError`s; after one nothing is left to be put back that was not changed.
        """
        kind, channel_id = effect["kind"], int(effect["channel_id"])
        ends_at = self._clock.now() + timedelta(seconds=effect["seconds"])
        found = await self._changer.read(kind, guild_id, channel_id)
        async with self._database.read() as session:
            known = await table.get_effect(session, guild_id, kind, channel_id)
        before = (known.original, known.applied) if known is not None else None
        original, wanted = changed(kind, found, before, effect, ends_at)
        async with self._database.write() as session:
            row, _is_new = await table.add_effect(
                session,
                guild_id=guild_id,
                kind=kind,
                channel_id=channel_id,
                incident_id=incident_id,
                original=original,
                applied=wanted,
                ends_at=ends_at,
            )
            row.original, row.applied = original, wanted
            await self._schedule(session, row)
        try:
            if (new := written(wanted, found)) is not None:
                await self._changer.write(kind, guild_id, channel_id, new)
        except (NotAllowed, Gone):
            if known is None:
                async with self._database.write() as session:
                    await self._forget(session, guild_id, kind, channel_id)
            raise

    async def end_of(self, incident_id: int) -> None:
        """Put back what an incident changed, at once; raises `CallError`s."""
        async with self._database.read() as session:
            rows = await table.list_effects(session, incident_id)
        for row in rows:
            await self._end(row)

    async def _end(self, row: table.Effect) -> None:
        try:
            found = await self._changer.read(row.kind, row.guild_id, row.channel_id)
            back = restored(row.original, row.applied, found)
            if back is not None:
                await self._changer.write(row.kind, row.guild_id, row.channel_id, back)
        except Gone:
            pass
        async with self._database.write() as session:
            await self._forget(session, row.guild_id, row.kind, row.channel_id)

    async def _forget(
        self, session: AsyncSession, guild_id: int, kind: str, channel_id: int
    ) -> None:
        await table.end_effect(session, guild_id, kind, channel_id)
        await self._jobs.cancel(session, _key(guild_id, kind, channel_id))

    async def _schedule(self, session: AsyncSession, row: table.Effect) -> None:
        await self._jobs.schedule(
            session,
            END_JOB,
            row.ends_at,
            {"kind": row.kind, "channel_id": str(row.channel_id)},
            dedupe_key=_key(row.guild_id, row.kind, row.channel_id),
            guild_id=row.guild_id,
        )

    async def _work(self, job: Job) -> None:
        kind, channel_id = job.payload["kind"], int(job.payload["channel_id"])
        async with self._database.read() as session:
            row = await table.get_effect(session, job.guild_id or 0, kind, channel_id)
        if row is None:
            return
        if (left := row.ends_at - self._clock.now()) > timedelta():
            raise Retry(left)
        try:
            await self._end(row)
        except NotAllowed as error:
            raise Park("manage_guild" if channel_id == 0 else "manage_channels") from error
        except TryAgain as error:
            raise Retry(timedelta(seconds=max(error.after, 10.0))) from error


def _key(guild_id: int, kind: str, channel_id: int) -> str:
    return f"{END_JOB}:{guild_id}:{kind}:{channel_id}"
