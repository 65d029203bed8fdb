"""Finds the winners of a draw; free of discord.py.

The order of drawing is settled by seed and entries alone. It is followed only as far as needed:
each who is drawn is looked up as Discord has them at that moment, and whoever has left, is blocked
or lost what is required is passed over, with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from cogs.giveaways.backstage import Backstage
from cogs.giveaways.eligibility import (
    ERASED,
    LEFT,
    Standing,
    deleted_roles,
    reason_to_pass_over,
    without_deleted,
)
from cogs.giveaways.plan import Requirements
from cogs.giveaways.verify import draw_order, seed_of
from db import giveaway_draws as table
from db.giveaway_entries import Activity, list_blocked_among, map_activity
from db.giveaways import Giveaway, GiveawayRound

# How many are looked up at once: at least, so that many who left don't cost a question each, and at
# most, as Discord takes no more in one.
_FEWEST, _MOST = 5, 100

# So many entries are read by one query, and hashed within a millisecond or two.
SHORT_LIST = 500

# How many messages of a person for a giveaway are counted that the database does not know yet.
Unwritten = Callable[[UUID, int], int]
# Digests with their weights.
Entries = Sequence[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Somebody who was drawn; `reason` is why they are passed over."""

    digest: str
    user_id: int | None
    reason: str | None = None
    role_ids: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Some:
    """The next in the order of a draw, and what the database knows of them."""

    digests: Sequence[str]
    people: Mapping[str, int | None]
    user_ids: Sequence[int]
    blocked: Collection[int]
    activity: Mapping[int, Activity]
    are_last: bool


class Finder:
    """Follows the order of a draw until enough winners are found."""

    def __init__(self, backstage: Backstage, unwritten: Unwritten) -> None:
        self._stage = backstage
        self._unwritten = unwritten

    async def find(self, giveaway: Giveaway, round_: GiveawayRound) -> Sequence[Drawn]:
        """Return all who are drawn, in their order, the last of them a winner if enough are found.

        Raises `Retry` while Discord can't say who is a member.
        """
        if round_.entry_count == 0:
            return ()
        drawn: list[Drawn] = []
        missing = round_.wanted
        async with self._stage.database.read() as session:
            order = await self._order(session, giveaway, round_)
            some = await self._take(session, giveaway, order, missing)
        while True:
            for one in await self._judge(giveaway, some):
                if missing:
                    drawn.append(one)
                    missing -= one.reason is None
            if not missing or some.are_last:
                return drawn
            async with self._stage.database.read() as session:
                some = await self._take(session, giveaway, order, missing)

    async def _order(
        self, session: AsyncSession, giveaway: Giveaway, round_: GiveawayRound
    ) -> Iterator[str]:
        excluded: frozenset[str] = frozenset()
        if round_.round:
            excluded = await table.list_drawn_digests(session, giveaway.id)
        entries = await _read_entries(session, giveaway.id)
        seed = seed_of(giveaway.seed, round_.round)
        return draw_order(seed, giveaway.id, round_.round, round_.entries_root, entries, excluded)

    async def _take(
        self, session: AsyncSession, giveaway: Giveaway, order: Iterator[str], missing: int
    ) -> _Some:
        """Read what the database knows of the next in the order."""
        take = min(max(missing, _FEWEST), _MOST)
        digests = await asyncio.to_thread(_next, order, take)
        people = await table.map_people(session, giveaway.id, digests) if digests else {}
        ids = [one for one in people.values() if one is not None]
        blocked = await list_blocked_among(session, giveaway.guild_id, ids)
        activity: Mapping[int, Activity] = {}
        requirements = Requirements.from_json(giveaway.requirements)
        if requirements.level is not None or requirements.messages is not None:
            activity = await map_activity(session, giveaway.id, giveaway.guild_id, ids)
        return _Some(digests, people, ids, blocked, activity, are_last=len(digests) < take)

    async def _judge(self, giveaway: Giveaway, some: _Some) -> list[Drawn]:
        if not some.digests:
            return []
        people, blocked, activity = some.people, some.blocked, some.activity
        requirements = Requirements.from_json(giveaway.requirements)
        deleted = deleted_roles(requirements, self._stage.state(), giveaway.guild_id)
        requirements = without_deleted(requirements, deleted)
        members = await self._stage.members.look_up(giveaway.guild_id, some.user_ids)
        house = await self._stage.house(giveaway.guild_id)
        now = self._stage.clock.now()

        def judged(digest: str) -> Drawn:
            user_id = people[digest]
            if user_id is None:
                return Drawn(digest, None, ERASED)
            if (member := members.get(user_id)) is None:
                return Drawn(digest, user_id, LEFT)
            found = activity.get(user_id, Activity())
            standing = Standing(
                role_ids=member.role_ids,
                joined_at=member.joined_at,
                level=found.level,
                messages=found.messages + self._unwritten(giveaway.id, user_id),
            )
            is_blocked = user_id in blocked
            reason = reason_to_pass_over(requirements, house, standing, now, is_blocked=is_blocked)
            return Drawn(digest, user_id, reason, member.role_ids)

        return [judged(one) for one in some.digests]


async def read_short_list(
    session: AsyncSession, giveaway_id: UUID
) -> Sequence[tuple[str, int, int | None]] | None:
    """Return digest, weight and person of all entries; `None` when they take a while to read."""
    return await table.list_entries(session, giveaway_id, SHORT_LIST)


async def _read_entries(session: AsyncSession, giveaway_id: UUID) -> Entries:
    found = await read_short_list(session, giveaway_id)
    if found is not None:
        return [(digest, weight) for digest, weight, _person in found]
    return [
        (digest, weight)
        async for page in table.read_entries(session, giveaway_id)
        for digest, weight, _person in page
    ]


def _next(order: Iterator[str], count: int) -> list[str]:
    return list(islice(order, count))
