"""Takes secrets out of text before it leaves the process: logs, webhooks, error reports.

Two nets: the secrets that this process was configured with, wherever they appear, and the shapes
that secrets have, for those nobody told us of.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

MASK = "[redacted]"
# A shorter secret is replaced only where it stands alone: "info" inside "information" is no leak.
LONG_SECRET = 12
SHORTEST_SECRET = 4
DEEPEST = 8

_SECRET_NAME = re.compile(
    r"(?i)^(authorization|proxy-authorization|cookie|set-cookie|x-api-key"
    r"|(.*[_-])?(token|password|passwd|secret|access_key|api_key))$"
)
# What ends a secret inside a URL, a header, a JSON text or a repr.
_END = r"[^\s\"'\\&,;<>)}\]]"
_QUOTE = r"\\?[\"']"
_UP_TO_AT = r"[^\s@\"'\\]{1,500}"
_AFTER_AT = r"[^\s/@\"'\\]{0,500}"
_SHAPES = tuple(
    (re.compile(shape), replacement)
    for shape, replacement in (
        # A bot token: the id in base64, a time stamp, and an HMAC.
        (r"(?<![\w-])[MNO][\w-]{22,27}\.[\w-]{6,7}\.[\w-]{27,45}", MASK),
        (r"(?<![\w-])mfa\.[\w-]{20,100}", MASK),
        # The last part of these paths lets anyone post: webhooks, follow-ups and callbacks.
        (r"(/(?:webhooks|interactions)/\d{15,20}/)[\w.-]{16,}", rf"\g<1>{MASK}"),
        # A header, as a header line, an assignment or an item of a dict.
        (
            rf"(?i)(authorization(?:{_QUOTE})?\s?[:=]\s?(?:{_QUOTE})?)(?:\w+\s+)?{_END}+",
            rf"\g<1>{MASK}",
        ),
        (rf"(?i)\b(bot|bearer|basic)\s(?=[\w.~+/-]{{24}}){_END}+", rf"\g<1> {MASK}"),
        # An item of a dict whose name says what it is.
        (
            rf"(?i)((?:token|password|secret){_QUOTE}\s?[:=]\s?{_QUOTE})[^\"'\\]+",
            rf"\g<1>{MASK}",
        ),
        # A password in a URL may hold a slash; a port before a path with an @ in it is none.
        (
            rf"(://[^\s/:\"'\\]{{0,200}}:)(?!\d{{1,5}}/){_UP_TO_AT}@(?:{_AFTER_AT}@)*",
            rf"\g<1>{MASK}@",
        ),
        (
            rf"(?i)([?&](?:\w+_)?(?:token|code|secret|password|key)=){_END}+",
            rf"\g<1>{MASK}",
        ),
        # The bot's own API keys: a prefix that names the key, then 256 bits.
        (r"(?<![\w-])(bot_[A-Za-z0-9]{4,32}_)[\w-]{43}(?![\w-])", rf"\g<1>{MASK}"),
    )
)
# No shape is without one of these signs, so most texts need no second look.
_SIGNS = re.compile(r"[./:=]|(?i:bot|bearer|basic|token|password|secret|authorization)")
# `token":"x"` is the shortest text that any shape finds.
SHORTEST_SHAPE = 10


class Redactor:
    """Replaces secrets by `[redacted]`; made once from the configured ones, safe in any thread."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings = {form for secret in secrets for form in _spellings(secret)}
        self._known = _any_of(spellings) if spellings else None

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if len(text) >= SHORTEST_SHAPE and _SIGNS.search(text):
            for shape, replacement in _SHAPES:
                text = shape.sub(replacement, text)
        return text

    def clean(self, value: Any, depth: int = 0) -> Any:
        """Return a structure of plain values without secrets; other objects become their text.

        A value under a name such as `password` or `Authorization` goes whatever it is.
        """
        if value is None or isinstance(value, bool | int) or _is_finite(value):
            return value
        if isinstance(value, str):
            return self(value)
        if depth >= DEEPEST:
            return "…"
        if isinstance(value, Mapping):
            return {self(str(k)): self._clean_item(str(k), v, depth) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.clean(item, depth + 1) for item in value]
        return self(value.decode(errors="replace") if isinstance(value, bytes) else str(value))

    def _clean_item(self, name: str, value: Any, depth: int) -> Any:
        hidden = value not in (None, "") and _SECRET_NAME.match(name)
        return MASK if hidden else self.clean(value, depth + 1)


def _is_finite(value: Any) -> bool:
    # JSON has no word for infinity and for what is not a number; they become text.
    return isinstance(value, float) and math.isfinite(value)


def _spellings(secret: str) -> set[str]:
    """The secret as it is, as a URL holds it, and as a repr or a JSON text does."""
    if len(secret) < SHORTEST_SECRET:
        return set()
    in_urls = {quote(secret, safe=""), quote(secret)}
    return {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], *in_urls}


def _any_of(spellings: set[str]) -> re.Pattern[str]:
    # Longest first, so that a secret within another does not leave the rest standing.
    ordered = sorted(spellings, key=lambda one: (-len(one), one))
    return re.compile("|".join(map(_pattern, ordered)))


def _pattern(spelling: str) -> str:
    literal = re.escape(spelling)
    return literal if len(spelling) >= LONG_SECRET else rf"(?<!\w){literal}(?!\w)"
