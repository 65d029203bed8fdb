"""Settings as text: what is shown, what is edited, and that editing nothing changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.fields import describe_fields
from bot.core.fields.text import (
    edit_text,
    escape_markdown,
    quote,
    read_text,
    shorten_marked,
    show_diff,
    show_value,
    spoiler,
)
from cogs.welcome.settings import WelcomeSettings

FIELDS = {field.name: field for field in describe_fields(WelcomeSettings)}
CHANGED: dict[str, Any] = {
    "join_channel_id": "50",
    "join_texts": ["Hi {member}", "Ho\n\nho"],
    "raid_size": 12,
    "raid_window": 90,
    "colour": "#123456",
    "order": "in_turn",
    "join_enabled": False,
    "delete_after": 3600,
}


@pytest.mark.parametrize("locale", ["en-US", "es-ES"])
@pytest.mark.parametrize("name", FIELDS)
def test_text_to_edit_is_read_back_as_the_same_value(name: str, locale: str) -> None:
    field = FIELDS[name]
    for value in (field.default, CHANGED.get(name, field.default)):
        typed = read_text(field, edit_text(field, value), locale)
        assert WelcomeSettings.read({name: typed}).to_json()[name] == value


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("join_channel_id", "50", "<#50>"),
        ("join_channel_id", None, "sin definir: el canal de los mensajes del sistema de Discord"),
        ("raid_window", 90, "1 minuto y 30 segundos"),
        ("join_enabled", True, "sí"),
        ("join_texts", ["a", "b"], "2 textos: `a`"),
        ("colour", "#123456", "#123456"),
    ],
)
def test_value_is_shown_in_the_readers_language(name: str, value: Any, shown: str) -> None:
    assert show_value(FIELDS[name], value, "es-ES") == shown


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("join_enabled", "Sí", True),
        ("join_enabled", "off", False),
        ("raid_size", "1 0", "10"),
        ("join_channel_id", "ninguno", None),
        ("dm_text", "none", "none"),
        ("dm_text", "", None),
        ("join_texts", "", []),
        ("order", "in_turn", "in_turn"),
    ],
)
def test_typed_words_are_understood(name: str, typed: str, value: Any) -> None:
    assert read_text(FIELDS[name], typed, "es-ES") == value


def test_hostile_text_is_shown_as_text() -> None:
    assert quote("`a` @everyone\n# b") == "`'a' @everyone # b`"
    assert escape_markdown("[x](y) <@1> **b**") == r"\[x\]\(y\) \<\@1\> \*\*b\*\*"


def test_diff_shows_as_many_lines_as_fit() -> None:
    diff = {name: (field.default, CHANGED.get(name)) for name, field in FIELDS.items()}
    text = show_diff(tuple(FIELDS.values()), diff, "en", limit=300)
    assert len(text) <= 300
    assert text.endswith("…")
    assert show_diff(tuple(FIELDS.values()), {"gone": (1, 2)}, "en") == "**`gone`**: `1` → `2`"


def test_spoiler_can_not_be_ended_from_within() -> None:
    assert spoiler("a||b") == "||`a|\u200b|b`||"


@pytest.mark.parametrize("limit", range(8, 40))
def test_marked_text_is_cut_with_its_marks_closed(limit: int) -> None:
    text = "the words ||`abc`||, ||`def`|| and more of them"
    cut = shorten_marked(text, limit)

    assert len(cut) <= max(limit, 8)
    assert cut.count("||") % 2 == 0
    assert cut.count("`") % 2 == 0
    assert shorten_marked(text, len(text)) == text
