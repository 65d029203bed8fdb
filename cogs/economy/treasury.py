"""What staff do with accounts: give, take, set, undo; each is in the audit log with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.core.contracts import Actor
from bot.core.errors import Conflict
from bot.core.i18n import _
from cogs.economy.books import Entry, Holder, Move, Posted, TransactionKind
from cogs.economy.ledger import post
from cogs.economy.settings import KEY
from cogs.economy.undoing import undo
from db import economy as table
from db.base import NOBODY
from db.economy import AccountKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from db.engine import Database

    # Takes back what a reference stands for besides money; returns what could not be taken.
    GiveBack = Callable[[AsyncSession, str], Awaitable[None]]

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
    """A counter-transaction, and what each member gained or lost by it."""

    number: int
    changes: Mapping[int, int]


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
        """Undo a transaction and all that belongs to it; see `cogs.economy.undoing.undo`."""
        async with self._database.write() as session:
            posted, changed = await undo(
                session,
                order.guild_id,
                transaction_id,
                key=order.key,
                actor_id=order.actor.user_id or 0,
                reason=order.reason,
                now=self._clock.now(),
            )
            await self._return(session, order.guild_id, posted)
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
        return Undone(posted.transaction_id, changes)

    async def _return(self, session: AsyncSession, guild_id: int, posted: Posted) -> None:
        """Have what was bought or swapped go back as well."""
        found = await table.get_transaction(session, guild_id, posted.transaction_id)
        if found is None or found.reference is None:
            return
        give_back = self.returns.get(found.reference.partition(":")[0])
        if give_back is not None:
            await give_back(session, found.reference)

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
