"""Watches over open tickets: one durable job each, which runs when something is next due.

Who writes moves the deadlines. The job reads them anew each time it runs, so a later deadline
needs no word; only a nearer one has the job run sooner.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bot.core.i18n import Message, _
from bot.core.jobs import Job, Retry
from cogs.tickets import hours
from cogs.tickets.deadlines import (
    STEPS,
    Deadline,
    end_after_warning,
    is_opener_silent,
    next_deadline,
)
from cogs.tickets.herald import Herald
from cogs.tickets.keeper import RoomKeeper
from cogs.tickets.machine import TABLE, Action, Status
from cogs.tickets.office import Office
from cogs.tickets.panel import Panel
from cogs.tickets.roomstate import admitted_by
from cogs.tickets.wording import going_on_line, line_of
from db import tickets as table
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

WATCH_JOB = "tickets.watch"
# Looked at again after more steps at once than there are.
_GRACE = timedelta(minutes=1)
_SOON = timedelta(seconds=1)

# What a ticket has of a close that was planned or asked about, once it goes on.
NO_CLOSE: Mapping[str, Any] = {
    "close_at": None,
    "close_requested_by": None,
    "close_reason": None,
}

Close = Callable[["AsyncSession", int, int | None, str | None], Awaitable[Ticket]]


class Writer(StrEnum):
    """Who writes in a ticket's room."""

    OPENER = "opener"
    STAFF = "staff"
    # Somebody who was added, beside opener and staff.
    GUEST = "guest"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Writing:
    """What a ticket knows of who has written, and what hangs on it; names are its columns."""

    opener_wrote_at: datetime | None
    staff_wrote_at: datetime | None
    guest_wrote_at: datetime | None
    first_reply_at: datetime | None
    waiting_since: datetime | None
    level: int
    warned_at: datetime | None

    def then(self, who: Writer, at: datetime) -> Writing:
        """Return it after somebody has written; what is older than known changes nothing."""
        if who is Writer.STAFF and not _is_older(at, self.staff_wrote_at):
            after = replace(
                self, staff_wrote_at=at, first_reply_at=self.first_reply_at or at, warned_at=None
            )
            # What is read late may be from before the opener's question: it answers nothing.
            is_answer = self.opener_wrote_at is None or at >= self.opener_wrote_at
            return replace(after, waiting_since=None, level=0) if is_answer else after
        if who is Writer.OPENER and not _is_older(at, self.opener_wrote_at):
            return replace(
                self,
                opener_wrote_at=at,
                waiting_since=self.waiting_since or at,
                warned_at=None,
            )
        if who is Writer.GUEST and not _is_older(at, self.guest_wrote_at):
            return replace(self, guest_wrote_at=at, warned_at=None)
        return self


def _is_older(at: datetime, known: datetime | None) -> bool:
    return known is not None and known >= at


def watch_key(ticket_id: int) -> str:
    """Return the key of the job that watches over a ticket."""
    return f"{WATCH_JOB}:{ticket_id}"


