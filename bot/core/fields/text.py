"""Values of settings as text: as a person reads them, and as a person edits them.

The text shown is Discord's (mentions, timestamps of no use elsewhere); the text edited is what
`bot.core.fields.values` reads back. Knows nothing of discord.py.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from bot.core.durations import compact_duration, format_duration
from bot.core.errors import InvalidInput
from bot.core.fields import FieldInfo, Widget
from bot.core.fields.values import VARIANT_LINE
from bot.core.i18n import LANGUAGES, Message, _, babel_locale, ngettext
from bot.core.settings.model import SWITCH, Diff

_SPECIAL = re.compile(r"([\\`*_~|\[\]()<>#@:\-])")
# More of them would fill a panel.
_MOST_MENTIONS = 10
# What clears a setting where no text is wanted: a command's option can't be empty.
_NO_VALUE = frozenset({"-", "none", "nothing", "nada", "ninguno", "ninguna"})
_TEXTS = frozenset({Widget.TEXT, Widget.PARAGRAPH, Widget.TEMPLATE, Widget.TEMPLATES})
_YES_WORDS = frozenset({"yes", "on", "true", "1", "sí", "si", "y", "s"})
_NO_WORDS = frozenset({"no", "off", "false", "0", "n"})


def escape_markdown(text: str) -> str:
    """Return hostile text such that Discord shows it as it is, as no mention, link or format."""
    return _SPECIAL.sub(r"\\\1", text)


def quote(text: str, limit: int = 100) -> str:
    """Return text as one line of code, shortened: nothing inside it is formatted or a mention."""
    # Discord has no escape inside code: an apostrophe stands for the backtick.
    line = " ".join(text.replace("`", "'").split()) or " "
    return f"`{shorten(line, limit)}`"


def spoiler(text: str, limit: int = 100) -> str:
    """Return text as `quote` does, behind a spoiler mark: it shows to who wants to see it."""
    # Two bars in a row would end the mark.
    parted = text.replace("||", "|\u200b|")
    return f"||{quote(parted, limit)}||"


def shorten_marked(text: str, limit: int) -> str:
    """Return the text as `shorten` does; a spoiler mark that was cut open is closed again."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 4].rstrip("|` ")
    # A backtick left open would show the mark itself.
    cut += "`" * (cut.count("`") % 2)
    return f"{cut}…||" if cut.count("||") % 2 else f"{cut}…"


def shorten(text: str, limit: int) -> str:
    """Return the text, cut with an ellipsis when it is longer than the limit."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


# How a channel, a role and a member are mentioned.
_MENTIONS = {
    Widget.CHANNEL: "<#{}>",
    Widget.CHANNELS: "<#{}>",
    Widget.ROLE: "<@&{}>",
    Widget.ROLES: "<@&{}>",
    Widget.MEMBERS: "<@{}>",
}


def show_value(field: FieldInfo, value: Any, locale: str | None) -> str:
    """Return a setting's JSON value as people read it in Discord, in markdown."""
    if value is None or value == []:
        unset = _("not set: {instead}", instead=_(field.unset)) if field.unset else _("not set")
        return unset.render(locale)
    if mention := _MENTIONS.get(field.form.widget):
        return _joined(mention, value)
    match field.form.widget:
        case Widget.DOCUMENT:
            return _show_document(value, locale)
        case Widget.DURATION:
            return format_duration(timedelta(seconds=value), locale)
        case Widget.TEMPLATES:
            texts = ngettext("{count} text", "{count} texts", len(value)).render(locale)
            return f"{texts}: {quote(value[0])}"
        case _:
            return _show_plain(field, value, locale)


def _show_document(value: Any, locale: str | None) -> str:
    entries = ngettext("{count} entry", "{count} entries", len(value)).render(locale)
    # What tells them apart, where they have names.
    names = [str(one["name"]) for one in value if isinstance(one, dict) and "name" in one]
    return f"{entries}: {quote(', '.join(names))}" if names else entries


def _show_plain(field: FieldInfo, value: Any, locale: str | None) -> str:
    match field.form.widget:
        case Widget.TOGGLE:
            return (_("yes") if value else _("no")).render(locale)
        case Widget.NUMBER:
            return str(value)
        case Widget.CHOICE | Widget.LANGUAGE:
            return choice_title(field, value).render(locale)
        case Widget.COLOUR:
            return str(value)
        case _:
            return quote(str(value))


def _joined(mention: str, value: str | list[str]) -> str:
    ids = [value] if isinstance(value, str) else value
    shown = " ".join(mention.format(one) for one in ids[:_MOST_MENTIONS])
    return shown if len(ids) <= _MOST_MENTIONS else f"{shown} +{len(ids) - _MOST_MENTIONS}"


def choice_title(field: FieldInfo, value: Any) -> Message:
    """Return the name of a choice's value, or of a language."""
    if field.form.widget is Widget.LANGUAGE:
        return Message(LANGUAGES.get(value, str(value)))
    return Message(next((one.title for one in field.choices if one.value == value), str(value)))


def show_diff(
    fields: tuple[FieldInfo, ...], diff: Diff, locale: str | None, *, limit: int = 1500
) -> str:
    """Return a change as lines "title: before → after", in markdown, as many as fit the limit."""
    by_name = {field.name: field for field in fields}
    lines: list[str] = []
    for name, (before, after) in diff.items():
        title, old, new = _show_change(by_name.get(name), name, before, after, locale)
        line = f"**{title}**: {old} → {new}"
        if sum(map(len, lines)) + len(lines) + len(line) + 2 > limit:
            return "\n".join([*lines, "…"])
        lines.append(line)
    return "\n".join(lines)


def _show_change(
    field: FieldInfo | None, name: str, before: Any, after: Any, locale: str | None
) -> tuple[str, str, str]:
    if name == SWITCH:
        return _("Switched on").render(locale), _on(before, locale), _on(after, locale)
    if field is None:  # a setting that no longer exists
        return quote(name), quote(str(before)), quote(str(after))
    title = _(field.title).render(locale)
    return title, show_value(field, before, locale), show_value(field, after, locale)


def _on(value: Any, locale: str | None) -> str:
    return (_("yes") if value else _("no")).render(locale)


def edit_text(field: FieldInfo, value: Any) -> str:
    """Return a setting's JSON value as the text that a person edits; none for a document."""
    if value is None or field.form.widget is Widget.DOCUMENT:
        return ""
    match field.form.widget:
        case Widget.DURATION:
            return compact_duration(timedelta(seconds=value))
        case Widget.TEMPLATES:
            return f"\n{VARIANT_LINE}\n".join(value)
        case Widget.CHANNELS | Widget.ROLES | Widget.MEMBERS:
            return " ".join(value)
        case Widget.TOGGLE:
            return "true" if value else "false"
        case _:
            return str(value)


def edited_by(field: FieldInfo) -> Message:
    """Return which command edits a document."""
    return _("Edit it with `/{command}`.", command=field.form.command)


def read_text(field: FieldInfo, text: str, locale: str | None) -> Any:
    """Return what a change takes for the text a person typed; the model judges whether it fits.

    Nothing typed, or a word for it, clears an optional setting. Choices may be named as the
    reader's language does. Raises `InvalidInput` for a document, naming the command that edits it.
    """
    if field.form.widget is Widget.DOCUMENT:
        raise InvalidInput(
            _("“{field}” is no single value.", field=_(field.title)), hint=edited_by(field)
        )
    typed = text.strip()
    cleared = not typed or (field.form.widget not in _TEXTS and typed.casefold() in _NO_VALUE)
    if cleared and (field.optional or field.default == []):
        return None if field.optional else []
    match field.form.widget:
        case Widget.TOGGLE:
            word = typed.casefold()
            return True if word in _YES_WORDS else False if word in _NO_WORDS else typed
        case Widget.CHOICE:
            names = {
                choice_title(field, one.value).render(locale).casefold(): one.value
                for one in field.choices
            }
            return names.get(typed.casefold(), typed)
        case Widget.NUMBER:
            return _read_number(field, typed, locale)
        case _:
            return typed


def _read_number(field: FieldInfo, typed: str, locale: str | None) -> str:
    """Drop the thousands' separators of the reader's language, and spaces."""
    symbols = babel_locale(locale).number_symbols.get("latn", {})
    plain = typed.replace(" ", "").replace("\u00a0", "")
    if field.integral:
        return re.sub(r"(?<=\d)[.,](?=\d{3}\b)", "", plain)
    return plain.replace(symbols.get("group", ","), "").replace(symbols.get("decimal", "."), ".")
