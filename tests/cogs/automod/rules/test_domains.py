"""Lists of domains, and links to what is on them."""

from __future__ import annotations

from typing import Any

import pytest

from cogs.automod.rules import domains
from cogs.automod.rules.domains import SHORTENERS, TooManyDomains, read_domains
from cogs.automod.rules.links import host_of, suffixes
from cogs.automod.rules.values import DomainBook
from cogs.automod.rules.windows import Windows
from tests.cogs.automod.rules.corpora import message
from tests.cogs.automod.rules.judging import context, engine

DENY: dict[str, Any] = {"type": "links", "mode": "deny"}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("evil.example", {"evil.example"}),
        ("  WWW.Evil.Example  # seen in May", {"evil.example"}),
        ("0.0.0.0 evil.example tracker.example", {"evil.example", "tracker.example"}),
        ("127.0.0.1\tevil.example", {"evil.example"}),
        ("||evil.example^", {"evil.example"}),
        ("*.evil.example", {"evil.example"}),
        ("xn--bcher-kva.example", {"bücher.example"}),
        ("# a comment", set()),
        ("! of another kind", set()),
        ("[Adblock Plus 2.0]", set()),
        ("", set()),
    ],
)
def test_line_of_a_list(line: str, found: set[str]) -> None:
    assert read_domains([line]) == (found, 0)


@pytest.mark.parametrize("line", ["nonsense", "/a/path.html", "a" * 400 + ".example", "0.0.0.0"])
def test_line_that_is_not_understood_is_counted(line: str) -> None:
    found, skipped = read_domains([line, "evil.example"])

    assert found == {"evil.example"}
    assert skipped == (0 if line == "0.0.0.0" else 1)


def test_list_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "MOST_DOMAINS", 3)
    assert len(read_domains(["a.example"] * 9 + ["b.example"])[0]) == 2
    with pytest.raises(TooManyDomains):
        read_domains(f"{number}.example" for number in range(4))


def test_shorteners_are_domains_as_links_are_compared_with_them() -> None:
    for one in SHORTENERS:
        assert host_of(one) == one
        assert suffixes().privatesuffix(one) is not None, one


@pytest.mark.parametrize("text", ["https://bit.ly/x", "see tinyurl.com/x", "<http://T.LY/abc>"])
def test_shorteners_are_denied_where_wanted(text: str) -> None:
    assert engine({"when": {**DENY, "shorteners": True}}).judge(message(text), context(), Windows())
    assert not engine({"when": DENY}).judge(message(text), context(), Windows())


def test_shorteners_leave_other_links_alone() -> None:
    made = engine({"when": {**DENY, "shorteners": True, "domains": ["evil.example"]}})

    assert (
        made.judge(message("https://youtu.be/x and https://wait.ly"), context(), Windows()) is None
    )
    assert made.judge(message("https://evil.example"), context(), Windows()) is not None


def test_what_the_operator_blocks_is_found_as_the_book_changes() -> None:
    made, book = engine({"when": {**DENY, "blocked": True}}), DomainBook()
    where = context(blocked=book)
    assert made.judge(message("https://a.evil.example/x"), where, Windows()) is None
    book.domains = frozenset({"evil.example"})

    found = made.judge(message("https://a.evil.example/x"), where, Windows())
    assert found is not None
    assert [hit.detail for hit in found.hits] == ["a.evil.example"]
    assert made.judge(message("https://notevil.example/x"), where, Windows()) is None


def test_what_the_operator_blocks_no_guild_allows() -> None:
    allowing = {"type": "links", "domains": ["evil.example"]}
    where = context(blocked=DomainBook(frozenset({"evil.example"})))
    facts = message("https://evil.example")

    assert engine({"when": allowing}).judge(facts, where, Windows()) is None
    assert engine({"when": {**allowing, "blocked": True}}).judge(facts, where, Windows())
