"""The ledger's rules: money moves between accounts, once, and nobody owes anything.

Free of discord.py. Everything happens in the caller's transaction, so that what is bought, won or
given is stored with its payment or not at all. Accounts change in the order of their ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from bot.core.ledger.values import (
    AlreadyPosted,
    Entry,
    Holder,
    InsufficientFunds,
    Move,
    Posted,
    TooMuch,
)
from db import economy as table
from db.base import NOBODY
from db.economy import AccountKind

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


async def post(session: AsyncSession, entry: Entry, now: datetime) -> Posted:
    """Write a transaction with its postings and change the balances.

    What the house lacks for winnings is minted for it in the same transaction. Raises
    `AlreadyPosted`, `InsufficientFunds` and `TooMuch`; the caller's transaction must then end
    without being committed.
    """
    amounts = _net(entry.moves)
    members = {one.user_id for one in amounts if one.kind is AccountKind.USER}
    ids = await table.find_accounts(session, entry.guild_id, members)
    transaction_id = await table.add_transaction(
        session,
        guild_id=entry.guild_id,
        kind=entry.kind,
        key=entry.key,
        reference=entry.reference,
        actor_id=entry.actor_id,
        reason=entry.reason,
        created_at=now,
    )
    if transaction_id is None:
        used = await table.get_transaction_by_key(session, entry.guild_id, entry.key)
        raise AlreadyPosted(used.id if used else 0)
    accounts = {ids[holder.kind.value, holder.user_id]: holder for holder in amounts}
    await _fund_house(session, amounts, accounts, ids)
    balances = await _change(session, amounts, accounts)
    posted = {account_id: amounts[holder] for account_id, holder in accounts.items()}
    await table.add_postings(session, transaction_id, posted)
    return Posted(transaction_id, balances)


async def hold(session: AsyncSession, guild_id: int, holders: Collection[Holder]) -> None:
    """Keep others from the accounts of holders until the transaction ends.

    Whoever changes rows that go with a payment, or with a person who may be erased, begins with
    this: accounts come before all other rows, in the order in which `post` changes them. The
    guild's own are made; a member without an account has none to be locked.
    """
    if any(one.kind is not AccountKind.USER for one in holders):
        # Whoever began before they were there would else take them after rows that others hold.
        await table.find_accounts(session, guild_id, ())
    wanted = {(one.kind.value, one.user_id) for one in holders}
    await table.lock_holders(session, guild_id, wanted)


def _net(moves: Iterable[Move]) -> Counter[Holder]:
    """Return what each holder gains or loses by all moves together, leaving out who does not."""
    amounts: Counter[Holder] = Counter()
    for move in moves:
        amounts[move.source] -= move.amount
        amounts[move.target] += move.amount
    found = Counter({holder: amount for holder, amount in amounts.items() if amount})
    if not found:
        raise ValueError("moves that change nothing are no transaction")
    return found


async def _fund_house(
    session: AsyncSession,
    amounts: Counter[Holder],
    accounts: dict[int, Holder],
    ids: Mapping[tuple[str, int], int],
) -> None:
    lost = -amounts[Holder.HOUSE]
    if lost <= 0:
        return
    mint, house = (ids[one.kind.value, NOBODY] for one in (Holder.MINT, Holder.HOUSE))
    # The mint comes first in every guild, and what is locked here is not taken by others meanwhile.
    balances = await table.lock_balances(session, {mint, house, *accounts})
    lacking = lost - balances[house]
    if lacking <= 0:
        return
    for holder, amount, account_id in (
        (Holder.MINT, -lacking, mint),
        (Holder.HOUSE, lacking, house),
    ):
        amounts[holder] += amount
        accounts[account_id] = holder
        if not amounts[holder]:
            del amounts[holder], accounts[account_id]


async def _change(
    session: AsyncSession, amounts: Mapping[Holder, int], accounts: Mapping[int, Holder]
) -> dict[Holder, int]:
    balances: dict[Holder, int] = {}
    for account_id in sorted(accounts):
        holder = accounts[account_id]
        balance = await table.change_balance(session, account_id, amounts[holder])
        if balance is None:
            if amounts[holder] > 0:
                raise TooMuch(holder)
            there = (await table.lock_balances(session, {account_id}))[account_id]
            raise InsufficientFunds(holder, there, -amounts[holder])
        balances[holder] = balance
    return balances
