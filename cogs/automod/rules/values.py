"""What the engine is given and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from cogs.automod.triggers import SourceKind

Action = Any  # One of the models of `cogs.automod.actions`.
ViewName = Literal["raw", "plain", "folded", "joined", "squeezed", "reversed"]
Scope = Literal["member", "campaign"]


@dataclass(slots=True)
class InviteBook:
    """What invite codes are known to lead to: a guild's id, or `None` for no invite at all.

    The service fills it in as codes are resolved; it has to bound it.
    """

    guilds: dict[str, int | None] = field(default_factory=dict)


@dataclass(slots=True)
class DomainBook:
    """The domains that the operator of this process blocks, for all guilds; filled from a file."""

    domains: frozenset[str] = frozenset()


@dataclass(slots=True)
class Context:
    """What the engine knows beside the message; one per guild, its clock set before each call.

    `now` is in seconds since the epoch. `parents` leads from a channel or thread to the channel
    or category that it stands in. `texts` are the contents of text attachments by attachment id,
    fetched since an earlier judgement named them in `needs`; "" for one that can't be read.
    `unasked` are invites that nobody asks about, since the message has too many of them.
    """

    now: float
    guild_id: int
    owner_id: int = 0
    staff_role_ids: frozenset[int] = frozenset()
    parents: Mapping[int, int] = field(default_factory=dict)
    invites: InviteBook = field(default_factory=InviteBook)
    texts: Mapping[int, str] = field(default_factory=dict)
    blocked: DomainBook = field(default_factory=DomainBook)
    unasked: frozenset[str] = frozenset()
    # Whether `needs` are wanted at all: off when nobody can fetch anything.
    can_fetch: bool = True


@dataclass(frozen=True, slots=True)
class NameFacts:
    """A member as their names and their profile show them; times in seconds since the epoch."""

    user_id: int
    username: str = ""
    global_name: str | None = None
    nick: str | None = None
    role_ids: frozenset[int] = frozenset()
    joined_at: float | None = None
    has_avatar: bool = True
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class ThreadFacts:
    """A thread that was made or renamed; `channel_id` is the thread's own id."""

    channel_id: int
    author_id: int
    name: str
    role_ids: frozenset[int] = frozenset()
    joined_at: float | None = None


@dataclass(frozen=True, slots=True)
class NativeFacts:
    """Discord's own AutoMod acted; the event comes once per action of its rule."""

    rule_id: int
    user_id: int
    channel_id: int = 0
    message_id: int | None = None
    keyword: str = ""
    content: str = ""
    role_ids: frozenset[int] = frozenset()
    joined_at: float | None = None


@dataclass(frozen=True, slots=True)
class VoiceFacts:
    """A member entered a voice channel; `number` grows with each that this process hears of."""

    number: int
    user_id: int
    channel_id: int
    role_ids: frozenset[int] = frozenset()
    joined_at: float | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One finding: what of which rule, and where it stands.

    `start` and `end` count characters of the source as it was written when `view` is "raw" or the
    place could be traced back; `text` is what stands there. `detail` says what matched (a word, a
    pattern, a count such as "7 of 5").
    """

    rule: str
    trigger: str
    source: SourceKind = "content"
    view: ViewName = "raw"
    start: int = 0
    end: int = 0
    text: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FetchText:
    """A text attachment that has to be read before the message can be judged in full."""

    attachment_id: int
    url: str
    size: int


@dataclass(frozen=True, slots=True)
class Needs:
    """What is missing: the service fetches it into the context and judges the message again."""

    invites: tuple[str, ...] = ()
    texts: tuple[FetchText, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.invites or self.texts)


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message that belongs to a hit; `user_id` is its author, 0 where that is not known."""

    channel_id: int
    message_id: int
    user_id: int = 0


class Severity(StrEnum):
    """How harsh what follows is, mildest first; compare with `rank`."""

    NONE = "none"
    DELETE = "delete"
    WARN = "warn"
    ROLE = "role"
    TIMEOUT = "timeout"
    MUTE = "mute"
    KICK = "kick"
    TEMPBAN = "tempban"
    BAN = "ban"

    @property
    def rank(self) -> int:
        """Return the place in the order, 0 for the mildest."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules make of a message, a name, a thread or a native hit.

    `actions` are merged: of several sanctions the harshest, once. `messages` are all that belong
    to it, this one and those that filled its windows, each once. `others` are by rule the members
    of a campaign whom it is about beside the author. `shadow_hits` are those of shadow rules: to
    be reported, nothing more. With nothing but `needs`, nothing is known yet.
    """

    hits: tuple[Hit, ...] = ()
    actions: tuple[Action, ...] = ()
    delete: bool = False
    severity: Severity = Severity.NONE
    rules: tuple[str, ...] = ()
    reason: str = ""
    messages: tuple[MessageRef, ...] = ()
    scope: Scope = "member"
    scope_key: str = ""
    author_id: int = 0
    others: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    strikes: Mapping[str, int] = field(default_factory=dict)
    shadow_hits: tuple[Hit, ...] = ()
    shadow_actions: tuple[Action, ...] = ()
    needs: Needs = field(default_factory=Needs)

    @property
    def message_ids(self) -> tuple[int, ...]:
        """Return the ids of all messages that belong to it."""
        return tuple(one.message_id for one in self.messages)

    @property
    def user_ids(self) -> tuple[int, ...]:
        """Return everybody whom it is about, the author first."""
        others = (member for members in self.others.values() for member in members)
        return tuple(dict.fromkeys([self.author_id, *others]))

    @property
    def is_hit(self) -> bool:
        """Whether a rule that acts was hit."""
        return bool(self.hits)


@dataclass(frozen=True, slots=True)
class LeafTrace:
    """What one trigger or condition of a rule said, in the tree's order."""

    type: str
    holds: bool
    hits: tuple[Hit, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """What one rule said in a dry run.

    `exemption` names what would have spared the message ("role", "channel", "member", "staff",
    "bot", "disabled", with the id after a colon where there is one), or is empty.
    """

    rule: str
    holds: bool
    exemption: str = ""
    shadow: bool = False
    leaves: Sequence[LeafTrace] = ()
    actions: tuple[Action, ...] = ()
    needs: Needs = field(default_factory=Needs)
