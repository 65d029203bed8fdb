"""What automod does to channels and to the guild for a time, and how it is put back exactly.

What was there is written down before it is changed; a durable job puts it back. What people have
changed meanwhile is theirs and stays. Knows nothing of how Discord is reached: a changer does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.jobs import Job, JobService, Park, Retry
from cogs.automod.calls import Gone, NotAllowed, TryAgain
from cogs.automod.states import State, changed, in_shape, restored, written
from db import automod_effects as table
from db.automod import Incident
from db.engine import Database

END_JOB = "automod.effect_end"
# Discord pauses invites for a day at most.
LONGEST_PAUSE = timedelta(hours=24) - timedelta(minutes=1)


# By incident what it wants: a rate, for a slowmode, and until when.
Wants = dict[str, Any]


class Key(NamedTuple):
    """What an effect is about; `channel_id` is 0 for the guild."""

    guild_id: int
    kind: str
    channel_id: int


@dataclass(frozen=True, slots=True)
class _Decided:
    """What one call has decided: under which stamp, what was before, and what to write if any."""

    stamp: int
    before: tuple[State, State]
    wants: Wants
    new: State | None


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
        self._jobs.register(END_JOB, effect=self._work, max_attempts=50, outlasts_absence=True)

    async def begin(self, incident_id: int, guild_id: int, effect: State) -> None:
        """Bring an effect about, or make the one that is there last as long; may be repeated.

        Raises `CallError`s; after one nothing is left to be put back that was not changed.
        """
        ends_at = self._clock.now() + timedelta(seconds=effect["seconds"])
        key = Key(guild_id, effect["kind"], int(effect["channel_id"]))
        want = {"rate": effect.get("rate", 0), "ends_at": ends_at.isoformat()}
        await self._bring(key, lambda wants: {**wants, str(incident_id): want}, is_begun=True)

    async def end_of(self, incident: Incident) -> None:
        """Put back at once what an incident changed and no other wants; raises `CallError`s."""
        for effect in incident.effects.get("list", ()):
            key = Key(incident.guild_id, effect["kind"], int(effect["channel_id"]))
            await self._bring(key, lambda wants: _without(wants, str(incident.id)))

    async def _bring(
        self, key: Key, change: Callable[[Wants], Wants], *, is_begun: bool = False
    ) -> None:
        """Change what is wanted, and bring Discord in line with it.

        Whoever finds that another has changed it meanwhile looks again: the last one is right.
        """
        while True:
            try:
                found = await self._changer.read(key.kind, key.guild_id, key.channel_id)
            except Gone:
                await self._forget(key)
                if is_begun:
                    raise
                return
            decided = await self._decide(key, found, change, is_begun=is_begun)
            if decided is None:
                return
            try:
                if decided.new is not None:
                    await self._changer.write(key.kind, key.guild_id, key.channel_id, decided.new)
            except (NotAllowed, Gone):
                await self._take_back(key, decided, is_begun=is_begun)
                raise
            if await self._settle(key, decided):
                return
            change, is_begun = _as_it_is, False

    async def _decide(
        self, key: Key, found: State, change: Callable[[Wants], Wants], *, is_begun: bool
    ) -> _Decided | None:
        async with self._database.write() as session:
            if is_begun:
                await table.add_effect(session, *key, ends_at=self._clock.now())
            row = await table.get_effect(session, *key, lock=True)
            if row is None:
                return None
            before = in_shape(key.guild_id, row.original, row.applied)
            # Who only looks again decides nothing: two who do so would never come to an end.
            stamp = row.stamp if change is _as_it_is else row.stamp + 1
            decided = _Decided(stamp, before, row.wants, None)
            row.stamp, row.wants = decided.stamp, change(row.wants)
            if not row.wants:
                return replace(decided, new=restored(*before, found))
            ends = [datetime.fromisoformat(one["ends_at"]) for one in row.wants.values()]
            row.ends_at = max(ends)
            effect = {"rate": max(one["rate"] for one in row.wants.values())}
            row.original, row.applied = changed(
                key.kind, found, before if before[1] else None, effect, row.ends_at
            )
            await self._schedule(session, row)
            return replace(decided, new=written(row.applied, found))

    async def _settle(self, key: Key, decided: _Decided) -> bool:
        """Forget what is put back; false when something else is wanted by now."""
        async with self._database.write() as session:
            row = await table.get_effect(session, *key, lock=True)
            if row is None:
                return True
            if row.stamp != decided.stamp:
                return False
            if not row.wants:
                await self._delete(session, key)
            return True

    async def _take_back(self, key: Key, decided: _Decided, *, is_begun: bool) -> None:
        """Want again what was wanted before Discord refused what begins."""
        async with self._database.write() as session:
            row = await table.get_effect(session, *key, lock=True)
            if row is None or not is_begun or row.stamp != decided.stamp:
                return
            if not decided.wants:
                await self._delete(session, key)
                return
            row.wants, (row.original, row.applied) = decided.wants, decided.before
            row.ends_at = max(datetime.fromisoformat(one["ends_at"]) for one in row.wants.values())
            await self._schedule(session, row)

    async def _forget(self, key: Key) -> None:
        async with self._database.write() as session:
            await self._delete(session, key)

    async def _delete(self, session: AsyncSession, key: Key) -> None:
        await table.end_effect(session, *key)
        await self._jobs.cancel(session, _key(*key))

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
        now = self._clock.now()
        key = Key(row.guild_id, kind, channel_id)
        try:
            await self._bring(key, lambda wants: _without_over(wants, now))
        except NotAllowed as error:
            raise Park("manage_guild" if channel_id == 0 else "manage_channels") from error
        except TryAgain as error:
            raise Retry(timedelta(seconds=max(error.after, 10.0))) from error


def _as_it_is(wants: Wants) -> Wants:
    return wants


def _without(wants: Wants, incident_id: str) -> Wants:
    return {one: want for one, want in wants.items() if one != incident_id}


def _without_over(wants: Wants, now: datetime) -> Wants:
    return {
        one: want for one, want in wants.items() if datetime.fromisoformat(want["ends_at"]) > now
    }


def _key(guild_id: int, kind: str, channel_id: int) -> str:
    return f"{END_JOB}:{guild_id}:{kind}:{channel_id}"
