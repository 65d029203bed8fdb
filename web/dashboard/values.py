"""Values of settings as the pages show them: names instead of ids, words instead of numbers.

All of it is plain text; the templates escape it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from bot.core.contracts import BotState
from bot.core.durations import format_duration
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.text import choice_title, edit_text, shorten
from bot.core.i18n import Message, _, babel_locale
from bot.core.settings import SWITCH, Diff
from bot.core.week import DAYS, week_text

UTC = ZoneInfo("UTC")
_PLAIN_KINDS = ("voice", "stage", "category")
_MARKS = re.compile(
    r"<#(?P<channel>\d{1,20})>|<@&(?P<role>\d{1,20})>|<@!?(?P<member>\d{1,20})>"
    r"|<t:(?P<instant>\d{1,11})(?::[tTdDfFR])?>|\\(?P<literal>.)"
    r"|`(?P<code>[^`]*)`|\*\*|\|\|"
)
_LONGEST_ENTRY = 500
# Of a document, so much is enough to tell which one it is.
_LONGEST_DOCUMENT = 1000


@dataclass(frozen=True, slots=True)
class Offer:
    """A name that was typed, and the members whom it may mean: ids with what they are called."""

    text: str
    people: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom values are shown to, and in which guild: what names and words depend on."""

    state: BotState
    guild_id: int
    locale: str
    zone: ZoneInfo = UTC
    # What features keep of the kinds that a page names: labels by ids, by the resource's name.
    kept: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    # What people were called who were met, by their ids: members are not kept in memory.
    names: Mapping[int, str] = field(default_factory=dict)
    # Whom to choose from, by the names of the inputs into which a name was typed.
    offers: Mapping[str, tuple[Offer, ...]] = field(default_factory=dict)

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
        """Return an instant in words, in the zone, which is said so."""
        wall = in_zone(at, self.zone)
        shown = format_datetime(wall, tzinfo=wall.tzinfo, locale=babel_locale(self.locale))
        return f"{shown} {wall.tzinfo}"

    def member(self, user_id: int) -> str:
        """Return a member by the name that the bot knows, if any, and the id."""
        found = self.state.member(self.guild_id, user_id)
        name = found.name if found else self.names.get(user_id)
        return f"{name} ({user_id})" if name else str(user_id)

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
        if found["member"]:
            return self.member(int(found["member"]))
        if found["instant"]:
            return self.instant(datetime.fromtimestamp(int(found["instant"]), UTC))
        return found["literal"] or found["code"] or ""

    def value(self, field: FieldInfo, value: Any) -> str:
        """Return a field's JSON value as a person reads it."""
        if value is None or value in ("", []):
            return self.say(_("not set"))
        if (name_of := self._names().get(field.form.widget)) is not None:
            ids = [value] if isinstance(value, str) else value
            return ", ".join(name_of(int(one)) if one.isdecimal() else one for one in ids)
        return self._in_words(field, value)

    def _in_words(self, field: FieldInfo, value: Any) -> str:
        match field.form.widget:
            case Widget.TOGGLE:
                shown = self.say(_("yes") if value else _("no"))
            case Widget.DOCUMENT:
                shown = shorten(self._document(field, value), _LONGEST_DOCUMENT)
            case Widget.DURATION:
                shown = format_duration(timedelta(seconds=value), self.locale)
            case Widget.CHOICE | Widget.LANGUAGE:
                shown = self.say(choice_title(field, value))
            case Widget.INSTANT:
                shown = self.instant(datetime.fromisoformat(value))
            case Widget.WEEK:
                days = zip(DAYS, week_text(value).split("\n"), strict=True)
                shown = " · ".join(f"{self.say(day)} {times}" for day, times in days if times)
            case Widget.LINES:
                shown = ", ".join(value)
            case Widget.ITEM:
                shown = self.kept.get(field.form.resource, {}).get(value, value)
            case Widget.COLOUR if field.integral:
                shown = f"#{value:06x}"
            case _:
                shown = edit_text(field, value)
        return shown

    def _names(self) -> Mapping[Widget, Callable[[int], str]]:
        return {
            Widget.CHANNEL: self.channel,
            Widget.CHANNELS: self.channel,
            Widget.ROLE: self.role,
            Widget.ROLES: self.role,
            Widget.MEMBER: self.member,
            Widget.MEMBERS: self.member,
        }


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


def in_zone(at: datetime, zone: ZoneInfo) -> datetime:
    """Return an instant as of a zone; as of UTC where the years end between the two."""
    try:
        return at.astimezone(zone)
    except OverflowError:
        return at.astimezone(UTC)
