"""A pattern that can't be run is a problem until the rules compile, in whatever process."""

from __future__ import annotations

import pytest

from bot.core.contracts import SYSTEM
from cogs.automod.planning import KEY
from cogs.automod.problems import REFUSED_PATTERN
from db.engine import Database
from db.problems import list_guilds_with
from tests.cogs.automod.world import GUILD, World, rule, words
from tests.fakes import FakeClock

REFUSED = "too large"


async def open_causes(world: World) -> list[str]:
    return [one.problem.cause for one in await world.problems.list(GUILD)]


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> World:
    """A process that takes over where another has refused a pattern."""
    await World(database, clock).service.troubles.refused_pattern(GUILD, "links", REFUSED)
    world = World(database, clock)
    assert REFUSED_PATTERN in await open_causes(world)
    async with database.read() as session:
        world.engines.suspect(await list_guilds_with(session, KEY, REFUSED_PATTERN))
    return world


async def test_rules_that_compile_after_a_restart_take_the_problem_back(world: World) -> None:
    await world.start(rule("swearing", words("damn")))
    assert REFUSED_PATTERN not in await open_causes(world)


async def test_feature_switched_off_after_a_restart_takes_the_problem_back(world: World) -> None:
    await world.settings.change(GUILD, KEY, {}, enabled=False, actor=SYSTEM)
    await world.start()
    assert REFUSED_PATTERN not in await open_causes(world)
