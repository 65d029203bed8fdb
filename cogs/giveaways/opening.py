"""Makes giveaways, now, later and again and again, and changes those that are open.

Free of discord.py. Each change is one transaction: the row by a compare-and-set, the jobs that
belong to it, the message, and the entry in the audit log.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bot.core.contracts import SYSTEM, Actor
from bot.core.errors import Conflict, InvalidInput
from bot.core.i18n import _, ngettext
from bot.core.jobs import Job, JobService
from cogs.giveaways.board import Board, Place
from cogs.giveaways.columns import audited, columns_of, plan_of, window_of
from cogs.giveaways.plan import Plan, Requirements
from cogs.giveaways.returning import Returning
from cogs.giveaways.rules import (
    LONGEST,
    SHORTEST,
    checked_plan,
    checked_start,
    end_after_late_start,
)
from cogs.giveaways.settings import KEY
from cogs.giveaways.verify import commitment_of, make_tip
from db import giveaway_hosting as table
from db.giveaways import ACTIVE, CANCELLED, DRAWING, ENDED, PAUSED, SCHEDULED, Giveaway
from db.guilds import list_left_guild_ids

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.settings import SettingsStore
    from db.engine import Database

START_JOB, END_JOB = "giveaways.start", "giveaways.end"
# How soon it is seen that giveaways are on again.
_LOOK_AGAIN = timedelta(minutes=5)
# What a giveaway that is over says about itself.
OVER = {
    DRAWING: _("This giveaway is over: the winners are being drawn."),
    ENDED: _("This giveaway is over."),
    CANCELLED: _("This giveaway was cancelled."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A giveaway to hold: what, where, by whom, from when (or now) until when (or as planned)."""

    guild_id: int
    channel_id: int
    host_id: int
    plan: Plan
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    series_id: int | None = None


