"""In which language the page speaks to its visitor, and a refusal in that language.

What the page itself says is in its own tables (static/english.js, static/spanish.js); here is what
the sandbox answers. Refusals are worded in English where they are raised.
"""

from __future__ import annotations

import re
from functools import cache

from .spanish import REFUSALS

ENGLISH, SPANISH = "en-US", "es-ES"
# A reason may quote what was sent, which is of any length.
_LONGEST = 300


def locale_of(accept_language: str) -> str:
    """Return the Discord locale for the language a page asks for; English is for all others.

    The page sends the one language its visitor has chosen, so that is all there is to read.
    """
    return SPANISH if accept_language.strip().lower().startswith("es") else ENGLISH


def refusal(reason: str, locale: str, *, name: str = "") -> str:
    """Return a reason as a sentence to the person it is about, whose username is `name`."""
    reason = reason[:_LONGEST].rstrip(".")
    if locale == SPANISH:
        reason = _in_spanish(reason)
    if name:
        for said, meant in (("is", "are"), ("may", "may"), ("can't", "can't")):
            reason = reason.replace(f"{name} {said} ", f"you {meant} ")
    return f"{reason[:1].upper()}{reason[1:]}."


def _in_spanish(reason: str) -> str:
    """Return the reason in Spanish; what is in no table (a guild's own words) stays as it is."""
    for pattern, translation in _patterns():
        found = pattern.fullmatch(reason)
        if found is not None:
            return translation.format(*found.groups())
    return reason


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return what a reason may look like with its translation, the most telling first."""
    ordered = sorted(REFUSALS.items(), key=lambda entry: -len(entry[0].replace("{}", "")))
    return [(_pattern(english), spanish) for english, spanish in ordered]


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("(.*?)".join(map(re.escape, template.split("{}"))), re.DOTALL)
