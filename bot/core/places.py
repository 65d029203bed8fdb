"""Channels named inside a message: one or many, joined in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable

from babel.lists import format_list

from bot.core.contracts import ChannelSummary
from bot.core.i18n import DEFAULT_LOCALE, Message, babel_locale, ngettext

# A guild has up to 500 channels; a message that names them all helps nobody.
MOST_NAMED = 10


# How a channel of another kind than those written in is shown, as near to the client as text is.
_SIGNS = {"voice": "🔊 ", "stage": "🎙️ ", "category": "📁 "}


def label_of(channel: ChannelSummary) -> str:
    """Return a channel's name with the sign of its kind, as `ChannelList` takes it."""
    return f"{_SIGNS.get(channel.kind, '#')}{channel.name}"


class ChannelList(Message):
    """One or more channels inside a message, each with its sign; one without gets a `#`."""

    def __init__(self, channels: Iterable[str]) -> None:
        super().__init__("", {"channels": tuple(channels)})

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels' labels."""
        return self.values["channels"]

    def render(self, locale: str | None) -> str:
        """Return a list such as "#general, #clips and #help"; past ten, how many more."""
        signs = ("#", *_SIGNS.values())
        shown = [
            name if name.startswith(signs) else f"#{name}" for name in self.channels[:MOST_NAMED]
        ]
        if hidden := len(self.channels) - len(shown):
            more = ngettext("{count} more channel", "{count} more channels", hidden)
            shown.append(more.render(locale))
        return format_list(shown, locale=babel_locale(locale or DEFAULT_LOCALE))
