"""Which sites the links of a text lead to, as a browser reads their addresses."""

from __future__ import annotations

from typing import Any

import pytest

from cogs.automod.rules.links import Link, links_of
from cogs.automod.rules.values import DomainBook
from cogs.automod.rules.views import Views
from cogs.automod.rules.windows import Windows
from tests.cogs.automod.rules.corpora import message
from tests.cogs.automod.rules.judging import context, engine

DENY = engine({"when": {"type": "links", "mode": "deny", "domains": ["evil.com"]}})
ALLOW = engine({"when": {"type": "links", "domains": ["youtube.com"]}})
BLOCKED = engine({"when": {"type": "links", "domains": ["evil.com"], "blocked": True}})
BOOK = DomainBook(frozenset({"evil.com"}))


def hosts(text: str) -> set[str]:
    return {link.host for link in links_of(Views(text), bare=True)}


def is_hit(made: Any, text: str) -> bool:
    found = made.judge(message(text), context(blocked=BOOK), Windows())
    return found is not None and found.is_hit


EVIL = {
    "user": "https://youtube.com@evil.com",
    "user-and-password": "https://youtube.com:80@evil.com/x",
    "user-with-encoded-slash": "https://youtube.com%2F@evil.com",
    "user-with-encoded-question": "https://youtube.com%3F@evil.com",
    "user-with-encoded-hash": "https://youtube.com%23@evil.com",
    "user-with-encoded-backslash": "https://youtube.com%5C@evil.com",
    "user-with-twice-encoded-slash": "https://youtube.com%252F@evil.com",
    "user-with-wide-slash": "https://youtube.com\uff0f@evil.com",
    "user-with-wide-question": "https://youtube.com\uff1f@evil.com",
    "user-with-account-of": "https://youtube.com\u2100@evil.com",
    "user-with-quote": "https://youtube.com'x@evil.com",
    "user-with-double-quote": 'https://youtube.com"x@evil.com',
    "user-with-bracket": "https://youtube.com)x@evil.com",
    "user-with-square-bracket": "https://youtube.com]x@evil.com",
    "user-with-brace": "https://youtube.com}x@evil.com",
    "user-with-angle": "https://youtube.com>x@evil.com",
    "user-with-pipe": "https://youtube.com|x@evil.com",
    "user-with-at": "https://youtube.com@youtube.com@evil.com",
    "user-of-400-characters": f"https://youtube.com{'x' * 400}@evil.com",
    "user-in-a-masked-link": "[x](https://youtube.com%2F@evil.com)",
    "user-of-2500-characters-in-a-masked-link": f"[x](https://{'y' * 2500}@evil.com)",
    "site-that-closes": "https://evil.com)x@youtube.com",
    "encoded-letter": "https://ev%69l.com",
    "encoded-letter-in-a-masked-link": "[x](https://ev%69l.com)",
    "encoded-dot-in-a-masked-link": "[x](https://evil%2Ecom/x)",
    "wide-letter-in-a-masked-link": "[x](https://\uff45vil.com)",
    "invisible-in-a-masked-link": "[x](https://ev\u200bil.com)",
    "long-port": f"https://evil.com:{'0' * 400}443/x",
    "many-slashes": "https:///////evil.com",
    "backslashes": "https:\\\\evil.com",
    "underscore-before-the-dot": "https://x_.evil.com/y",
    "after-a-spoiler": "||https://youtube.com||https://evil.com/x",
    "after-an-angle": "https://youtube.com/<https://evil.com>",
}


@pytest.mark.parametrize("text", EVIL.values(), ids=EVIL.keys())
def test_site_is_found_whoever_stands_before_it(text: str) -> None:
    assert "evil.com" in {host.removeprefix("x_.") for host in hosts(text)}
    for made in (DENY, ALLOW, BLOCKED):
        assert is_hit(made, text)


