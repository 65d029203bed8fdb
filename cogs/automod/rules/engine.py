"""The engine: rules compiled once per revision of the settings, then asked about every message.

A clean message costs one scan over its bytes and a few comparisons. Readings without disguise,
places and spans are worked out only where the scan, or a measure, has named a trigger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bot.core.contracts import MessageFacts
from cogs.automod.rules.cases import Case, Text
from cogs.automod.rules.counting import (
    CapsLeaf,
    LengthLeaf,
    LinesLeaf,
    Tally,
    may_shout,
)
from cogs.automod.rules.judging import Finding, conclude
from cogs.automod.rules.patterns import PatternRefused
from cogs.automod.rules.reading import Reader
from cogs.automod.rules.settled import prepare as prepare_tables
from cogs.automod.rules.sources import (
    has_more_than_content,
    id_of,
    is_text_file,
    texts_of,
    with_forwards,
)
from cogs.automod.rules.trees import CompiledRule, Compiler, Leaf
from cogs.automod.rules.values import (
    Context,
    FetchText,
    Judgement,
    NameFacts,
    NativeFacts,
    Needs,
    RuleTrace,
    ThreadFacts,
    VoiceFacts,
)
from cogs.automod.rules.windows import Windows

if TYPE_CHECKING:
    from cogs.automod.settings import AutomodSettings, Rule

_NEVER = 1 << 30


class Engine:
    """The rules of one guild, ready to judge; immutable, so threads and guilds may share it."""

    def __init__(self, settings: AutomodSettings) -> None:
        compiler = Compiler()
        self._disabled = tuple(rule for rule in settings.rules if not rule.enabled)
        self._rules = tuple(_compiled(compiler, rule) for rule in settings.rules if rule.enabled)
        self._reader = Reader(compiler.leaves)
        self._rule_of = {leaf.number: rule for rule in self._rules for leaf in rule.leaves}
        self._exempt_staff = settings.exempt_staff
        self._exempt_roles = frozenset(settings.exempt_roles)
        self._exempt_channels = frozenset(settings.exempt_channels)
        self._exempt_members = frozenset(settings.exempt_members)
        self._exempts_some = bool(
            self._exempt_roles or self._exempt_channels or self._exempt_members
        )
        leaves = compiler.leaves
        self._caps_least = _least(leaves, CapsLeaf)
        self._long_least = _least(leaves, LengthLeaf)
        self._lines_least = _least(leaves, LinesLeaf)
        self._measured = frozenset(
            one.number
            for one in leaves
            if isinstance(one.checker, CapsLeaf | LengthLeaf | LinesLeaf)
        )
        self._objects = frozenset(
            one.number for one in leaves if one.type in ("stickers", "attachments")
        )
        self._reads_files = any("file" in getattr(one.spec, "sources", ()) for one in leaves)
        self._for_bots = tuple(rule for rule in self._rules if rule.spec.bots)
        self._always = tuple(rule for rule in self._rules if rule.always)
        self._tallies = _tallies_of(self._always)
        self._names = tuple(rule for rule in self._rules if _speaks_of(rule, "name", "name"))
        self._threads = tuple(rule for rule in self._rules if _speaks_of(rule, "thread", "zalgo"))
        self._native = tuple(rule for rule in self._rules if _speaks_of(rule, "", "native"))
        self._voice = tuple(rule for rule in self._rules if _speaks_of(rule, "", "voice_moves"))

    @classmethod
    def compile(cls, settings: AutomodSettings) -> Engine:
        """Return the engine of these settings; CPU work of up to some 100 ms, so use a thread.

        Raises `PatternRefused`, naming the rule, for a pattern that can't be run.
        """
        prepare_tables()
        return cls(settings)

    @property
    def is_idle(self) -> bool:
        """Whether no rule looks at messages."""
        return not self._rules

    @property
    def parts(self) -> int:
        """In how many sets the words and patterns are; one unless they are very many."""
        return self._reader.parts

    @property
    def judges_bots(self) -> bool:
        """Whether a rule looks at other bots and webhooks."""
        return bool(self._for_bots)

    @property
    def hears_voice(self) -> bool:
        """Whether a rule looks at who enters voice channels."""
        return bool(self._voice)

    def judge(self, facts: MessageFacts, context: Context, windows: Windows) -> Judgement | None:
        """Return what the rules make of a message or an edit, `None` when it is clean.

        Counts the message into the windows once per message id; an edit replaces what the message
        counted before, and judging again after `needs` were fetched counts nothing twice.
        """
        if not self._rules or self._spares(facts, context):
            return None
        from_bot = facts.author_is_bot or facts.webhook_id is not None
        if from_bot and not self._for_bots:
            return None
        if has_more_than_content(facts.raw):
            case = self._case_of(facts, context, windows)
            named: Iterable[int] = self._named_in(case)
        else:
            text, named = self._read_content(facts.content)
            if not named and self._passes(facts, context, windows):
                return None
            case = self._bare_case(facts, context, windows)
            case.texts = () if text is None else (text,)
        rules: Iterable[CompiledRule] = self._rules_for(named) if named else self._always
        if not rules and not self._reads_files:
            return None
        if from_bot:
            rules = [rule for rule in rules if rule.spec.bots]
        findings = self._ask(case, rules)
        # Only what has parts beside its content may have files, and only then texts are listed.
        needs = self._needs_of(case) if case.need_invites or case.texts else _NOTHING
        return conclude(case, findings, needs) if findings or needs is not _NOTHING else None

    def _read_content(self, content: str) -> tuple[Text | None, Iterable[int]]:
        """Return the triggers that may hold in a message of nothing but this, read if any does."""
        found, data = self._reader.scan(content)
        text, named = None, ()
        if found or not content.isascii():
            text = self._reader.read_suspect(content, found)
            if text is not None:
                named = self._reader.leaves_of(text.ids)
        if self._may_measure(data, content):
            named = {*named, *self._measured}
        if named and text is None:
            text = self._reader.read("content", content, ())
        return text, named

    def _passes(self, facts: MessageFacts, context: Context, windows: Windows) -> bool:
        """Tell whether a message that names no trigger is clean for sure, and count it.

        Most messages end here: what is not needed to say so is not made. When a count says no, the
        rules are asked in full, which counts the message once all the same.
        """
        if self._tallies is None or facts.edited:
            return False
        now = context.now
        for tally in self._tallies:  # noqa: SIM110 - a generator costs as much as a count
            if tally(facts, now, windows):
                return False
        return True

    def judge_name(self, facts: NameFacts, context: Context, windows: Windows) -> Judgement | None:
        """Return what the rules make of a member's names, on join or change."""
        if not self._names or self._spares_member(facts.user_id, facts.role_ids, context):
            return None
        if facts.is_bot and not self._for_bots:
            return None
        case = self._name_case(facts, context, windows)
        rules = [rule for rule in self._names if rule.spec.bots or not facts.is_bot]
        return conclude(case, _with_hits(self._ask(case, rules)), _invites_of(case))

    def judge_thread_name(
        self, facts: ThreadFacts, context: Context, windows: Windows
    ) -> Judgement | None:
        """Return what the rules make of a thread's name, on creation or change."""
        if not self._threads:
            return None
        case = Case(
            "thread",
            context,
            windows,
            facts.author_id,
            facts.role_ids,
            channel_id=facts.channel_id,
            content=facts.name,
        )
        case.texts = [self._reader.read("thread", facts.name)]
        return self._judge_in_channel(case, facts.joined_at, self._threads)

    def judge_native(
        self, facts: NativeFacts, context: Context, windows: Windows
    ) -> Judgement | None:
        """Return what the rules make of an action of Discord's own AutoMod."""
        if not self._native:
            return None
        case = Case(
            "native",
            context,
            windows,
            facts.user_id,
            facts.role_ids,
            channel_id=facts.channel_id,
            message_id=facts.message_id or 0,
            content=facts.content or facts.keyword,
        )
        case.native_rule = facts.rule_id
        return self._judge_in_channel(case, facts.joined_at, self._native)

    def judge_voice(
        self, facts: VoiceFacts, context: Context, windows: Windows
    ) -> Judgement | None:
        """Return what the rules make of a member who enters a voice channel."""
        case = Case(
            "voice",
            context,
            windows,
            facts.user_id,
            facts.role_ids,
            facts.channel_id,
            facts.number,
        )
        return self._judge_in_channel(case, facts.joined_at, self._voice)

    def _judge_in_channel(
        self, case: Case, joined_at: float | None, rules: Iterable[CompiledRule]
    ) -> Judgement | None:
        """Judge what stands in a channel and is no message, unless author or place is exempt."""
        if self._spares_member(case.author_id, case.role_ids, case.context):
            return None
        if self._exempt_channels and case.is_in(self._exempt_channels):
            return None
        case.joined = joined_at
        return conclude(case, _with_hits(self._ask(case, rules)), _invites_of(case))

    def explain(
        self, facts: MessageFacts, context: Context, windows: Windows | None = None
    ) -> tuple[RuleTrace, ...]:
        """Return what each rule says of the message, exempt or not; changes no window."""
        case = self._case_of(facts, context, windows, peek=True)
        spared = self._exemption(facts.author_id, facts.role_ids, context)
        if not spared and self._exempt_channels and case.is_in(self._exempt_channels):
            spared = f"channel:{facts.channel_id}"
        from_bot = facts.author_is_bot or facts.webhook_id is not None
        traces = [
            self._trace(rule, case, spared or ("bot" if from_bot and not rule.spec.bots else ""))
            for rule in self._rules
        ]
        return (*traces, *(_disabled(rule) for rule in self._disabled))

    def explain_name(self, facts: NameFacts, context: Context) -> tuple[RuleTrace, ...]:
        """Return what each rule says of a member's names; changes nothing."""
        case = self._name_case(facts, context, None)
        case.peek = True
        spared = self._exemption(facts.user_id, facts.role_ids, context)
        return tuple(self._trace(rule, case, spared) for rule in self._names)

    def _trace(self, rule: CompiledRule, case: Case, spared: str) -> RuleTrace:
        case.need_invites = ()
        said = rule.root.check(case)
        # The tree is asked first, since it stops where the answer is clear; the parts for display.
        leaves = rule.trace(case)
        return RuleTrace(
            rule.spec.name,
            bool(said.truth),
            spared or rule.exemption(case),
            rule.spec.shadow,
            leaves,
            rule.spec.actions,
            self._needs_of(case),
        )

    def _spares(self, facts: MessageFacts, context: Context) -> bool:
        roles = facts.role_ids
        if self._exempt_staff and (
            facts.author_id == context.owner_id or not roles.isdisjoint(context.staff_role_ids)
        ):
            return True
        if not self._exempts_some:
            return False
        if facts.author_id in self._exempt_members or not roles.isdisjoint(self._exempt_roles):
            return True
        return bool(self._exempt_channels) and self._is_exempt_place(facts.channel_id, context)

    def _is_exempt_place(self, channel_id: int, context: Context) -> bool:
        place = Case("message", context, None, 0, frozenset(), channel_id=channel_id)
        return place.is_in(self._exempt_channels)

    def _spares_member(self, user_id: int, roles: frozenset[int], context: Context) -> bool:
        return bool(self._exemption(user_id, roles, context))

    def _exemption(self, user_id: int, roles: frozenset[int], context: Context) -> str:
        if user_id in self._exempt_members:
            return f"member:{user_id}"
        if not roles.isdisjoint(self._exempt_roles):
            return f"role:{min(roles & self._exempt_roles)}"
        if not self._exempt_staff:
            return ""
        if user_id == context.owner_id:
            return "staff"
        staff = roles & context.staff_role_ids
        return f"staff:{min(staff)}" if staff else ""

    def _bare_case(
        self, facts: MessageFacts, context: Context, windows: Windows | None, *, peek: bool = False
    ) -> Case:
        return Case(
            "message",
            context,
            windows,
            facts.author_id,
            facts.role_ids,
            facts.channel_id,
            facts.id,
            facts.content,
            facts.raw,
            facts.edited,
            peek,
        )

    def _case_of(
        self, facts: MessageFacts, context: Context, windows: Windows | None, *, peek: bool = False
    ) -> Case:
        case = self._bare_case(facts, context, windows, peek=peek)
        case.texts = [
            self._reader.read(kind, text) for kind, text in texts_of(facts, context.texts)
        ]
        return case

    def _name_case(self, facts: NameFacts, context: Context, windows: Windows | None) -> Case:
        case = Case("name", context, windows, facts.user_id, facts.role_ids)
        case.joined = facts.joined_at
        case.has_avatar = facts.has_avatar
        # The last one is the name that is shown.
        names = [one for one in (facts.username, facts.global_name, facts.nick) if one]
        case.texts = [self._reader.read("name", one) for one in names]
        return case

    def _named_in(self, case: Case) -> set[int]:
        """Return the triggers that the scan, the measures or the payload name."""
        named = {number for text in case.texts for number in self._reader.leaves_of(text.ids)}
        for text in case.said_texts():
            raw = text.views.raw
            if self._may_measure(self._reader.encode(raw), raw):
                named |= self._measured
        # Several texts count together.
        if len(case.texts) > 1:
            named |= self._measured
        raw = case.raw
        if self._objects and (
            raw.get("attachments") or raw.get("sticker_items") or raw.get("message_snapshots")
        ):
            named |= self._objects
        return named

    def _may_measure(self, data: bytes, text: str) -> bool:
        return (
            len(text) >= self._long_least
            or (self._lines_least < _NEVER and text.count("\n") + 1 >= self._lines_least)
            or (len(text) >= self._caps_least and may_shout(data, text, self._caps_least))
        )

    def _rules_for(self, named: Iterable[int]) -> list[CompiledRule]:
        wanted = {id(self._rule_of[number]) for number in named}
        return [rule for rule in self._rules if rule.always or id(rule) in wanted]

    def _ask(self, case: Case, rules: Iterable[CompiledRule]) -> list[Finding]:
        found = []
        for rule in rules:
            if rule.exempts and rule.exemption(case):
                continue
            said = rule.root.check(case)
            if said.truth:
                found.append(Finding(rule.spec, said))
        return found

    def _needs_of(self, case: Case) -> Needs:
        invites = case.need_invites
        context = case.context
        raw = case.raw
        has_files = raw.get("attachments") or raw.get("message_snapshots")
        if not (has_files and self._reads_files and context.can_fetch):
            return Needs(invites) if invites else _NOTHING
        texts = tuple(
            FetchText(id_of(one), str(one.get("url") or ""), int(one["size"]))
            for one in with_forwards(case.raw, "attachments")
            if is_text_file(one) and id_of(one) not in context.texts
        )
        return Needs(invites, texts) if invites or texts else _NOTHING


