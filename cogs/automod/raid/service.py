"""Raids from the first join to the last door opened again: one per guild at a time.

Joins are only counted in memory. Once they are a raid, they are written together, and one job per
raid does all the rest: measures, actions on members, the alert's edits, and the end.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases.outcomes import Delayed, EnforcementError
from bot.core.contracts import Actor
from bot.core.errors import NotFound
from bot.core.i18n import _
from bot.core.jobs import Job, Retry
from bot.core.outbox.deliveries import Delivery
from bot.core.problems.rules import Problem
from cogs.automod.raid.desk import FEATURE, RaidDesk
from cogs.automod.raid.lockdown import LockdownService
from cogs.automod.raid.measures import (
    RENEW,
    CloseChannels,
    Measure,
    PauseInvites,
    RaiseVerification,
)
from cogs.automod.raid.reaction import ACTED_ON, Reaction
from cogs.automod.raid.rules import Joiner, JoinWatch, Limits, Suspicion, Trigger, suspect
from cogs.automod.raid.wording import alert_body
from cogs.automod.settings import AutomodSettings
from db import raids as table
from db.raids import Raid, RaidMember, RaidState

log = structlog.get_logger(__name__)

RAID_JOB = "automod.raid"
REFUSED, UNTOLD = "raid_refused", "raid_untold"
# Who joined beyond this is counted nowhere: it is a raid without that.
MOST_MEMBERS = 5_000
MOST_GUILDS = 2_000
# The alert is edited, and new joiners are acted on, at most so often.
COALESCE = timedelta(seconds=2)
RETRY = timedelta(minutes=5)
SOON = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RaidReport:
    """A raid with everyone who is known to have joined during it."""

    raid: Raid
    suspicions: tuple[Suspicion, ...]
    states: Mapping[int, str]


class RaidService:
    """Watches joins and handles raids, for all guilds; one per process."""

    def __init__(self, desk: RaidDesk, lockdowns: LockdownService) -> None:
        self._desk = desk
        self.reaction = Reaction(desk)
        self._measures: tuple[Measure, ...] = (
            PauseInvites(desk),
            RaiseVerification(desk),
            CloseChannels(lockdowns),
        )
        self._watches: OrderedDict[int, JoinWatch] = OrderedDict()
        self._open: set[int] = set()
        self._pending: dict[int, dict[int, Joiner]] = {}
        self._found: dict[int, Trigger] = {}
        self._writing: set[int] = set()
        # What the job has seen of a raid when it began: changes after that make it run again.
        self._seen: dict[int, tuple[int, str]] = {}

    async def start(self) -> None:
        """Take up the raids of earlier runs."""
        self._desk.jobs.register(
            RAID_JOB,
            self.settle,
            effect=self.work,
            timeout=timedelta(minutes=15),
            max_attempts=1_000,
        )
        async with self._desk.database.read() as session:
            self._open |= await table.list_open_guilds(session)

    # --- joins -------------------------------------------------------------------------------

    def note_join(self, guild_id: int, joiner: Joiner) -> None:
        """Count a join; writes nothing and waits for nothing unless it is part of a raid."""
        state = self._desk.settings.peek(guild_id, FEATURE)
        settings: AutomodSettings = state.settings
        if not state.enabled or not settings.raid_enabled:
            return
        if joiner.user_id in settings.exempt_members:
            return
        finding = self._watch(guild_id).observe(joiner, limits_of(settings))
        if finding is not None:
            self._found.setdefault(guild_id, finding.trigger)
        elif guild_id not in self._open:
            return
        pending = self._pending.setdefault(guild_id, {})
        is_known = guild_id in self._open
        for one in (joiner,) if finding is None or is_known else finding.joiners:
            if len(pending) < MOST_MEMBERS:
                pending[one.user_id] = one
        if guild_id not in self._writing:
            self._writing.add(guild_id)
            self._desk.supervisor.spawn("automod.raid_joins", self._write_joins(guild_id))

    def _watch(self, guild_id: int) -> JoinWatch:
        watch = self._watches.get(guild_id)
        if watch is None:
            watch = self._watches[guild_id] = JoinWatch()
            if len(self._watches) > MOST_GUILDS:
                self._watches.popitem(last=False)
        self._watches.move_to_end(guild_id)
        return watch

    async def _write_joins(self, guild_id: int) -> None:
        try:
            while joiners := self._pending.pop(guild_id, None):
                await self.record(guild_id, list(joiners.values()), self._found.pop(guild_id, None))
        finally:
            self._writing.discard(guild_id)

    async def record(
        self, guild_id: int, joiners: list[Joiner], trigger: Trigger | None
    ) -> int | None:
        """Open a raid if there is none and a trigger, record who joined, and return its id.

        Without a trigger joins are only added to a raid that is open.
        """
        channel_id = await self._desk.log_channel(guild_id)
        locale = await self._desk.locale(guild_id)
        now = self._desk.clock.now()
        opened = None
        async with self._desk.database.write() as session:
            raid = await table.lock_open_raid(session, guild_id)
            if raid is None and trigger is not None:
                raid = opened = await table.open_raid(
                    session, guild_id=guild_id, trigger=trigger, channel_id=channel_id, now=now
                )
                raid = raid or await table.lock_open_raid(session, guild_id)
            if raid is None or (raid.state != RaidState.OPEN and trigger is None):
                self._open.discard(guild_id)
                return None
            await self._add(session, raid, joiners)
            if opened is None:
                await self._wake(session, raid.id, guild_id, now + COALESCE)
            else:
                await self._announce(session, raid, locale)
                await self._wake(session, raid.id, guild_id, now)
            self._open.add(guild_id)
        if opened is not None:
            await self._note_opened(raid)
        return raid.id

    async def _add(self, session: AsyncSession, raid: Raid, joiners: list[Joiner]) -> None:
        rows = [
            {
                "user_id": one.user_id,
                "name": one.name[:100],
                "avatar": one.avatar,
                "created_at": one.created_at,
                "joined_at": one.joined_at,
            }
            for one in joiners
        ]
        new = await table.add_members(session, raid, rows, most=MOST_MEMBERS)
        last = max([raid.last_join_at, *(one.joined_at for one in joiners)])
        values: dict[str, Any] = {"joins": Raid.joins + new, "last_join_at": last}
        if raid.state != RaidState.OPEN:
            # A raid again while it ends: it goes on, and its measures are taken anew.
            values["state"] = RaidState.OPEN
            values["measures"] = {
                name: {**one, "done": False} for name, one in raid.measures.items() if one["on"]
            }
        await table.change_raid(session, raid.id, **values)

    async def _note_opened(self, raid: Raid) -> None:
        self._desk.count("raid")
        log.warning("raid_opened", guild_id=raid.guild_id, raid=raid.id, trigger=raid.trigger)
        if raid.channel_id is None:
            await self._desk.problems.report(
                raid.guild_id,
                Problem(
                    FEATURE,
                    UNTOLD,
                    "",
                    _("There was a raid, and there is no channel to tell of it."),
                    _("Choose a log channel with /automod settings."),
                ),
            )

    # --- for staff ---------------------------------------------------------------------------

    async def report(self, guild_id: int, raid_id: int | None = None) -> RaidReport:
        """Return a raid, or the guild's latest one, with who joined; raises `NotFound`."""
        settings: AutomodSettings = (await self._desk.settings.get(guild_id, FEATURE)).settings
        async with self._desk.database.read() as session:
            raid = await (
                table.get_last_raid(session, guild_id)
                if raid_id is None
                else table.get_raid(session, raid_id)
            )
            if raid is None or raid.guild_id != guild_id:
                raise NotFound(_("There has been no raid here lately."))
            rows = await table.list_members(session, raid.id)
        found = suspect([joiner_of(row) for row in rows], settings.raid_minimum_age)
        return RaidReport(raid, tuple(found), {row.user_id: row.state for row in rows})

    async def end(self, guild_id: int, actor: Actor) -> None:
        """End the guild's raid and have all measures taken back; raises `NotFound`."""
        async with self._desk.database.write() as session:
            raid = await table.lock_open_raid(session, guild_id)
            if raid is None:
                raise NotFound(_("There is no raid here at the moment."))
            if raid.state == RaidState.OPEN:
                await table.change_raid(
                    session, raid.id, state=RaidState.ENDING, ended_by=actor.user_id or None
                )
            await self._wake(session, raid.id, guild_id, self._desk.clock.now())
        self._calm(guild_id)

    async def tell(self, raid_id: int) -> None:
        """Have the alert edited soon, since something was done outside of the raid's job."""
        locale = None
        async with self._desk.database.read() as session:
            raid = await table.get_raid(session, raid_id)
        if raid is not None:
            locale = await self._desk.locale(raid.guild_id)
        async with self._desk.database.write() as session:
            await table.change_raid(session, raid_id)
            if raid := await table.lock_raid(session, raid_id):
                await self._edit_alert(session, raid, locale)

    def _calm(self, guild_id: int) -> None:
        self._open.discard(guild_id)
        self._found.pop(guild_id, None)
        if watch := self._watches.get(guild_id):
            watch.clear()

    # --- the job -----------------------------------------------------------------------------

    async def _wake(self, session: AsyncSession, raid_id: int, guild_id: int, at: datetime) -> None:
        """Have the raid's job run at an instant; one that runs now looks again by itself."""
        key = f"{RAID_JOB}:{raid_id}"
        jobs = self._desk.jobs
        if await jobs.hasten(session, key, at) or await jobs.is_open(session, key):
            return
        await jobs.schedule(
            session, RAID_JOB, at, {"raid_id": raid_id}, dedupe_key=key, guild_id=guild_id
        )

    async def work(self, job: Job) -> None:
        """Take measures or take them back; the effect of `RAID_JOB`, which may be repeated."""
        raid_id = job.payload["raid_id"]
        async with self._desk.database.read() as session:
            raid = await table.get_raid(session, raid_id)
        if raid is None or raid.state == RaidState.ENDED:
            return
        self._seen[raid_id] = (raid.changes, raid.state)
        settings = await self._desk.settings_of(raid.guild_id)
        if raid.state == RaidState.ENDING:
            await self._take_back(raid)
        elif settings is not None and not self._is_quiet(raid, settings):
            await self._take(raid, settings)
            await self.reaction.act(raid, settings)

    async def _take(self, raid: Raid, settings: AutomodSettings) -> None:
        for measure in self._measures:
            known = raid.measures.get(measure.name)
            if (known is None and not measure.is_wanted(settings)) or (known or {}).get("refused"):
                continue
            try:
                await measure.apply(raid, known, self._storing(raid.id, measure.name))
            except Delayed as error:
                raise Retry(max(error.after, SOON), error.reason) from error
            except EnforcementError:
                store = self._storing(raid.id, measure.name)
                await store({"on": False, "refused": True})
                await self._report_refusal(raid.guild_id)

    def _storing(self, raid_id: int, name: str) -> Any:
        async def store(measure: dict[str, Any]) -> bool:
            async with self._desk.database.write() as session:
                raid = await table.lock_raid(session, raid_id)
                if raid is None or raid.state != RaidState.OPEN:
                    return False
                if raid.measures.get(name) != measure:
                    measures = {**raid.measures, name: measure}
                    await table.change_raid(session, raid_id, measures=measures)
            return True

        return store

    async def _take_back(self, raid: Raid) -> None:
        for measure in self._measures:
            known = raid.measures.get(measure.name)
            if known is None or not known["on"]:
                continue
            try:
                await measure.take_back(raid, known)
            except Delayed as error:
                raise Retry(max(error.after, SOON), error.reason) from error
            except EnforcementError as error:
                if error.reason != "guild_gone":
                    await self._report_refusal(raid.guild_id)
                    continue
            await self._note_taken_back(raid.id, measure.name)

    async def _note_taken_back(self, raid_id: int, name: str) -> None:
        async with self._desk.database.write() as session:
            raid = await table.lock_raid(session, raid_id)
            if raid is None:
                return
            # Forgotten when the raid has flared up again, so that it is taken anew.
            is_over = raid.state != RaidState.OPEN
            measures = {key: one for key, one in raid.measures.items() if key != name}
            if is_over:
                measures[name] = {**raid.measures[name], "on": False}
            await table.change_raid(session, raid_id, measures=measures)

    async def _report_refusal(self, guild_id: int) -> None:
        await self._desk.problems.report(
            guild_id,
            Problem(
                FEATURE,
                REFUSED,
                "",
                _("Discord did not let me do all that is set for raids."),
                _("Give me the Manage Server, Manage Roles and Ban Members permissions."),
            ),
        )

    async def settle(self, job: Job, session: AsyncSession) -> datetime | None:
        """Decide whether the raid is over, edit the alert, and return when to look again."""
        raid = await table.lock_raid(session, job.payload["raid_id"])
        if raid is None or raid.state == RaidState.ENDED:
            return None
        now = self._desk.clock.now()
        settings = await self._desk.settings_of(raid.guild_id)
        seen = self._seen.pop(raid.id, (-1, ""))
        if raid.state == RaidState.ENDING:
            return await self._settle_end(session, raid, now, seen[1])
        if settings is None or self._is_quiet(raid, settings):
            await table.change_raid(session, raid.id, state=RaidState.ENDING)
            self._calm(raid.guild_id)
            return now
        locale = await self._desk.locale(raid.guild_id)
        await self._edit_alert(session, raid, locale)
        if seen[0] != raid.changes:
            return now + COALESCE
        return self._next_look(raid, settings)

    async def _settle_end(
        self, session: AsyncSession, raid: Raid, now: datetime, seen: str
    ) -> datetime | None:
        if any(one["on"] for one in raid.measures.values()):
            return now if seen != RaidState.ENDING else now + RETRY
        await table.change_raid(
            session, raid.id, state=RaidState.ENDED, open_guild_id=None, ended_at=now
        )
        self._calm(raid.guild_id)
        raid = await table.lock_raid(session, raid.id) or raid
        await self._edit_alert(session, raid, await self._desk.locale(raid.guild_id))
        return None

    @staticmethod
    def _next_look(raid: Raid, settings: AutomodSettings) -> datetime:
        looks = [raid.last_join_at + settings.raid_quiet]
        invites = raid.measures.get("invites") or {}
        if invites.get("on"):
            looks.append(datetime.fromisoformat(invites["untils"][-1]) - RENEW)
        return min(looks)

    def _is_quiet(self, raid: Raid, settings: AutomodSettings) -> bool:
        return raid.last_join_at + settings.raid_quiet <= self._desk.clock.now()

    # --- the alert ---------------------------------------------------------------------------

    async def _announce(self, session: AsyncSession, raid: Raid, locale: str | None) -> None:
        raid = await table.lock_raid(session, raid.id) or raid
        if raid.channel_id is None:
            return
        await self._desk.outbox.send(
            session,
            Delivery.message(
                raid.channel_id,
                alert_body(raid, handled=0, locale=locale),
                dedupe_key=_alert_key(raid.id),
                guild_id=raid.guild_id,
            ),
        )
        await table.note_told(session, raid.id, raid.changes)

    async def _edit_alert(self, session: AsyncSession, raid: Raid, locale: str | None) -> None:
        if raid.channel_id is None or raid.changes == raid.told:
            return
        handled = await table.count_members(session, raid.id, *ACTED_ON)
        key = _alert_key(raid.id)
        await self._desk.outbox.send(
            session,
            Delivery.edit(
                raid.channel_id,
                key,
                alert_body(raid, handled=handled, locale=locale),
                dedupe_key=f"{key}:{raid.changes}",
                guild_id=raid.guild_id,
            ),
        )
        await table.note_told(session, raid.id, raid.changes)


def limits_of(settings: AutomodSettings) -> Limits:
    """Return the limits that a guild has set."""
    return Limits(
        settings.raid_joins, settings.raid_window, settings.raid_share, settings.raid_minimum_age
    )


def joiner_of(row: RaidMember) -> Joiner:
    """Return a member on record as the rules see one."""
    return Joiner(row.user_id, row.name, row.avatar, row.created_at, row.joined_at)


def _alert_key(raid_id: int) -> str:
    return f"raid:{raid_id}:alert"
