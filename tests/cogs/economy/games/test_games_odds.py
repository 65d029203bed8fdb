"""The odds that are told are those that the rules have, to the last digit."""

from __future__ import annotations

import random
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from cogs.economy.games import Below, Game, blackjack, coinflip, dice, odds, slots
from cogs.economy.games.blackjack import BEST, Move, Points
from cogs.economy.games.strategy import DEALER_CARDS, advise, chart
from tests.cogs.economy.games import exact

GUIDE = Path(__file__).parents[4] / "docs" / "economy.md"
LOWEST, HIGHEST = Fraction(90, 100), Fraction(995, 1000)


def flip(below: Below) -> int:
    return coinflip.payout(coinflip.Side.TAILS, coinflip.toss(below), 1)


def duel(below: Below) -> int:
    return dice.duel_payout(dice.duel(below), 1)


def lucky(below: Below) -> int:
    return dice.lucky_payout(4, dice.three(below), 1)


def pull(below: Below) -> int:
    return slots.payout(slots.spin(below), 1)


PLAYS = {
    odds.COINFLIP.title: flip,
    odds.DUEL.title: duel,
    odds.LUCKY.title: lucky,
    odds.SLOTS.title: pull,
}
EXACT = [one for one in odds.TABLE if one.is_exact]


@pytest.mark.parametrize("told", EXACT, ids=lambda one: one.title)
def test_return_is_what_is_told(told: odds.Odds) -> None:
    assert exact.mean(PLAYS[told.title]) == told.returned


@pytest.mark.parametrize("told", EXACT, ids=lambda one: one.title)
def test_chances_are_what_is_told(told: odds.Odds) -> None:
    found: Counter[int] = Counter()
    for likely, paid in exact.every_play(PLAYS[told.title]):
        found[paid] += likely  # pyright: ignore[reportArgumentType] - an exact weight
    listed: Counter[int] = Counter()
    for one in told.chances:
        listed[int(one.pays)] += one.chance  # pyright: ignore[reportArgumentType]
    assert found == listed
    assert sum(one.chance for one in told.chances) == 1
    assert sum(one.chance * one.pays for one in told.chances) == told.returned


def test_each_lucky_number_and_side_is_as_likely() -> None:
    for number in range(1, 7):
        returned = exact.mean(lambda below, n=number: dice.lucky_payout(n, dice.three(below), 1))
        assert returned == odds.LUCKY.returned
    for side in (coinflip.Side.HEADS, coinflip.Side.TAILS):
        returned = exact.mean(lambda below, s=side: coinflip.payout(s, coinflip.toss(below), 1))
        assert returned == odds.COINFLIP.returned


def test_slots_chances_name_what_the_reels_show() -> None:
    symbols = {"💎": "gem", "⭐": "star", "🔔": "bell", "🍋": "lemon", "🍒": "cherry"}
    told = {one.text: one for one in odds.SLOTS.chances}
    for sign, symbol in symbols.items():
        one = slots.Symbol(symbol)
        likely = Fraction(slots.PLACES[one], len(slots.REEL)) ** 3
        assert told[3 * sign].chance == likely
        assert told[3 * sign].pays == slots.THREE_PAY[one]


def test_blackjack_return_is_what_is_told() -> None:
    returned = exact.blackjack_return(2)

    assert odds.BLACKJACK.returned <= returned < odds.BLACKJACK.returned + Fraction(1, 10_000)


def test_blackjack_chances_are_what_is_told() -> None:
    natural, dealers = (one.chance for one in odds.BLACKJACK.chances)
    has = 2 * exact.CARDS[1] * exact.CARDS[10]
    assert natural == dealers == has * (1 - has)
    assert odds.BLACKJACK.chances[0].pays == blackjack.BLACKJACK_PAYS


def test_blackjack_pays_no_stake_more_than_told() -> None:
    even = exact.blackjack_return(2)

    for stake in range(1, 12):
        returned = exact.blackjack_return(stake)
        assert returned <= even
        assert (returned == even) == (stake % 2 == 0)
    assert exact.blackjack_return(1) >= LOWEST


def test_giving_back_each_hand_that_is_left_would_win_money() -> None:
    # Why a stake goes back once a day only; the guide tells it.
    assert round(exact.blackjack_return(2, exact.left), 2) == Fraction(118, 100)
    assert "would bring 118 %" in GUIDE.read_text()


def test_guide_tells_the_published_returns() -> None:
    guide = GUIDE.read_text()
    for one in odds.TABLE:
        hundredths = int(one.returned * 10_000)
        assert f"| {hundredths / 100:g} % |" in guide, one.title


@pytest.mark.parametrize("told", odds.TABLE, ids=lambda one: one.title)
def test_every_return_is_fair_and_leaves_the_house_something(told: odds.Odds) -> None:
    assert LOWEST <= told.returned <= HIGHEST


def test_every_game_has_odds() -> None:
    assert {one.game for one in odds.TABLE} == set(Game)
    for game in Game:
        assert odds.odds_of(game)


@pytest.mark.parametrize("dealer_card", DEALER_CARDS)
def test_strategy_is_never_worse_than_another_move(dealer_card: int) -> None:
    hard = [Points(total) for total in range(4, BEST)]
    soft = [Points(total, soft=True) for total in range(12, BEST)]
    for first in (True, False):
        for hand in (*hard, *soft):
            move = advise(hand, dealer_card, may_double=first)
            advised = exact.worth_of(move, hand, dealer_card, first=first)
            assert advised == exact.best(hand, dealer_card, first=first), (hand, move)


def test_chart_shows_the_strategy() -> None:
    lines = chart().splitlines()
    assert lines[0].split() == ["2", "3", "4", "5", "6", "7", "8", "9", "10", "A"]
    signs = {Move.HIT: "H", Move.STAND: "S", Move.DOUBLE: "D"}
    for total, line in zip(range(8, 18), lines[1:11], strict=True):
        hand = Points(total)
        moves = [signs[advise(hand, one, may_double=True)] for one in DEALER_CARDS]
        assert line.split() == [str(total), *moves]
    for total, line in zip(range(13, 20), lines[11:], strict=True):
        hand = Points(total, soft=True)
        moves = [signs[advise(hand, one, may_double=True)] for one in DEALER_CARDS]
        assert line.split() == ["A", str(total - 11), *moves]


def test_blackjack_played_through_comes_near_what_is_told() -> None:
    # The exact return is that of the rules' parts; this plays whole deals.
    chance = random.Random(4)
    rounds = 20_000
    gained = sum(_play_by_chart(chance.randrange) for _round in range(rounds))

    # A deal spreads by 1.15 stakes: five times the error of so many.
    assert abs(1 + gained / rounds - float(odds.BLACKJACK.returned)) < 5 * 1.15 / rounds**0.5


def _play_by_chart(below: Below) -> float:
    dealt = blackjack.deal(below)
    while not dealt.over:
        hand = blackjack.points(dealt.player)
        shown = blackjack.card_points(dealt.dealer[0])
        move = advise(hand, shown, may_double=Move.DOUBLE in blackjack.moves(dealt))
        dealt = blackjack.play(dealt, move, below)
    return blackjack.payout(dealt, 2) / 2 - dealt.stakes
