"""What a native auto moderation rule finds in a text. Pure: it knows texts, not the world.

https://discord.com/developers/docs/resources/auto-moderation
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


class Trigger(enum.IntEnum):
    """What a rule looks for."""

    KEYWORD = 1
    SPAM = 3
    KEYWORD_PRESET = 4
    MENTION_SPAM = 5
    MEMBER_PROFILE = 6


# Discord keeps its own lists to itself; these few mild words stand for them.
PRESETS: dict[int, tuple[str, ...]] = {
    1: ("crap*", "bollocks", "bullshit*"),
    2: ("porn*", "nudes", "hentai"),
    3: ("scumbag*", "subhuman*"),
}

# Discord's model of spam is unknown; this one takes bait beside a link, and one word over and over.
_LINK = re.compile(r"https?://|discord\.gg/")
_BAIT = re.compile(r"free\s+nitro|steam\s+gift|claim\s+your|\bairdrop\b|\bcrypto\b", re.IGNORECASE)
_REPEATED = re.compile(r"(?:\A|\s)(\S+)(?:\s+\1){9}(?!\S)", re.IGNORECASE)

# Rust's regex has neither look-around nor back-references.
_NOT_RUST = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P=)|(?<!\\)(?:\\\\)*\\[1-9]|[*+?}]\+")


@dataclass(frozen=True, slots=True)
class Match:
    """What was found: the rule's keyword or pattern, if it has any, and the text it met."""

    keyword: str | None
    content: str | None


class PatternRefusedError(ValueError):
    """A pattern that Rust's regex would not take."""


@lru_cache(maxsize=4_096)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Return a rule's pattern, which ignores case; raises PatternRefusedError.

    Here it runs on Python's engine, so a rule that an adversary wrote could stall the sandbox.
    """
    if _NOT_RUST.search(pattern):
        raise PatternRefusedError("look-around and back-references are not supported")
    try:
        return re.compile(pattern, re.IGNORECASE)
    except re.error as failure:
        raise PatternRefusedError(str(failure)) from None


@lru_cache(maxsize=16_384)
def _compile_keyword(keyword: str) -> re.Pattern[str]:
    """Return a keyword with its wildcards: `cat`, `cat*`, `*cat` and `*cat*`."""
    core = keyword.strip("*")
    start = "" if keyword.startswith("*") else r"(?<!\w)"
    end = "" if keyword.endswith("*") else r"(?!\w)"
    return re.compile(start + re.escape(core) + end, re.IGNORECASE)


def find(trigger: int, metadata: dict[str, Any], text: str, *, mentioned: int = 0) -> Match | None:
    """Return what a rule of this kind finds in the text, None when nothing.

    `mentioned` is the number of different users and roles that the message mentions.
    """
    allowed = tuple(metadata.get("allow_list") or ())
    if trigger in (Trigger.KEYWORD, Trigger.MEMBER_PROFILE):
        words = metadata.get("keyword_filter") or ()
        return _find_keyword(words, text, allowed) or _find_pattern(metadata, text, allowed)
    if trigger == Trigger.KEYWORD_PRESET:
        presets = metadata.get("presets") or ()
        listed = (word for number in presets for word in PRESETS.get(number, ()))
        return _find_keyword(listed, text, allowed)
    if trigger == Trigger.MENTION_SPAM:
        limit = metadata.get("mention_total_limit")
        return Match(None, None) if limit is not None and mentioned > limit else None
    return Match(None, None) if _is_spam(text) else None


def _find_keyword(words: Iterable[str], text: str, allowed: tuple[str, ...]) -> Match | None:
    for word in words:
        for found in _compile_keyword(word).finditer(text):
            if found.group() and not _is_allowed(found, text, allowed):
                return Match(word, found.group())
    return None


def _find_pattern(metadata: dict[str, Any], text: str, allowed: tuple[str, ...]) -> Match | None:
    for pattern in metadata.get("regex_patterns") or ():
        for found in compile_pattern(pattern).finditer(text):
            if found.group() and not _is_allowed(found, text, allowed):
                return Match(pattern, found.group())
    return None


def _is_allowed(found: re.Match[str], text: str, allowed: tuple[str, ...]) -> bool:
    """Whether a word of the allow list lies over what was found."""
    return any(start < found.end() and found.start() < end for start, end in _spans(text, allowed))


def _spans(text: str, words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    for word in words:
        for found in _compile_keyword(word).finditer(text):
            yield found.span()


def _is_spam(text: str) -> bool:
    if _REPEATED.search(text):
        return True
    return bool(_LINK.search(text) and _BAIT.search(text))
