"""Whoever is erased is named in no cell of any table, whatever was said to and about them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.contracts import Actor
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.permissions import PermissionService
from bot.core.supervisor import TaskSupervisor
from bot.core.usage import UsageEvent, UsageRecorder
from cogs import general, welcome
from cogs.welcome.rules import Person
from db import schema
from db.engine import Database
from db.guilds import SeenMember, save_members
from db.people import erase_person, export_person
from tests.cogs.welcome.world import GUILD, World

BOSS = Actor(user_id=99, source="command")
EVE = Person(1234567890123456789, "eve_sentinel", "Eve Sentinel")


async def test_erased_person_is_in_no_cell(world: World) -> None:
    await leave_traces(world)
    async with world.database.write() as session:
        exported = await export_person(session, EVE.id)
        assert {"outbox", "jobs", "audit_logs", "command_usage", "welcome_visits"} <= set(exported)
        await erase_person(session, EVE.id)

    found = [place async for place in find_cells(world.database, str(EVE.id), "entinel")]
    assert found == []


async def test_delivered_greeting_keeps_no_text_of_people(world: World) -> None:
    await world.set(delete_after="10 minutes", dm_enabled=True, leave_enabled=True)
    await world.join(EVE)
    await world.outbox.run_due()
    await world.leave(EVE)
    await world.outbox.run_due()

    assert [row.payload for row in await world.queued()] == [{}, {}, {}]


async def leave_traces(world: World) -> None:
    """Greet, write to, see off, grant to and serve one person; some of it is still to be said."""
    await world.set(delete_after="10 minutes", dm_enabled=True, leave_enabled=True)
    await world.join(EVE)
    await world.outbox.run_due()
    await world.pass_time(600)
    await world.leave(EVE)
    async with world.database.write() as session:
        await save_members(session, [SeenMember(GUILD, EVE.id, world.clock.now())])
    registry = FeatureRegistry([general.FEATURE, welcome.FEATURE])
    supervisor = TaskSupervisor()
    audit = AuditLog(world.clock, EventBus(), supervisor)
    permissions = PermissionService(world.database, world.clock, registry, audit)
    await permissions.grant(GUILD, EVE.id, "welcome", actor=BOSS)
    await permissions.revoke(GUILD, EVE.id, "welcome", actor=BOSS)
    await permissions.grant(GUILD, EVE.id, "*", actor=BOSS)
    usage = UsageRecorder(world.database, world.clock)
    usage.record(
        UsageEvent(
            guild_id=GUILD,
            user_id=EVE.id,
            command="ping",
            kind="slash",
            outcome="ok",
            duration_ms=3,
            at=world.clock.now(),
        )
    )
    await usage.flush()
    await supervisor.stop()


async def find_cells(database: Database, *needles: str) -> AsyncIterator[str]:
    async with database.read() as session:
        for table in schema.metadata().sorted_tables:
            for row in (await session.execute(select(table))).mappings():
                for name, value in row.items():
                    text = json.dumps(value, default=str, ensure_ascii=False)
                    if any(needle in text for needle in needles):
                        yield f"{table.name}.{name}: {text}"
