"""One process that keeps an economy on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from bot.core.audit import AuditLog
from bot.core.config import Config
from bot.core.contracts import Actor
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.ledger import Entry, Holder, Move, Posted, TransactionKind, post
from bot.core.nullstate import NullState
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import economy, general
from cogs.economy.auditing import Auditing
from cogs.economy.earning import Earning
from cogs.economy.paying import Payee, Paying
from cogs.economy.reporting import Reporting
from cogs.economy.settings import EconomySettings
from cogs.economy.treasury import Order, Treasury
from db import economy as table
from db import economy_books as books
from db.engine import Database
from tests.fakes import FakeClock

GUILD, OTHER_GUILD = 1 << 40, 2 << 40
ANN, BEN, CAT = 11, 12, 13
STAFF = Actor(77, "command", "boss")


async def side_by_side(steps: Iterable[Awaitable[Any]]) -> list[Any]:
    """Do things at once; return what came of each, errors included."""
    return await asyncio.gather(*steps, return_exceptions=True)


class EconomyWorld:
    """A process; a second one can be made over the same database and clock."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.database, self.clock = database, clock
        self.settings = EconomySettings()
        bus, supervisor = EventBus(), TaskSupervisor()
        registry = FeatureRegistry([general.FEATURE, economy.FEATURE])
        audit = AuditLog(clock, bus, supervisor)
        self.store = SettingsStore(database, clock, bus, registry, audit, state=NullState)
        self.problems = ProblemService(database, clock, bus, registry, self.store, state=NullState)
        self.jobs = JobService(database, clock, Config().jobs, supervisor, bus=bus)
        # Predictable: always the least of what is possible.
        self.draws: list[int] = []
        self.earning = Earning(database, clock, below=self._below)
        self.paying = Paying(database, clock)
        self.treasury = Treasury(database, clock, audit)
        self.reporting = Reporting(database, clock)
        self.audited: list[int] = []
        self.auditing = Auditing(
            database,
            clock,
            jobs=self.jobs,
            problems=self.problems,
            audited=self.audited.append,
        )
        self._keys = 0

    def _below(self, bound: int) -> int:
        return min(self.draws.pop(0), bound - 1) if self.draws else 0

    def key(self) -> str:
        """Return a key that was not used before."""
        self._keys += 1
        return f"test:{self._keys}"

    def use(self, **changes: Any) -> None:
        """Change the settings."""
        self.settings = EconomySettings.model_validate({**self.settings.model_dump(), **changes})

    async def give(self, user_id: int, amount: int, *, key: str | None = None) -> int:
        """Mint an amount for a member; return the transaction's number."""
        done = await self.treasury.give(self.order(user_id, key=key), amount)
        return done.number

    def order(self, user_id: int, *, key: str | None = None, reason: str | None = None) -> Order:
        return Order(
            guild_id=GUILD, user_id=user_id, actor=STAFF, key=key or self.key(), reason=reason
        )

    async def pay(
        self,
        payer_id: int,
        payee_id: int,
        amount: int,
        *,
        key: str | None = None,
        guild_id: int = GUILD,
    ) -> int:
        """Pay a member; return the transaction's number."""
        payee = Payee(payee_id, is_bot=False, is_member=True)
        done = await self.paying.pay(
            guild_id, payer_id, payee, amount, self.settings, key=key or self.key()
        )
        return done.number

    async def post(
        self, *moves: Move, kind: TransactionKind = TransactionKind.PAY, **values: Any
    ) -> Posted:
        """Post moves as they are."""
        values = {"guild_id": GUILD, "key": self.key(), "actor_id": ANN} | values
        async with self.database.write() as session:
            return await post(session, Entry(kind=kind, moves=moves, **values), self.clock.now())

    async def balance(self, user_id: int) -> int:
        async with self.database.read() as session:
            return await table.get_balance(session, GUILD, user_id)

    async def own(self, holder: Holder) -> int:
        """Return what one of the guild's own accounts holds."""
        async with self.database.read() as session:
            return (await books.list_own_balances(session, GUILD))[holder.kind.value]

    async def sound(self) -> None:
        """Assert that the books balance."""
        assert await self.auditing.audit(GUILD) == []

    async def read(self, query: Callable[..., Awaitable[Any]], *values: Any, **named: Any) -> Any:
        async with self.database.read() as session:
            return await query(session, *values, **named)
