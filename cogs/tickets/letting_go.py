"""Has staff let go of their tickets once they, or the tickets, lose the roles that see to them.

Whoever sees to a ticket is in its room by name, not by a role. Free of discord.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

import structlog

from bot.core.errors import Denied, DiscordFailed
from cogs.tickets.office import Office
from cogs.tickets.panel import Panel
from cogs.tickets.people import People, ensure_sees_to
from db.ticket_lists import list_claimed
from db.ticket_threads import list_tickets_by_id
from db.tickets import Ticket

if TYPE_CHECKING:
    from bot.core.permissions import PermissionService

Spawn = Callable[[str, Coroutine[Any, Any, None]], object]
# Takes a ticket from somebody who sees to it.
LetGo = Callable[[int, int], Awaitable[None]]

log = structlog.get_logger(__name__)


class LettingGo:
    """Hears of members whose roles change; of most it knows at once that they see to nothing."""

    def __init__(
        self,
        office: Office,
        people: People,
        permissions: PermissionService,
        *,
        let_go: LetGo,
        spawn: Spawn,
    ) -> None:
        self._office = office
        self._people = people
        self._permissions = permissions
        self._let_go = let_go
        self._spawn = spawn
        # Guilds and members who see to a ticket, or did.
        self._claimers: set[tuple[int, int]] = set()

    def note(self, ticket: Ticket) -> None:
        """Take down who sees to a ticket."""
        if ticket.claimed_by:
            self._claimers.add((ticket.guild_id, ticket.claimed_by))

    def take_update(self, payload: Mapping[str, Any]) -> None:
        """Take that a member has changed."""
        guild_id, user_id = int(payload["guild_id"]), int(payload["user"]["id"])
        if (guild_id, user_id) in self._claimers:
            roles = frozenset(map(int, payload.get("roles") or ()))
            self._spawn("claims", self.look(guild_id, user_id, roles))

    def take_staff_change(self, ticket: Ticket) -> None:
        """Take that some roles see to a ticket no more: it was moved, or its panel changed."""
        if ticket.claimed_by:
            self._spawn("claims", self._look_up(ticket.guild_id, ticket.claimed_by))

    async def look_at_all(self, guild_id: int) -> None:
        """Look at all who see to tickets of a guild: of what was while the bot was away, too."""
        for user_id in sorted(user for guild, user in self._claimers if guild == guild_id):
            await self._look_up(guild_id, user_id)

    async def _look_up(self, guild_id: int, user_id: int) -> None:
        try:
            who = await self._people.look_up(guild_id, user_id)
        except DiscordFailed:
            log.info("claimer_not_known", guild_id=guild_id)
            return
        if who is not None:
            await self.look(guild_id, user_id, who.role_ids)

    async def look(self, guild_id: int, user_id: int, roles: frozenset[int]) -> None:
        """Take those tickets from a member with these roles that they may not see to any more."""
        async with self._office.database.read() as session:
            found = await list_tickets_by_id(
                session, await list_claimed(session, guild_id, user_id)
            )
            tickets = [(one, await self._office.panel_of(session, one)) for one in found]
        if not tickets:
            self._claimers.discard((guild_id, user_id))
        for ticket, panel in tickets:
            staff = await self._office.staff_of(ticket, panel)
            if staff.isdisjoint(roles) and not await self._may(ticket, panel, user_id):
                await self._let_go(ticket.id, user_id)

    async def _may(self, ticket: Ticket, panel: Panel, user_id: int) -> bool:
        """Tell whether somebody manages tickets, or it can't be told; who has left is not asked."""
        try:
            who = await self._people.look_up(ticket.guild_id, user_id)
            if who is None:
                return True
            await ensure_sees_to(self._office, self._permissions, ticket, panel, who)
        except Denied:
            return False
        except DiscordFailed:
            log.info("claimer_not_known", ticket_id=ticket.id)
        return True
