"""Emoji as text: read from what an admin typed, in Discord's writing for buttons and reactions.

Stored as the character itself, or as `name:id` or `a:name:id` for one of a server's own. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from bot.core.errors import InvalidInput
from bot.core.i18n import _

_CUSTOM = re.compile(r"<?(?P<animated>a?):?(?P<name>\w{2,32}):(?P<id>\d{15,20})>?")
_KEYCAP = "\u20e3"
_SELECTOR = "\ufe0f"
# A family of four with skin tones has eleven characters, the longest flag fourteen.
_MOST_CHARACTERS = 16
# Symbols, modifiers and marks, the joiners between them, and the letters of flags.
_CATEGORIES = frozenset({"So", "Sk", "Sm", "Mn", "Me", "Cf", "Po"})


def read_emoji(text: str) -> str | None:
    """Return the emoji in what was typed, `None` for nothing; raises `InvalidInput`."""
    typed = text.strip()
    if not typed:
        return None
    if custom := _CUSTOM.fullmatch(typed):
        return f"{'a:' if custom['animated'] else ''}{custom['name']}:{custom['id']}"
    if _is_emoji(typed):
        return typed
    raise InvalidInput(
        _("That is no emoji."),
        hint=_("Choose one from Discord's list, or paste one such as 🎨 or <:name:id>."),
    )


def _is_emoji(text: str) -> bool:
    if len(text) > _MOST_CHARACTERS:
        return False
    if text.endswith(_KEYCAP):
        return text[0] in "0123456789#*" and text[1:] in (_KEYCAP, _SELECTOR + _KEYCAP)
    categories = [unicodedata.category(one) for one in text]
    return (
        categories[0] in {"So", "Sm", "Po"}
        and not text.isascii()
        and (all(one in _CATEGORIES for one in categories))
    )


def show_emoji(emoji: str) -> str:
    """Return the emoji as a message shows it."""
    if ":" not in emoji:
        return emoji
    return f"<{emoji}>" if emoji.startswith("a:") else f"<:{emoji}>"


def emoji_of_component(emoji: str) -> dict[str, Any]:
    """Return the emoji as Discord's buttons and options take it."""
    if ":" not in emoji:
        return {"name": emoji}
    *animated, name, number = emoji.split(":")
    return {"name": name, "id": number, "animated": bool(animated)}


def reaction_of(emoji: str) -> str:
    """Return the emoji as Discord's reactions are named, `name:id` for a server's own."""
    return emoji.removeprefix("a:")


def reaction_in(payload: Mapping[str, Any]) -> str:
    """Return the emoji of a reaction's payload as `reaction_of` writes it."""
    number = payload.get("id")
    name = payload.get("name") or ""
    return f"{name}:{number}" if number else name


def plain(emoji: str) -> str:
    """Return an emoji so that two writings of one are equal.

    Discord may send a character with or without its variation selector.
    """
    number = emoji.rpartition(":")[2] if ":" in emoji else ""
    # The name of a server's emoji can be changed; its id says which it is.
    return f":{number}" if number else emoji.replace(_SELECTOR, "")
