"""A process killed while it looks for missed joins leaves nobody out, and lets nobody else in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.core.audit import AuditLog
from bot.core.contracts import SYSTEM
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.settings import SettingsStore
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from cogs import autorole, general
from cogs.autorole import keeping
from cogs.autorole.members import DiscordMembers
from cogs.autorole.service import KEY, AutoroleService
from db import autorole_marks as marks
from db import role_wishes as wishes
from db.engine import Database
from tests.kill.harness import JOB_DONE, Step, survive
from tests.kill.test_kill_roles import start_roles
from tests.kill.victim import Scene

TOKEN = "loopback.token.value"
PLANNED, LOOKED = "UPDATE autorole_marks SET.* look=", "INSERT INTO role_wishes"
STEPS = {
    "look planned": Step("committed", PLANNED),
    "page not stored": Step("committing", LOOKED),
    "page stored": Step("committed", LOOKED),
    "given": Step("called"),
    "job marked done": Step("committing", JOB_DONE),
    "end noted": Step("committed", "UPDATE autorole_marks SET.* missed_since=.* look="),
}


def look(_jobs: JobService, _outbox: OutboxService) -> Any:
    """A session begins in each process; the guild is the one that Discord has."""

    async def act(scene: Scene) -> None:
        keeping.PAGE, keeping.APART, keeping.PER_MEMBER = 3, timedelta(), timedelta()
        roles = start_roles(scene)
        (found,) = await scene.client.http.get_guilds(1)
        guild_id = int(found["id"])
        kept, settings = start(scene, roles)
        if scene.is_first:
            full = await scene.client.http.get_guild(guild_id)
            (role,) = (one["id"] for one in full["roles"] if one["name"] == "Sailor")
            changes = {"join_roles": [{"role_id": role}]}
            await settings.change(guild_id, KEY, changes, actor=SYSTEM)
        await kept.take_up_session([guild_id])
        while await is_open(scene.database, guild_id) or (await roles.snapshot()).waiting:
            await roles.run_due()
            await asyncio.sleep(0.02)

    return act


def start(scene: Scene, roles: Any) -> tuple[keeping.Keeping, SettingsStore]:
    """Build the services as the bot does, around what the process has."""
    database, clock, bus = scene.database, scene.clock, EventBus()
    registry = FeatureRegistry([general.FEATURE, autorole.FEATURE])
    audit = AuditLog(clock, bus, scene.supervisor)
    settings = SettingsStore(database, clock, bus, registry, audit, state=NullState)

    async def no_mute_role(guild_id: int) -> int | None:
        return None

    service = AutoroleService(
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
    kept = keeping.Keeping(
        database, clock, settings, jobs=scene.jobs, lister=lister, service=service
    )
    # A bus of its own: the change of settings here is no news of join roles.
    kept.start(EventBus())
    return kept, settings


async def is_open(database: Database, guild_id: int) -> bool:
    async with database.read() as session:
        return await marks.get_look(session, guild_id) is not None


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return sandbox.add_guild("Harbour", channels=("general",))


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
async def test_kill_at_each_step_of_a_look_for_missed_joins(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    role = guild.add_role("Sailor", permissions=0)
    here = [sandbox.join(guild, f"old{number}").member for number in range(4)]
    here += [one for one in guild.members.values() if one not in here]
    await asyncio.sleep(0.01)
    async with database.write() as session:
        await marks.forget_missed(session, guild.id, datetime.now(UTC))
    new = [sandbox.join(guild, f"new{number}").member for number in range(4)]

    await survive(database_url, sandbox.api_base_url, "tests.kill.test_kill_absence:look", step)

    assert [one.user.name for one in new if role.id not in one.roles] == []
    assert [one.user.name for one in here if role.id in one.roles] == []
    async with database.read() as session:
        assert await wishes.list_wishes(session, guild.id) == []
