"""What a rule looks for, as values: triggers and conditions by `type`, joined by all, any and not.

Every model here is data; `cogs.automod.rules` judges by it. Lists are bounded, so that no settings
can make a message expensive.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from bot.core.fields import RoleIds, channels, duration
from bot.core.fields.unions import TaggedUnion
from bot.core.i18n import _
from cogs.automod.rules.patterns import LONGEST, PatternRefused, compile_pattern

MAX_DEPTH = 6

# Where text stands. "preview" is what Discord makes of a link, and "name" what a member is called.
SourceKind = Literal[
    "content",
    "embed",
    "preview",
    "forward",
    "poll",
    "attachment",
    "file",
    "sticker",
    "component",
    "thread",
    "name",
]
MESSAGE_SOURCES: tuple[SourceKind, ...] = (
    "content",
    "embed",
    "forward",
    "poll",
    "attachment",
    "file",
    "sticker",
    "component",
    "thread",
)
Sources = Annotated[tuple[SourceKind, ...], Field(min_length=1, max_length=11)]
Window = Annotated[timedelta, duration(minimum=timedelta(seconds=1), maximum=timedelta(hours=1))]
Age = Annotated[timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=3650))]
Count = Annotated[int, Field(ge=1, le=500)]
Places = Annotated[
    tuple[int, ...], channels(kinds=("text", "news", "voice", "stage", "forum", "category"))
]


class Part(BaseModel):
    """The base of every part of a rule: frozen, and strict about names."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _checked_word(word: str) -> str:
    if not any(char.isalnum() for char in word) and not word.strip():
        raise PydanticCustomError("refused", "empty", {"message": _("Write a word or a phrase.")})
    return word.strip()


def _checked_pattern(pattern: str) -> str:
    try:
        compile_pattern(pattern)
    except PatternRefused as refused:
        raise PydanticCustomError(
            "refused", "{text}", {"text": refused.reason, "message": _refusal(refused)}
        ) from None
    return pattern


def _refusal(refused: PatternRefused) -> Any:
    if refused.position is None:
        return _("This pattern can't be used: {reason}.", reason=refused.reason)
    return _(
        "This pattern can't be used: {reason} (at character {position}).",
        reason=refused.reason,
        position=refused.position + 1,
    )


Word = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_checked_word)]
Pattern = Annotated[str, Field(min_length=1, max_length=LONGEST), AfterValidator(_checked_pattern)]
Domain = Annotated[str, Field(pattern=r"^[^\s/:@*?#]{1,253}$", max_length=253)]
Extension = Annotated[str, Field(pattern=r"^[a-z0-9.]{1,15}$", max_length=15)]


class Words(Part):
    """One of the words, as a whole word or as a part; `*` at either end leaves that end open.

    `look_alikes` also sees other letters that look the same, digits for letters and repeated
    letters; `separators` also sees letters set apart ("b.a.d", "b a d"). `allowed` are words that
    contain a listed one and are fine.
    """

    type: Literal["words"] = "words"
    words: Annotated[tuple[Word, ...], Field(min_length=1, max_length=10_000)]
    match: Literal["word", "part"] = "word"
    look_alikes: bool = True
    separators: bool = True
    allowed: Annotated[tuple[Word, ...], Field(max_length=1000)] = ()
    sources: Sources = MESSAGE_SOURCES


class Regex(Part):
    """One of the patterns, in RE2's syntax; `normalized` also tries the text without disguise."""

    type: Literal["regex"] = "regex"
    patterns: Annotated[tuple[Pattern, ...], Field(min_length=1, max_length=200)]
    case_sensitive: bool = False
    normalized: bool = True
    sources: Sources = MESSAGE_SOURCES


class Links(Part):
    """A link to one of the domains ("deny"), or to any but these ("allow").

    `bare` also sees addresses without https://. `shorteners` adds the known link shorteners to the
    domains that are denied; `blocked` finds what the operator of the bot blocks, in either mode.
    """

    type: Literal["links"] = "links"
    mode: Literal["allow", "deny"] = "allow"
    domains: Annotated[tuple[Domain, ...], Field(max_length=2000)] = ()
    subdomains: bool = True
    bare: bool = True
    shorteners: bool = False
    blocked: bool = False
    limit: Count = 1
    window: Window | None = None
    sources: Sources = MESSAGE_SOURCES


