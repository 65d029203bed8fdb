"""Roles and people named inside a message, joined in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from babel.lists import format_list

from bot.core.i18n import DEFAULT_LOCALE, Message, babel_locale

# As many as a giveaway has winners, or a requirement roles.
MOST_NAMED = 50


class Mentions(Message):
    """One or more mentions inside a message; joined by "or" with `either`."""

    def __init__(self, mentions: Iterable[str], *, either: bool = False) -> None:
        super().__init__("", {"mentions": tuple(mentions), "either": either})

    def render(self, locale: str | None) -> str:
        """Return a list such as "@Red, @Blue and @Green"; past fifty it ends in dots."""
        mentions = self.values["mentions"]
        shown = [*mentions[:MOST_NAMED], *(["…"] if len(mentions) > MOST_NAMED else [])]
        style = "or" if self.values["either"] else "standard"
        return format_list(shown, style=style, locale=babel_locale(locale or DEFAULT_LOCALE))


def roles(role_ids: Iterable[int], *, either: bool = False) -> Mentions:
    """Return roles as mentions."""
    return Mentions((f"<@&{one}>" for one in role_ids), either=either)


def people(user_ids: Iterable[int]) -> Mentions:
    """Return people as mentions."""
    return Mentions(f"<@{one}>" for one in user_ids)
