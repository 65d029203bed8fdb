"""The ledger: money moves once, nobody owes anything, and everything can be undone."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.core.errors import Conflict, NotFound
from bot.core.ledger import (
    AlreadyPosted,
    Holder,
    InsufficientFunds,
    Move,
    TooMuch,
    TransactionKind,
)
from db.economy import MAX_BALANCE, Transaction
from db.economy_books import list_lines
from db.people import erase_person, export_person
from tests.cogs.economy.world import ANN, BEN, CAT, GUILD, EconomyWorld, side_by_side


async def test_payment_moves_money_once(world: EconomyWorld) -> None:
    await world.give(ANN, 100)
    await world.pay(ANN, BEN, 40, key="pay:1")
    with pytest.raises(AlreadyPosted):
        await world.pay(ANN, BEN, 40, key="pay:1")
    assert (await world.balance(ANN), await world.balance(BEN)) == (60, 40)
    assert await world.own(Holder.MINT) == -100
    await world.sound()


async def test_nobody_pays_more_than_they_have(world: EconomyWorld) -> None:
    await world.give(ANN, 100)
    with pytest.raises(InsufficientFunds) as caught:
        await world.pay(ANN, BEN, 101)
    assert (caught.value.balance, caught.value.needed) == (100, 101)
    assert (await world.balance(ANN), await world.balance(BEN)) == (100, 0)
    # Nothing is left of it: the key can be used.
    assert len(await world.read(list_lines, GUILD, ANN, before=None, limit=10)) == 1


async def test_account_holds_no_more_than_can_be_kept(world: EconomyWorld) -> None:
    await world.post(Move(Holder.MINT, Holder.user(ANN), MAX_BALANCE))
    with pytest.raises(TooMuch):
        await world.give(ANN, 1)
    assert await world.balance(ANN) == MAX_BALANCE


async def test_guild_s_own_accounts_hold_what_all_members_do(world: EconomyWorld) -> None:
    """Else nobody could pay a tax or a price once so much was paid before."""
    for _ in range(2):
        await world.post(Move(Holder.MINT, Holder.user(ANN), MAX_BALANCE))
        await world.post(Move(Holder.user(ANN), Holder.SINK, MAX_BALANCE))
    assert await world.own(Holder.SINK) == 2 * MAX_BALANCE
    await world.sound()


@pytest.mark.parametrize("amount", [0, -1, MAX_BALANCE + 1, 2**63])
def test_move_refuses_what_is_no_amount(amount: int) -> None:
    with pytest.raises(ValueError, match="can't be moved"):
        Move(Holder.user(ANN), Holder.user(BEN), amount)


async def test_house_pays_what_it_has_and_the_mint_the_rest(world: EconomyWorld) -> None:
    await world.give(ANN, 100)
    await world.post(Move(Holder.user(ANN), Holder.HOUSE, 30))
    posted = await world.post(Move(Holder.HOUSE, Holder.user(BEN), 50))
    assert posted.balance(BEN) == 50
    assert await world.own(Holder.HOUSE) == 0
    assert await world.own(Holder.MINT) == -120
    await world.sound()


async def test_house_that_wins_and_loses_at_once_mints_only_the_difference(
    world: EconomyWorld,
) -> None:
    await world.give(ANN, 10)
    await world.post(
        Move(Holder.user(ANN), Holder.HOUSE, 10), Move(Holder.HOUSE, Holder.user(ANN), 25)
    )
    assert await world.balance(ANN) == 25
    assert await world.own(Holder.MINT) == -25
    await world.sound()


async def test_undoing_gives_everything_back(world: EconomyWorld) -> None:
    await world.give(ANN, 100)
    world.use(pay_tax=10)
    number = await world.pay(ANN, BEN, 50)
    undone = await world.treasury.undo(world.order(0), number)
    assert undone.changes == {ANN: 50, BEN: -45}
    assert (await world.balance(ANN), await world.balance(BEN)) == (100, 0)
    assert await world.own(Holder.SINK) == 0
    with pytest.raises(Conflict, match="was undone by"):
        await world.treasury.undo(world.order(0), number)
    with pytest.raises(Conflict, match="is an undoing"):
        await world.treasury.undo(world.order(0), undone.number)
    await world.sound()


async def test_undoing_takes_all_that_belongs_together(world: EconomyWorld) -> None:
    await world.give(ANN, 100)
    stake = await world.post(
        Move(Holder.user(ANN), Holder.ESCROW, 20), kind=TransactionKind.STAKE, reference="game:1"
    )
    await world.post(
        Move(Holder.ESCROW, Holder.HOUSE, 20),
        Move(Holder.HOUSE, Holder.user(ANN), 35),
        kind=TransactionKind.GAME,
        reference="game:1",
    )
    assert await world.balance(ANN) == 115
    await world.treasury.undo(world.order(0), stake.transaction_id)
    assert await world.balance(ANN) == 100
    await world.sound()


async def test_what_was_spent_can_not_be_taken_back(world: EconomyWorld) -> None:
    number = await world.give(ANN, 100)
    await world.pay(ANN, BEN, 60)
    with pytest.raises(InsufficientFunds):
        await world.treasury.undo(world.order(0), number)
    assert (await world.balance(ANN), await world.balance(BEN)) == (40, 60)
    await world.sound()


async def test_undoing_what_nobody_gained_by_is_refused(world: EconomyWorld) -> None:
    with pytest.raises(NotFound):
        await world.treasury.undo(world.order(0), 4711)
    await world.give(ANN, 100)
    stake = await world.post(Move(Holder.user(ANN), Holder.ESCROW, 20), reference="game:1")
    await world.post(Move(Holder.ESCROW, Holder.user(ANN), 20), reference="game:1")
    with pytest.raises(Conflict, match="nothing to undo"):
        await world.treasury.undo(world.order(0), stake.transaction_id)


async def test_twenty_payments_at_once_from_a_balance_for_one(world: EconomyWorld) -> None:
    await world.give(ANN, 100)
    done = await side_by_side(world.pay(ANN, BEN + one, 100) for one in range(20))
    paid = [one for one in done if isinstance(one, int)]
    refused = [one for one in done if isinstance(one, InsufficientFunds)]
    assert (len(paid), len(refused)) == (1, 19)
    assert await world.balance(ANN) == 0
    await world.sound()


async def test_payments_in_circles_at_once_don_t_block_each_other(world: EconomyWorld) -> None:
    people = (ANN, BEN, CAT)
    for one in people:
        await world.give(one, 100)
    pairs = [(a, b) for a in people for b in people if a != b] * 4
    done = await side_by_side(world.pay(a, b, 5) for a, b in pairs)
    assert all(isinstance(one, int) for one in done)
    assert [await world.balance(one) for one in people] == [100, 100, 100]
    await world.sound()


async def test_one_transaction_is_undone_once_by_many_at_once(world: EconomyWorld) -> None:
    await world.give(ANN, 500)
    number = await world.pay(ANN, BEN, 50)
    await world.give(BEN, 500)
    done = await side_by_side(world.treasury.undo(world.order(0), number) for _ in range(8))
    assert sum(isinstance(one, Conflict) for one in done) == 7
    assert await world.balance(ANN) == 500
    await world.sound()


async def test_what_an_erased_person_leaves_goes_to_the_sink(world: EconomyWorld) -> None:
    await world.give(ANN, 100)
    number = await world.pay(ANN, BEN, 30)
    async with world.database.write() as session:
        await erase_person(session, ANN)
    await world.sound()
    assert await world.balance(ANN) == 0
    await world.auditing.start()
    await world.auditing._nightly(None)  # type: ignore[arg-type]
    assert await world.own(Holder.SINK) == 70
    assert await world.balance(BEN) == 30
    with pytest.raises(Conflict, match="erased"):
        await world.treasury.undo(world.order(0), number)
    await world.sound()
    assert world.audited == [0]


async def test_person_is_given_what_moved_their_money_without_others(world: EconomyWorld) -> None:
    await world.treasury.give(world.order(ANN, reason="Ann's birthday"), 100)
    await world.pay(ANN, BEN, 40)
    async with world.database.write() as session:
        exported = (await export_person(session, BEN))["economy_postings"]
        assert [(one["kind"], one["amount"], one["guild_id"]) for one in exported] == [
            ("pay", 40, str(GUILD))
        ]
        assert not any("user_id" in name or "actor_id" in name for name in exported[0])
        exported = (await export_person(session, ANN))["economy_postings"]
        assert [(one["amount"], one["reason"]) for one in exported] == [
            (100, "Ann's birthday"),
            (-40, None),
        ]


async def test_erasing_clears_what_staff_wrote_about_somebody(world: EconomyWorld) -> None:
    await world.treasury.give(world.order(ANN, reason="Ann's birthday"), 100)
    await world.treasury.give(world.order(BEN, reason="Ben's birthday"), 100)
    async with world.database.write() as session:
        await erase_person(session, ANN)
    async with world.database.read() as session:
        reasons = await session.scalars(select(Transaction.reason).order_by(Transaction.id))
        assert list(reasons) == [None, "Ben's birthday"]
        assert "economy_postings" not in await export_person(session, ANN)
    await world.sound()
