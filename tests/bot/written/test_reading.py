"""What is read of the words after a command: pure."""

from __future__ import annotations

import re

import pytest

from bot.core.errors import InvalidInput
from bot.written.reading import Shape, Usage, read_words

PERSON = re.compile(r"<@\d+>|\d+")
MEMBER = Shape("member", frozenset({"member", "miembro"}), True, is_text=False, fits=PERSON)
LENGTH = Shape("duration", frozenset({"duration"}), True, is_text=True)
REASON = Shape("reason", frozenset({"reason"}), False, is_text=True)
PLACE = Shape("channel", frozenset({"channel"}), False, is_text=False, fits=re.compile(r"<#\d+>"))
DELETE = Shape("delete", frozenset({"delete"}), False, is_text=False)
TIMEOUT = Usage("!timeout", [MEMBER, LENGTH, REASON], ["member", "duration", "reason"])
BAN = Usage("!ban", [MEMBER, REASON, DELETE], ["member", "reason"])
LOCK = Usage("!lock", [PLACE, REASON], ["channel", "reason"])


@pytest.mark.parametrize(
    ("usage", "text", "found"),
    [
        (TIMEOUT, "<@1> 10m be  kind", {"member": "<@1>", "duration": "10m", "reason": "be  kind"}),
        (TIMEOUT, "<@1> 10m", {"member": "<@1>", "duration": "10m"}),
        (TIMEOUT, '<@1> "2 days" spam', {"member": "<@1>", "duration": "2 days", "reason": "spam"}),
        (TIMEOUT, 'duration:"2" <@1>', {"member": "<@1>", "duration": "2"}),
        (TIMEOUT, "miembro:<@1> 2h", {"member": "<@1>", "duration": "2h"}),
        (
            BAN,
            "<@1> delete:1 see delete:2",
            {"member": "<@1>", "delete": "1", "reason": "see delete:2"},
        ),
        (BAN, "<@1> https://a.example", {"member": "<@1>", "reason": "https://a.example"}),
        (BAN, '<@1> "all of it"', {"member": "<@1>", "reason": "all of it"}),
        (BAN, '<@1> "this" and that', {"member": "<@1>", "reason": '"this" and that'}),
        (LOCK, "raid", {"reason": "raid"}),
        (LOCK, "<#5> raid", {"channel": "<#5>", "reason": "raid"}),
        (LOCK, "", {}),
    ],
)
def test_words_go_to_their_options(usage: Usage, text: str, found: dict[str, str]) -> None:
    assert read_words(text, usage) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "member"),
        ("<@1>", "duration"),
        ("reason:x reason:y <@1> 2h", "twice"),
        ("<@1> member:<@2> 2h", "twice"),
    ],
)
def test_what_is_missing_or_too_much_is_told_with_the_usage(text: str, said: str) -> None:
    usage = Usage("!timeout", TIMEOUT.shapes, ["member", "duration"])
    with pytest.raises(InvalidInput) as caught:
        read_words(text, usage)
    told = caught.value.render("en")
    assert said in told
    assert "!timeout <member> <duration> [reason:…]" in told


def test_word_without_an_option_is_told() -> None:
    with pytest.raises(InvalidInput, match="don't know"):
        read_words("<@1> now", Usage("!rank", [MEMBER], ["member"]))