_NOTHING = Needs()


def _compiled(compiler: Compiler, rule: Rule) -> CompiledRule:
    try:
        return compiler.compile(rule)
    except PatternRefused as refused:
        refused.rule = rule.name
        raise


def _tallies_of(rules: Iterable[CompiledRule]) -> tuple[Tally, ...] | None:
    """Return how to ask the rules without a case; `None` when one of them needs it."""
    tallies = []
    for rule in rules:
        tally = None if rule.exempts else getattr(rule.root, "tally", None)
        if tally is None:
            return None
        tallies.append(tally)
    return tuple(tallies)


def _least(leaves: Sequence[Leaf], kind: type[Any]) -> int:
    return min(
        (one.checker.least for one in leaves if isinstance(one.checker, kind)), default=_NEVER
    )


def _speaks_of(rule: CompiledRule, source: str, kind: str) -> bool:
    return any(
        leaf.type == kind or source in getattr(leaf.spec, "sources", ()) for leaf in rule.leaves
    )


def _with_hits(findings: list[Finding]) -> list[Finding]:
    # Of a name or a thread there is no "everything but": a rule has to have found something.
    return [one for one in findings if one.said.hits]


def _invites_of(case: Case) -> Needs:
    return Needs(case.need_invites) if case.need_invites else _NOTHING


def _disabled(rule: Rule) -> RuleTrace:
    return RuleTrace(rule.name, False, "disabled", rule.shadow, (), rule.actions)
