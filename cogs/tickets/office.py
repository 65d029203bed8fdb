"""What the parts that run tickets share: services, and what guild and panel have set."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.guild_locale import BASICS, locale_of_guild
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.settings import SettingsStore
from cogs.tickets.panel import Panel
from cogs.tickets.settings import KEY, TicketSettings
from db.engine import Database
from db.ticket_panels import get_panel
from db.tickets import Ticket

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The services, and the few things that every part does with them."""

    database: Database
    clock: Clock
    settings: SettingsStore
    jobs: JobService
    outbox: OutboxService
    state: Callable[[], BotState]

    async def is_on(self, guild_id: int) -> bool:
        """Tell whether the guild has tickets switched on."""
        return (await self.settings.get(guild_id, KEY)).enabled

    async def set_by(self, guild_id: int) -> TicketSettings:
        """Return what the guild has set."""
        return (await self.settings.get(guild_id, KEY)).settings

    async def locale(self, guild_id: int) -> str | None:
        """Return the guild's language."""
        return await locale_of_guild(self.settings, self.state(), guild_id)

    async def zone(self, guild_id: int, panel: Panel | None = None) -> str:
        """Return the zone in which a panel's hours are meant, or the guild's."""
        if panel is not None and panel.zone is not None:
            return panel.zone
        return (await self.settings.get(guild_id, BASICS)).settings.time_zone

    async def panel_of(self, session: AsyncSession, ticket: Ticket) -> Panel:
        """Return what the ticket's panel says; the plainest of panels when that was deleted."""
        if ticket.panel_id is not None:
            row = await get_panel(session, ticket.guild_id, ticket.panel_id)
            if row is not None:
                return Panel.model_validate(row.config)
        return Panel(name=ticket.category or "-")

    async def staff_of(self, ticket: Ticket, panel: Panel) -> frozenset[int]:
        """Return the roles that see to a ticket."""
        settings = await self.set_by(ticket.guild_id)
        own = (int(one) for one in ticket.staff_roles)
        return frozenset((*settings.staff_roles, *panel.staff_roles, *own))

    async def seen_by(self, ticket: Ticket, panel: Panel) -> frozenset[int]:
        """Return the roles that can be in a ticket's room: its staff, and who is told of it."""
        return await self.staff_of(ticket, panel) | frozenset(panel.ping_roles)

    async def let_in(self, ticket: Ticket, panel: Panel) -> frozenset[int]:
        """Return those of them that were not deleted, as far as the guild is known."""
        roles = await self.seen_by(ticket, panel)
        return roles - self.deleted(ticket.guild_id, roles)

    def deleted(self, guild_id: int, roles: Iterable[int]) -> frozenset[int]:
        """Return which of the roles a guild does not have any more; none of one that is unknown."""
        state = self.state()
        if state.guild(guild_id) is None:
            return frozenset()
        return frozenset(one for one in roles if state.role(guild_id, one) is None)
