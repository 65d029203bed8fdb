"""A process killed at any step of a back-fill leaves nobody out and counts nobody twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.core import batches
from bot.core.audit import AuditLog
from bot.core.contracts import Actor
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.settings import SettingsStore
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from cogs import autorole, general
from cogs.autorole import backfill
from cogs.autorole.members import DiscordMembers
from cogs.autorole.service import AutoroleService
from cogs.autorole.settings import JoinRole
from db import role_wishes as wishes
from db.batches import ENDED, Batch
from db.engine import Database
from tests.kill.harness import JOB_DONE, Step, survive
from tests.kill.test_kill_roles import start_roles
from tests.kill.victim import Scene

TOKEN = "loopback.token.value"
MOVED = "UPDATE moderation_batches SET.* outcome="
ENDED_NOW = "UPDATE moderation_batches SET.* ended_at="
PEOPLE = 9
STEPS = {
    "piece wanted": Step("executed", "INSERT INTO role_wishes"),
    "piece not noted": Step("committing", MOVED),
    "piece noted": Step("committed", MOVED),
    "given": Step("called"),
    "end not noted": Step("committing", ENDED_NOW),
    "job marked done": Step("committing", JOB_DONE),
}


def fill(_jobs: JobService, _outbox: OutboxService) -> Any:
    """An admin has a role given to all; whoever takes over is told nothing."""

    async def act(scene: Scene) -> None:
        backfill.PAGE, backfill.MOST_CHANGES, backfill.MOST_DUE = 5, 2, 1
        # Nobody looks on in these processes: what came of it is written at once.
        batches.TELL_AFTER, batches.SLICE_SECONDS = timedelta(), 0.05
        roles = start_roles(scene)
        service = start(scene, roles)
        if scene.is_first:
            (guild,) = await scene.client.http.get_guilds(1)
            found = await scene.client.http.get_guild(int(guild["id"]))
            (role,) = (int(one["id"]) for one in found["roles"] if one["name"] == "Sailor")
            await service.begin(
                backfill.order_backfill(
                    int(guild["id"]),
                    1,
                    [JoinRole(role_id=role)],
                    Actor(int(found["owner_id"]), "command", "captain"),
                    locale="en",
                    members=PEOPLE,
                )
            )
        while await is_open(scene.database) or (await roles.snapshot()).waiting:
            await roles.run_due()
            await asyncio.sleep(0.02)

    return act


def start(scene: Scene, roles: Any) -> batches.BatchService:
    """Build the service as the bot does, around what the process has."""
    database, clock, bus = scene.database, scene.clock, EventBus()
    registry = FeatureRegistry([general.FEATURE, autorole.FEATURE])
    audit = AuditLog(clock, bus, scene.supervisor)
    settings = SettingsStore(database, clock, bus, registry, audit, state=NullState)

    async def no_mute_role(guild_id: int) -> int | None:
        return None

    autoroles = AutoroleService(
        database,
        clock,
        settings,
        roles=roles,
        supervisor=scene.supervisor,
        state=NullState,
        mute_role=no_mute_role,
    )
    client: Any = scene.client
    lister = DiscordMembers(client, clock)
    service = batches.BatchService(database, clock, jobs=scene.jobs, outbox=scene.outbox)
    worker = backfill.Backfill(autoroles, lister, roles=roles, state=NullState)
    service.register(backfill.KIND, worker)
    return service


async def is_open(database: Database) -> bool:
    async with database.read() as session:
        found = (await session.scalars(select(Batch))).all()
    return any(one.is_open for one in found)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return sandbox.add_guild("Harbour", channels=("general",))


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
async def test_kill_at_each_step_of_a_back_fill(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    role = guild.add_role("Sailor", permissions=0)
    for number in range(PEOPLE):
        sandbox.join(guild, f"sailor{number}")
    people = [one for one in guild.members.values() if not one.user.bot]

    await survive(database_url, sandbox.api_base_url, "tests.kill.test_kill_autorole:fill", step)

    assert [one.user.name for one in people if role.id not in one.roles] == []
    async with database.read() as session:
        (batch,) = (await session.scalars(select(Batch))).all()
        assert await wishes.list_wishes(session, guild.id) == []
    assert batch.state == ENDED
    # Each is counted once, the bots that are passed over included.
    assert batch.outcome["seen"] == len(guild.members)
    assert batch.outcome["changes"] == len(people)
    owner = guild.members[guild.owner_id].user
    dm = sandbox.world.open_dm(sandbox.application.user, owner)
    (letter,) = (one.content for one in dm.messages.values())
    assert f"All {len(guild.members)} members were looked at" in letter
