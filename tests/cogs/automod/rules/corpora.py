"""The corpora as messages, and the strict server whose rules judge them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.core.contracts import MessageFacts
from cogs.automod.rules.values import Context, InviteBook

FOLDER = Path(__file__).parent / "corpus"
GUILD, CHANNEL, AUTHOR, NOW = 1, 2, 10**17, 1_800_000_000.0
FILE = 77

_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(n)|(\\))")
_LINE = re.compile(r"([a-z0-9-]+)(?: \[([a-z-]+)\])?: (.*)")

WORDS = [
    "idiot",
    "moron",
    "bastard",
    "slut",
    "bitch",
    "fuck",
    "ass",
    "asshole",
    "kys",
    "pedo",
    "porn*",
    "scum",
    "cum",
    "shit",
    "cunt",
    "rapist",
    "cock",
    "idiota",
    "puta",
    "mierda",
    "maricón",
    "cabrón",
    "gilipollas",
    "coño",
    "zorra",
    "ano",
    "Arschloch",
    "Scheiße",
    "connard",
    "caralho",
    "kurwa",
    "orospu",
    "сука",
    "мудак",
    "блин",
    "μαλάκας",
    "كلب",
    "זונה",
    "चूतिया",
    "씨발",
]
RULES: list[dict[str, Any]] = [
    {"type": "words", "words": [*WORDS, "kill yourself", "hijo de puta"]},
    {"type": "words", "match": "part", "words": ["傻逼", "死ね"]},
    {
        "type": "regex",
        "patterns": [r"free\s+(?:discord\s+)?nitro\b", r"\b(?:\d{4}[ -]?){3}\d{4}\b"],
    },
    {
        "type": "links",
        "mode": "deny",
        "domains": ["grabify.link", "\u0430\u0440\u0440\u04cf\u0435.com"],
    },
    {"type": "invites", "allowed_guilds": [3]},
    {"type": "caps"},
    {"type": "mentions"},
    {"type": "everyone_attempt"},
    {"type": "emoji"},
    {"type": "lines"},
    {"type": "zalgo"},
    {"type": "leaks"},
    {"type": "attachments", "extensions": ["exe", "scr", "bat"]},
]
STRICT = {"rules": [{"name": f"rule-{n}", "when": when} for n, when in enumerate(RULES)]}


@dataclass(frozen=True, slots=True)
class Sample:
    """One line of a corpus."""

    name: str
    source: str
    text: str

    @property
    def message(self) -> MessageFacts:
        """The message with the text at its place."""
        if self.source == "content":
            return message(self.text)
        return message("", **_PLACES[self.source](self.text))

    @property
    def context(self) -> Context:
        """What is known beside the message: two invites, and what a file holds."""
        invites = InviteBook({"ownguild": GUILD, "friends": 3, "abcdef": 9})
        files = {FILE: self.text if self.source == "file" else ""}
        return Context(now=NOW, guild_id=GUILD, invites=invites, texts=files, can_fetch=False)


def message(content: str, number: int = 5, author: int = AUTHOR, **raw: Any) -> MessageFacts:
    """Return a message as the intake makes it, with these parts of the payload beside it."""
    payload: dict[str, Any] = {"attachments": [], "embeds": [], "author": {"id": str(author)}}
    return MessageFacts(number, GUILD, CHANNEL, author, content, frozenset(), payload | raw)


def load(name: str) -> list[Sample]:
    """Return the samples of a corpus; raises ValueError for a line that is none."""
    return list(_samples((FOLDER / f"{name}.txt").read_text(encoding="utf-8")))


def _samples(text: str) -> Iterator[Sample]:
    for line in text.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"not a sample: {line!r}")
        yield Sample(found[1], found[2] or "content", _ESCAPE.sub(_unescape, found[3]))


def _unescape(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else "\n" if found[3] else "\\"


def _file(name: str, **more: Any) -> dict[str, Any]:
    return {"id": str(FILE), "filename": name, "size": 9, "url": "https://cdn.test/f", **more}


_CLEAN_FILE = {"id": "78", "filename": "cat.png", "size": 9}
_PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "embed-title": lambda text: {"embeds": [{"type": "rich", "title": text}]},
    "embed-description": lambda text: {"embeds": [{"type": "rich", "description": text}]},
    "embed-field-name": lambda text: {"embeds": [{"fields": [{"name": text, "value": "x"}]}]},
    "embed-field-value": lambda text: {"embeds": [{"fields": [{"name": "x", "value": text}]}]},
    "embed-footer": lambda text: {"embeds": [{"footer": {"text": text}}]},
    "embed-author": lambda text: {"embeds": [{"author": {"name": text}}]},
    "second-embed": lambda text: {"embeds": [{"title": "hello"}, {"title": text}]},
    "preview": lambda text: {"embeds": [{"type": "article", "title": text}]},
    "forward": lambda text: {"message_snapshots": [{"message": {"content": text}}]},
    "forward-embed": lambda text: {
        "message_snapshots": [{"message": {"content": "", "embeds": [{"title": text}]}}]
    },
    "forward-attachment": lambda text: {
        "message_snapshots": [{"message": {"attachments": [_file(text)]}}]
    },
    "poll-question": lambda text: {"poll": {"question": {"text": text}, "answers": []}},
    "poll-answer": lambda text: {
        "poll": {"question": {"text": "?"}, "answers": [{"poll_media": {"text": text}}]}
    },
    "attachment": lambda text: {"attachments": [_file(text)]},
    "second-attachment": lambda text: {"attachments": [_CLEAN_FILE, _file(text)]},
    "attachment-description": lambda text: {"attachments": [_file("x.png", description=text)]},
    "file": lambda _text: {"attachments": [_file("notes.txt", content_type="text/plain")]},
    "sticker": lambda text: {"sticker_items": [{"id": "1", "name": text}]},
    "button": lambda text: {
        "components": [{"type": 1, "components": [{"type": 2, "label": text}]}]
    },
    "nested-component": lambda text: {
        "components": [{"type": 17, "components": [{"type": 9, "components": [{"content": text}]}]}]
    },
}
