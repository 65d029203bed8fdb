"""The shape of a bot token, and the things that are pasted in its place."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.tokens import find_token_fault

SIGNATURE = "abcdefghijklmnopqrstuvwxyz0123456789AB"


def token_of(account: int) -> str:
    first = base64.urlsafe_b64encode(str(account).encode()).decode().rstrip("=")
    return f"{first}.GaBcDe.{SIGNATURE}"


@given(account=st.integers(10**16, 10**20 - 1))
def test_token_of_any_account_has_the_right_shape(account: int) -> None:
    assert find_token_fault(token_of(account)) is None


GOOD = token_of(123456789012345678)


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "empty"),
        (f'"{GOOD}"', "quotation marks"),
        (f"'{GOOD}", "quotation marks"),
        (f"Bot {GOOD}", "word such as Bot"),
        (f"bearer {GOOD}", "word such as Bot"),
        (GOOD.replace(".", ". "), "space"),
        ("mfa." + "x" * 80, "user token"),
        ("123456789012345678", "application id"),
        ("0123456789abcdef" * 4, "public key"),
        ("aBcDeFgH-jKlMnOpQrStUvWxYz_12345", "client secret"),
        ("your-token-here", "three parts"),
        ("a.b", "three parts"),
        ("a..b", "three parts"),
        (f"{GOOD}.x", "three parts"),
        (GOOD[3:], "names no account"),
        (f"aGVsbG8.GaBcDe.{SIGNATURE}", "names no account"),
        (GOOD[:-20], "end is missing"),
    ],
)
def test_wrong_token_is_recognised(token: str, said: str) -> None:
    fault = find_token_fault(token)
    assert fault is not None
    assert said in str(fault)


@given(token=st.text())
def test_any_text_is_judged_without_repeating_it(token: str) -> None:
    fault = find_token_fault(token)
    assert fault is not None
    assert fault.values == {}
