"""One text in several readings: as written, as shown, as read, with gaps closed.

`clean` is what a reader sees of the markup and the invisible, `plain` the same in small letters,
`folded` with look-alikes as letters: these three have the same places. `joined` closes gaps inside
words, `squeezed` shortens runs of a letter, `reversed` turns what is shown from right to left. Own
patterns only; each is linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

from cogs.automod.rules.folding import AMBIGUOUS, fold
from cogs.automod.rules.values import ViewName

# Shown as nothing: format characters, fillers, variation selectors, tags.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u0640\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff\x00-\x08\x0e-\x1f\x7f-\x9f]+"
)
# Marks that any letter can carry, and optional vowel signs: Arabic and Hebrew are written without.
MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u0652"
    "\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
_MARKS = re.compile(f"[{MARKS}]+")
_MASKED_LINK = re.compile(
    r"\[([^\[\]]{0,300})\]\(<?(https?://[^\s()<>]{0,4000})>?"
    r"(?:\s{1,9}(?:\"[^\"]{0,300}\"|'[^']{0,300}'))?\)"
)
_MARKUP = re.compile(r"\*+|~~+|\|\|+|`+|\\(?=[^\w\s])|\\(?=\w)|(?<![^\W_])_+|_+(?![^\W_])")
_MARKUP_SIGN = re.compile(r"[*~`\\|_]")
_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
# A capital I after a small letter is an l in disguise; elsewhere it is itself.
_TALL_I = re.compile(r"(?<=[a-z])I+")
# After a word these are punctuation; inside or before one they stand for letters.
_CLOSING = re.compile(r"[!|+@]+(?![^\W_]|[@$])")
_LETTER_SIGN = re.compile(r"[!|+@$]")
_INNER_GAP = re.compile(r"(?:[^\w\s]|_)(?<=[^\W_].)(?:[^\w\s]|_){0,7}(?=[^\W_])")
# Mentions and custom emoji, folded as they are, and separators of lines, which show as nothing.
_HIDDEN_GAP = re.compile(r"<(?:[a ][1&]?|#|a?:[\w ]{1,32}:)\w{15,20}>|[\u2028\u2029]+")
_SPELLED = re.compile(r"(?<![^\W_])[^\W_](?:[\W_]+[^\W_](?![^\W_])){2,}")
_SPELLED_PART = re.compile(r"[^\W_]|[\W_]+")
_RUN = re.compile(r"([^\W\d_])\1{2,}")
_DOUBLED = re.compile(r"(?:([^\W\d_])\1){3,}")
# A right-to-left override shows what follows it backwards, to its end or that of the line.
_OVERRIDE = "\u202e"
_OVERRIDDEN = re.compile(f"{_OVERRIDE}([^\u202c\u2029\n]+)")


def clean_text(text: str) -> str:
    """Return what a reader sees: decoded, composed, without markup and the invisible."""
    if not text.isascii():
        text = composed(text)
    for _round in range(2):
        if "%" not in text or _ENCODED.search(text) is None:
            break
        text = composed(unquote(text, errors="replace"))
    if "](" in text:
        text = _MASKED_LINK.sub(r"\1", text)
    if _MARKUP_SIGN.search(text) is not None:
        text = _MARKUP.sub(_replace_markup, text)
    return text


def composed(text: str) -> str:
    """Return the text with every letter in one piece; marks that are left over are ornament."""
    if _INVISIBLE.search(text):
        text = _INVISIBLE.sub("", text)
    if not unicodedata.is_normalized("NFKC", text):
        text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return _MARKS.sub("", text) if _MARKS.search(text) else text


def _replace_markup(found: re.Match[str]) -> str:
    # An underscore ends a word; all other markup vanishes where it stands.
    return " " if found[0][0] == "_" else ""


def plain_text(clean: str) -> str:
    """Return the text in small letters, character by character."""
    lower = clean.lower()
    if len(lower) == len(clean):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in clean)


def folded_text(clean: str, plain: str) -> str:
    """Return the text with look-alikes as the letters they are read as."""
    if "I" in clean and _TALL_I.search(clean):
        places = [place for found in _TALL_I.finditer(clean) for place in range(*found.span())]
        chars = list(plain)
        for place in places:
            chars[place] = AMBIGUOUS
        plain = "".join(chars)
    if _has_signs(plain):
        plain = _CLOSING.sub(lambda found: " " * len(found[0]), plain)
    return fold(plain)


def fold_settled(text: str) -> str:
    """Return the folded reading of a text that nothing hides in but look-alikes."""
    return folded_text(text, plain_text(text))


def _join_spelled(found: re.Match[str]) -> str:
    parts = _SPELLED_PART.findall(found[0])
    usual = parts[1]
    joined = [parts[0]]
    for gap, char in zip(parts[1::2], parts[2::2], strict=True):
        # A wider gap than the usual one ends a word.
        if gap != usual and len(gap) > len(usual):
            joined.append(" ")
        joined.append(char)
    return "".join(joined)


Step = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]
_JOIN_SPELLED: Step = (_SPELLED, _join_spelled)
_CLOSE_GAPS: Step = (_INNER_GAP, lambda _found: "")
_CLOSE_HIDDEN: Step = (_HIDDEN_GAP, lambda _found: "")
_SHORTEN: tuple[Step, ...] = (
    (_RUN, lambda found: found[1]),
    (_RUN, lambda found: found[1] * 2),
)
_HALVE: Step = (_DOUBLED, lambda found: found[0][::2])


class Derived:
    """A view whose places are not those of the folded text; `trace` finds them again.

    `order` says where the characters of its base stand there, where that is not their own order.
    """

    __slots__ = ("_places", "base", "name", "order", "steps", "text")

    def __init__(
        self,
        name: ViewName,
        text: str,
        base: str,
        steps: tuple[Step, ...] = (),
        order: Sequence[int] = (),
    ) -> None:
        self.name: ViewName = name
        self.text = text
        self.base = base
        self.steps = steps
        self.order = order
        self._places: list[int] | None = None

    def then(self, name: ViewName, step: Step) -> Derived:
        """Return the view that one more step makes of this one."""
        text = step[0].sub(step[1], self.text)
        return Derived(name, text, self.base, (*self.steps, step), self.order)

    def trace(self, start: int, end: int) -> tuple[int, int]:
        """Return where a span of this view stands in the folded text."""
        if not self.steps and not self.order:
            return start, end
        if self._places is None:
            self._places = self._trace_all()
        if not 0 <= start < end <= len(self._places):
            return 0, len(self.base)
        places = self._places[start:end]
        return min(places), max(places) + 1

    def _trace_all(self) -> list[int]:
        """Return where each character stands in the folded text, nothing if that can't be told."""
        text, places = self.base, list(self.order or range(len(self.base)))
        for pattern, replace in self.steps:
            text, places = _sub_tracing(text, places, pattern, replace)
        return places if text == self.text else []


