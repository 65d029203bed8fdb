"""Giving to everybody with a role: once each, whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.batches import BatchService
from bot.core.contracts import Actor
from bot.core.ledger import Holder as Mover
from bot.core.ledger import Move
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.supervisor import TaskSupervisor
from cogs.economy import bulk
from cogs.economy.bulk import KIND, Bulk, BulkOrder, Holder
from cogs.economy.treasury import Done, Order
from db.batches import Batch
from db.economy import MAX_BALANCE
from db.engine import Database
from tests.cogs.economy.world import GUILD, STAFF, EconomyWorld
from tests.fakes import FakeClock
from tests.heldup import until_held_up

ROLE = 555


class Lister:
    """Gives pages of made-up members: every third has the role, every fifth of those is a bot."""

    def __init__(self, members: int) -> None:
        self.members = [
            Holder(one, one % 15 == 0, frozenset({ROLE} if one % 3 == 0 else ()))
            for one in range(1, members + 1)
        ]

    async def list_members(self, guild_id: int, *, after: int, limit: int) -> Sequence[Holder]:
        assert guild_id == GUILD
        return [one for one in self.members if one.user_id > after][:limit]

    def chosen(self, role_id: int) -> list[int]:
        return [
            one.user_id
            for one in self.members
            if not one.is_bot and (role_id == GUILD or role_id in one.role_ids)
        ]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "PAGE", 50)
    monkeypatch.setattr(bulk, "MOST_WRITTEN", 7)


async def _run(world: EconomyWorld, worker: Bulk, order: BulkOrder) -> Batch:
    outbox = OutboxService(world.database, world.clock, TaskSupervisor())
    batches = BatchService(world.database, world.clock, jobs=world.jobs, outbox=outbox)
    batches.register(KIND, worker)
    batch = await batches.begin(order.batch(Actor(77, "command", "boss"), "en"))
    while (await batches.get_open(GUILD, KIND)) is not None:
        await world.jobs.run_due()
    ended = await batches.get(batch.id)
    assert ended is not None
    return ended


def _order(role_id: int, *, gives: bool, amount: int, members: int) -> BulkOrder:
    return BulkOrder(
        guild_id=GUILD,
        channel_id=1,
        occasion=99 if gives else 98,
        role_id=role_id,
        gives=gives,
        amount=amount,
        reason="party",
        members=members,
    )


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize("role_id", [ROLE, GUILD])
async def test_everybody_with_the_role_gets_it_once(world: EconomyWorld, role_id: int) -> None:
    lister = Lister(170)
    worker = Bulk(world.treasury, lister, state=NullState)
    count = await worker.count(GUILD, role_id)
    assert count == len(lister.chosen(role_id))
    ended = await _run(world, worker, _order(role_id, gives=True, amount=5, members=count))
    assert bulk.outcome_of(ended).render("en") == f"✅ Done for {count} members."
    assert {one: await world.balance(one) for one in range(1, 171)} == {
        one: 5 if one in lister.chosen(role_id) else 0 for one in range(1, 171)
    }
    await world.sound()


@pytest.mark.usefixtures("small_pages")
async def test_taking_leaves_nobody_below_nothing(world: EconomyWorld) -> None:
    lister = Lister(40)
    for one in lister.chosen(ROLE)[:6]:
        await world.give(one, one)
    worker = Bulk(world.treasury, lister, state=NullState)
    await _run(world, worker, _order(ROLE, gives=False, amount=7, members=10))
    assert [await world.balance(one) for one in lister.chosen(ROLE)[:6]] == [
        max(0, one - 7) for one in lister.chosen(ROLE)[:6]
    ]
    await world.sound()


@pytest.mark.usefixtures("small_pages")
async def test_giving_passes_over_whose_account_is_full(world: EconomyWorld) -> None:
    lister = Lister(12)
    await world.post(Move(Mover.MINT, Mover.user(3), MAX_BALANCE))
    await world.post(Move(Mover.MINT, Mover.user(6), MAX_BALANCE - 2))
    worker = Bulk(world.treasury, lister, state=NullState)
    await _run(world, worker, _order(ROLE, gives=True, amount=5, members=4))
    assert [await world.balance(one) for one in (3, 6, 9)] == [MAX_BALANCE, MAX_BALANCE, 5]
    await world.sound()


async def test_piece_that_is_done_again_is_refused_whole(world: EconomyWorld) -> None:
    order = world.order(3, key="bulk:1:3")
    assert order.actor == STAFF
    async with world.database.write() as session:
        await world.treasury.give_in(session, order, 5)
    with pytest.raises(Exception, match="done already"):
        async with world.database.write() as session:
            await world.treasury.give_in(session, order, 5)
    assert await world.balance(3) == 5


async def test_payments_and_a_bulk_don_t_wait_for_each_other(
    postgres_database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    # SQLite has one writer at a time: there nothing comes between.
    world = EconomyWorld(postgres_database, clock)
    # The accounts are in another order than the members.
    await world.give(6, 10)
    await world.give(3, 10)
    give, payments = world.treasury.give_in, list[asyncio.Task[int]]()

    async def pay_first(session: AsyncSession, order: Order, amount: int) -> Done:
        if order.user_id == 6:
            payments.append(asyncio.create_task(world.pay(6, 3, 4)))
            await until_held_up(session, payments[0].done)
        return await give(session, order, amount)

    monkeypatch.setattr(world.treasury, "give_in", pay_first)
    worker = Bulk(world.treasury, Lister(7), state=NullState)
    await _run(world, worker, _order(ROLE, gives=True, amount=5, members=2))
    await asyncio.gather(*payments)
    # A piece that is broken off would be done again, and pay a second time.
    assert len(payments) == 1
    assert (await world.balance(3), await world.balance(6)) == (19, 11)
    await world.sound()
