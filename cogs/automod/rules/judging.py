"""From what the rules said to one judgement: hits, what follows, and what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cogs.automod.rules.cases import Case, Said
from cogs.automod.rules.outcomes import actions_at, merge_actions, severity_of
from cogs.automod.rules.values import Action, Hit, Judgement, MessageRef, Needs, Scope
from cogs.automod.rules.windows import Entry

if TYPE_CHECKING:
    from cogs.automod.settings import Rule

# Of these there is no message to delete.
_NO_MESSAGE = frozenset({"name", "voice"})
_NOTHING = Needs()


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that holds, and what it said."""

    rule: Rule
    said: Said


def conclude(case: Case, findings: list[Finding], needs: Needs) -> Judgement | None:
    """Return one judgement for all rules that hold, `None` when nothing is to be said."""
    if not findings:
        return Judgement(needs=needs) if needs else None
    live = [one for one in findings if not one.rule.shadow]
    shadow = [one for one in findings if one.rule.shadow]
    outcomes = [(one, _strikes(case, one.rule)) for one in live]
    chosen = {one.rule.name: actions_at(one.rule, strikes) for one, strikes in outcomes}
    actions = merge_actions(action for found in chosen.values() for action in found)
    scope, key = _scope_of(case, live)
    return Judgement(
        hits=_hits_of(live),
        actions=actions,
        delete=case.kind not in _NO_MESSAGE and any(action.type == "delete" for action in actions),
        severity=severity_of(actions),
        rules=tuple(chosen),
        reason=_reason_of(live, chosen),
        messages=_messages_of(case, live),
        scope=scope,
        scope_key=key,
        author_id=case.author_id,
        others=_others_of(case, live),
        strikes={one.rule.name: strikes for one, strikes in outcomes},
        shadow_hits=_hits_of(shadow),
        shadow_actions=merge_actions(action for one in shadow for action in one.rule.actions),
        needs=needs or _NOTHING,
    )


def _strikes(case: Case, rule: Rule) -> int:
    if case.windows is None or not rule.escalation:
        return 1
    span = rule.strikes_window.total_seconds()
    return case.windows.strike(rule.name, case.author_id, case.context.now, span, peek=case.peek)


def _hits_of(findings: list[Finding]) -> tuple[Hit, ...]:
    # A rule of conditions alone, or of what is missing, has nothing to point at.
    return tuple(hit for one in findings for hit in one.said.hits or (Hit(one.rule.name, "rule"),))


def _reason_of(findings: list[Finding], chosen: dict[str, tuple[Action, ...]]) -> str:
    """Return the reason of the rule that asks for the harshest."""
    ranked = sorted(findings, key=lambda one: severity_of(chosen[one.rule.name]).rank, reverse=True)
    return next((one.rule.reason for one in ranked if one.rule.reason), "")


def _entries_of(findings: list[Finding]) -> list[Entry]:
    return [entry for one in findings for entry in one.said.entries]


def _messages_of(case: Case, findings: list[Finding]) -> tuple[MessageRef, ...]:
    if not case.message_id or not findings or case.kind in _NO_MESSAGE:
        return ()
    entries = _entries_of(findings)
    refs = [MessageRef(one.channel_id, one.message_id, one.user_id) for one in entries]
    return tuple(dict.fromkeys([*refs, case.ref]))


def _others_of(case: Case, findings: list[Finding]) -> dict[str, tuple[int, ...]]:
    """Return whom each rule is about beside the author: one rule's campaign is not another's."""
    others = {
        one.rule.name: tuple(dict.fromkeys(u for u in one.said.members if u != case.author_id))
        for one in findings
    }
    return {name: members for name, members in others.items() if members}


def _scope_of(case: Case, findings: list[Finding]) -> tuple[Scope, str]:
    for one in findings:
        if one.said.campaign:
            return "campaign", one.said.campaign
    return "member", str(case.author_id)
