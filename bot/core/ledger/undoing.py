"""Takes transactions back by counter-transactions: nothing in the books is changed or deleted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.core.errors import Conflict, NotFound
from bot.core.i18n import _
from bot.core.ledger.posting import post
from bot.core.ledger.values import Entry, Holder, Move, Posted, TransactionKind
from db import economy as table
from db.base import NOBODY
from db.economy import Account, AccountKind, Transaction

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def undo(
    session: AsyncSession,
    guild_id: int,
    transaction_id: int,
    *,
    key: str,
    actor_id: int,
    reason: str | None,
    now: datetime,
) -> tuple[Posted, Mapping[Holder, int]]:
    """Write the counter-transaction of a transaction, and of all that belongs to it.

    Returns it, and what each holder gained or lost by it. Raises `NotFound`, `Conflict` for what is
    undone already or is an undoing itself, and `InsufficientFunds` where somebody has spent what
    they would have to give back.
    """
    found, together = await _find_undoable(session, guild_id, transaction_id)
    ids = [one.id for one in together]
    await _lock(session, guild_id, ids)
    amounts: Counter[Holder] = Counter()
    for posting, account in await table.list_postings(session, ids):
        amounts[_holder_of(account)] -= posting.amount
    changed = {holder: amount for holder, amount in amounts.items() if amount}
    if not changed:
        raise Conflict(_("Nobody gained or lost anything by it: there is nothing to undo."))
    entry = Entry(
        guild_id=guild_id,
        kind=TransactionKind.UNDO,
        key=key,
        actor_id=actor_id,
        moves=_moves_for(changed),
        reason=reason,
        reference=found.reference,
    )
    posted = await post(session, entry, now)
    if not await table.mark_undone(session, ids, posted.transaction_id):
        raise Conflict(_("Somebody else is undoing this at the moment."))
    return posted, changed


async def _lock(session: AsyncSession, guild_id: int, transaction_ids: Sequence[int]) -> None:
    """Lock the accounts of transactions: whose they are is read once nobody can be erased."""
    postings = await table.list_postings(session, transaction_ids)
    touched = {account.id for _posting, account in postings}
    own = await table.find_accounts(session, guild_id, ())
    await table.lock_balances(session, touched | set(own.values()))


async def _find_undoable(
    session: AsyncSession, guild_id: int, transaction_id: int
) -> tuple[Transaction, Sequence[Transaction]]:
    """Return a transaction that can be undone, and all that belong to it."""
    found = await table.get_transaction(session, guild_id, transaction_id)
    if found is None:
        raise NotFound(
            _("There is no transaction {number} here.", number=transaction_id),
            hint=_(
                "/transactions shows the numbers. A trade of items alone moves no money and has "
                "none: the two can trade back."
            ),
        )
    if found.kind == TransactionKind.UNDO:
        raise Conflict(_("Transaction {number} is an undoing itself.", number=transaction_id))
    if found.counter_id is not None:
        raise Conflict(
            _(
                "Transaction {number} was undone by transaction {other}.",
                number=transaction_id,
                other=found.counter_id,
            )
        )
    if found.reference is None:
        return found, [found]
    together = await table.list_belonging(
        session, guild_id, found.reference, counter=TransactionKind.UNDO.value
    )
    return found, together


def _holder_of(account: Account) -> Holder:
    if account.user_id is None:
        raise Conflict(
            _("One of the people in this transaction has had their data erased."),
            hint=_("It can't be undone any more."),
        )
    return Holder(AccountKind(account.kind), account.user_id)


def _moves_for(amounts: Mapping[Holder, int]) -> tuple[Move, ...]:
    """Return moves that come to these amounts, which sum to zero."""
    takers = [[holder, amount] for holder, amount in amounts.items() if amount > 0]
    moves: list[Move] = []
    for source, amount in amounts.items():
        left = -amount
        while left > 0:
            taker = takers[-1]
            part = min(left, taker[1])
            moves.append(Move(source, taker[0], part))
            left -= part
            taker[1] -= part
            if not taker[1]:
                takers.pop()
    return tuple(moves)


async def let_lapse(session: AsyncSession, account: Account, now: datetime) -> None:
    """Put what an erased person's account still holds into the sink."""
    ids = await table.find_accounts(session, account.guild_id, ())
    sink = ids[AccountKind.SINK.value, NOBODY]
    locked = await table.lock_balances(session, {sink, account.id})
    balance = locked[account.id]
    if not balance:
        return
    transaction_id = await table.add_transaction(
        session,
        guild_id=account.guild_id,
        kind=TransactionKind.LAPSE,
        key=f"lapse:{account.id}:{now.isoformat()}",
        actor_id=None,
        created_at=now,
    )
    if transaction_id is None:
        return
    amounts = {sink: balance, account.id: -balance}
    for account_id in sorted(amounts):
        await table.change_balance(session, account_id, amounts[account_id])
    await table.add_postings(session, transaction_id, amounts)
