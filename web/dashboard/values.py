"""Values of settings as the pages show them: names instead of ids, words instead of numbers.

All of it is plain text; the templates escape it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from babel.dates import UTC, format_datetime

from bot.core.contracts import BotState
from bot.core.durations import format_duration
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.text import choice_title, edit_text, shorten
from bot.core.i18n import Message, _, babel_locale
from bot.core.settings import SWITCH, Diff

_PLAIN_KINDS = ("voice", "stage", "category")
_MARKS = re.compile(
    r"<#(?P<channel>\d{1,20})>|<@&(?P<role>\d{1,20})>|\\(?P<literal>.)"
    r"|`(?P<code>[^`]*)`|\*\*|\|\|"
)
_LONGEST_ENTRY = 500
# Of a document, so much is enough to tell which one it is.
_LONGEST_DOCUMENT = 1000


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom values are shown to, and in which guild: what names and words depend on."""

    state: BotState
    guild_id: int
    locale: str

    def say(self, message: Message | str) -> str:
        """Return a text in the reader's language; a bare one is marked with `N_()`."""
        return (message if isinstance(message, Message) else Message(message)).render(self.locale)

    def channel(self, channel_id: int) -> str:
        """Return a channel as people know it."""
        found = self.state.channel(self.guild_id, channel_id)
        if found is None:
            return self.say(_("Deleted channel ({id})", id=channel_id))
        return channel_label(found.name, found.kind)

    def role(self, role_id: int) -> str:
        """Return a role as people know it."""
        found = self.state.role(self.guild_id, role_id)
        return f"@{found.name}" if found else self.say(_("Deleted role ({id})", id=role_id))

    def instant(self, at: datetime) -> str:
        """Return an instant in words, in UTC, which is said so."""
        return f"{format_datetime(at, tzinfo=UTC, locale=babel_locale(self.locale))} UTC"

    def entries(self, field: FieldInfo, value: Any) -> tuple[str, ...]:
        """Return a document's entries in words; none of one that has no words for them."""
        if field.form.in_words is None or not isinstance(value, list):
            return ()
        return tuple(self._entry(field.form.in_words, one) for one in value)

    def _entry(self, in_words: Callable[[Any], Message], entry: Any) -> str:
        try:
            return shorten(self.plain(self.say(in_words(entry))), _LONGEST_ENTRY)
        except ValueError:  # written by an earlier version, or not yet right
            return shorten(json.dumps(entry, ensure_ascii=False), _LONGEST_ENTRY)

    def _document(self, field: FieldInfo, value: Any) -> str:
        entries = self.entries(field, value)
        return " · ".join(entries) if entries else json.dumps(value, ensure_ascii=False)

    def plain(self, markdown: str) -> str:
        """Return a text written for Discord without its marks, and with names for its mentions."""
        return _MARKS.sub(self._without_mark, markdown)

    def _without_mark(self, found: re.Match[str]) -> str:
        if found["channel"]:
            return self.channel(int(found["channel"]))
        if found["role"]:
            return self.role(int(found["role"]))
        return found["literal"] or found["code"] or ""

    def value(self, field: FieldInfo, value: Any) -> str:
        """Return a setting's JSON value as a person reads it."""
        if value is None or value in ("", []):
            return self.say(_("not set"))
        match field.form.widget:
            case Widget.TOGGLE:
                shown = self.say(_("yes") if value else _("no"))
            case Widget.CHANNEL | Widget.CHANNELS:
                shown = ", ".join(self.channel(one) for one in _ids(value))
            case Widget.ROLE | Widget.ROLES:
                shown = ", ".join(self.role(one) for one in _ids(value))
            case Widget.DOCUMENT:
                shown = shorten(self._document(field, value), _LONGEST_DOCUMENT)
            case Widget.DURATION:
                shown = format_duration(timedelta(seconds=value), self.locale)
            case Widget.CHOICE | Widget.LANGUAGE:
                shown = self.say(choice_title(field, value))
            case _:
                shown = edit_text(field, value)
        return shown


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One setting that is different, with its values as people read them."""

    title: str
    before: str
    after: str


def diff_rows(fields: Iterable[FieldInfo], diff: Diff, reader: Reader) -> list[DiffRow]:
    """Return a difference line by line; settings that no longer exist go by their name."""
    by_name = {one.name: one for one in fields}
    return [_row(by_name.get(name), name, pair, reader) for name, pair in diff.items()]


def _row(field: FieldInfo | None, name: str, pair: tuple[Any, Any], reader: Reader) -> DiffRow:
    if name == SWITCH:
        words = [reader.say(_("yes") if one else _("no")) for one in pair]
        return DiffRow(reader.say(_("Switched on")), *words)
    if field is None:
        return DiffRow(name, *map(str, pair))
    return DiffRow(reader.say(field.title), *(reader.value(field, one) for one in pair))


def channel_label(name: str, kind: str) -> str:
    """Return a channel's name with the sign that the client gives it."""
    return name if kind in _PLAIN_KINDS else f"#{name}"


def _ids(value: Any) -> list[int]:
    return [int(one) for one in ([value] if isinstance(value, str) else value)]
