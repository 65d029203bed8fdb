"""Who may do what with a ticket, and which one somebody means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import discord
from discord import app_commands

from bot.checks import guild_id_of, manages
from bot.core.errors import Denied, InvalidInput, NotFound
from bot.core.fields.text import quote, shorten
from bot.core.i18n import _
from bot.state import member_facts
from cogs.tickets.office import Office
from cogs.tickets.panel import Panel
from cogs.tickets.people import ensure_sees_to
from cogs.tickets.settings import KEY
from db import ticket_panels as panels
from db import tickets as table
from db.ticket_panels import TicketPanel
from db.tickets import Ticket

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.core.permissions import PermissionService

Interaction: TypeAlias = "discord.Interaction[Pegasus]"

_MAX_OFFERS, _MAX_OFFER = 25, 100


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket, its panel, and what somebody is to it."""

    ticket: Ticket
    panel: Panel
    is_staff: bool
    is_opener: bool
    is_manager: bool


class Access:
    """Finds tickets for people, and says what they are to them."""

    def __init__(self, office: Office, permissions: PermissionService) -> None:
        self._office = office
        self._permissions = permissions

    async def find(self, interaction: Interaction, text: str | None = None) -> Standing:
        """Return the ticket of a number, or of the room that the person is in.

        Raises `NotFound` with what to do. Who has nothing to do with a ticket is told that there is
        none.
        """
        async with self._office.database.read() as session:
            ticket = await self._find(session, interaction, text)
        standing = await self.stand(interaction, ticket) if ticket is not None else None
        if standing is None or not (standing.is_staff or standing.is_opener):
            raise _not_found(text)
        return standing

    async def _find(
        self, session: Any, interaction: Interaction, text: str | None
    ) -> Ticket | None:
        guild_id = guild_id_of(interaction)
        if text is None:
            ticket = await table.get_ticket_in(session, interaction.channel_id or 0)
            return ticket if ticket is not None and ticket.guild_id == guild_id else None
        number = text.strip().removeprefix("#").lstrip("0")
        if not number.isascii() or not number.isdecimal() or len(number) > 9:
            return None
        return await table.get_ticket_numbered(session, guild_id, int(number))

    async def find_by_id(self, interaction: Interaction, ticket_id: int) -> Standing:
        """Return the ticket that a button is about; raises `NotFound`."""
        async with self._office.database.read() as session:
            ticket = await table.get_ticket(session, ticket_id)
        if ticket is None or interaction.guild_id not in {None, ticket.guild_id}:
            raise NotFound(_("There is no such ticket any more."))
        return await self.stand(interaction, ticket)

    async def stand(self, interaction: Interaction, ticket: Ticket) -> Standing:
        """Return what somebody is to a ticket."""
        async with self._office.database.read() as session:
            panel = await self._office.panel_of(session, ticket)
        user = interaction.user
        is_manager = is_staff = False
        if isinstance(user, discord.Member):
            is_manager = await manages(interaction, KEY)
            staff = await self._office.staff_of(ticket, panel)
            is_staff = is_manager or not staff.isdisjoint(one.id for one in user.roles)
        return Standing(ticket, panel, is_staff, ticket.user_id == user.id, is_manager)

    async def ensure_staff(self, interaction: Interaction, text: str | None = None) -> Standing:
        """Return the ticket that somebody means, if they see to it; raises `Denied`."""
        standing = await self.find(interaction, text)
        if not standing.is_staff:
            raise not_staff()
        return standing

    async def ensure_sees_to(self, standing: Standing, member: discord.Member) -> None:
        """Raise `Denied` unless a member is of the staff of a ticket, or manages tickets."""
        facts = member_facts(member)
        await ensure_sees_to(
            self._office, self._permissions, standing.ticket, standing.panel, facts
        )

    async def is_any_staff(self, interaction: Interaction) -> bool:
        """Tell whether somebody sees to the tickets of any panel."""
        return await self.sees_all(interaction) or bool(await self.seen_panels(interaction))

    async def seen_panels(self, interaction: Interaction) -> frozenset[int]:
        """Return the panels whose tickets somebody sees to."""
        user = interaction.user
        rows = await self.list_panels(guild_id_of(interaction))
        held = {one.id for one in user.roles} if isinstance(user, discord.Member) else set[int]()
        if await self.sees_all(interaction):
            return frozenset(one.id for one in rows)
        return frozenset(
            one.id
            for one in rows
            if not held.isdisjoint(Panel.model_validate(one.config).staff_roles)
        )

    async def sees_all(self, interaction: Interaction) -> bool:
        """Tell whether somebody sees to the tickets of all panels, also of those deleted."""
        if await manages(interaction, KEY):
            return True
        user = interaction.user
        settings = await self._office.set_by(guild_id_of(interaction))
        held = {one.id for one in user.roles} if isinstance(user, discord.Member) else set[int]()
        return not held.isdisjoint(settings.staff_roles)

    async def list_panels(self, guild_id: int) -> Sequence[TicketPanel]:
        """Return the guild's panels by name."""
        async with self._office.database.read() as session:
            return await panels.list_panels(session, guild_id)

    async def find_panel(self, guild_id: int, text: str) -> TicketPanel:
        """Return the panel of a name; raises `NotFound`."""
        wanted = " ".join(text.split()).casefold()
        async with self._office.database.read() as session:
            found = await panels.get_panel_named(session, guild_id, wanted)
        if found is None:
            raise NotFound(
                _("There is no kind of ticket called {name}.", name=quote(text)),
                hint=_("Choose one from the list that Discord offers while you type."),
            )
        return found

    async def only_panel(self, guild_id: int) -> TicketPanel:
        """Return the guild's panel where there is one alone; raises `InvalidInput`."""
        rows = await self.list_panels(guild_id)
        if not rows:
            raise NotFound(
                _("No tickets can be opened in this server yet."),
                hint=_("An admin can make a panel with /ticket panel create."),
            )
        if len(rows) > 1:
            raise InvalidInput(
                _("There are several kinds of tickets."), hint=_("Say which with panel.")
            )
        return rows[0]


