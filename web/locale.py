"""The language of an answer: what the browser asks for, of the languages there are."""

from __future__ import annotations

from aiohttp import web

from bot.core.i18n import LANGUAGES, get_fallback

_MAX_HEADER = 500


def locale_of(request: web.BaseRequest) -> str:
    """Return the language that `Accept-Language` prefers, the operator's where none of ours is."""
    return preferred(request.headers.get("Accept-Language", ""))


def preferred(accept_language: str) -> str:
    """Return the language with the greatest weight of an `Accept-Language` field (RFC 9110)."""
    best, best_weight = get_fallback(), 0.0
    for item in accept_language[:_MAX_HEADER].split(","):
        tag, _, parameter = item.strip().partition(";")
        language = tag.strip().partition("-")[0].lower()
        weight = _weight(parameter)
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
