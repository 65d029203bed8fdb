"""Looks whether those who hold the places of a full role still have it; free of discord.py.

That somebody left or lost a role is not always heard of: while the bot was away, or without the
members intent. So a role that is full is looked at when somebody wants it, a few members at a time.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.core.clock import Clock
from bot.core.outbox.deliveries import DeliveryError
from cogs.rolemenus.pressing import Full, PressService
from db import role_menus as table
from db.engine import Database

log = structlog.get_logger(__name__)

# One call for each; a large server's places are gone through little by little, in any order.
AT_ONCE = 20
PAUSE = timedelta(minutes=5)


class MemberLookup(Protocol):
    """Asks Discord about members; raises `DeliveryError` where there is no answer."""

    async def roles_of(self, guild_id: int, user_id: int) -> frozenset[int] | None:
        """Return a member's roles, `None` for somebody who is no member."""
        ...


class Holders:
    """Frees places of roles that are full, each role's every five minutes at most."""

    def __init__(
        self, database: Database, clock: Clock, presses: PressService, lookup: MemberLookup
    ) -> None:
        self._database = database
        self._clock = clock
        self._presses = presses
        self._lookup = lookup
        self._looked_at: dict[Full, datetime] = {}

    async def look(self, full: Full) -> None:
        """Free the places of some of those who don't have the role any more."""
        now = self._clock.now()
        # What is older is forgotten, so that this stays small.
        recent = {one: at for one, at in self._looked_at.items() if at + PAUSE > now}
        self._looked_at = recent
        if full in recent:
            return
        recent[full] = now
        async with self._database.read() as session:
            holders = await table.list_some_holders(session, full.menu_id, full.role_id, AT_ONCE)
        for user_id in holders:
            try:
                roles = await self._lookup.roles_of(full.guild_id, user_id)
            except DeliveryError as error:
                log.info("holder_not_looked_at", reason=error.reason)
                return
            if roles is None:
                await self._presses.member_left(full.guild_id, user_id)
            else:
                await self._presses.member_has(full.guild_id, user_id, roles)
