"""What closing a channel does to its permission overwrites, and what opening it puts back. Pure.

Works on bits: whoever changes an overwrite by hand while it is closed keeps what they changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.contracts import Permissions
from bot.core.overwrites import Change as Planned
from bot.core.overwrites import Overwrite, plan_lock

# https://discord.com/developers/docs/topics/permissions#permissions-bitwise-permission-flags
BITS = {
    "add_reactions": 1 << 6,
    "send_messages": 1 << 11,
    "connect": 1 << 20,
    "create_public_threads": 1 << 35,
    "create_private_threads": 1 << 36,
    "send_messages_in_threads": 1 << 38,
}
_VIEW = 1 << 10
_TEXT = sum(bit for name, bit in BITS.items() if name != "connect")
_VOICE = BITS["connect"] | BITS["send_messages"] | BITS["add_reactions"]
# Text, voice, news, stage, forum and media.
_LOCKED = {0: _TEXT, 2: _VOICE, 5: _TEXT, 13: _VOICE, 15: _TEXT, 16: _TEXT}
# Who has one of these is staff: kick, ban, administrator, manage channels, guild, messages, roles,
# moderate members.
_STAFF = sum(1 << bit for bit in (1, 2, 3, 4, 5, 13, 28, 40))
_ADMINISTRATOR = 1 << 3
ROLE, MEMBER = 0, 1

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bits:
    """An overwrite: what it allows and denies; the rest is up to the roles."""

    allow: int = 0
    deny: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """What a lockdown does to one overwrite, which was `original` before, `None` if there was none.

    The bits of the three masks are set to that; no bit is in two of them.
    """

    channel_id: int
    overwrite_id: int
    kind: int
    original: Bits | None
    allowed: int = 0
    denied: int = 0
    cleared: int = 0


@dataclass(frozen=True, slots=True)
class Bot:
    """The bot itself in a guild: it can change only permissions that it has."""

    id: int
    permissions: Permissions

    @property
    def held(self) -> int:
        """The lockable bits that the bot holds."""
        return sum(bit for name, bit in BITS.items() if name in self.permissions)


def plan_changes(
    guild: Json, channels: Sequence[Json], bot: Bot, chosen: Collection[int] | None = None
) -> list[Change]:
    """Return what closes the guild's public channels, or the chosen ones, for all but staff.

    `guild` and `channels` are Discord's own objects. Channels that nobody may see or write in
    without a role of staff are left alone, unless they are chosen.
    """
    roles = {int(role["id"]): role for role in guild["roles"]}
    changes: list[Change] = []
    for channel in channels:
        if chosen is not None and int(channel["id"]) not in chosen:
            continue
        mask = _LOCKED.get(channel["type"], 0) & bot.held
        if mask and (chosen is not None or _is_public(channel, roles[int(guild["id"])])):
            changes += _close(channel, int(guild["id"]), mask, roles, bot)
    return changes


def _close(
    channel: Json, everyone: int, mask: int, roles: Mapping[int, Json], bot: Bot
) -> Iterator[Change]:
    channel_id, staff = int(channel["id"]), _staff(roles, everyone)
    planned = plan_lock(
        _listed(channel),
        everyone_id=everyone,
        bot_id=bot.id,
        staff=staff,
        bits=mask,
        bot_bits=bot.held,
    )
    if all(one.target_id == bot.id or one.target_id in staff for one in planned):
        # Nobody else can write there as it is.
        return
    for one in planned:
        # An administrator can go on telling what it does in any case.
        if one.target_id != bot.id or "administrator" not in bot.permissions:
            yield _masked(channel_id, one)


def _listed(channel: Json) -> list[Overwrite]:
    return [
        Overwrite(int(one["id"]), int(one["type"]) == MEMBER, int(one["allow"]), int(one["deny"]))
        for one in channel.get("permission_overwrites") or ()
    ]


def _masked(channel_id: int, change: Planned) -> Change:
    after = change.after
    before = change.before or Overwrite(after.id, after.is_member)
    return Change(
        channel_id,
        after.id,
        MEMBER if after.is_member else ROLE,
        Bits(before.allow, before.deny) if change.before is not None else None,
        allowed=after.allow & ~before.allow,
        denied=after.deny & ~before.deny,
        cleared=(before.allow | before.deny) & ~(after.allow | after.deny),
    )


def _is_public(channel: Json, everyone: Json) -> bool:
    bits = read_overwrites(channel).get(int(everyone["id"]), Bits())
    visible = (int(everyone["permissions"]) & ~bits.deny) | bits.allow
    return bool(visible & _VIEW)


def _staff(roles: Mapping[int, Json], everyone: int) -> dict[int, int]:
    """Return the roles that go on, of staff or of an app, with what they may do in the guild."""
    usual = int(roles[everyone]["permissions"])
    staff = {}
    for role_id, role in roles.items():
        rights = int(role["permissions"])
        if role_id != everyone and rights & _STAFF:
            staff[role_id] = 0 if rights & _ADMINISTRATOR else rights | usual
        elif (role.get("tags") or {}).get("bot_id"):
            staff[role_id] = 0
    return staff


def read_overwrites(channel: Json) -> dict[int, Bits]:
    """Return a channel's overwrites by the id of their role or member."""
    return {
        int(one["id"]): Bits(int(one["allow"]), int(one["deny"]))
        for one in channel.get("permission_overwrites") or ()
    }


def close(change: Change, current: Bits | None) -> Bits:
    """Return what an overwrite is to be while the channel is closed."""
    bits = current or Bits()
    touched = change.allowed | change.denied | change.cleared
    return Bits(
        bits.allow & ~touched | change.allowed,
        bits.deny & ~touched | change.denied,
    )


def reopen(change: Change, current: Bits | None) -> Bits | None:
    """Return what an overwrite is to be afterwards, `None` when it is to be removed.

    Bits that are no longer as the lockdown set them were changed by hand: they stay.
    """
    if current is None:
        return None
    original = change.original or Bits()
    ours = (
        change.allowed & current.allow
        | change.denied & current.deny
        | change.cleared & ~current.allow & ~current.deny
    )
    bits = Bits(
        current.allow & ~ours | original.allow & ours,
        current.deny & ~ours | original.deny & ours,
    )
    return None if ours and change.original is None and bits == Bits() else bits
