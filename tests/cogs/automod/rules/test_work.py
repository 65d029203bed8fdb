"""What judging a hostile text takes, counted in calls: so many for each character, no more."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from cogs.automod.rules import cases
from cogs.automod.rules.folding import make_unsure
from cogs.automod.rules.windows import Windows
from tests.benchmarks.engine import HOSTILE
from tests.cogs.automod.rules.corpora import RULES, message
from tests.cogs.automod.rules.judging import context, engine

# An ordinary text takes less than one; ten rules that look at each link on its own take some.
MOST_PER_CHARACTER = 40
ALLOWING = [{"type": "links", "domains": [f"site{number}.com"]} for number in range(10)]
MADE = engine(*({"when": when} for when in (*RULES, *ALLOWING)))


def calls_of(work: Callable[[], object]) -> int:
    """Return how many functions are called, those written in C included."""
    count = 0

    def seen(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


def judge(text: str, **raw: Any) -> None:
    MADE.judge(message(text, **raw), context(), Windows())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_work_grows_with_the_text_and_not_with_what_is_found(text: str) -> None:
    judge(text)

    assert calls_of(lambda: judge(text)) <= MOST_PER_CHARACTER * len(text)


def test_every_link_counts_and_ten_are_shown() -> None:
    links = {"type": "links", "limit": 30}
    made = engine({"when": links}, {"when": {**links, "limit": 31}})
    found = made.judge(message("**x** " + "https://e.co " * 30), context(), Windows())

    assert found is not None
    assert found.rules == ("r0",)
    assert len(found.hits) == 10
    assert {hit.text for hit in found.hits} == {"https://e.co"}


def test_a_text_is_prepared_once_for_all_words_and_patterns_that_may_be_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prepared: list[str] = []

    def note(folded: str) -> str:
        prepared.append(folded)
        return make_unsure(folded)

    monkeypatch.setattr(cases, "make_unsure", note)
    listed = [f"{first}{second}xillo" for first in "abcdefgh" for second in "abcdefgh"]
    # Each is there and allowed, and so is looked for in every reading.
    allowed = [f"{word} fine" for word in listed]
    made = engine({"when": {"type": "words", "words": listed, "allowed": allowed}})

    assert made.judge(message(" and ".join(allowed)), context(), Windows()) is None
    assert 0 < len(prepared) == len(set(prepared)) <= 5
