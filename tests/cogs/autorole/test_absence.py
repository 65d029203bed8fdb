"""Members who joined while nobody listened: found at the next session, once, and nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.core.errors import DatabaseUnavailable
from cogs.autorole import keeping
from cogs.autorole.settings import JoinRole
from db import autorole_marks as marks
from tests.bot.core.roles.world import ANN, BLUE, BOB, GREEN, GUILD, RED
from tests.cogs.autorole.world import AutoroleWorld
from tests.fakes import FakeClock

CAT, DAN = 1003, 1004
MINUTE = timedelta(minutes=1)


def joined(world: AutoroleWorld, user_id: int) -> None:
    """Have somebody join while nobody listens."""
    world.discord.members.add(user_id)
    world.discord.roles[user_id] = set()
    world.lister.joined[user_id] = world.clock.now()


async def back(world: AutoroleWorld, *, pages: int = 3) -> None:
    """Begin a session, and do what follows from it."""
    world.service.absence.session_began([GUILD])
    await world.keeping.begin_session([GUILD])
    for _page in range(pages):
        await world.work(MINUTE)
        await world.rest()
    await world.work()


def roles_of(world: AutoroleWorld, user_id: int) -> set[int]:
    return world.discord.roles[user_id]


async def test_who_joined_in_an_absence_gets_the_join_roles_once(world: AutoroleWorld) -> None:
    joined(world, DAN)
    world.clock.advance(MINUTE)
    await world.set(JoinRole(role_id=BLUE))
    await world.join(ANN)
    await world.work(MINUTE)
    # Staff took it from her: she was heard of, and is not a newcomer again.
    world.discord.roles[ANN].clear()
    joined(world, BOB)
    world.clock.advance(MINUTE)

    await back(world)

    assert [roles_of(world, one) for one in (ANN, BOB, DAN)] == [set(), {BLUE}, set()]

    world.discord.roles[BOB].clear()
    await back(world)
    assert roles_of(world, BOB) == set()


async def test_who_left_and_came_back_in_an_absence_has_what_they_had(
    world: AutoroleWorld,
) -> None:
    await world.set(JoinRole(role_id=BLUE), sticky_enabled=True)
    await world.join(ANN)
    await world.work(MINUTE)
    await world.get(GREEN)
    joined(world, ANN)
    world.clock.advance(MINUTE)

    await back(world)

    assert roles_of(world, ANN) == {BLUE, GREEN}


async def test_delay_counts_from_the_join(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=BLUE, delay=timedelta(hours=2)))
    await world.join(CAT)
    await world.work(MINUTE)
    joined(world, ANN)
    world.clock.advance(timedelta(hours=1))

    await back(world)
    assert roles_of(world, ANN) == set()
    await world.work(timedelta(hours=1))
    assert roles_of(world, ANN) == {BLUE}


async def test_nobody_is_missed_before_join_roles_are_on(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=BLUE))
    await world.join(CAT)
    await world.set(JoinRole(role_id=BLUE), enabled=False)
    world.clock.advance(MINUTE)
    joined(world, ANN)
    world.clock.advance(MINUTE)
    await world.set(JoinRole(role_id=BLUE), enabled=True)
    world.clock.advance(MINUTE)

    await back(world)
    assert roles_of(world, ANN) == set()

    # As little those who were there before the bot was added once more.
    joined(world, BOB)
    world.clock.advance(MINUTE)
    await world.keeping.begin_anew(GUILD)
    await back(world)
    assert roles_of(world, BOB) == set()


async def test_join_that_is_heard_of_first_hides_no_earlier_one(world: AutoroleWorld) -> None:
    await world.set(JoinRole(role_id=BLUE))
    await world.join(CAT)
    world.clock.advance(MINUTE)
    joined(world, ANN)
    world.clock.advance(MINUTE)

    world.service.absence.session_began([GUILD])
    await world.join(BOB)
    # The process dies here, before it has planned anything; the next one begins anew.
    world.service.absence.planned([GUILD])
    await back(world)

    assert roles_of(world, ANN) == {BLUE}


async def test_later_absence_takes_over_what_an_earlier_look_left(
    world: AutoroleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "PAGE", 1)
    await world.set(JoinRole(role_id=BLUE))
    await world.join(CAT)
    world.clock.advance(MINUTE)
    joined(world, ANN)
    joined(world, DAN)
    world.clock.advance(MINUTE)
    await back(world, pages=1)
    assert (roles_of(world, ANN), roles_of(world, DAN)) == ({BLUE}, set())

    joined(world, BOB)
    world.clock.advance(MINUTE)
    await back(world, pages=8)

    assert [roles_of(world, one) for one in (ANN, BOB, DAN)] == [{BLUE}, {BLUE}, {BLUE}]


async def test_session_that_begins_while_the_database_is_away_is_taken_up_later(
    world: AutoroleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.set(JoinRole(role_id=BLUE))
    await world.join(CAT)
    world.clock.advance(MINUTE)
    joined(world, ANN)
    world.clock.advance(MINUTE)
    begin, failures = marks.begin_look, [DatabaseUnavailable(), DatabaseUnavailable()]

    async def fail(*args: Any) -> marks.Look:
        if failures:
            raise failures.pop()
        return await begin(*args)

    monkeypatch.setattr(marks, "begin_look", fail)
    monkeypatch.setattr(keeping, "AWAY_SECONDS", 0.01)
    world.service.absence.session_began([GUILD])
    await world.keeping.take_up_session([GUILD])
    await world.work(MINUTE)
    await world.rest()
    await world.work()

    assert failures == []
    assert roles_of(world, ANN) == {BLUE}


async def test_process_that_dies_over_a_page_gives_it_once(
    world: AutoroleWorld, clock: FakeClock
) -> None:
    await world.set(JoinRole(role_id=BLUE), JoinRole(role_id=RED, delay=MINUTE))
    await world.join(CAT)
    world.clock.advance(MINUTE)
    joined(world, ANN)
    world.clock.advance(MINUTE)
    world.service.absence.session_began([GUILD])
    await world.keeping.begin_session([GUILD])

    def die(*_args: object) -> None:
        raise RuntimeError("killed")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.service, "member_joined", die)
        await world.jobs.run_due()
    assert roles_of(world, ANN) == set()

    heir = AutoroleWorld(world.database, clock, world.discord)
    heir.lister.joined = world.lister.joined
    for _try in range(4):
        await heir.work(timedelta(minutes=20))
        await heir.rest()
    await heir.work()
    assert roles_of(heir, ANN) == {BLUE, RED}
