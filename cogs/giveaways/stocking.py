"""Puts codes for the winners into giveaways' vaults; free of discord.py."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bot.core.contracts import Actor
from cogs.giveaways.settings import KEY
from cogs.giveaways.vault import Stock, Vault
from db.giveaways import Giveaway

if TYPE_CHECKING:
    from bot.core.audit import AuditLog
    from cogs.giveaways.winning import Winning
    from db.engine import Database


class Stocking:
    """Takes codes, tells winners who have no button yet, and notes who has put them in."""

    def __init__(
        self, database: Database, audit: AuditLog, *, vault: Vault, winning: Winning
    ) -> None:
        self._database = database
        self._audit = audit
        self._vault = vault
        self._winning = winning

    async def stock(self, giveaway: Giveaway) -> Stock:
        """Return how many codes a giveaway has."""
        async with self._database.read() as session:
            return await self._vault.stock(session, giveaway.id)

    async def add(self, giveaway: Giveaway, codes: Iterable[str], actor: Actor) -> Stock:
        """Keep codes in their order, and return how many there are; raises as `Vault.add` does."""
        async with self._database.write() as session:
            before = await self._vault.stock(session, giveaway.id)
            stock = await self._vault.add(session, giveaway.id, codes)
            if not before.total:
                await self._winning.tell_of_codes(session, giveaway.id)
            await self._audit.record(
                session,
                actor,
                giveaway.guild_id,
                f"{KEY}.codes",
                "user_action",
                # How many, and never which.
                {"giveaway": giveaway.number, "codes": stock.total},
            )
        return stock
