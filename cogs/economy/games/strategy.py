"""The basic strategy of blackjack that is published with the odds: the best move for each hand.

The published return is that of whoever follows it; a test computes that no other move is better.
"""

from __future__ import annotations

from cogs.economy.games.blackjack import Move, Points

# The dealer's card that lies open, in the order of the chart; an ace is 1.
DEALER_CARDS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 1)
_SIGNS = {Move.HIT: "H", Move.STAND: "S", Move.DOUBLE: "D"}

# Against which open cards of the dealer a hand of two cards is doubled.
_DOUBLE_HARD = {9: range(3, 7), 10: range(2, 10), 11: range(2, 11)}
_DOUBLE_SOFT = {
    13: range(6, 7),
    14: range(5, 7),
    15: range(5, 7),
    16: range(4, 7),
    17: range(3, 7),
    18: range(3, 7),
}


def advise(hand: Points, dealer_card: int, *, may_double: bool) -> Move:
    """Return the best move for a hand against the dealer's open card."""
    doubled = (_DOUBLE_SOFT if hand.soft else _DOUBLE_HARD).get(hand.total, range(0))
    if may_double and dealer_card in doubled:
        return Move.DOUBLE
    stands = _soft_stands if hand.soft else _hard_stands
    return Move.STAND if stands(hand.total, dealer_card) else Move.HIT


def _hard_stands(total: int, dealer_card: int) -> bool:
    if total == 12:
        return dealer_card in range(4, 7)
    return total >= 17 or (total > 12 and dealer_card in range(2, 7))


def _soft_stands(total: int, dealer_card: int) -> bool:
    return total >= 19 or (total == 18 and dealer_card in range(2, 9))


def chart() -> str:
    """Return the strategy as lines of signs: H hit, S stand, D double or else hit or stand.

    Hands with an ace that counts 11 are marked with an A.
    """
    rows = [("", " ".join(f"{'A' if one == 1 else one:>2}" for one in DEALER_CARDS))]
    rows += [(f"{total}", " " + _row(Points(total))) for total in range(8, 18)]
    rows += [(f"A{total - 11:>2}", " " + _row(Points(total, soft=True))) for total in range(13, 20)]
    return "\n".join(f"{name:>3}  {signs}".rstrip() for name, signs in rows)


def _row(hand: Points) -> str:
    return "  ".join(_SIGNS[advise(hand, one, may_double=True)] for one in DEALER_CARDS)
