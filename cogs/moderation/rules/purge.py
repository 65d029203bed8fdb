"""Which messages a purge takes, and in which calls they are deleted.

Pure; messages are Discord's own JSON, patterns are RE2's, which take linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import re2

from bot.core.errors import InvalidInput
from bot.core.fields.text import quote
from bot.core.i18n import _

# https://discord.com/developers/docs/resources/message#bulk-delete-messages
MOST_IN_BULK = 100
BULK_AGE = timedelta(days=14) - timedelta(minutes=1)
MAX_AMOUNT = 1000
LONGEST_PATTERN = 300
_MEMORY = 1 << 20
_LINK = re.compile(r"https?://\S", re.IGNORECASE)
# Milliseconds of the first of January 2015: ids count from there.
_EPOCH_MS = 1_420_070_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeFilter:
    """What a message must be to be deleted; what is `None` or false is not asked for."""

    user_id: int | None = None
    bots: bool = False
    links: bool = False
    attachments: bool = False
    contains: str | None = None
    pattern: Any = None
    keep_pinned: bool = True

    @property
    def reads_content(self) -> bool:
        """Whether it looks at what messages say."""
        return self.links or self.attachments or self.contains is not None or bool(self.pattern)

    def takes(self, message: Mapping[str, Any]) -> bool:
        """Tell whether a message is to be deleted."""
        author = message["author"]
        if self.keep_pinned and message.get("pinned"):
            return False
        if self.user_id is not None and int(author["id"]) != self.user_id:
            return False
        if self.bots and not (author.get("bot") or message.get("webhook_id")):
            return False
        if self.attachments and not message.get("attachments"):
            return False
        return not self.reads_content or self._says(texts_of(message))

    def _says(self, texts: Sequence[str]) -> bool:
        if self.links and not any(_LINK.search(text) for text in texts):
            return False
        if self.contains is not None:
            wanted = self.contains.casefold()
            if not any(wanted in text.casefold() for text in texts):
                return False
        return not self.pattern or any(self.pattern.search(text) for text in texts)


def texts_of(message: Mapping[str, Any]) -> list[str]:
    """Return what a message says, in forwarded messages and embeds too."""
    parts = [message, *(one.get("message", {}) for one in message.get("message_snapshots", ()))]
    texts = [part.get("content") or "" for part in parts]
    for part in parts:
        for embed in part.get("embeds", ()):
            texts += [embed.get(name) or "" for name in ("url", "title", "description")]
    return [text for text in texts if text]


def compile_pattern(text: str | None) -> Any:
    """Return a compiled pattern that ignores case, `None` for no text; raises `InvalidInput`."""
    if not text:
        return None
    if len(text) > LONGEST_PATTERN:
        raise InvalidInput(_("A pattern has at most {limit} characters.", limit=LONGEST_PATTERN))
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    options.case_sensitive = False
    try:
        return re2.compile(text, options)
    except (re2.error, UnicodeEncodeError) as error:
        said = error.args[0] if error.args else b""
        why = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise InvalidInput(
            _("I can't use that pattern: {why}", why=quote(why, 150)),
            hint=_("Patterns are written as RE2 takes them: no look-around, no back-references."),
        ) from None


@dataclass(frozen=True, slots=True)
class Batches:
    """The calls of a purge: ids for bulk deletion, and those too old for it."""

    bulk: tuple[tuple[int, ...], ...]
    single: tuple[int, ...]


def split_batches(ids: Iterable[int], now: datetime) -> Batches:
    """Return the calls that delete these messages; Discord deletes in bulk 2 to 100 young ones."""
    oldest = first_id_at(now - BULK_AGE)
    newest_first = sorted(set(ids), reverse=True)
    young = [one for one in newest_first if one >= oldest]
    old = [one for one in newest_first if one < oldest]
    chunks = [
        tuple(young[start : start + MOST_IN_BULK]) for start in range(0, len(young), MOST_IN_BULK)
    ]
    lonely = [chunk[0] for chunk in chunks if len(chunk) == 1]
    return Batches(tuple(chunk for chunk in chunks if len(chunk) > 1), (*lonely, *old))


def first_id_at(instant: datetime) -> int:
    """Return the least id that something made at that instant can have."""
    return max(0, round(instant.timestamp() * 1000) - _EPOCH_MS) << 22
