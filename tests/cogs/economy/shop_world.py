"""One process that runs a shop over the ledger and the role queue, on a real database."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from bot.core.audit import AuditLog
from bot.core.config import Config
from bot.core.contracts import Actor, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.ledger import Entry, Holder, Move, TransactionKind, post
from bot.core.settings import SettingsStore
from cogs import economy, general
from cogs.economy.shop_office import ShopOffice
from cogs.economy.shop_rules import ItemPlan
from cogs.economy.shopping import Customer, Order, Sale
from cogs.economy.store import Store
from cogs.economy.treasury import Order as Undoing
from cogs.economy.treasury import Treasury
from db.economy import Transaction, get_balance
from db.economy_inventory import list_holdings
from db.economy_shop import ShopItem, get_item
from db.engine import Database
from tests.bot.core.roles.world import ANN, BOB, GUILD, RED, FakeDiscord, View, World
from tests.fakes import FakeClock

ADMIN = Actor(9, "command", "boss")
STAFF, HIGH, MUTED = 801, 802, 803
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class ShopView(View):
    """A guild with harmless roles, one of staff, one above the bot and a mute role."""

    def __init__(self) -> None:
        super().__init__()
        self.positions.update({STAFF: 5, HIGH: 11, MUTED: 1})

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        position = self.positions.get(role_id)
        if position is None:
            return None
        power = frozenset({"ban_members"}) if role_id == STAFF else frozenset[str]()
        return RoleSummary(role_id, guild_id, f"R{role_id}", position, permissions=power)


class ShopWorld(World):
    """A process; a second one can be made over the same database, clock and Discord."""

    def __init__(
        self,
        database: Database,
        clock: FakeClock,
        discord: FakeDiscord | None = None,
        *,
        guild_id: int = GUILD,
    ) -> None:
        super().__init__(database, clock, discord)
        self.guild_id = guild_id
        self.view = ShopView()
        registry, bus = FeatureRegistry([general.FEATURE, economy.FEATURE]), EventBus()
        audit = AuditLog(clock, bus, self.supervisor)
        self.jobs = JobService(database, clock, Config().jobs, self.supervisor)
        self.office = ShopOffice(
            database=database,
            clock=clock,
            settings=SettingsStore(database, clock, bus, registry, audit, state=lambda: self.view),
            jobs=self.jobs,
            roles=self.roles,
            audit=audit,
            state=lambda: self.view,
            mute_role=self._mute_role,
        )
        self.store = Store.over(self.office)
        self.shop, self.stock = self.store.shop, self.store.stock
        self.inventories, self.trades = self.store.inventories, self.store.trades
        self.treasury = Treasury(database, clock, audit)
        self.treasury.returns |= self.store.returns
        self.store.start()
        self._keys = 0

    async def _mute_role(self, guild_id: int) -> int | None:
        return MUTED

    async def work(self, span: timedelta | float = 0) -> None:
        """Move the clock; do jobs and role changes until nothing is due."""
        self.clock.advance(span)
        await self.jobs.run_due()
        await self.roles.run_due()

    def key(self) -> str:
        """Return a key that was not used."""
        self._keys += 1
        return f"test:{self._keys}"

    async def item(self, name: str = "Sword", **values: Any) -> ShopItem:
        """Put an item on offer."""
        plan = ItemPlan.model_validate({"name": name, "price": 10} | values)
        return await self.stock.add(self.guild_id, plan, ADMIN)

    async def earn(self, amount: int, *user_ids: int) -> None:
        """Give members money."""
        async with self.database.write() as session:
            for user_id in user_ids or (ANN,):
                entry = Entry(
                    guild_id=self.guild_id,
                    kind=TransactionKind.GIVE,
                    key=self.key(),
                    actor_id=ADMIN.user_id,
                    moves=(Move(Holder.MINT, Holder.user(user_id), amount),),
                )
                await post(session, entry, self.clock.now())

    async def buy(
        self,
        item: ShopItem,
        quantity: int = 1,
        *,
        user_id: int = ANN,
        role_ids: Collection[int] = (),
        **changes: Any,
    ) -> Sale:
        """Have a member buy something at the price that the item was seen with."""
        values: dict[str, Any] = {"price": item.price, "key": self.key()} | changes
        order = Order(
            customer=Customer(self.guild_id, user_id, role_ids),
            item_id=item.id,
            quantity=quantity,
            **values,
        )
        return await self.shop.buy(order)

    async def has(self, user_id: int = ANN) -> int:
        """Return how much money a member has."""
        async with self.database.read() as session:
            return await get_balance(session, self.guild_id, user_id)

    async def holds(self, user_id: int = ANN) -> dict[str, int]:
        """Return how many pieces of each item a member has."""
        async with self.database.read() as session:
            found = await list_holdings(session, self.guild_id, user_id, self.clock.now())
        return {one.item.name: one.quantity for one in found}

    async def undo(self) -> list[str]:
        """Undo the last transaction as staff do; return what is said to be gone."""
        async with self.database.read() as session:
            number = await session.scalar(select(func.max(Transaction.id)))
        assert number is not None
        order = Undoing(guild_id=self.guild_id, user_id=0, actor=ADMIN, key=self.key())
        undone = await self.treasury.undo(order, number)
        return [one.render("en") for one in undone.notes]

    async def again(self, item: ShopItem) -> ShopItem:
        """Return an item as it is now."""
        async with self.database.read() as session:
            found = await get_item(session, self.guild_id, item.id)
        assert found is not None
        return found


__all__ = ["ANN", "BOB", "DAY", "GUILD", "HIGH", "HOUR", "MUTED", "RED", "STAFF", "ShopWorld"]
