"""Occasions that come to together, gathered into what is written down of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from cogs.automod.planning import LONGEST_EXCERPT, Json, Occasion
from cogs.automod.settings import Rule
from db import automod as table


@dataclass(slots=True)
class Batch:
    """What occasions of one key come to together."""

    first: Occasion
    rules: dict[int, dict[str, Rule]] = field(default_factory=lambda: defaultdict(dict))
    names: dict[int, str] = field(default_factory=dict)
    messages: dict[int, Json] = field(default_factory=dict)


def gather(occasions: Sequence[Occasion]) -> Batch:
    """Gather occasions of one key: who is in them, what rules, which messages."""
    batch = Batch(occasions[0])
    for one in occasions:
        named = {hit.rule for hit in one.hits}
        rules = {name: rule for name, rule in one.rules.items() if name in named}
        for user_id in one.user_ids:
            batch.rules[user_id].update(rules)
            if name := one.names.get(user_id):
                batch.names[user_id] = name
        if one.person.name:
            batch.names[one.person.id] = one.person.name
        _gather_messages(batch, one)
    return batch


def _gather_messages(batch: Batch, one: Occasion) -> None:
    leaks = any(hit.trigger == "leaks" for hit in one.hits)
    for ref in one.judgement.messages:
        is_own = ref.message_id == one.message_id
        row = batch.messages.setdefault(
            ref.message_id,
            {
                "message_id": ref.message_id,
                "channel_id": ref.channel_id,
                "user_id": None if one.scope == "campaign" else one.person.id,
                "content": None,
                "delete": False,
            },
        )
        row["delete"] = row["delete"] or not one.shadow
        if is_own:
            row["user_id"] = one.person.id
            row["content"] = None if leaks else one.content[:LONGEST_EXCERPT] or None


def values_of(first: Occasion, log_channel_id: int | None) -> Json:
    """Return what an incident starts with: the columns that its first occasion fills."""
    return {
        "guild_id": first.guild_id,
        "scope": first.scope,
        "user_id": first.person.id,
        "user_name": first.person.name[:100],
        "channel_id": first.channel_id,
        "shadow": first.shadow,
        "state": table.OPEN,
        "severity": 0,
        "findings": {},
        "effects": {},
        "excerpt": _excerpt(first),
        "revision": 1,
        "logged_revision": 0,
        "log_channel_id": log_channel_id,
    }


def _excerpt(first: Occasion) -> str | None:
    # Of a secret that leaked only its beginning is shown: the hits say it already.
    if any(hit.trigger == "leaks" for hit in first.hits):
        return next((hit.text for hit in first.hits if hit.text), None)
    text = first.content or next((hit.text for hit in first.hits if hit.text), "")
    return text[:LONGEST_EXCERPT] or None
