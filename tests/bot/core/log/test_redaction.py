"""No secret leaves in a text: known ones in any spelling, unknown ones by their shape."""

from __future__ import annotations

import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.log.redaction import MASK, Redactor

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.abcdefghijklmnopqrstuvwxyz0123456789AB"
HOOK_KEY = "aBcDeFgHiJkLmNoPqRsTuVwXyZ-0123456789_aBcDeFgHiJ"
HOOK = f"https://discord.com/api/webhooks/123456789012345678/{HOOK_KEY}"
API_KEY = "bot_a1b2c3d4_" + "x" * 43

LEAKS = [
    (TOKEN, TOKEN),
    (f"Login with {TOKEN}.", TOKEN),
    (f"{{'token': '{TOKEN}'}}", TOKEN),
    (HOOK, HOOK_KEY),
    (HOOK.replace("discord.com/api", "127.0.0.1:4000/api/v10"), HOOK_KEY),
    (f"POST /api/v10/interactions/123456789012345678/{HOOK_KEY}/callback", HOOK_KEY),
    ("Authorization: Bot short", "short"),
    ("authorization=Bearer abc.def", "abc.def"),
    ('{"Authorization": "Basic dXNlcjpwYXNz"}', "dXNlcjpwYXNz"),
    ('{\\"authorization\\": \\"Bearer abc\\"}', "Bearer abc"),
    ("headers are Bearer " + "z" * 30, "z" * 30),
    ("postgresql://pegasus:hunter2@db/pegasus", "hunter2"),
    ("postgresql://pegasus:q8/hunter2@db/pegasus", "hunter2"),
    ("postgresql://pegasus:q8@hunter2@db/pegasus", "hunter2"),
    ("postgresql://pegasus@corp:hunter2@db/pegasus", "hunter2"),
    ("https://x.org/cb?access_token=hunter2&x=1", "hunter2"),
    ("https://x.org/cb?x=1&code=hunter2", "hunter2"),
    ("{'client_secret': 'hunter2', 'x': 1}", "hunter2"),
    ('{"refresh_token":"hunter2"}', "hunter2"),
    (f"key {API_KEY} used", "x" * 43),
]


@pytest.mark.parametrize(("text", "secret"), LEAKS)
def test_shape_of_a_secret_is_redacted(text: str, secret: str) -> None:
    redacted = Redactor()(text)
    assert secret not in redacted
    assert MASK in redacted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "An ordinary sentence. With a URL: https://example.org/a?b=c",
        "The bot is ready in 3.2 s; code=4004",
        "guild 123456789012345678 channel 234567890123456789",
        "GET /api/v10/webhooks/123456789012345678 200",
        "2026-06-01T12:00:00.000000Z sqlite:///data/pegasus.db",
        "discord.py 2.7.1, aiohttp 3.14.5",
        "http://[::1]:8080/health",
        "GET http://localhost:4000/api/v10/users/@me 200",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Redactor(["a-secret-of-its-own"])(text) == text


def test_redacted_text_keeps_what_is_no_secret() -> None:
    text = Redactor()(f"POST {HOOK} 429, user postgresql://pegasus:pw@db/x")
    assert text == (
        f"POST https://discord.com/api/webhooks/123456789012345678/{MASK} 429, "
        f"user postgresql://pegasus:{MASK}@db/x"
    )


secrets = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=12, max_size=60)
around = st.text(max_size=20)


@given(secret=secrets, before=around, after=around)
def test_known_secret_is_gone_wherever_it_stands(secret: str, before: str, after: str) -> None:
    redact = Redactor([secret])
    for spelling in (secret, quote(secret, safe=""), repr(secret)[1:-1], json.dumps(secret)[1:-1]):
        redacted = redact(f"{before}{spelling}{after}")
        assert spelling not in redacted.replace(MASK, "")


@given(secret=st.text("abcdefghij", min_size=4, max_size=8))
def test_short_secret_is_gone_where_it_stands_alone(secret: str) -> None:
    redact = Redactor([secret])
    assert redact(f"password {secret}!") == f"password {MASK}!"
    assert redact(f"x{secret}x") == f"x{secret}x"


def test_secret_inside_another_leaves_no_rest() -> None:
    redact = Redactor(["secret-number-one", "secret-number-one-and-more"])
    assert redact("secret-number-one-and-more") == MASK


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(value=plain)
def test_clean_gives_json_and_keeps_harmless_values(value: object) -> None:
    cleaned = Redactor(["a-secret-of-its-own"]).clean(value)
    json.dumps(cleaned)


@given(value=plain, secret=st.sampled_from(["1234", "true", "null", "hunter2-hunter2"]))
def test_clean_leaves_valid_json_whatever_the_secret(value: object, secret: str) -> None:
    cleaned = Redactor([secret]).clean({"value": value, "text": f"a {secret} b", "number": 1234})
    assert json.loads(json.dumps(cleaned))["text"] == f"a {MASK} b"
    assert cleaned["number"] == 1234


def test_clean_hides_values_by_their_name() -> None:
    cleaned = Redactor().clean(
        {"Authorization": "x", "access_token": 5, "password": None, "tokens": 3, "cookie": ["a"]}
    )
    assert cleaned == {
        "Authorization": MASK,
        "access_token": MASK,
        "password": None,
        "tokens": 3,
        "cookie": MASK,
    }


def test_clean_ends_on_endless_structures() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert "…" in str(Redactor().clean(endless))


def test_redaction_of_long_hostile_text_is_quick() -> None:
    started = time.perf_counter()
    for hostile in (
        "://" + "a" * 100_000,
        "://a:" * 20_000,
        "authorization" * 8000,
        "&token=" * 15_000,
        "M" * 100_000,
    ):
        Redactor(["a-secret-of-its-own"])(hostile)
    assert time.perf_counter() - started < 5
