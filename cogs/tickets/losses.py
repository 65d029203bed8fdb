"""What is lost without a command: rooms deleted by hand, openers who leave; also while away.

Nothing says what happened while the bot was away. So each time the gateway begins a session, a job
of each guild looks whether the rooms of its open tickets are there and their openers are members,
and lets those into their threads again who have joined since.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from bot.core.errors import Conflict
from bot.core.i18n import _
from bot.core.jobs import Job, Retry
from cogs.tickets.capturing import Capture
from cogs.tickets.keeper import RoomKeeper
from cogs.tickets.life import Life
from cogs.tickets.machine import Status
from cogs.tickets.office import Office
from cogs.tickets.panel import Room
from cogs.tickets.ports import Rooms
from cogs.tickets.roomstate import admitted_by
from db import tickets as table
from db.ticket_lists import list_claimed
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.contracts import MemberFacts

LOOK_JOB, READ_JOB, LEFT_JOB = "tickets.look", "tickets.read", "tickets.left"
_SOON = timedelta(seconds=1)
_MOST = 1000
_WAITS_FOR_ROOM = (Status.OPENING, Status.REOPENING)


class Members(Protocol):
    """Knows who is a member."""

    async def look_up(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, MemberFacts]:
        """Return those who are members, with when they joined.

        Raises `Retry` while Discord is silent.
        """
        ...


class Losses:
    """Closes what has lost its room or its opener."""

    def __init__(
        self,
        office: Office,
        keeper: RoomKeeper,
        life: Life,
        capture: Capture,
        *,
        rooms: Rooms,
        members: Members,
    ) -> None:
        self._office = office
        self._keeper = keeper
        self._life = life
        self._capture = capture
        self._rooms = rooms
        self._members = members
        # Told of each guild that is looked at.
        self.looking: list[Callable[[int], Awaitable[None]]] = []

    def start(self) -> None:
        """Take up the jobs."""
        self._office.jobs.register(LOOK_JOB, effect=self._look, timeout=timedelta(minutes=10))
        self._office.jobs.register(READ_JOB, effect=self._read_on, timeout=timedelta(minutes=10))
        self._office.jobs.register(LEFT_JOB, effect=self._look_after)

    async def room_deleted(self, channel_id: int) -> None:
        """Note that a channel or thread was deleted: a ticket's room, or where threads were."""
        async with self._office.database.read() as session:
            found = await table.list_tickets_in(session, channel_id)
        if found:
            await self._capture.flush()
        for one in found:
            async with self._office.database.write() as session:
                ticket = await table.get_ticket(session, one.id, lock=True)
                if ticket is not None and ticket.channel_id == one.channel_id:
                    await self._keeper.note_gone(session, ticket)

    async def member_left(self, guild_id: int, user_id: int) -> None:
        """Close the open tickets of somebody who has left, where the panel says so.

        What they saw to, nobody does any more: reminders call the staff again.

        Those that the staff keep open stay; one whose room is being made is looked at once it is.
        """
        statuses = [Status.OPEN, *_WAITS_FOR_ROOM]
        async with self._office.database.read() as session:
            tickets = await table.list_tickets(
                session, guild_id, statuses=statuses, user_id=user_id, limit=_MOST
            )
            claimed = await list_claimed(session, guild_id, user_id)
        for ticket_id in claimed:
            await self.let_go(ticket_id, user_id)
        await self._close([one for one in tickets if one.status == Status.OPEN])
        for ticket in tickets:
            if ticket.status in _WAITS_FOR_ROOM:
                await self._have_looked_after(ticket)

    async def let_go(self, ticket_id: int, user_id: int) -> None:
        """Have nobody see to a ticket any more that somebody who left sees to."""

        async def still_theirs(_session: AsyncSession, ticket: Ticket) -> None:
            if ticket.claimed_by != user_id:
                raise Conflict(_("Nobody sees to this ticket."))

        with contextlib.suppress(Conflict):
            await self._life.unclaim(ticket_id, None, manages=True, first=still_theirs)

    async def _have_looked_after(self, ticket: Ticket) -> None:
        async with self._office.database.write() as session:
            await self._office.jobs.ensure(
                session,
                LEFT_JOB,
                self._office.clock.now(),
                {"ticket_id": ticket.id},
                dedupe_key=f"{LEFT_JOB}:{ticket.id}",
                guild_id=ticket.guild_id,
            )

    async def _look_after(self, job: Job) -> None:
        """Close a ticket whose opener left before its room was there, and is not back."""
        async with self._office.database.read() as session:
            ticket = await table.get_ticket(session, int(job.payload["ticket_id"]))
        if ticket is not None and ticket.status in _WAITS_FOR_ROOM:
            raise Retry(_SOON, "the room is being made")
        if ticket is None or ticket.status != Status.OPEN or not ticket.user_id:
            return
        if ticket.user_id not in await self._members.look_up(ticket.guild_id, [ticket.user_id]):
            await self._close([ticket])

    async def member_returned(self, guild_id: int, user_id: int) -> None:
        """Let somebody who left back into their open tickets: Discord took them out of threads."""
        for ticket_id in self._capture.tickets_with(guild_id, user_id):
            await self._let_back_in(ticket_id, {user_id})

    async def _let_back_in(self, ticket_id: int, user_ids: Collection[int]) -> None:
        async with self._office.database.write() as session:
            ticket = await table.get_ticket(session, ticket_id, lock=True)
            if ticket is None or ticket.status != Status.OPEN:
                return
            state, back = dict(ticket.room_state or {}), set(map(str, user_ids))
            state["viewers"] = [it for it in state.get("viewers", ()) if it not in back]
            changed = await table.change_ticket(session, ticket_id, [Status.OPEN], room_state=state)
            if changed is not None:
                await self._keeper.ensure(session, changed)

    async def begin_session(self, guild_ids: Sequence[int]) -> None:
        """Have the guilds looked at that have open tickets."""
        now = self._office.clock.now()
        async with self._office.database.write() as session:
            for guild_id in await table.list_guilds_with_rooms(session, guild_ids):
                await self._office.jobs.schedule(
                    session,
                    LOOK_JOB,
                    now,
                    {"guild_id": guild_id},
                    dedupe_key=f"{LOOK_JOB}:{guild_id}",
                    guild_id=guild_id,
                )

    async def _look(self, job: Job) -> None:
        guild_id = int(job.payload["guild_id"])
        async with self._office.database.read() as session:
            tickets = await table.list_tickets(
                session, guild_id, statuses=[Status.OPEN, Status.CLOSING], limit=_MOST
            )
        there: list[Ticket] = []
        for ticket in tickets:
            if await self._is_there(ticket):
                there.append(ticket)
                if await self._capture.catch_up(ticket):
                    await self._have_read_on(ticket)
            elif ticket.channel_id is not None:
                await self.room_deleted(ticket.channel_id)
        there = [one for one in there if one.status == Status.OPEN]
        people = {one.user_id for one in there if one.user_id}.union(*map(_inside, there))
        people |= {one.claimed_by for one in there if one.claimed_by}
        present = await self._members.look_up(guild_id, people)
        for ticket in there:
            if ticket.claimed_by and ticket.claimed_by not in present:
                await self.let_go(ticket.id, ticket.claimed_by)
        await self._close([one for one in there if one.user_id and one.user_id not in present])
        for ticket in there:
            # Of whom the thread does not tell, since they had left.
            if back := {it for it in _inside(ticket) if _is_back(ticket, present.get(it))}:
                await self._let_back_in(ticket.id, back)
        for hook in self.looking:
            await hook(guild_id)

    async def _have_read_on(self, ticket: Ticket) -> None:
        """Have the rest of what was missed be read by a job, so that other rooms get their turn."""
        async with self._office.database.write() as session:
            await self._office.jobs.ensure(
                session,
                READ_JOB,
                self._office.clock.now(),
                {"ticket_id": ticket.id},
                dedupe_key=f"{READ_JOB}:{ticket.id}",
                guild_id=ticket.guild_id,
            )

    async def _read_on(self, job: Job) -> None:
        async with self._office.database.read() as session:
            ticket = await table.get_ticket(session, int(job.payload["ticket_id"]))
        if ticket is not None and await self._capture.catch_up(ticket):
            raise Retry(_SOON, "more was missed")

    async def _is_there(self, ticket: Ticket) -> bool:
        if ticket.channel_id is None:
            return False
        async with self._office.database.read() as session:
            plan = await self._keeper.plan(session, ticket)
        return await self._rooms.is_there(ticket.channel_id, plan)

    async def _close(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            locale = await self._office.locale(ticket.guild_id)
            reason = _("Whoever opened this ticket has left the server.").render(locale)
            async with self._office.database.write() as session:
                await self._close_one(session, ticket.id, reason)

    async def _close_one(self, session: AsyncSession, ticket_id: int, reason: str) -> None:
        ticket = await table.get_ticket(session, ticket_id, lock=True)
        if ticket is None or ticket.status != Status.OPEN:
            return
        panel = await self._office.panel_of(session, ticket)
        if panel.closing.on_leave and not ticket.exempt:
            await self._life.close_in(session, ticket.id, None, reason)


def _inside(ticket: Ticket) -> frozenset[int]:
    """Return who was let into a thread; in a channel people stay that, whoever leaves."""
    is_thread = ticket.mode == Room.THREAD
    return admitted_by(ticket.room_state or {}).viewers if is_thread else frozenset()


def _is_back(ticket: Ticket, member: MemberFacts | None) -> bool:
    """Tell whether somebody may have left and come back since the ticket was opened.

    Or they were new and added to it; to let them in once more changes nothing.
    """
    joined_at = member.joined_at if member is not None else None
    return joined_at is not None and joined_at > ticket.created_at
