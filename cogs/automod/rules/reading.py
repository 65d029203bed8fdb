"""From a text to the triggers that may hold in it: the scan, repeated without the disguise.

The first scan is over the text as written. Only what it shows to be disguised, or not ASCII, is
read in other ways, and scanned again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cogs.automod.rules.cases import Text, cut
from cogs.automod.rules.folding import AMBIGUOUS
from cogs.automod.rules.scanning import Pattern, TextScanner, encode, scanner_of
from cogs.automod.rules.settled import is_inert, is_settled
from cogs.automod.rules.trees import Leaf, hints_of
from cogs.automod.rules.views import Views, fold_settled

if TYPE_CHECKING:
    from cogs.automod.triggers import SourceKind

# Signs of a disguise; each costs a second look, nothing more. Letters are told from signs by the
# blocks in which most languages write: RE2's own classes would be ten times as large.
_BLOCKS = "\\x{C0}-\\x{24F}\\x{370}-\\x{481}\\x{48A}-\\x{58F}\\x{5D0}-\\x{1FFF}\\x{3040}-\\x{D7FF}"
_LETTER, _SOLID = f"[a-z{_BLOCKS}]", f"[0-9a-z{_BLOCKS}]"
_SIGN, _SPACE = f"[^0-9A-Za-z\\s'{_BLOCKS}]", f"[^0-9A-Za-z{_BLOCKS}]"
_MARKUP = r"[*~`\\|_]|%[0-9A-Fa-f]{2}|\]\("
_LEET = r"(?i)[a-z][0-9@$|+!]+[a-z]|[a-z][0-9$]|[0-9@$!+|][a-z]|@[$]"
_TALL_I = r"[a-z]I"
_GAPS = (
    f"(?i){_LETTER}{_SIGN}+{_SOLID}|[0-9]{_SIGN}+{_LETTER}"
    f"|(?:^|{_SPACE}){_SOLID}{_SPACE}+{_SOLID}{_SPACE}+{_SOLID}(?:{_SPACE}|$)"
    # An apostrophe, but for those of English: n't, 's, 'm, 'd, 'll, 're, 've.
    "|[a-z]'(?:[abce-kn-quw-z]|[smd][a-z]|t[a-z]|l[a-km-z]|r[a-df-z]|v[a-df-z])"
    "|[a-mo-z]'t|[a-hj-z]'m"
)
_REPEATED = "abcdefghijklmnopqrstuvwxyz" + "".join(map(chr, range(0x430, 0x450)))
_RUNS = (
    "(?i)"
    + "|".join(f"{letter}{{3}}" for letter in _REPEATED)
    + f"|(?:{'|'.join(letter * 2 for letter in _REPEATED)}){{3}}"
)
_SIGNS = (_MARKUP, _LEET, _TALL_I, _GAPS, _RUNS)
_GAPS_FOUND, _RUNS_FOUND = _SIGNS.index(_GAPS), _SIGNS.index(_RUNS)
_NONE: frozenset[int] = frozenset()


class Reader:
    """Scans texts for the hints of all triggers, and says which triggers they name."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        self._leaf_of: dict[int, int] = {}
        # Only what is searched in other readings is worth making them.
        self._unmasks = any(leaf.type in ("words", "regex", "links", "invites") for leaf in leaves)
        patterns: list[Pattern] = list(_SIGNS) if self._unmasks else []
        self._signs = len(patterns)
        for leaf in leaves:
            for pattern, payload in hints_of(leaf):
                leaf.checker.learn(len(patterns), payload)
                self._leaf_of[len(patterns)] = leaf.number
                patterns.append(pattern)
        self._scanner = scanner_of(patterns) if patterns else None
        self.parts = self._scanner.parts if self._scanner else 0

    def scan(self, text: str) -> tuple[Sequence[int], bytes]:
        """Return what the text as written shows, and its bytes."""
        data = encode(text)
        return (self._scanner.scan(data) if self._scanner else ()), data

    def encode(self, text: str) -> bytes:
        """Return the text as it is scanned."""
        return encode(text)

    def leaves_of(self, ids: Iterable[int]) -> Iterable[int]:
        """Return the triggers that the numbers stand for."""
        return [self._leaf_of[number] for number in ids]

    def read(self, kind: SourceKind, text: str, found: Iterable[int] | None = None) -> Text:
        """Return the text with everything that may be found in any of its readings.

        `found` is what `scan` says of it, where it was asked already.
        """
        text = cut(text)
        views = Views(text)
        if self._scanner is None:
            return Text(kind, views, _NONE)
        named = set(self._scanner.scan(encode(text)) if found is None else found)
        if self._unmasks and (not text.isascii() or min(named, default=self._signs) < self._signs):
            self._unmask(self._scanner, views, named)
        return Text(kind, views, frozenset(one for one in named if one >= self._signs))

    def read_suspect(self, content: str, found: Sequence[int]) -> Text | None:
        """Return a content that shows a hint, a sign or more than ASCII; `None` if it is harmless.

        `found` is what `scan` says of it. What takes the time is settled here for the honest.
        """
        if not found:
            if self._scanner is None or not self._unmasks or is_inert(content):
                return None
            if is_settled(content):
                folded = fold_settled(content)
                if AMBIGUOUS not in folded and not self._scanner.scan(encode(folded)):
                    return None
        text = self.read("content", content, found)
        return text if text.ids else None

    @staticmethod
    def _unmask(scanner: TextScanner, views: Views, named: set[int]) -> None:
        scan = scanner.scan
        if views.clean != views.raw:
            named.update(scan(encode(views.clean)))
        if views.folded != views.plain:
            named.update(scan(encode(views.folded)))
        views.has_gaps, views.has_runs = _GAPS_FOUND in named, _RUNS_FOUND in named
        for derived in views.derived:
            named.update(scan(encode(derived.text)))
