"""The economy's books: double entry, for every feature that gives, takes or moves money.

Free of discord.py, and without a service: each function works in the caller's transaction, so that
what is bought, won or given is stored with its payment or not at all.
"""

from __future__ import annotations

from bot.core.ledger.posting import hold, post
from bot.core.ledger.undoing import let_lapse, undo
from bot.core.ledger.values import (
    MAX_AMOUNT,
    AlreadyPosted,
    Entry,
    Holder,
    InsufficientFunds,
    Move,
    Posted,
    TooMuch,
    TransactionKind,
)

__all__ = [
    "MAX_AMOUNT",
    "AlreadyPosted",
    "Entry",
    "Holder",
    "InsufficientFunds",
    "Move",
    "Posted",
    "TooMuch",
    "TransactionKind",
    "hold",
    "let_lapse",
    "post",
    "undo",
]
