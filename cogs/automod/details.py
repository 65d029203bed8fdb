"""What a hit's detail says, in the reader's language.

The engine names what matched in a short form that is stored with the incident: a listed word, a
pattern, "7 of 5", "hoisted". What comes from people is quoted, all else is put into words. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.core.fields.text import quote
from bot.core.i18n import Message, _

_LONGEST = 60
# By trigger, since a listed word may be "5 of 5", too.
_COUNTING = frozenset(
    {
        "mentions",
        "emoji",
        "stickers",
        "lines",
        "length",
        "rate",
        "voice_moves",
        "duplicates",
        "campaign",
    }
)
_COUNT = re.compile(r"(\d+) of (\d+)")
_SHARE = re.compile(r"(\d+) % of (\d+)")
_COPIES = "copies "
_FIXED: Mapping[tuple[str, str], Message] = {
    ("name", "hoisted"): _("moves up the list of members"),
    ("name", "unreadable"): _("unreadable"),
    ("leaks", "token"): _("a bot's token"),
    ("leaks", "webhook"): _("a webhook's address"),
}


def describe_detail(trigger: str, detail: str) -> Message | None:
    """Return a detail that the engine worded itself; `None` for what people wrote, to be quoted."""
    if trigger in _COUNTING and (found := _COUNT.fullmatch(detail)):
        return _("{count}, with a limit of {limit}", count=found[1], limit=found[2])
    if trigger == "caps" and (found := _SHARE.fullmatch(detail)):
        return _("{percent} % of {count} letters", percent=found[1], count=found[2])
    if trigger == "name" and detail.startswith(_COPIES):
        return _("looks like {name}", name=quote(detail.removeprefix(_COPIES), _LONGEST))
    return _FIXED.get((trigger, detail))
