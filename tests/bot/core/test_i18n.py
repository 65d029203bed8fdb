"""Texts reach people in their own language, or in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot.core.i18n import (
    Message,
    _,
    babel_locale,
    choose_locale,
    language_of,
    ngettext,
    set_fallback,
)
from web.locale import preferred

ROOT = Path(__file__).parents[3]
CATALOGUES = sorted([*ROOT.glob("*/locales/*.po"), *ROOT.glob("cogs/*/locales/*.po")])


@pytest.mark.parametrize(
    ("locale", "language"),
    [("es-ES", "es"), ("es-419", "es"), ("en-GB", "en"), ("fi", "en"), (None, "en"), ("", "en")],
)
def test_language_of_discord_locale(locale: str | None, language: str) -> None:
    assert language_of(locale) == language


@pytest.mark.parametrize(
    ("user", "guild", "chosen"),
    [
        ("es-ES", "en-US", "es-ES"),
        ("en-GB", "es-ES", "en-GB"),
        ("fi", "es-ES", "es-ES"),
        ("fi", "de", "en"),
        (None, None, "en"),
    ],
)
def test_choose_locale_prefers_the_reader(user: str, guild: str, chosen: str) -> None:
    assert choose_locale(user, guild) == chosen


@pytest.fixture
def spanish_operator() -> Iterator[None]:
    set_fallback("es")
    yield
    set_fallback("en")


@pytest.mark.usefixtures("spanish_operator")
def test_choose_locale_falls_back_on_the_operators_language() -> None:
    assert choose_locale("fi", None) == "es"
    assert choose_locale("en-GB", None) == "en-GB"
    assert preferred("fi, de;q=0.5") == "es"
    assert preferred("") == "es"


def test_message_untranslated_text_stays_english() -> None:
    assert Message("No catalogue has this {what}.", {"what": "text"}).render("es-ES") == (
        "No catalogue has this text."
    )


def test_message_value_that_is_a_message_is_rendered_too() -> None:
    outer = _("outer {inner}", inner=_("inner {n}", n=3))
    assert outer.render("en") == "outer inner 3"


def test_message_values_are_never_read_as_templates() -> None:
    assert _("hello {name}", name="{__class__}").render("en") == "hello {__class__}"


def test_message_without_values_keeps_braces() -> None:
    assert _("a {placeholder} shown as it is").render("en") == "a {placeholder} shown as it is"


@pytest.mark.parametrize(("count", "text"), [(1, "1 apple"), (2, "2 apples"), (0, "0 apples")])
def test_ngettext_picks_the_form(count: int, text: str) -> None:
    assert ngettext("{count} apple", "{count} apples", count).render("en") == text


def test_babel_locale_unknown_falls_back_to_language() -> None:
    assert babel_locale("es-419").language == "es"
    assert babel_locale("xx-nonsense").language == "en"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda p: str(p.relative_to(ROOT)))
def test_catalogue_is_complete_and_keeps_its_placeholders(path: Path) -> None:
    with path.open("rb") as stream:
        catalogue = read_po(stream, locale=path.stem)
    for entry in catalogue:
        if not entry.id:
            continue
        originals = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        translations = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        assert all(translations), f"{path.name}: {originals[0]!r} is not translated"
        assert not entry.fuzzy, f"{path.name}: {originals[0]!r} is marked fuzzy"
        allowed = {name for text in originals for name in _placeholders(text)}
        for text in translations:
            assert _placeholders(text) <= allowed, f"{path.name}: {originals[0]!r}"


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"(?<!\{)\{([a-z_.]+)\}", text))
