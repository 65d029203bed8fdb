"""What of a rule's triggers Discord's own AutoMod can look for, in its shape, and why not the rest.

Each part of an "or" is looked at by itself: a rule may become several of Discord's, or be theirs in
part. Pure. https://discord.com/developers/docs/resources/auto-moderation
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.core.i18n import N_, Message, _, ngettext
from cogs.automod.rules.measures import leak_patterns, marks_hint
from cogs.automod.triggers import (
    AnyOf,
    EveryoneAttempt,
    Leaks,
    Lines,
    Links,
    Mentions,
    Regex,
    Words,
    Zalgo,
)

KEYWORD, SPAM, PRESET, MENTION_SPAM, MEMBER_PROFILE = 1, 3, 4, 5, 6
MAX_KEYWORDS = 1000
MAX_KEYWORD = 60
MAX_PATTERNS = 10
MAX_PATTERN = 260
MAX_ALLOWED = 100
MAX_MENTIONS = 50

Json = dict[str, Any]

_ONE_MESSAGE = N_("Discord counts within one message only.")
_EACH_BY_ITSELF = N_(
    "Discord judges each message by itself; its own filter against spam comes with the option spam."
)
_SEVERAL = N_("Discord can't ask for several things at once, nor for what is not there.")
_NO_CONDITIONS = N_("Discord knows no conditions but exempt roles and channels.")
_WHY_NOT: Mapping[str, str] = {
    "invites": N_("Discord can't tell this server's invites from those of others."),
    "caps": N_("Discord can't count capitals."),
    "emoji": N_("Discord can't count emoji."),
    "stickers": N_("Discord can't count stickers."),
    "length": N_("Discord can't count characters."),
    "attachments": N_("Discord does not look at files."),
    "rate": _EACH_BY_ITSELF,
    "duplicates": _EACH_BY_ITSELF,
    "campaign": _EACH_BY_ITSELF,
    "voice_moves": N_("Discord judges messages and names only."),
    "name": N_("Discord finds words and patterns in names, but can't compare names."),
    "honeypot": N_("Discord judges what a message says, not where it stands."),
    "native": N_("It is about Discord's own AutoMod already."),
}


class Unfit(Exception):
    """A rule, or a part of it, that Discord can't carry out."""

    def __init__(self, why: Message) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Shape:
    """One of Discord's rules, as far as what it looks for; these roles it does not apply to."""

    kind: int
    metadata: Json
    exempt_roles: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """What the guild decides: whom Discord lets mention everyone, and whether it fears raids."""

    everyone_role_ids: Collection[int] = ()
    everyone_may: bool = False
    raid_protection: bool = False


@dataclass(slots=True)
class _Texts:
    """What is looked for in texts of one kind: messages or names."""

    words: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def shapes(self, kind: int) -> Iterator[Shape]:
        """Yield as many rules as it takes."""
        words, patterns, allowed = (
            list(dict.fromkeys(one)) for one in (self.words, self.patterns, self.allowed)
        )
        count = max(_parts(words, MAX_KEYWORDS), _parts(patterns, MAX_PATTERNS))
        for number in range(count):
            yield Shape(
                kind,
                {
                    "keyword_filter": words[number * MAX_KEYWORDS :][:MAX_KEYWORDS],
                    "regex_patterns": patterns[number * MAX_PATTERNS :][:MAX_PATTERNS],
                    "allow_list": allowed,
                },
            )


