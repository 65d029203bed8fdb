"""Draws of giveaways and those who were drawn; every change of state is a compare-and-set.

Who changes several rows takes the accounts of those who are paid first, then the round, the
giveaway, the entries, the winners, and what these are given last; erasing a person does so, too.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from db.giveaways import (
    ACTIVE,
    DRAWING,
    ENDED,
    PAUSED,
    PENDING,
    REPLACED,
    WON,
    Giveaway,
    GiveawayEntry,
    GiveawayPrize,
    GiveawayRound,
    GiveawayWinner,
)
from db.statements import count_changed, insert_for, table_of

# Rows that are read at once: what is made of them in between must not hold up the loop.
_PAGE = 2000
# Values in one statement; SQLite's older builds take 999.
_MOST_VALUES = 500


@dataclass(frozen=True, slots=True)
class Undrawn:
    """A draw that is still to be made."""

    id: uuid.UUID
    guild_id: int
    round: int


@dataclass(frozen=True, slots=True)
class DrawnRow:
    """Somebody who was drawn, as it is stored."""

    position: int
    digest: str
    user_id: int | None
    state: str
    reason: str | None = None
    claim_until: datetime | None = None


async def get_giveaway(session: AsyncSession, giveaway_id: uuid.UUID) -> Giveaway | None:
    """Return a giveaway as it is now."""
    return await session.get(Giveaway, giveaway_id, populate_existing=True)


# --- the end --------------------------------------------------------------------------------------


async def close_giveaway(
    session: AsyncSession, giveaway_id: uuid.UUID, *, due_at: datetime | None = None
) -> Giveaway | None:
    """Close a giveaway that goes on, so that it is drawn; `None` when another was faster.

    With `due_at` only one that is not paused and was to end by then. Whoever is about to enter is
    waited for; after the commit nobody enters or leaves.
    """
    statement = update(Giveaway).where(Giveaway.id == giveaway_id)
    if due_at is None:
        statement = statement.where(Giveaway.status.in_((ACTIVE, PAUSED)))
    else:
        statement = statement.where(Giveaway.status == ACTIVE, Giveaway.ends_at <= due_at)
    statement = statement.values(status=DRAWING, rounds=1, revision=Giveaway.revision + 1)
    return await session.scalar(
        statement.returning(Giveaway),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )


async def end_giveaway(
    session: AsyncSession, giveaway_id: uuid.UUID, now: datetime
) -> Giveaway | None:
    """Note that a giveaway which was drawn has ended, and return it; `None` when that is noted."""
    statement = (
        update(Giveaway)
        .where(Giveaway.id == giveaway_id, Giveaway.status == DRAWING)
        .values(status=ENDED, ended_at=now, revision=Giveaway.revision + 1)
        .returning(Giveaway)
    )
    options = {"synchronize_session": False, "populate_existing": True}
    return await session.scalar(statement, execution_options=options)


# --- the list of entries --------------------------------------------------------------------------


async def read_entries(
    session: AsyncSession, giveaway_id: uuid.UUID
) -> AsyncIterator[Sequence[tuple[str, int, int | None]]]:
    """Yield digest, weight and person of all entries in pages, as of one moment, by digest.

    To sort 100,000 in Python would hold up the loop, from another thread too.
    """
    query = (
        select(GiveawayEntry.digest, GiveawayEntry.weight, GiveawayEntry.user_id)
        .where(GiveawayEntry.giveaway_id == giveaway_id)
        .order_by(GiveawayEntry.digest)
    )
    result = await session.stream(query.execution_options(yield_per=_PAGE))
    async for page in result.partitions():
        yield [(digest, weight, user_id) for digest, weight, user_id in page]


async def list_entries(
    session: AsyncSession, giveaway_id: uuid.UUID, most: int
) -> Sequence[tuple[str, int, int | None]] | None:
    """Return digest, weight and person of all entries by digest, `None` if there are more."""
    query = (
        select(GiveawayEntry.digest, GiveawayEntry.weight, GiveawayEntry.user_id)
        .where(GiveawayEntry.giveaway_id == giveaway_id)
        .order_by(GiveawayEntry.digest)
        .limit(most + 1)
    )
    rows = [(row[0], row[1], row[2]) for row in await session.execute(query)]
    return rows if len(rows) <= most else None


async def hold_giveaway(session: AsyncSession, giveaway_id: uuid.UUID) -> Giveaway | None:
    """Return a giveaway that nobody else changes until the commit."""
    query = select(Giveaway).where(Giveaway.id == giveaway_id).with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def drop_erased_entries(session: AsyncSession, giveaway_id: uuid.UUID) -> int:
    """Delete the entries of those whose data was erased while the giveaway was open."""
    statement = delete(GiveawayEntry).where(
        GiveawayEntry.giveaway_id == giveaway_id, GiveawayEntry.user_id.is_(None)
    )
    return await count_changed(session, statement)


async def measure_entries(session: AsyncSession, giveaway_id: uuid.UUID) -> tuple[int, int]:
    """Return how many entries there are and what they weigh together."""
    query = select(func.count(), func.coalesce(func.sum(GiveawayEntry.weight), 0)).where(
        GiveawayEntry.giveaway_id == giveaway_id
    )
    count, weight = (await session.execute(query)).one()
    return count, int(weight)


async def keep_named(
    session: AsyncSession, giveaway_id: uuid.UUID, user_ids: Collection[int]
) -> bool:
    """Tell whether all these people are in the list still, and stay there until the commit.

    Whoever has had their data erased meanwhile is not.
    """
    found, wanted = 0, sorted(user_ids)
    for start in range(0, len(wanted), _MOST_VALUES):
        query = select(GiveawayEntry.id).where(
            GiveawayEntry.giveaway_id == giveaway_id,
            GiveawayEntry.user_id.in_(wanted[start : start + _MOST_VALUES]),
        )
        held = query.order_by(GiveawayEntry.id).with_for_update(read=True)
        found += len((await session.execute(held)).all())
    return found == len(wanted)


async def map_people(
    session: AsyncSession, giveaway_id: uuid.UUID, digests: Sequence[str]
) -> Mapping[str, int | None]:
    """Return whose the entries with these digests are; `None` for who was erased."""
    found: dict[str, int | None] = {}
    for start in range(0, len(digests), _MOST_VALUES):
        query = select(GiveawayEntry.digest, GiveawayEntry.user_id).where(
            GiveawayEntry.giveaway_id == giveaway_id,
            GiveawayEntry.digest.in_(digests[start : start + _MOST_VALUES]),
        )
        found |= {row[0]: row[1] for row in await session.execute(query)}
    return found


# --- rounds ---------------------------------------------------------------------------------------


async def get_round(
    session: AsyncSession, giveaway_id: uuid.UUID, number: int
) -> GiveawayRound | None:
    """Return a draw as it is now."""
    return await session.get(GiveawayRound, (giveaway_id, number), populate_existing=True)


async def map_rounds(
    session: AsyncSession, giveaway_id: uuid.UUID, numbers: Collection[int]
) -> Mapping[int, GiveawayRound]:
    """Return those of the draws with these numbers that there are."""
    query = select(GiveawayRound).where(
        GiveawayRound.giveaway_id == giveaway_id, GiveawayRound.round.in_(numbers)
    )
    return {one.round: one for one in await session.scalars(query)}


async def list_undrawn(session: AsyncSession) -> list[Undrawn]:
    """Return the draws of all guilds that are ordered and not made, also of lists not final yet."""
    closed = select(Giveaway.id, Giveaway.guild_id, literal(0)).where(Giveaway.status == DRAWING)
    ordered = (
        select(Giveaway.id, Giveaway.guild_id, GiveawayRound.round)
        .join(Giveaway, Giveaway.id == GiveawayRound.giveaway_id)
        .where(Giveaway.status == ENDED, GiveawayRound.drawn_at.is_(None))
    )
    rows = await session.execute(closed.union_all(ordered))
    return [Undrawn(*row) for row in rows]


async def add_first_round(
    session: AsyncSession,
    giveaway_id: uuid.UUID,
    *,
    wanted: int,
    root: str,
    entries: tuple[int, int],
    now: datetime,
) -> GiveawayRound:
    """Keep what the first draw is made from; the caller holds the giveaway's row."""
    count, weight = entries
    round_ = GiveawayRound(
        giveaway_id=giveaway_id,
        round=0,
        wanted=wanted,
        entries_root=root,
        entry_count=count,
        total_weight=weight,
        frozen_at=now,
    )
    session.add(round_)
    await session.flush()
    return round_


