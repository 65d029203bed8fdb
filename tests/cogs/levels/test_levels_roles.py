"""Reward roles: given with a level, again on coming back, and brought in line with the rules."""

from __future__ import annotations

from typing import Any

from cogs.levels.reconciling import KIND, order_sync, outcome_of
from cogs.levels.ruling import JOB
from cogs.levels.settings import LevelSettings, RewardMode
from cogs.levels.staff import Deed
from db.batches import Batch
from db.engine import Database
from tests.bot.core.roles.world import BLUE, GREEN, RED
from tests.cogs.levels.world import ADMIN, ANN, BOB, GUILD, STAFF, LevelWorld
from tests.fakes import FakeClock


def rewards(*pairs: tuple[int, int], **values: Any) -> list[dict[str, Any]]:
    return [{"level": level, "role_id": str(role), **values} for level, role in pairs]


LADDER = rewards((1, RED), (2, BLUE), (5, GREEN))


async def sync(world: LevelWorld, members: int = 2) -> Batch:
    order = order_sync(GUILD, 500, ADMIN, locale="en", members=members)
    batch = await world.batches.begin(order)
    for _turn in range(8):
        await world.work(11)
    found = await world.batches.get(batch.id)
    assert found is not None
    assert not found.is_open
    return found


async def test_roles_come_with_the_level(world: LevelWorld) -> None:
    await world.set(rewards=LADDER)
    await world.earn(300)
    await world.work()

    assert world.discord.roles[ANN] == {RED, BLUE}
    assert "Level reward" in world.discord.reasons


async def test_highest_alone_replaces_the_lower_role(world: LevelWorld) -> None:
    await world.set(rewards=LADDER, reward_mode=RewardMode.HIGHEST)
    await world.earn(150)
    await world.work()
    assert world.discord.roles[ANN] == {RED}

    await world.earn(150)
    await world.work()
    assert world.discord.roles[ANN] == {BLUE}


async def test_level_can_take_a_role(world: LevelWorld) -> None:
    world.discord.roles[ANN].add(GREEN)
    await world.set(rewards=[*rewards((1, RED)), *rewards((1, GREEN), action="take")])
    await world.earn(100)
    await world.work()

    assert world.discord.roles[ANN] == {RED}


async def test_only_what_is_missing_is_asked_of_discord(world: LevelWorld) -> None:
    world.discord.roles[ANN].add(RED)
    await world.set(rewards=LADDER)
    await world.earn(300)

    assert await world.wishes() == {(ANN, BLUE, True)}


async def test_role_of_staff_is_given_only_after_a_yes(world: LevelWorld) -> None:
    await world.set(rewards=rewards((1, STAFF)))
    await world.earn(100)
    assert await world.wishes() == set()

    await world.set(rewards=rewards((1, STAFF), trusted=True))
    await world.earn(200)
    assert await world.wishes() == {(ANN, STAFF, True)}


async def test_who_comes_back_gets_their_roles(world: LevelWorld) -> None:
    await world.set(rewards=LADDER)
    await world.earn(300, ANN)
    await world.work()
    world.discord.roles[ANN].clear()
    payload = {"guild_id": str(GUILD), "user": {"id": str(ANN)}, "roles": []}
    stranger = {"guild_id": str(GUILD), "user": {"id": "77"}, "roles": []}
    robot = {"guild_id": str(GUILD), "user": {"id": str(BOB), "bot": True}, "roles": []}
    for one in (payload, stranger, robot):
        world.returning.joined(one)
    await world.returning.flush()
    await world.work()

    assert world.discord.roles[ANN] == {RED, BLUE}
    assert world.discord.roles[BOB] == set()


async def test_take_and_set_take_roles_again(world: LevelWorld) -> None:
    await world.set(rewards=LADDER)
    await world.earn(300)
    await world.work()
    revised = await world.staff.change(world.target(), Deed.TAKE, 150, ADMIN)
    await world.work()
    assert (revised.before_xp, revised.rise.xp, revised.rise.level) == (300, 150, 1)
    assert world.discord.roles[ANN] == {RED}

    await world.staff.change(world.target(), Deed.SET, 5000, ADMIN)
    await world.work()
    assert world.discord.roles[ANN] == {RED, BLUE, GREEN}

    await world.staff.change(world.target(), Deed.TAKE, 10**9, ADMIN)
    await world.work()
    assert (await world.xp(), await world.level()) == (0, 0)
    assert world.discord.roles[ANN] == set()


