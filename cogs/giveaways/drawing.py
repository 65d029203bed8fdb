"""Ends giveaways and draws them, once each however it comes about; free of discord.py.

A giveaway is closed by a compare-and-set, whoever asks: its time, a command, its last entry,
another process. From there on a job does one step after the other, each in the transaction that
settles the job, and a process that dies leaves the next one what is left:

1. the list of entries is final; its root is stored and published, a short one's as it is closed,
   and the message is waited for,
2. the winners are found, which changes nothing,
3. winners, seed, announcement, letters and roles are stored together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.jobs import Finish, Job, Retry
from bot.core.outbox import Delivery, Receipt
from cogs.giveaways.announcing import Result, closed_payload, result_payload, round_key
from cogs.giveaways.backstage import Backstage
from cogs.giveaways.finding import Drawn, Entries, Finder, Unwritten, read_short_list
from cogs.giveaways.rewarding import Winner
from cogs.giveaways.rounds import DRAW_JOB, draw_key, order_draw, read_draw_key
from cogs.giveaways.verify import entries_root, seed_of
from cogs.giveaways.winning import Winning
from db import giveaway_draws as table
from db.giveaways import ACTIVE, PENDING, SKIPPED, WON, Giveaway, GiveawayRound

END_JOB = "giveaways.end"
# A draw of many who have left takes a while: Discord is asked for each of them.
_LONGEST = timedelta(minutes=30)
_TURN_PAUSE = timedelta(seconds=5)
_SOON = timedelta(seconds=0.5)
# A guild is away for a moment, or the bot was removed from it and is perhaps added again.
_SHORT_ABSENCE, _LONG_ABSENCE = timedelta(seconds=30), timedelta(hours=1)


def closed_key(giveaway_id: UUID) -> str:
    """Return the key of the message that says that the entries are closed."""
    return f"giveaways:{giveaway_id}:closed"


class Drawing:
    """Closes and draws giveaways."""

    def __init__(
        self,
        backstage: Backstage,
        winning: Winning,
        *,
        unwritten: Unwritten = lambda _giveaway_id, _user_id: 0,
    ) -> None:
        self._stage = backstage
        self._winning = winning
        self._finder = Finder(backstage, unwritten)
        # Seconds for which the message about the entries is waited for before the job is put off.
        # None: of many that end at once, others get their turn.
        self.patience = 0.0

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._stage.jobs.register(
            END_JOB, self.end_due, effect=self._get_ready, max_attempts=1000, outlasts_absence=True
        )
        self._stage.jobs.register(
            DRAW_JOB,
            effect=self.draw_due,
            timeout=_LONGEST,
            max_attempts=1000,
            outlasts_absence=True,
        )

    async def get_ready(self, guild_id: int) -> None:
        """Know what is needed to close a giveaway of a guild; to be called before `close`."""
        await self._stage.recall(guild_id)

    async def close(
        self, session: AsyncSession, giveaway_id: UUID, *, by: int | None = None
    ) -> bool:
        """End a giveaway that goes on or is paused, in the caller's transaction.

        False when it has ended, or never began. `by` is whoever asks; nobody when it ends by
        itself.
        """
        giveaway = await table.close_giveaway(session, giveaway_id)
        if giveaway is None:
            return False
        if by is not None:
            await self._stage.jobs.cancel(session, f"{END_JOB}:{giveaway_id}")
        await self._after_close(session, giveaway)
        return True

    async def _get_ready(self, job: Job) -> None:
        await self.get_ready(job.guild_id or 0)

    async def end_due(self, job: Job, session: AsyncSession) -> datetime | None:
        """End a giveaway whose time has come; one that was given more is looked at again then."""
        giveaway_id, now = UUID(job.dedupe_key.removeprefix(f"{END_JOB}:")), self._stage.clock.now()
        closed = await table.close_giveaway(session, giveaway_id, due_at=now)
        if closed is not None:
            await self._after_close(session, closed)
            return None
        giveaway = await table.get_giveaway(session, giveaway_id)
        if giveaway is None or giveaway.status != ACTIVE:
            return None
        return giveaway.ends_at

    async def _after_close(self, session: AsyncSession, giveaway: Giveaway) -> None:
        is_final = await self._freeze_short(session, giveaway)
        after = _SOON if is_final and not self.patience else timedelta()
        await order_draw(self._stage, session, giveaway.id, giveaway.guild_id, 0, after=after)
        # Mostly it is drawn sooner than that, and the message is edited once.
        await self._stage.board.refresh(session, giveaway.id, giveaway.guild_id)

    # --- the job -----------------------------------------------------------------------------

    async def draw_due(self, job: Job) -> Finish | None:
        """Find out what is next in a draw, and return what stores it; safe to repeat."""
        giveaway_id, number = read_draw_key(job.dedupe_key)
        async with self._stage.database.read() as session:
            giveaway = await table.get_giveaway(session, giveaway_id)
            rounds = await table.map_rounds(session, giveaway_id, (number - 1, number))
            told = await self._stage.outbox.get_receipt(session, closed_key(giveaway_id))
        round_, before = rounds.get(number), rounds.get(number - 1)
        if giveaway is None or (round_ is not None and round_.drawn_at is not None):
            return None
        if self._stage.state().guild(giveaway.guild_id) is None:
            away = self._stage.clock.now() - job.created_at
            pause = min(max(away, _SHORT_ABSENCE), _LONG_ABSENCE)
            raise Retry(pause, "the guild is not there")
        if before is not None and before.drawn_at is None:
            # Whom it draws can't win in this one.
            raise Retry(_TURN_PAUSE, "the draw before it is not done")
        await self._stage.recall(giveaway.guild_id)
        if round_ is None:
            return await self._measure_list(giveaway)
        if number == 0:
            await self._await_publication(giveaway, told)
        drawn = await self._finder.find(giveaway, round_)
        return partial(self._decide, giveaway, round_, drawn)

    async def _freeze_short(self, session: AsyncSession, giveaway: Giveaway) -> bool:
        """Make a short list final where it is closed; False for one that takes a while to read."""
        found = await read_short_list(session, giveaway.id)
        if found is None:
            return False
        entries = [(digest, weight) for digest, weight, user_id in found if user_id]
        if len(entries) < len(found):
            await table.drop_erased_entries(session, giveaway.id)
        await self._publish(session, giveaway, entries_root(entries), _measure(entries))
        return True

    async def _measure_list(self, giveaway: Giveaway) -> Finish:
        """Return what stores and publishes from what the first draw is made."""
        entries = await self._read_list(giveaway)
        root = await asyncio.to_thread(entries_root, entries)
        return partial(self._freeze, giveaway, root, _measure(entries))

    async def _freeze(
        self, giveaway: Giveaway, root: str, measured: tuple[int, int], session: AsyncSession
    ) -> datetime:
        """Make the list final, unless another process did; return when to go on."""
        now = self._stage.clock.now()
        await table.hold_giveaway(session, giveaway.id)
        if await table.measure_entries(session, giveaway.id) != measured:
            # Meanwhile the entry of somebody who was erased has left the list.
            return now
        if await table.get_round(session, giveaway.id, 0) is None:
            await self._publish(session, giveaway, root, measured)
        return now if self.patience else now + _SOON

    async def _read_list(self, giveaway: Giveaway) -> Entries:
        entries: list[tuple[str, int]] = []
        erased = 0
        async with self._stage.database.read() as session:
            async for page in table.read_entries(session, giveaway.id):
                entries += [(digest, weight) for digest, weight, user_id in page if user_id]
                erased += sum(user_id is None for _, _, user_id in page)
        if erased:
            async with self._stage.database.write() as session:
                await table.hold_giveaway(session, giveaway.id)
                if await table.get_round(session, giveaway.id, 0) is None:
                    await table.drop_erased_entries(session, giveaway.id)
        return entries

    async def _publish(
        self, session: AsyncSession, giveaway: Giveaway, root: str, measured: tuple[int, int]
    ) -> None:
        now = self._stage.clock.now()
        await table.add_first_round(
            session, giveaway.id, wanted=giveaway.winner_count, root=root, entries=measured, now=now
        )
        if not measured[0]:
            return
        locale = await self._stage.locale(giveaway.guild_id)
        await self._stage.outbox.send(
            session,
            Delivery.message(
                giveaway.channel_id,
                closed_payload(giveaway, root=root, entries=measured, locale=locale),
                dedupe_key=closed_key(giveaway.id),
                guild_id=giveaway.guild_id,
            ),
        )

    async def _await_publication(self, giveaway: Giveaway, told: Receipt | None) -> None:
        """Wait until everybody can read the root: nobody may know the seed before.

        One that can't be posted, or waits for a permission, holds up nothing: what comes after it
        in the channel waits behind it.
        """
        if _is_under_way(told) and self.patience:
            told = await self._stage.outbox.wait_for(closed_key(giveaway.id), self.patience)
        if _is_under_way(told):
            raise Retry(_SOON, "the list of entries is being published")

    async def _decide(
        self,
        giveaway: Giveaway,
        round_: GiveawayRound,
        drawn: Sequence[Drawn],
        session: AsyncSession,
    ) -> None:
        """Store how a draw went, and say it; whoever comes second stores and says nothing."""
        now, seed = self._stage.clock.now(), seed_of(giveaway.seed, round_.round)
        number, claim_until = round_.round, _claim_until(giveaway, now)
        rows = _rows_of(drawn, claim_until)
        people = [one.user_id for one in rows if one.user_id]
        winners = [one.user_id for one in rows if one.user_id and one.state != SKIPPED]
        await self._winning.rewarding.hold(session, giveaway, winners)
        if not await table.finish_round(session, giveaway.id, number, seed=seed, now=now):
            return
        ended = await table.end_giveaway(session, giveaway.id, now) if number == 0 else None
        if not await table.keep_named(session, giveaway.id, people):
            raise Retry(_SOON, "somebody who was drawn was erased meanwhile")
        ids = await table.add_drawn(session, giveaway.id, number, rows, now)
        # The host may have changed it since it was read, above all its message may be known.
        current = ended or await table.get_giveaway(session, giveaway.id) or giveaway
        result = Result(
            giveaway=current,
            round=round_,
            winner_ids=winners,
            seed=seed,
            claim_until=claim_until,
            has_codes=await table.has_codes(session, giveaway.id),
            amount=await self._winning.amount_of(current),
            is_role_withheld=self._winning.rewarding.is_role_withheld(current),
        )
        await self._announce(session, result, _winners_of(drawn, number, ids))
        if current.rounds > number + 1:
            await self._stage.jobs.hasten(session, draw_key(giveaway.id, number + 1), now)

    async def _announce(
        self,
        session: AsyncSession,
        result: Result,
        winners: Sequence[Winner],
    ) -> None:
        giveaway = result.giveaway
        locale = await self._stage.locale(giveaway.guild_id)
        await self._stage.outbox.send(
            session,
            Delivery.message(
                giveaway.channel_id,
                result_payload(result, locale),
                dedupe_key=round_key(giveaway.id, result.round.round),
                guild_id=giveaway.guild_id,
            ),
        )
        await self._winning.begin(session, result, winners)
        await self._stage.board.refresh(session, giveaway.id, giveaway.guild_id, at_once=True)


def _is_under_way(receipt: Receipt | None) -> bool:
    return receipt is not None and receipt.is_open and not receipt.is_parked


def _measure(entries: Entries) -> tuple[int, int]:
    return len(entries), sum(weight for _, weight in entries)


def _claim_until(giveaway: Giveaway, now: datetime) -> datetime | None:
    seconds = giveaway.claim_seconds
    return None if seconds is None else now + timedelta(seconds=seconds)


def _winners_of(drawn: Sequence[Drawn], number: int, ids: Mapping[int, int]) -> list[Winner]:
    return [
        Winner(ids[position], one.user_id, number, position, one.role_ids)
        for position, one in enumerate(drawn)
        if one.user_id is not None and one.reason is None
    ]


def _rows_of(drawn: Sequence[Drawn], claim_until: datetime | None) -> list[table.DrawnRow]:
    state = WON if claim_until is None else PENDING
    return [
        table.DrawnRow(
            position,
            one.digest,
            one.user_id,
            SKIPPED if one.reason else state,
            one.reason,
            None if one.reason else claim_until,
        )
        for position, one in enumerate(drawn)
    ]
