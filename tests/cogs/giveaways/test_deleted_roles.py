"""A role that a giveaway asks for is deleted: staff is told, and nobody who is in loses by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from cogs.giveaways.entering import Entered, Refused
from cogs.giveaways.plan import Plan, Requirements
from db.engine import Database
from tests.cogs.giveaways.stage import Stage
from tests.cogs.giveaways.world import GUILD, HOST, HostWorld
from tests.fakes import FakeClock

KEPT, GONE = 21, 22
PLAN = Plan(prize="A keyboard", duration=timedelta(days=1))
SHUT = [Requirements(any_roles=(GONE,)), Requirements(all_roles=(KEPT, GONE))]


def planned(needs: Requirements) -> Plan:
    return replace(PLAN, requirements=needs)


async def causes(world: HostWorld) -> list[str]:
    return [one.problem.cause for one in await world.problems.list(GUILD)]


@pytest.mark.parametrize("needs", SHUT)
async def test_staff_is_told_until_the_roles_are_chosen_anew(
    sqlite_database: Database, clock: FakeClock, needs: Requirements
) -> None:
    world = HostWorld(sqlite_database, clock)
    giveaway = await world.open(planned(needs))
    await world.open(PLAN)
    await world.pass_time()
    assert await causes(world) == []

    world.place.gone.add(GONE)
    await world.board.role_deleted(GUILD, GONE)
    await world.pass_time()
    [problem] = [one.problem for one in await world.problems.list(GUILD)]
    assert "#1" in problem.message.render("en")
    current = await world.get(giveaway)
    await world.opening.change(current, HOST, planned(Requirements(any_roles=(KEPT,))))
    await world.pass_time()
    assert await causes(world) == []


async def test_what_is_to_begin_and_what_was_missed_is_told_too(
    sqlite_database: Database, clock: FakeClock
) -> None:
    world = HostWorld(sqlite_database, clock)
    await world.open(planned(SHUT[0]), starts_at=clock.now() + timedelta(hours=1))
    world.place.gone.add(GONE)
    await world.board.role_deleted(GUILD, GONE)
    await world.pass_time()
    assert await causes(world) == ["role_gone"]

    other = await world.open(planned(SHUT[1]))
    await world.pass_time()
    assert await causes(world) == ["role_gone"] * 2
    await world.opening.cancel(await world.get(other), HOST)
    await world.pass_time()
    assert await causes(world) == ["role_gone"]


async def test_one_of_several_roles_is_no_matter(
    sqlite_database: Database, clock: FakeClock
) -> None:
    world = HostWorld(sqlite_database, clock)
    await world.open(planned(Requirements(any_roles=(KEPT, GONE), no_roles=(GONE + 1,))))
    world.place.gone |= {GONE, GONE + 1}
    await world.board.role_deleted(GUILD, GONE)
    await world.pass_time()
    assert await causes(world) == []


@pytest.mark.parametrize("needs", SHUT)
async def test_who_is_in_can_win_and_nobody_else_enters(
    database: Database, clock: FakeClock, needs: Requirements
) -> None:
    """All who have entered had the role: it was taken from everybody at once."""
    stage = Stage(database, clock)
    giveaway = await stage.add(requirements=needs.to_json())
    await stage.enter(giveaway, 1, KEPT, GONE)
    stage.view.gone.add(GONE)
    stage.members.roles[1] = {KEPT}

    came = await stage.entering.enter(giveaway, stage.person(2, KEPT))
    assert isinstance(came, Refused)
    [said] = [one.render("en") for one in came.obstacles]
    assert "was deleted" in said
    assert await stage.end(giveaway)
    assert [(one.user_id, one.state) for one in await stage.drawn(giveaway)] == [(1, "won")]


async def test_roles_that_are_there_are_asked_for_still(
    database: Database, clock: FakeClock
) -> None:
    stage = Stage(database, clock)
    needs = Requirements(any_roles=(KEPT, GONE), all_roles=(23,))
    giveaway = await stage.add(requirements=needs.to_json())
    stage.view.gone.add(GONE)

    came = await stage.entering.enter(giveaway, stage.person(1))
    assert isinstance(came, Refused)
    said = [one.render("en") for one in came.obstacles]
    assert said == [f"You need the role <@&{KEPT}>.", "You need this role: <@&23>."]
    came = await stage.entering.enter(giveaway, stage.person(1, KEPT, 23))
    assert isinstance(came, Entered)
    stage.members.roles[1] = {KEPT}
    assert await stage.end(giveaway)
    [drawn] = await stage.drawn(giveaway)
    assert (drawn.state, drawn.reason) == ("skipped", "roles")
