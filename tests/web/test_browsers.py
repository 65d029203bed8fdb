"""Browsers named by what they say of themselves."""

from __future__ import annotations

import pytest

from web.browsers import browser_of, clean_agent

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (CHROME, "Chrome on Linux"),
        (CHROME.replace("X11; Linux x86_64", "Windows NT 10.0") + " Edg/126.0", "Edge on Windows"),
        (CHROME.replace("X11; Linux x86_64", "X11; CrOS x86_64"), "Chrome on ChromeOS"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Firefox/127.0", "Firefox on Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Version/17.5 Safari/605", "Safari on macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5) CriOS/126 Safari/604", "Chrome on iOS"),
        ("Firefox/1", "Firefox"),
        ("curl/8.1", "Another program (curl/8.1)"),
        ("x" * 200, f"Another program ({'x' * 39}…)"),
        (None, "An unknown program"),
    ],
)
def test_browser_of_agent(agent: str | None, words: str) -> None:
    assert browser_of(agent).render("en") == words


def test_clean_agent_is_short_and_can_be_shown() -> None:
    assert clean_agent("\u202eevil\u200b \udcff\x00") == "evil"
    assert clean_agent("x" * 100_000) == "x" * 200
    assert clean_agent("\x07") is None
