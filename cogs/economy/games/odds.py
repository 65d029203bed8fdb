"""The odds that are told to players, in one table; a test computes each of them from the rules."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from bot.core.i18n import N_
from cogs.economy.games import Game


@dataclass(frozen=True, slots=True)
class Chance:
    """Something that can happen, how likely it is and what it pays in all, in stakes."""

    text: str
    chance: Fraction
    pays: Fraction


@dataclass(frozen=True, slots=True)
class Odds:
    """What is told of a game or of one of its bets.

    `returned` is what comes back of a stake on average, rounded down to a hundredth of a percent
    where `is_exact` is false. `rules` says what the chances don't.
    """

    game: Game
    title: str
    chances: tuple[Chance, ...]
    returned: Fraction
    rules: str = ""
    is_exact: bool = True


COINFLIP = Odds(
    Game.COINFLIP,
    N_("Coin flip"),
    (
        Chance(N_("The coin shows what you called"), Fraction(49, 100), Fraction(2)),
        Chance(N_("It shows the other side"), Fraction(49, 100), Fraction(0)),
        Chance(N_("It lands on its edge"), Fraction(2, 100), Fraction(0)),
    ),
    Fraction(98, 100),
)

DUEL = Odds(
    Game.DICE,
    N_("Dice: against the house"),
    (
        Chance(N_("Your two dice show more"), Fraction(575, 1296), Fraction(2)),
        Chance(N_("Both show the same, but not seven"), Fraction(110, 1296), Fraction(1)),
        Chance(N_("Both show seven"), Fraction(36, 1296), Fraction(0)),
        Chance(N_("The house's dice show more"), Fraction(575, 1296), Fraction(0)),
    ),
    Fraction(35, 36),
)

LUCKY = Odds(
    Game.DICE,
    N_("Dice: a lucky number"),
    (
        Chance(N_("All three dice show your number"), Fraction(1, 216), Fraction(11)),
        Chance(N_("Two of them do"), Fraction(15, 216), Fraction(3)),
        Chance(N_("One of them does"), Fraction(75, 216), Fraction(2)),
        Chance(N_("None does"), Fraction(125, 216), Fraction(0)),
    ),
    Fraction(206, 216),
)

SLOTS = Odds(
    Game.SLOTS,
    N_("Slots"),
    (
        Chance("💎💎💎", Fraction(8, 8000), Fraction(100)),
        Chance("⭐⭐⭐", Fraction(27, 8000), Fraction(30)),
        Chance("🔔🔔🔔", Fraction(64, 8000), Fraction(15)),
        Chance("🍋🍋🍋", Fraction(125, 8000), Fraction(8)),
        Chance("🍒🍒🍒", Fraction(216, 8000), Fraction(5)),
        Chance(N_("🍒🍒 in any two places"), Fraction(1512, 8000), Fraction(2)),
        Chance(N_("Anything else"), Fraction(6048, 8000), Fraction(0)),
    ),
    Fraction(3837, 4000),
)

BLACKJACK = Odds(
    Game.BLACKJACK,
    N_("Blackjack"),
    (
        Chance(
            N_("You have a blackjack and the dealer has none"),
            Fraction(8 * 161, 169 * 169),
            Fraction(5, 2),
        ),
        Chance(
            N_("The dealer has a blackjack and you have none"),
            Fraction(8 * 161, 169 * 169),
            Fraction(0),
        ),
    ),
    Fraction(9891, 10000),
    rules=N_(
        "A blackjack pays 2.5 times the stake, rounded down; any other win pays twice what is on "
        "the table, and a draw gives it back. Each card is drawn from a full pack. The dealer "
        "stands on every 17. You can double on your first two cards. The return is that of who "
        "plays by the chart below."
    ),
    is_exact=False,
)

TABLE = (COINFLIP, DUEL, LUCKY, SLOTS, BLACKJACK)


def odds_of(game: Game) -> tuple[Odds, ...]:
    """Return what is told of a game, one entry for each of its bets."""
    return tuple(one for one in TABLE if one.game is game)
