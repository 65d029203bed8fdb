"""What locking a channel changes in its permission overwrites, and how that is put back.

Pure. Bits are Discord's: https://discord.com/developers/docs/topics/permissions
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

ADD_REACTIONS = 1 << 6
SEND_MESSAGES = 1 << 11
CONNECT = 1 << 20
SPEAK = 1 << 21
CREATE_PUBLIC_THREADS = 1 << 35
CREATE_PRIVATE_THREADS = 1 << 36
SEND_MESSAGES_IN_THREADS = 1 << 38

TALKING = (
    ADD_REACTIONS
    | SEND_MESSAGES
    | CREATE_PUBLIC_THREADS
    | CREATE_PRIVATE_THREADS
    | SEND_MESSAGES_IN_THREADS
)
SPEAKING = CONNECT | SPEAK | SEND_MESSAGES


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What a role or member is allowed and denied in a channel."""

    id: int
    is_member: bool
    allow: int = 0
    deny: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.allow | self.deny


@dataclass(frozen=True, slots=True)
class Change:
    """An overwrite as it was and as a lock makes it; `before` is `None` where there was none."""

    before: Overwrite | None
    after: Overwrite

    @property
    def target_id(self) -> int:
        """The role or member."""
        return self.after.id


def plan_lock(
    overwrites: Sequence[Overwrite],
    *,
    everyone_id: int,
    bot_id: int,
    staff: Mapping[int, int],
    bits: int,
    bot_bits: int,
) -> tuple[Change, ...]:
    """Return what a lock changes: nobody may do `bits` but staff and the bot.

    Everyone is denied; what roles and members are allowed beyond that is taken. `staff` are the
    roles that go on, with what they may do in the guild, 0 for those that need no overwrite: what
    they could do here they still can, also where another role let them, as one for members does.
    The bot can give nobody what it has not (`bot_bits`), and keeps that itself.
    """
    known = {one.id: one for one in overwrites}
    everyone = known.get(everyone_id, Overwrite(everyone_id, is_member=False))
    changes = [_change(known, _deny(everyone, bits))]
    spared = {everyone_id, bot_id, *staff}
    changes += [
        _change(known, _take(one, bits))
        for one in overwrites
        if one.id not in spared and one.allow & bits
    ]
    taken = 0
    for one in overwrites:
        if one.id not in spared and not one.is_member:
            taken |= one.allow
    for role_id, rights in staff.items():
        role = known.get(role_id, Overwrite(role_id, is_member=False))
        usual = bits & bot_bits & (rights & ~everyone.deny | taken) & ~role.deny
        after = Overwrite(role.id, role.is_member, role.allow | usual, role.deny)
        if usual and rights:
            changes.append(_change(known, after))
    own = known.get(bot_id, Overwrite(bot_id, is_member=True))
    kept = bits & bot_bits
    if kept & ~own.allow:
        after = Overwrite(own.id, own.is_member, own.allow | kept, own.deny & ~kept)
        # First, or the bot could lock itself out.
        changes.insert(0, _change(known, after))
    return tuple(one for one in changes if one.before != one.after)


def restore(change: Change, current: Overwrite | None) -> Overwrite:
    """Return the overwrite with what the lock changed put back; an empty one is to be removed.

    A bit that is not as the lock left it was changed by hand since, and stays.
    """
    now = current or Overwrite(change.after.id, change.after.is_member)
    before = change.before or Overwrite(now.id, now.is_member)
    after = change.after
    touched = (before.allow ^ after.allow) | (before.deny ^ after.deny)
    same = touched & ~((now.allow ^ after.allow) | (now.deny ^ after.deny))
    return Overwrite(
        now.id,
        now.is_member,
        (now.allow & ~same) | (before.allow & same),
        (now.deny & ~same) | (before.deny & same),
    )


def dump(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Return the changes as plain JSON; ids and bits are strings, which JSON holds exactly."""
    return [
        {"before": as_json(one.before) if one.before else None, "after": as_json(one.after)}
        for one in changes
    ]


def load(stored: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Return what `dump` was given."""
    return tuple(
        Change(from_json(one["before"]) if one["before"] else None, from_json(one["after"]))
        for one in stored
    )


def _change(known: Mapping[int, Overwrite], after: Overwrite) -> Change:
    return Change(known.get(after.id), after)


def _deny(one: Overwrite, bits: int) -> Overwrite:
    return Overwrite(one.id, one.is_member, one.allow & ~bits, one.deny | bits)


def _take(one: Overwrite, bits: int) -> Overwrite:
    return Overwrite(one.id, one.is_member, one.allow & ~bits, one.deny)


def as_json(one: Overwrite) -> dict[str, Any]:
    """Return an overwrite as plain JSON."""
    return {
        name: value if isinstance(value, bool) else str(value)
        for name, value in asdict(one).items()
    }


def from_json(stored: Mapping[str, Any]) -> Overwrite:
    """Return what `as_json` was given."""
    return Overwrite(
        int(stored["id"]), stored["is_member"], int(stored["allow"]), int(stored["deny"])
    )
