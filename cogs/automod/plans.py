"""What an incident wants of one member: the actions so far, the steps they come to, their orders.

Pure. A plan is JSON, since it outlives the settings and the process it came from. Each step bears
the version of the plan that brought it; what is done is known by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from bot.core.cases import CaseKind, Order, Target
from bot.core.contracts import Actor
from cogs.automod.actions import Action as StoredAction
from cogs.automod.rules.outcomes import actions_at, merge_actions
from cogs.automod.rules.values import Action
from cogs.automod.settings import Rule

Json = dict[str, Any]
# What rules ask for, each for its own.
Asked = Sequence[tuple[Rule, Sequence[Action]]]

AUTOMOD = Actor(0, "system", "Automod")
SANCTIONS = frozenset({"timeout", "mute", "kick", "tempban", "ban"})
ROLES = frozenset({"add_role", "remove_role"})
# After these nobody is there to be warned.
_PARTINGS = frozenset({"kick", "tempban", "ban"})
_KEPT = SANCTIONS | ROLES | {"warn"}
_ACTIONS: TypeAdapter[tuple[Action, ...]] = TypeAdapter(tuple[StoredAction, ...])


def asked_of(rules: Iterable[Rule], strikes: Mapping[str, int]) -> Asked:
    """Return what each rule asks for of a member with so many strikes by rule."""
    return [(rule, actions_at(rule, strikes.get(rule.name, 1))) for rule in rules]


def raised(known: Json, asked: Asked, version: int) -> Json:
    """Return the plan with what is asked for, too: its `actions` and `steps`, the harsher of each.

    Steps that are new bear the version and the reason of the rule that asked for them; what was
    wanted before keeps its own, and is dropped only for something harsher in its place.
    """
    actions = [action for _rule, found in asked for action in found]
    stored = _ACTIONS.validate_python(known.get("actions", ()))
    merged = [one for one in merge_actions([*stored, *actions]) if one.type in _KEPT]
    steps: list[Json] = list(known.get("steps", ()))
    for bare in steps_of(merged):
        step = bare | {"reason": reason_of(bare, asked)}
        if step["kind"] in ROLES:
            steps = _with_role(steps, step, version)
        else:
            steps = _with_sanction(steps, step, version)
    return {"actions": [one.model_dump(mode="json") for one in merged], "steps": steps}


def _with_role(steps: list[Json], step: Json, version: int) -> list[Json]:
    if any(_is_same(one, step, "kind", "role_id", "duration") for one in steps):
        return steps
    others = [one for one in steps if not _is_same(one, step, "kind", "role_id")]
    return [*others, step | {"version": version}]


def _with_sanction(steps: list[Json], step: Json, version: int) -> list[Json]:
    before = [one for one in steps if one["kind"] not in ROLES]
    if not any(_is_same(one, step, "kind", "duration") for one in before):
        roles = [one for one in steps if one["kind"] in ROLES]
        return [step | {"version": version}, *roles]
    if max(one["points"] for one in before) >= step["points"] or step["kind"] in _PARTINGS:
        return steps
    # What holds already is not done anew for some points more.
    extra = {"kind": "warn", "points": step["points"]}
    return [*steps, extra | {"reason": step["reason"], "version": version}]


def reason_of(step: Json, asked: Asked) -> str:
    """Return the reason for a step: what the rules that asked for it say themselves, else names."""
    names = ("points",) if step["kind"] == "warn" else ("role_id", "duration")
    rules = _asking(asked, step, "kind", *names) or _asking(asked, step, "kind")
    own = next((rule.reason for rule in rules if rule.reason), "")
    return (own or "Automod: " + ", ".join(rule.name for rule in rules))[:500]


def _asking(asked: Asked, step: Json, *names: str) -> list[Rule]:
    """Return the rules one of whose actions comes to the step by itself, as far as `names` go."""
    return [
        rule
        for rule, actions in asked
        if any(_is_same(one, step, *names) for action in actions for one in steps_of([action]))
    ]


def _is_same(one: Json, other: Json, *names: str) -> bool:
    return all(one.get(name) == other.get(name) for name in names)


def steps_of(actions: Iterable[Action]) -> list[Json]:
    """Return the cases that the actions come to: one for warning and sanction, one per role."""
    listed = list(actions)
    points = next((one.points for one in listed if one.type == "warn"), None)
    steps = [_role_step(one) for one in listed if one.type in ROLES]
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


def steps_after(plan: Json, version: int) -> list[Json]:
    """Return the steps that came with a later version of the plan."""
    return [one for one in plan.get("steps", ()) if one.get("version", 1) > version]


def orders_of(
    incident_id: int,
    guild_id: int,
    target: Target,
    plan: Json,
    steps: Sequence[Json],
    *,
    given: int = 0,
    notify: bool = True,
) -> list[Order]:
    """Return the orders of some of a plan's steps; `given` are points that were given before.

    Their keys name incident, member and version: ordered twice they are carried out once.
    """
    orders = []
    for step in steps:
        kind = CaseKind(step["kind"])
        role_id = int(step["role_id"]) if step.get("role_id") else None
        key = f"automod:{incident_id}:{target.id}:v{step.get('version', 1)}"
        # A role's time is the incident's own business: cases of roles have no end.
        seconds = step.get("duration") if role_id is None else None
        points = max(0, step.get("points", 0) - given)
        given += points
        orders.append(
            Order(
                guild_id=guild_id,
                kind=kind,
                target=target,
                moderator=AUTOMOD,
                source="automod",
                dedupe_key=key if role_id is None else f"{key}:{kind}:{role_id}",
                reason=step.get("reason") or plan.get("reason") or None,
                duration=timedelta(seconds=seconds) if seconds else None,
                points=points,
                delete_window=timedelta(seconds=step.get("delete_window") or 0),
                role_id=role_id,
                notify=notify,
                details={"log": False, "incident": incident_id, "rules": plan.get("rules", [])},
            )
        )
    return orders


def ban_window(steps: Iterable[Json]) -> timedelta:
    """Return how far back steps make Discord delete what a member wrote, 0 for not at all."""
    windows = (step.get("delete_window") or 0 for step in steps)
    return timedelta(seconds=max(windows, default=0))
