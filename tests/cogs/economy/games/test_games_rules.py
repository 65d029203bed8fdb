"""The games' rules: hands valued rightly, payouts never negative, illegal moves refused."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.economy.games import Below, blackjack, coinflip, dice, slots
from cogs.economy.games.blackjack import BEST, Deal, IllegalMove, Move, Result

STAKES = st.integers(1, 10**12)
CHANCE = st.randoms(use_true_random=False)
CARDS = st.lists(st.integers(0, 51), min_size=1, max_size=12)


def cards(text: str) -> tuple[int, ...]:
    """Return cards by their ranks: A, 2 to 9, T, J, Q, K."""
    return tuple("A23456789TJQK".index(one) for one in text)


def drawing(text: str) -> Below:
    """Return a chance that deals these cards, in this order."""
    left = list(cards(text))
    return lambda _bound: left.pop(0)


@given(CHANCE, STAKES)
def test_instant_games_pay_whole_stakes(chance: random.Random, stake: int) -> None:
    below = chance.randrange
    for called in (coinflip.Side.HEADS, coinflip.Side.TAILS):
        assert coinflip.payout(called, coinflip.toss(below), stake) in (0, 2 * stake)
    assert dice.duel_payout(dice.duel(below), stake) in (0, stake, 2 * stake)
    for number in range(1, 7):
        paid = dice.lucky_payout(number, dice.three(below), stake)
        assert paid in {pays * stake for pays in dice.LUCKY_PAYS}
    assert slots.payout(slots.spin(below), stake) % stake == 0


@given(CHANCE)
def test_dice_and_reels_show_what_there_is(chance: random.Random) -> None:
    thrown = dice.duel(chance.randrange)
    assert all(1 <= one <= 6 for one in (*thrown.player, *thrown.house))
    assert thrown.is_draw == (sum(thrown.player) == sum(thrown.house))
    assert set(slots.spin(chance.randrange)) <= set(slots.Symbol)


def test_what_cannot_be_bet_on_is_refused() -> None:
    with pytest.raises(ValueError):
        coinflip.payout(coinflip.Side.EDGE, coinflip.Side.EDGE, 1)
    for number in (0, 7, -1):
        with pytest.raises(ValueError):
            dice.lucky_payout(number, (1, 2, 3), 1)


# --- blackjack ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hand", "total", "soft"),
    [
        ("A", 11, True),
        ("AA", 12, True),
        ("AK", 21, True),
        ("A6", 17, True),
        ("A6T", 17, False),
        ("A65", 12, False),
        ("AAA8", 21, True),
        ("AAAA8", 12, False),
        ("TQ", 20, False),
        ("KQJ", 30, False),
        ("5A5", 21, True),
        ("9A2", 12, False),
    ],
)
def test_hands_are_valued(hand: str, total: int, soft: bool) -> None:
    worth = blackjack.points(cards(hand))
    assert (worth.total, worth.soft) == (total, soft)


@given(CARDS)
def test_hand_is_worth_the_most_that_is_not_too_much(hand: list[int]) -> None:
    low = sum(blackjack.card_points(one) for one in hand)
    aces = sum(blackjack.card_points(one) == 1 for one in hand)
    fitting = [low + 10 * high for high in range(aces + 1) if low + 10 * high <= BEST]
    worth = blackjack.points(hand)
    assert worth.total == max(fitting, default=low)
    assert worth.soft == (worth.total != low)


@given(CARDS, st.randoms(use_true_random=False))
def test_order_of_cards_is_no_matter(hand: list[int], chance: random.Random) -> None:
    shuffled = list(hand)
    chance.shuffle(shuffled)
    assert blackjack.points(hand) == blackjack.points(shuffled)


# The first two cards are the player's, the next two the dealer's, the rest as they are drawn.
@pytest.mark.parametrize(
    ("drawn", "moves", "ended", "pays"),
    [
        ("AK95", [], Result.BLACKJACK, 25),
        ("AKAQ", [], Result.PUSH, 10),
        ("T9KA", [], Result.LOSS, 0),
        ("T9TA", [], Result.LOSS, 0),
        ("T9T8", ["stand"], Result.WIN, 20),
        ("T8T8", ["stand"], Result.PUSH, 10),
        ("T7T8", ["stand"], Result.LOSS, 0),
        ("T6T8T", ["hit"], Result.BUST, 0),
        ("56T87", ["hit", "stand"], Result.PUSH, 10),
        ("56T8T", ["hit"], Result.WIN, 20),
        ("56T89", ["double"], Result.WIN, 40),
        ("56T87", ["double"], Result.PUSH, 20),
        ("56T82", ["double"], Result.LOSS, 0),
        ("T6T8T", ["double"], Result.BUST, 0),
        ("T6T6T", ["stand"], Result.WIN, 20),
        ("T8A6", ["stand"], Result.WIN, 20),
        ("77T87", ["hit"], Result.WIN, 20),
    ],
)
def test_deals_end(drawn: str, moves: Sequence[str], ended: Result, pays: int) -> None:
    below = drawing(drawn)
    dealt = blackjack.deal(below)
    for move in moves:
        dealt = blackjack.play(dealt, Move(move), below)
    assert blackjack.result(dealt) is ended
    assert blackjack.payout(dealt, 10) == pays


def test_blackjack_on_an_odd_stake_is_rounded_down() -> None:
    dealt = blackjack.deal(drawing("AK95"))
    assert [blackjack.payout(dealt, stake) for stake in (1, 2, 3, 10**12 - 1)] == [
        2,
        5,
        7,
        5 * (10**12 - 1) // 2,
    ]


def _play_on(dealt: Deal, chance: random.Random) -> Deal:
    while not dealt.over:
        dealt = blackjack.play(dealt, chance.choice(blackjack.moves(dealt)), chance.randrange)
    return dealt


@given(CHANCE, STAKES)
def test_deals_pay_nothing_negative_and_end(chance: random.Random, stake: int) -> None:
    dealt = _play_on(blackjack.deal(chance.randrange), chance)
    paid = blackjack.payout(dealt, stake)
    assert 0 <= paid <= 4 * stake
    assert (paid > 0) == (blackjack.result(dealt) not in (Result.LOSS, Result.BUST))
    assert blackjack.moves(dealt) == ()
    if blackjack.result(dealt) in (Result.WIN, Result.PUSH) and len(dealt.dealer) > 2:
        assert blackjack.points(dealt.dealer).total >= blackjack.DEALER_STANDS


@given(CHANCE)
def test_deal_survives_being_stored(chance: random.Random) -> None:
    dealt = blackjack.deal(chance.randrange)
    while True:
        assert Deal.from_json(json.loads(json.dumps(dealt.as_json()))) == dealt
        if dealt.over:
            return
        dealt = blackjack.play(dealt, chance.choice(blackjack.moves(dealt)), chance.randrange)


@given(CHANCE)
def test_illegal_moves_are_refused(chance: random.Random) -> None:
    dealt = blackjack.deal(chance.randrange)
    if not dealt.over:
        with pytest.raises(ValueError):
            blackjack.result(dealt)
        dealt = blackjack.play(dealt, Move.HIT, chance.randrange)
        with pytest.raises(IllegalMove):
            blackjack.play(dealt, Move.DOUBLE, chance.randrange)
    dealt = _play_on(dealt, chance)
    for move in Move:
        with pytest.raises(IllegalMove):
            blackjack.play(dealt, move, chance.randrange)


def _spoil(**changed: object) -> Callable[[], Deal]:
    stored = Deal((0, 1), (2, 3)).as_json() | changed
    return lambda: Deal.from_json(stored)


@pytest.mark.parametrize(
    "read",
    [
        _spoil(player=[1]),
        _spoil(dealer=[]),
        _spoil(player=[1, 52]),
        _spoil(dealer=[-1, 4]),
        _spoil(player=["A", 4]),
    ],
)
def test_what_is_no_deal_is_refused(read: Callable[[], Deal]) -> None:
    with pytest.raises(ValueError):
        read()
