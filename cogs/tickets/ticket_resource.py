"""Tickets as the API reads, opens, marks and handles them; free of discord.py.

An item's id is the ticket's number in its guild. Each deed is the service's that the command uses,
and joins the audit log in its transaction. Who has only the access key is nobody whom Discord
knows: what they do, the bot does, and what needs a person says so.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.core.errors import Conflict, FieldError, InvalidInput, NotFound
from bot.core.i18n import _
from bot.core.resources import Document, Item
from cogs.tickets.form_reading import read_form
from cogs.tickets.machine import Status
from cogs.tickets.marking import Marks
from cogs.tickets.panel import Panel, Priority
from cogs.tickets.people import (
    ensure_is_person,
    ensure_reads,
    ensure_sees_to,
    find_member,
    panels_read_by,
)
from cogs.tickets.ports import Applicant, Request
from cogs.tickets.settings import KEY
from cogs.tickets.ticket_bodies import OpenBody, TicketBody, TicketDetail
from db import tickets as table
from db.ticket_lists import list_members_of
from db.ticket_panels import TicketPanel, get_panel

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.contracts import Actor, MemberFacts
    from bot.core.permissions import PermissionService
    from cogs.tickets.changing import First
    from cogs.tickets.people import People
    from cogs.tickets.service import TicketService
    from db.tickets import Ticket

# How long an answer waits for a room that is being made.
_PATIENCE = 10.0
# What the database holds.
_LARGEST_NUMBER = 2**31 - 1


@dataclass(frozen=True, slots=True)
class _Deed:
    """What is to be done with a ticket, and what joins the transaction in which it is."""

    ticket: Ticket
    body: Any
    actor: Actor
    first: First

    @property
    def by(self) -> int | None:
        """Who does it; `None` for the bot."""
        return self.actor.user_id or None


class TicketResource:
    """Answers for tickets by the services that the commands of Discord use."""

    def __init__(
        self,
        service: TicketService,
        people: People,
        *,
        permissions: PermissionService,
        audit: AuditLog,
        patience: float = _PATIENCE,
    ) -> None:
        self._service = service
        self._office = service.office
        self._life = service.life
        self._people = people
        self._permissions = permissions
        self._audit = audit
        self._patience = patience
        self._deeds: Mapping[str, Callable[[_Deed], Awaitable[object]]] = {
            "close": self._close,
            "close-request": self._request_close,
            "keep-open": lambda it: self._life.keep_open(it.ticket.id, it.by, first=it.first),
            "reopen": self._reopen,
            "claim": self._claim,
            "unclaim": self._unclaim,
            "transfer": self._transfer,
            "give": self._give,
            "add-member": self._add_member,
            "remove-member": self._remove_member,
            "move": self._move,
            "note": self._note,
        }

    # --- what there is ---------------------------------------------------------------------------

    async def list_page(self, guild_id: int, *, before: int | None, limit: int) -> Sequence[Item]:
        """Return so many of a guild's tickets with lesser numbers, or its newest."""
        latest = None if before is None else min(before, _LARGEST_NUMBER)
        async with self._office.database.read() as session:
            found = await table.list_tickets(session, guild_id, before=latest, limit=limit)
            members = await list_members_of(session, [one.id for one in found])
        return [_item(one, members.get(one.id, ())) for one in found]

    async def get(self, guild_id: int, item_id: int) -> Item:
        """Return a ticket by its number; raises `NotFound`."""
        async with self._office.database.read() as session:
            return await self._read(session, await self._find(session, guild_id, item_id))

    async def search(self, guild_id: int, text: str, actor: Actor) -> Sequence[Item]:
        """Return the tickets of the newest messages with all words of a text.

        Raises `InvalidInput` for a text without a word, `Denied` for who is of no staff.
        """
        who = await self._people.look_up(guild_id, actor.user_id) if actor.user_id else None
        panel_ids = await panels_read_by(self._office, self._permissions, guild_id, who)
        found = await self._service.archive.search(guild_id, text, panel_ids=panel_ids)
        tickets = {ticket.id: ticket for _message, ticket in found}
        async with self._office.database.read() as session:
            members = await list_members_of(session, list(tickets))
        return [_item(one, members.get(one.id, ())) for one in tickets.values()]

    async def document(self, guild_id: int, item_id: int, actor: Actor) -> Document:
        """Return the transcript of a ticket as its staff get it, notes included.

        Raises `Denied` for who is not of its staff.
        """
        async with self._office.database.read() as session:
            ticket = await self._find(session, guild_id, item_id)
            panel = await self._office.panel_of(session, ticket)
        who = await self._people.look_up(guild_id, actor.user_id) if actor.user_id else None
        await ensure_reads(self._office, self._permissions, ticket, panel, who)
        locale = await self._office.locale(guild_id)
        page = await self._service.archive.render(ticket.id, locale=locale, for_staff=True)
        return Document(f"ticket-{ticket.number:04}.html", page)

    async def _find(self, session: AsyncSession, guild_id: int, number: int) -> Ticket:
        fits = number <= _LARGEST_NUMBER
        found = await table.get_ticket_numbered(session, guild_id, number) if fits else None
        if found is None:
            raise NotFound(_("There is no ticket with the number {number}.", number=number))
        return found

    async def _read(self, session: AsyncSession, ticket: Ticket) -> Item:
        return _item(ticket, await table.list_members(session, ticket.id))

    # --- opening ---------------------------------------------------------------------------------

    async def add(self, guild_id: int, body: OpenBody, actor: Actor) -> Item:
        """Open a ticket for a member, as staff do with `/ticket open`.

        Raises `Denied` with everything that is in the way, and where its room can't be made.
        """
        row = await self._panel(guild_id, body.panel_id)
        self._check_channel(guild_id, body.channel_id)
        answers = (
            {}
            if body.answers is None
            else read_form(Panel.model_validate(row.config), body.answers)
        )
        member = await find_member(self._people, guild_id, int(body.member_id))
        request = Request(
            guild_id=guild_id,
            panel_id=row.id,
            applicant=_applicant(member),
            actor=actor,
            channel_id=int(body.channel_id or 0),
            # Of an interaction it is a positive id of Discord's.
            request_id=-1 - secrets.randbelow(1 << 62),
            answers=answers,
        )
        await self._service.opening.admit(request)

        async def then(session: AsyncSession, ticket: Ticket) -> None:
            await self._record(session, ticket, actor, "open", target_id=member.id)

        ticket = await self._service.opening.open(request, then=then)
        await self._service.keeper.wait(ticket.id, self._patience)
        return await self.get(guild_id, ticket.number)

    async def _panel(self, guild_id: int, panel_id: str) -> TicketPanel:
        async with self._office.database.read() as session:
            row = await get_panel(session, guild_id, int(panel_id))
        if row is None:
            raise _wrong("/panel_id", _("There is no panel with the ID {id}.", id=panel_id))
        return row

    def _check_channel(self, guild_id: int, channel_id: str | None) -> None:
        if channel_id and self._office.state().channel(guild_id, int(channel_id)) is None:
            message = _("There is no channel with the ID {id} in this server.", id=channel_id)
            raise _wrong("/channel_id", message)

    # --- changing --------------------------------------------------------------------------------

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: TicketBody, actor: Actor
    ) -> Item:
        """Mark a ticket that is as it was seen; what is as it was is not done again."""
        async with self._office.database.read() as session:
            ticket = await self._find(session, guild_id, item_id)
        marks = Marks(
            name=body.name if body.name != ticket.name else None,
            priority=body.priority if body.priority != ticket.priority else None,
            labels=body.labels if body.labels != list(ticket.labels or ()) else None,
            exempt=body.exempt if body.exempt != ticket.exempt else None,
        )
        fields = ("name", "priority", "labels", "exempt")
        changed = [one for one in fields if getattr(marks, one) is not None]
        if changed:
            first = self._first(revision, actor, "edit", changed=changed)
            await self._life.mark(ticket.id, actor.user_id or None, marks, first=first)
        return await self.get(guild_id, item_id)

    async def act(self, guild_id: int, seen: Item, action: str, body: Any, actor: Actor) -> Item:
        """Do what the action says with a ticket that is as it was seen."""
        async with self._office.database.read() as session:
            ticket = await self._find(session, guild_id, seen.id)
        member_id = getattr(body, "member_id", None)
        done = action.replace("-", "_")
        first = self._first(
            seen.revision, actor, done, target_id=int(member_id) if member_id else None
        )
        await self._deeds[action](_Deed(ticket, body, actor, first))
        return await self.get(guild_id, seen.id)

    def _first(
        self,
        revision: int,
        actor: Actor,
        done: str,
        *,
        target_id: int | None = None,
        **details: Any,
    ) -> First:
        """Return what notes a deed in the audit log, if the ticket still is as it was seen."""

        async def first(session: AsyncSession, ticket: Ticket) -> None:
            if (await self._read(session, ticket)).revision != revision:
                raise Conflict(_("Somebody else has changed this ticket meanwhile."))
            await self._record(session, ticket, actor, done, target_id=target_id, **details)

        return first

    async def _record(
        self,
        session: AsyncSession,
        ticket: Ticket,
        actor: Actor,
        done: str,
        *,
        target_id: int | None = None,
        **details: Any,
    ) -> None:
        told = {"feature": KEY, "ticket": ticket.number, **details}
        await self._audit.record(
            session,
            actor,
            ticket.guild_id,
            f"{KEY}.{done}",
            "user_action",
            told,
            target_id=target_id,
        )

    # --- the deeds -------------------------------------------------------------------------------

    async def _close(self, deed: _Deed) -> None:
        reason, after = deed.body.reason, deed.body.after
        ticket_id, first = deed.ticket.id, deed.first
        if after is None:
            await self._life.close(ticket_id, deed.by, reason, first=first)
        else:
            await self._life.schedule_close(ticket_id, deed.by, after, reason, first=first)

    async def _request_close(self, deed: _Deed) -> None:
        await self._life.request_close(
            deed.ticket.id, deed.by, deed.body.reason, deed.body.after, first=deed.first
        )

    async def _reopen(self, deed: _Deed) -> None:
        await self._life.reopen(deed.ticket.id, deed.by, first=deed.first)
        await self._service.keeper.wait(deed.ticket.id, self._patience)

    async def _claim(self, deed: _Deed) -> None:
        member_id = int(deed.body.member_id or deed.actor.user_id)
        if not member_id:
            message = _("Say who sees to it: nobody is known by the access key.")
            raise _wrong("/member_id", message)
        await self._staff(deed.ticket, member_id)
        await self._life.claim(deed.ticket.id, member_id, first=deed.first)

    async def _unclaim(self, deed: _Deed) -> None:
        # Whoever operates the bot manages tickets everywhere.
        await self._life.unclaim(deed.ticket.id, deed.by, manages=True, first=deed.first)

    async def _transfer(self, deed: _Deed) -> None:
        member_id = int(deed.body.member_id)
        await self._staff(deed.ticket, member_id)
        await self._life.transfer(deed.ticket.id, deed.by, member_id, first=deed.first)

    async def _give(self, deed: _Deed) -> None:
        member = await self._member(deed)
        ensure_is_person(member)
        await self._life.give_to(deed.ticket.id, deed.by, member.id, first=deed.first)

    async def _add_member(self, deed: _Deed) -> None:
        member = await self._member(deed)
        await self._life.add(deed.ticket.id, deed.by, member.id, first=deed.first)

    async def _remove_member(self, deed: _Deed) -> None:
        member_id = int(deed.body.member_id)
        await self._life.remove(deed.ticket.id, deed.by, member_id, first=deed.first)

    async def _move(self, deed: _Deed) -> None:
        row = await self._panel(deed.ticket.guild_id, deed.body.panel_id)
        await self._life.move(deed.ticket.id, deed.by, row, first=deed.first)

    async def _note(self, deed: _Deed) -> None:
        await self._life.add_note(deed.ticket.id, deed.by, deed.body.text, first=deed.first)

    async def _member(self, deed: _Deed) -> MemberFacts:
        return await find_member(self._people, deed.ticket.guild_id, int(deed.body.member_id))

    async def _staff(self, ticket: Ticket, member_id: int) -> None:
        """Raise unless somebody is a member who sees to a ticket."""
        member = await find_member(self._people, ticket.guild_id, member_id)
        ensure_is_person(member)
        async with self._office.database.read() as session:
            panel = await self._office.panel_of(session, ticket)
        await ensure_sees_to(self._office, self._permissions, ticket, panel, member)


