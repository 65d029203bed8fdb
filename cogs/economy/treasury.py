"""What staff do with accounts: give, take, set, undo; each is in the audit log with its reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.core.contracts import Actor
from bot.core.errors import Conflict
from bot.core.i18n import Message, _
from bot.core.ledger import Entry, Holder, Move, TransactionKind, post, undo
from cogs.economy.settings import KEY
from db import economy as table
from db.base import NOBODY
from db.economy import AccountKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from db.engine import Database

    # Takes back what a reference stands for besides money; returns in words what is gone.
    GiveBack = Callable[[AsyncSession, str], Awaitable[Sequence[Message]]]

LONGEST_REASON = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What staff want done to a member's account; `key` names the occasion."""

    guild_id: int
    user_id: int
    actor: Actor
    key: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an order: the transaction, by how much the account changed, what it holds."""

    number: int
    change: int
    balance: int


@dataclass(frozen=True, slots=True)
class Undone:
    """A counter-transaction, and what each member gained or lost by it.

    `notes` say what besides money could not be taken back.
    """

    number: int
    changes: Mapping[int, int]
    notes: Sequence[Message] = ()


class Treasury:
    """Staff's hand in the books."""

    def __init__(self, database: Database, clock: Clock, audit: AuditLog) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        # By what a reference begins with: who takes back what was not money.
        self.returns: dict[str, GiveBack] = {}

    async def give(self, order: Order, amount: int) -> Done:
        """Mint an amount for a member."""
        async with self._database.write() as session:
            return await self.give_in(session, order, amount)

    async def take(self, order: Order, amount: int) -> Done:
        """Take an amount from a member; raises `InsufficientFunds`."""
        async with self._database.write() as session:
            return await self._change(session, order, TransactionKind.TAKE, -amount)

    async def set(self, order: Order, balance: int) -> Done:
        """Have a member own exactly this much; raises `Conflict` when they do already."""
        async with self._database.write() as session:
            accounts = await table.find_accounts(session, order.guild_id, {order.user_id})
            account_id = accounts[AccountKind.USER.value, order.user_id]
            # The mint comes before every member: it is locked first by whoever changes both.
            mint = accounts[AccountKind.MINT.value, NOBODY]
            sink = accounts[AccountKind.SINK.value, NOBODY]
            locked = await table.lock_balances(session, {mint, sink, account_id})
            change = balance - locked[account_id]
            if not change:
                raise Conflict(_("They have exactly that already."))
            return await self._change(session, order, TransactionKind.SET, change)

    async def hold(
        self, session: AsyncSession, guild_id: int, user_ids: Collection[int]
    ) -> Mapping[int, int]:
        """Keep others from these members' accounts until the transaction ends.

        Returns how much more each of them can hold.

        Who changes many of them, one after the other, could else wait for a payment that waits
        for them.
        """
        accounts = await table.find_accounts(session, guild_id, user_ids)
        own = {AccountKind.MINT.value, AccountKind.SINK.value, AccountKind.USER.value}
        ids = {id_ for (kind, _user_id), id_ in accounts.items() if kind in own}
        balances = await table.lock_balances(session, ids)
        return {
            one: table.MAX_BALANCE - balances[accounts[AccountKind.USER.value, one]]
            for one in user_ids
        }

    async def give_in(self, session: AsyncSession, order: Order, amount: int) -> Done:
        """Mint an amount for a member in the caller's transaction."""
        return await self._change(session, order, TransactionKind.GIVE, amount)

    async def take_in(self, session: AsyncSession, order: Order, amount: int) -> Done | None:
        """Take an amount, or all there is; None where there is nothing to take."""
        accounts = await table.find_accounts(session, order.guild_id, {order.user_id})
        account_id = accounts[AccountKind.USER.value, order.user_id]
        sink = accounts[AccountKind.SINK.value, NOBODY]
        locked = await table.lock_balances(session, {sink, account_id})
        there = min(amount, locked[account_id])
        if not there:
            return None
        return await self._change(session, order, TransactionKind.TAKE, -there)

    async def _change(
        self, session: AsyncSession, order: Order, kind: TransactionKind, change: int
    ) -> Done:
        member = Holder.user(order.user_id)
        if change > 0:
            move = Move(Holder.MINT, member, change)
        else:
            move = Move(member, Holder.SINK, -change)
        entry = Entry(
            guild_id=order.guild_id,
            kind=kind,
            key=order.key,
            actor_id=order.actor.user_id,
            moves=(move,),
            reason=order.reason,
        )
        posted = await post(session, entry, self._clock.now())
        done = Done(posted.transaction_id, change, posted.balance(order.user_id))
        details = {"transaction": done.number, "change": change, "balance": done.balance}
        await self._note(session, order, kind.value, details, target_id=order.user_id)
        return done

    async def undo(self, order: Order, transaction_id: int) -> Undone:
        """Undo a transaction and all that belongs to it; see `bot.core.ledger.undo`."""
        async with self._database.write() as session:
            # First: an offer that is taken back can't be accepted while its money is on the way.
            notes = await self._take_back(session, order.guild_id, transaction_id)
            posted, changed = await undo(
                session,
                order.guild_id,
                transaction_id,
                key=order.key,
                actor_id=order.actor.user_id or 0,
                reason=order.reason,
                now=self._clock.now(),
            )
            details: dict[str, Any] = {
                "transaction": posted.transaction_id,
                "undone": transaction_id,
            }
            await self._note(session, order, "undo", details)
        changes = {
            holder.user_id: amount
            for holder, amount in changed.items()
            if holder.kind is AccountKind.USER
        }
        return Undone(posted.transaction_id, changes, notes)

    async def _take_back(
        self, session: AsyncSession, guild_id: int, transaction_id: int
    ) -> Sequence[Message]:
        """Have what was bought or swapped go back as well; return what is gone."""
        found = await table.get_transaction(session, guild_id, transaction_id)
        if found is None or found.reference is None:
            return ()
        give_back = self.returns.get(found.reference.partition(":")[0])
        return () if give_back is None else await give_back(session, found.reference)

    async def _note(
        self,
        session: AsyncSession,
        order: Order,
        action: str,
        details: Mapping[str, Any],
        *,
        target_id: int | None = None,
    ) -> None:
        if order.reason:
            details = {**details, "reason": order.reason}
        await self._audit.record(
            session,
            order.actor,
            order.guild_id,
            f"{KEY}.{action}",
            "user_action",
            details,
            target_id=target_id,
        )