async def test_dry_run_counts_and_changes_nothing(world: LevelWorld) -> None:
    await world.earn(300, ANN)
    await world.earn(100, BOB)
    world.discord.roles[BOB].add(GREEN)
    idea = LevelSettings.read({"rewards": LADDER})
    count = await world.reconciler.count(GUILD, idea)

    assert (count.seen, count.members, count.whole) == (2, 2, True)
    assert count.given == {RED: 2, BLUE: 1}
    assert count.taken == {GREEN: 1}
    assert await world.wishes() == set()


async def test_sync_brings_everybody_in_line(world: LevelWorld) -> None:
    await world.earn(300, ANN)
    await world.earn(100, BOB)
    await world.earn(100, 1003)  # who has left, unseen
    world.discord.roles[BOB].add(GREEN)
    await world.set(rewards=LADDER)
    ended = await sync(world)

    assert world.discord.roles[ANN] == {RED, BLUE}
    assert world.discord.roles[BOB] == {RED}
    assert ended.outcome["seen"] == 3
    assert "4 roles were changed" in str(outcome_of(ended))
    assert [one.user_id for one in await world.standings.board(GUILD, "all")] == [ANN, BOB]


async def test_sync_goes_on_after_discord_was_away(world: LevelWorld) -> None:
    await world.earn(300, ANN)
    await world.set(rewards=LADDER)
    world.finder.fails = 2
    await sync(world)

    assert world.discord.roles[ANN] == {RED, BLUE}


async def test_changed_rules_reach_everybody_by_themselves(world: LevelWorld) -> None:
    await world.earn(300, ANN)
    assert await world.level() == 2
    await world.set(rewards=rewards((1, RED)))
    for _turn in range(8):
        await world.work(30)
    assert world.discord.roles[ANN] == {RED}

    await world.set(curve="constant")
    for _turn in range(8):
        await world.work(30)
    assert await world.level() == 0
    assert world.discord.roles[ANN] == set()
    # Nobody ordered it, so nobody is written to.
    assert [one for one in await world.told() if one.user_id] == []
    assert await world.batches.get_open(GUILD, KIND) is None


async def test_other_settings_begin_nothing(world: LevelWorld) -> None:
    await world.work(60)
    await world.set(text_least=5)
    async with world.database.read() as session:
        assert not await world.jobs.is_open(session, f"{JOB}:{GUILD}")


async def test_curve_changes_level_with_the_next_message_at_once(world: LevelWorld) -> None:
    await world.earn(300)
    await world.set(curve="steep")
    await world.earn(1)

    assert await world.level() == 1


async def test_levels_that_another_curve_makes_are_not_told(world: LevelWorld) -> None:
    await world.set(curve="steep")
    await world.earn(300)
    await world.set(curve="gentle", rewards=[{"level": 2, "role_id": str(RED)}])
    told, reached = len(await world.told()), len(world.reached)
    await world.earn(1)

    assert await world.level() == 2
    assert (len(await world.told()), len(world.reached)) == (told, reached)
    assert await world.wishes() == {(ANN, RED, True)}
    await world.earn(1000)
    assert len(await world.told()) == told + 1
    assert world.reached[-1].before == 2


async def test_role_that_is_given_waits_for_screening_on_coming_back(
    database: Database, clock: FakeClock
) -> None:
    world = LevelWorld(database, clock)
    await world.set(rewards=LADDER)
    await world.earn(100)
    await world.work()
    world.discord.roles[ANN].clear()
    world.discord.pending.add(ANN)
    world.returning.joined({"guild_id": str(GUILD), "user": {"id": str(ANN)}, "roles": []})
    await world.returning.flush()
    await world.work()
    assert world.discord.roles[ANN] == set()

    world.discord.pending.discard(ANN)
    await world.work(700)
    assert world.discord.roles[ANN] == {RED}


async def test_levels_alone_are_worked_out_without_asking_discord(world: LevelWorld) -> None:
    await world.earn(300)
    await world.set(curve="steep")
    for _turn in range(6):
        await world.work(30)

    assert await world.level() == 1
    assert world.finder.calls == 0
