"""Renders templates: escaped by default, strict about names, in the reader's language."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from babel.numbers import format_decimal
from jinja2 import Environment, PackageLoader, StrictUndefined

from bot.core.i18n import LANGUAGES, Message, babel_locale
from web.dashboard.static import asset_url


def _translator(locale: str) -> Any:
    def translate(text: str, /, **values: Any) -> str:
        return Message(text, values).render(locale)

    return translate


def _make_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("web.dashboard", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = asset_url
    return environment


_ENVIRONMENT = _make_environment()


def render(
    template: str, locale: str, *, status: int = 200, headers: Any = None, **values: Any
) -> web.Response:
    """Return a page; values are escaped, texts marked with `_()` are translated."""
    text = _ENVIRONMENT.get_template(template).render(
        _=_translator(locale), locale=locale, language=LANGUAGES.get(locale, ""), **values
    )
    return web.Response(
        text=text,
        status=status,
        content_type="text/html",
        headers={"Content-Language": locale, "Vary": "Accept-Language"} | dict(headers or {}),
    )


def number(value: int, locale: str) -> str:
    """Return a number with the separators that the reader is used to."""
    return format_decimal(value, locale=babel_locale(locale))
