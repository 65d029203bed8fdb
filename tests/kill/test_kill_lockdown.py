"""A process killed at any step of a lockdown, or of its end, leaves all exactly as it is to be."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bot.core.audit import AuditLog
from bot.core.contracts import Actor, MemberFacts
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from cogs import automod, general
from cogs.automod.raid.controls import GuildControls
from cogs.automod.raid.desk import RaidDesk
from cogs.automod.raid.discord_controls import DiscordControls
from cogs.automod.raid.lockdown import LockdownOrder, LockdownService
from cogs.automod.raid.overwrites import BITS
from db import lockdowns as table
from db.engine import Database
from tests.fakes import reach_all
from tests.kill.harness import JOB_CLAIM, JOB_DONE, Step, run_victim, survive
from tests.kill.victim import Scene, die

# What `log_in` of the victim says.
TOKEN = "loopback.token.value"
OPENED, PLANNED = "INSERT INTO lockdowns", "INSERT INTO lockdown_changes"
MARKED, MOVED = "UPDATE lockdown_changes SET", "UPDATE lockdowns SET"
# So many overwrites are changed, by a call each.
CALLS = 5
WORK_STEPS = {
    "job claim not committed": Step("committing", JOB_CLAIM),
    "job claimed": Step("committed", JOB_CLAIM),
    "about to make the first change": Step("calling 1"),
    "first change made": Step("called 1"),
    "about to make the third change": Step("calling 3"),
    "third change made": Step("called 3"),
    "last change made": Step(f"called {CALLS}"),
    "changes not marked": Step("committing", MARKED),
    "changes marked": Step("committed", MARKED),
    "job marked done": Step("committing", JOB_DONE),
    "job done": Step("committed", JOB_DONE),
}
START_STEPS = {"lockdown stored": Step("committed", OPENED), **WORK_STEPS}
END_STEPS = {"end stored": Step("committed", MOVED), **WORK_STEPS}
UNSTORED = {
    "row not committed": Step("committing", OPENED),
    "row alone": Step("executed", OPENED),
    "changes not committed": Step("executed", PLANNED),
}


class DoomedControls:
    """Hands on to the real controls and dies before or after its so manieth change."""

    def __init__(self, controls: GuildControls, moment: str) -> None:
        self._controls = controls
        self._moment = moment
        self._calls = 0

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        call = getattr(self._controls, name)
        if name.startswith("read"):
            return call

        async def doomed(*arguments: Any) -> Any:
            self._calls += 1
            if self._moment == f"calling {self._calls}":
                die()
            answer = await call(*arguments)
            if self._moment == f"called {self._calls}":
                die()
            return answer

        return doomed


class State(NullState):
    """The bot may change what a lockdown changes, and is no administrator."""

    def __init__(self, bot_id: int) -> None:
        super().__init__()
        self._bot_id = bot_id

    def me(self, guild_id: int) -> MemberFacts | None:
        permissions = frozenset({*BITS, "manage_roles"})
        return MemberFacts(self._bot_id, guild_id, "Pegasus", permissions=permissions)


def start_lockdowns(scene: Scene) -> LockdownService:
    """Build the service as the bot does, around what the process has."""
    bus = EventBus()
    registry = FeatureRegistry([general.FEATURE, automod.FEATURE])
    database, clock = scene.database, scene.clock
    assert scene.client.user is not None
    state = State(scene.client.user.id)
    audit = AuditLog(clock, bus, scene.supervisor)
    settings = SettingsStore(database, clock, bus, registry, audit, state=lambda: state)
    problems = ProblemService(database, clock, bus, registry, settings, state=lambda: state)
    cases: Any = None
    controls: Any = DoomedControls(DiscordControls(scene.client), scene.step.moment)
    service = LockdownService(
        RaidDesk(
            database=database,
            clock=clock,
            settings=settings,
            jobs=scene.jobs,
            outbox=scene.outbox,
            problems=problems,
            cases=cases,
            supervisor=scene.supervisor,
            state=lambda: state,
            controls=controls,
            reach=reach_all,
        )
    )
    service.start()
    return service


async def guild_of(scene: Scene) -> int:
    (guild,) = await scene.client.http.get_guilds(1)
    return int(guild["id"])


def begin(_jobs: JobService, _outbox: OutboxService) -> Any:
    """Staff begin a lockdown; whoever takes over is asked nothing."""

    async def act(scene: Scene) -> None:
        service = start_lockdowns(scene)
        if scene.is_first:
            order = LockdownOrder(
                guild_id=await guild_of(scene), actor=Actor(9, "command", "Grace")
            )
            await service.begin(order)

    return act


def end(_jobs: JobService, _outbox: OutboxService) -> Any:
    """Staff end the lockdown; whoever takes over is asked nothing."""

    async def act(scene: Scene) -> None:
        service = start_lockdowns(scene)
        if scene.is_first:
            await service.end(await guild_of(scene))

    return act


BEGIN, END = "tests.kill.test_kill_lockdown:begin", "tests.kill.test_kill_lockdown:end"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    guild = sandbox.add_guild("Harbour", channels=("general", "memes", "private"))
    crew = guild.add_role("Crew")
    memes, private = guild.channel("memes"), guild.channel("private")
    memes.set_overwrite(guild.id, 0, allow=1 << 6, deny=1 << 13)
    memes.set_overwrite(crew.id, 0, allow=BITS["send_messages"])
    private.set_overwrite(guild.id, 0, deny=1 << 10)
    return guild


def doors(guild: Guild) -> dict[int, Any]:
    return {one.id: copy.deepcopy(one.overwrites) for one in guild.channels.values()}


def changes_made(sandbox: Sandbox) -> Counter[str]:
    paths = (
        call.path
        for method in ("PUT", "DELETE")
        for call in sandbox.recorder.calls_to(method, "/channels/*/permissions/*")
    )
    return Counter(paths)


async def assert_closed_once(sandbox: Sandbox, guild: Guild, database: Database) -> None:
    made = changes_made(sandbox)
    assert set(made.values()) == {1}
    assert len(made) == CALLS
    for name in ("general", "memes"):
        everyone = guild.channel(name).overwrites[guild.id]
        assert everyone.deny & BITS["send_messages"]
    async with database.read() as session:
        lockdown = await table.get_open_lockdown(session, guild.id)
    assert lockdown is not None
    assert lockdown.state == "closed"


async def run_to_the_end(database_url: str, sandbox: Sandbox, scenario: str, later: float) -> None:
    # The first to run is the one that acts; this step is never met.
    step = Step("never")
    status, output = await run_victim(
        database_url, sandbox.api_base_url, scenario, step, later=later
    )
    assert status == 0, output


@pytest.mark.parametrize("step", START_STEPS.values(), ids=START_STEPS.keys())
async def test_kill_at_each_step_of_a_lockdown(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    before = doors(guild)
    await survive(database_url, sandbox.api_base_url, BEGIN, step)
    await assert_closed_once(sandbox, guild, database)

    await run_to_the_end(database_url, sandbox, END, 300.0)
    assert doors(guild) == before


@pytest.mark.parametrize("step", UNSTORED.values(), ids=UNSTORED.keys())
async def test_kill_before_what_was_is_stored_changes_nothing(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    before = doors(guild)
    await survive(database_url, sandbox.api_base_url, BEGIN, step)

    assert doors(guild) == before
    assert not changes_made(sandbox)
    async with database.read() as session:
        assert await table.get_open_lockdown(session, guild.id) is None


@pytest.mark.parametrize("step", END_STEPS.values(), ids=END_STEPS.keys())
async def test_kill_at_each_step_of_the_end(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    before = doors(guild)
    await run_to_the_end(database_url, sandbox, BEGIN, 0.0)
    await assert_closed_once(sandbox, guild, database)
    status, output = await run_victim(database_url, sandbox.api_base_url, END, step, later=10.0)
    assert status is not None, output
    assert status < 0, output
    status, output = await run_victim(database_url, sandbox.api_base_url, END, later=400.0)
    assert status == 0, output

    assert doors(guild) == before
    assert set(changes_made(sandbox).values()) == {2}
    async with database.read() as session:
        assert await table.get_open_lockdown(session, guild.id) is None
