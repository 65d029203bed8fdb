"""Experience that other features give: once for each key, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import event as database_event

from bot.core.i18n import _
from bot.core.leveling import GIFT_JOB, XpGift, give_experience
from cogs.levels import FEATURE
from cogs.levels.rules import CURVES, MOST_XP
from cogs.levels.staff import Deed
from db.jobs import list_jobs
from db.level_gifts import LevelGift, list_given
from db.people import erase_person, export_person
from tests.bot.core.roles.world import RED
from tests.cogs.levels.world import ADMIN, ANN, BOB, CHANNEL, GUILD, LevelWorld

REASON = _("Won giveaway {number}", number=3)


def gift(amount: int = 100, user_id: int = ANN, key: str = "") -> XpGift:
    """Return a gift that there is once, unless it has a key."""
    key = key or f"test:{user_id}"
    return XpGift(key=key, guild_id=GUILD, user_id=user_id, amount=amount, reason=REASON)


async def promise(world: LevelWorld, *gifts: XpGift) -> None:
    async with world.database.write() as session:
        await give_experience(session, world.jobs, gifts, world.clock.now())


async def settle() -> None:
    for _turn in range(5):
        await asyncio.sleep(0)


async def test_gift_is_counted_rewarded_and_told(world: LevelWorld) -> None:
    rewards = [{"level": 1, "role_id": str(RED), "action": "give"}]
    await world.set(rewards=rewards, announce="channel", announce_channel_id=str(CHANNEL))
    await promise(world, gift(150))
    assert await world.xp() == 0
    await world.work()
    await settle()

    assert (await world.xp(), await world.level()) == (150, 1)
    assert world.discord.roles[ANN] == {RED}
    [told] = await world.told()
    assert "has reached level 1" in told.payload["content"]
    assert [(one.user_id, one.before, one.level) for one in world.reached] == [(ANN, 0, 1)]


@pytest.mark.parametrize("turns", [1, 3])
async def test_key_counts_once(world: LevelWorld, turns: int) -> None:
    for _turn in range(turns):
        await promise(world, gift())
        await world.work()
        await promise(world, gift(), gift(7, BOB))

    await world.work(timedelta(days=1))
    assert (await world.xp(), await world.xp(BOB)) == (100, 7)


async def test_gift_of_many_processes_counts_once(world: LevelWorld) -> None:
    other = LevelWorld(world.database, world.clock, world.discord)
    await other.settings.get(GUILD, "levels")
    await asyncio.gather(*(promise(one, gift(), gift(7, BOB)) for one in (world, other) * 4))
    await asyncio.gather(*(one.jobs.run_due() for one in (world, other) * 2))
    await world.work()

    assert (await world.xp(), await world.xp(BOB)) == (100, 7)


async def test_gift_that_is_taken_back_with_its_transaction_never_comes(world: LevelWorld) -> None:
    async with world.database.write() as session:
        await give_experience(session, world.jobs, [gift()], world.clock.now())
        await session.rollback()
    await world.work()

    assert await world.xp() == 0


async def test_total_is_cut_to_what_fits(world: LevelWorld) -> None:
    await world.staff.change(world.target(), Deed.SET, MOST_XP - 5, ADMIN)
    await promise(world, gift(6), gift(MOST_XP, BOB))
    await world.work()

    assert await world.xp() == await world.xp(BOB) == MOST_XP


async def test_many_are_given_with_few_queries(world: LevelWorld) -> None:
    people = range(2000, 2150)
    world.discord.members |= set(people)
    statements: list[str] = []
    engine = world.database.engine.sync_engine
    database_event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    await promise(world, *(gift(10, one) for one in people))
    promised = len(statements)
    await world.jobs.run_due()

    assert promised <= 6
    assert len(statements) - promised < 60
    assert world.finder.calls == 2
    assert {await world.xp(one) for one in people} == {10}


async def test_gifts_to_the_same_people_at_once_are_all_counted(world: LevelWorld) -> None:
    other = LevelWorld(world.database, world.clock, world.discord)
    people = range(2000, 2040)
    world.discord.members |= set(people)
    for turn in range(12):
        order = people if turn % 2 else reversed(people)
        await promise(world, *(gift(1, one, key=f"test:{turn}:{one}") for one in order))
    await asyncio.gather(*(one.jobs.run_due() for one in (world, other) * 3))

    assert {await world.xp(one) for one in people} == {12}


def test_nothing_and_less_is_no_gift() -> None:
    for amount in (0, -5):
        with pytest.raises(ValueError, match="a gift of"):
            gift(amount)


async def test_while_discord_does_not_answer_the_gift_waits(world: LevelWorld) -> None:
    world.finder.fails = 1
    await promise(world, gift())
    await world.work()
    assert await world.xp() == 0
    await world.work(timedelta(minutes=1))

    assert await world.xp() == 100


async def test_where_levels_are_off_it_is_only_counted(world: LevelWorld) -> None:
    rewards = [{"level": 1, "role_id": str(RED), "action": "give"}]
    await world.set(rewards=rewards, announce="channel", announce_channel_id=str(CHANNEL))
    await world.set(enabled=False)
    await promise(world, gift(150))
    await world.work()
    await settle()

    assert (await world.xp(), await world.level()) == (150, 1)
    assert not world.discord.roles[ANN]
    assert not world.reached
    assert not await world.told()
    # The roles follow as soon as levels are on again.
    await world.set()
    for _turn in range(3):
        await world.work(timedelta(minutes=1))
    assert world.discord.roles[ANN] == {RED}


async def test_whoever_has_left_finds_it_when_they_come_back(world: LevelWorld) -> None:
    await world.set(announce="channel", announce_channel_id=str(CHANNEL))
    world.discord.members.discard(ANN)
    await promise(world, gift(150))
    await world.work()

    assert await world.xp() == 150
    assert not await world.told()
    found = await world.member()
    assert found is not None
    assert found.left_at is not None


async def test_whoever_is_erased_before_is_given_nothing(world: LevelWorld) -> None:
    await promise(world, gift(), gift(7, BOB))
    async with world.database.write() as session:
        exported = await export_person(session, ANN)
        await erase_person(session, ANN)
    await world.work()

    assert [one["xp"] for one in exported["levels_gifts"]] == [100]
    assert await world.member() is None
    assert await world.xp(BOB) == 7


async def test_job_names_nobody(world: LevelWorld) -> None:
    await promise(world, gift(key="giveaway:9:prize:1:1"))
    async with world.database.read() as session:
        [job] = await list_jobs(session, guild_id=GUILD, kind=GIFT_JOB)

    assert job.subject_id is None
    assert str(ANN) not in f"{job.payload}{job.dedupe_key}"


async def test_gift_outlasts_that_the_bot_is_away(world: LevelWorld) -> None:
    await promise(world, gift())
    async with world.database.write() as session:
        await world.jobs.suspend(session, GUILD)
    await world.work(timedelta(days=1))
    assert await world.xp() == 0
    async with world.database.write() as session:
        await world.jobs.take_up(session, GUILD)
    await world.work()

    assert await world.xp() == 100


async def test_level_of_another_curve_is_not_told(world: LevelWorld) -> None:
    await world.staff.change(world.target(), Deed.SET, CURVES["standard"].total(10), ADMIN)
    world.reached.clear()
    await world.set(curve="gentle", announce="channel", announce_channel_id=str(CHANNEL))
    await promise(world, gift(1))
    await world.jobs.run_due()
    await settle()

    assert await world.level() == CURVES["gentle"].level_at(await world.xp()) > 10
    assert not world.reached
    assert not await world.told()


async def test_gifts_are_kept_as_long_as_days_are(world: LevelWorld) -> None:
    await promise(world, gift())
    await world.work()
    await promise(world, gift(7, BOB))
    now = world.clock.now()
    purge = FEATURE.purge
    assert purge is not None
    for days, left in ((39, 2), (41, 1), (201, 0)):
        async with world.database.write() as session:
            await purge(session, now + timedelta(days=days))
        async with world.database.read() as session:
            keys = [f"test:{one}" for one in (ANN, BOB)]
            found = [one for one in keys if await session.get(LevelGift, one)]
        assert len(found) == left


async def test_what_was_given_is_listed_newest_first(world: LevelWorld) -> None:
    for number in range(5):
        await promise(world, gift(number + 1, key=f"test:{number}"))
        await world.work(timedelta(minutes=1))
    await promise(world, gift(9, key="waits"), gift(8, BOB, key="bobs"))
    async with world.database.read() as session:
        found = await list_given(session, GUILD, ANN, limit=3)

    assert [one.xp for one in found] == [5, 4, 3]
    assert [one.xp for one in await world.standings.gifts(GUILD, ANN)] == [5, 4, 3]
