"""Amounts as people write them, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import InvalidInput
from bot.core.ledger import MAX_AMOUNT
from cogs.economy.amounts import parse_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1", 1),
        (" 250 ", 250),
        ("007", 7),
        ("1,000", 1000),
        ("1.000", 1000),
        ("1 000 000", 1_000_000),
        ("1_000", 1000),
        ("5k", 5000),
        ("1.5K", 1500),
        ("1,25k", 1250),
        ("2 m", 2_000_000),
        ("2mil", 2000),
        ("all", 301),
        ("Todo", 301),
        ("half", 150),
        ("mitad", 150),
        ("25%", 75),
        ("100 %", 301),
        ("1000000000000", MAX_AMOUNT),
    ],
)
def test_amount_is_understood(text: str, amount: int) -> None:
    assert parse_amount(text, available=301) == amount


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-5", "negative"),
        ("\N{MINUS SIGN}5", "negative"),
        ("0", "at least 1"),
        ("000", "at least 1"),
        ("1.5", "fractions"),
        ("0,5", "fractions"),
        ("1.0005k", "no amount"),
        ("9223372036854775808", "more than can be moved"),
        ("9" * 4000, "more than can be moved"),
        ("1000000000001", "more than can be moved"),
        ("9999b", "more than can be moved"),
        ("101%", "100 %"),
        ("0%", "comes to nothing"),
        ("a lot", "no amount"),
        ("1e5", "no amount"),
        ("0x10", "no amount"),
        ("", "no amount"),
        ("1,00", "fractions"),
        ("`1`", "no amount"),
    ],
)
def test_what_is_no_amount_is_answered_in_words(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_amount(text, available=300)


def test_parts_mean_nothing_where_nothing_is_spent() -> None:
    with pytest.raises(InvalidInput, match="in figures"):
        parse_amount("all")


def test_all_of_nothing_is_nothing() -> None:
    with pytest.raises(InvalidInput, match="comes to nothing"):
        parse_amount("all", available=0)


@given(st.text(max_size=30), st.none() | st.integers(0, 2**53))
def test_any_text_is_an_amount_or_refused(text: str, available: int | None) -> None:
    try:
        amount = parse_amount(text, available=available)
    except InvalidInput:
        return
    assert 1 <= amount <= MAX_AMOUNT


def test_maximum_is_written_in_the_reader_s_digits() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_amount(str(2**63))
    assert "1,000,000,000,000" in caught.value.message.render("en")
    assert "1.000.000.000.000" in caught.value.message.render("es")