class Watch:
    """Does what is due, and hears who writes."""

    def __init__(self, office: Office, herald: Herald, keeper: RoomKeeper) -> None:
        self._office = office
        self._herald = herald
        self._keeper = keeper
        # Told of a ticket to which roles were called that did not see to it before.
        self.widened: list[Callable[[AsyncSession, Ticket], Awaitable[None]]] = []
        # Asked before anything that is due: reads what was written unheard, True if there is more.
        self.hearing: list[Callable[[Ticket], Awaitable[bool]]] = []

    def start(self, close: Close) -> None:
        """Take up the jobs; `close` closes a ticket in a transaction."""

        async def look(job: Job, session: AsyncSession) -> datetime | None:
            return await self._look(job, session, close)

        self._office.jobs.register(WATCH_JOB, look, effect=self._hear, outlasts_absence=True)

    async def opens_at(self, guild_id: int, panel: Panel) -> datetime | None:
        """Return when a panel's staff are there again; `None` while they are, or never are."""
        zone = await self._office.zone(guild_id, panel)
        return hours.opens_at(panel.hours, zone, self._office.clock.now())

    async def ensure(self, session: AsyncSession, ticket: Ticket) -> None:
        """Have what is due for the ticket done when it is due."""
        deadline = await self._deadline(session, ticket)
        if deadline is None:
            await self.forget(session, ticket)
            return
        await self._office.jobs.schedule(
            session,
            WATCH_JOB,
            deadline.at,
            {"ticket_id": ticket.id},
            dedupe_key=watch_key(ticket.id),
            guild_id=ticket.guild_id,
        )

    async def forget(self, session: AsyncSession, ticket: Ticket) -> None:
        """Watch over a ticket no more."""
        await self._office.jobs.cancel(session, watch_key(ticket.id))

    async def note_writing(
        self, ticket_id: int, written: Sequence[tuple[Writer, datetime]]
    ) -> None:
        """Note who has written in the room of an open ticket, in their order."""
        async with self._office.database.write() as session:
            ticket = await table.get_ticket(session, ticket_id, lock=True)
            if ticket is None or ticket.status != Status.OPEN:
                return
            now = Writing(
                ticket.opener_wrote_at,
                ticket.staff_wrote_at,
                ticket.guest_wrote_at,
                ticket.first_reply_at,
                ticket.waiting_since,
                ticket.level,
                ticket.warned_at,
            )
            after = now
            for who, at in written:
                after = after.then(who, at)
            if after == now:
                return
            values = asdict(after)
            asked_by = ticket.close_requested_by
            goes_on = await self._goes_on(session, ticket, written)
            changed = await table.change_ticket(
                session, ticket_id, [Status.OPEN], **values, **(NO_CLOSE if goes_on else {})
            )
            if changed is not None:
                if goes_on:
                    await self._go_on(session, changed, asked_by)
                await self.ensure(session, changed)

    async def _goes_on(
        self, session: AsyncSession, ticket: Ticket, written: Sequence[tuple[Writer, datetime]]
    ) -> bool:
        """Tell whether the opener has written since they were asked whether this can be closed."""
        latest = max((at for who, at in written if who is Writer.OPENER), default=None)
        if latest is None or ticket.close_requested_by is None:
            return False
        asked = await table.list_events(session, ticket.id, kinds=[Action.REQUEST_CLOSE])
        return not asked or latest > asked[-1].at

    async def _go_on(self, session: AsyncSession, ticket: Ticket, asked_by: int | None) -> None:
        now, opener = self._office.clock.now(), ticket.user_id
        await self._herald.take_back_question(session, ticket)
        await table.add_event(session, ticket, Action.DECLINE_CLOSE, now, actor_id=opener)
        await self._herald.say(
            session,
            ticket,
            going_on_line(opener),
            key=f"goes_on:{ticket.revision}",
            users=[asked_by] if asked_by else [],
        )

    async def _deadline(self, session: AsyncSession, ticket: Ticket) -> Deadline | None:
        if ticket.status != Status.OPEN:
            return None
        panel = await self._office.panel_of(session, ticket)
        return next_deadline(ticket, panel, await self._office.zone(ticket.guild_id, panel))

    async def _hear(self, job: Job) -> None:
        async with self._office.database.read() as session:
            ticket = await table.get_ticket(session, int(job.payload["ticket_id"]))
        if ticket is None:
            return
        for hook in self.hearing:
            if await hook(ticket):
                raise Retry(_SOON, "more was missed")

    async def _look(self, job: Job, session: AsyncSession, close: Close) -> datetime | None:
        ticket = await table.get_ticket(session, int(job.payload["ticket_id"]), lock=True)
        now = self._office.clock.now()
        if ticket is None:
            return None
        # Several steps may be due after the bot was away: each is taken, in its order.
        for _step in range(len(STEPS) + 3):
            deadline = await self._deadline(session, ticket)
            if deadline is None or deadline.at > now:
                return deadline.at if deadline else None
            if deadline.action is Action.CLOSE:
                locale = await self._office.locale(ticket.guild_id)
                reason = ticket.close_reason or (await self._why(session, ticket, now)).render(
                    locale
                )
                await close(session, ticket.id, None, reason)
                return None
            changed = await self._do(session, ticket, deadline, now)
            if changed is None:
                return None
            ticket = changed
        return now + _GRACE

    async def _why(self, session: AsyncSession, ticket: Ticket, now: datetime) -> Message:
        if ticket.close_at is not None and ticket.close_at <= now:
            return _("The time that was set for it has come.")
        if is_opener_silent(ticket, await self._office.panel_of(session, ticket)):
            return _("Whoever opened the ticket has not answered the staff.")
        return _("Nobody has written for a while.")

    async def _do(
        self, session: AsyncSession, ticket: Ticket, deadline: Deadline, now: datetime
    ) -> Ticket | None:
        if deadline.action is Action.WARN_INACTIVE:
            return await self._warn(session, ticket, now)
        return await self._step(session, ticket, deadline.action, now)

    async def _warn(self, session: AsyncSession, ticket: Ticket, now: datetime) -> Ticket | None:
        panel = await self._office.panel_of(session, ticket)
        closes_at = end_after_warning(ticket, panel, now) or now
        details = {"when": int(closes_at.timestamp())}
        changed = await table.change_ticket(
            session, ticket.id, TABLE[Action.WARN_INACTIVE].sources, warned_at=now
        )
        if changed is None:
            return None
        await table.add_event(session, changed, Action.WARN_INACTIVE, now, details=details)
        await self._herald.say(
            session,
            changed,
            line_of(Action.WARN_INACTIVE, actor_id=None, details=details),
            key=f"warning:{changed.revision}",
            users=[changed.user_id] if changed.user_id else [],
        )
        return changed

    async def _step(
        self, session: AsyncSession, ticket: Ticket, action: Action, now: datetime
    ) -> Ticket | None:
        level = STEPS.index(action) + 1
        panel = await self._office.panel_of(session, ticket)
        called = await self._called(ticket, panel, action)
        fresh = called - await self._office.seen_by(ticket, panel)
        staff = [*ticket.staff_roles, *(str(one) for one in sorted(fresh))]
        changed = await table.change_ticket(
            session, ticket.id, TABLE[action].sources, level=level, staff_roles=staff
        )
        if changed is None:
            return None
        await table.add_event(session, changed, action, now)
        # A role hears of what it sees: the others are called once the room is open to them.
        inside = admitted_by(changed.room_state or {}).roles
        await self._herald.call(
            session,
            changed,
            line_of(action, actor_id=None),
            key=f"{action}:{changed.revision}",
            roles=called if inside is None else called & inside,
        )
        if fresh:
            await self._keeper.ensure(session, changed)
            for hook in self.widened:
                await hook(session, changed)
        return changed

    async def _called(self, ticket: Ticket, panel: Panel, action: Action) -> frozenset[int]:
        if action is Action.LEAD:
            lead = (await self._office.set_by(ticket.guild_id)).lead_role_id
            return frozenset({lead} if lead else ())
        if action is Action.ESCALATE:
            return frozenset(panel.service.escalate_roles)
        # Who sees to it is mentioned anyway.
        if ticket.claimed_by:
            return frozenset()
        return await self._office.staff_of(ticket, panel)
