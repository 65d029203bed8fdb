"""What the economy says of money; how an amount is written is `bot.core.money`'s."""

from __future__ import annotations

from bot.core.errors import InvalidInput
from bot.core.i18n import Message, _
from bot.core.ledger import InsufficientFunds
from bot.core.money import CUSTOM_EMOJI, Amount, Currency

__all__ = ["Amount", "Currency", "plain", "signed", "too_little"]


def plain(text: Message, locale: str | None) -> str:
    """Return a text for a button or an option, where Discord shows no markdown.

    An emoji of a server's is written by its name.
    """
    return CUSTOM_EMOJI.sub(r":\1:", text.render(locale)).replace("\\", "")


def too_little(currency: Currency, error: InsufficientFunds) -> InvalidInput:
    """Return what somebody reads who can't afford something."""
    return InvalidInput(
        _(
            "You have {balance}; {needed} are needed.",
            balance=currency.amount(error.balance),
            needed=currency.amount(error.needed),
        ),
        hint=_("/daily and /work earn some."),
    )


def signed(currency: Currency, number: int) -> Message:
    """Return an amount with its sign."""
    sign = "\N{MINUS SIGN}" if number < 0 else "+"
    return Message("{sign}{amount}", {"sign": sign, "amount": currency.amount(abs(number))})
