"""The shop's services as one value, as the commands are handed them; free of discord.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cogs.economy import shopping, trading
from cogs.economy.inventory import Inventories
from cogs.economy.shop_office import ShopOffice
from cogs.economy.shop_roles import ShopRoles
from cogs.economy.shopping import Shopping
from cogs.economy.stocking import Stockroom
from cogs.economy.trading import Trading

if TYPE_CHECKING:
    from bot.core.kernel import Kernel
    from cogs.economy.treasury import GiveBack


@dataclass(frozen=True, slots=True)
class Store:
    """What sells, keeps, swaps and takes back."""

    office: ShopOffice
    roles: ShopRoles
    shop: Shopping
    stock: Stockroom
    inventories: Inventories
    trades: Trading

    @classmethod
    def build(cls, kernel: Kernel) -> Store:
        """Return the services over a kernel."""
        return cls.over(ShopOffice.of(kernel))

    @classmethod
    def over(cls, office: ShopOffice) -> Store:
        """Return the services over what they work with."""
        roles = ShopRoles(office)
        return cls(
            office,
            roles,
            Shopping(office, roles),
            Stockroom(office),
            Inventories(office, roles),
            Trading(office),
        )

    def start(self) -> None:
        """Go on with what earlier runs have begun."""
        self.roles.start()
        self.trades.start()

    @property
    def returns(self) -> dict[str, GiveBack]:
        """Who takes back what a reference stands for, by what it begins with."""
        return {
            shopping.REFERENCE: self.shop.give_back,
            trading.REFERENCE: self.trades.give_back,
        }