def _parts(items: Sequence[str], most: int) -> int:
    return -(-len(items) // most)


class _Collector:
    """Takes the parts of one rule that fit, and notes why others don't."""

    def __init__(self, settled: Settled) -> None:
        self._settled = settled
        self._messages, self._names = _Texts(), _Texts()
        self._more: list[Shape] = []
        self.left_out: list[Message] = []

    def take(self, node: Any) -> None:
        """Take a trigger, or leave it out."""
        takers: Mapping[type, Callable[[Any], None]] = {
            Words: self._words,
            Regex: self._regex,
            Links: self._links,
            Leaks: self._leaks,
            Zalgo: self._zalgo,
            Lines: self._lines,
            Mentions: self._mentions,
            EveryoneAttempt: self._everyone,
        }
        taker = takers.get(type(node))
        if taker is None:
            self.left_out.append(_why_not(node))
            return
        try:
            taker(node)
        except Unfit as unfit:
            self.left_out.append(unfit.why)

    def shapes(self) -> list[Shape]:
        """Return Discord's rules for what was taken."""
        texts = [
            *self._messages.shapes(KEYWORD),
            *self._names.shapes(MEMBER_PROFILE),
        ]
        return [*texts, *self._more]

    def _places(self, leaf: Any) -> list[_Texts]:
        places = (("content", self._messages), ("name", self._names))
        found = [texts for source, texts in places if source in leaf.sources]
        if not found:
            raise Unfit(_("Discord looks at the text of messages and at names only."))
        return found

    def _words(self, leaf: Words) -> None:
        places = self._places(leaf)
        _check_allowed(leaf.allowed)
        listed = [f"*{one.strip('*')}*" if leaf.match == "part" else one for one in leaf.words]
        fitting = [one for one in listed if len(one) <= MAX_KEYWORD]
        for texts in places:
            texts.words += fitting
            texts.allowed += leaf.allowed
            if len(set(texts.allowed)) > MAX_ALLOWED:
                raise Unfit(_too_many_allowed())
        if left := len(listed) - len(fitting):
            self.left_out.append(
                ngettext(
                    "{count} word is longer than the {most} characters that Discord takes.",
                    "{count} words are longer than the {most} characters that Discord takes.",
                    left,
                    most=MAX_KEYWORD,
                )
            )

    def _regex(self, leaf: Regex) -> None:
        found = [one if leaf.case_sensitive else f"(?i){one}" for one in leaf.patterns]
        places = self._places(leaf)
        for texts in places:
            self._add_patterns(texts, found, note=texts is places[0])

    def _add_patterns(self, texts: _Texts, patterns: Sequence[str], *, note: bool = True) -> None:
        fitting = [one for one in patterns if len(one) <= MAX_PATTERN]
        texts.patterns += fitting
        if note and (left := len(patterns) - len(fitting)):
            self.left_out.append(
                ngettext(
                    "{count} pattern is longer than the {most} characters that Discord takes.",
                    "{count} patterns are longer than the {most} characters that Discord takes.",
                    left,
                    most=MAX_PATTERN,
                )
            )

    def _links(self, leaf: Links) -> None:
        if leaf.mode == "allow":
            raise Unfit(_("Discord can deny sites, but not all others."))
        if leaf.limit > 1 or leaf.window is not None:
            raise Unfit(_("Discord finds links, but does not count them."))
        places = self._places(leaf)
        if leaf.domains:
            found = _domain_patterns(leaf.domains, subdomains=leaf.subdomains)
            for texts in places:
                self._add_patterns(texts, found, note=texts is places[0])
        if leaf.shorteners or leaf.blocked:
            self.left_out.append(
                _("The lists of link shorteners and of sites that the operator blocks stay here.")
            )

    def _leaks(self, leaf: Leaks) -> None:
        for texts in self._places(leaf):
            texts.patterns += leak_patterns()

    def _zalgo(self, leaf: Zalgo) -> None:
        self._messages.patterns.append(marks_hint(leaf.stacked))

    def _lines(self, leaf: Lines) -> None:
        if leaf.window is not None:
            raise Unfit(_(_ONE_MESSAGE))
        if leaf.limit > 1:
            self._messages.patterns.append(rf"(?:\n[^\n]*){{{leaf.limit - 1}}}")

    def _mentions(self, leaf: Mentions) -> None:
        if leaf.window is not None:
            raise Unfit(_(_ONE_MESSAGE))
        if set(leaf.kinds) != {"users", "roles"}:
            raise Unfit(_("Discord counts mentions of members and roles together."))
        # Discord acts above its limit, our rules from theirs on.
        limit = leaf.limit - 1
        if limit > MAX_MENTIONS:
            raise Unfit(_("Discord acts above {count} mentions at the latest.", count=MAX_MENTIONS))
        metadata = {"mention_total_limit": limit}
        if self._settled.raid_protection:
            metadata["mention_raid_protection_enabled"] = True
        self._more.append(Shape(MENTION_SPAM, metadata))

    def _everyone(self, leaf: EveryoneAttempt) -> None:
        if self._settled.everyone_may and not leaf.also_allowed:
            raise Unfit(_("Everybody may mention @everyone here."))
        spared = () if leaf.also_allowed else tuple(self._settled.everyone_role_ids)
        metadata = {
            "keyword_filter": ["@everyone", "@here"],
            "regex_patterns": [],
            "allow_list": [],
        }
        self._more.append(Shape(KEYWORD, metadata, spared))


def shapes_of(when: Any, settled: Settled) -> tuple[list[Shape], list[Message]]:
    """Return Discord's rules for what a rule looks for, and why what is left out does not fit."""
    collector = _Collector(settled)
    for node in _alternatives(when):
        collector.take(node)
    by_text = {one.render(None): one for one in collector.left_out}
    return collector.shapes(), list(by_text.values())


def _alternatives(node: Any) -> Iterator[Any]:
    if isinstance(node, AnyOf):
        for one in node.any:
            yield from _alternatives(one)
    else:
        yield node


def _why_not(node: Any) -> Message:
    kind = getattr(node, "type", None)
    if kind is None:
        return _(_SEVERAL)
    return _(_WHY_NOT.get(kind, _NO_CONDITIONS))


def _check_allowed(allowed: Sequence[str]) -> None:
    if len(allowed) > MAX_ALLOWED:
        raise Unfit(_too_many_allowed())
    # Without one of them Discord would block what is fine.
    if any(len(one) > MAX_KEYWORD for one in allowed):
        raise Unfit(
            _(
                "An allowed word is longer than the {most} characters that Discord takes.",
                most=MAX_KEYWORD,
            )
        )


def _too_many_allowed() -> Message:
    return _("Discord takes at most {count} allowed words in a rule.", count=MAX_ALLOWED)


def _domain_patterns(domains: Sequence[str], *, subdomains: bool) -> list[str]:
    """Return patterns that find addresses of the domains, as many in each as it can hold."""
    start = r"(?i)(?:^|[^\w.-])" + (r"(?:[\w-]+\.)*" if subdomains else "") + "(?:"
    end = r")\.?(?:$|[^\w.-])"
    room = MAX_PATTERN - len(start) - len(end)
    groups: list[str] = []
    for domain in domains:
        escaped = re.escape(domain.lower()).replace("\\-", "-")
        if groups and len(groups[-1]) + 1 + len(escaped) <= room:
            groups[-1] += f"|{escaped}"
        else:
            groups.append(escaped)
    return [f"{start}{group}{end}" for group in groups]
