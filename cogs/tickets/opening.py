"""Opens tickets: the row first, decided in the database, then its room, which a job makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from bot.core.errors import Denied, NotFound
from bot.core.i18n import _
from cogs.tickets import hours
from cogs.tickets.admission import Standing, find_obstacles, refusal
from cogs.tickets.changing import First
from cogs.tickets.files import FileKeeper
from cogs.tickets.form import Routed, route, told
from cogs.tickets.keeper import RoomKeeper
from cogs.tickets.machine import Action, Status
from cogs.tickets.naming import make_name
from cogs.tickets.office import Office
from cogs.tickets.panel import Panel, Room, name_key
from cogs.tickets.ports import Request, RoomRefused
from cogs.tickets.settings import TicketSettings
from db import ticket_blocks as blocks
from db import ticket_panels as panels
from db import tickets as table
from db.ticket_standing import OwnTicket, list_own
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class _House:
    """What a guild has set for all its panels."""

    is_on: bool
    settings: TicketSettings
    zone: str


class Opening:
    """Takes requests for tickets; see `cogs.tickets.ports.Openings`."""

    def __init__(self, office: Office, keeper: RoomKeeper, files: FileKeeper) -> None:
        self._office = office
        self._keeper = keeper
        self._files = files

    async def admit(self, request: Request) -> None:
        """Raise `Denied` or `NotFound` with everything that is in the way."""
        house = await self._house(request.guild_id)
        async with self._office.database.read() as session:
            _panel_id, panel = await self._panel(session, request.guild_id, request.panel_id)
            await self._ensure_admitted(session, request, (request.panel_id, panel), house)
        # Said before somebody fills in a form for nothing, and to the admins.
        if (lost := self._lost_place(request.guild_id, panel)) is not None:
            await self._keeper.report(request.guild_id, request.panel_id, lost)
            raise lost

    def _lost_place(self, guild_id: int, panel: Panel) -> RoomRefused | None:
        """Return the refusal when none of the places for a panel's rooms is there any more."""
        places = [panel.parent_id, *(panel.overflow_ids if panel.room is Room.CHANNEL else ())]
        named = [one for one in places if one is not None]
        state = self._office.state()
        if not named or any(state.channel(guild_id, one) is not None for one in named):
            return None
        message = (
            _("The channel for these tickets does not exist any more.")
            if panel.room is Room.THREAD
            else _("The category for these tickets does not exist any more.")
        )
        hint = _("An admin can choose another with /ticket panel edit.")
        return RoomRefused(message, hint=hint)

    async def open(self, request: Request, *, then: First | None = None) -> Ticket:
        """Open the ticket and return it; the same request again returns the same ticket.

        Raises as `admit` does. `then` joins the transaction. The room is made after the commit:
        `RoomKeeper.wait` tells how it went.
        """
        # Read before: whoever stands in line holds a connection, and would wait for another.
        house = await self._house(request.guild_id)
        try:
            async with self._office.database.write() as session:
                ticket = await self._open(session, request, house)
                if then is not None:
                    await then(session, ticket)
                return ticket
        except IntegrityError:
            # The same request was taken by somebody else at this moment.
            async with self._office.database.read() as session:
                found = await table.get_ticket_requested(session, request.request_id)
            if found is None:
                raise
            return found

    async def _house(self, guild_id: int) -> _House:
        """Return what the guild has set."""
        return _House(
            await self._office.is_on(guild_id),
            await self._office.set_by(guild_id),
            await self._office.zone(guild_id),
        )

    async def _open(self, session: AsyncSession, request: Request, house: _House) -> Ticket:
        # From here on nobody else opens a ticket in this guild until the end of the transaction:
        # what is counted below stays true.
        number = await table.take_number(session, request.guild_id)
        known = await table.get_ticket_requested(session, request.request_id)
        if known is not None:
            return known
        panel_id, asked = await self._panel(session, request.guild_id, request.panel_id)
        routed = route(asked, request.answers)
        await self._ensure_admitted(session, request, (panel_id, asked), house)
        panel_id, panel = await self._routed(session, request, routed, (panel_id, asked))
        if panel_id != request.panel_id:
            await self._ensure_admitted(session, request, (panel_id, panel), house)
        place = panel.parent_id or await self._place_of(session, request, panel_id, panel)
        ticket = self._row(request, number, panel_id, panel, routed, place)
        ticket.answers = list(told(asked, request.answers))
        session.add(ticket)
        await session.flush()
        await table.add_event(
            session, ticket, Action.OPEN, ticket.created_at, actor_id=ticket.opened_by
        )
        await self._files.take_answers(session, ticket)
        await panels.delete_draft(session, request.panel_id, request.actor.user_id)
        await self._keeper.ensure(session, ticket)
        return ticket

    def _row(  # noqa: PLR0917 - each is a part of the row
        self,
        request: Request,
        number: int,
        panel_id: int,
        panel: Panel,
        routed: Routed,
        place: int | None,
    ) -> Ticket:
        now = self._office.clock.now()
        applicant = request.applicant
        return Ticket(
            guild_id=request.guild_id,
            number=number,
            panel_id=panel_id,
            asked_panel_id=request.panel_id,
            category=panel.name,
            user_id=applicant.user_id,
            opened_by=request.actor.user_id or None,
            request_id=request.request_id,
            status=Status.OPENING,
            mode=panel.room.value,
            parent_id=place,
            room_lost=False,
            name=make_name(panel.naming, number, panel.name, applicant.name),
            renamed_at=[],
            room_state={},
            priority=(routed.priority or panel.priority).value,
            labels=list(routed.labels),
            staff_roles=[str(one) for one in routed.staff_roles],
            answers=[],
            origin=dict(request.origin),
            quoted_author_id=int(request.origin["author_id"]) if request.origin else None,
            created_at=now,
            waiting_since=now,
            exempt=False,
            level=0,
            revision=1,
        )

    async def _place_of(
        self, session: AsyncSession, request: Request, panel_id: int, panel: Panel
    ) -> int | None:
        """Return where rooms are made that the panel names no place for: where it is posted.

        Of several messages that is the one in whose channel it was asked for. One that is posted
        nowhere has its rooms where it was asked for.
        """
        posts = await panels.list_posts(session, request.guild_id, panel_id=panel_id)
        posted = [one.channel_id for one in posts]
        here = request.channel_id
        asked = [here] if here in posted or not posted else [*posted, here]
        for channel_id in asked:
            channel = self._office.state().channel(request.guild_id, channel_id)
            if channel is None:
                continue
            if panel.room is Room.CHANNEL:
                return channel.parent_id if channel.kind != "thread" else None
            home = channel.parent_id if channel.kind == "thread" else channel.id
            if home is not None and self._takes_threads(request.guild_id, home):
                return home
        return None

    def _takes_threads(self, guild_id: int, channel_id: int) -> bool:
        # Discord has private threads in text channels alone.
        channel = self._office.state().channel(guild_id, channel_id)
        return channel is not None and channel.kind == "text"

    async def _panel(
        self, session: AsyncSession, guild_id: int, panel_id: int
    ) -> tuple[int, Panel]:
        row = await panels.get_panel(session, guild_id, panel_id)
        if row is None:
            raise NotFound(
                _("Tickets of this kind can't be opened any more."),
                hint=_("Ask the staff of this server where to turn."),
            )
        return row.id, Panel.model_validate(row.config)

    async def _routed(
        self,
        session: AsyncSession,
        request: Request,
        routed: Routed,
        asked: tuple[int, Panel],
    ) -> tuple[int, Panel]:
        """Return the panel that the answers lead to; the one that was asked when that is gone."""
        if routed.panel_name is None:
            return asked
        wanted = name_key(routed.panel_name)
        row = await panels.get_panel_named(session, request.guild_id, wanted)
        return (row.id, Panel.model_validate(row.config)) if row is not None else asked

    async def _ensure_admitted(
        self, session: AsyncSession, request: Request, asked: tuple[int, Panel], house: _House
    ) -> None:
        panel_id, panel = asked
        guild_id, applicant = request.guild_id, request.applicant
        if not house.is_on:
            raise Denied(_("Tickets are switched off in this server."))
        if applicant.is_bot:
            raise Denied(_("A bot can't have a ticket."), hint=_("Choose another member."))
        now = self._office.clock.now()
        obstacles = find_obstacles(
            panel,
            house.settings,
            applicant,
            await self._standing(session, guild_id, panel_id, applicant.user_id),
            now=now,
            opens_at=hours.opens_at(panel.hours, panel.zone or house.zone, now),
            for_member=f"<@{applicant.user_id}>" if request.is_for_another else None,
        )
        if obstacles:
            raise refusal(obstacles)

    @staticmethod
    async def _standing(
        session: AsyncSession, guild_id: int, panel_id: int, user_id: int
    ) -> Standing:
        own = await list_own(session, guild_id, user_id)
        of_panel = [one for one in own if one.panel_id == panel_id]
        return Standing(
            is_blocked=await blocks.is_blocked(session, guild_id, user_id),
            own=len(own),
            own_of_panel=len(of_panel),
            of_panel=await table.count_unfinished(session, guild_id, panel_id=panel_id),
            of_guild=await table.count_unfinished(session, guild_id),
            last_at=await table.get_last_opening(session, guild_id, panel_id, user_id),
            rooms=_rooms_of(own),
            rooms_of_panel=_rooms_of(of_panel),
        )


def _rooms_of(tickets: Sequence[OwnTicket]) -> tuple[int, ...]:
    return tuple(one.channel_id for one in tickets if one.channel_id is not None)
