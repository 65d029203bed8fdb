"""Has threads looked through when somebody loses a role by which they are in them, or it goes.

Discord leaves them where they are. Which members are in threads by which roles is noted with each
ticket; of guilds in which members change, it is known here, so that most changes cost nothing.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from cogs.tickets.keeper import RoomKeeper
from cogs.tickets.office import Office
from cogs.tickets.ports import Crowd
from cogs.tickets.roomstate import admitted_by, crowd_of
from db.ticket_threads import list_threads, list_tickets_by_id

Spawn = Callable[[str, Coroutine[Any, Any, None]], object]

# Of a guild's newest threads, and of as many guilds.
_MOST_THREADS, _MOST_GUILDS = 1000, 500
_BATCH = 50


class Demotion:
    """Hears of members whose roles change, and of roles that are deleted."""

    def __init__(self, office: Office, keeper: RoomKeeper, spawn: Spawn) -> None:
        self._office = office
        self._keeper = keeper
        self._spawn = spawn
        # By guild and member, the roles by which they are in some thread.
        self._known: OrderedDict[int, dict[int, frozenset[int]]] = OrderedDict()
        self._turn = asyncio.Lock()
        # Where roles were deleted since the threads were read.
        self._shorn: set[int] = set()

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
        await self._have_looked_at(
            [
                ticket_id
                for ticket_id, crowd in crowds
                if user_id in crowd and crowd[user_id].isdisjoint(roles)
            ]
        )

    def take_deleted_role(self, payload: Mapping[str, Any]) -> None:
        """Take that a role was deleted, of whose members Discord tells nothing."""
        guild_id = int(payload["guild_id"])
        # Who deletes many at once has the threads looked through once.
        if guild_id not in self._shorn:
            self._shorn.add(guild_id)
            self._spawn("tickets.demotion", self.look_for_deleted(guild_id))

    async def look_for_deleted(self, guild_id: int) -> None:
        """Have the threads looked through that a role was let into which is there no more.

        Of channels Discord takes such roles out itself.
        """
        async with self._turn:
            self._shorn.discard(guild_id)
            rows = await self._list(guild_id)
            let_in = {ticket_id: admitted_by(state).roles or () for ticket_id, state in rows}
            deleted = self._office.deleted(guild_id, frozenset().union(*let_in.values()))
        await self._have_looked_at(
            [one for one, roles in let_in.items() if not deleted.isdisjoint(roles)]
        )

    async def _have_looked_at(self, ticket_ids: Sequence[int]) -> None:
        for start in range(0, len(ticket_ids), _BATCH):
            async with self._office.database.write() as session:
                found = await list_tickets_by_id(session, ticket_ids[start : start + _BATCH])
                for ticket in found:
                    await self._keeper.ensure(session, ticket)

    async def _list(self, guild_id: int) -> Sequence[tuple[int, Mapping[str, Any]]]:
        async with self._office.database.read() as session:
            return await list_threads(session, guild_id, _MOST_THREADS)

    async def _read(self, guild_id: int) -> list[tuple[int, Crowd]]:
        rows = await self._list(guild_id)
        crowds = [(ticket_id, crowd_of(state)) for ticket_id, state in rows]
        self._known.setdefault(guild_id, {})
        self._known.move_to_end(guild_id)
        if len(self._known) > _MOST_GUILDS:
            self._known.popitem(last=False)
        for _ticket_id, crowd in crowds:
            self.note(guild_id, crowd)
        return crowds
