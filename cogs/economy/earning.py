"""What members earn by coming back: the daily gift and shifts of work; free of discord.py."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bot.core.errors import InvalidInput
from bot.core.i18n import N_, Message, _
from bot.core.ledger import Entry, Holder, Move, TransactionKind, post
from cogs.economy.rules import Below, DailyGift, daily_gift, day_of, next_day, wage
from cogs.economy.settings import EconomySettings
from db import economy as table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from db.engine import Database

# What somebody did for their wage; each says the amount.
JOBS = (
    N_("You watered every plant in the office and earned {amount}."),
    N_("You walked seven dogs at once and earned {amount}."),
    N_("You found the missing sock of the captain and earned {amount}."),
    N_("You untangled a box of fairy lights and earned {amount}."),
    N_("You fixed the printer by looking at it sternly and earned {amount}."),
    N_("You baked bread for the whole street and earned {amount}."),
    N_("You taught a parrot to say thank you and earned {amount}."),
    N_("You counted the stars, twice, and earned {amount}."),
)


class NotYet(InvalidInput):
    """It is too early; `again_at` says when it works again."""

    def __init__(self, message: Message, again_at: datetime) -> None:
        super().__init__(message)
        self.again_at = again_at


@dataclass(frozen=True, slots=True)
class Received:
    """A gift that was handed out, what its owner has now, and when the next one is due."""

    gift: DailyGift
    balance: int
    next_at: datetime


@dataclass(frozen=True, slots=True)
class Shift:
    """A wage that was paid, for what, what its owner has now, and when they can work again."""

    amount: int
    story: str
    balance: int
    next_at: datetime


class Earning:
    """Hands out gifts and wages, each once in its time, however often and wherever it is asked."""

    def __init__(
        self, database: Database, clock: Clock, *, below: Below = secrets.randbelow
    ) -> None:
        self._database = database
        self._clock = clock
        self._below = below

    async def daily(
        self, guild_id: int, user_id: int, settings: EconomySettings, zone: str
    ) -> Received:
        """Give a member today's gift; raises `NotYet` when they have had it."""
        now = self._clock.now()
        day = day_of(now, zone)
        async with self._database.write() as session:
            known = await _earner(session, guild_id, user_id)
            gift = daily_gift(settings, day, last=known.daily_on, streak=known.streak)
            if gift is None or not await table.claim_day(
                session, guild_id, user_id, day, streak=gift.streak
            ):
                last = max(known.daily_on or day, day)
                raise _had_already(next_day(last, zone))
            # The account names nobody, so the key may stay when the person is erased.
            accounts = await table.find_accounts(session, guild_id, {user_id})
            account = accounts[table.AccountKind.USER.value, user_id]
            entry = Entry(
                guild_id=guild_id,
                kind=TransactionKind.DAILY,
                key=f"daily:{account}:{day.isoformat()}",
                actor_id=user_id,
                moves=(Move(Holder.MINT, Holder.user(user_id), gift.amount),),
            )
            posted = await post(session, entry, now)
        return Received(gift, posted.balance(user_id), next_day(day, zone))

    async def work(
        self, guild_id: int, user_id: int, settings: EconomySettings, *, key: str
    ) -> Shift:
        """Pay a member for a shift; raises `NotYet` while they have to rest."""
        now = self._clock.now()
        amount = wage(settings, self._below)
        story = JOBS[self._below(len(JOBS))]
        async with self._database.write() as session:
            known = await _earner(session, guild_id, user_id)
            since = now - settings.work_cooldown
            if not await table.claim_shift(session, guild_id, user_id, now, rested_since=since):
                raise _tired((known.worked_at or now) + settings.work_cooldown)
            entry = Entry(
                guild_id=guild_id,
                kind=TransactionKind.WORK,
                key=key,
                actor_id=user_id,
                moves=(Move(Holder.MINT, Holder.user(user_id), amount),),
            )
            posted = await post(session, entry, now)
        return Shift(amount, story, posted.balance(user_id), now + settings.work_cooldown)


async def _earner(session: AsyncSession, guild_id: int, user_id: int) -> table.Earner:
    found = await table.get_earner(session, guild_id, user_id)
    if found is None:
        await table.add_earner(session, guild_id, user_id)
        found = await table.get_earner(session, guild_id, user_id)
    if found is None:
        raise RuntimeError("a row that was made just now is not there")
    return found


def _had_already(again_at: datetime) -> NotYet:
    return NotYet(
        _("You have had today's gift. The next one is there {when}.", when=_relative(again_at)),
        again_at,
    )


def _tired(again_at: datetime) -> NotYet:
    return NotYet(
        _("You need a rest. You can work again {when}.", when=_relative(again_at)), again_at
    )


def _relative(moment: datetime) -> str:
    """Return how Discord shows an instant as seen from the reader's present."""
    return f"<t:{int(moment.timestamp())}:R>"
