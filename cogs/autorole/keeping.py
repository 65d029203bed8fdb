"""Begins and ends the keeping of roles with its setting: reads all members, forgets all.

They are read again when the gateway begins a session, which tells nothing of what was missed. Who
joined or came back meanwhile is taken as one who joins just now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import structlog

from bot.core.batches import Later, Refused
from bot.core.events import EventBus
from bot.core.jobs import Job, JobService, Retry
from bot.core.roles import RoleSource
from bot.core.settings import SettingsChanged, SettingsStore
from bot.core.settings.model import SWITCH
from cogs.autorole.absence import follows_joins, has_begun, has_joined_in
from cogs.autorole.backfill import PAGE, MemberLister
from cogs.autorole.refusals import NOT_STORED, is_away
from cogs.autorole.rules import Newcomer
from cogs.autorole.service import KEY, AutoroleService
from db import autorole as table
from db import autorole_marks as marks
from db import role_wishes
from db.engine import Database

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock

log = structlog.get_logger(__name__)

JOB = "autorole.look"
_AGAIN = timedelta(minutes=1)
# Between the beginnings of two guilds: a bot has many, and Discord its limits.
APART = timedelta(seconds=2)
# Discord takes about one role a second, and others come in between.
PER_MEMBER = timedelta(seconds=1)
# How often, and after how long, a session is taken up again while the database is away.
MOST_TRIES, AWAY_SECONDS = 60, 10.0
# What a job knows of the absence that it is about.
LOOK = ("look", "since", "until")
NOTHING_MISSED: Mapping[str, str] = MappingProxyType({})


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
        if has_begun(event):
            await self.begin_anew(event.guild_id)
        if {SWITCH, "join_roles"} & event.diff.keys():
            await self._service.withdraw(event.guild_id)
        if not {SWITCH, "sticky_enabled"} & event.diff.keys():
            return
        async with self._database.write() as session:
            if await self._keeps(event.guild_id):
                await self._plan(session, event.guild_id, after=0)
            else:
                await table.delete_known(session, event.guild_id)

    async def begin_anew(self, guild_id: int) -> None:
        """Take whoever is a member now as one whom no join role is for."""
        async with self._database.write() as session:
            await marks.forget_missed(session, guild_id, self._clock.now())

    async def take_up_session(self, guild_ids: Iterable[int]) -> None:
        """Plan what `begin_session` does, also while the database is away for a while."""
        all_ids = list(guild_ids)
        for _try in range(MOST_TRIES):
            try:
                await self.begin_session(all_ids)
            except NOT_STORED as error:
                if not is_away(error):
                    raise
                await asyncio.sleep(AWAY_SECONDS)
            else:
                return
        # The marks stay where they are, so the next session makes it good.
        log.error("autorole_session_not_taken_up", guilds=len(all_ids))

    async def begin_session(self, guild_ids: Iterable[int]) -> None:
        """Plan to read the members of these guilds where something was missed, one by one."""
        absence, all_ids = self._service.absence, list(guild_ids)
        states = {one: await self._settings.get(one, KEY) for one in all_ids}
        following = [one for one in all_ids if follows_joins(states[one])]
        if following:
            async with self._database.write() as session:
                for number, guild_id in enumerate(following):
                    work = await absence.begin(session, guild_id)
                    await self._plan(
                        session, guild_id, after=0, work=work, again=True, pause=number * APART
                    )
        absence.planned(all_ids)

    async def _keeps(self, guild_id: int) -> bool:
        state = await self._settings.get(guild_id, KEY)
        return state.enabled and state.settings.sticky_enabled

    async def _plan(
        self,
        session: AsyncSession,
        guild_id: int,
        *,
        after: int,
        work: Mapping[str, str] = NOTHING_MISSED,
        again: bool = False,
        pause: timedelta = timedelta(),
    ) -> None:
        await self._jobs.schedule(
            session,
            JOB,
            self._clock.now() + pause,
            {**work, "guild_id": str(guild_id), "after": str(after), "again": again},
            dedupe_key=f"{JOB}:{guild_id}:{after}",
            guild_id=guild_id,
        )

    async def _look(self, job: Job) -> None:
        """Deal with one page of members, and plan the next one."""
        guild_id, after = int(job.payload["guild_id"]), int(job.payload["after"])
        state = await self._settings.get(guild_id, KEY)
        if not follows_joins(state) or not await self._is_wanted(job.payload):
            return
        # What is heard of meanwhile is newer than the page.
        with self._service.hearing.listening(guild_id) as heard:
            try:
                page = await self._lister.list_members(guild_id, after=after, limit=PAGE)
            except Later as error:
                raise Retry(_AGAIN, str(error)) from error
            except Refused:
                # Without the intent, or in a guild that was left, there is nothing to read.
                return
            missed = [
                one for one in await self._missed(page, job.payload) if one.user_id not in heard
            ]
            await self._note_page(job.payload, page, missed, heard)
        for one in missed:
            self._service.member_joined(one)
        if missed and not await self._service.flush():
            raise Retry(_AGAIN, "the database is away")
        if len(page) < PAGE and (look := job.payload.get("look")):
            async with self._database.write() as session:
                await marks.end_look(session, guild_id, int(look))

    async def _is_wanted(self, payload: Mapping[str, Any]) -> bool:
        """Return whether no later look has taken the place of a job's."""
        if (look := payload.get("look")) is None:
            return await self._keeps(int(payload["guild_id"]))
        async with self._database.read() as session:
            present = await marks.get_look(session, int(payload["guild_id"]))
        return present is not None and str(present.id) == look

    async def _missed(
        self, page: Sequence[Newcomer], payload: Mapping[str, Any]
    ) -> Sequence[Newcomer]:
        """Return who joined or came back without that being heard of."""
        back = {one.user_id for one in await self._returned(page)}
        return [one for one in page if one.user_id in back or has_joined_in(one, payload)]

    async def _note_page(
        self,
        payload: Mapping[str, Any],
        page: Sequence[Newcomer],
        missed: Sequence[Newcomer],
        heard: set[int],
    ) -> None:
        """Note the roles of a page of members where roles are kept, and plan the next page."""
        guild_id, after = int(payload["guild_id"]), int(payload["after"])
        again = payload.get("again", False)
        last = page[-1].user_id if len(page) == PAGE else None
        known = {(guild_id, one.user_id): one.role_ids for one in page}
        keeps = await self._keeps(guild_id)
        async with self._database.write() as session:
            if keeps and again:
                # They are to get what they had, which what they have now must not replace.
                heard |= {one.user_id for one in missed}
                await self._renew(session, guild_id, known, heard, after=after, until=last)
            elif keeps:
                await table.add_known(session, known)
            if last is not None:
                work = {name: payload[name] for name in LOOK if name in payload}
                pause = PER_MEMBER * len(missed)
                await self._plan(session, guild_id, after=last, work=work, again=again, pause=pause)

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
