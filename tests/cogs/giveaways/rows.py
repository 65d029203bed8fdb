"""Giveaways put straight into the tables, for tests of what comes after they were started."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cogs.giveaways import verify
from db.giveaways import ENDED, Giveaway, GiveawayEntry, GiveawayRound, GiveawayWinner

GUILD, CHANNEL, HOST = 100, 200, 300
AT = datetime(2026, 1, 1, tzinfo=UTC)
TIP = "5a" * 32


def make_giveaway(**values: Any) -> Giveaway:
    """Return a giveaway that has ended, unless the values say otherwise."""
    given: dict[str, Any] = {
        "id": uuid.UUID(int=1),
        "guild_id": GUILD,
        "number": 1,
        "channel_id": CHANNEL,
        "host_id": HOST,
        "title": "Giveaway",
        "prize": "A keyboard",
        "winner_count": 2,
        "status": ENDED,
        "starts_at": AT,
        "ends_at": AT,
        "requirements": {},
        "bonus_entries": [],
        "embed_config": {},
        "seed": TIP,
        "commitment": verify.commitment_of(TIP),
        "rounds": 0,
        "revision": 1,
        "created_at": AT,
    }
    return Giveaway(**{**given, **values})


def make_entry(giveaway: Giveaway, user_id: int, *, weight: int = 1) -> GiveawayEntry:
    """Return a person's entry."""
    salt = f"{user_id:032x}"
    return GiveawayEntry(
        giveaway_id=giveaway.id,
        user_id=user_id,
        salt=salt,
        digest=verify.digest_of(giveaway.id, user_id, salt),
        weight=weight,
        entered_at=AT,
    )


async def add_drawn(
    session: AsyncSession, giveaway: Giveaway, users: dict[int, int], *, wanted: int = 2
) -> list[GiveawayWinner]:
    """Add a giveaway with entries by person and weight, and its first draw; return who was drawn.

    The first who was drawn is passed over.
    """
    entries = [make_entry(giveaway, user_id, weight=weight) for user_id, weight in users.items()]
    session.add_all([giveaway, *entries])
    weighted = [(one.digest, one.weight) for one in entries]
    root, seed = verify.entries_root(weighted), verify.seed_of(TIP, 0)
    order = list(verify.draw_order(seed, giveaway.id, 0, root, weighted))[: wanted + 1]
    people = {one.digest: one.user_id for one in entries}
    winners = [
        GiveawayWinner(
            giveaway_id=giveaway.id,
            round=0,
            position=position,
            user_id=people[digest],
            digest=digest,
            state="skipped" if position == 0 else "won",
            reason="left" if position == 0 else None,
        )
        for position, digest in enumerate(order)
    ]
    session.add_all(winners)
    session.add(
        GiveawayRound(
            giveaway_id=giveaway.id,
            round=0,
            wanted=wanted,
            entries_root=root,
            entry_count=len(entries),
            total_weight=sum(users.values()),
            seed=seed,
            frozen_at=AT,
            drawn_at=AT,
        )
    )
    await session.flush()
    return winners
