"""What closing a channel does to its permission overwrites, and what opening it puts back. Pure.

Works on bits: whoever changes an overwrite by hand while it is closed keeps what they changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.contracts import Permissions

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
_TALK = BITS["send_messages"] | BITS["send_messages_in_threads"]
# Text, voice, news, stage, forum and media.
_LOCKED = {0: _TEXT, 2: _VOICE, 5: _TEXT, 13: _VOICE, 15: _TEXT, 16: _TEXT}
# Who has one of these is staff: kick, ban, administrator, manage channels, guild, messages, roles,
# moderate members.
_STAFF = sum(1 << bit for bit in (1, 2, 3, 4, 5, 13, 28, 40))
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
    overwrites = read_overwrites(channel)
    channel_id = int(channel["id"])
    general = overwrites.get(everyone)
    denied = mask & ~(general.deny if general else 0)
    opened = [
        Change(channel_id, one, ROLE, bits, cleared=bits.allow & mask)
        for one, bits in overwrites.items()
        if one in roles and one != everyone and bits.allow & mask and not _is_spared(roles[one])
    ]
    if not denied and not opened:
        return
    own = overwrites.get(bot.id)
    talk = _TALK & mask & ~((own.allow | own.deny) if own else 0)
    if talk and "administrator" not in bot.permissions:
        # First of all, so that the bot can go on telling what it does.
        yield Change(channel_id, bot.id, MEMBER, own, allowed=talk)
    if denied:
        yield Change(channel_id, everyone, ROLE, general, denied=denied)
    yield from opened


def _is_public(channel: Json, everyone: Json) -> bool:
    bits = read_overwrites(channel).get(int(everyone["id"]), Bits())
    visible = (int(everyone["permissions"]) & ~bits.deny) | bits.allow
    return bool(visible & _VIEW)


def _is_spared(role: Json) -> bool:
    """Whether a role is one of staff or of an app, which go on working."""
    return bool(int(role["permissions"]) & _STAFF or (role.get("tags") or {}).get("bot_id"))


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
