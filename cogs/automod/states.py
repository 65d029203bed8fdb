"""States of what effects change: what they make of one, and what is put back of it. Pure.

Each is JSON. Slowmode: `{"rate": seconds}`; pause_invites: `{"until": instant or None}`; lock of a
thread: `{"locked": bool}`. Of another channel's lock there is found `{"overwrites": [...],
"who": {...}}`, which is what planning takes; kept `{"changes": [...]}`; written
`{"overwrites": [...]}`, in this order.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.core.overwrites import (
    Change,
    Overwrite,
    as_json,
    dump,
    from_json,
    load,
    plan_lock,
    restore,
)

State = dict[str, Any]


def in_shape(guild_id: int, original: State, applied: State) -> tuple[State, State]:
    """Return what is kept of an effect as it is kept now.

    Locks were once the overwrite for everyone alone: `{"allow": bits, "deny": bits, "is_there":
    bool}` before and after.
    """
    if "allow" not in applied:
        return original, applied
    before, after = (
        Overwrite(guild_id, False, int(one["allow"]), int(one["deny"])) if one["is_there"] else None
        for one in (original, applied)
    )
    changes = [] if after is None else [Change(before, after)]
    return {}, {"changes": dump(changes)}


def changed(
    kind: str,
    found: State,
    before: tuple[State, State] | None,
    effect: State,
    ends_at: datetime,
) -> tuple[State, State]:
    """Return the original, and the state that an effect makes of it: never a milder one.

    `before` are the original and the state of an effect that is there already.
    """
    if "overwrites" in found:
        return {}, _closed(found, before[1] if before is not None else {})
    original, applied = before if before is not None else (found, {})
    if not _is_ours(found, applied):
        # People have changed it meanwhile: theirs is what there was before.
        original = found
    wanted = _wanted(kind, original, effect, ends_at)
    return original, wanted | {"earlier": _bare(applied)}


def _wanted(kind: str, original: State, effect: State, ends_at: datetime) -> State:
    if kind == "slowmode":
        return {"rate": max(original["rate"], effect["rate"])}
    if kind == "lock":
        return {"locked": True}
    earlier = original.get("until")
    until = ends_at.replace(microsecond=0)
    if earlier is not None:
        until = max(until, datetime.fromisoformat(earlier))
    return {"until": until.isoformat()}


def _bare(applied: State) -> State:
    return {name: value for name, value in applied.items() if name != "earlier"}


def _is_ours(found: State, applied: State) -> bool:
    """Tell whether we have made it so, also where a process died before its last change."""
    return found in (_bare(applied), applied.get("earlier"))


def written(applied: State, found: State) -> State | None:
    """Return what has to be written for a state to hold, `None` for nothing."""
    if "overwrites" not in found:
        return _bare(applied) if _bare(applied) != found else None
    current = _overwrites(found)
    wanted = [one.after for one in load(applied["changes"])]
    return _to_write([one for one in wanted if one != current.get(one.id)])


def restored(original: State, applied: State, found: State) -> State | None:
    """Return the state to put back, `None` when there is nothing of ours left to put back."""
    if "overwrites" not in found:
        return original if _is_ours(found, applied) and found != original else None
    return _to_write(_opened(found, applied))


def _closed(found: State, applied: State) -> State:
    """Return what a lock changes, beginning with the channel as it would be without ours."""
    opened = {**_overwrites(found), **{one.id: one for one in _opened(found, applied)}}
    who = found["who"]
    changes = plan_lock(
        [one for one in opened.values() if not one.is_empty],
        everyone_id=who["everyone"],
        bot_id=who["bot"],
        staff={int(role_id): rights for role_id, rights in who["staff"].items()},
        bits=who["bits"],
        bot_bits=who["bot_bits"],
    )
    return {"changes": dump(changes)}


def _opened(found: State, applied: State) -> list[Overwrite]:
    """Return the overwrites that opening changes, the bot's own last."""
    current = _overwrites(found)
    opened = []
    for change in reversed(load(applied.get("changes", ()))):
        now = current.get(change.target_id)
        wanted = restore(change, now)
        # Bit by bit: what is no longer as we made it, people have changed.
        if wanted != now and not (now is None and wanted.is_empty):
            opened.append(wanted)
    return opened


def _overwrites(found: State) -> dict[int, Overwrite]:
    listed = [from_json(one) for one in found["overwrites"]]
    return {one.id: one for one in listed}


def _to_write(overwrites: list[Overwrite]) -> State | None:
    return {"overwrites": [as_json(one) for one in overwrites]} if overwrites else None
