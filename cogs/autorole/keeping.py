"""Begins and ends the keeping of roles with its setting: reads all members, forgets all.

They are read again when the gateway begins a session, which tells nothing of what was missed. Who
came back meanwhile is taken as one who joins just now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.batches import Later, Refused
from bot.core.events import EventBus
from bot.core.jobs import Job, JobService, Retry
from bot.core.roles import RoleSource
from bot.core.settings import SettingsChanged, SettingsStore
from bot.core.settings.model import SWITCH
from cogs.autorole.backfill import PAGE, MemberLister
from cogs.autorole.rules import Newcomer
from cogs.autorole.service import KEY, AutoroleService
from db import autorole as table
from db import role_wishes
from db.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock

JOB = "autorole.look"
_AGAIN = timedelta(minutes=1)
# Between the beginnings of two guilds: a bot has many, and Discord its limits.
APART = timedelta(seconds=2)


class Keeping:
    """Follows the setting; one per process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        jobs: JobService,
        lister: MemberLister,
        service: AutoroleService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._lister = lister
        self._service = service

    def start(self, bus: EventBus) -> Callable[[], None]:
        """Follow changes of settings; returns what ends it."""
        self._jobs.register(JOB, effect=self._look)
        return bus.subscribe(SettingsChanged, self._settings_changed)

    async def _settings_changed(self, event: SettingsChanged) -> None:
        """Withdraw what is not to be given any more, and begin or end the keeping of roles."""
        if event.feature != KEY:
            return
        if {SWITCH, "join_roles"} & event.diff.keys():
            await self._service.withdraw(event.guild_id)
        if not {SWITCH, "sticky_enabled"} & event.diff.keys():
            return
        async with self._database.write() as session:
            if await self._keeps(event.guild_id):
                await self._plan(session, event.guild_id, after=0)
            else:
                await table.delete_known(session, event.guild_id)

    async def begin_session(self, guild_ids: Iterable[int]) -> None:
        """Plan to read again the members of these guilds where roles are kept, one by one."""
        keeping = [one for one in guild_ids if await self._keeps(one)]
        if not keeping:
            return
        async with self._database.write() as session:
            for number, guild_id in enumerate(keeping):
                await self._plan(session, guild_id, after=0, again=True, pause=number * APART)

    async def _keeps(self, guild_id: int) -> bool:
        state = await self._settings.get(guild_id, KEY)
        return state.enabled and state.settings.sticky_enabled

    async def _plan(
        self,
        session: AsyncSession,
        guild_id: int,
        *,
        after: int,
        again: bool = False,
        pause: timedelta = timedelta(),
    ) -> None:
        await self._jobs.schedule(
            session,
            JOB,
            self._clock.now() + pause,
            {"guild_id": str(guild_id), "after": str(after), "again": again},
            dedupe_key=f"{JOB}:{guild_id}:{after}",
            guild_id=guild_id,
        )

    async def _look(self, job: Job) -> None:
        """Note the roles of one page of members, and plan the next one."""
        guild_id, after = int(job.payload["guild_id"]), int(job.payload["after"])
        if not await self._keeps(guild_id):
            return
        again = job.payload.get("again", False)
        # What is heard of meanwhile is newer than the page.
        with self._service.hearing.listening(guild_id) as heard:
            try:
                page = await self._lister.list_members(guild_id, after=after, limit=PAGE)
            except Later as error:
                raise Retry(_AGAIN, str(error)) from error
            except Refused:
                # Without the intent, or in a guild that was left, there is nothing to read.
                return
            last = page[-1].user_id if len(page) == PAGE else None
            known = {(guild_id, one.user_id): one.role_ids for one in page}
            back = [one for one in await self._returned(page) if one.user_id not in heard]
            async with self._database.write() as session:
                if again:
                    # They are to get what they had, which what they have now must not replace.
                    heard |= {one.user_id for one in back}
                    await self._renew(session, guild_id, known, heard, after=after, until=last)
                else:
                    await table.add_known(session, known)
                if last is not None:
                    await self._plan(session, guild_id, after=last, again=again)
        for one in back:
            self._service.member_joined(one)
        if back and not await self._service.flush():
            raise Retry(_AGAIN, "the database is away")

    async def _returned(self, page: Sequence[Newcomer]) -> list[Newcomer]:
        """Return who came back without that being heard of: they had left, and are members."""
        async with self._database.read() as session:
            rows = await table.list_known(session, [(one.guild_id, one.user_id) for one in page])
        away = {row.user_id for row in rows if row.kept_until is not None}
        return [one for one in page if one.user_id in away]

    async def _renew(
        self,
        session: AsyncSession,
        guild_id: int,
        known: Mapping[table.Member, frozenset[int]],
        heard: Collection[int],
        *,
        after: int,
        until: int | None,
    ) -> None:
        """Store what members have now, with what they are to get back; the others have left."""
        present = await table.list_present(session, guild_id, after=after, until=until)
        settings = (await self._settings.get(guild_id, KEY)).settings
        kept_until = self._clock.now() + settings.sticky_for
        gone = [one for one in present if (guild_id, one) not in known and one not in heard]
        await table.keep_until(session, {(guild_id, one): kept_until for one in gone})
        fresh = {key: set(roles) for key, roles in known.items() if key[1] not in heard}
        ids = [user_id for _guild_id, user_id in fresh]
        for user_id, role_id in await role_wishes.list_wanted(
            session, guild_id, ids, RoleSource.STICKY
        ):
            fresh[guild_id, user_id].add(role_id)
        await table.put_known(session, fresh)
