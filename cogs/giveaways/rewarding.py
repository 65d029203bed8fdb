"""What winners are given by the bot itself: currency, experience, and roles for good or a time.

Free of discord.py. All of it is stored in the caller's transaction, the one that makes a prize
somebody's, so it comes once, whatever is repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bot.core.i18n import Message, _
from bot.core.ledger import Entry, Holder, Move, TransactionKind, hold, post
from bot.core.leveling import XpGift, give_experience
from bot.core.power import is_powerful
from bot.core.roles import RoleChange, RoleSource
from cogs.giveaways.backstage import Backstage
from db import autorole, economy
from db import giveaway_loans as table
from db.base import NOBODY
from db.economy import MAX_BALANCE, AccountKind
from db.giveaways import Giveaway

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.jobs import Job

log = structlog.get_logger(__name__)

ROLE_JOB = "giveaways.role_end"


@dataclass(frozen=True, slots=True)
class Winner:
    """Whose a prize has become: their row with its place, and the roles that they have now."""

    row_id: int
    user_id: int
    round: int
    position: int
    role_ids: frozenset[int] = frozenset()


class Rewarding:
    """Gives winners their currency, experience and roles; one per process."""

    def __init__(self, backstage: Backstage) -> None:
        self._stage = backstage

    def start(self) -> None:
        """Go on with what earlier runs have given for a time."""
        self._stage.jobs.register(
            ROLE_JOB, self._end_in_time, max_attempts=1000, outlasts_absence=True
        )

    @staticmethod
    async def hold(session: AsyncSession, giveaway: Giveaway, user_ids: Collection[int]) -> None:
        """Keep the accounts of those who are to be paid from others until the transaction ends.

        Whoever makes a prize somebody's begins with this: accounts come before all other rows.
        """
        if giveaway.prize_amount is not None:
            people = [Holder.user(one) for one in user_ids]
            await hold(session, giveaway.guild_id, [Holder.MINT, *people])

    async def give(
        self, session: AsyncSession, giveaway: Giveaway, winners: Sequence[Winner], *, strict: bool
    ) -> None:
        """Give winners what the giveaway gives.

        Whoever's account can't hold any more is paid nothing; with `strict` it raises `TooMuch`.
        """
        if not winners:
            return
        await self._pay(session, giveaway, winners, strict=strict)
        if (xp := giveaway.prize_xp) is not None:
            gifts = [_gift(giveaway, one, xp) for one in winners]
            await give_experience(session, self._stage.jobs, gifts, self._stage.clock.now())
        if held := [one.row_id for one in winners if giveaway.reward_role_id in one.role_ids]:
            await table.note_held(session, held)
        if giveaway.reward_role_id is not None and not self.is_role_withheld(giveaway):
            await self._give_role(session, giveaway, giveaway.reward_role_id, winners)

    def is_role_withheld(self, giveaway: Giveaway) -> bool:
        """Tell whether the role has got rights of staff since, so that nobody is given it."""
        role_id = giveaway.reward_role_id
        role = role_id and self._stage.state().role(giveaway.guild_id, role_id)
        return bool(role) and is_powerful(role)

    async def take_role(self, session: AsyncSession, giveaway: Giveaway, user_id: int) -> None:
        """Take the role from a winner in whose place somebody else is drawn.

        It stays theirs if they had it before or have won it otherwise.
        """
        role_id = giveaway.reward_role_id
        if role_id is None or await table.has_role_otherwise(session, giveaway, user_id):
            return
        await table.drop_loans(session, giveaway.guild_id, role_id, [user_id])
        reason = _("Giveaway {number} was drawn again", number=giveaway.number)
        await self._want(session, giveaway.guild_id, role_id, [user_id], reason, want=False)

    # --- currency ----------------------------------------------------------------------------

    async def _pay(
        self, session: AsyncSession, giveaway: Giveaway, winners: Sequence[Winner], *, strict: bool
    ) -> None:
        amount = giveaway.prize_amount
        if amount is None:
            return
        full = await self._lock(session, giveaway.guild_id, winners, amount)
        for one in winners:
            if one.user_id in full and not strict:
                log.warning("prize_not_paid", giveaway=str(giveaway.id), winner=one.row_id)
                continue
            await post(session, _entry(giveaway, one, amount), self._stage.clock.now())

    @staticmethod
    async def _lock(
        session: AsyncSession, guild_id: int, winners: Sequence[Winner], amount: int
    ) -> frozenset[int]:
        """Keep the accounts from others until the end; return whose can't hold that much more.

        All at once and in the order of their ids, as every payment takes its own: so nobody who
        pays between two of the winners can wait for one while holding the other.
        """
        people = {one.user_id for one in winners}
        ids = await economy.find_accounts(session, guild_id, people)
        accounts = {ids[AccountKind.USER.value, one]: one for one in people}
        mint = ids[AccountKind.MINT.value, NOBODY]
        balances = await economy.lock_balances(session, {mint, *accounts})
        return frozenset(
            user_id
            for account_id, user_id in accounts.items()
            if balances[account_id] + amount > MAX_BALANCE
        )

    # --- roles -------------------------------------------------------------------------------

    async def _give_role(
        self, session: AsyncSession, giveaway: Giveaway, role_id: int, winners: Sequence[Winner]
    ) -> None:
        guild_id, seconds = giveaway.guild_id, giveaway.reward_role_seconds
        people = [one.user_id for one in winners]
        if seconds is None:
            await table.drop_loans(session, guild_id, role_id, people)
        else:
            borrowers = await table.list_borrowers(session, guild_id, role_id, people)
            # Whoever has the role for good does not lose it by winning it for a time.
            people = [
                one.user_id
                for one in winners
                if role_id not in one.role_ids or one.user_id in borrowers
            ]
            await self._lend(session, guild_id, role_id, people, timedelta(seconds=seconds))
        reason = _("Won giveaway {number}", number=giveaway.number)
        await self._want(session, guild_id, role_id, people, reason, want=True)

    async def _lend(
        self,
        session: AsyncSession,
        guild_id: int,
        role_id: int,
        people: Collection[int],
        time: timedelta,
    ) -> None:
        ends_at = self._stage.clock.now() + time
        loans = await table.put_loans(session, guild_id, role_id, people, ends_at)
        for loan_id, end in loans.items():
            # The job names nobody: it is needed also when the winner's data is erased.
            await self._stage.jobs.schedule(
                session, ROLE_JOB, end, dedupe_key=f"{ROLE_JOB}:{loan_id}", guild_id=guild_id
            )

    async def _end_in_time(self, job: Job, session: AsyncSession) -> datetime | None:
        """Take a role whose time is over; one that was won again is looked at again then."""
        loan_id = int(job.dedupe_key.removeprefix(f"{ROLE_JOB}:"))
        ended = await table.take_due_loan(session, loan_id, self._stage.clock.now())
        if ended is None:
            return await table.get_end(session, loan_id)
        # Whoever is away must not get it back as one of the roles that they had.
        await autorole.drop_known(session, ended.guild_id, ended.user_id, ended.role_id)
        reason = _("The time for this role is over")
        await self._want(
            session, ended.guild_id, ended.role_id, [ended.user_id], reason, want=False
        )
        return None

    async def _want(
        self,
        session: AsyncSession,
        guild_id: int,
        role_id: int,
        user_ids: Collection[int],
        reason: Message,
        *,
        want: bool,
    ) -> None:
        await self._stage.roles.want(
            session,
            [
                RoleChange(
                    guild_id=guild_id,
                    user_id=one,
                    role_id=role_id,
                    want=want,
                    source=RoleSource.COMMAND,
                    reason=reason,
                )
                for one in user_ids
            ],
        )


def _gift(giveaway: Giveaway, winner: Winner, amount: int) -> XpGift:
    """Return the experience of a prize, with the key of its payment."""
    return XpGift(
        key=_key(giveaway, winner),
        guild_id=giveaway.guild_id,
        user_id=winner.user_id,
        amount=amount,
        reason=_("Won giveaway {number}", number=giveaway.number),
    )


def _key(giveaway: Giveaway, winner: Winner) -> str:
    return f"giveaway:{giveaway.id}:prize:{winner.round}:{winner.position}"


def _entry(giveaway: Giveaway, winner: Winner, amount: int) -> Entry:
    """Return the payment of a prize: its key is the place that was drawn, which there is once."""
    return Entry(
        guild_id=giveaway.guild_id,
        kind=TransactionKind.PRIZE,
        key=_key(giveaway, winner),
        reference=f"giveaway:{giveaway.number}:{winner.row_id}",
        actor_id=None,
        moves=(Move(Holder.MINT, Holder.user(winner.user_id), amount),),
        reason=f"#{giveaway.number} {giveaway.prize}",
    )
