"""Texts that are spared a second look read the same in every reading, and the engine agrees."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cogs.automod.rules.engine import Engine
from cogs.automod.rules.scanning import TextScanner, WordPattern, scanner_of
from cogs.automod.rules.settled import is_inert, is_settled
from cogs.automod.rules.values import Context
from cogs.automod.rules.views import clean_text, folded_text, plain_text
from cogs.automod.rules.windows import Windows
from cogs.automod.settings import AutomodSettings
from tests.cogs.automod.rules.corpora import NOW, message

often = settings(max_examples=300, deadline=None)
_CHARS = st.characters(codec="utf-8", max_codepoint=0x1FFFF)
# What people write most, so that many of the texts are settled.
_USUAL = st.sampled_from("abc xyzIlñéàüßΣσςöÅабвгджий,.?¿…–「」おはよう日本한국🎉😂❤'\n02")
_TEXTS = st.lists(st.one_of(_USUAL, _USUAL, _CHARS), max_size=12).map("".join)


@often
@given(_TEXTS)
def test_nothing_hides_in_a_settled_text(text: str) -> None:
    assume(is_settled(text))
    assume(not any(char in text for char in "*~`\\|_%"))
    assert clean_text(text) == text


@often
@given(_TEXTS)
def test_an_inert_text_has_no_look_alikes(text: str) -> None:
    # A tall I after a small letter is a sign of its own.
    assume(is_inert(text) and "I" not in text)
    plain = plain_text(text)
    assert folded_text(text, plain) == plain


@pytest.mark.parametrize(
    ("text", "settled", "inert"),
    [
        ("jajaja 😂, ok", True, True),
        ("おはようございます", True, True),
        ("mañana, ¿vale?", True, True),
        ("qué tal", True, False),
        ("привет", True, False),
        ("e\u0301", False, False),
        ("a\u200bb", False, False),
        ("ﬁne", False, False),
        ("\ud83d", False, False),
        ("é\x07", False, False),
        ("5 😂", True, False),
    ],
)
def test_which_texts_are_settled(text: str, settled: bool, inert: bool) -> None:
    assert (is_settled(text), is_inert(text)) == (settled, inert)


_ENGINE = Engine.compile(
    AutomodSettings.read(
        {
            "rules": [
                {
                    "name": "words",
                    "when": {"type": "words", "words": ["abc", "bac", "cab", "lab", "nana", "oso"]},
                },
                {"name": "pattern", "when": {"type": "regex", "patterns": ["x+y", "^z"]}},
                {"name": "caps", "when": {"type": "caps", "min_letters": 5}},
            ]
        }
    )
)


@often
@given(st.lists(st.one_of(_USUAL, _CHARS, st.sampled_from("aábbcçxyzABCÀÉ")), max_size=10))
def test_the_quick_way_and_the_full_one_agree(chars: list[str]) -> None:
    facts = message("".join(chars))
    quick = _ENGINE.judge(facts, Context(NOW, 1), Windows())
    full = {trace.rule for trace in _ENGINE.explain(facts, Context(NOW, 1)) if trace.holds}
    assert set(quick.rules if quick else ()) == full


def test_the_same_lists_share_a_scanner_for_as_long_as_it_is_used() -> None:
    patterns = ["a+b", WordPattern("", "word", "")]
    kept = scanner_of(patterns)
    assert scanner_of(list(patterns)) is kept
    assert scanner_of(patterns[:1]) is not kept


def test_words_in_one_pattern_are_told_apart() -> None:
    words = [WordPattern("", f"w{number}x", "") for number in range(20)]
    scanner = TextScanner(["free", *words, "nitro"])
    assert sorted(scanner.scan(b"free w3x and w12x")) == [0, 4, 13]
    assert sorted(scanner.scan(b"free nitro")) == [0, 21]
    assert list(scanner.scan(b"nothing")) == []