def _wrong(pointer: str, message: Any) -> InvalidInput:
    return InvalidInput(message, errors=(FieldError(pointer, message),))


def _applicant(member: MemberFacts) -> Applicant:
    return Applicant(
        user_id=member.id, name=member.name, role_ids=member.role_ids, is_bot=member.is_bot
    )


def _item(ticket: Ticket, member_ids: Sequence[int]) -> Item:
    body = TicketDetail(
        id=str(ticket.number),
        status=Status(ticket.status),
        name=ticket.name,
        panel_id=_text(ticket.panel_id),
        panel=ticket.category,
        opener_id=_text(ticket.user_id),
        claimer_id=_text(ticket.claimed_by),
        priority=Priority(ticket.priority),
        labels=list(ticket.labels or ()),
        member_ids=[str(one) for one in member_ids],
        channel_id=_text(ticket.channel_id),
        created_at=ticket.created_at,
        first_reply_at=ticket.first_reply_at,
        closes_at=ticket.close_at,
        close_requested=ticket.close_requested_by is not None,
        closed_at=ticket.closed_at,
        closed_by=_text(ticket.closed_by),
        close_reason=ticket.close_reason,
        exempt=ticket.exempt,
    )
    return Item.as_shown(ticket.number, body)


def _text(one: int | None) -> str | None:
    return str(one) if one else None
