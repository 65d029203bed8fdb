"""Where money comes from and where it goes: the report against inflation; free of discord.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from db import economy_books as books
from db.economy import AccountKind

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from db.engine import Database

# How many of the richest members are looked at for how evenly money is spread.
RICHEST = 10


@dataclass(frozen=True, slots=True)
class Report:
    """A guild's money now, and what was made and destroyed in a period, by kind of transaction.

    What the mint took back, as when something was undone, is below zero. `richest` is what the ten
    richest members have.
    """

    days: int
    held: int
    escrow: int
    house: int
    members: int
    richest: int
    minted: Mapping[str, int]
    sunk: Mapping[str, int]

    @property
    def supply(self) -> int:
        """All money that there is."""
        return self.held + self.escrow + self.house

    @property
    def growth(self) -> int:
        """By how much there is more than at the beginning of the period."""
        return sum(self.minted.values()) - sum(self.sunk.values())

    @property
    def growth_percent(self) -> float | None:
        """The growth in percent of what there was, or None where there was nothing."""
        before = self.supply - self.growth
        return 100 * self.growth / before if before > 0 else None


class Reporting:
    """Sums up the books."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def report(self, guild_id: int, days: int) -> Report:
        """Return the report on the last days."""
        since = self._clock.now() - timedelta(days=days)
        async with self._database.snapshot() as session:
            balances = await books.list_own_balances(session, guild_id)
            minted = await books.sum_flows(session, guild_id, AccountKind.MINT, since)
            sunk = await books.sum_flows(session, guild_id, AccountKind.SINK, since)
            members = await books.count_ranked(session, guild_id)
            richest = await books.list_richest(session, guild_id, offset=0, limit=RICHEST)
        return Report(
            days,
            held=balances[AccountKind.USER],
            escrow=balances[AccountKind.ESCROW],
            house=balances[AccountKind.HOUSE],
            members=members,
            richest=sum(balance for _user, balance in richest),
            minted={kind: -amount for kind, amount in minted.items()},
            sunk=sunk,
        )
