"""Giveaways that come again; free of discord.py.

A series is a cron rule in an IANA zone: each occurrence is wall time of its own, so that 18:00 in
Madrid stays 18:00 when the clocks change. So does its end where it was named by the clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from bot.core.contracts import SYSTEM, Actor
from bot.core.errors import Conflict, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.i18n import _
from bot.core.jobs import Job, JobService
from bot.core.jobs.recurrence import Recurrence
from bot.core.moments import local_instant
from bot.core.problems import Problem, ProblemService
from cogs.giveaways.opening import Opening, Order
from cogs.giveaways.plan import Plan
from cogs.giveaways.rules import SHORTEST, checked_plan, end_after_late_start
from cogs.giveaways.settings import KEY
from db import giveaway_hosting as table
from db.giveaways import GiveawaySeries
from db.guilds import list_left_guild_ids

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.settings import SettingsStore
    from db.engine import Database

SERIES_JOB, TELL_JOB = "giveaways.series", "giveaways.series_told"
SKIPPED = "series_skipped"
MOST_SERIES = 25
# The last day that every month has.
_SHORTEST_MONTH = 28
_LAST = "L"
_DAY = timedelta(days=1)


class Repeat(StrEnum):
    """How often a giveaway comes again."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


def rule_of(repeat: Repeat, first: datetime, timezone: str) -> Recurrence:
    """Return the rule whose occurrences are at the wall time of the first one.

    A monthly one on the 29th or later comes on each month's last day.
    """
    wall = first.astimezone(ZoneInfo(timezone))
    day = _LAST if wall.day > _SHORTEST_MONTH else str(wall.day)
    days = {
        Repeat.DAILY: "* * *",
        Repeat.WEEKLY: f"* * {wall.isoweekday() % 7}",
        Repeat.MONTHLY: f"{day} * *",
    }
    return Recurrence.parse(f"{wall.minute} {wall.hour} {days[repeat]}", timezone)


def following(rule: Recurrence, due_at: datetime, now: datetime) -> datetime:
    """Return when a series comes again after the occurrence that was due.

    One that comes on each month's last day may have begun on the 29th of a month that has more:
    then it has had that month.
    """
    after = rule.next_after(max(now, due_at))
    if is_on_last_days(rule) and _month(rule, after) == _month(rule, due_at):
        return rule.next_after(after)
    return after


def length_by_clock(
    first: datetime, lasts: timedelta | None, timezone: str
) -> tuple[timedelta | None, bool]:
    """Return how long clocks show that the first one lasts, and whether that is to be kept.

    It is not where they show an end that is none, in the hour that comes twice.
    """
    if lasts is None:
        return None, False
    zone = ZoneInfo(timezone)
    ends = (first.astimezone(UTC) + lasts).astimezone(zone).replace(tzinfo=None)
    shown = ends - first.astimezone(zone).replace(tzinfo=None)
    return (shown, True) if shown >= SHORTEST else (lasts, False)


def end_of(begins_at: datetime, lasts: timedelta, timezone: str, *, by_clock: bool) -> datetime:
    """Return when what begins at an instant ends: whole days are by the clock, too."""
    if not by_clock and lasts % _DAY:
        return begins_at + lasts
    zone = ZoneInfo(timezone)
    return local_instant(begins_at.astimezone(zone).replace(tzinfo=None) + lasts, zone)


def repeat_of(rule: str) -> Repeat:
    """Return how often a rule of `rule_of` comes again."""
    _minute, _hour, day, _month, weekday = rule.split()
    if weekday != "*":
        return Repeat.WEEKLY
    return Repeat.DAILY if day == "*" else Repeat.MONTHLY


def is_on_last_days(rule: Recurrence) -> bool:
    """Tell whether a rule names the last day of each month."""
    return rule.rule.split()[2] == _LAST


def _month(rule: Recurrence, instant: datetime) -> tuple[int, int]:
    wall = instant.astimezone(ZoneInfo(rule.timezone))
    return wall.year, wall.month


def _not_as_seen() -> Conflict:
    return Conflict(
        _("This series was changed meanwhile, has come again or was stopped."),
        hint=_("Read it again, then repeat your change."),
    )


