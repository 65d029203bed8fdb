"""Gifts and wages: each once in its time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cogs.economy.earning import NotYet
from tests.cogs.economy.world import ANN, GUILD, EconomyWorld, side_by_side


async def _daily(world: EconomyWorld, zone: str = "UTC") -> int:
    received = await world.earning.daily(GUILD, ANN, world.settings, zone)
    return received.gift.amount


async def _work(world: EconomyWorld) -> int:
    shift = await world.earning.work(GUILD, ANN, world.settings, key=world.key())
    return shift.amount


async def test_gift_of_a_day_is_given_once_however_many_ask(world: EconomyWorld) -> None:
    done = await side_by_side(_daily(world) for _ in range(10))
    assert sorted(map(str, done), key=len)[0] == "200"
    assert sum(isinstance(one, NotYet) for one in done) == 9
    assert await world.balance(ANN) == 200
    await world.sound()


async def test_next_gift_is_there_at_midnight_in_the_guilds_zone(world: EconomyWorld) -> None:
    received = await world.earning.daily(GUILD, ANN, world.settings, "Asia/Tokyo")
    with pytest.raises(NotYet) as caught:
        await _daily(world, "Asia/Tokyo")
    assert caught.value.again_at == received.next_at
    local = received.next_at
    assert (local.hour, local.minute) == (0, 0)
    world.clock.advance(local - world.clock.now())
    assert await _daily(world, "Asia/Tokyo") == 220


async def test_streak_survives_a_missed_day_and_no_more(world: EconomyWorld) -> None:
    amounts = []
    for days in (0, 1, 2, 3):
        world.clock.advance(timedelta(days=days))
        amounts.append(await _daily(world))
    assert amounts == [200, 220, 240, 200]


async def test_zone_that_moves_back_gives_no_second_gift(world: EconomyWorld) -> None:
    await _daily(world, "Pacific/Kiritimati")
    with pytest.raises(NotYet):
        await _daily(world, "Pacific/Pago_Pago")
    assert await world.balance(ANN) == 200


async def test_work_pays_once_per_rest(world: EconomyWorld) -> None:
    done = await side_by_side(_work(world) for _ in range(10))
    assert sum(isinstance(one, NotYet) for one in done) == 9
    assert await world.balance(ANN) == 40
    world.clock.advance(timedelta(minutes=59))
    with pytest.raises(NotYet):
        await _work(world)
    world.clock.advance(timedelta(minutes=1))
    world.draws = [1000, 3]
    assert await _work(world) == 120
    assert await world.balance(ANN) == 160
    await world.sound()