class Invites(Part):
    """An invite to another guild; the guild's own and those of `allowed_guilds` are fine.

    `unresolved` says what an invite is that Discord does not know (any more).
    """

    type: Literal["invites"] = "invites"
    allowed_guilds: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(max_length=200)] = ()
    unresolved: Literal["hit", "pass"] = "hit"
    sources: Sources = MESSAGE_SOURCES


class Caps(Part):
    """Too many capitals: `percent` of at least `min_letters` letters."""

    type: Literal["caps"] = "caps"
    percent: Annotated[int, Field(ge=10, le=100)] = 70
    min_letters: Annotated[int, Field(ge=3, le=2000)] = 12


class Mentions(Part):
    """From `limit` mentions on, in one message or within the window."""

    type: Literal["mentions"] = "mentions"
    limit: Count = 5
    window: Window | None = None
    kinds: Annotated[tuple[Literal["users", "roles"], ...], Field(min_length=1)] = (
        "users",
        "roles",
    )
    unique: bool = True


class EveryoneAttempt(Part):
    """@everyone or @here by someone who may not use it; `also_allowed` by those who may, too."""

    type: Literal["everyone_attempt"] = "everyone_attempt"
    also_allowed: bool = False


class Emoji(Part):
    """From `limit` emoji on, custom ones included, in one message or within the window."""

    type: Literal["emoji"] = "emoji"
    limit: Count = 15
    window: Window | None = None


class Stickers(Part):
    """From `limit` stickers on, in one message or within the window."""

    type: Literal["stickers"] = "stickers"
    limit: Count = 3
    window: Window | None = None


class Lines(Part):
    """From `limit` lines on."""

    type: Literal["lines"] = "lines"
    limit: Count = 25
    window: Window | None = None


class Length(Part):
    """From `limit` characters on."""

    type: Literal["length"] = "length"
    limit: Annotated[int, Field(ge=1, le=100_000)] = 1500
    window: Window | None = None


class Zalgo(Part):
    """Letters under so many combining marks, stacked on one letter."""

    type: Literal["zalgo"] = "zalgo"
    stacked: Annotated[int, Field(ge=2, le=20)] = 4


class Attachments(Part):
    """Attachments of a kind, or from `limit` on.

    With `extensions` or `mimes`, those count ("deny") or all others ("allow"); MIME types may end
    in "/*". With neither, every attachment counts.
    """

    type: Literal["attachments"] = "attachments"
    mode: Literal["allow", "deny"] = "deny"
    extensions: Annotated[tuple[Extension, ...], Field(max_length=200)] = ()
    mimes: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[a-z0-9.+-]+/[a-z0-9.+*-]+$", max_length=100)], ...],
        Field(max_length=100),
    ] = ()
    limit: Count = 1
    window: Window | None = None


class Rate(Part):
    """From `limit` messages on within the window, counted per member, place, or both."""

    type: Literal["rate"] = "rate"
    limit: Annotated[int, Field(ge=2, le=100)] = 6
    window: Window = timedelta(seconds=5)
    per: Literal["member", "member_channel", "channel"] = "member"


class Duplicates(Part):
    """The same text `limit` times by one member, in whatever channels.

    `similar` ignores case, spaces, punctuation, digits, repeated letters and look-alikes. With it,
    `tolerance` lets about so many letters of a hundred be others, more or fewer.
    """

    type: Literal["duplicates"] = "duplicates"
    limit: Annotated[int, Field(ge=2, le=50)] = 4
    window: Window = timedelta(seconds=60)
    min_length: Annotated[int, Field(ge=1, le=500)] = 5
    similar: bool = True
    tolerance: Annotated[int, Field(ge=0, le=20)] = 0


