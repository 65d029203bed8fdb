"""Back-fill: everybody who lacks a role gets it, whoever dies, joins or leaves meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.batches import Later, Refused
from bot.core.roles.sweeps import progress_of
from cogs.autorole import backfill
from cogs.autorole.backfill import outcome_of
from cogs.autorole.settings import AutoroleSettings, JoinRole
from db.batches import ENDED
from tests.bot.core.roles.world import ANN, BLUE, GREEN, GUILD, RED
from tests.cogs.autorole.world import ADMIN, AutoroleWorld

SAILOR = JoinRole(role_id=RED)
PAUSE = timedelta(seconds=10)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything happen with few members."""
    for name, number in (("PAGE", 7), ("MOST_CHANGES", 3), ("MOST_DUE", 1)):
        monkeypatch.setattr(backfill, name, number)


def crowd(world: AutoroleWorld, count: int = 20) -> set[int]:
    world.discord.members = {5000 + one for one in range(count)}
    return world.discord.members


async def finish(world: AutoroleWorld) -> None:
    """Work until nothing is left to do."""
    for _ in range(200):
        await world.work(PAUSE)
        if await world.batches.get_open(GUILD, backfill.KIND) is None:
            return
    raise AssertionError("it does not end")


async def test_everybody_who_lacks_a_role_gets_it(world: AutoroleWorld) -> None:
    members = crowd(world)
    world.lister.bots = {5003}
    world.discord.roles[5004] = {RED}
    await world.set(SAILOR, JoinRole(role_id=BLUE, recipients="bots"))
    batch = await world.begin(SAILOR, JoinRole(role_id=BLUE, recipients="bots"))
    await finish(world)

    assert {one for one in members if RED in world.discord.roles[one]} == members - {5003}
    assert world.discord.roles[5003] == {BLUE}
    assert len(world.discord.calls) == 19
    ended = await world.batch(batch)
    assert (ended.state, ended.outcome["seen"], ended.outcome["changes"]) == (ENDED, 20, 19)
    assert "All 20 members were looked at; 19 roles" in outcome_of(ended).render("en")


async def test_count_tells_what_the_back_fill_does(world: AutoroleWorld) -> None:
    crowd(world)
    world.discord.roles[5001] = {RED}
    settings = AutoroleSettings(join_roles=(SAILOR, JoinRole(role_id=BLUE, after_role_id=RED)))
    count = await world.backfills.count(GUILD, settings)
    assert (count.seen, count.members, count.whole) == (20, 20, True)
    assert count.by_role == {RED: 19, BLUE: 1}
    assert world.discord.calls == []


