"""A process killed at any step of anti-nuke, or of an approved deed, does all of it once."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.core.approvals import ApprovalOrder, ApprovalService
from bot.core.audit import AuditLog
from bot.core.contracts import SYSTEM, Actor, MemberFacts, RoleSummary
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.models import User
from cogs import antinuke, general
from cogs.antinuke.approvals import SettingsApprovals
from cogs.antinuke.counting import Counting
from cogs.antinuke.desk import StaffDesk
from cogs.antinuke.discord_controls import DiscordControls
from cogs.antinuke.service import AntinukeService
from cogs.antinuke.settings import AntinukeSettings
from cogs.moderation.massban_approval import KIND, approval_kind, request_of
from cogs.moderation.massbanning import MassBan
from cogs.moderation.rules.massban import Candidate
from db import antinuke as table
from db.approvals import DONE, get_approval
from db.cases import list_cases
from db.engine import Database
from tests.fakes import FakeClock, reach_all
from tests.kill.harness import JOB_DONE, STEPS, Step, run_victim, survive
from tests.kill.test_kill_cases import start_cases
from tests.kill.victim import Scene, die

# What `log_in` of the victim says.
TOKEN = "loopback.token.value"
COUNTED, OPENED = "INSERT INTO antinuke_deeds", "INSERT INTO antinuke_incidents"
STORED, MARKED = "INSERT INTO antinuke_roles", "UPDATE antinuke_roles SET"
CHANGED = "UPDATE antinuke_incidents SET"
STRIP_STEPS = {
    "incident opened": Step("committed", OPENED),
    "roles not stored": Step("committing", STORED),
    "roles stored": Step("committed", STORED),
    "alert sent": STEPS["sent"],
    "first role taken": Step("called 1"),
    "role not marked": Step("committing", MARKED),
    "end not noted": Step("committing", f"{CHANGED} (?:(?!WHERE).)*case_number="),
    "job marked done": Step("committing", JOB_DONE),
}
RESTORE_STEPS = {
    "restore ordered": Step("committed", CHANGED),
    "about to give the first role": Step("calling 1"),
    "first role given": Step("called 1"),
    "role not marked": Step("committing", MARKED),
    "end not noted": Step("committing", f"{CHANGED} (?:(?!restored_by=).)*WHERE"),
}
APPROVED = "UPDATE approvals SET"
APPROVE_STEPS = {
    "approved": Step("committed", APPROVED),
    "orders written": Step("committed", "INSERT INTO cases"),
    "banned": Step("called"),
    "end not noted": Step("committing", f"{APPROVED} (?:(?!WHERE).)*outcome="),
}
HERE = "tests.kill.test_kill_antinuke"
PEOPLE = [Candidate(1 << 60, "ann"), Candidate((1 << 60) + 1, "bob")]


class DoomedControls:
    """Hands on to the real controls and dies before or after its so manieth change."""

    def __init__(self, controls: DiscordControls, moment: str) -> None:
        self._controls = controls
        self._moment = moment
        self._calls = 0

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        call = getattr(self._controls, name)
        if name.startswith("read"):
            return call

        async def doomed(*arguments: Any, **named: Any) -> Any:
            self._calls += 1
            if self._moment == f"calling {self._calls}":
                die()
            answer = await call(*arguments, **named)
            if self._moment == f"called {self._calls}":
                die()
            return answer

        return doomed


class State(NullState):
    """A guild as Discord's REST API shows it, in which the bot ranks highest."""

    def __init__(self, bot_id: int, guild_id: int, roles: Sequence[RoleSummary]) -> None:
        super().__init__()
        self._me = MemberFacts(bot_id, guild_id, "Pegasus", 99, frozenset({"administrator"}))
        self._roles = roles

    def me(self, guild_id: int) -> MemberFacts | None:
        return self._me

    def roles(self, guild_id: int) -> Sequence[RoleSummary]:
        return self._roles


class QuickDesk(StaffDesk):
    """Has windows that are over at once, so that no job waits for their end."""

    async def settings_of(self, guild_id: int) -> AntinukeSettings | None:
        settings = await super().settings_of(guild_id)
        return settings and settings.model_copy(update={"window": timedelta(seconds=0.5)})


