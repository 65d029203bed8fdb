"""From what rules ask for to what is done: a member's steps, their orders, a channel's effects.

Pure. Steps and effects are JSON, since they outlive the settings and the process they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from bot.core.cases import CaseKind, Order, Target
from bot.core.contracts import Actor
from cogs.automod.rules.outcomes import actions_at, merge_actions
from cogs.automod.rules.values import Action, Hit, Judgement
from cogs.automod.settings import Rule

KEY = "automod"
AUTOMOD = Actor(0, "system", "Automod")
SANCTIONS = frozenset({"timeout", "mute", "kick", "tempban", "ban"})
EFFECTS = frozenset({"slowmode", "lock", "pause_invites"})
MOST_HITS = 20
LONGEST_EXCERPT = 1_000

Scope = Literal["member", "campaign", "name", "thread"]
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One judgement that has to be dealt with, and what the service must know beside it.

    `rules` are those of the judgement as they stood; `names` what people in it are called, as far
    as that is known. `key` tells occasions of the scope apart where the judgement's own does not.
    """

    guild_id: int
    judgement: Judgement
    rules: Mapping[str, Rule]
    person: Target
    scope: Scope = "member"
    key: str = ""
    channel_id: int | None = None
    message_id: int | None = None
    content: str = ""
    names: Mapping[int, str] = field(default_factory=dict)
    spares_staff: bool = True
    shadow: bool = False

    @property
    def open_key(self) -> str:
        """The key under which one incident at a time is open."""
        scope = "shadow" if self.shadow else self.scope
        return f"{self.guild_id}:{scope}:{self.key}"[:200]

    @property
    def hits(self) -> tuple[Hit, ...]:
        """What is shown: of a shadow occasion that of shadow rules."""
        return self.judgement.shadow_hits if self.shadow else self.judgement.hits

    @property
    def others(self) -> Mapping[str, tuple[int, ...]]:
        """By rule, the members of a campaign whom it is about beside the person."""
        return {} if self.shadow or self.scope != "campaign" else self.judgement.others


def actions_of(rules: Iterable[Rule], strikes: Mapping[str, int]) -> tuple[Action, ...]:
    """Return what follows for a member with so many strikes by rule; the harsher wins, once."""
    return merge_actions(
        action for rule in rules for action in actions_at(rule, strikes.get(rule.name, 1))
    )


def steps_of(actions: Iterable[Action]) -> list[Json]:
    """Return the cases that the actions come to: one for warning and sanction, one per role."""
    listed = list(actions)
    points = next((one.points for one in listed if one.type == "warn"), None)
    steps = [_role_step(one) for one in listed if one.type in ("add_role", "remove_role")]
    sanction = next((one for one in listed if one.type in SANCTIONS), None)
    if sanction is not None:
        duration = getattr(sanction, "duration", None)
        window = getattr(sanction, "delete_window", timedelta())
        steps.insert(
            0,
            {
                "kind": sanction.type,
                "points": points or 0,
                "duration": duration.total_seconds() if duration is not None else None,
                "delete_window": window.total_seconds(),
            },
        )
    elif points is not None:
        steps.insert(0, {"kind": "warn", "points": points})
    return steps


def _role_step(action: Action) -> Json:
    duration = getattr(action, "duration", None)
    return {
        "kind": action.type,
        "role_id": str(action.role_id),
        "duration": duration.total_seconds() if duration is not None else None,
    }


def effects_of(actions: Iterable[Action], channel_id: int | None) -> list[Json]:
    """Return what is to be done to the channel or the guild for a time."""
    effects = []
    for one in actions:
        if one.type == "pause_invites":
            effects.append({"kind": one.type, "channel_id": "0", "seconds": _seconds(one)})
        elif one.type in EFFECTS and channel_id:
            effect = {"kind": one.type, "channel_id": str(channel_id), "seconds": _seconds(one)}
            effects.append(effect | ({"rate": one.seconds} if one.type == "slowmode" else {}))
    return effects


def _seconds(action: Action) -> float:
    return action.duration.total_seconds()


