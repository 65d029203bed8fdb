"""Who sits in which voice channel, from the gateway's payloads; pure, bounded, in memory.

discord.py keeps no members here, and its voice states name neither roles nor bots.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

# So many people can be in voice in the guilds of one process; further ones are not counted.
MOST_SEATS = 100_000


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody in a voice channel; `talks` is whether they can be heard and hear."""

    user_id: int
    channel_id: int
    talks: bool
    is_bot: bool = False
    role_ids: frozenset[int] = frozenset()
    joined_at: str | None = None


class Seats:
    """The seats of all guilds, as the last payloads tell."""

    def __init__(self, most: int = MOST_SEATS) -> None:
        self._guilds: dict[int, dict[int, Seat]] = {}
        self._most = most
        self._count = 0

    def guild_seen(self, payload: Mapping[str, Any]) -> None:
        """Take in who is in voice in a guild that came with the connection, instead of before."""
        guild_id = int(payload["id"])
        self.guild_gone(guild_id)
        members = {one["user"]["id"]: one for one in payload.get("members") or ()}
        for state in payload.get("voice_states") or ():
            self.moved({"member": members.get(state["user_id"]), **state, "guild_id": guild_id})

    def guild_gone(self, guild_id: int) -> None:
        """Forget a guild."""
        self._count -= len(self._guilds.pop(guild_id, ()))

    def moved(self, payload: Mapping[str, Any]) -> None:
        """Take in a voice state."""
        if payload.get("guild_id") is None:
            return
        guild_id, user_id = int(payload["guild_id"]), int(payload["user_id"])
        seats = self._guilds.get(guild_id, {})
        before = seats.get(user_id)
        if payload.get("channel_id") is None:
            if before is not None:
                self._leave(guild_id, user_id)
        elif before is not None or self._count < self._most:
            self._guilds.setdefault(guild_id, {})[user_id] = _seat_in(payload, user_id, before)
            self._count += before is None

    def _leave(self, guild_id: int, user_id: int) -> None:
        del self._guilds[guild_id][user_id]
        self._count -= 1
        if not self._guilds[guild_id]:
            del self._guilds[guild_id]

    def changed(self, payload: Mapping[str, Any]) -> None:
        """Take in which roles a member has now."""
        guild_id, user_id = int(payload["guild_id"]), int(payload["user"]["id"])
        if (seat := self.get(guild_id, user_id)) is not None:
            roles = frozenset(map(int, payload.get("roles", ())))
            self._guilds[guild_id][user_id] = replace(seat, role_ids=roles)

    def get(self, guild_id: int, user_id: int) -> Seat | None:
        """Return where somebody sits."""
        return self._guilds.get(guild_id, {}).get(user_id)

    def by_guild(self) -> Iterator[tuple[int, list[Seat]]]:
        """Yield the seats of each guild where there are any."""
        for guild_id, seats in list(self._guilds.items()):
            yield guild_id, list(seats.values())

    def in_guild(self, guild_id: int) -> list[Seat]:
        """Return a guild's seats."""
        return list(self._guilds.get(guild_id, {}).values())

    def __len__(self) -> int:
        return self._count


def talking(seats: Iterable[Seat], afk_channel_id: int | None) -> list[Seat]:
    """Return those who talk with somebody: two or more people in one channel who can hear.

    Bots, those who are muted or deafened, and the channel of the absent count for nothing.
    """
    rooms: defaultdict[int, list[Seat]] = defaultdict(list)
    for one in seats:
        if one.talks and not one.is_bot and one.channel_id != afk_channel_id:
            rooms[one.channel_id].append(one)
    return [one for room in rooms.values() if len(room) > 1 for one in room]


def _seat_in(payload: Mapping[str, Any], user_id: int, before: Seat | None) -> Seat:
    # `suppress` is how Discord marks the audience of a stage.
    marks = ("mute", "self_mute", "deaf", "self_deaf", "suppress")
    talks = not any(payload.get(mark) for mark in marks)
    channel_id = int(payload["channel_id"])
    member = payload.get("member")
    if not isinstance(member, Mapping):
        known = before or Seat(user_id, channel_id, talks)
        return replace(known, channel_id=channel_id, talks=talks)
    return Seat(
        user_id,
        channel_id,
        talks,
        bool(member.get("user", {}).get("bot", False)),
        frozenset(map(int, member.get("roles", ()))),
        member.get("joined_at"),
    )
