"""Emoji as text: read from what an admin typed, in Discord's writing for buttons and reactions.

Stored as the character itself, or as `name:id` or `a:name:id` for one of a server's own. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.core.emoji import is_emoji
from bot.core.errors import InvalidInput
from bot.core.i18n import _

_CUSTOM = re.compile(r"<?(?P<animated>a?):?(?P<name>\w{2,32}):(?P<id>\d{15,20})>?")
_SELECTOR = "\ufe0f"


def read_emoji(text: str) -> str | None:
    """Return the emoji in what was typed, `None` for nothing; raises `InvalidInput`."""
    typed = text.strip()
    if not typed:
        return None
    if custom := _CUSTOM.fullmatch(typed):
        return f"{'a:' if custom['animated'] else ''}{custom['name']}:{custom['id']}"
    if is_emoji(typed):
        return typed
    raise InvalidInput(
        _("That is no emoji."),
        hint=_("Choose one from Discord's list, or paste one such as 🎨 or <:name:id>."),
    )


def own_id_of(emoji: str) -> int | None:
    """Return the id of a server's own emoji, `None` for one of Unicode."""
    return int(emoji.rpartition(":")[2]) if ":" in emoji else None


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
