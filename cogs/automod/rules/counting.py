"""Triggers that count: within one message, or over a window of time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cogs.automod.rules.cases import NO, Case, Said
from cogs.automod.rules.marks import is_near, mark_of, shown_text
from cogs.automod.rules.measures import (
    EMOJI_HINT,
    count_capitals,
    count_emoji,
    count_mentions,
)
from cogs.automod.rules.sources import with_forwards
from cogs.automod.rules.values import Hit
from cogs.automod.rules.views import plain_text
from cogs.automod.rules.windows import Entry, new_entry

if TYPE_CHECKING:
    from bot.core.contracts import MessageFacts
    from cogs.automod.rules.windows import Windows
    from cogs.automod.triggers import (
        Attachments,
        Campaign,
        Caps,
        Duplicates,
        Emoji,
        Length,
        Lines,
        Mentions,
        Rate,
        Stickers,
        VoiceMoves,
    )

# Bytes that a text may take to be held in the place of its mark: one with a tolerance has 92.
_MOST_KEPT = 200
_NO_CAPITALS = bytes(code for code in range(256) if not 65 <= code <= 90)


# Counts a message that has nothing beside its content; whether its rule may hold.
Tally = Callable[["MessageFacts", float, "Windows"], bool]


class Counter:
    """Weighs a message against a limit, alone or with what the author sent in the window."""

    __slots__ = ("_key", "_limit", "_span", "cost")

    def __init__(self, key: str, limit: int, window: timedelta | None) -> None:
        self._key = key
        self._limit = limit
        self._span = None if window is None else window.total_seconds()
        # Windows are asked last, so that they count only what the rest of the rule is about.
        self.cost = 1 if window is None else 2

    def judge(self, case: Case, weight: int, hits: tuple[Hit, ...]) -> Said:
        """Return whether the limit is reached; hits are those of this message."""
        if self._span is None:
            return Said(True, hits) if weight >= self._limit else NO
        if not weight and not case.edited:
            return NO
        total, entries = case.weigh((self._key, case.author_id), weight, self._span)
        if weight and total >= self._limit:
            return Said(True, hits, tuple(entries))
        return NO


class CountedLeaf:
    """A trigger that is a number measured in a message against a limit."""

    needs_hint = True
    trigger = ""

    def __init__(self, rule: str, key: str, limit: int, window: timedelta | None) -> None:
        self._rule = rule
        self._limit = limit
        self._counter = Counter(key, limit, window)
        self.cost = self._counter.cost
        self._ids: set[int] = set()

    def hints(self) -> Iterator[tuple[str, object]]:
        """Yield the patterns by which candidates are found; none where measuring is cheap."""
        return iter(())

    def learn(self, number: int, _payload: object) -> None:
        """Remember which number the scanner gave a hint."""
        self._ids.add(number)

    def measure(self, case: Case) -> int:
        """Return the number."""
        raise NotImplementedError

    def check(self, case: Case) -> Said:
        """Return whether the number reaches the limit."""
        if case.kind != "message":
            return NO
        weight = self.measure(case)
        hit = Hit(self._rule, self.trigger, detail=f"{weight} of {self._limit}")
        return self._counter.judge(case, weight, (hit,))


class MentionsLeaf(CountedLeaf):
    """Counts who is mentioned."""

    trigger = "mentions"

    def __init__(self, rule: str, key: str, spec: Mentions) -> None:
        super().__init__(rule, key, spec.limit, spec.window)
        self._spec = spec

    def hints(self) -> Iterator[tuple[str, object]]:
        """Yield what every mention starts with."""
        yield r"<@[!&]?[0-9]", None

    def measure(self, case: Case) -> int:
        """Return how many are mentioned."""
        return count_mentions(case.content, case.raw, self._spec.kinds, unique=self._spec.unique)


class EmojiLeaf(CountedLeaf):
    """Counts emoji in what the author said."""

    trigger = "emoji"

    def __init__(self, rule: str, key: str, spec: Emoji) -> None:
        super().__init__(rule, key, spec.limit, spec.window)

    def hints(self) -> Iterator[tuple[str, object]]:
        """Yield what an emoji looks like."""
        yield EMOJI_HINT, None

    def measure(self, case: Case) -> int:
        """Return how many there are."""
        return sum(count_emoji(text.views.raw) for text in case.said_texts())


class StickersLeaf(CountedLeaf):
    """Counts stickers."""

    trigger = "stickers"

    def __init__(self, rule: str, key: str, spec: Stickers) -> None:
        super().__init__(rule, key, spec.limit, spec.window)

    def measure(self, case: Case) -> int:
        """Return how many there are."""
        return sum(1 for _one in with_forwards(case.raw, "sticker_items"))


class LinesLeaf(CountedLeaf):
    """Counts lines; with a window, those beyond the first of each message, too."""

    trigger = "lines"

    def __init__(self, rule: str, key: str, spec: Lines) -> None:
        super().__init__(rule, key, spec.limit, spec.window)
        self.least = 1 if spec.window else spec.limit

    def measure(self, case: Case) -> int:
        """Return how many there are."""
        return sum(text.views.raw.count("\n") + 1 for text in case.said_texts())


class LengthLeaf(CountedLeaf):
    """Counts characters."""

    trigger = "length"

    def __init__(self, rule: str, key: str, spec: Length) -> None:
        super().__init__(rule, key, spec.limit, spec.window)
        self.least = 1 if spec.window else spec.limit

    def measure(self, case: Case) -> int:
        """Return how many there are."""
        return sum(len(text.views.raw) for text in case.said_texts())


class AttachmentsLeaf(CountedLeaf):
    """Counts attachments of a kind, each of them."""

    trigger = "attachments"

    def __init__(self, rule: str, key: str, spec: Attachments) -> None:
        super().__init__(rule, key, spec.limit, spec.window)
        self._spec = spec
        self._extensions = tuple("." + one.lstrip(".") for one in spec.extensions)

    def check(self, case: Case) -> Said:
        """Return each attachment that counts, when they reach the limit."""
        found = [one for one in with_forwards(case.raw, "attachments") if self._is_wanted(one)]
        hits = tuple(
            Hit(
                self._rule,
                self.trigger,
                "attachment",
                text=str(one.get("filename") or "")[:100],
                detail=str(one.get("content_type") or "")[:100],
            )
            for one in found[:10]
        )
        return self._counter.judge(case, len(found), hits)

    def _is_wanted(self, attachment: Mapping[str, Any]) -> bool:
        if not self._extensions and not self._spec.mimes:
            return True
        name = plain_text(str(attachment.get("filename") or "")).rstrip(". ")
        kind = str(attachment.get("content_type") or "").partition(";")[0].strip().lower()
        # An allowed name does not make a forbidden content fine, nor the other way round.
        by_name = bool(self._extensions) and name.endswith(self._extensions)
        by_kind = any(_is_kind(kind, one) for one in self._spec.mimes)
        if self._spec.mode == "deny":
            return by_name or by_kind
        fine_name = by_name or not self._extensions
        fine_kind = by_kind or not self._spec.mimes
        return not (fine_name and fine_kind)


def _is_kind(kind: str, wanted: str) -> bool:
    return kind.startswith(wanted[:-1]) if wanted.endswith("/*") else kind == wanted


class CapsLeaf:
    """Finds texts that are mostly capitals."""

    cost = 1
    needs_hint = True

    def __init__(self, rule: str, spec: Caps) -> None:
        self._rule = rule
        self._spec = spec
        self.least = max(1, -(-spec.min_letters * spec.percent // 100))

    def check(self, case: Case) -> Said:
        """Return the texts that are."""
        if case.kind != "message":
            return NO
        hits = []
        for text in case.said_texts():
            letters, capitals = count_capitals(text.views.raw)
            if letters >= self._spec.min_letters and capitals * 100 >= letters * self._spec.percent:
                detail = f"{capitals * 100 // letters} % of {letters}"
                hits.append(text.hit(self._rule, "caps", "raw", 0, len(text.views.raw), detail))
        return Said(True, tuple(hits[:10])) if hits else NO


def may_shout(data: bytes, text: str, least: int) -> bool:
    """Tell whether a text may have so many capitals; quick, and never falsely no."""
    if text.islower():
        return False
    # In UTF-8 the bytes of ASCII capitals stand for nothing else.
    missing = least - len(data.translate(None, _NO_CAPITALS))
    if missing <= 0:
        return True
    if len(data) < len(text) + missing:
        return False
    return sum(map(str.isupper, text)) >= least


class RateLeaf:
    """Counts messages."""

    cost = 2
    needs_hint = False

    def __init__(self, rule: str, key: str, spec: Rate) -> None:
        self._rule = rule
        self._key = key
        self._limit = spec.limit
        self._span = spec.window.total_seconds()
        self._per = spec.per

    def tally(self, facts: MessageFacts, now: float, windows: Windows) -> bool:
        """Count a new message and tell whether it may reach the limit."""
        author_id, channel_id = facts.author_id, facts.channel_id
        if self._per == "member":
            key: tuple[Any, ...] = (self._key, author_id)
        elif self._per == "channel":
            key = (self._key, channel_id)
        else:
            key = (self._key, author_id, channel_id)
        entry = new_entry(Entry, (now, 1, facts.id, channel_id, author_id, 0))
        return len(windows.add(key, entry, self._span)) >= self._limit

    def check(self, case: Case) -> Said:
        """Return whether this message reaches the limit; an edit is no new message."""
        if case.kind != "message":
            return NO
        if self._per == "member":
            key: tuple[Any, ...] = (self._key, case.author_id)
        elif self._per == "channel":
            key = (self._key, case.channel_id)
        else:
            key = (self._key, case.author_id, case.channel_id)
        entries = case.count(key, 1, self._span, not case.edited)
        if len(entries) < self._limit or case.edited:
            return NO
        mine = list(entries)
        if self._per == "channel":
            # The others did no wrong: only the author's own messages go.
            mine = [one for one in entries if one.user_id == case.author_id]
        hit = Hit(self._rule, "rate", detail=f"{len(entries)} of {self._limit}")
        return Said(True, (hit,), tuple(mine))


class VoiceMovesLeaf:
    """Counts the voice channels that a member enters."""

    cost = 2
    needs_hint = True

    def __init__(self, rule: str, key: str, spec: VoiceMoves) -> None:
        self._rule = rule
        self._key = key
        self._limit = spec.limit
        self._span = spec.window.total_seconds()

    def check(self, case: Case) -> Said:
        """Return whether this channel reaches the limit."""
        if case.kind != "voice":
            return NO
        entries = case.count((self._key, case.author_id), 1, self._span)
        if len(entries) < self._limit:
            return NO
        hit = Hit(self._rule, "voice_moves", detail=f"{len(entries)} of {self._limit}")
        return Said(True, (hit,))


class DuplicatesLeaf:
    """Counts the same text, or nearly the same, by one member in all channels together."""

    cost = 2
    needs_hint = False

    def __init__(self, rule: str, key: str, spec: Duplicates) -> None:
        self._rule = rule
        self._key = key
        self._limit = spec.limit
        self._least = spec.min_length
        self._similar = spec.similar
        self._tolerance = spec.tolerance if spec.similar else 0
        self._span = spec.window.total_seconds()

    def tally(self, facts: MessageFacts, now: float, windows: Windows) -> bool:
        """Count a new message and tell whether it may be one too many."""
        content = facts.content
        if len(content) < self._least:
            return False
        # Most write less than the limit: a text that takes hardly more room than its mark is kept,
        # and looked at once somebody has written enough.
        mark = content if content.__sizeof__() <= _MOST_KEPT else self._mark_of(content)
        author_id = facts.author_id
        entry = new_entry(Entry, (now, 1, facts.id, facts.channel_id, author_id, mark))
        row = windows.add((self._key, author_id), entry, self._span)
        if len(row) < self._limit:
            return False
        # Who writes much writes different things.
        return len(self._same(row, self._mark_of(content))) >= self._limit

    def check(self, case: Case) -> Said:
        """Return whether this message is one too many of its kind."""
        if case.kind != "message":
            return NO
        mark = self._mark_of(shown_text(case))
        if not mark and not case.edited:
            return NO
        weight = 1 if mark else 0
        entries = case.count((self._key, case.author_id), weight, self._span, True, mark)
        if not mark or len(entries) < self._limit:
            return NO
        same = self._same(entries, mark)
        if len(same) < self._limit:
            return NO
        text = shown_text(case)[:100]
        detail = f"{len(same)} of {self._limit}"
        hit = Hit(self._rule, "duplicates", end=len(text), text=text, detail=detail)
        return Said(True, (hit,), tuple(same))

    def _mark_of(self, text: str) -> int:
        return mark_of(text, self._least, similar=self._similar, tolerance=self._tolerance)

    def _same(self, entries: list[Entry], mark: int) -> list[Entry]:
        for index, text in enumerate([one.mark for one in entries]):
            if isinstance(text, str):
                entries[index] = entries[index]._replace(mark=self._mark_of(text))
        if not self._tolerance:
            return [one for one in entries if one.mark == mark]
        return [one for one in entries if is_near(int(one.mark), mark, self._tolerance)]


class CampaignLeaf:
    """Counts the members who send the same text."""

    cost = 2
    needs_hint = False

    def __init__(self, rule: str, key: str, spec: Campaign) -> None:
        self._rule = rule
        self._key = key
        self._spec = spec
        self._span = spec.window.total_seconds()

    def check(self, case: Case) -> Said:
        """Return whether so many members have sent this text; all their messages belong to it."""
        if case.kind != "message" or case.windows is None:
            return NO
        mark = mark_of(shown_text(case), self._spec.min_length, similar=self._spec.similar)
        if not mark and not case.edited:
            return NO
        entries = case.windows.count_text(
            self._key, case.entry(1, mark), self._span, peek=case.peek
        )
        authors = tuple(dict.fromkeys(one.user_id for one in entries))
        if not mark or len(authors) < self._spec.members:
            return NO
        text = shown_text(case)[:100]
        detail = f"{len(authors)} of {self._spec.members}"
        hit = Hit(self._rule, "campaign", end=len(text), text=text, detail=detail)
        key = f"{self._key}:{mark & (2**64 - 1):016x}"
        return Said(True, (hit,), tuple(entries), key, authors if self._spec.everyone else ())
