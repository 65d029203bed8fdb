"""Economy: a currency of the server's own, whose books always balance."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.features import Category, Feature, RateClass
from bot.core.i18n import N_
from cogs.economy.gaming import purge as purge_games
from cogs.economy.problems import find_problems
from cogs.economy.settings import KEY, EconomySettings
from cogs.economy.shop_resource import RESOURCE
from db.economy_books import count_accounts
from db.economy_inventory import delete_stale_goods
from db.economy_trades import delete_old_trades

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.client import Pegasus

# How long it stays on record what was used, given away or swapped.
_KEPT = timedelta(days=90)


async def _purge(session: AsyncSession, now: datetime) -> None:
    await delete_stale_goods(session, now, before=now - _KEPT)
    await delete_old_trades(session, before=now - _KEPT)
    await purge_games(session, now)


FEATURE = Feature(
    key=KEY,
    title=N_("Economy"),
    description=N_("A currency of your own: daily gifts, work, payments, a shop, trades, games."),
    category=Category.FUN,
    settings=EconomySettings,
    default_enabled=True,
    rate_class=RateClass.ECONOMY,
    tables=(
        "economy_accounts",
        "economy_transactions",
        "economy_earners",
        "economy_games",
        "economy_items",
        "economy_lots",
        "economy_bought",
        "economy_purchases",
        "economy_item_uses",
        "economy_trades",
        "economy_roles",
    ),
    check=find_problems,
    purge=_purge,
    resources=(RESOURCE,),
    counters={"economy_users": count_accounts},
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.economy.cog import Economy
    from cogs.economy.game_commands import Games
    from cogs.economy.member_commands import Money
    from cogs.economy.shop_commands import Shop

    economy = Economy(bot)
    games = Games(bot, economy.treasury, economy.auditing)
    shop = Shop(bot, economy.treasury, economy.auditing)
    await bot.add_feature(FEATURE, economy, Money(bot), games, shop)