def _sub_tracing(
    text: str, places: list[int], pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]
) -> tuple[str, list[int]]:
    made: list[str] = []
    kept: list[int] = []
    last = 0
    for found in pattern.finditer(text):
        made.append(text[last : found.start()])
        kept += places[last : found.start()]
        new = replace(found)
        made.append(new)
        kept += _place(found[0], new, places[found.start() : found.end()])
        last = found.end()
    made.append(text[last:])
    return "".join(made), kept + places[last:]


def _place(old: str, new: str, places: list[int]) -> list[int]:
    """Return the places of the characters kept: each is the next of its kind."""
    kept, at = [], 0
    for char in new:
        found = old.find(char, at)
        at = found if found >= 0 else at
        kept.append(places[min(at, len(places) - 1)])
        at += found >= 0
    return kept


def _joined(base: Derived) -> Iterator[Derived]:
    yield from _closed(base)
    if _HIDDEN_GAP.search(base.text):
        hidden = base.then("joined", _CLOSE_HIDDEN)
        yield hidden
        yield from _closed(hidden)


def _closed(base: Derived) -> Iterator[Derived]:
    spelled = base.then("joined", _JOIN_SPELLED)
    yield spelled.then("joined", _CLOSE_GAPS)
    # Singles beside a word set apart join with it: both readings count.
    if spelled.text != base.text:
        yield base.then("joined", _CLOSE_GAPS)


def _has_signs(text: str) -> bool:
    return _LETTER_SIGN.search(text) is not None


def _softer(plain: str, folded: str) -> str:
    return plain if plain in "!|+@$" else folded


