"""Experience for talking: who counts, what a minute is worth, and that it counts once."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from cogs.levels.seats import Seats, talking
from cogs.levels.talking import MOST_WAITING
from tests.bot.core.roles.world import RED
from tests.cogs.levels.world import AFK, ANN, BOB, GUILD, HALL, LevelWorld

TODAY = date(2026, 6, 1)


async def test_two_who_talk_earn_each_minute(world: LevelWorld) -> None:
    world.sit(ANN)
    world.sit(BOB)
    await world.minutes(3)

    assert (await world.xp(ANN), await world.xp(BOB)) == (30, 30)
    assert await world.days() == {TODAY: (30, 3)}


@pytest.mark.parametrize("mark", ["mute", "self_mute", "deaf", "self_deaf", "suppress", "bot"])
async def test_who_cant_be_talked_to_counts_for_nobody(world: LevelWorld, mark: str) -> None:
    world.sit(ANN)
    world.sit(BOB, **{mark: True})
    await world.minutes(2)

    assert (await world.xp(ANN), await world.xp(BOB)) == (0, 0)


async def test_alone_or_away_or_apart_earns_nothing(world: LevelWorld) -> None:
    world.sit(ANN)
    await world.minutes()
    world.sit(BOB, AFK)
    world.sit(ANN, AFK)
    await world.minutes()
    world.sit(ANN, HALL)
    await world.minutes()
    world.sit(BOB, HALL)
    world.sit(BOB, None)
    await world.minutes()

    assert await world.xp(ANN) == 0


async def test_excluded_channel_and_role_earn_nothing(world: LevelWorld) -> None:
    world.discord.roles[ANN].add(RED)
    world.sit(ANN)
    world.sit(BOB)
    await world.set(excluded_roles=[str(RED)])
    await world.minutes()
    assert (await world.xp(ANN), await world.xp(BOB)) == (0, 10)

    await world.set(excluded_channels=[str(HALL)])
    await world.minutes()
    assert await world.xp(BOB) == 10

    await world.set(excluded_channels=[], voice_enabled=False)
    await world.minutes()
    assert await world.xp(BOB) == 10


async def test_minutes_of_a_day_are_worth_less_and_end_at_the_cap(world: LevelWorld) -> None:
    await world.set(voice_full_for=600, voice_cap=1500, voice_each=8)
    world.sit(ANN)
    world.sit(BOB)
    await world.minutes(10)
    assert await world.xp() == 80
    await world.minutes(10)
    assert await world.xp() == 120
    await world.minutes(20)
    assert await world.xp() == 130
    assert await world.days() == {TODAY: (130, 40)}

    # A new day begins anew.
    world.clock.advance(datetime(2026, 6, 2, 8, tzinfo=UTC) - world.clock.now())
    await world.minutes(1)
    assert await world.xp() == 138


async def test_minute_counts_once_however_often_it_is_counted(world: LevelWorld) -> None:
    world.sit(ANN)
    world.sit(BOB)
    other = LevelWorld(world.database, world.clock, world.discord)
    await other.settings.get(GUILD, "levels")
    other.sit(ANN)
    other.sit(BOB)
    world.clock.advance(60)
    await asyncio.gather(world.talk.tick(), other.talk.tick(), world.talk.tick())
    await other.talk.tick()

    assert (await world.xp(ANN), await world.xp(BOB)) == (10, 10)


async def test_minutes_wait_while_the_database_is_away(
    world: LevelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sit(ANN)
    world.sit(BOB)
    earn = world.book.earn

    async def fail(*arguments: Any) -> Any:
        await earn(*arguments)
        raise OperationalError("", {}, OSError("away"))

    monkeypatch.setattr(world.book, "earn", fail)
    for _turn in range(3):
        world.clock.advance(60)
        with pytest.raises(OperationalError):
            await world.talk.tick()
    monkeypatch.undo()
    world.sit(ANN, None)
    await world.minutes()

    assert (await world.xp(ANN), await world.xp(BOB)) == (30, 30)


async def test_minutes_that_wait_are_bounded(
    world: LevelWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sit(ANN)
    world.sit(BOB)

    async def fail(*_arguments: Any) -> Any:
        raise OperationalError("", {}, OSError("away"))

    monkeypatch.setattr(world.book, "earn", fail)
    for _turn in range(MOST_WAITING + 5):
        world.clock.advance(60)
        with pytest.raises(OperationalError):
            await world.talk.tick()
    monkeypatch.undo()
    await world.minutes()

    assert await world.xp() == MOST_WAITING * 10


async def test_talking_reaches_levels_and_takes_multipliers(world: LevelWorld) -> None:
    await world.set(voice_each=100, multipliers=[{"channel_id": str(HALL), "percent": 300}])
    world.sit(ANN)
    world.sit(BOB)
    await world.minutes()

    assert (await world.xp(), await world.level()) == (300, 2)
    assert {one.channel_id for one in await world.told()} == {HALL}
    assert len(await world.told()) == 2


# --- seats -------------------------------------------------------------------------------------


def _state(user_id: int, channel_id: int | None = HALL, **values: Any) -> dict[str, Any]:
    channel = None if channel_id is None else str(channel_id)
    return {"guild_id": str(GUILD), "user_id": str(user_id), "channel_id": channel, **values}


def test_seats_are_taken_from_a_guild_that_comes() -> None:
    seats = Seats()
    members = [
        {"user": {"id": "1"}, "roles": ["7"], "joined_at": "2025-01-01T00:00:00+00:00"},
        {"user": {"id": "2", "bot": True}, "roles": []},
    ]
    states = [{"user_id": str(n), "channel_id": str(HALL)} for n in (1, 2, 3)]
    seats.moved(_state(9))
    seats.guild_seen({"id": str(GUILD), "members": members, "voice_states": states})

    assert sorted(one.user_id for one in seats.in_guild(GUILD)) == [1, 2, 3]
    first = seats.get(GUILD, 1)
    assert first is not None
    assert first.role_ids == {7}
    assert [one.user_id for one in talking(seats.in_guild(GUILD), None)] == [1, 3]
    seats.guild_gone(GUILD)
    assert len(seats) == 0


def test_seats_know_what_roles_change() -> None:
    seats = Seats()
    seats.moved(_state(1, member={"user": {"id": "1"}, "roles": ["7"]}))
    seats.changed({"guild_id": str(GUILD), "user": {"id": "1"}, "roles": ["8"]})
    seats.changed({"guild_id": str(GUILD), "user": {"id": "2"}, "roles": ["8"]})
    # A state without its member keeps what is known of them.
    seats.moved(_state(1, HALL, self_mute=True))

    seat = seats.get(GUILD, 1)
    assert seat is not None
    assert seat.role_ids == {8}
    assert not seat.talks
    assert seats.get(GUILD, 2) is None


def test_seats_are_bounded() -> None:
    seats = Seats(most=2)
    for user_id in (1, 2, 3):
        seats.moved(_state(user_id))
    assert len(seats) == 2
    seats.moved(_state(1, None))
    seats.moved(_state(1, None))
    seats.moved(_state(3))

    assert sorted(one.user_id for one in seats.in_guild(GUILD)) == [2, 3]
    seats.moved({"user_id": "4", "channel_id": "5", "guild_id": None})
    assert len(seats) == 2


async def test_last_minute_of_a_day_belongs_to_that_day(world: LevelWorld) -> None:
    midnight = datetime(2026, 6, 2, tzinfo=UTC)
    world.clock.advance((midnight - world.clock.now()).total_seconds() - 60)
    world.sit(ANN)
    world.sit(BOB)
    await world.minutes()
    assert await world.days() == {TODAY: (10, 1)}

    await world.minutes()
    assert await world.days() == {TODAY: (10, 1), date(2026, 6, 2): (10, 1)}


async def test_minutes_without_news_from_the_gateway_count_for_nobody(world: LevelWorld) -> None:
    world.sit(ANN)
    world.sit(BOB)
    await world.minutes()
    world.hears = False
    await world.minutes(5)
    world.hears = True
    await world.minutes()

    assert await world.xp() == 20