async def state_of(scene: Scene) -> State:
    """Ask for what the gateway would have told."""
    assert scene.client.user is not None
    (guild,) = await scene.client.http.get_guilds(1)
    guild_id = int(guild["id"])
    roles = [
        RoleSummary(
            int(one["id"]),
            guild_id,
            one["name"],
            one["position"],
            managed=one["managed"],
            permissions=frozenset({"manage_channels"} if int(one["permissions"]) & 1 << 4 else ()),
        )
        for one in await scene.client.http.get_roles(guild_id)
        if int(one["id"]) != guild_id
    ]
    return State(scene.client.user.id, guild_id, roles)


def settings_of(database: Database, clock: Any, supervisor: TaskSupervisor) -> Any:
    bus, registry = EventBus(), FeatureRegistry([general.FEATURE, antinuke.FEATURE])
    audit = AuditLog(clock, bus, supervisor)
    settings = SettingsStore(database, clock, bus, registry, audit, state=NullState)
    return bus, registry, audit, settings


async def start(scene: Scene) -> tuple[Counting, AntinukeService, StaffDesk, int]:
    """Build the services as the bot does, around what the process has."""
    state = await state_of(scene)
    bus, registry, audit, settings = settings_of(scene.database, scene.clock, scene.supervisor)
    controls: Any = DoomedControls(DiscordControls(scene.client), scene.step.moment)
    desk = QuickDesk(
        database=scene.database,
        clock=scene.clock,
        settings=settings,
        jobs=scene.jobs,
        outbox=scene.outbox,
        problems=ProblemService(
            scene.database, scene.clock, bus, registry, settings, state=lambda: state
        ),
        cases=await start_cases(scene),
        audit=audit,
        state=lambda: state,
        controls=controls,
    )
    service = AntinukeService(desk)
    service.start()
    guild = state.me(0)
    assert guild is not None
    return Counting(desk), service, desk, guild.guild_id


def nuke(_jobs: JobService, _outbox: OutboxService) -> Any:
    """The rogue's entries come in; whoever takes over hears of them again."""

    async def act(scene: Scene) -> None:
        counting, _service, _desk, guild_id = await start(scene)
        logs = await scene.client.http.get_audit_logs(guild_id, limit=10)
        for entry in reversed(logs["audit_log_entries"]):
            payload: Any = {"guild_id": str(guild_id), **entry}
            await counting.note_entry(payload, own_id=scene.client.user.id)  # pyright: ignore[reportOptionalMemberAccess]

    return act


def restore(_jobs: JobService, _outbox: OutboxService) -> Any:
    """Staff give the roles back; whoever takes over is asked nothing."""

    async def act(scene: Scene) -> None:
        _counting, service, _desk, guild_id = await start(scene)
        if scene.is_first:
            await service.restore(guild_id, 1, Actor(9, "command", "boss"))

    return act


def approve(_jobs: JobService, _outbox: OutboxService) -> Any:
    """A second person approves; whoever takes over is asked nothing."""

    async def act(scene: Scene) -> None:
        _counting, _service, desk, guild_id = await start(scene)
        approvals = ApprovalService(
            scene.database,
            scene.clock,
            desk.settings,
            jobs=scene.jobs,
            outbox=scene.outbox,
            audit=desk.audit,
            bus=EventBus(),
            state=desk.state,
        )
        approvals.use_policy(SettingsApprovals(desk))
        approvals.register(KIND, approval_kind(desk.cases, reach_all))
        if scene.is_first:
            order: ApprovalOrder = request_of(
                MassBan(guild_id, 1, 77, "raid", timedelta()), PEOPLE, Actor(9, "command", "mona")
            )
            asked = await approvals.ask(order)
            await approvals.approve(guild_id, asked.id, Actor(10, "command", "nils"))

    return act


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


