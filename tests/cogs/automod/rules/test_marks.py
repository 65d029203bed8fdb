"""By what texts are told to be the same, or nearly so."""

from __future__ import annotations

import pytest

from cogs.automod.rules.marks import is_near, mark_of
from cogs.automod.rules.windows import Windows
from tests.cogs.automod.rules.corpora import load, message
from tests.cogs.automod.rules.judging import context, engine

AD = "Buy cheap coins at my shop before Friday and get ten percent on top"


def same(one: str, other: str) -> bool:
    return mark_of(one, 3, similar=True) == mark_of(other, 3, similar=True)


def near(one: str, other: str, tolerance: int = 10) -> bool:
    first, second = (mark_of(text, 3, similar=True, tolerance=tolerance) for text in (one, other))
    return is_near(first, second, tolerance)


@pytest.mark.parametrize(
    "other",
    [
        "BUY MY COINS",
        "buy, my coins!",
        "b u y m y c o i n s",
        "buy my coins 8841",
        "buuuuy my coiiins",
        "buyyy my coinsssss!!!",
    ],
)
def test_text_is_the_same_under_small_changes(other: str) -> None:
    assert same("Buy my coins", other)


@pytest.mark.parametrize(
    "other",
    [
        "Buy my c\u043eins 100",
        "\uff22uy my coins 100",
        "Buy my co%69ns 100",
        "B\u200buy my coins 100",
        "B\u00fcy my co\u0131ns 100",
        "𝐁𝐮𝐲 𝐦𝐲 𝐜𝐨𝐢𝐧𝐬 100",
    ],
)
def test_text_is_the_same_in_disguise(other: str) -> None:
    assert same("Buy my coins 100", other)


@pytest.mark.parametrize("kind", ["duplicates", "campaign"])
def test_disguise_hides_no_repetition(kind: str) -> None:
    limit = {"limit": 3} if kind == "duplicates" else {"members": 3}
    made, windows = engine({"when": {"type": kind, **limit}}), Windows()
    texts = [AD, AD.replace("a", "\u0430"), AD.replace("i", "%69")]
    authors = [7, 8, 9] if kind == "campaign" else [9, 9, 9]
    found = [
        made.judge(message(text, number, author=author), context(), windows)
        for number, (text, author) in enumerate(zip(texts, authors, strict=True), 1)
    ]

    assert [one is not None for one in found] == [False, False, True]


def test_runs_of_letters_fold_in_every_script() -> None:
    assert same("привет всем тут", "приииивет всем тууут")
    assert same("hello all", "heeelllo alll")
    assert not same("hello all", "hallo all")


def test_texts_of_signs_are_compared_as_they_stand() -> None:
    assert same("12345 !!!", " 12345 !!! ")
    assert not same("12345 !!!", "12345 ???")
    assert not same("1234567", "7654321")


@pytest.mark.parametrize(
    "other",
    [
        AD.replace("coins", "coinz"),
        AD.replace("cheap ", ""),
        AD + " xkq",
        "hey " + AD,
        AD.replace("Friday", "Fryday").replace("ten", "tin"),
        AD.upper().replace(" ", "  "),
    ],
)
def test_nearly_the_same_text_is_near(other: str) -> None:
    assert near(AD, other)
    assert not near(AD, other, 0) or same(AD, other)


@pytest.mark.parametrize(
    "other",
    [
        "Sell cheap boots at the shop after Monday and get two percent off",
        AD[: len(AD) // 2],
        "",
        "Buy coins",
    ],
)
def test_other_text_is_not_near(other: str) -> None:
    assert not near(AD, other)


def test_honest_texts_are_not_near_each_other() -> None:
    texts = {one.text for one in load("innocent") if one.source == "content"}
    marks = {mark_of(text, 5, similar=True, tolerance=10): text for text in texts}
    listed = list(marks)

    close = [
        (marks[one], marks[other])
        for index, one in enumerate(listed)
        for other in listed[:index]
        if is_near(one, other, 10)
    ]
    # Some have most of their words in common: with an unlucky key of the hash, one pair falls
    # together out of some twenty thousand.
    assert len(close) <= 2, close


def test_long_texts_are_compared_by_what_stands_for_them() -> None:
    long = " ".join(f"{AD} {word}" for word in ("river", "mountain", "harbour", "valley", "lake"))

    assert near(long, long.replace("harbour", "harbor") + " q")
    assert not near(long, " ".join(one.text for one in load("innocent")[:40])[: len(long)])
    assert mark_of("ab cd ef " * 2000, 3, similar=True, tolerance=10).bit_length() <= 513


def test_near_duplicates_are_counted_in_the_quick_way_and_the_full_one() -> None:
    rule = {"when": {"type": "duplicates", "limit": 3, "tolerance": 10}}
    texts = [AD, AD.replace("coins", "coinz"), "is anybody here tonight?", "hey " + AD]
    # A second rule that needs the case has every message judged in full.
    full = {"when": {"all": [{"type": "channels", "channels": ["1"]}, {"type": "rate"}]}}
    for made in (engine(rule), engine(rule, full)):
        windows = Windows()
        found = [made.judge(message(text, n), context(), windows) for n, text in enumerate(texts)]

        assert found[:3] == [None, None, None]
        assert found[3] is not None
        assert found[3].message_ids == (0, 1, 3)


def test_edit_into_something_else_is_no_near_duplicate() -> None:
    made = engine({"when": {"type": "duplicates", "limit": 2, "tolerance": 10}})
    windows = Windows()
    assert made.judge(message(AD, 1), context(), windows) is None
    assert made.judge(message("is anybody here tonight?", 2), context(), windows) is None