def merged_effects(known: Sequence[Json], new: Iterable[Json]) -> list[Json]:
    """Return the effects with each kind and place once, the stronger and longer of two."""
    merged = {(one["kind"], one["channel_id"]): dict(one) for one in known}
    for one in new:
        key = (one["kind"], one["channel_id"])
        before = merged.get(key)
        if before is None:
            merged[key] = dict(one)
        elif _strength(one) > _strength(before):
            # Done anew, for longer or stronger.
            merged[key] = dict(one)
    return list(merged.values())


def _strength(effect: Json) -> tuple[float, float]:
    return effect.get("rate", 0), effect["seconds"]


def orders_of(
    incident_id: int,
    guild_id: int,
    target: Target,
    severity: int,
    plan: Json,
    *,
    given: int = 0,
    notify: bool = True,
) -> list[Order]:
    """Return the orders of a member's steps; `given` are points that a milder step gave before.

    Their keys name incident, member and severity: ordered twice they are carried out once.
    """
    key = f"automod:{incident_id}:{target.id}:{severity}"
    orders = []
    for step in plan.get("steps", ()):
        kind = CaseKind(step["kind"])
        role_id = int(step["role_id"]) if step.get("role_id") else None
        # A role's time is the incident's own business: cases of roles have no end.
        seconds = step.get("duration") if role_id is None else None
        orders.append(
            Order(
                guild_id=guild_id,
                kind=kind,
                target=target,
                moderator=AUTOMOD,
                source="automod",
                dedupe_key=key if role_id is None else f"{key}:{kind}:{role_id}",
                reason=plan.get("reason") or None,
                duration=timedelta(seconds=seconds) if seconds else None,
                points=max(0, step.get("points", 0) - given) if role_id is None else 0,
                delete_window=timedelta(seconds=step.get("delete_window") or 0),
                role_id=role_id,
                notify=notify,
                details={"log": False, "incident": incident_id, "rules": plan.get("rules", [])},
            )
        )
    return orders


def ban_window(plan: Json) -> timedelta:
    """Return how far back a member's steps make Discord delete what they wrote, 0 for not."""
    windows = (step.get("delete_window") or 0 for step in plan.get("steps", ()))
    return timedelta(seconds=max(windows, default=0))


def hit_to_json(hit: Hit) -> Json:
    """Return a hit as it is stored."""
    return {
        "rule": hit.rule,
        "trigger": hit.trigger,
        "source": hit.source,
        "view": hit.view,
        "start": hit.start,
        "end": hit.end,
        "text": hit.text,
        "detail": hit.detail,
    }


def merged_findings(known: Json, occasion: Occasion) -> Json:
    """Return what is on record of an incident's hits, with those of one more occasion."""
    hits = list(known.get("hits", ()))
    seen = {(one["rule"], one["trigger"], one["source"], one["detail"]) for one in hits}
    for hit in occasion.hits:
        mark = (hit.rule, hit.trigger, hit.source, hit.detail)
        if mark not in seen and len(hits) < MOST_HITS:
            seen.add(mark)
            hits.append(hit_to_json(hit))
    names = dict.fromkeys(hit.rule for hit in occasion.hits)
    checked = {
        name: {
            "roles": len(rule.exempt_roles),
            "channels": len(rule.exempt_channels),
            "members": len(rule.exempt_members),
        }
        for name in names
        if (rule := occasion.rules.get(name)) is not None
    }
    merged = {
        "hits": hits,
        "rules": {**known.get("rules", {}), **checked},
        "staff": occasion.spares_staff,
    }
    if occasion.shadow:
        would = [one.model_dump(mode="json") for one in occasion.judgement.shadow_actions]
        merged["would"] = known.get("would") or would
    return merged


def reason_of(rules: Iterable[Rule]) -> str:
    """Return the reason for cases: what the rules say themselves, else their names."""
    listed = list(rules)
    own = next((rule.reason for rule in listed if rule.reason), "")
    return own or "Automod: " + ", ".join(dict.fromkeys(rule.name for rule in listed))