class Views:
    """The readings of one text, each made when first asked for.

    `has_gaps` and `has_runs` say which of the derived ones are worth making.
    """

    __slots__ = (
        "_clean",
        "_derived",
        "_folded",
        "_places",
        "_plain",
        "_targets",
        "has_gaps",
        "has_runs",
        "raw",
    )

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.has_gaps = self.has_runs = False
        # Slots instead of cached properties: these take a lock each time in Python 3.11.
        self._clean: str | None = None
        self._plain: str | None = None
        self._folded: str | None = None
        self._derived: tuple[Derived, ...] | None = None
        self._places: list[int] | None = None
        self._targets: str | None = None

    @property
    def clean(self) -> str:
        """What a reader sees."""
        if self._clean is None:
            self._clean = clean_text(self.raw)
        return self._clean

    @property
    def plain(self) -> str:
        """The same in small letters."""
        if self._plain is None:
            self._plain = plain_text(self.clean)
        return self._plain

    @property
    def folded(self) -> str:
        """The same with look-alikes as letters."""
        if self._folded is None:
            self._folded = folded_text(self.clean, self.plain)
        return self._folded

    @property
    def derived(self) -> tuple[Derived, ...]:
        """The readings with gaps closed and runs shortened, without repetitions."""
        if self._derived is None:
            self._derived = tuple(self._derive())
        return self._derived

    def _derive(self) -> Iterator[Derived]:
        folded = self.folded
        turned = self._turned()
        if not (self.has_gaps or self.has_runs or turned or AMBIGUOUS in folded):
            return
        found = [Derived("folded", text, text) for text in self._decided(folded)]
        bases = [Derived("folded", folded, folded), *turned]
        if self.has_gaps:
            # Signs that may stand for letters may part them, too: "m|o|r|o|n".
            softer = "".join(map(_softer, self.plain, folded)) if _has_signs(self.plain) else folded
            for text in dict.fromkeys((folded, softer)):
                bases += _joined(Derived("folded", text, text))
            for base in turned:
                bases += _joined(base)
        found += bases
        if self.has_gaps or self.has_runs:
            for base in bases:
                found += self._squeezed(base)
        seen = {folded}
        for one in found:
            if one.text not in seen:
                seen.add(one.text)
                yield one

    def _squeezed(self, base: Derived) -> Iterator[Derived]:
        if _RUN.search(base.text):
            for step in _SHORTEN:
                yield base.then("squeezed", step)
        if self.has_runs and _DOUBLED.search(base.text):
            yield base.then("squeezed", _HALVE)

    def _turned(self) -> list[Derived]:
        """Return the text as it is shown where an override turns parts of it, if one does."""
        if _OVERRIDE not in self.raw:
            return []
        folded, at = self.folded, 0
        order = list(range(len(folded)))
        for found in _OVERRIDDEN.finditer(self.raw):
            run = fold_settled(clean_text(found[1]))
            start = folded.find(run, at)
            if start < 0:
                break
            at = start + len(run)
            order[start:at] = reversed(order[start:at])
        if not at:
            return []
        text = "".join([folded[place] for place in order])
        return [Derived("reversed", text, text, order=order)]

    def _decided(self, folded: str) -> Iterator[str]:
        """Yield the folded text with its unsure letters decided, for patterns."""
        if AMBIGUOUS in folded:
            yield folded.replace(AMBIGUOUS, "i")
            yield folded.replace(AMBIGUOUS, "l")

    @property
    def written(self) -> str:
        """The text as written, but for what is shown as nothing and where masked links lead."""
        text = _INVISIBLE.sub("", self.raw)
        return _MASKED_LINK.sub(r"\1", text) if "](" in text else text

    @property
    def targets(self) -> str:
        """Where the masked links of the text lead, which no reader sees."""
        if self._targets is None:
            visible = _INVISIBLE.sub("", self.raw) if "](" in self.raw else ""
            self._targets = " ".join(one[2] for one in _MASKED_LINK.finditer(visible))
        return self._targets

    def in_raw(self, start: int, end: int) -> tuple[int, int] | None:
        """Return where a span of the clean text stands as written, `None` if it can't be told.

        Characters that are shown as they were written lead the way: they keep their order.
        """
        if self.clean == self.raw:
            return start, end
        if start >= end:
            return None
        if self._places is None:
            # The whole text at once: a message may have a hundred hits.
            self._places = _align(self.raw, self.clean)
        if end > len(self._places):
            return None
        return self._places[start], self._places[end - 1] + 1


def _align(raw: str, clean: str) -> list[int]:
    """Return where each clean character stands as written, nothing if that can't be told."""
    places, at, most = [], 0, len(raw)
    shown = {char: unicodedata.normalize("NFKC", char) for char in set(raw)}
    for char in clean:
        start = at
        while at < most and raw[at] != char and not _shows(raw[at], shown[raw[at]], char):
            at += 1
            if at - start > 200:
                return []
        if at == most:
            return []
        places.append(at)
        # One character of the text may be shown as several.
        if at + 1 >= most or len(shown[raw[at]]) <= 1:
            at += 1
    return places


def _shows(raw: str, shown: str, clean: str) -> bool:
    return (
        clean in shown
        or (not clean.isascii() and unicodedata.normalize("NFD", clean)[0] == raw)
        or (clean == " " and raw == "_")
    )
