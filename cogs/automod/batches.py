"""Occasions that come to together, gathered into what is written down of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cogs.automod.planning import LONGEST_EXCERPT, Json, Occasion
from cogs.automod.repeats import judged_in, merged_judged
from cogs.automod.settings import Rule
from db import automod as table


@dataclass(slots=True)
class Batch:
    """What occasions of one key come to together."""

    first: Occasion
    authors: set[int] = field(default_factory=set)
    rules: dict[int, dict[str, Rule]] = field(default_factory=lambda: defaultdict(dict))
    names: dict[int, str] = field(default_factory=dict)
    messages: dict[int, Json] = field(default_factory=dict)

    def leave_out(self, user_id: int, rules: Collection[str]) -> None:
        """Have nothing follow for a member from these rules."""
        left = {name: rule for name, rule in self.rules[user_id].items() if name not in rules}
        if left:
            self.rules[user_id] = left
        else:
            del self.rules[user_id]

    def leave_out_judged(self, known: Mapping[int, Collection[str]]) -> None:
        """Have nothing follow twice from a message; `known` are the rules it was judged by."""
        by_author: dict[int, list[Collection[str]]] = defaultdict(list)
        for message_id, row in self.messages.items():
            if row["user_id"] in self.rules:
                by_author[row["user_id"]].append(known.get(message_id, ()))
        for user_id, judged in by_author.items():
            self.leave_out(user_id, set(judged[0]).intersection(*judged[1:]))


def gather(occasions: Sequence[Occasion]) -> Batch:
    """Gather occasions of one key: who is in them, what rules, which messages."""
    batch = Batch(occasions[0])
    for one in occasions:
        named = {hit.rule for hit in one.hits}
        rules = {name: rule for name, rule in one.rules.items() if name in named}
        batch.authors.add(one.person.id)
        batch.rules[one.person.id].update(rules)
        for name, members in one.others.items():
            for user_id in members if name in rules else ():
                batch.rules[user_id][name] = rules[name]
                if known := one.names.get(user_id):
                    batch.names[user_id] = known
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
                "user_id": ref.user_id or None,
                "content": None,
                "delete": False,
                "judged": {},
            },
        )
        row["judged"] = merged_judged(row["judged"], judged_in(one, is_own=is_own))
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
