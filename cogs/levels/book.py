"""Stores what was earned, works the levels out and decides what follows, in one transaction.

Whatever gives or takes experience comes through here: messages, minutes, staff, files, gifts of
other features. Free of discord.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.events import EventBus
from bot.core.guild_locale import BASICS, locale_of_guild
from bot.core.i18n import _
from bot.core.leveling import LevelReached
from bot.core.outbox import OutboxService
from bot.core.roles import RoleChange, RoleService, RoleSource
from bot.core.settings import SettingsStore
from cogs.levels.announcing import Rise, compose
from cogs.levels.plan import Plan, Plans
from cogs.levels.problems import sound_rewards
from cogs.levels.rules import MOST_XP, Changes, changes_for, desired_roles
from cogs.levels.settings import KEY, LevelSettings, RewardMode
from db import level_totals as totals_table
from db import levels as table
from db.levels import Gain, Member, Total
from db.tickets import list_taken


@dataclass(frozen=True, slots=True)
class Earning:
    """What somebody has earned, and how they were seen then: their roles, and where.

    It counts for the day of `day_at`, which is that of `seen_at` unless it says otherwise.
    """

    guild_id: int
    user_id: int
    xp: int
    channel_id: int
    role_ids: frozenset[int]
    joined_at: datetime
    seen_at: datetime
    minutes: int = 0
    day_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """What staff have changed: the rise, and the experience before it."""

    rise: Rise
    before_xp: int


class Book:
    """The one place where experience becomes levels, roles and announcements."""

    def __init__(
        self,
        clock: Clock,
        settings: SettingsStore,
        *,
        plans: Plans,
        outbox: OutboxService,
        roles: RoleService,
        bus: EventBus,
        state: Callable[[], BotState],
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._plans = plans
        self._outbox = outbox
        self._roles = roles
        self._bus = bus
        self._state = state

    def plan(self, guild_id: int) -> Plan:
        """Return a guild's plan, as far as its settings are in memory."""
        return self._plans.of(self._settings.peek(guild_id, KEY))

    def day_of(self, guild_id: int, at: datetime) -> date:
        """Return the day that it is in the guild's zone."""
        zone = self._settings.peek(guild_id, BASICS).settings.time_zone
        return at.astimezone(_zone(zone)).date()

    # --- earning -----------------------------------------------------------------------------

    async def earn(self, session: AsyncSession, earnings: Sequence[Earning]) -> list[Rise]:
        """Store what was earned, one entry for each member, and return whose level has changed.

        Roles and announcements are stored with it; hand the rises to `tell` after the commit.
        """
        totals = await table.add_gains(session, [self._gain(one) for one in earnings])
        by_member = {(one.guild_id, one.user_id): one for one in earnings}
        stored = {(one.guild_id, one.user_id): one.level for one in totals}
        rises = [self._earned_rise(one, by_member[one.guild_id, one.user_id]) for one in totals]
        changed = [one for one in rises if one.level != stored[_member_of(one)]]
        await table.set_levels(session, {_member_of(one): one.level for one in changed})
        await self._announce(session, [one for one in changed if one.level > one.before])
        held = {member: by_member[member].role_ids for member in map(_member_of, changed)}
        await self.want(session, self.changes(changed, held))
        return changed

    def _gain(self, one: Earning) -> Gain:
        day = self.day_of(one.guild_id, one.day_at or one.seen_at)
        return Gain(one.guild_id, one.user_id, one.xp, day, one.joined_at, one.seen_at, one.minutes)

    def _earned_rise(self, one: Total, earning: Earning) -> Rise:
        curve = self.plan(one.guild_id).curve
        level = curve.level_at(one.xp)
        # A level that another curve has made is not earned: the one that stands there may be of the
        # curve before.
        before = max(min(one.level, level), curve.level_at(max(0, one.xp - earning.xp)))
        return Rise(one.guild_id, one.user_id, before, level, one.xp, earning.channel_id)

    def _rise(self, one: Total) -> Rise:
        level = self.plan(one.guild_id).curve.level_at(one.xp)
        return Rise(one.guild_id, one.user_id, one.level, level, one.xp)

    async def tell(self, rises: Iterable[Rise]) -> None:
        """Publish the levels that were reached, once they are stored."""
        for one in rises:
            if one.level > one.before:
                await self._bus.publish(
                    LevelReached(
                        at=self._clock.now(),
                        guild_id=one.guild_id,
                        user_id=one.user_id,
                        before=one.before,
                        level=one.level,
                    )
                )

    async def _announce(self, session: AsyncSession, rises: Sequence[Rise]) -> None:
        if not rises:
            return
        wishes = await table.list_notify(session, [_member_of(one) for one in rises])
        # What somebody wrote to the staff is not to be joined by a feast.
        rooms = {one.channel_id for one in rises if one.channel_id is not None}
        tickets = frozenset(await list_taken(session, rooms))
        state, now = self._state(), self._clock.now()
        for one in rises:
            delivery = compose(
                one,
                self.plan(one.guild_id).settings,
                wish=wishes.get(_member_of(one)),
                state=state,
                locale=await locale_of_guild(self._settings, state, one.guild_id),
                now=now,
                tickets=tickets,
            )
            if delivery is not None:
                await self._outbox.send(session, delivery)

    # --- by staff's hand ---------------------------------------------------------------------

    async def revise(
        self,
        session: AsyncSession,
        guild_id: int,
        held: Mapping[int, frozenset[int] | None],
        after: Callable[[int, int], int],
    ) -> list[Revision]:
        """Give members other totals, and return what each had and has.

        `held` are their roles, `None` for those who are no members; `after` takes a member and the
        total they have, and returns the one they are to have. Nothing is announced. Hand the rises
        to `tell` after the commit.
        """
        revised = await self._revise(session, guild_id, held, after)
        await self._reward(session, guild_id, held, [one.rise for one in revised])
        return revised

    async def _revise(
        self,
        session: AsyncSession,
        guild_id: int,
        held: Mapping[int, frozenset[int] | None],
        after: Callable[[int, int], int],
    ) -> list[Revision]:
        now = self._clock.now()
        gone = {one for one, roles in held.items() if roles is None}
        await totals_table.ensure_members(session, guild_id, held.keys(), now=now, gone=gone)
        # In the order of their ids, before anything changes them in another.
        before = await totals_table.lock_totals(session, guild_id, held.keys())
        await table.mark_present(session, [(guild_id, one) for one in held.keys() - gone])
        curve = self.plan(guild_id).curve
        revised = []
        for user_id, total in before.items():
            xp = after(user_id, total.xp)
            rise = Rise(guild_id, user_id, total.level, curve.level_at(xp), xp)
            revised.append(Revision(rise, total.xp))
        await totals_table.set_totals(session, [_total_of(one.rise) for one in revised])
        return revised

    async def _reward(
        self,
        session: AsyncSession,
        guild_id: int,
        held: Mapping[int, frozenset[int] | None],
        rises: Iterable[Rise],
    ) -> None:
        there = {(guild_id, one): roles for one, roles in held.items() if roles is not None}
        await self.want(session, self.changes(rises, there))

    # --- what other features give ------------------------------------------------------------

    async def give(
        self,
        session: AsyncSession,
        guild_id: int,
        held: Mapping[int, frozenset[int] | None],
        amounts: Mapping[int, int],
    ) -> list[Rise]:
        """Add to what members have, as far as it fits, and return the rises to be told.

        `held` as with `revise`. A new level is announced as one that was earned nowhere. Where
        levels are switched off it is only counted: roles follow when they are switched on.
        """
        revised = await self._revise(
            session,
            guild_id,
            held,
            lambda user_id, before: min(before + amounts[user_id], MOST_XP),
        )
        if not self.plan(guild_id).state.enabled:
            return []
        rises = [self._given_rise(one) for one in revised]
        await self._reward(session, guild_id, held, rises)
        risen = [one for one in rises if one.level > one.before and held[one.user_id] is not None]
        await self._announce(session, risen)
        return risen

    def _given_rise(self, one: Revision) -> Rise:
        # As with what is earned: a level that another curve has made is not given.
        rise, curve = one.rise, self.plan(one.rise.guild_id).curve
        before = max(min(rise.before, rise.level), curve.level_at(one.before_xp))
        return replace(rise, before=before)

    async def recount(
        self, session: AsyncSession, guild_id: int, held: Mapping[int, Collection[int]]
    ) -> tuple[list[Rise], dict[Member, Changes]]:
        """Work the levels of members out anew, and return those with the role changes due.

        Their experience is held until the transaction ends.
        """
        totals = await totals_table.lock_totals(session, guild_id, held.keys())
        rises = [self._rise(one) for one in totals.values()]
        moved = {_member_of(one): one.level for one in rises if one.level != one.before}
        await table.set_levels(session, moved)
        there = {(guild_id, one): roles for one, roles in held.items()}
        return rises, self.changes(rises, there)

    # --- roles -------------------------------------------------------------------------------

    def changes(
        self, rises: Iterable[Rise], held: Mapping[Member, Collection[int]]
    ) -> dict[Member, Changes]:
        """Return which roles those of the members whose roles are known are to get and lose."""
        found: dict[Member, Changes] = {}
        for one in rises:
            member = _member_of(one)
            if member in held and (change := self.change(one.guild_id, one.level, held[member])):
                found[member] = change
        return found

    def change(self, guild_id: int, level: int, held: Collection[int]) -> Changes:
        """Return which roles somebody at a level is to get and to lose."""
        return self.change_under(self.plan(guild_id).settings, guild_id, level, held)

    def change_under(
        self, settings: LevelSettings, guild_id: int, level: int, held: Collection[int]
    ) -> Changes:
        """Return what `change` does, under settings that may be only an idea."""
        if not settings.rewards:
            return Changes()
        desired = desired_roles(
            sound_rewards(settings.rewards, self._state(), guild_id),
            level,
            highest_only=settings.reward_mode is RewardMode.HIGHEST,
        )
        return changes_for(desired, held)

    async def want(
        self,
        session: AsyncSession,
        changes: Mapping[Member, Changes],
        *,
        occasion: str | None = None,
        after_screening: Collection[Member] = (),
    ) -> None:
        """Have the queue of role changes bring these about."""
        wishes = [
            RoleChange(
                guild_id=member[0],
                user_id=member[1],
                role_id=role_id,
                want=want,
                source=RoleSource.AUTOMATIC,
                reason=_("Level reward"),
                occasion=occasion,
                after_screening=want and member in after_screening,
            )
            for member, change in changes.items()
            for want, role_ids in ((True, change.give), (False, change.take))
            for role_id in sorted(role_ids)
        ]
        if wishes:
            await self._roles.want(session, wishes)


def _member_of(rise: Rise) -> Member:
    return rise.guild_id, rise.user_id


def _total_of(rise: Rise) -> Total:
    return Total(rise.guild_id, rise.user_id, rise.xp, rise.level)


@functools.lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
