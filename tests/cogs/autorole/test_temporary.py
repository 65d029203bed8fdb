"""Roles for a time: given now, taken once, whatever happens in between."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from cogs.autorole.temporary import Loan
from db.people import erase_person, export_person
from tests.bot.core.roles.world import ANN, BLUE, GUILD, RED
from tests.cogs.autorole.world import MUTED, STAFF, AutoroleWorld

LOAN = Loan(GUILD, ANN, RED)
HOUR = timedelta(hours=1)


async def give(world: AutoroleWorld, span: timedelta = HOUR) -> None:
    await world.loans.give(LOAN, span, actor_id=9, reason="boss: well done")
    await world.roles.run_due()


async def test_role_is_given_and_taken_when_its_time_is_over(world: AutoroleWorld) -> None:
    await give(world)
    assert world.discord.roles[ANN] == {RED}
    await world.work(HOUR - timedelta(seconds=1))
    assert world.discord.roles[ANN] == {RED}
    await world.work(timedelta(seconds=1))
    assert world.discord.roles[ANN] == set()
    assert world.discord.reasons == ["boss: well done", "The time for this role is over"]
    assert await world.loans.list(GUILD) == []


async def test_repeat_sets_a_new_end(world: AutoroleWorld) -> None:
    await give(world)
    await give(world, 3 * HOUR)
    await world.work(2 * HOUR)
    assert world.discord.roles[ANN] == {RED}
    await world.work(HOUR)
    assert world.discord.roles[ANN] == set()

    await give(world, 3 * HOUR)
    await give(world, HOUR)
    await world.work(HOUR)
    assert world.discord.roles[ANN] == set()


async def test_role_is_taken_before_its_time_once(world: AutoroleWorld) -> None:
    await give(world)
    ends = await asyncio.gather(world.loans.end(LOAN, "boss"), world.loans.end(LOAN, "mod"))
    await world.roles.run_due()
    assert sorted(ends) == [False, True]
    assert world.discord.roles[ANN] == set()

    # The job that was planned takes nothing that was given anew.
    world.discord.roles[ANN] = {RED}
    await world.work(HOUR)
    assert world.discord.roles[ANN] == {RED}


async def test_end_and_repeat_at_once_leave_what_is_on_record(world: AutoroleWorld) -> None:
    await give(world)
    world.clock.advance(HOUR)
    await asyncio.gather(
        world.jobs.run_due(), world.loans.give(LOAN, HOUR, actor_id=9, reason="boss")
    )
    await world.roles.run_due()
    if await world.loans.list(GUILD, ANN):
        assert world.discord.roles[ANN] == {RED}
        await world.work(HOUR)
    assert world.discord.roles[ANN] == set()
    assert await world.loans.list(GUILD, ANN) == []


async def test_who_comes_back_in_time_gets_it_again_and_loses_it_then(world: AutoroleWorld) -> None:
    await world.set()
    await give(world)
    await world.leave()
    await world.join()
    assert world.discord.roles[ANN] == {RED}
    await world.work(HOUR)
    assert world.discord.roles[ANN] == set()


async def test_who_comes_back_gets_no_role_for_a_time_that_is_not_given_back(
    world: AutoroleWorld,
) -> None:
    await world.set(sticky_denied=[str(BLUE)])
    await world.join()
    for role_id in (RED, BLUE, STAFF, MUTED):
        loan = Loan(GUILD, ANN, role_id)
        await world.loans.give(loan, 3 * HOUR, actor_id=9, reason="boss")
    await world.work()
    await world.leave()

    await world.join()
    await world.work()

    assert world.discord.roles[ANN] == {RED}
    await world.leave()
    await world.set(sticky_allowed=[str(STAFF)])
    await world.join()
    await world.work()
    assert world.discord.roles[ANN] == {RED, STAFF}


async def test_who_comes_back_afterwards_does_not_get_it_as_a_kept_role(
    world: AutoroleWorld,
) -> None:
    await world.set(sticky_enabled=True)
    await world.join()
    await give(world)
    await world.hear()
    await world.leave()
    await world.work(HOUR)
    await world.join()
    assert world.discord.roles[ANN] == set()


async def test_who_has_their_data_erased_does_not_keep_the_role(world: AutoroleWorld) -> None:
    await give(world)
    async with world.database.write() as session:
        await erase_person(session, ANN)
    await world.work(HOUR)
    assert world.discord.roles[ANN] == set()
    async with world.database.read() as session:
        assert "autorole_temporary" not in await export_person(session, ANN)
