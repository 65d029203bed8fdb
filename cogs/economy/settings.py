"""What a guild can set for its economy; with nothing set, everything works."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.core.fields import channels, duration
from bot.core.i18n import N_
from bot.core.settings import FeatureSettings, setting

KEY = "economy"

# What somebody can earn, pay or stake at once; see `bot.core.ledger.MAX_AMOUNT`.
MAX_SET = 1_000_000_000

_CURRENCY = N_("Currency")
_DAILY = N_("Daily gift")
_WORK = N_("Work")
_PAY = N_("Payments")
_GAMES = N_("Games")

Amount = Annotated[int, Field(ge=0, le=MAX_SET)]
Wage = Annotated[int, Field(ge=1, le=MAX_SET)]
Cooldown = Annotated[timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=7))]
Places = Annotated[tuple[int, ...], channels()]


class EconomySettings(FeatureSettings):
    """The currency of a guild, and what its members can do with it."""

    currency_name: Annotated[str, Field(min_length=1, max_length=32)] = setting(
        "coins",
        N_("Name of the currency"),
        N_("In the plural, such as coins or points."),
        group=_CURRENCY,
    )
    currency_symbol: Annotated[str, Field(min_length=1, max_length=64)] = setting(
        "🪙",
        N_("Symbol of the currency"),
        N_("An emoji or a short text. It stands before amounts."),
        group=_CURRENCY,
    )
    daily_amount: Wage = setting(
        200,
        N_("Amount"),
        N_("What /daily gives, once per calendar day in the server's time zone."),
        group=_DAILY,
    )
    daily_bonus: Amount = setting(
        20,
        N_("Bonus per day in a row"),
        N_("Added for each further day on which somebody comes without a break."),
        group=_DAILY,
    )
    daily_bonus_days: Annotated[int, Field(ge=0, le=365)] = setting(
        10,
        N_("Most days with a bonus"),
        N_("After so many days the bonus grows no further."),
        group=_DAILY,
    )
    daily_grace_days: Annotated[int, Field(ge=0, le=7)] = setting(
        1,
        N_("Days of grace"),
        N_("How many days somebody may miss without beginning anew."),
        group=_DAILY,
    )
    work_minimum: Wage = setting(
        40, N_("Least wage"), N_("The least that /work earns."), group=_WORK
    )
    work_maximum: Wage = setting(
        120, N_("Highest wage"), N_("The most that /work earns."), group=_WORK
    )
    work_cooldown: Cooldown = setting(
        timedelta(hours=1),
        N_("Rest between shifts"),
        N_("How long members wait before they can work again."),
        group=_WORK,
    )
    pay_enabled: bool = setting(
        True, N_("Members can pay each other"), N_("Whether /pay works."), group=_PAY
    )
    pay_tax: Annotated[int, Field(ge=0, le=90)] = setting(
        0,
        N_("Tax in percent"),
        N_("This part of each payment leaves the economy. It is rounded up."),
        group=_PAY,
    )
    pay_confirm_above: Amount = setting(
        1000,
        N_("Ask above"),
        N_("Payments above this are asked about before they are made."),
        group=_PAY,
    )
    games_enabled: bool = setting(
        True,
        N_("Games"),
        N_("Whether /coinflip, /dice, /slots and /blackjack work. Games that have begun end."),
        group=_GAMES,
    )
    stake_minimum: Wage = setting(
        10, N_("Least stake"), N_("The least that can be staked."), group=_GAMES
    )
    stake_maximum: Wage = setting(
        5000, N_("Highest stake"), N_("The most that can be staked."), group=_GAMES
    )
    game_channel_ids: Places = setting(
        (),
        N_("Channels for games"),
        N_("Games can be played only here."),
        group=_GAMES,
        unset=N_("games can be played everywhere"),
    )