async def add_round(
    session: AsyncSession,
    giveaway_id: uuid.UUID,
    *,
    wanted: int,
    requested_by: int | None,
    most: int,
    now: datetime,
) -> int | None:
    """Order another draw of a giveaway that has ended, from the same entries; return its number.

    `None` when it has not ended, or has had `most` draws.
    """
    counted = (
        update(Giveaway)
        .where(Giveaway.id == giveaway_id, Giveaway.status == ENDED, Giveaway.rounds < most)
        .values(rounds=Giveaway.rounds + 1, revision=Giveaway.revision + 1)
        .returning(Giveaway.rounds)
        .execution_options(synchronize_session=False)
    )
    rounds = await session.scalar(counted)
    first = await get_round(session, giveaway_id, 0) if rounds is not None else None
    if rounds is None or first is None:
        return None
    session.add(
        GiveawayRound(
            giveaway_id=giveaway_id,
            round=rounds - 1,
            wanted=wanted,
            entries_root=first.entries_root,
            entry_count=first.entry_count,
            total_weight=first.total_weight,
            requested_by=requested_by,
            frozen_at=now,
        )
    )
    await session.flush()
    return rounds - 1


async def finish_round(
    session: AsyncSession, giveaway_id: uuid.UUID, number: int, *, seed: str, now: datetime
) -> bool:
    """Make a draw's seed public and the draw done; False when another has done so."""
    statement = (
        update(GiveawayRound)
        .where(
            GiveawayRound.giveaway_id == giveaway_id,
            GiveawayRound.round == number,
            GiveawayRound.drawn_at.is_(None),
        )
        .values(seed=seed, drawn_at=now)
    )
    return await count_changed(session, statement) == 1


