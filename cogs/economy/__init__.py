"""Economy: a currency of the server's own, whose books always balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature, RateClass
from bot.core.i18n import N_
from cogs.economy.problems import find_problems
from cogs.economy.settings import KEY, EconomySettings
from db.economy_books import count_accounts

if TYPE_CHECKING:
    from bot.client import Pegasus

FEATURE = Feature(
    key=KEY,
    title=N_("Economy"),
    description=N_("A currency of your own: daily gifts, work, payments, a shop, trades, games."),
    category=Category.FUN,
    settings=EconomySettings,
    default_enabled=True,
    rate_class=RateClass.ECONOMY,
    tables=("economy_accounts", "economy_transactions", "economy_earners"),
    check=find_problems,
    counters={"economy_users": count_accounts},
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.economy.cog import Economy
    from cogs.economy.member_commands import Money

    await bot.add_feature(FEATURE, Economy(bot), Money(bot))
