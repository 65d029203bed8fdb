"""A process killed while it lets somebody in or removes them does either whole, and once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.core.audit import AuditLog
from bot.core.cases import CaseState
from bot.core.contracts import SYSTEM, ChannelSummary, GuildSummary, MemberFacts, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.roles import RoleService
from bot.core.settings import SettingsStore
from cogs import general, verification
from cogs.verification.desk import KEY, Desk
from cogs.verification.gate import Gate
from cogs.verification.rules import Applicant
from cogs.verification.timers import Timers
from db import cases as case_table
from db import verification as table
from db.engine import Database
from db.role_wishes import list_wishes
from tests.kill.harness import JOB_DONE, Step, survive
from tests.kill.test_kill_cases import GUILD, LOG, start_cases
from tests.kill.victim import Scene
from tests.loopback_discord import LoopbackDiscord, serve_discord

ANN, ROLE = 1001, 701
DECIDED = r"UPDATE verification_members SET state=.*\.state IN"
KICK_STEPS = {
    "time began": Step("committed", "INSERT INTO verification_members"),
    "kick not decided": Step("committing", DECIDED),
    "kick decided": Step("committed", DECIDED),
    "case written": Step("committed", "INSERT INTO cases"),
    "about to kick": Step("calling"),
    "kicked": Step("called"),
    "case settled": Step("committed", r"UPDATE cases SET.* state="),
    "job not done": Step("committing", JOB_DONE),
}
PASS_STEPS = {
    "pass not committed": Step("committing", "INSERT INTO role_wishes"),
    "passed": Step("committed", "INSERT INTO role_wishes"),
    "about to tell": Step("sending"),
}


class View(NullState):
    """The guild, in which the bot may do everything."""

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Garden", 1, 2)

    def me(self, guild_id: int) -> MemberFacts | None:
        return MemberFacts(42, guild_id, "Pegasus", 9, frozenset({"administrator"}))

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return ChannelSummary(channel_id, guild_id, "log", "text")

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return RoleSummary(role_id, guild_id, "Sailor", 2)


class Members:
    """Ann is there, without any role."""

    async def look(self, guild_id: int, user_id: int) -> MemberFacts | None:
        return MemberFacts(user_id, guild_id, "ann")


async def open_gate(scene: Scene) -> tuple[Gate, Timers]:
    """Build the gate as the bot does, around what the process has, with its settings."""
    bus, view = EventBus(), View()
    registry = FeatureRegistry([general.FEATURE, verification.FEATURE])
    database, clock, supervisor = scene.database, scene.clock, scene.supervisor
    audit = AuditLog(clock, bus, supervisor)
    settings = SettingsStore(database, clock, bus, registry, audit, state=lambda: view)
    cases = await start_cases(scene)
    desk = Desk(
        database=database,
        clock=clock,
        settings=settings,
        jobs=scene.jobs,
        outbox=scene.outbox,
        # What is wanted of roles has deaths of its own, in `test_kill_roles`.
        roles=RoleService(
            database,
            clock,
            settings,
            bus=bus,
            problems=None,  # pyright: ignore[reportArgumentType]
            supervisor=supervisor,
            state=lambda: view,
        ),
        state=lambda: view,
        count=lambda _what: None,
    )
    if scene.is_first:
        await settings.change(
            GUILD,
            KEY,
            {
                "verified_role_id": ROLE,
                "log_channel_id": LOG,
                "kick_after": 3600,
                "kick_confirmation": "kick",
            },
            enabled=True,
            actor=SYSTEM,
        )
    timers = Timers(desk, cases, Members())
    timers.start()
    return Gate(desk), timers


def run_out(_jobs: JobService, _outbox: OutboxService) -> Any:
    """Ann joined two hours ago, and her time is over."""

    async def act(scene: Scene) -> None:
        _gate, timers = await open_gate(scene)
        if scene.is_first:
            joined_at = scene.clock.now() - timedelta(hours=2)
            await timers.member_joined(Applicant(GUILD, ANN, "ann"), joined_at)

    return act


def press(_jobs: JobService, _outbox: OutboxService) -> Any:
    """Ann presses the button, and once more when nothing comes of it."""

    async def act(scene: Scene) -> None:
        gate, _timers = await open_gate(scene)
        await gate.press(Applicant(GUILD, ANN, "ann"))

    return act


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with serve_discord() as server:
        yield server


@pytest.mark.parametrize("step", KICK_STEPS.values(), ids=KICK_STEPS.keys())
async def test_kill_at_each_step_of_a_kick(
    database: Database, database_url: str, server: LoopbackDiscord, step: Step
):
    await survive(database_url, server.url, "tests.kill.test_kill_verification:run_out", step)

    assert server.kicked == {ANN}
    async with database.read() as session:
        [case] = await case_table.list_cases(session, GUILD)
        row = await table.get_member(session, GUILD, ANN)
    assert case.state == CaseState.APPLIED
    assert row is not None
    assert row.state == table.KICKED


@pytest.mark.parametrize("step", PASS_STEPS.values(), ids=PASS_STEPS.keys())
async def test_kill_at_each_step_of_a_pass(
    database: Database, database_url: str, server: LoopbackDiscord, step: Step
):
    await survive(database_url, server.url, "tests.kill.test_kill_verification:press", step)

    async with database.read() as session:
        [wish] = await list_wishes(session, GUILD)
        row = await table.get_member(session, GUILD, ANN)
    assert (wish.user_id, wish.role_id, wish.want) == (ANN, ROLE, True)
    assert row is not None
    assert row.state == table.PASSED
    assert [one["embeds"][0]["title"] for one in server.messages] == ["Verified"]
