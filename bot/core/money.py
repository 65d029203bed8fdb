"""Money in words: amounts with their symbol, in the reader's digits.

Shared by all features that speak of money; what moves it is `bot.core.ledger`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from babel.numbers import format_decimal

from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, babel_locale

if TYPE_CHECKING:
    from bot.core.settings import SettingsStore

# The key of the feature whose settings name a guild's currency.
ECONOMY = "economy"
CUSTOM_EMOJI = re.compile(r"<a?:(\w{2,32}):\d{15,20}>")


class NamesCurrency(Protocol):
    """Settings that name a currency."""

    @property
    def currency_name(self) -> str:
        """Its name, in the plural."""
        ...

    @property
    def currency_symbol(self) -> str:
        """An emoji or a short text."""
        ...


@dataclass(frozen=True, slots=True)
class Currency:
    """How a guild's money is written."""

    name: str
    symbol: str

    @classmethod
    def of(cls, settings: NamesCurrency) -> Currency:
        """Return a guild's currency, harmless in any text."""
        symbol = settings.currency_symbol.strip()
        if not CUSTOM_EMOJI.fullmatch(symbol):
            symbol = escape_markdown(symbol)
        return cls(escape_markdown(settings.currency_name), symbol)

    def amount(self, number: int) -> Amount:
        """Return an amount, to be written in the reader's language."""
        return Amount(self, number)


class Number(Message):
    """A number alone, put into digits once the locale is known."""

    def __init__(self, number: int) -> None:
        super().__init__("", {"number": number})

    def render(self, locale: str | None) -> str:
        """Return it as a reader of this language writes numbers."""
        return format_decimal(self.values["number"], locale=babel_locale(locale))


class Amount(Message):
    """An amount of a currency, such as "🪙 1,250", put into digits once the locale is known."""

    def __init__(self, currency: Currency, number: int) -> None:
        super().__init__("", {"symbol": currency.symbol, "number": number})

    def render(self, locale: str | None) -> str:
        """Return it as a reader of this language writes numbers."""
        digits = format_decimal(self.values["number"], locale=babel_locale(locale))
        return f"{self.values['symbol']} {digits}"


async def is_economy_on(settings: SettingsStore, guild_id: int) -> bool:
    """Tell whether a guild has its economy switched on."""
    return (await settings.get(guild_id, ECONOMY)).enabled


async def currency_of(settings: SettingsStore, guild_id: int) -> Currency:
    """Return a guild's currency, whether or not its economy is on."""
    return Currency.of((await settings.get(guild_id, ECONOMY)).settings)