@pytest.fixture
async def guild(sandbox: Sandbox, database: Database) -> Guild:
    """A guild whose rogue has two dangerous roles and has deleted four channels."""
    guild = sandbox.add_guild("Harbour", channels=("log", "a", "b", "c", "d"))
    (own,) = (one for one in guild.roles.values() if one.managed)
    guild.update_role(own, position=90)
    rogue = sandbox.join(guild, "rogue")
    for name, bits in (("One", 1 << 4), ("Two", 1 << 4), ("Plain", 0)):
        guild.add_member_role(rogue.member, guild.add_role(name, permissions=bits))
    for name in "abcd":
        rogue.delete_channel(guild.channel(name))
    clock: Any = FakeClock()
    _bus, _registry, _audit, settings = settings_of(database, clock, TaskSupervisor())
    values = {"response": "strip", "log_channel_id": str(guild.channel("log").id)}
    await settings.change(guild.id, "antinuke", values, actor=SYSTEM)
    return guild


def roles_of(guild: Guild) -> list[str]:
    (rogue,) = (one for one in guild.members.values() if one.user.name == "rogue")
    return sorted(guild.roles[one].name for one in rogue.roles)


def changes_made(sandbox: Sandbox, method: str) -> Counter[str]:
    calls = sandbox.recorder.calls_to(method, "/guilds/*/members/*/roles/*")
    return Counter(call.path for call in calls)


async def run_to_the_end(database_url: str, sandbox: Sandbox, scenario: str, later: float) -> None:
    # The first to run is the one that acts; this step is never met.
    status, output = await run_victim(
        database_url, sandbox.api_base_url, f"{HERE}:{scenario}", Step("never"), later=later
    )
    assert status == 0, output


@pytest.mark.parametrize("step", STRIP_STEPS.values(), ids=STRIP_STEPS.keys())
async def test_kill_at_each_step_of_stripping(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    await survive(database_url, sandbox.api_base_url, f"{HERE}:nuke", step)

    assert roles_of(guild) == ["Plain"]
    assert len(guild.channel("log").messages) == 1
    async with database.read() as session:
        (incident,) = await table.list_incidents(session, guild.id, limit=5)
        roles = await table.list_roles(session, incident.id)
        counts = await table.count_incident(session, incident.id)
        cases = await list_cases(session, guild.id)
    assert (incident.state, counts) == ("done", {"channel_delete": 4})
    assert sorted((one.name, one.state) for one in roles) == [("One", "taken"), ("Two", "taken")]
    assert [one.kind for one in cases] == ["note"]


@pytest.mark.parametrize("step", RESTORE_STEPS.values(), ids=RESTORE_STEPS.keys())
async def test_kill_at_each_step_of_restoring(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    await run_to_the_end(database_url, sandbox, "nuke", 0.0)
    assert roles_of(guild) == ["Plain"]
    scenario = f"{HERE}:restore"
    status, output = await run_victim(
        database_url, sandbox.api_base_url, scenario, step, later=10.0
    )
    assert status is not None, output
    assert status < 0, output
    status, output = await run_victim(database_url, sandbox.api_base_url, scenario, later=400.0)
    assert status == 0, output

    assert roles_of(guild) == ["One", "Plain", "Two"]
    async with database.read() as session:
        (incident,) = await table.list_incidents(session, guild.id, limit=5)
    assert incident.state == "restored"


async def test_kill_before_deeds_are_counted_loses_none_that_come_again(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild
) -> None:
    step = Step("committing", COUNTED)
    await survive(database_url, sandbox.api_base_url, f"{HERE}:nuke", step)

    assert roles_of(guild) == ["Plain"]


@pytest.mark.parametrize("step", APPROVE_STEPS.values(), ids=APPROVE_STEPS.keys())
async def test_kill_between_approval_and_execution(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    for user_id, name in ((one.id, one.name) for one in PEOPLE):
        sandbox.world.users[user_id] = User(user_id, name)
    await survive(database_url, sandbox.api_base_url, f"{HERE}:approve", step, later=1200.0)

    assert set(guild.bans) == {one.id for one in PEOPLE}
    assert len(guild.channel("log").messages) == 1
    async with database.read() as session:
        approval = await get_approval(session, 1)
        cases = await list_cases(session, guild.id)
    assert approval is not None
    assert approval.state == DONE
    assert [(one.kind, one.state) for one in cases] == [("ban", "applied")] * 2
