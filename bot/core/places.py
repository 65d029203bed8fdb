"""Channels named inside a message: one or many, joined in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from babel.lists import format_list

from bot.core.i18n import DEFAULT_LOCALE, Message, babel_locale, ngettext

# A guild has up to 500 channels; a message that names them all helps nobody.
MOST_NAMED = 10


class ChannelList(Message):
    """One or more channels inside a message, each as `#name`."""

    def __init__(self, channels: Iterable[str]) -> None:
        super().__init__("", {"channels": tuple(channels)})

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels' names."""
        return self.values["channels"]

    def render(self, locale: str | None) -> str:
        """Return a list such as "#general, #clips and #help"; past ten, how many more."""
        shown = [f"#{name}" for name in self.channels[:MOST_NAMED]]
        if hidden := len(self.channels) - len(shown):
            more = ngettext("{count} more channel", "{count} more channels", hidden)
            shown.append(more.render(locale))
        return format_list(shown, locale=babel_locale(locale or DEFAULT_LOCALE))
