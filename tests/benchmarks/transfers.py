"""Payments: how many a second the ledger takes on either database, one after the other and at once.

Beside it the way of many peers in the same run: read both balances, write both, no books. That one
loses money when two payments meet, so it is only measured one after the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import select, update

from bot.core.ledger import Entry, Holder, Move, TransactionKind, post
from db.economy import Account, AccountKind
from db.engine import Database
from tests.benchmarks.databases import on_each

_GUILD, _MEMBERS, _AT_ONCE, _RICH = 1 << 40, 200, 20, 10**9
_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rate:
    """What one way of paying does on one database: payments a second."""

    database: str
    way: str
    per_second: float


def compare(payments: int) -> list[Rate]:
    """Return the rates on SQLite and, where there is one, on PostgreSQL."""
    return on_each("transfers", partial(_measure, payments))


async def _measure(payments: int, engine: str, database: Database) -> list[Rate]:
    await _fill(database)
    return [
        Rate(engine, "two balances, no books", await _in_turn(database, payments, _plain)),
        Rate(engine, "ledger", await _in_turn(database, payments, _ledger)),
        Rate(engine, f"ledger, {_AT_ONCE} at once", await _at_once(database, payments)),
    ]


async def _fill(database: Database) -> None:
    async with database.write() as session:
        for one in range(_MEMBERS):
            move = Move(Holder.MINT, Holder.user(one + 1), _RICH)
            await post(session, _entry(f"fill:{one}", move), _AT)


def _entry(key: str, *moves: Move) -> Entry:
    return Entry(guild_id=_GUILD, kind=TransactionKind.PAY, key=key, actor_id=1, moves=moves)


def _pair(number: int) -> tuple[int, int]:
    payer = number % _MEMBERS
    return payer + 1, (payer + 7) % _MEMBERS + 1


async def _ledger(database: Database, key: str, number: int) -> None:
    payer, payee = _pair(number)
    async with database.write() as session:
        move = Move(Holder.user(payer), Holder.user(payee), 1)
        await post(session, _entry(f"{key}:{number}", move), _AT)


async def _plain(database: Database, _key: str, number: int) -> None:
    payer, payee = _pair(number)
    async with database.write() as session:
        for user_id, change in ((payer, -1), (payee, 1)):
            mine = (
                Account.guild_id == _GUILD,
                Account.kind == AccountKind.USER,
                Account.user_id == user_id,
            )
            balance = await session.scalar(select(Account.balance).where(*mine)) or 0
            await session.execute(update(Account).where(*mine).values(balance=balance + change))


async def _in_turn(
    database: Database, payments: int, pay: Callable[[Database, str, int], Awaitable[None]]
) -> float:
    before = time.perf_counter()
    for number in range(payments):
        await pay(database, "turn", number)
    return payments / (time.perf_counter() - before)


async def _at_once(database: Database, payments: int) -> float:
    numbers = iter(range(payments))

    async def work() -> None:
        for number in numbers:
            await _ledger(database, "once", number)

    before = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return payments / (time.perf_counter() - before)
