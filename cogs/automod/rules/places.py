"""Triggers that find a place in a text: links, invites, secrets, @everyone, marks, names."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cogs.automod.rules.cases import NO, UNKNOWN, Case, Said, Text
from cogs.automod.rules.counting import Counter
from cogs.automod.rules.domains import SHORTENERS
from cogs.automod.rules.invites import Invite
from cogs.automod.rules.links import (
    Link,
    host_of,
    is_telling,
    matches_domain,
)
from cogs.automod.rules.measures import (
    LEAK_HINT,
    find_everyone,
    find_leak,
    marks_hint,
    stacked_marks,
)
from cogs.automod.rules.values import Hit
from cogs.automod.rules.views import Views

if TYPE_CHECKING:
    from cogs.automod.triggers import EveryoneAttempt, Invites, Leaks, Links, Name, Zalgo

MAX_HITS = 10
# Anything that may turn out to be an address; ASCII look-alikes of dots included.
_LINK_HINTS = (
    r"(?i)h(?:tt|xx)ps?\s?:\s?[/\\]",
    "(?i)[0-9a-z\\x{80}-\\x{10FFFF}-][.\u3002\u2024\uff0e\uff61][a-z\\x{80}-\\x{10FFFF}][0-9a-z\\x{80}-\\x{10FFFF}-]",
    r"(?i)[\[({<]\s?(?:\.|dot|punto)\s?[\])}>]| (?:dot|punto) (?:com|net|org|gg|xyz|ru|io|me)",
)
_INVITE_HINT = r"(?i)d[i1l]sc[o0]rd|dsc\W|[.\])}>]\s?gg(?:[.:]\w{0,5})?\s{0,3}[/\\]"
# What the list of members puts before every letter.
_HOISTING = re.compile(r"^[\s!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~\u2000-\u2bff]+")
_MOSTLY = 0.5
_RUN = re.compile(r"(.)\1+", re.DOTALL)


class Hinted:
    """A trigger that is asked only where the scanner found one of its hints, or always."""

    cost = 1
    needs_hint = True
    _hints: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._ids: set[int] = set()

    def hints(self) -> Iterator[tuple[str, object]]:
        """Yield the patterns by which candidates are found."""
        for pattern in self._hints:
            yield pattern, None

    def learn(self, number: int, _payload: object) -> None:
        """Remember which number the scanner gave a hint."""
        self._ids.add(number)

    def candidates(self, case: Case, sources: frozenset[str]) -> Iterator[Text]:
        """Yield the texts of these sources in which a hint was found."""
        for text in case.texts:
            if text.kind in sources and not text.ids.isdisjoint(self._ids):
                yield text


class LinksLeaf(Hinted):
    """Finds links to listed domains, or to any but these."""

    _hints = _LINK_HINTS

    def __init__(self, rule: str, key: str, spec: Links) -> None:
        super().__init__()
        self._rule = rule
        self._spec = spec
        self._sources = frozenset(spec.sources)
        # As the hosts of links are read, or "xn--" would never match.
        listed = frozenset(host_of(one).removeprefix("www.") for one in spec.domains)
        self._domains = listed | SHORTENERS if spec.shorteners and spec.mode == "deny" else listed
        self._counter = Counter(key, spec.limit, spec.window)
        self.cost = self._counter.cost
        self._enough = max(spec.limit, MAX_HITS)

    def check(self, case: Case) -> Said:
        """Return the links found, at most ten; those beyond the limit are not counted."""
        found = list(itertools.islice(self._wanted(case), self._enough))
        hits = []
        for text, link in found[:MAX_HITS]:
            start, end = (link.start, link.end) if link.traced else (0, 0)
            hits.append(text.hit(self._rule, "links", "plain", start, end, link.host))
        return self._counter.judge(case, len(found), tuple(hits))

    def _wanted(self, case: Case) -> Iterator[tuple[Text, Link]]:
        # All are looked at, however many: those that are fine must not hide one that is not.
        for text in self.candidates(case, self._sources):
            for link in text.links(bare=self._spec.bare):
                if self._is_wanted(link, case):
                    yield text, link

    def _is_wanted(self, link: Link, case: Case) -> bool:
        # What the operator blocks is no guild's to allow.
        if self._spec.blocked and matches_domain(
            link.host, case.context.blocked.domains, subdomains=True
        ):
            return True
        listed = matches_domain(link.host, self._domains, subdomains=self._spec.subdomains)
        if self._spec.mode == "deny":
            return listed
        return not listed and is_telling(link)


class InvitesLeaf(Hinted):
    """Finds invites to other guilds, as far as it is known where they lead."""

    _hints = (_INVITE_HINT,)

    def __init__(self, rule: str, spec: Invites) -> None:
        super().__init__()
        self._rule = rule
        self._spec = spec
        self._sources = frozenset(spec.sources)
        self._fine = frozenset(spec.allowed_guilds)

    def check(self, case: Case) -> Said:
        """Return the invites found; unknown while a code is not resolved."""
        hits: list[Hit] = []
        unknown: list[str] = []
        for text in self.candidates(case, self._sources):
            for invite in text.invites:
                verdict = self._is_wanted(invite, case)
                if verdict is None:
                    unknown.append(invite.code)
                elif verdict and len(hits) < MAX_HITS:
                    start, end = invite.start, invite.end
                    detail = _detail(invite, case)
                    hits.append(text.hit(self._rule, "invites", "plain", start, end, detail))
        if unknown:
            case.need_invites = tuple(dict.fromkeys((*case.need_invites, *unknown)))
        if hits:
            return Said(True, tuple(hits))
        return UNKNOWN if unknown else NO

    def _is_wanted(self, invite: Invite, case: Case) -> bool | None:
        known = case.context.invites.guilds
        if invite.foreign:
            return self._spec.unresolved == "hit"
        if invite.code in known:
            guild_id = known[invite.code]
            if guild_id is None:
                return self._spec.unresolved == "hit"
            return guild_id != case.context.guild_id and guild_id not in self._fine
        if invite.code in case.context.unasked:
            # Whatever the rule makes of dead invites: any number of those would hide a live one.
            return True
        return None if case.context.can_fetch else self._spec.unresolved == "hit"


def _detail(invite: Invite, case: Case) -> str:
    if invite.code in case.context.unasked:
        return f"{invite.code}: not looked up, too many invites"
    return invite.code


class LeaksLeaf(Hinted):
    """Finds bots' tokens and webhooks' addresses; shows only how they begin."""

    _hints = (LEAK_HINT,)

    def __init__(self, rule: str, spec: Leaks) -> None:
        super().__init__()
        self._rule = rule
        self._sources = frozenset(spec.sources)

    def check(self, case: Case) -> Said:
        """Return the first secret of each text."""
        hits = []
        for text in self.candidates(case, self._sources):
            if found := find_leak(text.views.raw):
                match, what = found
                # Never the secret itself: hits are shown and stored.
                shown = match[0][:6] + "…"
                hits.append(Hit(self._rule, "leaks", text.kind, "raw", *match.span(), shown, what))
        return Said(True, tuple(hits[:MAX_HITS])) if hits else NO


class EveryoneLeaf(Hinted):
    """Finds @everyone and @here by members who may not use it."""

    _hints = (r"@(?:everyone|here)",)

    def __init__(self, rule: str, spec: EveryoneAttempt) -> None:
        super().__init__()
        self._rule = rule
        self._also_allowed = spec.also_allowed

    def check(self, case: Case) -> Said:
        """Return where it stands in the content."""
        notified = bool(case.raw.get("mention_everyone"))
        if notified and not self._also_allowed:
            return NO
        for text in self.candidates(case, frozenset({"content"})):
            if found := find_everyone(text.views.raw, notified=notified):
                hit = text.hit(self._rule, "everyone_attempt", "raw", *found.span(), found[0])
                return Said(True, (hit,))
        return NO


class ZalgoLeaf(Hinted):
    """Finds letters under stacked marks."""

    def __init__(self, rule: str, spec: Zalgo) -> None:
        super().__init__()
        self._rule = rule
        self._hints = (marks_hint(spec.stacked),)
        self._pattern = stacked_marks(spec.stacked)

    def check(self, case: Case) -> Said:
        """Return the first stack of each text."""
        hits = []
        sources = frozenset({"content", "forward", "poll", "thread", "name"})
        for text in self.candidates(case, sources):
            if found := self._pattern.search(text.views.raw):
                detail = str(len(found[0]))
                hits.append(text.hit(self._rule, "zalgo", "raw", *found.span(), detail))
        return Said(True, tuple(hits[:MAX_HITS])) if hits else NO


class NameLeaf:
    """Judges how a member is called: first in the list, unreadable, or a copy of somebody."""

    cost = 1
    needs_hint = True

    def __init__(self, rule: str, spec: Name) -> None:
        self._rule = rule
        self._spec = spec
        self._copied = {skeleton(one): one for one in spec.copies if skeleton(one)}

    def check(self, case: Case) -> Said:
        """Return what is wrong with the name that is shown; the last text is that one."""
        if case.kind != "name" or not case.texts:
            return NO
        shown = case.texts[-1]
        raw = shown.views.raw
        hits = []
        if self._spec.hoisted and (found := _HOISTING.match(raw)):
            hits.append(shown.hit(self._rule, "name", "raw", *found.span(), "hoisted"))
        if self._spec.unreadable and is_unreadable(raw):
            hits.append(shown.hit(self._rule, "name", "raw", 0, len(raw), "unreadable"))
        for text in case.texts:
            if (copied := self._copied.get(skeleton(text.views.raw))) is not None:
                end = len(text.views.raw)
                hits.append(text.hit(self._rule, "name", "raw", 0, end, f"copies {copied}"))
        return Said(True, tuple(hits)) if hits else NO


def is_unreadable(name: str) -> bool:
    """Tell whether a name has nothing to type: no letter or digit, or mostly ornamental ones."""
    views = Views(name)
    solid = [char for char in views.clean if char.isalnum()]
    if not solid:
        return True
    written = sum(1 for char in name if char.isalnum() and char in views.clean)
    return written < len(solid) * _MOSTLY


def skeleton(text: str) -> str:
    """Return the letters by which two texts look the same to a hasty reader."""
    folded = Views(text).folded.translate({ord("i"): "1", ord("l"): "1"})
    letters = "".join(filter(str.isalnum, folded))
    return _RUN.sub(r"\1", letters)
