"""Keeps each ticket's room on Discord as its row says: makes it, lets people in, locks, removes it.

One durable job per ticket does it all. Whoever changes the row asks for a run in the transaction;
the job reads the row, does what is missing on Discord, and then moves the ticket on. It may be
killed anywhere: what was done is found again, what was not is done by the next run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from bot.core.backoff import Backoff
from bot.core.errors import AppError
from bot.core.fields.text import shorten
from bot.core.i18n import _
from bot.core.jobs import Job, JobFailed, Retry
from bot.core.outbox import Calls
from bot.core.problems.rules import Problem
from cogs.tickets.drafts import keep_answers
from cogs.tickets.herald import Herald
from cogs.tickets.machine import TABLE, Action, Status
from cogs.tickets.making import RoomMaker
from cogs.tickets.naming import next_rename, note_rename, plain_names
from cogs.tickets.office import Office
from cogs.tickets.panel import Room
from cogs.tickets.ports import Crowd, RoomGone, RoomPlan, RoomRefused, Rooms
from cogs.tickets.roomstate import (
    AGAIN,
    admits_others,
    admitted_by,
    awaiting,
    crowd_of,
    entering,
    former_roles,
    is_to_be_removed,
    next_run,
    not_to_be_called,
    note_of,
    roles_to_call,
    state_of,
    waits_too_long,
)
from cogs.tickets.settings import KEY
from cogs.tickets.waiters import Waiters, no_room
from db import tickets as table
from db.ticket_erasure import erase_if_asked
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.problems import ProblemService

log = structlog.get_logger(__name__)

ROOM_JOB = "tickets.room"
MOST_ATTEMPTS = 8
_PAUSES = Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=5))
_CAUSE = "room_refused"
_WAITS_FOR_ROOM = (Status.OPENING, Status.REOPENING)
_HAS_CROWD = (Status.OPEN, Status.CLOSING, Status.CLOSED)

# Takes the ticket as it is now; of an opened one also whether it was open before.
Opened = Callable[["AsyncSession", Ticket, bool], Awaitable[None]]
Shut = Callable[["AsyncSession", Ticket], Awaitable[None]]


def job_key(ticket_id: int) -> str:
    """Return the key of the job that keeps a ticket's room."""
    return f"{ROOM_JOB}:{ticket_id}"


@dataclass(frozen=True, slots=True)
class _Case:
    """A ticket as a run has read it, and how its room is to be."""

    ticket: Ticket
    plan: RoomPlan


