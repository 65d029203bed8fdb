"""Rules compiled: triggers and conditions joined by all, any and not, in three-valued logic.

What is not yet known (an invite not resolved) makes a rule unknown only where it matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from cogs.automod.rules import conditions, counting, places, words
from cogs.automod.rules.cases import NO, Case, Said
from cogs.automod.rules.scanning import Pattern
from cogs.automod.rules.values import LeafTrace
from cogs.automod.triggers import All, AnyOf, Not

if TYPE_CHECKING:
    from cogs.automod.settings import Rule


class Checker(Protocol):
    """A trigger, a condition or a branch.

    `cost` puts conditions before searches and windows last; `needs_hint` says that it holds only
    where the scanner or a measure has named it.
    """

    @property
    def cost(self) -> int:
        """What it costs to ask it, roughly."""
        ...

    def check(self, case: Case) -> Said:
        """Return what it says of the case."""
        ...


@dataclass(frozen=True, slots=True)
class Leaf:
    """A trigger or condition with its place in the engine's list."""

    number: int
    spec: Any
    checker: Any

    @property
    def type(self) -> str:
        """The type of the trigger or condition."""
        return self.spec.type


@dataclass(frozen=True, slots=True)
class _All:
    children: tuple[Checker, ...]
    cost: int

    def check(self, case: Case) -> Said:
        known: bool | None = True
        parts = []
        for child in self.children:
            said = child.check(case)
            if said.truth is False:
                return NO
            if said.truth is None:
                known = None
            parts.append(said)
        return _joined(known, parts)


@dataclass(frozen=True, slots=True)
class _Any:
    children: tuple[Checker, ...]
    cost: int

    def check(self, case: Case) -> Said:
        # Every part is asked: each has its own hits to show, and its own window to count in.
        parts = [child.check(case) for child in self.children]
        holding = [said for said in parts if said.truth]
        if holding:
            return _joined(True, holding)
        return Said(None) if any(said.truth is None for said in parts) else NO


@dataclass(frozen=True, slots=True)
class _Not:
    child: Checker
    cost: int

    def check(self, case: Case) -> Said:
        truth = self.child.check(case).truth
        return Said(None if truth is None else not truth)


def _joined(truth: bool | None, parts: list[Said]) -> Said:
    if len(parts) == 1:
        return parts[0]
    return Said(
        truth,
        tuple(hit for said in parts for hit in said.hits),
        tuple(entry for said in parts for entry in said.entries),
        next((said.campaign for said in parts if said.campaign), ""),
        tuple(member for said in parts for member in said.members),
    )


