"""Words and users' patterns: found for sure, where the scanner named them as candidates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cogs.automod.rules.cases import NO, Case, Said, Text
from cogs.automod.rules.folding import AMBIGUOUS, fold, make_unsure
from cogs.automod.rules.patterns import compile_pattern
from cogs.automod.rules.scanning import WordPattern, user_pattern, word_pattern
from cogs.automod.rules.scripts import is_foreign, is_plausible
from cogs.automod.rules.values import Hit, ViewName
from cogs.automod.rules.views import clean_text, plain_text

if TYPE_CHECKING:
    from cogs.automod.triggers import Regex, Words

MAX_HITS = 10
# A word of another alphabet that is written in Latin letters has to be this long to be one.
_SAFE_LENGTH = 4
# So many signs and any spaces may stand between the words of a phrase.
_MOST_SIGNS = 4
# Words of so few letters are no word where capitals alone spell them, set apart or with digits:
# initials, grades, the numbers of roads and parts.
_INITIALS, _CODE = 3, 4


@dataclass(frozen=True, slots=True)
class Word:
    """A listed word in the forms that are compared; `open_*` tells which ends may go on."""

    listed: str
    plain: str
    folded: str
    open_start: bool
    open_end: bool
    foreign: bool


def read_word(listed: str, *, part: bool) -> Word | None:
    """Return a listed word as it is compared; `None` when nothing of it can be seen."""
    open_start, open_end = part, part
    body = listed
    if len(body) > 1 and body.startswith("*"):
        open_start, body = True, body[1:]
    if len(body) > 1 and body.endswith("*"):
        open_end, body = True, body[:-1]
    plain = " ".join(plain_text(clean_text(body)).split()) or body.strip().lower()
    if not plain:
        return None
    return Word(listed, plain, fold(plain), open_start, open_end, any(map(is_foreign, plain)))


class WordsLeaf:
    """Finds listed words in every view that its settings allow."""

    cost = 1
    needs_hint = True

    def __init__(self, rule: str, spec: Words) -> None:
        self._rule = rule
        self._spec = spec
        self._sources = frozenset(spec.sources)
        made = (read_word(one, part=spec.match == "part") for one in spec.words)
        self._words = {word.listed: word for word in made if word is not None}
        self._allowed = tuple(
            word.plain for one in spec.allowed if (word := read_word(one, part=True)) is not None
        )
        self._ids: dict[int, Word] = {}

    def hints(self) -> Iterator[tuple[WordPattern, object]]:
        """Yield the patterns by which candidates are found."""
        for word in self._words.values():
            pattern = word_pattern(
                word.plain,
                whole_start=not word.open_start,
                whole_end=not word.open_end,
                look_alikes=self._spec.look_alikes,
            )
            yield pattern, word

    def learn(self, number: int, payload: object) -> None:
        """Remember which number the scanner gave a hint."""
        if isinstance(payload, Word):
            self._ids[number] = payload

    def check(self, case: Case) -> Said:
        """Return every word found, at most ten."""
        hits: list[Hit] = []
        for text in case.texts:
            if text.kind not in self._sources:
                continue
            for number in text.ids & self._ids.keys():
                hit = self._find(text, self._ids[number])
                if hit is not None:
                    hits.append(hit)
                if len(hits) >= MAX_HITS:
                    break
        return Said(True, tuple(sorted(hits, key=lambda hit: hit.start))) if hits else NO

    def _find(self, text: Text, word: Word) -> Hit | None:
        views = text.views
        for start, end in _occurrences(views.plain, None, word.plain, word):
            if not self._is_allowed(views.plain, start, end):
                return self._hit(text, "plain", start, end, word)
        if self._spec.look_alikes and (found := self._find_folded(text, word)):
            return self._hit(text, "folded", *found, word)
        for derived in views.derived:
            if not (self._spec.separators if derived.name == "joined" else self._spec.look_alikes):
                continue
            shown = text.unsure(derived.text)
            for start, end in _occurrences(derived.text, shown, word.folded, word):
                place = derived.trace(start, end)
                if derived.name == "joined" and _is_short(text, place, word, _INITIALS):
                    continue
                if self._is_meant(text, place, word):
                    return self._hit(text, derived.name, *place, word)
        return None

    def _find_folded(self, text: Text, word: Word) -> tuple[int, int] | None:
        folded = text.views.folded
        for place in _occurrences(folded, text.unsure(folded), word.folded, word):
            if self._is_meant(text, place, word):
                return place
        return None

    def _is_meant(self, text: Text, place: tuple[int, int], word: Word) -> bool:
        plain, (start, end) = text.views.plain, place
        if self._is_allowed(plain, start, end):
            return False
        digits = any(char.isdecimal() for char in plain[start:end])
        if digits and _is_short(text, place, word, _CODE):
            return False
        if word.foreign and any(map(is_foreign, plain[start:end])):
            return True
        if word.foreign and len(word.plain) < _SAFE_LENGTH:
            return False
        return is_plausible(plain, text.views.folded, start, end)

    def _is_allowed(self, plain: str, start: int, end: int) -> bool:
        for allowed in self._allowed:
            at = plain.find(allowed, max(0, end - len(allowed)), start + len(allowed))
            if at >= 0 and at <= start and at + len(allowed) >= end:
                return True
        return False

    def _hit(self, text: Text, view: ViewName, start: int, end: int, word: Word) -> Hit:
        return text.hit(self._rule, "words", view, start, end, word.listed)


def _is_short(text: Text, place: tuple[int, int], word: Word, most: int) -> bool:
    """Tell whether a word of at most so many letters is written in capitals alone."""
    return len(word.folded) <= most and text.views.clean[slice(*place)].isupper()


def _occurrences(
    text: str, unsure: str | None, wanted: str, word: Word
) -> Iterator[tuple[int, int]]:
    """Yield where the word stands with its edges.

    `unsure` is the text with its unsure letters, each of which may be an i or an l; `None` where
    none is.
    """
    parts = wanted.split(" ")
    is_unsure = unsure is not None
    shown, first = (unsure, make_unsure(parts[0])) if is_unsure else (text, parts[0])
    at = shown.find(first)
    while at >= 0:
        end = _follow(text, at, parts, is_unsure)
        if end is not None and _has_edges(text, at, end, word):
            yield at, end
        at = shown.find(first, at + 1)


def _follow(text: str, at: int, parts: list[str], unsure: bool) -> int | None:
    """Return where a phrase that starts there ends; spaces and up to four signs part its words."""
    for index, part in enumerate(parts):
        if index:
            start, signs = at, 0
            while at < len(text) and not text[at].isalnum():
                signs += not text[at].isspace()
                if signs > _MOST_SIGNS:
                    return None
                at += 1
            if at == start:
                return None
        end = at + len(part)
        if not text.startswith(part, at) and not (unsure and _is_alike(text[at:end], part)):
            return None
        at = end
    return at


def _is_alike(text: str, part: str) -> bool:
    """Tell whether they are the same where an unsure letter stands for i or l."""
    return len(text) == len(part) and all(
        a == b or (a == AMBIGUOUS and b in "il") or (b == AMBIGUOUS and a in "il")
        for a, b in zip(text, part, strict=True)
    )


def _has_edges(text: str, start: int, end: int, word: Word) -> bool:
    if not word.open_start and text[start].isalnum() and start and text[start - 1].isalnum():
        return False
    after = text[end : end + 1]
    return word.open_end or not text[end - 1].isalnum() or not after.isalnum()


class RegexLeaf:
    """Finds users' patterns, in the text as written and without its disguise."""

    cost = 1
    needs_hint = True

    def __init__(self, rule: str, spec: Regex) -> None:
        self._rule = rule
        self._spec = spec
        self._sources = frozenset(spec.sources)
        self._ids: dict[int, str] = {}

    def hints(self) -> Iterator[tuple[str, object]]:
        """Yield the patterns by which candidates are found."""
        for pattern in self._spec.patterns:
            compile_pattern(pattern, case_sensitive=self._spec.case_sensitive)
            yield user_pattern(pattern, case_sensitive=self._spec.case_sensitive), pattern

    def learn(self, number: int, payload: object) -> None:
        """Remember which number the scanner gave a hint."""
        self._ids[number] = str(payload)

    def check(self, case: Case) -> Said:
        """Return where each pattern matches first, at most ten."""
        hits: list[Hit] = []
        for text in case.texts:
            if text.kind not in self._sources:
                continue
            for number in text.ids & self._ids.keys():
                hit = self._find(text, self._ids[number])
                if hit is not None and len(hits) < MAX_HITS:
                    hits.append(hit)
        return Said(True, tuple(sorted(hits, key=lambda hit: hit.start))) if hits else NO

    def _find(self, text: Text, pattern: str) -> Hit | None:
        compiled = compile_pattern(pattern, case_sensitive=self._spec.case_sensitive)
        for view, shown in self._readings(text):
            found = compiled.search(text.encodable(shown))
            if found is not None:
                return text.hit(self._rule, "regex", view, found.start(), found.end(), pattern)
        if not self._spec.normalized:
            return None
        for derived in text.views.derived:
            if found := compiled.search(derived.text):
                place = derived.trace(found.start(), found.end())
                return text.hit(self._rule, "regex", derived.name, *place, pattern)
        return None

    def _readings(self, text: Text) -> Iterator[tuple[ViewName, str]]:
        yield "raw", text.views.raw
        if self._spec.normalized:
            yield "plain", text.views.clean
            yield "folded", text.views.folded