@pytest.mark.parametrize(
    "text",
    [
        "https://youtube.com",
        "**https://youtube.com**",
        "__https://youtube.com__ _https://youtube.com_",
        "||https://youtube.com/watch||",
        "`https://youtube.com`",
        "~~https://youtube.com~~",
        "<https://youtube.com>",
        "(https://youtube.com)",
        "\u201chttps://youtube.com\u201d",
        "https://youtube.com\u2026",
        "[a](https://youtube.com), [b](https://youtube.com)",
        "[https://youtube.com](https://youtube.com/x)",
        "https://youtube.com/@someone and mail me@evil.com",
        "https://youtube.com?u=me@evil.com",
        "https://youtube.com#me@evil.com",
        "https://youtube.com:443/x",
        "https://www.youtube.com./watch?v=%2F@x",
        "https://me@youtube.com/watch",
        "https://youtube.com%2Fwatch",
        "https://\uff59outube.com",
        "\u200bhttps://you\u200btube.com",
        "https://youtube.com/redirect?to=https%3A%2F%2Fevil.com",
    ],
)
def test_site_that_is_allowed_stays_so_whatever_stands_around_it(text: str) -> None:
    assert hosts(text) - {"www.youtube.com"} == ({"youtube.com"} if "www" not in text else set())
    assert not is_hit(ALLOW, text)


@pytest.mark.parametrize(
    "text", ["https://[::1]/x", "https://[::ffff:10.0.0.1]:80", "http://1.2.3.4"]
)
def test_address_without_a_name_is_a_link(text: str) -> None:
    assert is_hit(ALLOW, text)


@pytest.mark.parametrize(
    ("filler", "evil"),
    [
        ("https://t.co ", "https://evil.com/x"),
        ("https://youtube.com ", "https://evil.com/x"),
        ("youtube.com ", "evil.com"),
        ("youtube[.]com ", "evil[.]com"),
        ("[x](https://youtube.com)", "[y](https://evil.com)"),
    ],
)
def test_link_is_found_behind_however_many(filler: str, evil: str) -> None:
    assert is_hit(DENY, filler * 120 + evil)
    assert is_hit(ALLOW, filler * 120 + evil)
    assert is_hit(BLOCKED, filler * 120 + evil)


@pytest.mark.parametrize(
    "link", ["https://evil.com", "[x](https://evil.com)", "https://youtube.com%2F@evil.com"]
)
def test_each_link_counts_once(link: str) -> None:
    rules = [{"type": "links", "mode": "deny", "domains": ["evil.com"], "limit": n} for n in (3, 4)]
    found = engine(*({"when": one} for one in rules)).judge(
        message(f"{link} {link} {link}"), context(), Windows()
    )

    assert found is not None
    assert found.rules == ("r0",)


@pytest.mark.parametrize(
    "listed",
    [
        "xn--bcher-kva.example",
        "XN--BCHER-KVA.example.",
        "b\u00fccher.example",
        "www.B\u00dcCHER.example",
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        "https://xn--bcher-kva.example/x",
        "https://b\u00fccher.example",
        "https://a.bu\u0308cher.example",
    ],
)
def test_listed_domain_is_found_in_either_spelling(listed: str, text: str) -> None:
    rule = {"type": "links", "mode": "deny", "domains": [listed]}

    assert is_hit(engine({"when": rule}), text)
    assert not is_hit(engine({"when": {**rule, "mode": "allow"}}), text)


def test_name_that_only_newer_idna_knows_is_found_in_either_spelling() -> None:
    assert hosts("https://xn--strae-oqa.example") == {"stra\u00dfe.example"}


@pytest.mark.parametrize("label", ["xn--", "xn--youtube-", "xn--outube-h268a", "xn--\u00e9"])
def test_name_that_is_not_encoded_as_it_should_be_stays_as_it_is(label: str) -> None:
    assert hosts(f"https://{label}.com") == {f"{label}.com"}
    assert is_hit(ALLOW, f"https://{label}.com")


def test_link_has_its_place() -> None:
    assert links_of(Views("so https://evil.com/x, no"), bare=True) == [
        Link("evil.com", 3, 22, bare=False, has_path=True)
    ]