class Opening:
    """Opens giveaways and changes them while they are open."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        jobs: JobService,
        audit: AuditLog,
        board: Board,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._audit = audit
        self._board = board
        self._returning = Returning(clock, jobs)

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._jobs.register(START_JOB, self._begin_due, max_attempts=1000, outlasts_absence=True)
        self._returning.start()

    # --- making ------------------------------------------------------------------------------

    async def open(self, order: Order, actor: Actor) -> Giveaway:
        """Hold a giveaway, from now on or later; return it.

        Raises `InvalidInput` for a plan with mistakes, `Conflict` when too many are open.
        """
        async with self._database.write() as session:
            return await self.open_in(session, order, actor)

    async def open_in(self, session: AsyncSession, order: Order, actor: Actor) -> Giveaway:
        """Do as `open` does, in the caller's transaction."""
        order = replace(order, plan=checked_plan(order.plan))
        settings = (await self._settings.get(order.guild_id, KEY)).settings
        # Holding the number keeps others of this guild out, so that they can be counted.
        number = await table.next_number(session, order.guild_id)
        if await table.count_open(session, order.guild_id) >= settings.open_at_once:
            raise Conflict(
                _(
                    "There are {count} open giveaways here already, as many as may be.",
                    count=settings.open_at_once,
                ),
                hint=_("End or cancel one, or allow more with /giveaway settings."),
            )
        window = window_of(order.plan, settings)
        values = self._row_of(order, number, actor, window)
        giveaway = await table.add_giveaway(session, values)
        if giveaway.status == SCHEDULED:
            await self._schedule(session, START_JOB, giveaway, giveaway.starts_at)
        else:
            await self._begin(session, giveaway)
        await self._note(session, actor, giveaway, "start", order.plan.to_json())
        return giveaway

    async def preview(self, order: Order) -> Giveaway:
        """Return the giveaway that an order would make now, which is stored nowhere."""
        settings = (await self._settings.get(order.guild_id, KEY)).settings
        window = window_of(order.plan, settings)
        return Giveaway(**self._row_of(order, 0, SYSTEM, window))

    def _row_of(self, order: Order, number: int, actor: Actor, window: timedelta) -> dict[str, Any]:
        now, plan, tip = self._clock.now(), order.plan, make_tip()
        lasts = plan.duration
        needs = replace(plan.requirements, messages_since=None)
        starts_at = checked_start(order.starts_at or now, now)
        return {
            "id": uuid.uuid4(),
            "guild_id": order.guild_id,
            "number": number,
            "channel_id": order.channel_id,
            "host_id": order.host_id,
            "created_by": actor.user_id or None,
            "status": SCHEDULED if starts_at > now else ACTIVE,
            "starts_at": starts_at,
            "ends_at": order.ends_at or (lasts and starts_at + lasts),
            "planned_seconds": lasts and round(lasts.total_seconds()),
            **columns_of(replace(plan, requirements=needs, claim_window=window)),
            "seed": tip,
            "commitment": commitment_of(tip),
            "rounds": 0,
            "revision": 1,
            "posts": 0,
            "series_id": order.series_id,
            "created_at": now,
        }

    async def _begin(self, session: AsyncSession, giveaway: Giveaway) -> None:
        if giveaway.ends_at is not None:
            await self._schedule(session, END_JOB, giveaway, giveaway.ends_at)
        await self._board.post(session, giveaway)

    async def _begin_due(self, job: Job, session: AsyncSession) -> datetime | None:
        """Begin a giveaway whose start has come; one that was put off is looked at again then."""
        giveaway_id = uuid.UUID(job.dedupe_key.removeprefix(f"{START_JOB}:"))
        now = self._clock.now()
        if job.guild_id and await self._is_idle(session, job.guild_id):
            # Nobody could enter it. It begins once giveaways are on, and the bot there, again.
            return now + _LOOK_AGAIN
        giveaway = await table.begin_due(session, giveaway_id, now)
        if giveaway is not None:
            await self._begin(session, await self._catch_up(session, giveaway, now))
            return None
        giveaway = await table.get_giveaway(session, giveaway_id)
        return giveaway.starts_at if giveaway and giveaway.status == SCHEDULED else None

    async def _is_idle(self, session: AsyncSession, guild_id: int) -> bool:
        is_on = (await self._settings.get(guild_id, KEY)).enabled
        return not is_on or bool(await list_left_guild_ids(session, [guild_id]))

    async def _catch_up(self, session: AsyncSession, giveaway: Giveaway, now: datetime) -> Giveaway:
        """Return a giveaway that begins now, with another end if it begins too late for its own."""
        if giveaway.ends_at is None:
            return giveaway
        ends_at = end_after_late_start(giveaway.starts_at, giveaway.ends_at, now)
        if ends_at == giveaway.ends_at:
            return giveaway
        changed = await table.change_giveaway(
            session, giveaway.id, (ACTIVE,), starts_at=now, ends_at=ends_at
        )
        return changed or giveaway

    # --- changing ----------------------------------------------------------------------------

    async def change(
        self,
        giveaway: Giveaway,
        actor: Actor,
        plan: Plan,
        *,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        is_untimed: bool = False,
        channel_id: int | None = None,
        host_id: int | None = None,
    ) -> Giveaway:
        """Have an open giveaway be as the plan says; what else is given changes as well.

        One that begins at another time lasts as long as it did unless it is given another end; with
        `is_untimed` it ends by its entries or by hand alone. With `channel_id` its message is
        posted there anew. Raises `InvalidInput` for a plan or times with mistakes, `Conflict` for a
        giveaway that is over, and for a new start of one that has begun.
        """
        plan = checked_plan(replace(plan, requirements=self._counted(giveaway, plan)))
        values = columns_of(plan) | self._new_times(giveaway, starts_at, ends_at)
        if is_untimed:
            values |= {"ends_at": None, "remaining": None, "planned_seconds": None}
        if host_id is not None:
            values["host_id"] = host_id
        if channel_id is not None:
            values |= {"channel_id": channel_id, "message_id": None, "posts": giveaway.posts + 1}
        before, place = audited(giveaway), Place.of(giveaway)
        async with self._database.write() as session:
            changed = await self._change(session, giveaway, (SCHEDULED, ACTIVE, PAUSED), values)
            after = audited(changed)
            details = {name: after[name] for name in after if after[name] != before[name]}
            await self._ensure_room(session, changed, details)
            if "starts_at" in details:
                await self._schedule(session, START_JOB, changed, changed.starts_at)
            if is_untimed:
                await self._jobs.cancel(session, f"{END_JOB}:{changed.id}")
            elif changed.status == ACTIVE and changed.ends_at is not None:
                await self._schedule(session, END_JOB, changed, changed.ends_at)
            if channel_id is not None and changed.status != SCHEDULED:
                await self._board.move(session, changed, place)
            await self._note(session, actor, changed, "edit", details, target_id=host_id)
        return changed

    def _counted(self, giveaway: Giveaway, plan: Plan) -> Requirements:
        """Return the requirements with the instant from which on messages are counted."""
        before, needs = plan_of(giveaway).requirements, plan.requirements
        since = None
        if needs.messages is not None and giveaway.status != SCHEDULED:
            now = self._clock.now().replace(microsecond=0)
            since = before.messages_since if before.messages is not None else now
        return replace(needs, messages_since=since)

    async def _ensure_room(
        self, session: AsyncSession, giveaway: Giveaway, changes: Mapping[str, Any]
    ) -> None:
        """Raise `Conflict` when a new number of entries is one that there are already."""
        entries = await table.count_entries(session, giveaway.id)
        enough, most = changes.get("end_at_entries"), changes.get("max_entries")
        if (enough is not None and enough <= entries) or (most is not None and most < entries):
            raise Conflict(
                ngettext(
                    "{count} person has entered already, so that number is too small.",
                    "{count} people have entered already, so that number is too small.",
                    entries,
                ),
                hint=_("Name a larger one, or let it end now with /giveaway end."),
            )

    def _new_times(
        self, giveaway: Giveaway, starts_at: datetime | None, ends_at: datetime | None
    ) -> dict[str, Any]:
        """Return the columns of a new start or end, with how long it lasts kept if none is said."""
        if starts_at is None:
            return {} if ends_at is None else self._new_end(giveaway, ends_at)
        if giveaway.status != SCHEDULED:
            raise Conflict(_("This giveaway has begun already, so its start can't be changed."))
        starts_at = checked_start(starts_at, self._clock.now())
        if ends_at is None and giveaway.ends_at is not None:
            ends_at = starts_at + (giveaway.ends_at - giveaway.starts_at)
        end = {} if ends_at is None else self._new_end(giveaway, ends_at, starts_at)
        return {"starts_at": starts_at, **end}

    def _new_end(
        self, giveaway: Giveaway, ends_at: datetime, starts_at: datetime | None = None
    ) -> dict[str, Any]:
        # In whole seconds, as ends are.
        now = self._clock.now().replace(microsecond=0)
        start = starts_at or (giveaway.starts_at if giveaway.status == SCHEDULED else now)
        if not SHORTEST <= ends_at - start <= LONGEST + timedelta(minutes=1):
            raise InvalidInput(
                _("It has to end after it begins, and within a year."),
                hint=_("Write another time, such as 2 days or friday 8pm."),
            )
        since = start if giveaway.status == SCHEDULED else giveaway.starts_at
        planned = {"planned_seconds": round((ends_at - since).total_seconds())}
        if giveaway.status == PAUSED:
            return planned | {"remaining": round((ends_at - now).total_seconds())}
        return planned | {"ends_at": ends_at}

    async def pause(self, giveaway: Giveaway, actor: Actor) -> Giveaway:
        """Let nobody enter until it goes on; what time is left stays left."""
        now, left = self._clock.now(), None
        if giveaway.ends_at is not None:
            left = max(round((giveaway.ends_at - now).total_seconds()), 1)
        values = {"status": PAUSED, "remaining": left, "ends_at": None}
        async with self._database.write() as session:
            changed = await self._change(session, giveaway, (ACTIVE,), values)
            await self._jobs.cancel(session, f"{END_JOB}:{giveaway.id}")
            await self._note(session, actor, changed, "pause")
        return changed

    async def resume(self, giveaway: Giveaway, actor: Actor) -> Giveaway:
        """Let a paused giveaway go on for as long as was left."""
        left, now = giveaway.remaining, self._clock.now()
        ends_at = None if left is None else now + timedelta(seconds=left)
        values = {"status": ACTIVE, "remaining": None, "ends_at": ends_at}
        async with self._database.write() as session:
            changed = await self._change(session, giveaway, (PAUSED,), values)
            if ends_at is not None:
                await self._schedule(session, END_JOB, changed, ends_at)
            await self._note(session, actor, changed, "resume")
        return changed

    async def cancel(self, giveaway: Giveaway, actor: Actor) -> Giveaway:
        """End a giveaway without a draw, for good; what people have used in it they get back."""
        values = {"status": CANCELLED, "ended_at": self._clock.now(), "remaining": None}
        async with self._database.write() as session:
            changed = await self._change(session, giveaway, (SCHEDULED, ACTIVE, PAUSED), values)
            for kind in (START_JOB, END_JOB):
                await self._jobs.cancel(session, f"{kind}:{giveaway.id}")
            await self._returning.order(session, changed)
            await self._note(session, actor, changed, "cancel")
        return changed

    async def _change(
        self,
        session: AsyncSession,
        giveaway: Giveaway,
        statuses: tuple[str, ...],
        values: Mapping[str, Any],
    ) -> Giveaway:
        now = self._clock.now()
        changed = await table.change_giveaway(
            session, giveaway.id, statuses, seen=giveaway.revision, now=now, **values
        )
        if changed is None:
            raise await self._conflict(session, giveaway)
        await self._board.refresh(session, changed.id, changed.guild_id, at_once=True)
        return changed

    async def _conflict(self, session: AsyncSession, giveaway: Giveaway) -> Conflict:
        current = await table.get_giveaway(session, giveaway.id)
        status = current.status if current else CANCELLED
        if status in OVER:
            return Conflict(OVER[status])
        if current is not None and status == ACTIVE and self._is_past(current):
            return Conflict(OVER[DRAWING])
        if current is not None and current.revision != giveaway.revision:
            return Conflict(
                _("Somebody else has changed this giveaway meanwhile."),
                hint=_("Look at it with /giveaway info, and try again."),
            )
        if status == PAUSED:
            return Conflict(_("This giveaway is paused already."))
        if status == SCHEDULED:
            return Conflict(_("This giveaway has not begun yet."))
        return Conflict(_("This giveaway goes on already."))

    def _is_past(self, giveaway: Giveaway) -> bool:
        """Tell whether a giveaway's end has come and only its job has not run yet."""
        return giveaway.ends_at is not None and giveaway.ends_at <= self._clock.now()

    # --- shared ------------------------------------------------------------------------------

    async def _schedule(
        self, session: AsyncSession, kind: str, giveaway: Giveaway, due_at: datetime
    ) -> None:
        await self._jobs.schedule(
            session,
            kind,
            due_at,
            dedupe_key=f"{kind}:{giveaway.id}",
            guild_id=giveaway.guild_id,
        )

    async def _note(
        self,
        session: AsyncSession,
        actor: Actor,
        giveaway: Giveaway,
        action: str,
        details: Mapping[str, Any] | None = None,
        *,
        target_id: int | None = None,
    ) -> None:
        told = {"giveaway": giveaway.number, **(details or {})}
        await self.note(session, actor, giveaway.guild_id, action, told, target_id=target_id)

    async def note(
        self,
        session: AsyncSession,
        actor: Actor,
        guild_id: int,
        action: str,
        details: Mapping[str, Any],
        *,
        target_id: int | None = None,
    ) -> None:
        """Put what somebody does with giveaways into the audit log, in the caller's transaction."""
        await self._audit.record(
            session,
            actor,
            guild_id,
            f"{KEY}.{action}",
            "user_action",
            details,
            target_id=target_id,
        )
