"""Roles named inside a message, joined in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from babel.lists import format_list

from bot.core.i18n import DEFAULT_LOCALE, Message, babel_locale

# More would fill the answer.
MOST_NAMED = 15


class RoleList(Message):
    """One or more roles inside a message, as mentions; joined by "or" with `either`."""

    def __init__(self, role_ids: Iterable[int], *, either: bool = False) -> None:
        super().__init__("", {"roles": tuple(role_ids), "either": either})

    def render(self, locale: str | None) -> str:
        """Return a list such as "@Red, @Blue and @Green"; past fifteen it ends in dots."""
        roles = self.values["roles"]
        shown = [f"<@&{one}>" for one in roles[:MOST_NAMED]]
        if len(roles) > MOST_NAMED:
            shown.append("…")
        style = "or" if self.values["either"] else "standard"
        return format_list(shown, style=style, locale=babel_locale(locale or DEFAULT_LOCALE))
