"""Giveaways that come again, and plans that are kept for later; free of discord.py.

A series is a cron rule in an IANA zone: each occurrence is wall time of its own, so that 18:00 in
Madrid stays 18:00 when the clocks change. So does its end where it was named by the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
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
from db.giveaways import GiveawaySeries, GiveawayTemplate
from db.guilds import list_left_guild_ids

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.settings import SettingsStore
    from db.engine import Database

SERIES_JOB, TELL_JOB = "giveaways.series", "giveaways.series_told"
SKIPPED = "series_skipped"
MOST_SERIES, MOST_TEMPLATES = 25, 25
LONGEST_NAME = 50
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


def length_of(order: SeriesOrder) -> tuple[timedelta | None, bool]:
    """Return how long each of a series lasts, and whether that is by the clock.

    An end by the clock is as far from the beginning as clocks show it, whatever has passed.
    """
    lasts, zone = order.plan.duration, ZoneInfo(order.timezone)
    if lasts is None or not order.by_clock:
        return lasts, False
    ends = (order.first.astimezone(UTC) + lasts).astimezone(zone).replace(tzinfo=None)
    shown = ends - order.first.astimezone(zone).replace(tzinfo=None)
    # In the hour that comes twice clocks can show an end that is none.
    return (shown, True) if shown >= SHORTEST else (lasts, False)


def end_of(begins_at: datetime, lasts: timedelta, timezone: str, *, by_clock: bool) -> datetime:
    """Return when what begins at an instant ends: whole days are by the clock, too."""
    if not by_clock and lasts % _DAY:
        return begins_at + lasts
    zone = ZoneInfo(timezone)
    return local_instant(begins_at.astimezone(zone).replace(tzinfo=None) + lasts, zone)


def is_on_last_days(rule: Recurrence) -> bool:
    """Tell whether a rule names the last day of each month."""
    return rule.rule.split()[2] == _LAST


def _month(rule: Recurrence, instant: datetime) -> tuple[int, int]:
    wall = instant.astimezone(ZoneInfo(rule.timezone))
    return wall.year, wall.month


def _job_of(series: GiveawaySeries) -> str:
    """Return the key of the job by which a series comes again."""
    return f"{SERIES_JOB}:{series.id}:{int(series.created_at.timestamp())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesOrder:
    """A giveaway that is to come again and again, from an instant on.

    The plan says how long the first one lasts; with `by_clock` all end when it does by the clock.
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
        lasts, by_clock = length_of(order)
        plan = checked_plan(replace(order.plan, duration=lasts))
        rule = rule_of(order.repeat, order.first, order.timezone)
        async with self._database.write() as session:
            # Held, so that two at once are counted.
            await table.hold_guild(session, order.guild_id)
            if len(await table.list_series(session, order.guild_id)) >= MOST_SERIES:
                raise Conflict(
                    _("There are {most} series here already, as many as may be.", most=MOST_SERIES),
                    hint=_("Stop one with /giveaway cancel."),
                )
            series = await table.add_series(
                session,
                {
                    "guild_id": order.guild_id,
                    "channel_id": order.channel_id,
                    "host_id": order.host_id,
                    "plan": plan.to_json(),
                    "rule": rule.rule,
                    "timezone": rule.timezone,
                    "by_clock": by_clock,
                    "created_by": actor.user_id or None,
                    "created_at": self._clock.now(),
                },
            )
            await self._jobs.schedule(
                session,
                SERIES_JOB,
                order.first,
                dedupe_key=_job_of(series),
                guild_id=order.guild_id,
                payload={"series_id": series.id},
                recurrence=rule.rule,
                timezone=rule.timezone,
            )
            details = {"series": series.id, "rule": rule.rule, **plan.to_json()}
            await self._opening.note(session, actor, order.guild_id, "series_start", details)
        return series

    async def stop(self, series: GiveawaySeries) -> bool:
        """Have a series not come again; what is open of it goes on. False when it had stopped."""
        async with self._database.write() as session:
            stopped = await table.stop_series(
                session, series.guild_id, series.id, self._clock.now()
            )
            await self._jobs.cancel(session, _job_of(series))
        return stopped

    async def list(self, guild_id: int) -> Sequence[GiveawaySeries]:
        """Return the series of a guild that go on."""
        async with self._database.read() as session:
            return await table.list_series(session, guild_id)

    async def list_upcoming(self, guild_id: int) -> Sequence[tuple[GiveawaySeries, datetime]]:
        """Return the series of a guild that go on, each with when it comes next."""
        async with self._database.read() as session:
            known = {_job_of(one): one for one in await table.list_series(session, guild_id)}
            due = await self._jobs.map_due(session, known)
        return [(one, due[key]) for key, one in known.items() if key in due]

    async def _occur(self, job: Job, session: AsyncSession) -> datetime | None:
        """Hold the giveaway whose time has come; return when the next one is, where it matters."""
        series = await table.get_series(session, job.payload["series_id"])
        if series is None or series.stopped_at is not None:
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
        try:
            await self._opening.open_in(session, order, SYSTEM)
            held = True
        except Conflict:
            held = False
        # Problems are written in a transaction of their own, which has to wait for this one.
        await self._jobs.schedule(
            session,
            TELL_JOB,
            self._clock.now(),
            {"series_id": series.id, "held": held},
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
        message = _(
            "The giveaway of {prize} was to begin again and could not: as many are open as may be.",
            prize=quote(series.plan["prize"]),
        )
        fix = _("End or cancel one, or allow more with /giveaway settings.")
        await self._problems.report(series.guild_id, Problem(KEY, SKIPPED, subject, message, fix))


class Templates:
    """Keeps a guild's plans by name."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def save(self, guild_id: int, name: str, plan: Plan, actor: Actor) -> str:
        """Store a plan under a name, in the place of one that had it; return the name.

        Raises `InvalidInput` for a name that is none, `Conflict` when there are too many.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= LONGEST_NAME:
            raise InvalidInput(_("A name has 1 to {most} characters.", most=LONGEST_NAME))
        async with self._database.write() as session:
            await table.hold_guild(session, guild_id)
            known = {one.name_key for one in await table.list_templates(session, guild_id)}
            if name.casefold() not in known and len(known) >= MOST_TEMPLATES:
                raise Conflict(
                    _("There are {most} templates here, as many as may be.", most=MOST_TEMPLATES),
                    hint=_("Delete one with /giveaway template delete."),
                )
            values = {
                "guild_id": guild_id,
                "name": name,
                "name_key": name.casefold(),
                "plan": plan.to_json(),
                "created_by": actor.user_id or None,
                "created_at": self._clock.now(),
            }
            await table.put_template(session, values)
        return name

    async def get(self, guild_id: int, name: str) -> GiveawayTemplate:
        """Return a template by name; raises `NotFound`."""
        async with self._database.read() as session:
            found = await table.get_template(session, guild_id, " ".join(name.split()).casefold())
        if found is None:
            raise NotFound(
                _("There is no template called {name}.", name=quote(name)),
                hint=_("/giveaway template list shows those that there are."),
            )
        return found

    async def list(self, guild_id: int) -> Sequence[GiveawayTemplate]:
        """Return a guild's templates by name."""
        async with self._database.read() as session:
            return await table.list_templates(session, guild_id)

    async def delete(self, guild_id: int, name: str) -> str:
        """Delete a template and return its name; raises `NotFound`."""
        found = await self.get(guild_id, name)
        async with self._database.write() as session:
            await table.delete_template(session, guild_id, found.name_key)
        return found.name
