"""Texts for people, in their language: gettext catalogues read from .po files and kept in memory.

A text is written in English in the code, marked with `N_()`, and travels as a `Message` (msgid and
values) until the edge that knows the reader's locale renders it. Nothing here knows of Discord.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from gettext import NullTranslations
from importlib import resources
from importlib.resources.abc import Traversable
from io import BytesIO
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

DEFAULT_LOCALE = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "es": "Español"}


def N_(text: str) -> str:  # noqa: N802 - the name that gettext tools look for
    """Mark a text for translation and return it unchanged."""
    return text


@dataclass(frozen=True, slots=True)
class Message:
    """A text for people that is not yet in anyone's language.

    `values` fill the named placeholders; a value may be a `Message` itself. `plural` with the value
    `count` picks the plural form.
    """

    msgid: str
    values: Mapping[str, Any] = field(default_factory=dict)
    plural: str | None = None

    def __str__(self) -> str:
        return self.render(DEFAULT_LOCALE)

    def render(self, locale: str | None) -> str:
        """Return the text in the given locale, or in English where it is not translated."""
        catalogue = catalogue_for(locale)
        if self.plural is not None:
            text = catalogue.ngettext(self.msgid, self.plural, self.values["count"])
        else:
            text = catalogue.gettext(self.msgid) if self.msgid else ""
        if not self.values:
            return text
        return text.format_map({k: _render_value(v, locale) for k, v in self.values.items()})


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Several texts of which one is to be chosen, joined as the reader's language does."""

    items: Sequence[Message]

    def render(self, locale: str | None) -> str:
        """Return the items as in "red, green, or blue"."""
        names = [one.render(locale) for one in self.items]
        return format_list(names, style="or", locale=babel_locale(locale))


def _render_value(value: Any, locale: str | None) -> Any:
    return value.render(locale) if isinstance(value, Message | Alternatives) else value


def _(msgid: str, /, **values: Any) -> Message:
    """Make a translatable message: `_("Hello {name}", name=...)`."""
    return Message(msgid, values)


def ngettext(singular: str, plural: str, /, count: int, **values: Any) -> Message:
    """Make a message with a number in it, which is also its `{count}` placeholder."""
    return Message(singular, {**values, "count": count}, plural)


def joined(parts: Sequence[Message]) -> Message:
    """Return one or more messages as one, a space between them."""
    whole = parts[0]
    for part in parts[1:]:
        whole = Message("{before} {after}", {"before": whole, "after": part})
    return whole


@functools.lru_cache(maxsize=256)
def language_of(locale: str | None) -> str:
    """Return the catalogue language for a Discord locale such as `es-419`, English if none fits."""
    if not locale:
        return DEFAULT_LOCALE
    language = locale.replace("_", "-").split("-")[0].lower()
    return language if language in LANGUAGES else DEFAULT_LOCALE


def babel_locale(locale: str | None) -> Locale:
    """Return CLDR data (number and date formats, list patterns) for a Discord locale."""
    try:
        return Locale.parse(locale or DEFAULT_LOCALE, sep="-")
    except (ValueError, UnknownLocaleError):
        return Locale.parse(language_of(locale))


class _Fallback:
    """The operator's language; one process has one configuration."""

    language = DEFAULT_LOCALE


def set_fallback(language: str) -> None:
    """Set the language for readers whose own is not known; called once, at the start."""
    _Fallback.language = language


def get_fallback() -> str:
    """Return the language for readers whose own is not known."""
    return _Fallback.language


def choose_locale(user: str | None, guild: str | None) -> str:
    """Return the locale to answer in: the reader's own, else the guild's, else the operator's.

    A locale without a catalogue is passed over, so that a Finn in a Spanish guild reads Spanish.
    """
    for locale in (user, guild):
        if locale and locale.replace("_", "-").split("-")[0].lower() in LANGUAGES:
            return locale
    return get_fallback()


def load_catalogues() -> None:
    """Read every language's catalogue; later this would hold up the event loop for over 100 ms."""
    for language in LANGUAGES:
        _load(language)


def catalogue_for(locale: str | None) -> NullTranslations:
    """Return the catalogue for a locale; loaded once, from every package that has a part of it."""
    return _load(language_of(locale))


@functools.lru_cache(maxsize=16)
def _load(language: str) -> NullTranslations:
    merged = Translations()
    for source in _po_files(language):
        with source.open("rb") as stream:
            compiled = BytesIO()
            write_mo(compiled, read_po(stream, locale=language))
        compiled.seek(0)
        part = Translations(compiled)
        merged = part if not _texts(merged) else merged.merge(part)
    return merged


def _texts(translations: NullTranslations) -> Mapping[Any, Any]:
    return getattr(translations, "_catalog", {})


def _po_files(language: str) -> Iterable[Traversable]:
    """The kernel's catalogue first, then each feature's own, so that a feature stays one folder."""
    kernel = resources.files("bot") / "locales" / f"{language}.po"
    folders = (folder for folder in resources.files("cogs").iterdir() if folder.is_dir())
    features = (folder / "locales" / f"{language}.po" for folder in folders)
    web = resources.files("web") / "locales" / f"{language}.po"
    return (po for po in (kernel, *sorted(features, key=str), web) if po.is_file())
