"""Payments between members; free of discord.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.core.errors import Denied, InvalidInput
from bot.core.i18n import _
from bot.core.ledger import Entry, Holder, Move, TransactionKind, post
from cogs.economy.rules import tax_on
from cogs.economy.settings import EconomySettings

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from db.engine import Database


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that was made: what it cost, what arrived, and what the payer has left."""

    number: int
    amount: int
    tax: int
    balance: int

    @property
    def received(self) -> int:
        """What the payee got."""
        return self.amount - self.tax


@dataclass(frozen=True, slots=True)
class Payee:
    """Who is to be paid."""

    user_id: int
    is_bot: bool
    is_member: bool


def ensure_payable(settings: EconomySettings, payer_id: int, payee: Payee) -> None:
    """Raise in words where somebody can't be paid, or nobody can."""
    if not settings.pay_enabled:
        raise Denied(
            _("Payments are switched off in this server."),
            hint=_("An admin can switch them on with /economy settings."),
        )
    if payee.user_id == payer_id:
        raise InvalidInput(_("You can't pay yourself."), hint=_("Choose another member."))
    if payee.is_bot:
        raise InvalidInput(_("Bots have no use for money."), hint=_("Choose a person."))
    if not payee.is_member:
        raise InvalidInput(_("They are not in this server."), hint=_("Choose a member."))


class Paying:
    """Moves money from one member to another, once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def pay(
        self,
        guild_id: int,
        payer_id: int,
        payee: Payee,
        amount: int,
        settings: EconomySettings,
        *,
        key: str,
    ) -> Payment:
        """Make a payment; raises `InsufficientFunds` and what `ensure_payable` does."""
        ensure_payable(settings, payer_id, payee)
        tax = tax_on(amount, settings.pay_tax)
        if tax >= amount:
            raise InvalidInput(
                _("Nothing of it would arrive: the tax is {tax}.", tax=tax),
                hint=_("Pay more at once."),
            )
        entry = Entry(
            guild_id=guild_id,
            kind=TransactionKind.PAY,
            key=key,
            actor_id=payer_id,
            moves=_moves(payer_id, payee.user_id, amount, tax=tax),
        )
        async with self._database.write() as session:
            posted = await post(session, entry, self._clock.now())
        return Payment(posted.transaction_id, amount, tax, posted.balance(payer_id))


def _moves(payer_id: int, payee_id: int, amount: int, *, tax: int) -> tuple[Move, ...]:
    payer = Holder.user(payer_id)
    moves = (Move(payer, Holder.user(payee_id), amount - tax),)
    return (*moves, Move(payer, Holder.SINK, tax)) if tax else moves
