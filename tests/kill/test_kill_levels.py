"""A process killed at any step of counting a minute of talking neither loses nor doubles it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.sandbox import Sandbox
from db.engine import Database
from db.guilds import GuildMember
from db.levels import LevelDay
from db.outbox import OutboxMessage
from tests.bot.core.roles.world import RED
from tests.cogs.levels.world import ANN, BOB, LevelWorld
from tests.fakes import FakeClock
from tests.kill.harness import Step, survive
from tests.kill.victim import Scene

TOKEN = "loopback.token.value"
STEPS = {
    "minute claimed": Step("executed", "INSERT INTO levels_members"),
    "experience added": Step("executed", "INSERT INTO guild_members"),
    "day added": Step("executed", "INSERT INTO levels_days"),
    "level told": Step("executed", "INSERT INTO outbox"),
    "role wanted": Step("executed", "INSERT INTO role_wishes"),
    "not committed": Step("committing", "INSERT INTO levels_days"),
    "committed": Step("committed", "INSERT INTO levels_days"),
}


def talk(_jobs: JobService, _outbox: OutboxService) -> Any:
    """Two people talk for two minutes; whoever takes over counts the same minutes again."""

    async def act(scene: Scene) -> None:
        world = LevelWorld(scene.database, FakeClock())
        # Its job would be of a kind that these processes do not know.
        world.end_ruling()
        await world.set(voice_each=100, rewards=[{"level": 1, "role_id": str(RED)}])
        world.sit(ANN)
        world.sit(BOB)
        await world.minutes(2)

    return act


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
async def test_kill_at_each_step_of_a_minute(
    database: Database, database_url: str, step: Step
) -> None:
    async with Sandbox(token=TOKEN) as sandbox:
        await survive(database_url, sandbox.api_base_url, "tests.kill.test_kill_levels:talk", step)

    async with database.read() as session:
        members = (await session.scalars(select(GuildMember))).all()
        days = (await session.scalars(select(LevelDay))).all()
        told = (await session.scalars(select(OutboxMessage))).all()
    assert {one.user_id: (one.xp, one.level) for one in members} == {ANN: (200, 1), BOB: (200, 1)}
    assert {one.user_id: (one.xp, one.voice_minutes) for one in days} == {
        ANN: (200, 2),
        BOB: (200, 2),
    }
    assert len(told) == 2
