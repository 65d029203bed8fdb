"""A process killed at any step of a role change loses no wish and leaves Discord as wanted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bot.core.audit import AuditLog
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.problems import ProblemService
from bot.core.roles import RoleChange, RoleChanger, RoleService, RoleSource
from bot.core.settings import SettingsStore
from bot.enforcement import DiscordEnforcer
from cogs import general
from db import role_wishes as table
from db.engine import Database
from tests.kill.harness import Step, survive
from tests.kill.victim import Scene, die
from tests.loopback_discord import LoopbackDiscord, serve_discord

GUILD, ANN, BOB, RED, BLUE = 1 << 40, 1001, 1002, 701, 702
CLAIM, FINISHED = r"UPDATE role_wishes SET.* attempts=\(", "DELETE FROM role_wishes"
RELEASED = r"UPDATE role_wishes SET claim="
STEPS = {
    "wishes written": Step("committed", "INSERT INTO role_wishes"),
    "claim not committed": Step("committing", CLAIM),
    "claimed": Step("committed", CLAIM),
    "about to call": Step("calling"),
    "called": Step("called"),
    "end not committed": Step("committing", FINISHED),
    "end noted": Step("committed", FINISHED),
    "claim given back": Step("committed", RELEASED),
}


class DoomedChanger:
    """Hands on to the real changer and dies before or after a call."""

    def __init__(self, changer: RoleChanger, moment: str) -> None:
        self._changer = changer
        self._moment = moment

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        call = getattr(self._changer, name)

        async def doomed(*arguments: Any, **named: Any) -> Any:
            if self._moment == "calling":
                die()
            answer = await call(*arguments, **named)
            if self._moment == "called":
                die()
            return answer

        return doomed


def start_roles(scene: Scene) -> RoleService:
    """Build the service as the bot does, around what the process has."""
    bus, registry = EventBus(), FeatureRegistry([general.FEATURE])
    database, clock = scene.database, scene.clock
    audit = AuditLog(clock, bus, scene.supervisor)
    settings = SettingsStore(database, clock, bus, registry, audit, state=NullState)
    roles = RoleService(
        database,
        clock,
        settings,
        bus=bus,
        problems=ProblemService(database, clock, bus, registry, settings, state=NullState),
        supervisor=scene.supervisor,
        state=NullState,
    )
    roles.use(DoomedChanger(DiscordEnforcer(scene.client), scene.step.moment))  # pyright: ignore[reportArgumentType]
    return roles


def wish(user_id: int, role_id: int, *, want: bool = True) -> RoleChange:
    return RoleChange(
        guild_id=GUILD, user_id=user_id, role_id=role_id, want=want, source=RoleSource.STICKY
    )


def change(_jobs: JobService, _outbox: OutboxService) -> Any:
    """Two members are to have roles, one is to lose one; whoever takes over is told nothing."""

    async def act(scene: Scene) -> None:
        roles = start_roles(scene)
        await roles.start()
        if scene.is_first:
            async with scene.database.write() as session:
                await roles.want(
                    session, [wish(ANN, RED), wish(ANN, BLUE, want=False), wish(BOB, RED)]
                )
        while (await roles.snapshot()).waiting:
            await roles.run_due()
            await asyncio.sleep(0.02)

    return act


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with serve_discord() as server:
        server.roles[ANN].add(BLUE)
        yield server


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
async def test_kill_at_each_step_of_a_role_change(
    database: Database, database_url: str, server: LoopbackDiscord, step: Step
):
    await survive(database_url, server.url, "tests.kill.test_kill_roles:change", step)

    assert server.roles == {ANN: {RED}, BOB: {RED}}
    async with database.read() as session:
        assert await table.list_wishes(session, GUILD) == []
    calls = Counter(server.role_calls)
    assert calls.keys() == {("PUT", ANN, RED), ("DELETE", ANN, BLUE), ("PUT", BOB, RED)}
    # What was settled is not done again; only what nobody noted may be.
    settled = step in (STEPS["end noted"], STEPS["claim given back"])
    assert max(calls.values()) <= (1 if settled else 2)


async def test_kill_before_the_wishes_are_committed_leaves_nothing(
    database: Database, database_url: str, server: LoopbackDiscord
):
    step = Step("committing", "INSERT INTO role_wishes")
    await survive(database_url, server.url, "tests.kill.test_kill_roles:change", step)

    assert server.role_calls == []
