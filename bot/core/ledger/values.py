"""What is written into the economy's books: who holds money, what moves it, why it may not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from bot.core.errors import Conflict, InvalidInput
from bot.core.i18n import N_, _
from bot.core.money import Number
from db.base import NOBODY
from db.economy import MAX_BALANCE, AccountKind

MAX_AMOUNT = 10**12


class TransactionKind(StrEnum):
    """What a transaction was for."""

    DAILY = "daily"
    WORK = "work"
    PAY = "pay"
    GIVE = "give"
    TAKE = "take"
    SET = "set"
    BUY = "buy"
    OFFER = "offer"
    TRADE = "trade"
    REFUND = "refund"
    STAKE = "stake"
    GAME = "game"
    PRIZE = "prize"
    LAPSE = "lapse"
    UNDO = "undo"

    @property
    def label(self) -> str:
        """The kind for people, marked for translation."""
        return _LABELS[self]


_LABELS = {
    TransactionKind.DAILY: N_("Daily gift"),
    TransactionKind.WORK: N_("Work"),
    TransactionKind.PAY: N_("Payment"),
    TransactionKind.GIVE: N_("Given by staff"),
    TransactionKind.TAKE: N_("Taken by staff"),
    TransactionKind.SET: N_("Set by staff"),
    TransactionKind.BUY: N_("Purchase"),
    TransactionKind.OFFER: N_("Set aside for a trade"),
    TransactionKind.TRADE: N_("Trade"),
    TransactionKind.REFUND: N_("Given back"),
    TransactionKind.STAKE: N_("Stake"),
    TransactionKind.GAME: N_("Game"),
    TransactionKind.PRIZE: N_("Prize"),
    TransactionKind.LAPSE: N_("Left behind"),
    TransactionKind.UNDO: N_("Undone"),
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds an account: a member, or the guild as one of its own four."""

    kind: AccountKind
    user_id: int = NOBODY

    MINT: ClassVar[Holder]
    SINK: ClassVar[Holder]
    ESCROW: ClassVar[Holder]
    HOUSE: ClassVar[Holder]

    @classmethod
    def user(cls, user_id: int) -> Holder:
        """Return a member as holder."""
        return cls(AccountKind.USER, user_id)


Holder.MINT = Holder(AccountKind.MINT)
Holder.SINK = Holder(AccountKind.SINK)
Holder.ESCROW = Holder(AccountKind.ESCROW)
Holder.HOUSE = Holder(AccountKind.HOUSE)


@dataclass(frozen=True, slots=True)
class Move:
    """An amount, at least 1, that goes from one holder to another."""

    source: Holder
    target: Holder
    amount: int

    def __post_init__(self) -> None:
        if not 1 <= self.amount <= MAX_BALANCE:
            raise ValueError(f"an amount of {self.amount} can't be moved")
        if self.source == self.target:
            raise ValueError("nobody moves money to themselves")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be written into the books; `key` is used once per guild, whoever tries again."""

    guild_id: int
    kind: TransactionKind
    key: str
    actor_id: int | None
    moves: tuple[Move, ...]
    reason: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What was written: the transaction's number, and what each member has now."""

    transaction_id: int
    balances: Mapping[Holder, int] = field(default_factory=dict)

    def balance(self, user_id: int) -> int:
        """Return what a member of the transaction has now."""
        return self.balances[Holder.user(user_id)]


class InsufficientFunds(InvalidInput):
    """A holder has less than is to be taken."""

    def __init__(self, holder: Holder, balance: int, needed: int) -> None:
        super().__init__(
            _(
                "That is more than there is: {balance} of {needed}.",
                balance=Number(balance),
                needed=Number(needed),
            )
        )
        self.holder, self.balance, self.needed = holder, balance, needed


class TooMuch(InvalidInput):
    """A holder would have more than an account can keep."""

    def __init__(self, holder: Holder) -> None:
        super().__init__(
            _("An account can't hold more than {maximum}.", maximum=Number(MAX_BALANCE)),
            hint=_("Choose a smaller amount."),
        )
        self.holder = holder


class AlreadyPosted(Conflict):
    """The key was used before: what it stands for has happened."""

    def __init__(self, transaction_id: int) -> None:
        super().__init__(
            _("This was done already, as transaction {number}.", number=transaction_id)
        )
        self.transaction_id = transaction_id
