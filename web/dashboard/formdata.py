"""What a page's form sends: names with their values, in the order in which they were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

from aiohttp import web

from bot.core.errors import InvalidInput
from bot.core.i18n import _

FORM = ("application/x-www-form-urlencoded",)
VERSION = "version"
# A form with every member of a long list checked stays below this.
_MOST_FIELDS = 5000
# What the database holds: settings look for the revision that a form names.
_REVISION_DIGITS = 9

Sent = Mapping[str, Sequence[str]]


async def read_form(request: web.Request) -> Sent:
    """Return the fields of the form in the request's body; raises `InvalidInput` for no form."""
    try:
        text = (await request.read()).decode("ascii")
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise InvalidInput(_("The request can't be understood.")) from None
    sent: dict[str, list[str]] = {}
    for name, value in pairs:
        # Browsers send line breaks as CR LF, whatever they were.
        sent.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return sent


def version_in(sent: Sent, *, digits: int = _REVISION_DIGITS) -> int:
    """Return the revision that the form was made for; raises `InvalidInput` without one."""
    text = (sent.get(VERSION) or [""])[-1]
    if not (text.isascii() and text.isdigit() and len(text) <= digits):
        raise InvalidInput(_("The request can't be understood."))
    return int(text)
