"""Discord takes few rules of its kinds: where there is no room, those that do the same become one.

Pure. Only rules about words, patterns and names can be joined, and only where what follows, whom it
spares and what is allowed are equal: an allowed word of one rule would let through what another
finds. Where even that is too many, the text that Discord shows to the member may differ, too: the
rule that they share shows none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cogs.automod.nativetriggers import (
    KEYWORD,
    MAX_KEYWORDS,
    MAX_PATTERNS,
    MEMBER_PROFILE,
    Json,
)

# Only rules whose name begins with this, and that this bot has made, are ever touched.
MARK = "Pegasus: "
MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class Push:
    """A rule in Discord's shape, as POST takes it, and which of ours it carries out.

    One of ours may have several. `is_mute` says that they share it and differ in what the member is
    told, so that Discord says nothing of that.
    """

    rules: tuple[str, ...]
    payload: Json
    is_mute: bool = False

    @property
    def kind(self) -> int:
        """Discord's type of trigger."""
        return self.payload["trigger_type"]


def fit(pushes: Sequence[Push], room: int) -> tuple[Sequence[Push], Sequence[Push]]:
    """Return what goes into the room, joined only as far as it must be, and what is left over."""
    found = pushes
    for mark in (_mark, _mark_but_for_text):
        if len(found) > room:
            found = _joined(found, mark)
    return found[: max(room, 0)], found[max(room, 0) :]


def _joined(pushes: Iterable[Push], mark: Callable[[Json], str]) -> list[Push]:
    found: list[Push] = []
    for push in pushes:
        for number, other in enumerate(found):
            if mark(other.payload) == mark(push.payload) and (both := _join(other, push)):
                found[number] = both
                break
        else:
            found.append(push)
    return found


def _join(one: Push, other: Push) -> Push | None:
    """Return both as one, `None` where they can't be or would be more than Discord takes."""
    if one.kind not in (KEYWORD, MEMBER_PROFILE):
        return None
    metadata = one.payload["trigger_metadata"] | {
        key: list(dict.fromkeys([*_listed(one, key), *_listed(other, key)]))
        for key in ("keyword_filter", "regex_patterns")
    }
    if (
        len(metadata["keyword_filter"]) > MAX_KEYWORDS
        or len(metadata["regex_patterns"]) > MAX_PATTERNS
    ):
        return None
    is_mute = one.is_mute or other.is_mute or one.payload["actions"] != other.payload["actions"]
    actions = one.payload["actions"]
    payload = one.payload | {
        "name": f"{one.payload['name']} + {other.payload['name'].removeprefix(MARK)}"[:MAX_NAME],
        "trigger_metadata": metadata,
        "actions": _without_text(actions) if is_mute else actions,
    }
    return Push(tuple(dict.fromkeys([*one.rules, *other.rules])), payload, is_mute)


def _listed(push: Push, key: str) -> Sequence[str]:
    return push.payload["trigger_metadata"].get(key, ())


def _mark(payload: Json) -> str:
    """Return what has to be equal for two to become one."""
    allowed = payload["trigger_metadata"].get("allow_list", ())
    same = ("event_type", "trigger_type", "actions", "exempt_roles", "exempt_channels")
    return json.dumps([[payload[key] for key in same], sorted(allowed)])


def _mark_but_for_text(payload: Json) -> str:
    return _mark(payload | {"actions": _without_text(payload["actions"])})


def _without_text(actions: Iterable[Json]) -> list[Json]:
    return [{**one, "metadata": _but_text(one["metadata"])} for one in actions]


def _but_text(metadata: Json) -> Json:
    return {key: value for key, value in metadata.items() if key != "custom_message"}