class RoomKeeper:
    """Runs the jobs that keep rooms.

    `opened` and `shut` join the transactions of those steps; `shutting` runs once a room is locked,
    before the latter; `dropped` is told of channels in which nothing more is written.
    """

    def __init__(
        self, office: Office, rooms: Rooms, herald: Herald, problems: ProblemService
    ) -> None:
        self._office, self._herald = office, herald
        self._rooms, self._problems = rooms, problems
        self._maker = RoomMaker(office, rooms)
        self._waiters = Waiters()
        self._since = office.clock.now()
        self.opened: list[Opened] = []
        self.shut: list[Shut] = []
        self.shutting: list[Callable[[], Awaitable[None]]] = []
        self.dropped: list[Callable[[int], None]] = []
        # Told of the guild, and of who is in a thread there by which roles.
        self.crowds: list[Callable[[int, Crowd], None]] = []
        # Told of a ticket that some roles do not see to any more.
        self.staff_left: list[Callable[[Ticket], None]] = []

    def start(self) -> None:
        """Take up the jobs, also those of earlier runs."""
        self._since = self._office.clock.now()
        self._office.jobs.register(
            ROOM_JOB,
            self._move_on,
            effect=self._work,
            timeout=timedelta(minutes=2),
            max_attempts=MOST_ATTEMPTS,
            backoff=_PAUSES,
            outlasts_absence=True,
        )

    async def ensure(self, session: AsyncSession, ticket: Ticket, at: Any = None) -> None:
        """Have the room brought into line, now or later, with what this transaction stores."""
        await self._office.jobs.ensure(
            session,
            ROOM_JOB,
            at or self._office.clock.now(),
            {"ticket_id": ticket.id},
            dedupe_key=job_key(ticket.id),
            guild_id=ticket.guild_id,
        )

    async def wait(self, ticket_id: int, seconds: float) -> Ticket | None:
        """Return the ticket once its room is made, or as it is after so many seconds.

        Raises `RoomRefused` or `DiscordFailed` when it can't be made. Only a room that this process
        makes ends the wait early.
        """
        with self._waiters.waiting(ticket_id) as future:
            ticket = await self._read(ticket_id)
            try:
                if ticket is not None and ticket.status in _WAITS_FOR_ROOM:
                    async with asyncio.timeout(seconds):
                        await asyncio.shield(future)
            except TimeoutError:
                log.info("room_takes_long", ticket_id=ticket_id)
        return await self._read(ticket_id)

    async def _read(self, ticket_id: int) -> Ticket | None:
        async with self._office.database.read() as session:
            return await table.get_ticket(session, ticket_id)

    # --- what is done on Discord ---------------------------------------------------------------

    async def _work(self, job: Job) -> None:
        case = await self._case(int(job.payload["ticket_id"]))
        if case is None:
            return
        try:
            await self._bring_up_to_date(case)
        except RoomGone:
            await self._note_gone(case.ticket)
        except RoomRefused as error:
            await self._refused(case, error)
        except Retry as error:
            if case.ticket.status == Status.FAILED:
                raise Retry(AGAIN, str(error)) from error
            if not waits_too_long(case.ticket, self._since, self._office.clock.now()):
                raise
            await self._give_up(case.ticket, no_room())

    async def job_failed(self, event: JobFailed) -> None:
        """End the opening of a ticket whose job was given up; others go on, tried again later."""
        if event.job.kind != ROOM_JOB:
            return
        ticket = await self._read(int(event.job.payload["ticket_id"]))
        if ticket is not None and ticket.status in _WAITS_FOR_ROOM:
            await self._give_up(ticket, no_room())
            return
        async with self._office.database.write() as session:
            due_at = await self._move_on(event.job, session)
            if ticket is not None and due_at is not None:
                later = max(due_at, self._office.clock.now() + AGAIN)
                await self.ensure(session, ticket, later)

    async def _case(self, ticket_id: int) -> _Case | None:
        async with self._office.database.read() as session:
            ticket = await table.get_ticket(session, ticket_id)
            if ticket is None:
                return None
            return _Case(ticket, await self.plan(session, ticket))

    async def plan(self, session: AsyncSession, ticket: Ticket) -> RoomPlan:
        """Return how a ticket's room is to be."""
        panel = await self._office.panel_of(session, ticket)
        locale = await self._office.locale(ticket.guild_id)
        is_thread = ticket.mode == Room.THREAD
        parents = dict.fromkeys(
            one
            for one in (ticket.parent_id, *(() if is_thread else panel.overflow_ids))
            if one is not None
        )
        viewers = {ticket.user_id, ticket.claimed_by}
        viewers |= set(await table.list_members(session, ticket.id))
        topic = _("Ticket {number}", number=ticket.number).render(locale)
        return RoomPlan(
            guild_id=ticket.guild_id,
            is_thread=is_thread,
            parent_ids=tuple(parents),
            name=ticket.name,
            topic=topic,
            viewers=frozenset(one for one in viewers if one),
            staff_roles=await self._office.let_in(ticket, panel),
            told_roles=frozenset(panel.ping_roles),
            locked=ticket.status not in (Status.OPEN, *_WAITS_FOR_ROOM),
            reason=shorten(f"{topic} · {panel.name}", 200),
            plain_names=plain_names(ticket.number),
        )

    async def _bring_up_to_date(self, case: _Case) -> None:
        """Bring a room into line until no change came meanwhile: its own run may see none yet."""
        while True:
            await self._bring_in_line(case)
            latest = await self._case(case.ticket.id)
            if latest is None or latest.plan == case.plan:
                return
            case = latest

    async def _bring_in_line(self, case: _Case) -> None:
        ticket = case.ticket
        if ticket.channel_id is None:
            if ticket.status in _WAITS_FOR_ROOM:
                if await self._maker.make(ticket, case.plan):
                    await self._problems.solve(ticket.guild_id, KEY, _CAUSE, str(ticket.panel_id))
            elif ticket.status == Status.FAILED:
                await self._maker.clear_up(ticket, case.plan)
            return
        if is_to_be_removed(ticket, self._office.clock.now()):
            await self._remove(case, ticket.channel_id)
            return
        if ticket.status == Status.CLOSING:
            await self._herald.await_last_words(ticket)
        await self._align(case, ticket.channel_id)
        if ticket.status == Status.CLOSING:
            for hook in self.shutting:
                await hook()

    async def _align(self, case: _Case, channel_id: int) -> None:
        ticket, plan, was = case.ticket, case.plan, case.ticket.room_state or {}
        wanted = state_of(ticket, plan)
        if plan.is_thread and ticket.status in _HAS_CROWD:
            wanted["crowd"] = await self._look_at_crowd(case, channel_id)
        if plan.is_thread and not plan.locked:
            wanted = awaiting(wanted, await self._hush(case, channel_id, was))
        if admits_others(was, wanted):
            was = await self._admit(case, channel_id, was, wanted)
            wanted |= {part: was[part] for part in ("calls", "crowd")}
        if was.get("parents") != wanted["parents"] and ticket.status == Status.OPEN:
            await self._rooms.move(channel_id, plan)
        renamed_at, now = None, self._office.clock.now()
        if was.get("name") != wanted["name"]:
            if ticket.status == Status.OPEN and next_rename(ticket.renamed_at, now) <= now:
                # Noted first: a rename that Discord has taken counts, whatever becomes of us.
                renamed_at = note_rename(ticket.renamed_at, now)
                await self._note(ticket, was, renamed_at)
                await self._rooms.rename(channel_id, plan)
            else:
                wanted["name"] = was.get("name")
        if wanted != was:
            await self._note(ticket, wanted, renamed_at)
        if wanted != ticket.room_state:
            await self._problems.solve(ticket.guild_id, KEY, _CAUSE, str(ticket.panel_id))

    async def _admit(
        self, case: _Case, channel_id: int, was: Mapping[str, Any], wanted: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Have those in the room who are to be and nobody else; return what is noted of it."""
        ticket, plan, former = case.ticket, case.plan, former_roles(was, case.plan)
        if plan.is_thread and (begun := entering(was, plan)) is not None:
            await self._note(ticket, begun)
            was = begun
        await self._rooms.align(channel_id, plan, admitted_by(was))
        noted = await self._note_admitted(case, was, wanted)
        if former:
            for hook in self.staff_left:
                hook(ticket)
        return noted

    async def _look_at_crowd(self, case: _Case, channel_id: int) -> dict[str, Any]:
        """Take out of a thread who has lost their role, and return who is in it by one."""
        ticket = case.ticket
        crowd = await self._rooms.expel(channel_id, case.plan, crowd_of(ticket.room_state or {}))
        for hook in self.crowds:
            hook(ticket.guild_id, crowd)
        return note_of(crowd)

    async def _hush(self, case: _Case, channel_id: int, was: Mapping[str, Any]) -> Calls:
        """Have nobody called who is not to be in the thread; return who may be nevertheless."""
        async with self._office.database.read() as session:
            events = await table.list_events(session, case.ticket.id, kinds=[Action.REMOVE])
        removed = [one.subject_id for one in events if one.subject_id]
        unwanted = not_to_be_called(was, case.plan, removed)
        if unwanted == Calls():
            return unwanted
        async with self._office.database.write() as session:
            return await self._office.outbox.hush(session, channel_id, unwanted)

    async def _note_admitted(
        self, case: _Case, was: Mapping[str, Any], wanted: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Note who is let in now, and call the roles that are new to it; return what is noted."""
        ticket = case.ticket
        called = roles_to_call(ticket, case.plan, was)
        now = {**wanted, "name": was.get("name"), "parents": was.get("parents")}
        if called:
            # They come in now: who they are is looked at once they have.
            now |= {"calls": now["calls"] + 1, "crowd": None}
        async with self._office.database.write() as session:
            await table.note_room(session, ticket.id, now)
            if called:
                await self._herald.call_in(session, ticket, called, number=now["calls"])
        return now

    async def _remove(self, case: _Case, channel_id: int) -> None:
        await self._rooms.remove(channel_id, case.plan)
        await self._note_gone(case.ticket)

    async def _note(self, ticket: Ticket, state: Any, renamed_at: Any = None) -> None:
        async with self._office.database.write() as session:
            await table.note_room(session, ticket.id, state, renamed_at)

    # --- what goes wrong -----------------------------------------------------------------------

    async def _note_gone(self, ticket: Ticket) -> None:
        async with self._office.database.write() as session:
            await self.note_gone(session, ticket)

    async def note_gone(self, session: AsyncSession, ticket: Ticket) -> None:
        """Note that a ticket's room is gone: by hand, unless its time to be removed had come.

        An open ticket is closed by it; what was written stays on record.
        """
        now = self._office.clock.now()
        # Not who asks: a run may have been killed after it had removed the room.
        removed = is_to_be_removed(ticket, now)
        closed = None
        if ticket.status in TABLE[Action.ROOM_LOST].sources:
            values: dict[str, Any] = {"closed_at": now, "close_at": None}
            if ticket.status == Status.OPEN:
                locale = await self._office.locale(ticket.guild_id)
                values["close_reason"] = _("Its room was deleted in Discord.").render(locale)
            values |= {"status": Status.CLOSED, "close_requested_by": None}
            sources = TABLE[Action.ROOM_LOST].sources
            closed = await table.change_ticket(session, ticket.id, sources, **values)
        if not await table.drop_room(session, ticket.id, ticket.channel_id, lost=not removed):
            return
        for hook in self.dropped:
            hook(ticket.channel_id or 0)
        action = Action.ROOM_REMOVED if removed else Action.ROOM_LOST
        await table.add_event(session, ticket, action, now)
        if closed is not None:
            closed = await erase_if_asked(session, closed, now)
            for hook in self.shut:
                await hook(session, closed)
            await self._herald.closed(session, closed)
        elif ticket.status in _WAITS_FOR_ROOM:
            # It is made anew.
            await self.ensure(session, ticket)

    async def _refused(self, case: _Case, error: RoomRefused) -> None:
        ticket = case.ticket
        await self.report(ticket.guild_id, ticket.panel_id, error)
        if ticket.status in _WAITS_FOR_ROOM:
            await self._give_up(ticket, error)
        elif ticket.status != Status.CLOSING:
            raise Retry(AGAIN, "people have to put something right first")

    async def report(self, guild_id: int, panel_id: int | None, error: RoomRefused) -> None:
        """Have the guild's admins told why a panel's rooms can't be made or changed."""
        fix = error.hint or _("Look at the permissions of my role.")
        problem = Problem(KEY, _CAUSE, str(panel_id), error.message, fix)
        await self._problems.report(guild_id, problem)

    async def _give_up(self, ticket: Ticket, error: AppError) -> None:
        """End an opening or reopening that can't be done, and tell whoever waits for it."""
        action = (
            Action.OPENING_FAILED if ticket.status == Status.OPENING else Action.REOPENING_FAILED
        )
        is_waited_for, now = self._waiters.has(ticket.id), self._office.clock.now()
        async with self._office.database.write() as session:
            values: dict[str, Any] = {"status": TABLE[action].target}
            if action is Action.OPENING_FAILED:
                values["closed_at"] = now
            failed = await table.change_ticket(session, ticket.id, TABLE[action].sources, **values)
            if failed is None:
                return
            await table.add_event(session, failed, action, now)
            failed = await erase_if_asked(session, failed, now)
            if action is Action.OPENING_FAILED:
                await keep_answers(session, failed, now)
                # What was made of a room, noted or not, is removed.
                await self.ensure(session, failed)
            if not is_waited_for and failed.user_id:
                await self._herald.failed(session, failed, error)
        self._waiters.fail(ticket.id, error)

    # --- what follows, in the transaction that marks the job done -------------------------------

    async def _move_on(self, job: Job, session: AsyncSession) -> datetime | None:
        ticket = await table.get_ticket(session, int(job.payload["ticket_id"]), lock=True)
        if ticket is None:
            return None
        if ticket.status in _WAITS_FOR_ROOM and ticket.channel_id is not None:
            await self._set_open(session, ticket)
        elif ticket.status == Status.CLOSING:
            ticket = await self._set_closed(session, ticket)
        return next_run(ticket, self._office.clock.now())

    async def _set_open(self, session: AsyncSession, ticket: Ticket) -> None:
        now, again = self._office.clock.now(), ticket.status == Status.REOPENING
        opened = await table.change_ticket(
            session, ticket.id, _WAITS_FOR_ROOM, status=Status.OPEN, remove_at=None
        )
        if opened is None:
            return
        await table.add_event(session, opened, Action.ROOM_READY, now)
        for hook in self.opened:
            await hook(session, opened, again)
        self._waiters.tell_after_commit(session, opened.id)

    async def _set_closed(self, session: AsyncSession, ticket: Ticket) -> Ticket:
        closed = await table.change_ticket(
            session, ticket.id, TABLE[Action.ROOM_SHUT].sources, status=Status.CLOSED
        )
        if closed is None:
            return ticket
        now = self._office.clock.now()
        await table.add_event(session, closed, Action.ROOM_SHUT, now)
        closed = await erase_if_asked(session, closed, now)
        if closed.mode == Room.THREAD:
            for drop in self.dropped:
                drop(closed.channel_id or 0)
        for hook in self.shut:
            await hook(session, closed)
        await self._herald.closed(session, closed)
        return closed
