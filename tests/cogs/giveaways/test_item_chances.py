"""Items of the shop are used for more entries: each piece once, and back when somebody leaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from bot.core.audit import AuditLog
from bot.core.contracts import SYSTEM
from bot.core.errors import AppError, Conflict
from cogs.giveaways import returning
from cogs.giveaways.entering import Inside, Left, Refused
from cogs.giveaways.opening import Opening
from cogs.giveaways.proof import Proofs
from cogs.giveaways.using import Press, Used, Using
from cogs.giveaways.verify import check_proof
from db.economy_inventory import ItemUse, Lot
from db.economy_shop import ShopItem
from db.engine import Database
from db.giveaway_items import GiveawayItemUse
from db.giveaways import CANCELLED, ENDED, PAUSED
from db.people import erase_person, export_person
from tests.cogs.economy.shop_world import ShopWorld
from tests.cogs.giveaways.stage import GUILD, HOUR, Stage, make_stage

ANN, BOB = 1, 2


@dataclass
class Hall:
    """Giveaways and a shop beside each other, as in the bot."""

    stage: Stage
    shop: ShopWorld
    using: Using
    opening: Opening
    item: ShopItem
    keys: int = 0

    async def add(self, *, entries: int = 2, most: int = 10, **values: Any) -> UUID:
        bonus = {"item_id": str(self.item.id), "entries": entries, "most": most}
        return await self.stage.add(bonus_entries=[*values.pop("also", []), bonus], **values)

    async def give(self, user_id: int, count: int) -> None:
        await self.shop.earn(1000, user_id)
        await self.shop.buy(self.item, count, user_id=user_id)

    async def enter(self, giveaway: UUID, user_id: int, *roles: int) -> Any:
        return await self.stage.entering.enter(giveaway, self.stage.person(user_id, *roles))

    async def use(self, giveaway: UUID, user_id: int, nth: int = 1, key: str = "") -> Any:
        self.keys += 1
        press = Press(
            giveaway_id=giveaway,
            user_id=user_id,
            item_id=self.item.id,
            nth=nth,
            key=key or f"giveaway:{self.keys}",
        )
        return await self.using.use(press, self.stage.person(user_id))

    async def held(self, user_id: int) -> int:
        query = select(func.coalesce(func.sum(Lot.quantity), 0))
        return await self._number(query.where(Lot.user_id == user_id))

    async def used(self, giveaway: UUID, user_id: int) -> int:
        named = GiveawayItemUse.giveaway_id == giveaway, GiveawayItemUse.user_id == user_id
        return await self._number(select(func.count()).where(*named))

    async def weights(self, giveaway: UUID) -> dict[int | None, tuple[int, int]]:
        rows = await self.stage.entries(giveaway)
        return {one.user_id: (one.weight, one.item_entries) for one in rows}

    async def _number(self, query: Any) -> int:
        async with self.stage.database.read() as session:
            return int(await session.scalar(query) or 0)


@pytest.fixture
async def hall(database: Database) -> Hall:
    stage = make_stage(database)
    shop = ShopWorld(database, stage.clock, guild_id=GUILD)
    audit = AuditLog(stage.clock, stage.bus, stage.supervisor)
    opening = Opening(
        database,
        stage.clock,
        stage.settings,
        jobs=stage.jobs,
        audit=audit,
        board=stage.board,  # pyright: ignore[reportArgumentType]
    )
    opening.start()
    item = await shop.item("Lucky ticket")
    return Hall(stage, shop, Using(stage.backstage, stage.entering), opening, item)


async def test_piece_becomes_entries_and_the_next_is_offered(hall: Hall) -> None:
    giveaway = await hall.add(most=2)
    await hall.give(ANN, 3)
    entered = await hall.enter(giveaway, ANN)
    assert [(one.item.name, one.entries, one.held, one.nth) for one in entered.offers] == [
        ("Lucky ticket", 2, 3, 1)
    ]

    used = await hall.use(giveaway, ANN)
    assert isinstance(used, Used)
    assert (used.weight, used.offers[0].held, used.offers[0].nth) == (3, 2, 2)
    used = await hall.use(giveaway, ANN, 2)
    # No more than two count.
    assert (used.weight, used.offers) == (5, ())
    with pytest.raises(Conflict, match="as many of"):
        await hall.use(giveaway, ANN, 3)
    assert (await hall.held(ANN), await hall.weights(giveaway)) == (1, {ANN: (5, 4)})
    async with hall.stage.database.read() as session:
        uses = (await session.scalars(select(ItemUse).order_by(ItemUse.id))).all()
    assert [(one.user_id, one.item_id, one.quantity, one.target_id) for one in uses] == [
        (ANN, hall.item.id, 1, None)
    ] * 2


async def test_button_that_is_pressed_many_times_at_once_uses_one(hall: Hall) -> None:
    giveaway = await hall.add()
    await hall.give(ANN, 3)
    await hall.stage.enter(giveaway, ANN)

    came = await asyncio.gather(*(hall.use(giveaway, ANN) for _ in range(12)))
    assert sum(isinstance(one, Used) for one in came) == 1
    assert {one.weight for one in came} == {3}
    assert (await hall.held(ANN), await hall.weights(giveaway)) == (2, {ANN: (3, 2)})


async def test_request_that_comes_again_uses_none(hall: Hall) -> None:
    giveaway = await hall.add()
    await hall.give(ANN, 3)
    await hall.stage.enter(giveaway, ANN)

    assert isinstance(await hall.use(giveaway, ANN, 1, "giveaway:once"), Used)
    # Also where it would be the next one's turn, or the entry is another by now.
    assert isinstance(await hall.use(giveaway, ANN, 2, "giveaway:once"), Inside)
    await hall.stage.entering.leave(giveaway, GUILD, ANN)
    await hall.stage.enter(giveaway, ANN)
    assert isinstance(await hall.use(giveaway, ANN, 1, "giveaway:once"), Inside)
    assert (await hall.held(ANN), await hall.weights(giveaway)) == (3, {ANN: (1, 0)})


async def test_twenty_presses_with_three_pieces_use_three(hall: Hall) -> None:
    giveaway = await hall.add()
    await hall.give(ANN, 3)
    await hall.stage.enter(giveaway, ANN)

    async def press_on() -> None:
        """Press whatever button is shown, until there is none."""
        nth = 1
        while True:
            try:
                came = await hall.use(giveaway, ANN, nth)
            except Conflict as error:
                assert "has 0 of" in str(error)  # noqa: PT017 - one of many ends so
                return
            if not came.offers:
                return
            nth = came.offers[0].nth

    await asyncio.gather(*(press_on() for _ in range(20)))
    assert (await hall.held(ANN), await hall.used(giveaway, ANN)) == (0, 3)
    assert await hall.weights(giveaway) == {ANN: (7, 6)}


async def test_entries_of_items_stay_when_roles_are_weighed_again(hall: Hall) -> None:
    giveaway = await hall.add(also=[{"role_id": "7", "entries": 4}])
    await hall.give(ANN, 2)
    await hall.stage.enter(giveaway, ANN)
    await hall.use(giveaway, ANN)

    for roles, weight in (((7,), 7), ((7,), 7), ((), 3)):
        assert (await hall.enter(giveaway, ANN, *roles)).weight == weight
        assert await hall.weights(giveaway) == {ANN: (weight, 2)}
    # The button and the roles at the same moment.
    await asyncio.gather(hall.use(giveaway, ANN, 2), hall.enter(giveaway, ANN, 7))
    await hall.enter(giveaway, ANN, 7)
    assert await hall.weights(giveaway) == {ANN: (9, 4)}


async def test_leaving_gives_back_once(hall: Hall) -> None:
    giveaway = await hall.add()
    await hall.give(ANN, 3)
    await hall.stage.enter(giveaway, ANN)
    for nth in (1, 2):
        await hall.use(giveaway, ANN, nth)
    await hall.stage.change(giveaway, status=PAUSED)

    left = await asyncio.gather(
        *(hall.stage.entering.leave(giveaway, GUILD, ANN) for _ in range(8))
    )
    assert [one for one in left if one is not None] == [Left(2, 0)]
    assert (await hall.held(ANN), await hall.used(giveaway, ANN)) == (3, 0)
    assert await hall.weights(giveaway) == {}


async def test_leaving_while_it_is_pressed_loses_and_makes_nothing(hall: Hall) -> None:
    giveaway = await hall.add()
    await hall.give(ANN, 5)

    async def quietly(work: Any) -> None:
        with contextlib.suppress(Conflict):
            await work

    for _round in range(5):
        await hall.enter(giveaway, ANN)
        leave = hall.stage.entering.leave(giveaway, GUILD, ANN)
        presses = [quietly(hall.use(giveaway, ANN, nth)) for nth in (1, 2, 1)]
        await asyncio.gather(*presses, leave, quietly(hall.use(giveaway, ANN, 2)))
        used, weights = await hall.used(giveaway, ANN), await hall.weights(giveaway)
        assert await hall.held(ANN) + used == 5
        assert weights == ({ANN: (1 + 2 * used, 2 * used)} if weights else {})
        assert weights or not used


async def test_what_is_drawn_is_what_was_used_in_time(hall: Hall) -> None:
    """Whoever presses at the very end has either the entries or the piece."""
    giveaway = await hall.add()
    for user_id in (ANN, BOB):
        await hall.give(user_id, 3)
        await hall.stage.enter(giveaway, user_id)

    async def press(user_id: int, nth: int) -> None:
        with contextlib.suppress(Conflict):
            await hall.use(giveaway, user_id, nth)

    presses = [press(user_id, nth) for nth in (1, 2, 3) for user_id in (ANN, BOB)]
    await asyncio.gather(*presses[:3], hall.stage.end(giveaway), *presses[3:])
    await hall.stage.settle()

    used = [await hall.used(giveaway, user_id) for user_id in (ANN, BOB)]
    assert [await hall.held(user_id) for user_id in (ANN, BOB)] == [3 - one for one in used]
    [first] = await hall.stage.rounds(giveaway)
    assert first.total_weight == 2 + 2 * sum(used)
    proof = await Proofs(hall.stage.database).make(GUILD, giveaway, ANN)
    assert proof is not None
    assert proof.file is not None
    assert check_proof(json.loads(proof.file))
    # What was used is used.
    assert (await hall.stage.get(giveaway)).status == ENDED
    with pytest.raises(Conflict, match="is over"):
        await hall.stage.entering.leave(giveaway, GUILD, ANN)


async def test_cancelled_giveaway_gives_back_in_parts(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(returning, "_PEOPLE_AT_ONCE", 2)
    giveaway, other = await hall.add(), await hall.add(number=2)
    for user_id in range(1, 6):
        await hall.give(user_id, 3)
        for one in (giveaway, other):
            await hall.stage.enter(one, user_id)
            await hall.use(one, user_id)
    await hall.opening.cancel(await hall.stage.get(giveaway), SYSTEM)
    await hall.stage.settle()

    assert (await hall.stage.get(giveaway)).status == CANCELLED
    for user_id in range(1, 6):
        assert await hall.held(user_id) == 2
        assert await hall.used(giveaway, user_id) == 0
        assert await hall.used(other, user_id) == 1
    await hall.stage.settle()
    assert await hall.held(1) == 2


async def refusal(hall: Hall, giveaway: UUID, nth: int = 1) -> str:
    """Return why a piece of Ann's can't be used; she must have it still."""
    before = await hall.held(ANN), await hall.weights(giveaway)
    with pytest.raises(AppError) as caught:
        await hall.use(giveaway, ANN, nth)
    assert (await hall.held(ANN), await hall.weights(giveaway)) == before
    return caught.value.render("en")


async def test_what_cannot_be_used_is_refused_in_words(hall: Hall) -> None:
    giveaway = await hall.add()
    assert "not in this giveaway" in await refusal(hall, giveaway)
    await hall.stage.enter(giveaway, ANN)
    assert "has 0 of" in await refusal(hall, giveaway)
    await hall.give(ANN, 1)

    await hall.stage.change(giveaway, status=PAUSED)
    assert "is paused" in await refusal(hall, giveaway)
    await hall.stage.change(giveaway, status="active")
    settings = hall.stage.settings
    await settings.change(GUILD, "economy", {}, enabled=False, actor=SYSTEM)
    assert "economy is switched off" in await refusal(hall, giveaway)
    assert (await hall.enter(giveaway, ANN)).offers == ()
    await settings.change(GUILD, "economy", {}, enabled=True, actor=SYSTEM)
    await hall.stage.set(enabled=False)
    assert "switched off" in await refusal(hall, giveaway)
    await hall.stage.set(enabled=True)
    await hall.stage.change(giveaway, bonus_entries=[])
    assert "no entries in this giveaway" in await refusal(hall, giveaway)
    hall.stage.clock.advance(HOUR)
    assert "is over" in await refusal(hall, giveaway)


async def test_who_could_not_enter_any_more_keeps_the_piece(hall: Hall) -> None:
    """A draw would pass them over."""
    giveaway = await hall.add()
    await hall.give(ANN, 1)
    await hall.stage.enter(giveaway, ANN)
    await hall.stage.change(giveaway, requirements={"all_roles": ["7"]})

    assert isinstance(await hall.use(giveaway, ANN), Refused)
    assert (await hall.held(ANN), await hall.weights(giveaway)) == (1, {ANN: (1, 0)})


async def test_plan_that_changes_meanwhile_is_looked_at_again(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    giveaway = await hall.add(entries=2)
    await hall.give(ANN, 1)
    await hall.stage.enter(giveaway, ANN)
    find, bonus = Using._find, {"item_id": str(hall.item.id), "entries": 9, "most": 1}
    changes: list[dict[str, Any]] = [{"bonus_entries": [bonus], "revision": 5}]

    async def find_and_change(using: Using, *args: Any) -> Any:
        found = await find(using, *args)
        if changes:
            await hall.stage.change(giveaway, **changes.pop())
        return found

    monkeypatch.setattr(Using, "_find", find_and_change)
    assert (await hall.use(giveaway, ANN)).weight == 10


async def test_item_that_is_not_sold_any_more_is_used_by_whoever_has_it(hall: Hall) -> None:
    giveaway = await hall.add()
    await hall.give(ANN, 1)
    await hall.stage.enter(giveaway, ANN)
    await hall.shop.stock.remove(await hall.shop.again(hall.item), SYSTEM)

    assert (await hall.use(giveaway, ANN)).weight == 3


async def test_pieces_keep_the_end_that_they_had(hall: Hall) -> None:
    hall.item = await hall.shop.item("Fresh ticket", lasts=3600)
    giveaway = await hall.add(ends_at=hall.stage.clock.now() + 5 * HOUR)
    await hall.give(ANN, 1)
    hall.stage.clock.advance(timedelta(minutes=30))
    await hall.give(ANN, 1)
    await hall.stage.enter(giveaway, ANN)
    for nth in (1, 2):
        await hall.use(giveaway, ANN, nth)
    hall.stage.clock.advance(timedelta(minutes=45))

    assert await hall.stage.entering.leave(giveaway, GUILD, ANN) == Left(1, 1)
    assert await hall.held(ANN) == 1


async def test_who_gives_the_last_piece_away_meanwhile_has_used_none(hall: Hall) -> None:
    from cogs.economy.inventory import Receiver

    giveaway = await hall.add()
    await hall.give(ANN, 1)
    await hall.give(BOB, 1)
    for user_id in (ANN, BOB):
        await hall.stage.enter(giveaway, user_id)
    gifts = [
        hall.shop.inventories.gift(
            one, Receiver(3 - one, is_bot=False, is_member=True), hall.item, 1, key=f"g{one}"
        )
        for one in (ANN, BOB)
    ]
    uses = [hall.use(giveaway, one) for one in (ANN, BOB)]
    came = await asyncio.gather(*gifts, *uses, return_exceptions=True)
    assert all(isinstance(one, (Conflict, Used, type(None))) for one in came), came
    used = await hall.used(giveaway, ANN) + await hall.used(giveaway, BOB)
    assert await hall.held(ANN) + await hall.held(BOB) + used == 2
    assert sum(weight for weight, _ in (await hall.weights(giveaway)).values()) == 2 + 2 * used


async def test_person_takes_what_they_used_with_them(hall: Hall) -> None:
    giveaway = await hall.add()
    await hall.give(ANN, 2)
    await hall.stage.enter(giveaway, ANN)
    await hall.use(giveaway, ANN)
    async with hall.stage.database.write() as session:
        exported = await export_person(session, ANN)
        assert [one["nth"] for one in exported["giveaway_item_uses"]] == [1]
        await erase_person(session, ANN)

    assert (await hall.held(ANN), await hall.used(giveaway, ANN)) == (0, 0)
    # Nothing comes back, and whoever enters anew begins anew.
    await hall.stage.enter(giveaway, ANN)
    assert (await hall.weights(giveaway))[ANN] == (1, 0)
    await hall.opening.cancel(await hall.stage.get(giveaway), SYSTEM)
    await hall.stage.settle()
    assert await hall.held(ANN) == 0
