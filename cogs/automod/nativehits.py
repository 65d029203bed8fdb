"""What Discord's own AutoMod did: hits of rules about it, and what follows from what it blocked.

A blocked message never comes, so that our rules would not see it. It is judged here as the message
that it would have been: what a rule wants beside the deletion follows, and it is a strike. Counts
of messages (rates, repeated texts) don't grow by it, since nothing was written.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bot.core.cases import Target
from bot.core.contracts import MessageFacts
from cogs.automod.directory import Directory, Membership
from cogs.automod.engines import Entry
from cogs.automod.needs import NeedsResolver
from cogs.automod.planning import Occasion
from cogs.automod.rules.values import Judgement, NativeFacts
from cogs.automod.rules.windows import Windows

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.supervisor import TaskSupervisor
    from cogs.automod.settings import Rule

Payload = Mapping[str, Any]

# Discord tells of its own AutoMod once per action of the rule, within moments.
NATIVE_SECONDS = 10.0
MOST_NATIVE = 1_000
# What Discord has done already, or does by itself.
_DONE = frozenset({"delete", "alert"})
_MEMBER_PROFILE = 6


@dataclass(frozen=True, slots=True)
class _Heard:
    """One hit of Discord's; `blocked` says that its message never came."""

    facts: NativeFacts
    blocked: bool


class NativeHits:
    """Turns what Discord's own AutoMod did into occasions for the service."""

    def __init__(
        self,
        needs: NeedsResolver,
        handle: Callable[[Occasion], Awaitable[None]],
        *,
        directory: Directory,
        clock: Clock,
        supervisor: TaskSupervisor,
    ) -> None:
        self._needs = needs
        self._handle = handle
        self._directory = directory
        self._clock = clock
        self._supervisor = supervisor
        self._lately: OrderedDict[tuple[int, int, int | str], float] = OrderedDict()

    def hear(self, entry: Entry, payload: Payload) -> None:
        """Take over one hit, however many actions of its rule Discord tells of."""
        if entry.engine is None or self._is_repeated(payload):
            return
        heard = _read(payload)
        is_hit = entry.engine.judge_native(heard.facts, entry.context, entry.windows) is not None
        follows = heard.blocked and any(_has_more(one) for one in entry.rules.values())
        if is_hit or follows:
            self._supervisor.spawn("automod.native", self._act(entry, heard))

    def _is_repeated(self, payload: Payload) -> bool:
        now = self._clock.monotonic()
        occasion = payload.get("message_id") or str(payload.get("content") or "")[:200]
        key = (int(payload["rule_id"]), int(payload["user_id"]), occasion)
        last = self._lately.pop(key, None)
        self._lately[key] = now
        if len(self._lately) > MOST_NATIVE:
            self._lately.popitem(last=False)
        return last is not None and now - last < NATIVE_SECONDS

    async def _act(self, entry: Entry, heard: _Heard) -> None:
        member = await self._directory.member(entry.guild_id, heard.facts.user_id)
        if member is None or entry.engine is None:
            return
        known = replace(heard.facts, role_ids=member.role_ids, joined_at=member.joined_at)
        judgement = entry.engine.judge_native(known, entry.context, entry.windows)
        if judgement is not None:
            await self._handle(_occasion(entry, known, member, judgement))
        if heard.blocked:
            blocked = await self._judge_blocked(entry, known)
            if blocked is not None:
                await self._handle(replace(_occasion(entry, known, member, blocked), blocked=True))

    async def _judge_blocked(self, entry: Entry, facts: NativeFacts) -> Judgement | None:
        """Return what is left to do for what was blocked, `None` for nothing."""
        message = _message(entry.guild_id, facts)
        context = entry.context
        context.now = self._clock.now().timestamp()
        if entry.engine is None:
            return None
        judgement = entry.engine.judge(message, context, Windows())
        if judgement is not None and judgement.needs:
            context = await self._needs.resolve(judgement.needs, context)
            judgement = entry.engine.judge(message, context, Windows())
        return None if judgement is None else _left_of(entry, judgement)


def _read(payload: Payload) -> _Heard:
    message_id, channel_id = payload.get("message_id"), payload.get("channel_id")
    content = str(payload.get("content") or "")
    facts = NativeFacts(
        int(payload["rule_id"]),
        int(payload["user_id"]),
        int(channel_id or 0),
        int(message_id) if message_id else None,
        str(payload.get("matched_keyword") or ""),
        content,
    )
    is_name = payload.get("rule_trigger_type") == _MEMBER_PROFILE
    return _Heard(facts, bool(content and channel_id and not message_id and not is_name))


def _message(guild_id: int, facts: NativeFacts) -> MessageFacts:
    """Return the message that a blocked one would have been; it has no id."""
    member: dict[str, object] = {}
    if facts.joined_at is not None:
        member["joined_at"] = datetime.fromtimestamp(facts.joined_at, UTC).isoformat()
    return MessageFacts(
        0,
        guild_id,
        facts.channel_id,
        facts.user_id,
        facts.content,
        facts.role_ids,
        {"content": facts.content, "member": member},
    )


def _left_of(entry: Entry, judgement: Judgement) -> Judgement | None:
    """Return a judgement without the rules of which Discord has done all."""
    hits = tuple(
        hit
        for hit in judgement.hits
        if (rule := entry.rules.get(hit.rule)) is not None and _has_more(rule)
    )
    return replace(judgement, hits=hits, shadow_hits=()) if hits else None


def _has_more(rule: Rule) -> bool:
    return bool(rule.escalation) or any(one.type not in _DONE for one in rule.actions)


def _occasion(
    entry: Entry, facts: NativeFacts, member: Membership, judgement: Judgement
) -> Occasion:
    return Occasion(
        guild_id=entry.guild_id,
        judgement=judgement,
        rules=entry.rules_in(judgement),
        person=Target(facts.user_id, member.name, member.is_bot),
        key=str(facts.user_id),
        channel_id=facts.channel_id or None,
        message_id=facts.message_id,
        content=facts.content or facts.keyword,
        spares_staff=entry.spares_staff,
    )
