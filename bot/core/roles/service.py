"""The service of role changes: takes wishes in the caller's transaction and sees them through."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from bot.core.cases.desk import make_stamp
from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.events import EventBus
from bot.core.i18n import Message
from bot.core.message_json import message_to_json
from bot.core.roles.applying import Batch
from bot.core.roles.parking import ParkedRoles
from bot.core.roles.rules import LASTING, PRIORITIES, RoleSource
from bot.core.roles.runner import RoleRunner
from bot.core.roles.values import RoleChange, RoleChanger, RolesSnapshot
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from bot.core.work import Pace, WorkService
from db import role_wish_occasions as occasions
from db import role_wishes as table
from db.engine import Database
from db.leases import Shards
from db.notify import Notifier

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.problems import ProblemService

# Guilds worked on at once; within each, one call follows another.
CONCURRENCY = 8
# Wishes written by one execution: a back-fill's transaction keeps the loop free in between.
CHUNK = 500
# What has waited this long for people, or for a member's screening, is wanted no more.
KEPT = timedelta(days=90)


class RoleService(WorkService[Batch]):
    """Keeps what is wanted of members' roles, and has Discord do it; one per process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        bus: EventBus,
        problems: ProblemService,
        supervisor: TaskSupervisor,
        state: Callable[[], BotState],
        shards: Shards | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        self._database = database
        self._supervisor = supervisor
        self._parked = ParkedRoles(
            database, clock, problems, supervisor=supervisor, state=state, wake=self.wake
        )
        self._runner = RoleRunner(
            database,
            clock,
            settings,
            bus=bus,
            state=state,
            parked=self._parked,
            shards=shards,
        )
        super().__init__(
            "roles",
            self._runner,
            clock=clock,
            supervisor=supervisor,
            pace=Pace(concurrency=CONCURRENCY),
            notifier=notifier,
        )

    # --- for features ------------------------------------------------------------------------

    async def want(self, session: AsyncSession, changes: Iterable[RoleChange]) -> None:
        """Want these changes from the commit of the caller's transaction on.

        There is one wish per member and role: a newer one takes the older one's place unless its
        source has a lower priority, in which case it is dropped. So a wish for later is replaced by
        one for now: a role that ends some time is a job that writes the removal then. As long as a
        mute holds a role nobody can take it. Priorities count among what waits; what is done is
        done, and open to any later wish. Give a hundred thousand changes in transactions of some
        thousand each. Raises `ValueError` for the source `MUTE`: mutes are ordered as cases.
        """
        stamp, rest = make_stamp(), iter(changes)
        while chunk := list(islice(rest, CHUNK)):
            await table.put_wishes(session, [self._row(change, stamp) for change in chunk])
        await self._loop.wake_after_commit(session)

    def _row(self, change: RoleChange, stamp: int) -> dict[str, Any]:
        if change.source is RoleSource.MUTE:
            raise ValueError("a mute is ordered as a case")
        now = self._clock.now()
        return {
            "guild_id": change.guild_id,
            "user_id": change.user_id,
            "role_id": change.role_id,
            "want": change.want,
            "source": change.source.value,
            "priority": PRIORITIES[change.source],
            "reason": _reason_to_json(change.reason),
            "after_screening": change.after_screening,
            "state": table.WAITING,
            "due_at": change.not_before or now,
            "attempts": 0,
            "stamp": stamp,
            "park_cause": None,
            "created_at": now,
            "occasion": change.occasion,
        }

    async def forget(
        self,
        session: AsyncSession,
        guild_id: int,
        *,
        user_id: int | None = None,
        role_id: int | None = None,
        source: RoleSource | None = None,
    ) -> int:
        """Want no more what matches, in the caller's transaction; return how many wishes.

        A call that is under way may still reach Discord; no event tells of it. That a member leaves
        needs no call of this: what is due is dropped when Discord does not know them.
        """
        return await table.delete_wishes(
            session, guild_id, user_id=user_id, role_id=role_id, source=source
        )

    async def suspend(self, session: AsyncSession, guild_id: int) -> None:
        """Want no more what rules and members want in a guild, since the bot has left it.

        What staff have said, and what was won or bought, only waits.
        """
        await table.delete_wishes(session, guild_id, but_sources=LASTING)
        await table.suspend_wishes(session, guild_id, LASTING)

    async def take_up(self, session: AsyncSession, guild_id: int) -> None:
        """Go on with what has waited for the bot to be back in a guild."""
        await table.take_up_wishes(session, guild_id)
        await self._loop.wake_after_commit(session)

    async def withdraw(
        self,
        session: AsyncSession,
        guild_id: int,
        occasion: str,
        *,
        keeping: Collection[int] = (),
    ) -> int:
        """Want no more what was wanted on an occasion alone, and its parts; return how many wishes.

        Those for roles of `keeping` stay, and what Discord is being asked for at this moment is
        seen through.
        """
        now = self._clock.now()
        return await occasions.withdraw_wishes(session, guild_id, occasion, now, keeping=keeping)

    async def snapshot(
        self, guild_id: int | None = None, source: RoleSource | None = None
    ) -> RolesSnapshot:
        """Return how wishes stand, for health, metrics and progress: all, a guild's, a source's."""
        now = self._clock.now()
        async with self._database.read() as session:
            backlog = await table.get_backlog(session, now, guild_id=guild_id, source=source)
        since = backlog.overdue_since
        return RolesSnapshot(
            waiting=backlog.waiting,
            screening=backlog.screening,
            parked=backlog.parked,
            due=backlog.due,
            oldest_overdue=(now - since).total_seconds() if since else 0.0,
            outcomes=dict(self._runner.outcomes),
        )

    # --- wiring ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up what earlier runs have left waiting."""
        await self._parked.start()
        async with self._database.read() as session:
            self._runner.screening |= await table.list_guilds_in(session, table.SCREENING)

    def use(self, changer: RoleChanger) -> None:
        """Change roles with this from now on; until there is one wishes wait."""
        self._runner.changer = changer
        self.wake()

    def leave(self, changer: RoleChanger) -> None:
        """Change roles with this no more; one that has been replaced is no matter."""
        if self._runner.changer is changer:
            self._runner.changer = None

    def look_again(self, guild_id: int) -> None:
        """Go on with what waited for a permission or a role's place; returns at once."""
        self._parked.look_again(guild_id)

    def member_passed(self, guild_id: int, user_id: int) -> None:
        """Do what waited for this member to pass membership screening; returns at once.

        Cheap for members of whom nothing waits. Should nobody call it, the member is looked at from
        time to time.
        """
        if guild_id in self._runner.screening:
            self._supervisor.spawn("role_screening", self._pass(guild_id, user_id))

    async def _pass(self, guild_id: int, user_id: int) -> None:
        # Most updates of members are about somebody of whom nothing waits.
        async with self._database.read() as session:
            wishes = await table.list_wishes(session, guild_id, user_id)
        if not any(wish.after_screening for wish in wishes):
            return
        async with self._database.write() as session:
            now, stamp = self._clock.now(), make_stamp()
            await table.pass_screening(session, guild_id, user_id, now=now, stamp=stamp)
            await self._loop.wake_after_commit(session)


async def purge_wishes(session: AsyncSession, now: datetime) -> None:
    """Delete what people have not made possible for so long that nobody expects it any more."""
    await table.delete_stale(session, now - KEPT)


def _reason_to_json(reason: Message | str | None) -> dict[str, Any] | None:
    if reason is None:
        return None
    return message_to_json(reason) if isinstance(reason, Message) else {"text": reason}
