"""Whom news comes about while a guild's members are read, which is newer than what is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Hearing:
    """Notes members of the guilds that are being read."""

    def __init__(self) -> None:
        self._heard: dict[int, set[int]] = {}

    @contextmanager
    def listening(self, guild_id: int) -> Iterator[set[int]]:
        """Give the members of a guild whom news comes about while this lasts."""
        heard = self._heard[guild_id] = set()
        try:
            yield heard
        finally:
            self._heard.pop(guild_id, None)

    def note(self, guild_id: int, user_id: int) -> None:
        """Note news about a member."""
        if (heard := self._heard.get(guild_id)) is not None:
            heard.add(user_id)