_MAKERS: dict[str, Callable[[str, str, Any], Any]] = {
    "words": lambda rule, _key, spec: words.WordsLeaf(rule, spec),
    "regex": lambda rule, _key, spec: words.RegexLeaf(rule, spec),
    "links": places.LinksLeaf,
    "invites": lambda rule, _key, spec: places.InvitesLeaf(rule, spec),
    "leaks": lambda rule, _key, spec: places.LeaksLeaf(rule, spec),
    "everyone_attempt": lambda rule, _key, spec: places.EveryoneLeaf(rule, spec),
    "zalgo": lambda rule, _key, spec: places.ZalgoLeaf(rule, spec),
    "name": lambda rule, _key, spec: places.NameLeaf(rule, spec),
    "caps": lambda rule, _key, spec: counting.CapsLeaf(rule, spec),
    "mentions": counting.MentionsLeaf,
    "emoji": counting.EmojiLeaf,
    "stickers": counting.StickersLeaf,
    "lines": counting.LinesLeaf,
    "length": counting.LengthLeaf,
    "attachments": counting.AttachmentsLeaf,
    "rate": counting.RateLeaf,
    "duplicates": counting.DuplicatesLeaf,
    "campaign": counting.CampaignLeaf,
    "voice_moves": counting.VoiceMovesLeaf,
    "honeypot": lambda rule, _key, spec: conditions.HoneypotLeaf(rule, spec),
    "native": lambda rule, _key, spec: conditions.NativeLeaf(rule, spec),
    "account_younger_than": lambda _rule, _key, spec: conditions.account_younger_than(spec),
    "joined_within": lambda _rule, _key, spec: conditions.joined_within(spec),
    "has_roles": lambda _rule, _key, spec: conditions.has_roles(spec),
    "lacks_roles": lambda _rule, _key, spec: conditions.lacks_roles(spec),
    "channels": lambda _rule, _key, spec: conditions.in_channels(spec),
    "no_avatar": lambda _rule, _key, spec: conditions.no_avatar(spec),
}


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule, ready to be asked."""

    spec: Rule
    root: Checker
    leaves: tuple[Leaf, ...]
    # Whether it can hold without any hint, so that it has to be asked every time.
    always: bool
    exempt_roles: frozenset[int]
    exempt_channels: frozenset[int]
    exempt_members: frozenset[int]
    exempts: bool

    def exemption(self, case: Case) -> str:
        """Return what spares the author, such as "role:1", or nothing."""
        if not self.exempts:
            return ""
        if case.author_id in self.exempt_members:
            return f"member:{case.author_id}"
        if not case.role_ids.isdisjoint(self.exempt_roles):
            return f"role:{min(case.role_ids & self.exempt_roles)}"
        if self.exempt_channels and case.is_in(self.exempt_channels):
            return f"channel:{case.channel_id}"
        return ""

    def trace(self, case: Case) -> list[LeafTrace]:
        """Return what each trigger and condition says by itself."""
        said = [(leaf, leaf.checker.check(case)) for leaf in self.leaves]
        return [LeafTrace(leaf.type, bool(one.truth), one.hits, _detail(one)) for leaf, one in said]


def _detail(said: Said) -> str:
    if said.truth is None:
        return "unknown"
    return said.hits[0].detail if said.hits else ""


@dataclass(slots=True)
class Compiler:
    """Numbers the triggers of all rules while it compiles them."""

    leaves: list[Leaf] = field(default_factory=list)

    def compile(self, rule: Rule) -> CompiledRule:
        """Return the rule compiled; raises `PatternRefused`."""
        first = len(self.leaves)
        root = self._node(rule.name, rule.when)
        members = frozenset(rule.exempt_members)
        roles, channels = frozenset(rule.exempt_roles), frozenset(rule.exempt_channels)
        return CompiledRule(
            rule,
            root,
            tuple(self.leaves[first:]),
            not _needs_hint(root),
            roles,
            channels,
            members,
            bool(members or roles or channels),
        )

    def _node(self, rule: str, node: Any) -> Checker:
        if isinstance(node, All):
            children = sorted((self._node(rule, one) for one in node.all), key=lambda c: c.cost)
            return _All(tuple(children), max(one.cost for one in children))
        if isinstance(node, AnyOf):
            found = tuple(self._node(rule, one) for one in node.any)
            return _Any(found, max(one.cost for one in found))
        if isinstance(node, Not):
            child = self._node(rule, node.negated)
            return _Not(child, child.cost)
        number = len(self.leaves)
        checker = _MAKERS[node.type](rule, f"{rule}/{number}", node)
        self.leaves.append(Leaf(number, node, checker))
        return checker


def _needs_hint(node: Any) -> bool:
    """Tell whether the tree is false as long as no hinted trigger was named."""
    if isinstance(node, _All):
        return any(map(_needs_hint, node.children))
    if isinstance(node, _Any):
        return all(map(_needs_hint, node.children))
    if isinstance(node, _Not):
        return False
    return node.needs_hint


def hints_of(leaf: Leaf) -> Iterator[tuple[Pattern, object]]:
    """Yield the patterns by which the scanner names a trigger; none for those without."""
    hints = getattr(leaf.checker, "hints", None)
    return iter(()) if hints is None else hints()
