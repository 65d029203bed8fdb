"""The ledger: accounts, transactions and their postings, which always sum to zero.

An account's balance is what its postings sum to, kept with it so that a debit can be refused in the
statement that makes it. Only the mint goes below zero: by what it has issued.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    Select,
    String,
    Text,
    UniqueConstraint,
    bindparam,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_ROW,
    FORGET_PERSON,
    NOBODY,
    Base,
    Erasure,
    RowId,
    Snowflake,
    UtcDateTime,
    erasing,
    exporting,
    person,
)
from db.statements import count_changed, insert_for, table_of

# JSON's numbers are exact up to here: https://www.rfc-editor.org/rfc/rfc8259#section-6
MAX_BALANCE = 2**53 - 1


class AccountKind(StrEnum):
    """Whose an account is: a member's, or one of a guild's own four.

    Money comes from the mint and goes to the sink; what is at stake or on offer is in escrow; the
    house plays against members.
    """

    MINT = "mint"
    SINK = "sink"
    ESCROW = "escrow"
    HOUSE = "house"
    USER = "user"


class Account(Base):
    """A place for money in a guild; `user_id` is 0 for the guild's own, NULL once erased."""

    __tablename__ = "economy_accounts"
    __table_args__ = (
        UniqueConstraint("guild_id", "kind", "user_id"),
        CheckConstraint("balance >= 0 OR kind = 'mint'", name="balance"),
        Index(None, "guild_id", "kind", "balance"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    kind: Mapped[str] = mapped_column(String(8))
    # What an erased person leaves behind keeps the books even; the nightly audit puts it away.
    user_id: Mapped[int | None] = mapped_column(Snowflake, index=True, info=person(FORGET_PERSON))
    balance: Mapped[int] = mapped_column(BigInteger, default=0)


class Transaction(Base):
    """One thing that moved money; `key` makes it happen once, `reference` says what belongs to it.

    `counter_id` is the counter-transaction, once there is one.
    """

    __tablename__ = "economy_transactions"
    __table_args__ = (
        UniqueConstraint("guild_id", "key"),
        Index(None, "guild_id", "reference"),
        Index(None, "guild_id", "created_at"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(80))
    reference: Mapped[str | None] = mapped_column(String(40))
    actor_id: Mapped[int | None] = mapped_column(
        Snowflake, index=True, info=person(Erasure(clears=("reason",)))
    )
    reason: Mapped[str | None] = mapped_column(Text)
    counter_id: Mapped[int | None] = mapped_column(RowId, ForeignKey("economy_transactions.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Posting(Base):
    """What a transaction puts into an account, or takes out of it where it is below zero."""

    __tablename__ = "economy_postings"
    __table_args__ = (
        CheckConstraint("amount <> 0", name="amount"),
        Index(None, "account_id", "transaction_id"),
    )

    transaction_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("economy_transactions.id"), primary_key=True, autoincrement=False
    )
    account_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("economy_accounts.id"), primary_key=True, autoincrement=False
    )
    amount: Mapped[int] = mapped_column(BigInteger)


class Earner(Base):
    """When a member last had what there is once a day or once in a while."""

    __tablename__ = "economy_earners"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    daily_on: Mapped[date | None] = mapped_column(Date)
    streak: Mapped[int] = mapped_column(Integer, default=0)
    worked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@exporting(Posting)
def _select_postings(user_id: int) -> Select[*tuple[Any, ...]]:
    """Select what came into a person's accounts and went out of them, and why.

    Who else had part in it is not theirs to be told here.
    """
    return (
        select(
            Transaction.guild_id,
            Posting.transaction_id,
            Transaction.kind,
            Posting.amount,
            Transaction.reason,
            Transaction.created_at,
        )
        .join(Transaction, Transaction.id == Posting.transaction_id)
        .join(Account, Account.id == Posting.account_id)
        .where(Account.user_id == user_id)
        .order_by(Posting.transaction_id)
    )


@erasing(Account)
async def _clear_reasons(
    session: AsyncSession,
    user_id: int,
    at: datetime,  # noqa: ARG001 - the contract's
    *,
    records: bool,  # noqa: ARG001 - the contract's
) -> int:
    """Clear what was written about a person when their money was moved, whoever wrote it.

    Their accounts are locked first: so does everybody who changes a row that goes with them.
    """
    own = select(Account.id).where(Account.user_id == user_id).order_by(Account.id)
    await session.execute(own.with_for_update())
    theirs = (
        select(Posting.transaction_id)
        .join(Account, Account.id == Posting.account_id)
        .where(Account.user_id == user_id)
    )
    statement = (
        update(Transaction)
        .where(Transaction.id.in_(theirs), Transaction.reason.is_not(None))
        .values(reason=None)
        .execution_options(synchronize_session=False)
    )
    return await count_changed(session, statement)


# What every payment runs, put together once: that is a third of what one costs.
_ACCOUNTS = table_of(Account)
_FIND_ACCOUNTS = select(_ACCOUNTS.c.kind, _ACCOUNTS.c.user_id, _ACCOUNTS.c.id).where(
    _ACCOUNTS.c.guild_id == bindparam("guild"),
    _ACCOUNTS.c.user_id.in_(bindparam("users", expanding=True)),
)
_AFTER = _ACCOUNTS.c.balance + bindparam("amount", type_=BigInteger)
_CHANGE_BALANCE = (
    update(_ACCOUNTS)
    .where(
        _ACCOUNTS.c.id == bindparam("account"),
        # A guild's own accounts are no limit to what members do: they hold what all of them do.
        or_(_ACCOUNTS.c.kind != AccountKind.USER.value, _AFTER <= MAX_BALANCE),
        or_(_ACCOUNTS.c.kind == AccountKind.MINT.value, _AFTER >= 0),
    )
    .values(balance=_AFTER)
    .returning(_ACCOUNTS.c.balance)
)
_ADD_POSTINGS = insert(table_of(Posting))

_OWN = tuple(kind for kind in AccountKind if kind is not AccountKind.USER)
# A guild's own accounts are made together, before any member's: whoever locks accounts in the
# order of their ids then locks those in one order with everybody else.


async def find_accounts(
    session: AsyncSession, guild_id: int, user_ids: Collection[int]
) -> dict[tuple[str, int], int]:
    """Return the ids of the guild's own and these members' accounts, by kind and member.

    Those that are missing are made.
    """
    found = await _list_accounts(session, guild_id, user_ids)
    wanted = [(kind.value, NOBODY) for kind in _OWN]
    wanted += [(AccountKind.USER.value, one) for one in sorted(user_ids)]
    if missing := [one for one in wanted if one not in found]:
        statement = insert_for(session, Account).on_conflict_do_nothing()
        rows = [
            {"guild_id": guild_id, "kind": kind, "user_id": user_id, "balance": 0}
            for kind, user_id in missing
        ]
        await session.execute(statement.values(rows))
        found = await _list_accounts(session, guild_id, user_ids)
    return found


async def _list_accounts(
    session: AsyncSession, guild_id: int, user_ids: Collection[int]
) -> dict[tuple[str, int], int]:
    parameters = {"guild": guild_id, "users": [NOBODY, *user_ids]}
    rows = await session.execute(_FIND_ACCOUNTS, parameters)
    return {(kind, user_id): id_ for kind, user_id, id_ in rows}


async def add_transaction(session: AsyncSession, **values: Any) -> int | None:
    """Add a transaction and return its id, or None when its key has been used."""
    statement = insert_for(session, Transaction).on_conflict_do_nothing(
        index_elements=["guild_id", "key"]
    )
    return await session.scalar(statement.values(**values).returning(Transaction.id))


async def get_transaction_by_key(
    session: AsyncSession, guild_id: int, key: str
) -> Transaction | None:
    """Return the transaction that a key stands for."""
    query = select(Transaction).where(Transaction.guild_id == guild_id, Transaction.key == key)
    return await session.scalar(query)


async def get_transaction(
    session: AsyncSession, guild_id: int, transaction_id: int
) -> Transaction | None:
    """Return a guild's transaction by its number."""
    query = select(Transaction).where(
        Transaction.guild_id == guild_id, Transaction.id == transaction_id
    )
    return await session.scalar(query)


async def list_belonging(
    session: AsyncSession, guild_id: int, reference: str, *, counter: str
) -> Sequence[Transaction]:
    """Return the transactions with a reference that are not undone, in order.

    Those of the kind `counter`, which undo others, are left out.
    """
    query = (
        select(Transaction)
        .where(
            Transaction.guild_id == guild_id,
            Transaction.reference == reference,
            Transaction.counter_id.is_(None),
            Transaction.kind != counter,
        )
        .order_by(Transaction.id)
    )
    return (await session.scalars(query)).all()


async def mark_undone(session: AsyncSession, ids: Collection[int], counter_id: int) -> bool:
    """Note the counter-transaction of transactions; False when one of them has one already."""
    statement = (
        update(Transaction)
        .where(Transaction.id.in_(ids), Transaction.counter_id.is_(None))
        .values(counter_id=counter_id)
    )
    return await count_changed(session, statement) == len(ids)


async def change_balance(session: AsyncSession, account_id: int, amount: int) -> int | None:
    """Add an amount, or take it where it is below zero; return the new balance.

    Returns None, and changes nothing, where any account but the mint would go below zero, or a
    member's above `MAX_BALANCE`.
    """
    return await session.scalar(_CHANGE_BALANCE, {"account": account_id, "amount": amount})


async def lock_balances(session: AsyncSession, ids: Collection[int]) -> dict[int, int]:
    """Return balances by account, which nobody else changes before the transaction ends."""
    query = select(Account.id, Account.balance).where(Account.id.in_(ids)).order_by(Account.id)
    rows = await session.execute(query.with_for_update())
    return {one.id: one.balance for one in rows}


async def lock_holders(
    session: AsyncSession, guild_id: int, holders: Collection[tuple[str, int]]
) -> None:
    """Lock accounts by kind and member until the transaction ends; who has none is left out."""
    query = select(Account.id).where(
        Account.guild_id == guild_id, tuple_(Account.kind, Account.user_id).in_(holders)
    )
    await session.execute(query.order_by(Account.id).with_for_update())


async def room_of(session: AsyncSession, guild_id: int, user_id: int) -> int:
    """Return how much more a member's account can hold, until the transaction ends.

    The guild's own accounts are locked with it, in the order of everybody who moves money.
    """
    ids = await find_accounts(session, guild_id, {user_id})
    balances = await lock_balances(session, ids.values())
    return MAX_BALANCE - balances[ids[AccountKind.USER.value, user_id]]


async def add_postings(
    session: AsyncSession, transaction_id: int, amounts: Mapping[int, int]
) -> None:
    """Add the postings of a transaction, by account."""
    rows = [
        {"transaction_id": transaction_id, "account_id": account_id, "amount": amount}
        for account_id, amount in amounts.items()
    ]
    await session.execute(_ADD_POSTINGS, rows)


async def list_postings(
    session: AsyncSession, transaction_ids: Collection[int]
) -> Sequence[tuple[Posting, Account]]:
    """Return the postings of transactions, each with its account."""
    query = (
        select(Posting, Account)
        .join(Account, Account.id == Posting.account_id)
        .where(Posting.transaction_id.in_(transaction_ids))
        .order_by(Posting.transaction_id, Posting.account_id)
        .execution_options(populate_existing=True)
    )
    return [(posting, account) for posting, account in await session.execute(query)]


async def get_balance(session: AsyncSession, guild_id: int, user_id: int) -> int:
    """Return what a member has; 0 for one without an account."""
    query = select(Account.balance).where(
        Account.guild_id == guild_id,
        Account.kind == AccountKind.USER,
        Account.user_id == user_id,
    )
    return await session.scalar(query) or 0


# --- what there is once in a while ----------------------------------------------------------------


async def get_earner(session: AsyncSession, guild_id: int, user_id: int) -> Earner | None:
    """Return when a member last earned; read afresh, for what follows is decided on it."""
    query = select(Earner).where(Earner.guild_id == guild_id, Earner.user_id == user_id)
    return await session.scalar(query.execution_options(populate_existing=True))


async def add_earner(session: AsyncSession, guild_id: int, user_id: int) -> None:
    """Make sure that a member has a row."""
    statement = insert_for(session, Earner).on_conflict_do_nothing()
    await session.execute(statement.values(guild_id=guild_id, user_id=user_id, streak=0))


async def claim_day(
    session: AsyncSession, guild_id: int, user_id: int, day: date, *, streak: int
) -> bool:
    """Note that a member has had a day's gift; False when they had it, or a later one."""
    statement = (
        update(Earner)
        .where(
            Earner.guild_id == guild_id,
            Earner.user_id == user_id,
            or_(Earner.daily_on.is_(None), Earner.daily_on < day),
        )
        .values(daily_on=day, streak=streak)
    )
    return await count_changed(session, statement) == 1


async def claim_shift(
    session: AsyncSession, guild_id: int, user_id: int, now: datetime, *, rested_since: datetime
) -> bool:
    """Note that a member works now; False when they worked after `rested_since`."""
    statement = (
        update(Earner)
        .where(
            Earner.guild_id == guild_id,
            Earner.user_id == user_id,
            or_(Earner.worked_at.is_(None), Earner.worked_at <= rested_since),
        )
        .values(worked_at=now)
    )
    return await count_changed(session, statement) == 1
