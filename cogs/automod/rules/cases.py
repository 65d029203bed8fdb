"""One thing to judge, with all that its triggers may ask about it, worked out once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from cogs.automod.rules.folding import make_unsure
from cogs.automod.rules.invites import Invite, invites_of
from cogs.automod.rules.links import Link, links_of
from cogs.automod.rules.sources import MAX_TEXT
from cogs.automod.rules.values import Context, Hit, MessageRef, ViewName
from cogs.automod.rules.views import Views
from cogs.automod.rules.windows import Entry, Windows, new_entry

if TYPE_CHECKING:
    from cogs.automod.triggers import SourceKind

# Discord's epoch: https://discord.com/developers/docs/reference#snowflakes
_EPOCH = 1_420_070_400.0
_MOST_SHOWN = 100

CaseKind = Literal["message", "name", "thread", "native", "voice"]


class Said(NamedTuple):
    """What a trigger or a tree says: yes, no, or (`None`) not yet known.

    Of a campaign, its key and the members whom it is about beside the author.
    """

    truth: bool | None
    hits: tuple[Hit, ...] = ()
    entries: tuple[Entry, ...] = ()
    campaign: str = ""
    members: tuple[int, ...] = ()


NO = Said(False)
YES = Said(True)
UNKNOWN = Said(None)


class Text:
    """One text of a case: its readings, and the numbers of the patterns that may be in it."""

    __slots__ = ("_encodable", "_invites", "_links", "_unsure", "ids", "kind", "views")

    def __init__(self, kind: SourceKind, views: Views, ids: frozenset[int]) -> None:
        self.kind: SourceKind = kind
        self.views = views
        self.ids = ids
        self._links: dict[bool, list[Link]] = {}
        self._invites: list[Invite] | None = None
        # By the reading itself: what takes the whole of it is done once for all candidates.
        self._unsure: dict[str, str] | None = None
        self._encodable: dict[str, str] | None = None

    def unsure(self, reading: str) -> str:
        """Return a reading of the text with every i and l unsure, made once for all words."""
        if self._unsure is None:
            self._unsure = {}
        found = self._unsure.get(reading)
        if found is None:
            found = self._unsure[reading] = make_unsure(reading)
        return found

    def encodable(self, reading: str) -> str:
        """Return a reading without halves of surrogate pairs, made once for all patterns."""
        if self._encodable is None:
            self._encodable = {}
        found = self._encodable.get(reading)
        if found is None:
            found = reading.encode("utf-8", "replace").decode()
            self._encodable[reading] = found
        return found

    def links(self, *, bare: bool) -> Sequence[Link]:
        """Return the links of the text, found once for all rules that ask."""
        found = self._links.get(bare)
        if found is None:
            found = self._links[bare] = links_of(self.views, bare=bare)
        return found

    @property
    def invites(self) -> Sequence[Invite]:
        """Return the invites in the text, found once for all rules that ask."""
        if self._invites is None:
            self._invites = invites_of(self.views)
        return self._invites

    def hit(  # noqa: PLR0917 - a place is two numbers
        self, rule: str, trigger: str, view: ViewName, start: int, end: int, detail: str = ""
    ) -> Hit:
        """Return a hit at a place of the clean text (of the written one for the raw view)."""
        shown = self.views.raw if view == "raw" else self.views.clean
        if view != "raw" and (written := self.views.in_raw(start, end)) is not None:
            start, end = written
            shown = self.views.raw
        text = shown[start:end][:_MOST_SHOWN]
        return Hit(rule, trigger, self.kind, view, start, end, text, detail[:_MOST_SHOWN])


_NOTHING: Mapping[str, Any] = {}


class Case:
    """A message, a name, a thread's name, a native hit or a step into voice under judgement."""

    # Most cases are clean messages, which need none of these of their own.
    texts: Sequence[Text] = ()
    joined: float | None = None
    has_avatar: bool | None = None
    native_rule = 0
    need_invites: tuple[str, ...] = ()

    def __init__(  # noqa: PLR0917 - positions cost half of what names do, for every message
        self,
        kind: CaseKind,
        context: Context,
        windows: Windows | None,
        author_id: int,
        role_ids: frozenset[int],
        channel_id: int = 0,
        message_id: int = 0,
        content: str = "",
        raw: Mapping[str, Any] = _NOTHING,
        edited: bool = False,
        peek: bool = False,
    ) -> None:
        self.kind: CaseKind = kind
        self.context = context
        self.windows = windows
        self.author_id = author_id
        self.role_ids = role_ids
        self.channel_id = channel_id
        self.message_id = message_id
        self.content = content
        self.raw = raw
        self.edited = edited
        self.peek = peek

    @property
    def account_age(self) -> float:
        """The age of the author's account in seconds, from the id's own time."""
        return self.context.now - ((self.author_id >> 22) / 1000 + _EPOCH)

    @property
    def membership(self) -> float | None:
        """For how many seconds the author has been a member; `None` when it can't be told."""
        joined = self.joined
        if joined is None:
            joined = _joined_at(self.raw.get("member"))
        return None if joined is None else self.context.now - joined

    @property
    def lacks_avatar(self) -> bool:
        """Whether the author has no picture of their own."""
        if self.has_avatar is not None:
            return not self.has_avatar
        author = self.raw.get("author")
        return isinstance(author, Mapping) and not author.get("avatar")

    def is_in(self, channels: frozenset[int]) -> bool:
        """Tell whether it stands in one of the channels, or in something that stands in one."""
        place, parents = self.channel_id, self.context.parents
        # A thread stands in a channel, which stands in a category.
        for _level in range(3):
            if place in channels:
                return True
            place = parents.get(place, 0)
        return False

    def said_texts(self) -> Iterable[Text]:
        """Return the texts that the author said: the content, what it forwards, and polls."""
        return [one for one in self.texts if one.kind in ("content", "forward", "poll")]

    def entry(self, weight: int, mark: int = 0) -> Entry:
        """Return what this message counts in a window."""
        return new_entry(
            Entry,
            (self.context.now, weight, self.message_id, self.channel_id, self.author_id, mark),
        )

    def count(
        self, key: tuple[Any, ...], weight: int, span: float, add: bool = True, mark: int = 0
    ) -> list[Entry]:
        """Count this message under a key and return all that lies in the window."""
        entry = self.entry(weight, mark)
        if self.windows is None:
            return [entry] if weight else []
        return self.windows.count(key, entry, span, add, self.peek)

    def weigh(self, key: tuple[Any, ...], weight: int, span: float) -> tuple[int, list[Entry]]:
        """Count this message under a key; return the sum within the window, and what is held."""
        entries = self.count(key, weight, span)
        total = sum(one.weight for one in entries)
        if self.windows is not None:
            total += self.windows.dropped(key, self.context.now - span)
        return total, list(entries)

    @property
    def ref(self) -> MessageRef:
        """The message itself."""
        return MessageRef(self.channel_id, self.message_id, self.author_id)


def _joined_at(member: Any) -> float | None:
    if not isinstance(member, Mapping):
        return None
    try:
        return datetime.fromisoformat(str(member.get("joined_at"))).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def cut(text: str) -> str:
    """Return the part of a text that is looked at."""
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT]