async def test_count_says_when_there_are_more(
    world: AutoroleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(world)
    monkeypatch.setattr(backfill, "MOST_COUNTED", 10)
    count = await world.backfills.count(GUILD, AutoroleSettings(join_roles=(SAILOR,)))
    assert (count.seen, count.whole) == (14, False)


async def test_little_is_in_the_queue_at_any_time(world: AutoroleWorld) -> None:
    crowd(world)
    await world.begin(SAILOR)
    for _ in range(5):
        await world.jobs.run_due()
        world.clock.advance(PAUSE)
        assert len(await world.wishes()) <= backfill.MOST_CHANGES


async def test_stop_withdraws_what_is_not_given_yet(world: AutoroleWorld) -> None:
    crowd(world)
    await world.set(JoinRole(role_id=RED, delay=timedelta(days=1)))
    # The join role of a newcomer, which the back-fill finds waiting, is not the back-fill's.
    await world.join(5000)
    batch = await world.begin(SAILOR)
    await world.jobs.run_due()
    assert [one.user_id for one in await world.wishes()] == [5000, 5001, 5002]
    await world.batches.stop(batch.id, ADMIN.user_id)
    await finish(world)

    outcome = outcome_of(await world.batch(batch)).render("en")
    assert "Stopped after 3 members. Of 3 role changes, 2 were not made yet" in outcome
    assert world.discord.calls == [("add", 5000, RED)]


async def test_stop_lets_what_is_under_way_end(world: AutoroleWorld) -> None:
    crowd(world)
    batch = await world.begin(SAILOR)
    await world.jobs.run_due()
    world.discord.gate = asyncio.Event()
    running = asyncio.create_task(world.roles.run_due())
    await world.until(lambda: world.discord.calls)
    await world.batches.stop(batch.id, ADMIN.user_id)
    world.clock.advance(PAUSE)
    await world.jobs.run_due()
    world.discord.gate.set()
    await running
    assert len(world.discord.calls) == backfill.MOST_CHANGES
    assert "Of 3 role changes, 0 were not" in outcome_of(await world.batch(batch)).render("en")


async def test_members_who_come_and_go_change_nothing_for_the_others(world: AutoroleWorld) -> None:
    members = crowd(world)
    await world.begin(SAILOR)
    await world.work()
    # Many join, with ids before and after the place where it is, and some leave.
    members |= {4000 + one for one in range(9)} | {6000 + one for one in range(30)}
    members -= {5010, 5019}
    await finish(world)
    assert {one for one in members if RED in world.discord.roles[one]} == {
        one for one in members if one >= 5000
    }


async def test_it_goes_on_when_discord_is_back(world: AutoroleWorld) -> None:
    members = crowd(world)
    world.lister.raised = [Later("502"), Later("timeout")]
    await world.begin(SAILOR)
    await finish(world)
    assert all(world.discord.roles[one] == {RED} for one in members)


async def test_refusal_ends_it_and_is_told(world: AutoroleWorld) -> None:
    crowd(world)
    world.lister.raised = [Refused("Missing Access")]
    batch = await world.begin(SAILOR)
    await finish(world)
    assert "Missing Access" in outcome_of(await world.batch(batch)).render("en")


async def test_what_waits_for_a_permission_is_told_at_the_end(world: AutoroleWorld) -> None:
    crowd(world, 5)
    world.view.place = 1
    batch = await world.begin(SAILOR)
    await finish(world)
    assert "5 role changes wait" in outcome_of(await world.batch(batch)).render("en")
    world.view.place = 10
    world.roles.look_again(GUILD)
    await world.settle()
    assert all(RED in world.discord.roles[one] for one in world.discord.members)


async def test_members_who_lack_the_other_role_wait_for_it(world: AutoroleWorld) -> None:
    crowd(world, 2)
    entry = JoinRole(role_id=RED, after_role_id=GREEN)
    await world.set(entry)
    await world.begin(entry)
    await finish(world)
    assert world.discord.calls == []
    await world.get(GREEN, user_id=5001)
    assert world.discord.roles[5001] == {GREEN, RED}


async def test_piece_that_is_done_by_two_processes_is_stored_once(world: AutoroleWorld) -> None:
    crowd(world)
    batch = await world.begin(SAILOR)
    other = AutoroleWorld(world.database, world.clock, world.discord)
    both = asyncio.Barrier(2)
    for one in (world, other):
        one.lister.both = both
    await asyncio.gather(*(one.batches._go_on(batch, in_doubt=False) for one in (world, other)))
    moved = await world.batch(batch)
    assert (moved.outcome["seen"], moved.outcome["changes"]) == (3, 3)
    assert len(await world.wishes()) == 3


async def test_progress_names_members_and_roles(world: AutoroleWorld) -> None:
    crowd(world)
    batch = await world.begin(SAILOR)
    await world.jobs.run_due()
    text = progress_of(await world.batch(batch)).render("en")
    assert text == "Looked at 3 of 20 members; role changes so far: 3."


async def test_stop_leaves_what_a_join_has_wanted(world: AutoroleWorld) -> None:
    crowd(world)
    late = JoinRole(role_id=RED, delay=timedelta(days=2))
    await world.set(late)
    await world.join()
    batch = await world.begin(late)
    await world.batches._go_on(batch, in_doubt=False)
    assert len(await world.wishes()) == 3
    await world.batches.stop(batch.id)
    await finish(world)
    await world.work(late.delay)
    assert world.discord.calls == [("add", ANN, RED)]
