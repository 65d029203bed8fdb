"""Money in words: amounts with their symbol, in the reader's digits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from babel.numbers import format_decimal

from bot.core.errors import InvalidInput
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _, babel_locale
from bot.core.ledger import InsufficientFunds
from cogs.economy.settings import EconomySettings

_CUSTOM_EMOJI = re.compile(r"<a?:(\w{2,32}):\d{15,20}>")


@dataclass(frozen=True, slots=True)
class Currency:
    """How a guild's money is written."""

    name: str
    symbol: str

    @classmethod
    def of(cls, settings: EconomySettings) -> Currency:
        """Return a guild's currency, harmless in any text."""
        symbol = settings.currency_symbol.strip()
        if not _CUSTOM_EMOJI.fullmatch(symbol):
            symbol = escape_markdown(symbol)
        return cls(escape_markdown(settings.currency_name), symbol)

    def amount(self, number: int) -> Amount:
        """Return an amount, to be written in the reader's language."""
        return Amount(self, number)


class Amount(Message):
    """An amount of a currency, such as "🪙 1,250", put into digits once the locale is known."""

    def __init__(self, currency: Currency, number: int) -> None:
        super().__init__("", {"symbol": currency.symbol, "number": number})

    def render(self, locale: str | None) -> str:
        """Return it as a reader of this language writes numbers."""
        digits = format_decimal(self.values["number"], locale=babel_locale(locale))
        return f"{self.values['symbol']} {digits}"


def plain(text: Message, locale: str | None) -> str:
    """Return a text for a button or an option, where Discord shows no markdown.

    An emoji of a server's is written by its name.
    """
    return _CUSTOM_EMOJI.sub(r":\1:", text.render(locale)).replace("\\", "")


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
