"""Emoji as admins type them and as Discord takes them."""

from __future__ import annotations

import pytest

from bot.core.errors import InvalidInput
from cogs.rolemenus.emoji import (
    emoji_of_component,
    plain,
    reaction_in,
    reaction_of,
    read_emoji,
    show_emoji,
)

ID = "123456789012345678"


@pytest.mark.parametrize(
    "typed", ["🎨", "❤️", "🏳️‍🌈", "🇪🇸", "1️⃣", "#️⃣", "👍🏽", "👨‍👩‍👧‍👦", "▶️", "‼️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]
)
def test_characters_are_taken_as_they_are(typed: str) -> None:
    assert read_emoji(f" {typed} ") == typed
    assert show_emoji(typed) == typed
    assert emoji_of_component(typed) == {"name": typed}


def test_own_emoji_are_written_as_each_place_wants_them() -> None:
    still, moving = read_emoji(f"<:wave:{ID}>"), read_emoji(f"<a:wave:{ID}>")

    assert (still, moving) == (f"wave:{ID}", f"a:wave:{ID}")
    assert still is not None
    assert moving is not None
    assert show_emoji(moving) == f"<a:wave:{ID}>"
    assert show_emoji(still) == f"<:wave:{ID}>"
    assert emoji_of_component(moving) == {"name": "wave", "id": ID, "animated": True}
    assert reaction_of(moving) == f"wave:{ID}"
    # Its name may have changed since.
    assert plain(reaction_in({"name": "hello", "id": ID})) == plain(reaction_of(moving))


def test_writings_of_one_character_are_equal() -> None:
    assert plain(reaction_in({"name": "❤", "id": None})) == plain("❤️")


@pytest.mark.parametrize(
    "typed",
    ["a", "red", "1", "!!", "+", ":wave:", "🎨" * 20, "🎨🎨", "🎨a", "¿que?", "→", "✓", "∞", "•"],
)
def test_what_is_no_emoji_is_refused(typed: str) -> None:
    with pytest.raises(InvalidInput, match="no emoji"):
        read_emoji(typed)


def test_nothing_is_none() -> None:
    assert read_emoji("  ") is None
