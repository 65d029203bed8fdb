"""Has threads looked through when somebody loses a role by which they are in them.

Discord leaves them where they are. Which members are in threads by which roles is noted with each
ticket; of guilds in which members change, it is known here, so that most changes cost nothing.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from cogs.tickets.keeper import RoomKeeper
from cogs.tickets.office import Office
from cogs.tickets.ports import Crowd
from cogs.tickets.roomstate import crowd_of
from db import tickets as table
from db.ticket_threads import list_threads

Spawn = Callable[[str, Coroutine[Any, Any, None]], object]

# Of a guild's newest threads, and of as many guilds.
_MOST_THREADS, _MOST_GUILDS = 1000, 500
_BATCH = 50


class Demotion:
    """Hears of members whose roles change."""

    def __init__(self, office: Office, keeper: RoomKeeper, spawn: Spawn) -> None:
        self._office = office
        self._keeper = keeper
        self._spawn = spawn
        # By guild and member, the roles by which they are in some thread.
        self._known: OrderedDict[int, dict[int, frozenset[int]]] = OrderedDict()
        self._turn = asyncio.Lock()

    def note(self, guild_id: int, crowd: Crowd) -> None:
        """Take down who is in a thread."""
        people = self._known.get(guild_id)
        if people is not None:
            for user_id, roles in crowd.items():
                people[user_id] = people.get(user_id, frozenset()) | roles

    def take_update(self, payload: Mapping[str, Any]) -> None:
        """Take that a member has changed."""
        guild_id, user_id = int(payload["guild_id"]), int(payload["user"]["id"])
        roles = frozenset(map(int, payload.get("roles") or ()))
        people = self._known.get(guild_id)
        if people is None or people.get(user_id, roles) - roles:
            self._spawn("tickets.demotion", self.look(guild_id, user_id, roles))

    async def look(self, guild_id: int, user_id: int, roles: frozenset[int]) -> None:
        """Have the threads looked through in which somebody is by a role that they lack now."""
        async with self._turn:
            crowds = await self._read(guild_id)
            people = self._known[guild_id]
            if user_id in people:
                people[user_id] &= roles
        left = [
            ticket_id
            for ticket_id, crowd in crowds
            if user_id in crowd and crowd[user_id].isdisjoint(roles)
        ]
        for start in range(0, len(left), _BATCH):
            async with self._office.database.write() as session:
                for ticket_id in left[start : start + _BATCH]:
                    ticket = await table.get_ticket(session, ticket_id)
                    if ticket is not None:
                        await self._keeper.ensure(session, ticket)

    async def _read(self, guild_id: int) -> list[tuple[int, Crowd]]:
        async with self._office.database.read() as session:
            rows = await list_threads(session, guild_id, _MOST_THREADS)
        crowds = [(ticket_id, crowd_of(state)) for ticket_id, state in rows]
        self._known.setdefault(guild_id, {})
        self._known.move_to_end(guild_id)
        if len(self._known) > _MOST_GUILDS:
            self._known.popitem(last=False)
        for _ticket_id, crowd in crowds:
            self.note(guild_id, crowd)
        return crowds