def not_staff() -> Denied:
    """Return the refusal of what only the staff may do."""
    return Denied(
        _("Only the staff of this ticket can do that."),
        hint=_("An admin can name staff with /ticket settings or /ticket panel edit."),
    )


def not_any_staff() -> Denied:
    """Return the refusal of what only those can do who see to tickets of some kind."""
    return Denied(
        _("Only the staff who see to tickets can do that."),
        hint=_("An admin can name staff with /ticket settings or /ticket panel edit."),
    )


def only_staff_reopen() -> Denied:
    """Return the refusal of a ticket that its opener would open again."""
    return Denied(
        _("Only the staff can open a ticket again."),
        hint=_("/ticket open opens another one for you."),
    )


def only_staff_for_others() -> Denied:
    """Return the refusal of a ticket that somebody would open for another member."""
    return Denied(_("Only the staff can open tickets for others."))


def _not_found(text: str | None) -> NotFound:
    if text is None:
        return NotFound(
            _("This is not the room of a ticket."),
            hint=_("Use the command in a ticket, or name one with ticket."),
        )
    return NotFound(
        _("There is no such ticket: {name}.", name=quote(text)),
        hint=_("Choose one from the list that Discord offers while you type."),
    )


def access_of(interaction: Interaction) -> Access:
    """Return the access rules of this process."""
    return interaction.client.get_cog("Tickets").access  # pyright: ignore[reportOptionalMemberAccess, reportAttributeAccessIssue]


async def complete_panel(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the guild's kinds of tickets."""
    if interaction.guild_id is None:
        return []
    typed = current.strip().casefold()
    async with interaction.client.kernel.database.read() as session:
        rows = await panels.list_panels(session, interaction.guild_id)
    names = [one.name for one in rows if typed in one.name_key]
    return [app_commands.Choice(name=one, value=one) for one in names[:_MAX_OFFERS]]


async def complete_ticket(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    """Offer the tickets that somebody may look into, the newest first."""
    if interaction.guild_id is None:
        return []
    access = access_of(interaction)
    seen, sees_all = await access.seen_panels(interaction), await access.sees_all(interaction)
    async with interaction.client.kernel.database.read() as session:
        if seen or sees_all:
            # Whoever sees all also sees to the tickets of panels that were deleted.
            rows = await table.list_tickets(
                session, interaction.guild_id, panel_ids=None if sees_all else seen, limit=200
            )
        else:
            rows = await table.list_tickets(
                session, interaction.guild_id, user_id=interaction.user.id, limit=200
            )
    typed = current.strip().removeprefix("#").casefold()
    offers = [(f"#{one.number} {one.category} · {one.name}", str(one.number)) for one in rows]
    return [
        app_commands.Choice(name=shorten(name, _MAX_OFFER), value=value)
        for name, value in offers
        if typed in name.casefold()
    ][:_MAX_OFFERS]
