"""Amounts as people write them: "250", "1,000", "1.5k", "half", "all", "25%". Pure."""

from __future__ import annotations

import re
from decimal import Decimal

from bot.core.errors import InvalidInput
from bot.core.fields.text import quote
from bot.core.i18n import Message, _
from bot.core.ledger import MAX_AMOUNT
from bot.core.money import Number

LONGEST_TEXT = 30

_ALL = frozenset({"all", "everything", "max", "todo", "todos"})
_HALF = frozenset({"half", "mitad", "la mitad"})
# Groups of three digits, by the marks of either language; "1.50" is a fraction, "1.500" is not.
_GROUPED = re.compile(r"\d{1,3}(?:[., '_]\d{3})+")
_PLAIN = re.compile(r"\d+")
_FRACTION = re.compile(r"\d+[.,]\d+")
_SHORT = re.compile(r"(\d+(?:[.,]\d{1,3})?)\s*(k|m|mil|b)")
_PERCENT = re.compile(r"(\d{1,3})\s*%")
_UNITS = {"k": 10**3, "mil": 10**3, "m": 10**6, "b": 10**9}
_WHOLE = 100


def parse_amount(text: str, *, available: int | None = None) -> int:
    """Return the amount that a text says, from 1 to `MAX_AMOUNT`.

    `available` is what "all", "half" and percentages are of; None where they mean nothing. Raises
    `InvalidInput` in words for everything else.
    """
    wanted = text.strip().casefold()
    if wanted.startswith(("-", "\N{MINUS SIGN}", "\N{EN DASH}")):
        raise _refused(_("An amount can't be negative."))
    part = _part_of(wanted, available)
    amount = part if part is not None else _number(wanted, text)
    if amount == 0:
        if part is not None:
            raise _refused(
                _("That comes to nothing: you have {balance}.", balance=Number(available or 0))
            )
        raise _refused(_("An amount has to be at least 1."))
    if amount > MAX_AMOUNT:
        raise _refused(
            _("That is more than can be moved at once: {maximum}.", maximum=Number(MAX_AMOUNT))
        )
    return amount


def _part_of(wanted: str, available: int | None) -> int | None:
    """Return an amount that is given as a part of what there is."""
    percent = _PERCENT.fullmatch(wanted)
    if wanted not in _ALL and wanted not in _HALF and percent is None:
        return None
    if available is None:
        raise _refused(_("Say how much it is in figures."))
    if percent is None:
        return available if wanted in _ALL else available // 2
    if int(percent[1]) > _WHOLE:
        raise _refused(_("There is no more than 100 %."))
    return available * int(percent[1]) // _WHOLE


def _number(wanted: str, text: str) -> int:
    if _PLAIN.fullmatch(wanted):
        # Longer ones are above any maximum, and reading them takes ever longer.
        return int(wanted[:LONGEST_TEXT])
    if _GROUPED.fullmatch(wanted):
        return int(re.sub(r"\D", "", wanted)[:LONGEST_TEXT])
    if short := _SHORT.fullmatch(wanted):
        amount = Decimal(short[1].replace(",", ".")) * _UNITS[short[2]]
        if amount == int(amount):
            return int(amount)
    if _FRACTION.fullmatch(wanted) or _SHORT.fullmatch(wanted):
        raise _refused(_("There are only whole amounts, no fractions."))
    raise _refused(_("{text} is no amount.", text=quote(text, LONGEST_TEXT)))


def _refused(message: Message) -> InvalidInput:
    return InvalidInput(message, hint=_("Write a whole number, such as 250 or 1,000 or 5k."))
