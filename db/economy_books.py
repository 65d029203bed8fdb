"""What the ledger's books say: boards, histories, sums, and whether they balance. Only reads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from db.economy import Account, AccountKind, Posting, Transaction
from db.guilds import GuildMember


async def list_own_balances(session: AsyncSession, guild_id: int) -> dict[str, int]:
    """Return the balances of a guild's own accounts, and what all members have as `user`."""
    query = (
        select(Account.kind, func.sum(Account.balance))
        .where(Account.guild_id == guild_id)
        .group_by(Account.kind)
    )
    found = {kind: int(balance) for kind, balance in await session.execute(query)}
    return {kind.value: found.get(kind, 0) for kind in AccountKind}


def _present() -> Any:
    """Members who left are hidden until they return; one never seen coming or going is there."""
    return and_(
        GuildMember.guild_id == Account.guild_id,
        GuildMember.user_id == Account.user_id,
    )


def _ranked(guild_id: int) -> tuple[Any, ...]:
    return (
        Account.guild_id == guild_id,
        Account.kind == AccountKind.USER,
        Account.user_id.is_not(None),
        Account.balance > 0,
        GuildMember.left_at.is_(None),
    )


async def list_richest(
    session: AsyncSession, guild_id: int, *, offset: int, limit: int
) -> list[tuple[int, int]]:
    """Return the members who are there with what they have, the richest first."""
    query = (
        select(Account.user_id, Account.balance)
        .outerjoin(GuildMember, _present())
        .where(*_ranked(guild_id))
        .order_by(Account.balance.desc(), Account.id)
        .offset(offset)
        .limit(limit)
    )
    return [(user_id, balance) for user_id, balance in await session.execute(query) if user_id]


async def count_ranked(session: AsyncSession, guild_id: int, *, above: int = 0) -> int:
    """Return how many members who are there have more than this."""
    query = (
        select(func.count())
        .select_from(Account)
        .outerjoin(GuildMember, _present())
        .where(*_ranked(guild_id), Account.balance > above)
    )
    return await session.scalar(query) or 0


@dataclass(frozen=True, slots=True)
class Line:
    """A transaction as an account's owner sees it, with the one other member in it, if any."""

    transaction: Transaction
    amount: int
    other_id: int | None = None


async def list_lines(
    session: AsyncSession, guild_id: int, user_id: int, *, before: int | None, limit: int
) -> list[Line]:
    """Return what moved a member's money, the newest first; `before` is a transaction's id."""
    query = (
        select(Transaction, Posting.amount)
        .join(Posting, Posting.transaction_id == Transaction.id)
        .join(Account, Account.id == Posting.account_id)
        .where(
            Account.guild_id == guild_id,
            Account.kind == AccountKind.USER,
            Account.user_id == user_id,
        )
        .order_by(Posting.transaction_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Posting.transaction_id < before)
    rows = (await session.execute(query)).all()
    others = await _list_others(session, [one.id for one, _amount in rows], user_id)
    return [Line(one, amount, others.get(one.id)) for one, amount in rows]


async def _list_others(
    session: AsyncSession, transaction_ids: Collection[int], user_id: int
) -> dict[int, int | None]:
    query = (
        select(Posting.transaction_id, Account.user_id)
        .join(Account, Account.id == Posting.account_id)
        .where(
            Posting.transaction_id.in_(transaction_ids),
            Account.kind == AccountKind.USER,
            Account.user_id != user_id,
        )
    )
    return {one.transaction_id: one.user_id for one in await session.execute(query)}


async def list_transactions(
    session: AsyncSession, guild_id: int, *, limit: int
) -> Sequence[Transaction]:
    """Return a guild's newest transactions."""
    query = (
        select(Transaction)
        .where(Transaction.guild_id == guild_id)
        .order_by(Transaction.id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def sum_flows(
    session: AsyncSession, guild_id: int, kind: AccountKind, since: datetime
) -> dict[str, int]:
    """Return what went into one of the guild's own accounts since then, by kind of transaction."""
    query = (
        select(Transaction.kind, func.sum(Posting.amount))
        .join(Posting, Posting.transaction_id == Transaction.id)
        .join(Account, Account.id == Posting.account_id)
        .where(
            Transaction.guild_id == guild_id,
            Transaction.created_at >= since,
            Account.kind == kind,
        )
        .group_by(Transaction.kind)
    )
    return {name: int(amount) for name, amount in await session.execute(query)}


async def count_accounts(session: AsyncSession) -> int:
    """Return how many members have an account, in all guilds."""
    query = select(func.count()).select_from(Account).where(Account.kind == AccountKind.USER)
    return await session.scalar(query.where(Account.user_id.is_not(None))) or 0


# --- the audit ------------------------------------------------------------------------------------


async def list_guilds_with_accounts(session: AsyncSession) -> Sequence[int]:
    """Return the guilds that have a ledger."""
    query = select(Account.guild_id).where(Account.kind == AccountKind.MINT)
    return (await session.scalars(query.order_by(Account.guild_id))).all()


async def list_wrong_balances(
    session: AsyncSession, guild_id: int, *, limit: int
) -> list[tuple[int, int, int]]:
    """Return accounts whose balance is not what was posted: number, balance, posted."""
    posted = func.coalesce(func.sum(Posting.amount), 0)
    query = (
        select(Account.id, Account.balance, posted)
        .outerjoin(Posting, Posting.account_id == Account.id)
        .where(Account.guild_id == guild_id)
        .group_by(Account.id, Account.balance)
        .having(posted != Account.balance)
        .order_by(Account.id)
        .limit(limit)
    )
    rows = await session.execute(query)
    return [(id_, balance, int(total)) for id_, balance, total in rows]


async def list_uneven(session: AsyncSession, guild_id: int, *, limit: int) -> list[tuple[int, int]]:
    """Return transactions whose postings don't sum to zero, or that have none, with the sum."""
    total = func.coalesce(func.sum(Posting.amount), 0)
    query = (
        select(Transaction.id, total)
        .outerjoin(Posting, Posting.transaction_id == Transaction.id)
        .where(Transaction.guild_id == guild_id)
        .group_by(Transaction.id)
        .having(or_(total != 0, func.count(Posting.account_id) == 0))
        .order_by(Transaction.id)
        .limit(limit)
    )
    return [(id_, int(amount)) for id_, amount in await session.execute(query)]


async def list_abandoned(session: AsyncSession, *, limit: int) -> Sequence[Account]:
    """Return accounts of erased people that still hold money."""
    query = (
        select(Account)
        .where(Account.kind == AccountKind.USER, Account.user_id.is_(None), Account.balance > 0)
        .order_by(Account.id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()