def job_of(series: GiveawaySeries) -> str:
    """Return the key of the job by which a series comes again."""
    return f"{SERIES_JOB}:{series.id}:{int(series.created_at.timestamp())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesOrder:
    """A giveaway that is to come again and again, from an instant on.

    With `by_clock` the plan says how long clocks show that each lasts.
    """

    guild_id: int
    channel_id: int
    host_id: int
    plan: Plan
    first: datetime
    repeat: Repeat
    timezone: str
    by_clock: bool = False


class Series:
    """Holds what comes again."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        settings: SettingsStore,
        jobs: JobService,
        opening: Opening,
        problems: ProblemService,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._opening = opening
        self._problems = problems

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._jobs.register(SERIES_JOB, self._occur, max_attempts=1000, outlasts_absence=True)
        self._jobs.register(TELL_JOB, effect=self._tell)

    async def begin(self, order: SeriesOrder, actor: Actor) -> GiveawaySeries:
        """Store a series; its first giveaway begins at its time.

        Raises `InvalidInput` for a plan with mistakes, `Conflict` when there are too many.
        """
        values = self._values_of(order)
        rule = rule_of(order.repeat, order.first, order.timezone)
        async with self._database.write() as session:
            # Held, so that two at once are counted.
            await table.hold_guild(session, order.guild_id)
            if len(await table.list_series(session, order.guild_id)) >= MOST_SERIES:
                raise Conflict(
                    _("There are {most} series here already, as many as may be.", most=MOST_SERIES),
                    hint=_("Stop one with /giveaway cancel."),
                )
            values |= {
                "rule": rule.rule,
                "timezone": rule.timezone,
                "created_by": actor.user_id or None,
                "created_at": self._clock.now(),
            }
            series = await table.add_series(session, {"guild_id": order.guild_id, **values})
            await self._schedule(session, series, order.first)
            await self._note(session, actor, series, "series_start")
        return series

    async def change(
        self, seen: GiveawaySeries, order: SeriesOrder, actor: Actor, *, anew: bool
    ) -> GiveawaySeries:
        """Have a series be as ordered from its next giveaway on; `anew` at the order's times, too.

        Raises `InvalidInput` for a plan with mistakes, `Conflict` for one that has stopped, or was
        changed or has come again since it was `seen`.
        """
        values = self._values_of(order)
        if anew:
            rule = rule_of(order.repeat, order.first, order.timezone)
            values |= {"rule": rule.rule, "timezone": rule.timezone}
        async with self._database.write() as session:
            changed = await table.change_series(session, seen, values)
            if changed is None:
                raise _not_as_seen()
            if anew:
                await self._schedule(session, changed, order.first)
            await self._note(session, actor, changed, "series_edit")
        return changed

    @staticmethod
    def _values_of(order: SeriesOrder) -> dict[str, Any]:
        return {
            "channel_id": order.channel_id,
            "host_id": order.host_id,
            "plan": checked_plan(order.plan).to_json(),
            "by_clock": order.by_clock,
        }

    async def _schedule(
        self, session: AsyncSession, series: GiveawaySeries, first: datetime
    ) -> None:
        await self._jobs.schedule(
            session,
            SERIES_JOB,
            first,
            dedupe_key=job_of(series),
            guild_id=series.guild_id,
            payload={"series_id": series.id},
            recurrence=series.rule,
            timezone=series.timezone,
        )

    async def _note(
        self, session: AsyncSession, actor: Actor, series: GiveawaySeries, action: str
    ) -> None:
        details = {"series": series.id, "rule": series.rule, **series.plan}
        await self._opening.note(session, actor, series.guild_id, action, details)

    async def stop(self, series: GiveawaySeries, actor: Actor, *, exactly: bool = False) -> bool:
        """Have a series not come again; what is open of it goes on. False when it had stopped.

        With `exactly` it has to be as it was seen, else `Conflict` is raised.
        """
        async with self._database.write() as session:
            values = {"stopped_at": self._clock.now()}
            stopped = await table.change_series(session, series, values, exactly=exactly)
            if stopped is None and exactly:
                raise _not_as_seen()
            if stopped is not None:
                await self._jobs.cancel(session, job_of(series))
                details = {"series": series.id}
                await self._opening.note(session, actor, series.guild_id, "series_stop", details)
        return stopped is not None

    async def get(self, guild_id: int, series_id: int) -> GiveawaySeries:
        """Return a series of a guild that goes on; raises `NotFound`."""
        async with self._database.read() as session:
            found = await table.get_series(session, series_id)
        if found is None or found.guild_id != guild_id or found.stopped_at is not None:
            raise NotFound(_("There is no such series."), hint=_("Perhaps it was stopped already."))
        return found

    async def list(self, guild_id: int) -> Sequence[GiveawaySeries]:
        """Return the series of a guild that go on."""
        async with self._database.read() as session:
            return await table.list_series(session, guild_id)

    async def list_upcoming(self, guild_id: int) -> Sequence[tuple[GiveawaySeries, datetime]]:
        """Return the series of a guild that go on, each with when it comes next."""
        found = await self.list(guild_id)
        due = await self.map_due(found)
        return [(one, due[one.id]) for one in found if one.id in due]

    async def map_due(self, series: Sequence[GiveawaySeries]) -> Mapping[int, datetime]:
        """Return when series come next, by their ids."""
        known = {job_of(one): one.id for one in series}
        async with self._database.read() as session:
            due = await self._jobs.map_due(session, known)
        return {known[key]: at for key, at in due.items()}

    async def _occur(self, job: Job, session: AsyncSession) -> datetime | None:
        """Hold the giveaway whose time has come; return when the next one is, where it matters."""
        # Whoever changes it meanwhile is told: when it comes next is another thing by then.
        series = await table.count_occurrence(session, job.payload["series_id"])
        if series is None:
            return None
        # While they are off or the bot is not in the guild none is held, and what was left out is
        # not made up for.
        is_on = (await self._settings.get(series.guild_id, KEY)).enabled
        if is_on and not await list_left_guild_ids(session, [series.guild_id]):
            await self._hold(series, job.due_at, session)
        rule = Recurrence(series.rule, series.timezone)
        return following(rule, job.due_at, self._clock.now())

    async def _hold(self, series: GiveawaySeries, due_at: datetime, session: AsyncSession) -> None:
        plan, now = Plan.from_json(series.plan), self._clock.now()
        ends_at = None
        if plan.duration is not None:
            by_clock = bool(series.by_clock)
            planned = end_of(due_at, plan.duration, series.timezone, by_clock=by_clock)
            ends_at = end_after_late_start(due_at, planned, now)
        order = Order(
            guild_id=series.guild_id,
            channel_id=series.channel_id,
            host_id=series.host_id,
            plan=plan,
            ends_at=ends_at,
            series_id=series.id,
        )
        held = is_unfit = False
        try:
            await self._opening.open_in(session, order, SYSTEM)
            held = True
        except Conflict:
            pass
        except InvalidInput:
            # It was good when it was planned: what may be has become stricter since.
            is_unfit = True
        # Problems are written in a transaction of their own, which has to wait for this one.
        await self._jobs.schedule(
            session,
            TELL_JOB,
            self._clock.now(),
            {"series_id": series.id, "held": held, "unfit": is_unfit},
            dedupe_key=f"{TELL_JOB}:{series.id}",
            guild_id=series.guild_id,
        )

    async def _tell(self, job: Job) -> None:
        """Report a series that could not go on, or that it does again."""
        async with self._database.read() as session:
            series = await table.get_series(session, job.payload["series_id"])
        if series is None:
            return
        subject = str(series.id)
        if job.payload["held"]:
            await self._problems.solve(series.guild_id, KEY, SKIPPED, subject)
            return
        prize = quote(series.plan["prize"])
        if job.payload.get("unfit"):
            message = _(
                "The giveaway of {prize} was to begin again and could not: such a one can't be "
                "held any more.",
                prize=prize,
            )
            fix = _("Stop it with /giveaway cancel, and plan another with /giveaway schedule.")
        else:
            message = _(
                "The giveaway of {prize} was to begin again and could not: as many are open as "
                "may be.",
                prize=prize,
            )
            fix = _("End or cancel one, or allow more with /giveaway settings.")
        await self._problems.report(series.guild_id, Problem(KEY, SKIPPED, subject, message, fix))
