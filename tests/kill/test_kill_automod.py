"""A process killed at any step of an incident loses nothing and repeats nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.cases import Target
from bot.core.clock import SystemClock
from bot.core.contracts import SYSTEM
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.core.supervisor import TaskSupervisor
from cogs import automod, general
from cogs.automod.bridge import DiscordBridge
from cogs.automod.planning import Occasion
from cogs.automod.rules.values import Hit, Judgement, MessageRef
from cogs.automod.service import AutomodService
from cogs.automod.settings import Rule
from db import automod as table
from db import automod_messages as message_table
from db.cases import Case
from db.engine import Database
from tests.bot.core.cases.world import View
from tests.kill.harness import JOB_CLAIM, JOB_DONE, STEPS, Step, run_victim, survive
from tests.kill.test_kill_cases import BAN_STEPS, start_cases
from tests.kill.victim import Scene, die
from tests.loopback_discord import LoopbackDiscord, serve_discord

GUILD, ROOM, LOG, ANN = 1 << 40, 400, 500, 1001
OPENED = "INSERT INTO automod_incidents"
GONE, DONE = "UPDATE automod_messages SET state", "UPDATE automod_members SET carried_out"
HIT_STEPS = {
    "incident opened": Step("committed", OPENED),
    "about to delete": Step("deleting"),
    "deleted": Step("deleted"),
    "deletion not noted": Step("committing", GONE),
    "deletion noted": Step("committed", GONE),
    "order written": BAN_STEPS["order written"],
    "about to ban": BAN_STEPS["about to ban"],
    "banned": BAN_STEPS["banned"],
    "ban not settled": BAN_STEPS["ban not settled"],
    "ban settled": BAN_STEPS["ban settled"],
    "member not noted": Step("committing", DONE),
    "member noted": Step("committed", DONE),
    "about to log": STEPS["about to send"],
    "logged": STEPS["sent"],
}
SETTLE_STEPS = {
    "job claimed": Step("committed", JOB_CLAIM),
    "about to delete": Step("deleting"),
    "deleted": Step("deleted"),
    "deletion noted": Step("committed", GONE),
    "order written": BAN_STEPS["order written"],
    "banned": BAN_STEPS["banned"],
    "member not noted": Step("committing", DONE),
    "member noted": Step("committed", DONE),
    "job marked done": Step("committing", JOB_DONE),
}


class DoomedBridge:
    """Hands on to the real bridge and dies before or after it deletes."""

    def __init__(self, bridge: DiscordBridge, moment: str) -> None:
        self._bridge = bridge
        self._moment = moment

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        call = getattr(self._bridge, name)

        async def doomed(*arguments: Any) -> Any:
            if self._moment == "deleting":
                die()
            answer = await call(*arguments)
            if self._moment == "deleted":
                die()
            return answer

        return doomed


async def start_service(scene: Scene) -> AutomodService:
    """Build the services as the bot does, around what the process has."""
    bridge: Any = DoomedBridge(DiscordBridge(scene.client, "https://cdn"), scene.step.moment)
    bus, settings = settings_of(scene.database, scene.clock, scene.supervisor)
    service = AutomodService(
        scene.database,
        scene.clock,
        settings,
        jobs=scene.jobs,
        outbox=scene.outbox,
        cases=await start_cases(scene),
        problems=ProblemService(
            scene.database, scene.clock, bus, REGISTRY, settings, state=NullState
        ),
        supervisor=scene.supervisor,
        state=NullState,
        remover=bridge,
        changer=bridge,
        gather_seconds=0.0,
        log_pause=0.0,
    )
    service.start()
    return service


REGISTRY = FeatureRegistry([general.FEATURE, automod.FEATURE])


def settings_of(
    database: Database, clock: SystemClock, supervisor: TaskSupervisor
) -> tuple[EventBus, SettingsStore]:
    bus = EventBus()
    audit = AuditLog(clock, bus, supervisor)
    return bus, SettingsStore(database, clock, bus, REGISTRY, audit, state=View)


def occasion(message_id: int) -> Occasion:
    rule = Rule.model_validate(
        {
            "name": "scam",
            "when": {"type": "words", "words": ["nitro"]},
            "actions": [{"type": "delete"}, {"type": "ban"}],
        }
    )
    judgement = Judgement(
        hits=(Hit("scam", "words", text="nitro", detail="nitro"),),
        actions=rule.actions,
        delete=True,
        rules=("scam",),
        messages=(MessageRef(ROOM, message_id),),
        scope_key=str(ANN),
        author_id=ANN,
    )
    return Occasion(
        guild_id=GUILD,
        judgement=judgement,
        rules={"scam": rule},
        person=Target(ANN, "ann"),
        key=str(ANN),
        channel_id=ROOM,
        message_id=message_id,
        content="free nitro",
    )


def hit(_jobs: JobService, _outbox: OutboxService) -> Any:
    """A member writes what a rule hits; whoever takes over is told nothing."""

    async def act(scene: Scene) -> None:
        service = await start_service(scene)
        if scene.is_first:
            (message,) = await scene.client.http.logs_from(ROOM, 1)
            await service.handle(occasion(int(message["id"])))

    return act


def take_over(_jobs: JobService, _outbox: OutboxService) -> Any:
    """Nobody writes anything: what an earlier process left is brought to its end."""
    return start_service


@pytest.fixture
async def server() -> AsyncIterator[LoopbackDiscord]:
    async with serve_discord() as server:
        server.add(ROOM, {"content": "free nitro"}, {"id": str(ANN), "username": "ann"})
        yield server


@pytest.fixture
async def logging(database: Database) -> Database:
    """A database of a guild whose incidents are logged."""
    _bus, settings = settings_of(database, SystemClock(), TaskSupervisor())
    values = {"log_channel_id": str(LOG)}
    await settings.change(GUILD, "automod", values, enabled=True, actor=SYSTEM)
    return database


@pytest.mark.parametrize("step", HIT_STEPS.values(), ids=HIT_STEPS.keys())
async def test_kill_at_each_step_of_an_incident(
    logging: Database, database_url: str, server: LoopbackDiscord, step: Step
):
    await survive(database_url, server.url, "tests.kill.test_kill_automod:hit", step)

    await assert_dealt_with_once(logging, server)


@pytest.mark.parametrize("step", SETTLE_STEPS.values(), ids=SETTLE_STEPS.keys())
async def test_kill_at_each_step_of_taking_an_incident_over(
    logging: Database, database_url: str, server: LoopbackDiscord, step: Step
):
    scenario = "tests.kill.test_kill_automod:hit"
    status, output = await run_victim(
        database_url, server.url, scenario, HIT_STEPS["incident opened"]
    )
    assert status is not None, output
    assert status < 0, output
    scenario = "tests.kill.test_kill_automod:take_over"
    status, output = await run_victim(database_url, server.url, scenario, step, later=150.0)
    assert status is not None, output
    assert status < 0, output
    # Past the lease of a job that may take five minutes.
    status, output = await run_victim(database_url, server.url, scenario, later=900.0)
    assert status == 0, output

    await assert_dealt_with_once(logging, server)


async def test_kill_before_the_incident_is_written_leaves_nothing_half_done(
    logging: Database, database_url: str, server: LoopbackDiscord
):
    step = Step("committing", OPENED)
    await survive(database_url, server.url, "tests.kill.test_kill_automod:hit", step)

    assert (server.bans_made, len(server.messages)) == (0, 1)
    async with logging.read() as session:
        assert (await session.scalars(select(table.Incident))).all() == []


async def assert_dealt_with_once(database: Database, server: LoopbackDiscord) -> None:
    assert (server.bans, server.bans_made, server.bans_lifted) == ({ANN}, 1, 0)
    assert [one for one in server.messages if one["channel_id"] == str(ROOM)] == []
    async with database.read() as session:
        (incident,) = (await session.scalars(select(table.Incident))).all()
        (member,) = (await session.scalars(select(table.IncidentMember))).all()
        (message,) = (await session.scalars(select(message_table.IncidentMessage))).all()
        (case,) = (await session.scalars(select(Case))).all()
    assert (incident.state, incident.open_key) == ("settled", None)
    assert (member.carried_out, message.state) == (member.version, "deleted")
    assert (case.kind, case.state) == ("ban", "applied")
    (shown,) = [one for one in server.messages if one["channel_id"] == str(LOG)]
    done = str(shown["embeds"][0]["fields"])
    assert "1 message deleted" in done
    assert "banned (case 1)" in done
