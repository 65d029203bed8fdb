"""From what rules ask for to what is written down: occasions, findings, a channel's effects.

Pure. Findings and effects are JSON, since they outlive the settings and the process they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.core.cases import Target
from cogs.automod.plans import Json
from cogs.automod.rules.values import Action, Hit, Judgement
from cogs.automod.settings import Rule

KEY = "automod"
EFFECTS = frozenset({"slowmode", "lock", "pause_invites"})
MOST_HITS = 20
LONGEST_EXCERPT = 1_000

Scope = Literal["member", "campaign", "name", "thread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One judgement that has to be dealt with, and what the service must know beside it.

    `rules` are those of the judgement as they stood; `names` what people in it are called, as far
    as that is known. `blocked` says that Discord has let the message through to nobody. `key` tells
    occasions of the scope apart where the judgement's own does not.
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
    blocked: bool = False

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
    if occasion.blocked or known.get("blocked"):
        merged["blocked"] = True
    if occasion.shadow:
        would = [one.model_dump(mode="json") for one in occasion.judgement.shadow_actions]
        merged["would"] = known.get("would") or would
    return merged
