"""Gives roles to those who join or come back, as the rules decide; free of discord.py.

Joins, departures and changes of roles are taken without waiting and stored by guild: a raid is a
few transactions. What is decided becomes wishes in the transaction that stores it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from bot.core.i18n import _
from bot.core.roles import RoleChange, RoleService, RoleSource
from cogs.autorole.absence import Absence, follows_joins
from cogs.autorole.changes import changes_of, join_change
from cogs.autorole.hearing import Hearing
from cogs.autorole.news import News
from cogs.autorole.refusals import NOT_STORED, is_away
from cogs.autorole.rules import (
    Decision,
    Newcomer,
    decide,
    gated_gift,
    gift_of,
    kept_roles,
    may_be_given,
    unlocked,
)
from db import autorole as table
from db import autorole_marks, role_wish_occasions, role_wishes
from db.autorole import Member
from db.engine import Database, is_about_rows

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.contracts import BotState
    from bot.core.settings import SettingsStore
    from bot.core.supervisor import TaskSupervisor
    from cogs.autorole.settings import AutoroleSettings

KEY = "autorole"
log = structlog.get_logger(__name__)

# What a raid of this size brings fits into memory while the database is away.
MOST_NOTES = 20_000
# Changes come to an end before joins do: what was missed of them is read again some day.
MOST_CHANGES = 10_000
# Members' roles change more than once in a moment; joins never wait for it.
PAUSE_SECONDS = 1.0
AWAY_SECONDS = 2.0
# Members of whom it is known that they wait for no role; the oldest give way.
MOST_SETTLED = 50_000
WAITED_FOR = timedelta(days=90)


class AutoroleService:
    """Join roles and kept roles; one per process, for all guilds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        roles: RoleService,
        supervisor: TaskSupervisor,
        state: Callable[[], BotState],
        mute_role: Callable[[int], Awaitable[int | None]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._roles = roles
        self._supervisor = supervisor
        self._state = state
        self._mute_role = mute_role
        self._news: dict[int, News] = {}
        # What found no room and has not been told yet, by kind.
        self._dropped: Counter[str] = Counter()
        self._settled: OrderedDict[Member, None] = OrderedDict()
        self._storing = asyncio.Lock()
        self._task: asyncio.Task[Any] | None = None
        self.hearing = Hearing()
        self.absence = Absence(clock)
        self.pause = PAUSE_SECONDS

    # --- what happens, taken without waiting ---------------------------------------------------

    def member_joined(self, newcomer: Newcomer) -> None:
        """Take note of a join."""
        settings = self._wanted(newcomer.guild_id, "joins")
        if settings is None:
            return
        news = self._news_of(newcomer.guild_id)
        user_id = newcomer.user_id
        self.hearing.note(newcomer.guild_id, user_id)
        news.departures.pop(user_id, None)
        news.arrivals[user_id] = newcomer, news.changes.pop(user_id, None)
        self._settled.pop((newcomer.guild_id, user_id), None)
        self._begin()

    def member_left(self, guild_id: int, user_id: int) -> None:
        """Take note of a departure."""
        settings = self._wanted(guild_id, "departures")
        if settings is None:
            return
        news = self._news_of(guild_id)
        self.hearing.note(guild_id, user_id)
        _newcomer, before = news.arrivals.pop(user_id, (None, None))
        if before is not None:
            # They left again before they got back what they had.
            news.changes[user_id] = before
        news.departures[user_id] = self._clock.now()
        self._begin()

    def member_changed(self, member: Newcomer) -> None:
        """Take note of what a member is now, after any change of them."""
        settings = self._wanted(member.guild_id, "changes")
        if settings is None:
            return
        self.hearing.note(member.guild_id, member.user_id)
        settled = (member.guild_id, member.user_id) in self._settled
        if settings.sticky_enabled or (not settled and unlocked(member, settings)):
            self._news_of(member.guild_id).changes[member.user_id] = member
            self._begin()

    def expect(self, members: Iterable[Member]) -> None:
        """Say that members may wait for a role from now on."""
        for member in members:
            self._settled.pop(member, None)

    def _wanted(self, guild_id: int, kind: str) -> AutoroleSettings | None:
        """Return a guild's settings, `None` where the feature is off or no room is left."""
        state = self._settings.peek(guild_id, KEY)
        if not state.enabled:
            return None
        most = MOST_CHANGES if kind == "changes" else MOST_NOTES
        if sum(map(len, self._news.values())) >= most:
            self._dropped[kind] += 1
            return None
        return state.settings

    def _news_of(self, guild_id: int) -> News:
        return self._news.setdefault(guild_id, News())

    # --- storing -------------------------------------------------------------------------------

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = self._supervisor.spawn("autorole.store", self._store_in_time())

    async def _store_in_time(self) -> None:
        while self._news:
            if not any(news.arrivals for news in self._news.values()):
                await asyncio.sleep(self.pause)
            if not await self.flush():
                await asyncio.sleep(AWAY_SECONDS)

    async def flush(self) -> bool:
        """Store what was noted; False while the database is away, and the rest is kept."""
        async with self._storing:
            for guild_id in list(self._news):
                news = self._news.pop(guild_id)
                if not await self._store_or_part(guild_id, news):
                    return False
        if self._dropped:
            log.error("autorole_news_dropped", **self._dropped)
            self._dropped.clear()
        return True

    async def _store_or_part(self, guild_id: int, news: News) -> bool:
        """Store a guild's news, in ever smaller parts where something in them is refused.

        False while the database is away: what is not stored then stands before what was noted
        meanwhile. News of one member alone that are refused would be so for ever, and are dropped.
        """
        parts = [news]
        while parts:
            part = parts.pop()
            try:
                await self._store(guild_id, part)
            except NOT_STORED as error:
                if is_away(error):
                    for one in (part, *parts):
                        self._news[guild_id] = one.before(self._news.pop(guild_id, News()))
                    return False
                if is_about_rows(error) and (halves := part.halves()):
                    # The earlier joins first: the mark of joins follows what is stored.
                    parts += reversed(halves)
                    continue
                log.error(  # noqa: TRY400 - what it says may name somebody
                    "autorole_news_refused",
                    guild_id=guild_id,
                    count=len(part),
                    error=type(error).__name__,
                )
        return True

    async def _store(self, guild_id: int, news: News) -> None:
        state = await self._settings.get(guild_id, KEY)
        if not state.enabled:
            return
        settings: AutoroleSettings = state.settings
        muted = await self._mute_role(guild_id) if news.arrivals else None
        async with self._database.write() as session:
            await self._see_off(session, guild_id, news, settings)
            await self._give_join_roles(session, news, settings)
            await self._give_back(session, guild_id, news, settings, muted)
            await self._unlock(session, guild_id, news.changes, settings)
            if settings.sticky_enabled:
                await self._remember(session, guild_id, news.changes.values())
            if follows_joins(state):
                joined = [newcomer for newcomer, _had in news.arrivals.values()]
                await self.absence.note(session, guild_id, joined)
        for one in news.changes.values():
            if unlocked(one, settings):
                self._settled[guild_id, one.user_id] = None
        while len(self._settled) > MOST_SETTLED:
            self._settled.popitem(last=False)

    async def _see_off(
        self, session: AsyncSession, guild_id: int, news: News, settings: AutoroleSettings
    ) -> None:
        # Whoever comes back begins anew.
        await table.delete_waiting(
            session, [(guild_id, one) for one in (*news.departures, *news.arrivals)]
        )
        if settings.sticky_enabled:
            last = [news.changes.pop(one) for one in news.departures if one in news.changes]
            await self._remember(session, guild_id, last)
            kept = {
                (guild_id, one): at + settings.sticky_for for one, at in news.departures.items()
            }
            await table.keep_until(session, kept)

    async def _give_join_roles(
        self, session: AsyncSession, news: News, settings: AutoroleSettings
    ) -> None:
        newcomers = [newcomer for newcomer, _had in news.arrivals.values()]
        if newcomers:
            there = self.present(newcomers[0].guild_id, settings)
            await self.give(session, newcomers, there)

    async def give(
        self,
        session: AsyncSession,
        members: Iterable[Newcomer],
        settings: AutoroleSettings,
        occasion: str = KEY,
    ) -> int:
        """Have members of one guild given the join roles that are for them; return how many.

        `occasion`, a part of `KEY`, is what they can be withdrawn by; who waits for another role
        goes on waiting.
        """
        changes: list[RoleChange] = []
        waiting: list[dict[str, Any]] = []
        now = self._clock.now()
        for one in members:
            decision = self.decide(one, settings)
            changes += changes_of(one, decision, occasion)
            waiting += [
                {
                    "guild_id": one.guild_id,
                    "user_id": one.user_id,
                    "role_id": role_id,
                    "for_role_id": for_role_id,
                    "since": now,
                }
                for role_id, for_role_id in decision.waits
            ]
        await table.put_waiting(session, waiting)
        self.expect((row["guild_id"], row["user_id"]) for row in waiting)
        await self._roles.want(session, changes)
        return len(changes)

    async def count_coming(self, guild_id: int, role_id: int) -> int:
        """Return how many members are yet to get a join role, later or after another."""
        async with self._database.read() as session:
            wanted = await role_wish_occasions.count_wishes(session, guild_id, KEY, role_id)
            return wanted + await table.count_waiting(session, guild_id, role_id)

    async def withdraw(self, guild_id: int) -> None:
        """Have nobody given what is no join role any more, or anything where the feature is off."""
        state = await self._settings.get(guild_id, KEY)
        roles = [one.role_id for one in state.settings.join_roles] if state.enabled else []
        # What was heard of before is stored first, by the settings of now.
        await self.flush()
        async with self._database.write() as session:
            await self._roles.withdraw(session, guild_id, KEY, keeping=roles)
            await table.delete_waiting_but(session, guild_id, roles)
        # Nothing may wait any more for what was told to be in the way.
        self._roles.look_again(guild_id)

    def present(self, guild_id: int, settings: AutoroleSettings) -> AutoroleSettings:
        """Return settings without the join roles that their problems tell of.

        Those are gone, or have got rights of staff that nobody has agreed to.
        """
        state = self._state()
        if state.guild(guild_id) is None:
            return settings
        there = [
            one
            for one in settings.join_roles
            if (role := state.role(guild_id, one.role_id)) and may_be_given(one, role)
        ]
        return settings.model_copy(update={"join_roles": tuple(there)})

    def decide(self, one: Newcomer, settings: AutoroleSettings) -> Decision:
        """Return which join roles a member gets now or later."""
        level = self._level(one.guild_id)
        return decide(settings.join_roles, one, level=level, now=self._clock.now())

    def _level(self, guild_id: int) -> int:
        guild = self._state().guild(guild_id)
        return guild.verification_level if guild is not None else 0

    async def _give_back(
        self,
        session: AsyncSession,
        guild_id: int,
        news: News,
        settings: AutoroleSettings,
        muted: int | None,
    ) -> None:
        """Want again what those who come back had, and roles for a time that have not ended.

        Either may be denied, or have got rights of staff that leaving was to end.
        """
        members = [(guild_id, one) for one in news.arrivals]
        had: defaultdict[int, set[int]] = defaultdict(set)
        for one in await table.list_temporary_of(session, members):
            had[one.user_id].add(one.role_id)
        if settings.sticky_enabled:
            for user_id, role_ids in (await self._known(session, news, members)).items():
                had[user_id] |= role_ids
        roles = {one.id: one for one in self._state().roles(guild_id)} if had else {}
        kept = {
            user_id: kept_roles(
                role_ids,
                roles,
                denied=settings.sticky_denied,
                allowed=settings.sticky_allowed,
                muted=muted,
            )
            for user_id, role_ids in had.items()
        }
        changes = [
            self._again(news.arrivals[user_id][0], role_id)
            for user_id, role_ids in kept.items()
            for role_id in sorted(role_ids)
        ]
        await self._roles.want(session, changes)
        if settings.sticky_enabled:
            # What is not given back now never is.
            back = {
                (guild_id, one): {*kept.get(one, ()), *newcomer.role_ids}
                for one, (newcomer, _had) in news.arrivals.items()
            }
            await table.put_known(session, back)

    async def _known(
        self, session: AsyncSession, news: News, members: list[Member]
    ) -> dict[int, frozenset[int]]:
        """Return the roles that those who come back had, as far as they are still kept."""
        now = self._clock.now()
        known = {
            one.user_id: frozenset(map(int, one.role_ids))
            for one in await table.list_known(session, members)
            if one.kept_until is None or one.kept_until >= now
        }
        for user_id, (_newcomer, before) in news.arrivals.items():
            if before is not None:
                known[user_id] = before.role_ids
        return known

    def _again(self, one: Newcomer, role_id: int) -> RoleChange:
        level = self._level(one.guild_id)
        gift = gated_gift(role_id, one, level=level, now=self._clock.now())
        return RoleChange(
            guild_id=one.guild_id,
            user_id=one.user_id,
            role_id=role_id,
            want=True,
            source=RoleSource.STICKY,
            reason=_("Had this role when they left"),
            not_before=gift.not_before,
            after_screening=gift.after_screening,
        )

    async def _unlock(
        self,
        session: AsyncSession,
        guild_id: int,
        changed: Mapping[int, Newcomer],
        settings: AutoroleSettings,
    ) -> None:
        """Give join roles to those who have got the role that these waited for."""
        members = [
            (guild_id, one.user_id)
            for one in changed.values()
            if (guild_id, one.user_id) not in self._settled and unlocked(one, settings)
        ]
        due = [
            (guild_id, one.user_id, one.role_id)
            for one in await table.list_waiting(session, members)
            if one.for_role_id in changed[one.user_id].role_ids
        ]
        taken = await table.take_waiting(session, due)
        by_id = {one.role_id: one for one in self.present(guild_id, settings).join_roles}
        level, now = self._level(guild_id), self._clock.now()
        gifts = [
            (changed[user_id], gift_of(by_id[role_id], changed[user_id], level=level, now=now))
            for _guild_id, user_id, role_id in taken
            if role_id in by_id
        ]
        await self._roles.want(session, [join_change(one, gift, KEY) for one, gift in gifts])

    async def _remember(
        self, session: AsyncSession, guild_id: int, members: Collection[Newcomer]
    ) -> None:
        """Store members' roles, with those that they are yet to get back."""
        if not members:
            return
        known = {(guild_id, one.user_id): set(one.role_ids) for one in members}
        ids = [one.user_id for one in members]
        for user_id, role_id in await role_wishes.list_wanted(
            session, guild_id, ids, RoleSource.STICKY
        ):
            known[guild_id, user_id].add(role_id)
        await table.put_known(session, known)


async def purge_autorole(session: AsyncSession, now: datetime) -> None:
    """Delete what nobody comes back for."""
    await table.delete_stale(session, now, before=now - WAITED_FOR)
    await autorole_marks.delete_stale(session, before=now - WAITED_FOR)
