"""Claims role wishes guild by guild, has them applied and settles each member's at once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.backoff import Backoff
from bot.core.cases.desk import make_stamp
from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.events import EventBus
from bot.core.guild_locale import locale_of_guild
from bot.core.roles.applying import LEASE, Batch, GuildGone, Lease, MemberWork, Result
from bot.core.roles.parking import REFUSED, ParkedRoles, is_of_guild
from bot.core.roles.rules import LASTING, PRIORITIES, RoleSource, aim
from bot.core.roles.values import RoleChanged, RoleChanger
from bot.core.settings import SettingsStore
from db import role_wish_claims as claims
from db import role_wishes as table
from db.engine import Database
from db.leases import Shards
from db.role_wishes import SCREENING, WAITING, RoleWish
from db.sanctions import list_held_roles

log = structlog.get_logger(__name__)

# Discord takes about ten role changes of a guild in ten seconds, so that what is more urgent and
# comes meanwhile waits no longer than that.
BATCH = 10
# Of one member's wishes, and of their whole guild: the next call would likely meet the same. The
# guild's is shorter, so that a member about whom every call fails lets the others pass.
RETRY = Backoff(first=timedelta(seconds=10), longest=timedelta(minutes=30))
PAUSE = Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=2))
# How a member who has not passed screening is looked at again, should no event tell of it.
SCREENING_LOOKS = Backoff(first=timedelta(minutes=10), longest=timedelta(hours=6))
# Guilds that wait after an error, each by itself; when there are more, Discord is away for all.
MOST_PAUSED = 200


@dataclass(frozen=True, slots=True)
class _Pause:
    until: datetime
    failures: int


class RoleRunner:
    """The work source of the queue's loop; without a `changer` there is nothing to do."""

    changer: RoleChanger | None = None

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        bus: EventBus,
        state: Callable[[], BotState],
        parked: ParkedRoles,
        shards: Shards | None,
    ) -> None:
        self.outcomes: Counter[tuple[str, str]] = Counter()
        # Guilds where somebody's screening is waited for.
        self.screening: set[int] = set()
        self._database = database
        self._clock = clock
        self._settings = settings
        self._bus = bus
        self._state = state
        self._parked = parked
        self._shards = shards
        self._attempts: dict[int, asyncio.Task[Any] | None] = {}
        self._paused: dict[int, _Pause] = {}

    # --- the loop's questions ----------------------------------------------------------------

    async def get_next_due(self) -> datetime | None:
        """Return when wishes of a guild that is not at work can next be claimed."""
        waiting = self._waiting()
        ends = min((pause.until for pause in waiting.values()), default=None)
        if self.changer is None or len(waiting) >= MOST_PAUSED:
            return ends
        async with self._database.read() as session:
            due_at = await claims.get_next_due(
                session, without={*self._attempts, *waiting}, shards=self._shards
            )
        return min((one for one in (due_at, ends) if one is not None), default=None)

    async def claim(self, limit: int) -> Sequence[Batch]:
        """Claim wishes of up to `limit` guilds, each guild's as one batch."""
        waiting = self._waiting()
        if self.changer is None or len(waiting) >= MOST_PAUSED:
            return ()
        async with self._database.write() as session:
            now = self._clock.now()
            guilds = await claims.list_due_guilds(
                session,
                now=now,
                limit=limit,
                without={*self._attempts, *waiting},
                shards=self._shards,
            )
            batches = [await self._claim(session, guild_id, now) for guild_id in guilds]
        claimed = [batch for batch in batches if batch.members]
        self._attempts.update(dict.fromkeys((batch.id for batch in claimed), None))
        return claimed

    async def _claim(self, session: AsyncSession, guild_id: int, now: datetime) -> Batch:
        claim = make_stamp()
        rows = await claims.claim_wishes(
            session, guild_id, now=now, claim=claim, lease_until=now + LEASE, limit=BATCH
        )
        members = [list(wishes) for _, wishes in groupby(rows, key=lambda row: row.user_id)]
        return Batch(guild_id, claim, min((row.due_at for row in rows), default=now), members)

    async def work(self, row: Batch) -> None:
        """Apply a batch and give back what is left of it; raises what was not foreseen."""
        self._attempts[row.id] = asyncio.current_task()
        try:
            try:
                await self._apply(row)
            finally:
                async with self._database.write() as session:
                    await table.release_claim(session, row.id, row.claim)
        except Exception:
            self._pause(row.id)
            raise
        finally:
            del self._attempts[row.id]

    def interrupt(self, row: Batch) -> None:
        """Make a batch end now; what Discord has of it and nobody noted is done again."""
        if attempt := self._attempts.get(row.id):
            attempt.cancel()

    # --- a batch -----------------------------------------------------------------------------

    async def _apply(self, batch: Batch) -> None:
        lease = Lease(self._database, self._clock, batch)
        refused = await self._park_refused(batch)
        if any(map(is_of_guild, refused.values())):
            return
        locale = await locale_of_guild(self._settings, self._state(), batch.id)
        async with self._database.read() as session:
            user_ids = [wishes[0].user_id for wishes in batch.members]
            held = await list_held_roles(session, batch.id, user_ids)
        for member in batch.members:
            wishes = [wish for wish in member if wish.role_id not in refused]
            if not wishes:
                continue
            if (changer := self.changer) is None:
                return
            if any(wish.after_screening for wish in wishes):
                # Not later: that they have passed may be said while Discord is being asked.
                self.screening.add(batch.id)
            role_held = held.get(wishes[0].user_id)
            work = MemberWork(changer, lease, wishes, held=role_held, locale=locale)
            try:
                result = await work.run()
            except GuildGone:
                await self._drop_guild(batch)
                return
            except Exception:
                # A mistake of ours about one member must not keep the others waiting for ever.
                async with self._database.write() as session:
                    await self._put_off(session, Result(delayed=wishes))
                raise
            if result is None or not await self._settle(batch, wishes, result):
                return
            # Not asked for again for the batch's other members.
            refused |= {one.role_id: REFUSED for one in [*result.refused, *result.roles_gone]}

    async def _park_refused(self, batch: Batch) -> dict[int, str]:
        """Park all that the bot is seen not to be able to do; return the causes by role."""
        causes: dict[int, str] = {}
        for wish in (wish for member in batch.members for wish in member):
            if wish.role_id not in causes:
                refusal = self._parked.refusal_of(batch.id, wish.role_id)
                if refusal is not None:
                    causes[wish.role_id] = refusal.cause
        for role_id, cause in causes.items():
            await self._park(batch, role_id, cause)
            if is_of_guild(cause):
                break
        return causes

    async def _park(self, batch: Batch, role_id: int, cause: str) -> None:
        self._parked.expect(batch.id)
        async with self._database.write() as session:
            count = await table.park_wishes(
                session,
                batch.id,
                None if is_of_guild(cause) else role_id,
                cause,
                now=self._clock.now(),
                claim=batch.claim,
            )
        if count:
            self.outcomes["any", "parked"] += count
            await self._parked.tell_parked(batch.id, cause, role_id)

    async def _drop_guild(self, batch: Batch) -> None:
        lasting = [one for member in batch.members for one in member if one.source in LASTING]
        async with self._database.write() as session:
            count = await table.delete_wishes(session, batch.id, but_sources=LASTING)
            # They are set aside once the bot is known to have left. Should it be back before that
            # is noted, they are tried again.
            for _user, wishes in groupby(lasting, key=lambda wish: wish.user_id):
                await self._put_off(session, Result(delayed=list(wishes)))
        self._pause(batch.id)
        log.info("role_wishes_dropped", guild_id=batch.id, count=count, reason="guild_gone")

    # --- settling ----------------------------------------------------------------------------

    async def _settle(self, batch: Batch, wishes: Sequence[RoleWish], result: Result) -> bool:
        """Record what became of a member's wishes; False when the guild is to wait."""
        async with self._database.write() as session:
            finished = await self._finish(session, batch, result)
            for wish in result.roles_gone:
                await table.delete_wishes(session, batch.id, role_id=wish.role_id)
            await self._put_off(session, result)
            await table.release_claim(session, batch.id, batch.claim, wishes[0].user_id)
        for wish, given in finished:
            await self._tell(wish, given)
        for wish in result.roles_gone:
            await self._parked.tell_gone(batch.id, wish.role_id)
        for wish in result.refused:
            # Given back above, so that this parks it with all others that want the same.
            await self._park(batch, wish.role_id, REFUSED)
        self._count(result)
        if result.delayed:
            self._pause(batch.id, result.after)
            return False
        self._paused.pop(batch.id, None)
        return True

    async def _finish(
        self, session: AsyncSession, batch: Batch, result: Result
    ) -> list[tuple[RoleWish, bool]]:
        """Remove what is done, unless a mute began or ended meanwhile; return what was removed."""
        if not result.done:
            await table.finish_wishes(session, result.dropped)
            return []
        user_id = result.done[0][0].user_id
        # Who mutes writes that down before the call. Seen here, the call may have come before ours;
        # not seen here, it comes after it.
        held = (await list_held_roles(session, batch.id, [user_id])).get(user_id)
        settled, turned = [], []
        for wish, given in result.done:
            now_aim = aim(wish.source, want=wish.want, held=wish.role_id == held)
            (settled if now_aim == given else turned).append((wish, given))
        for wish, given in turned:
            await self._turn(session, wish, want=not given)
        gone = await table.finish_wishes(session, [wish for wish, _ in settled] + result.dropped)
        return [(wish, given) for wish, given in settled if wish.role_id in gone]

    async def _tell(self, wish: RoleWish, given: bool) -> None:
        if given != wish.want or wish.source == RoleSource.MUTE:
            # What a mute keeps or has given back is no change that anybody asked for.
            self.outcomes[wish.source, "held"] += 1
            return
        self.outcomes[wish.source, "applied"] += 1
        await self._bus.publish(
            RoleChanged(
                at=self._clock.now(),
                guild_id=wish.guild_id,
                user_id=wish.user_id,
                role_id=wish.role_id,
                given=given,
                source=RoleSource(wish.source),
            )
        )

    async def _turn(self, session: AsyncSession, wish: RoleWish, *, want: bool) -> None:
        await table.change_wishes(
            session,
            [wish],
            want=want,
            source=RoleSource.MUTE,
            priority=PRIORITIES[RoleSource.MUTE],
            reason=None,
            occasion=None,
            after_screening=False,
            state=WAITING,
            due_at=self._clock.now(),
            stamp=make_stamp(),
        )

    async def _put_off(self, session: AsyncSession, result: Result) -> None:
        now = self._clock.now()
        for wish in result.delayed:
            pause = max(result.after, RETRY.pause(wish.attempts, _chance()))
            await table.change_wishes(session, [wish], due_at=now + pause)
        for wish in result.screening:
            pause = SCREENING_LOOKS.pause(wish.attempts, _chance())
            await table.change_wishes(session, [wish], state=SCREENING, due_at=now + pause)

    def _count(self, result: Result) -> None:
        for outcome, wishes in (
            ("member_gone", result.dropped),
            ("role_gone", result.roles_gone),
            ("screening", result.screening),
            ("delayed", result.delayed),
        ):
            for wish in wishes:
                self.outcomes[wish.source, outcome] += 1

    # --- pauses ------------------------------------------------------------------------------

    def _pause(self, guild_id: int, after: timedelta = timedelta()) -> None:
        earlier = self._paused.get(guild_id)
        failures = earlier.failures + 1 if earlier else 1
        until = self._clock.now() + max(after, PAUSE.pause(failures, _chance()))
        self._paused[guild_id] = _Pause(until, failures)

    def _waiting(self) -> dict[int, _Pause]:
        now = self._clock.now()
        if len(self._paused) > 2 * MOST_PAUSED:
            self._paused = {one: pause for one, pause in self._paused.items() if pause.until > now}
        return {one: pause for one, pause in self._paused.items() if pause.until > now}


def _chance() -> float:
    return random.random()  # noqa: S311 - jitter