# --- who was drawn --------------------------------------------------------------------------------


async def list_drawn_digests(session: AsyncSession, giveaway_id: uuid.UUID) -> frozenset[str]:
    """Return the digests of all who were drawn, those passed over included."""
    query = select(GiveawayWinner.digest).where(GiveawayWinner.giveaway_id == giveaway_id)
    return frozenset(await session.scalars(query))


async def count_drawn(session: AsyncSession, giveaway_id: uuid.UUID) -> int:
    """Return how many were drawn, those passed over included."""
    query = select(func.count()).select_from(GiveawayWinner)
    query = query.where(GiveawayWinner.giveaway_id == giveaway_id)
    return (await session.execute(query)).scalar_one()


async def add_drawn(
    session: AsyncSession,
    giveaway_id: uuid.UUID,
    number: int,
    drawn: Sequence[DrawnRow],
    now: datetime,
) -> Mapping[int, int]:
    """Store who was drawn in a round; return the rows' ids by position."""
    values = [
        {
            "giveaway_id": giveaway_id,
            "round": number,
            "position": one.position,
            "user_id": one.user_id,
            "digest": one.digest,
            "state": one.state,
            "reason": one.reason,
            "claim_until": one.claim_until,
            "decided_at": None if one.state == PENDING else now,
        }
        for one in drawn
    ]
    if not values:
        return {}
    winners = table_of(GiveawayWinner)
    statement = insert_for(session, winners).returning(winners.c.position, winners.c.id)
    return {row[0]: row[1] for row in await session.execute(statement, values)}


async def get_winner(
    session: AsyncSession, winner_id: int, *, lock: bool = False
) -> GiveawayWinner | None:
    """Return somebody who was drawn, as it is now; with `lock` nobody changes it until the end."""
    return await session.get(
        GiveawayWinner, winner_id, populate_existing=True, with_for_update=lock or None
    )


async def find_winner(
    session: AsyncSession, giveaway_id: uuid.UUID, user_id: int, *, lock: bool = False
) -> GiveawayWinner | None:
    """Return the row of a person who was drawn in a giveaway; `lock` as in `get_winner`."""
    query = select(GiveawayWinner).where(
        GiveawayWinner.giveaway_id == giveaway_id, GiveawayWinner.user_id == user_id
    )
    if lock:
        query = query.with_for_update()
    return await session.scalar(query, execution_options={"populate_existing": True})


async def list_winners(
    session: AsyncSession, giveaway_id: uuid.UUID, states: Collection[str] = (PENDING, WON)
) -> Sequence[GiveawayWinner]:
    """Return who was drawn and is in one of these states, in the order of drawing."""
    query = (
        select(GiveawayWinner)
        .where(GiveawayWinner.giveaway_id == giveaway_id, GiveawayWinner.state.in_(states))
        .order_by(GiveawayWinner.round, GiveawayWinner.position)
    )
    return (await session.scalars(query)).all()


async def claim_prize(session: AsyncSession, winner_id: int, now: datetime) -> bool:
    """Make an open prize its winner's; False when it is not open, or the time is up."""
    statement = (
        update(GiveawayWinner)
        .where(
            GiveawayWinner.id == winner_id,
            GiveawayWinner.state == PENDING,
            GiveawayWinner.claim_until > now,
        )
        .values(state=WON, decided_at=now)
    )
    return await count_changed(session, statement) == 1


async def replace_winner(
    session: AsyncSession, giveaway_id: uuid.UUID, user_id: int, now: datetime
) -> int | None:
    """Take a prize from a winner; return the row's id, `None` when they have none."""
    statement = (
        update(GiveawayWinner)
        .where(
            GiveawayWinner.giveaway_id == giveaway_id,
            GiveawayWinner.user_id == user_id,
            GiveawayWinner.state.in_((PENDING, WON)),
        )
        .values(state=REPLACED, decided_at=now)
        .returning(GiveawayWinner.id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement)


async def has_codes(session: AsyncSession, giveaway_id: uuid.UUID) -> bool:
    """Tell whether the vault holds codes for a giveaway."""
    query = select(GiveawayPrize.id).where(GiveawayPrize.giveaway_id == giveaway_id).limit(1)
    return await session.scalar(query) is not None


async def has_code_of(session: AsyncSession, winner_id: int) -> bool:
    """Tell whether a winner was handed a code."""
    query = select(GiveawayPrize.id).where(GiveawayPrize.winner_id == winner_id)
    return await session.scalar(query) is not None