class Campaign(Part):
    """The same text by `members` different members; all their messages belong to the hit.

    With `everyone`, what follows is for each of them, once; without, only for those who write it
    from the hit on.
    """

    type: Literal["campaign"] = "campaign"
    members: Annotated[int, Field(ge=2, le=50)] = 5
    window: Window = timedelta(seconds=60)
    min_length: Annotated[int, Field(ge=1, le=500)] = 20
    similar: bool = True
    everyone: bool = True


class VoiceMoves(Part):
    """From `limit` voice channels on that a member enters within the window; leaving is none."""

    type: Literal["voice_moves"] = "voice_moves"
    limit: Annotated[int, Field(ge=2, le=50)] = 8
    window: Window = timedelta(seconds=30)


class Leaks(Part):
    """A secret that should not be public: a bot's token or a webhook's address."""

    type: Literal["leaks"] = "leaks"
    sources: Sources = MESSAGE_SOURCES


class Name(Part):
    """A member's name, on join and change: first in the list, unreadable, or a staff member's.

    Words, patterns, links and invites look at names when their `sources` have "name".
    """

    type: Literal["name"] = "name"
    hoisted: bool = False
    unreadable: bool = False
    copies: Annotated[tuple[Word, ...], Field(max_length=100)] = ()


class Honeypot(Part):
    """Any message in one of these channels."""

    type: Literal["honeypot"] = "honeypot"
    channels: Places


class Native(Part):
    """Discord's own AutoMod acted; by one of these of its rules, or by any."""

    type: Literal["native"] = "native"
    rules: Annotated[tuple[Annotated[int, Field(gt=0)], ...], Field(max_length=20)] = ()


class AccountYoungerThan(Part):
    """The account was made less than this long ago."""

    type: Literal["account_younger_than"] = "account_younger_than"
    age: Age


class JoinedWithin(Part):
    """The member joined less than this long ago."""

    type: Literal["joined_within"] = "joined_within"
    age: Age


class HasRoles(Part):
    """The member has one of the roles."""

    type: Literal["has_roles"] = "has_roles"
    roles: RoleIds


class LacksRoles(Part):
    """The member has none of the roles."""

    type: Literal["lacks_roles"] = "lacks_roles"
    roles: RoleIds


class InChannels(Part):
    """The message stands in one of the channels, in a thread of one, or in one of a category."""

    type: Literal["channels"] = "channels"
    channels: Places


class NoAvatar(Part):
    """The member has no picture of their own."""

    type: Literal["no_avatar"] = "no_avatar"


class All(Part):
    """Everything of it."""

    all: Annotated[tuple["Node", ...], Field(min_length=1, max_length=20)]


class AnyOf(Part):
    """At least one of it."""

    any: Annotated[tuple["Node", ...], Field(min_length=1, max_length=20)]


class Not(Part):
    """None of it; written as `{"not": …}`."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    negated: "Node" = Field(alias="not")


Trigger = (
    Words
    | Regex
    | Links
    | Invites
    | Caps
    | Mentions
    | EveryoneAttempt
    | Emoji
    | Stickers
    | Lines
    | Length
    | Zalgo
    | Attachments
    | Rate
    | Duplicates
    | Campaign
    | VoiceMoves
    | Leaks
    | Name
    | Honeypot
    | Native
)
Condition = AccountYoungerThan | JoinedWithin | HasRoles | LacksRoles | InChannels | NoAvatar
Leaf = Trigger | Condition
Branch = All | AnyOf | Not


Node = Annotated[Leaf | Branch, TaggedUnion(Leaf | Branch)]


def children_of(node: Any) -> tuple[Any, ...]:
    """Return what a branch joins; nothing for a trigger or condition."""
    if isinstance(node, All):
        return node.all
    if isinstance(node, AnyOf):
        return node.any
    return (node.negated,) if isinstance(node, Not) else ()


def depth_of(node: Any) -> int:
    """Return how many branches stand above the lowest leaf."""
    below = children_of(node)
    return 1 + max(map(depth_of, below)) if below else 0


def leaves_of(node: Any) -> Iterator[Any]:
    """Yield the triggers and conditions of a tree, in their order."""
    below = children_of(node)
    if not below:
        yield node
    for one in below:
        yield from leaves_of(one)
