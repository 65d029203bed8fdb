"""Finds the winners of a draw; free of discord.py.

The order of drawing is settled by seed and entries alone. It is followed only as far as needed:
each who is drawn is looked up as Discord has them at that moment, and whoever has left, is blocked
or lost what is required is passed over, with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from cogs.giveaways.backstage import Backstage
from cogs.giveaways.eligibility import ERASED, LEFT, Standing, reason_to_pass_over
from cogs.giveaways.plan import Requirements
from cogs.giveaways.verify import draw_order, seed_of
from db import giveaway_draws as table
from db.giveaway_entries import Activity, list_blocked_among, map_activity
from db.giveaways import Giveaway, GiveawayRound

# How many are looked up at once: at least, so that many who left don't cost a question each, and at
# most, as Discord takes no more in one.
_FEWEST, _MOST = 5, 100

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
        order = await self._order(giveaway, round_)
        drawn: list[Drawn] = []
        missing = round_.wanted
        while missing:
            take = min(max(missing, _FEWEST), _MOST)
            digests = await asyncio.to_thread(_take, order, take)
            for one in await self._judge(giveaway, digests):
                if missing:
                    drawn.append(one)
                    missing -= one.reason is None
            if len(digests) < take:
                break
        return drawn

    async def _order(self, giveaway: Giveaway, round_: GiveawayRound) -> Iterator[str]:
        excluded: frozenset[str] = frozenset()
        async with self._stage.database.read() as session:
            if round_.round:
                excluded = await table.list_drawn_digests(session, giveaway.id)
            entries: Entries = [
                (digest, weight)
                async for page in table.read_entries(session, giveaway.id)
                for digest, weight, _person in page
            ]
        seed = seed_of(giveaway.seed, round_.round)
        return draw_order(seed, giveaway.id, round_.round, round_.entries_root, entries, excluded)

    async def _judge(self, giveaway: Giveaway, digests: Sequence[str]) -> list[Drawn]:
        if not digests:
            return []
        requirements = Requirements.from_json(giveaway.requirements)
        async with self._stage.database.read() as session:
            people = await table.map_people(session, giveaway.id, digests)
            ids = [one for one in people.values() if one is not None]
            blocked = await list_blocked_among(session, giveaway.guild_id, ids)
            activity: Mapping[int, Activity] = {}
            if requirements.level is not None or requirements.messages is not None:
                activity = await map_activity(session, giveaway.id, giveaway.guild_id, ids)
        members = await self._stage.members.look_up(giveaway.guild_id, ids)
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

        return [judged(one) for one in digests]


def _take(order: Iterator[str], count: int) -> list[str]:
    return list(islice(order, count))
