"""A process killed at any step of a purge or mass ban loses and doubles nothing, and reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bot.core import batches
from bot.core.audit import AuditLog
from bot.core.cases import CaseState, DefaultPolicy
from bot.core.contracts import Actor
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.nullstate import NullState
from bot.core.outbox import OutboxService
from bot.core.settings import SettingsStore
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from cogs import general, moderation
from cogs.moderation.massbanning import KIND as MASSBAN
from cogs.moderation.massbanning import MassBan, MassBanner, order_ban
from cogs.moderation.purges import KIND as PURGE
from cogs.moderation.purges import Purge, PurgeService
from cogs.moderation.rules.massban import Candidate
from cogs.moderation.rules.purge import PurgeFilter
from db import cases as case_table
from db.engine import Database
from tests.fakes import reach_all
from tests.kill.harness import JOB_CLAIM, JOB_DONE, Step, survive
from tests.kill.test_kill_cases import start_cases
from tests.kill.victim import Scene, die

TOKEN = "loopback.token.value"
BEGUN, MOVED = "INSERT INTO moderation_batches", "UPDATE moderation_batches SET.* outcome="
ENDED = "UPDATE moderation_batches SET.* ended_at="
MESSAGES, PEOPLE = 205, 5
PIECE_STEPS = {"piece not noted": Step("committing", MOVED), "end noted": Step("committed", ENDED)}
PURGE_STEPS = {
    "batch stored": Step("committed", BEGUN),
    "job claimed": Step("committed", JOB_CLAIM),
    "about to delete": Step("deleting 2"),
    "deleted": Step("deleted 2"),
    **PIECE_STEPS,
    "piece noted": Step("committed", MOVED),
    "end not noted": Step("committing", ENDED),
    "job marked done": Step("committing", JOB_DONE),
}
MASSBAN_STEPS = {"about to ban": Step("calling"), "banned": Step("called"), **PIECE_STEPS}


def start(scene: Scene, cases: Any = None) -> tuple[batches.BatchService, PurgeService]:
    """Build the service as the bot does, around what the process has."""
    # Nobody looks on in these processes: what came of it is written at once.
    batches.TELL_AFTER = timedelta()
    database, clock, bus = scene.database, scene.clock, EventBus()
    audit = AuditLog(clock, bus, scene.supervisor)
    registry = FeatureRegistry([general.FEATURE, moderation.FEATURE])
    settings = SettingsStore(database, clock, bus, registry, audit, state=NullState)
    purges = PurgeService(
        scene.client,
        clock,
        settings=settings,
        audit=audit,
        outbox=scene.outbox,
        state=NullState,
    )
    service = batches.BatchService(database, clock, jobs=scene.jobs, outbox=scene.outbox)
    service.register(PURGE, purges)
    service.register(MASSBAN, MassBanner(cases, NullState, reach=reach_all))
    return service, purges


async def owner_of(scene: Scene) -> tuple[int, Actor]:
    """Return the guild and its owner, who orders things here."""
    (guild,) = await scene.client.http.get_guilds(1)
    found = await scene.client.http.get_guild(int(guild["id"]))
    return int(guild["id"]), Actor(int(found["owner_id"]), "command", "captain")


def purge(_jobs: JobService, _outbox: OutboxService) -> Any:
    """A moderator deletes all of a channel; whoever takes over is asked nothing."""

    async def act(scene: Scene) -> None:
        _doom_deletions(scene)
        service, purges = start(scene)
        if scene.is_first:
            guild_id, actor = await owner_of(scene)
            channels: Any = await scene.client.http.get_all_guild_channels(guild_id)
            (channel,) = (int(one["id"]) for one in channels if one["name"] == "general")
            wanted = Purge(guild_id, channel, PurgeFilter(), MESSAGES, before_id=2**62)
            found = await purges.find(wanted)
            order = purges.order(wanted, found.ids, actor, occasion=1, locale="en")
            await service.begin(order)

    return act


def _doom_deletions(scene: Scene) -> None:
    http: Any = scene.client.http
    delete, calls = http.delete_messages, Counter[str]()

    async def doomed(*arguments: Any, **named: Any) -> None:
        calls["made"] += 1
        if scene.step.moment == f"deleting {calls['made']}":
            die()
        await delete(*arguments, **named)
        if scene.step.moment == f"deleted {calls['made']}":
            die()

    http.delete_messages = doomed


def massban(_jobs: JobService, _outbox: OutboxService) -> Any:
    """A moderator bans many; whoever takes over is asked nothing."""

    async def act(scene: Scene) -> None:
        cases = await start_cases(scene)
        cases.use_policy(DefaultPolicy())
        service, _ = start(scene, cases)
        if scene.is_first:
            guild_id, actor = await owner_of(scene)
            ban = MassBan(guild_id, 1, 1, "raid", timedelta())
            members = await scene.client.http.get_members(guild_id, 100, None)
            people = [
                Candidate(int(one["user"]["id"]), one["user"]["username"])
                for one in members
                if one["user"]["username"].startswith("raider")
            ]
            await service.begin(order_ban(ban, people, actor, "en"))

    return act


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(token=TOKEN) as sandbox:
        yield sandbox


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return sandbox.add_guild("Harbour", channels=("general",))


def letters(sandbox: Sandbox, guild: Guild) -> list[str]:
    owner = guild.members[guild.owner_id].user
    dm = sandbox.world.open_dm(sandbox.application.user, owner)
    return [one.content for one in dm.messages.values()]


@pytest.mark.parametrize("step", PURGE_STEPS.values(), ids=PURGE_STEPS.keys())
async def test_kill_at_each_step_of_a_purge(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    ada, general = sandbox.join(guild, "ada"), guild.channel("general")
    for number in range(MESSAGES):
        ada.send(general, str(number))

    await survive(database_url, sandbox.api_base_url, "tests.kill.test_kill_batches:purge", step)

    assert general.messages == {}
    calls = sandbox.recorder.calls_to("POST", "*/bulk-delete")
    deleted = Counter(one for call in calls for one in call.body["messages"])
    assert len(deleted) == MESSAGES
    # "About to delete" dies before the call, so none is made twice.
    assert set(deleted.values()) == {1}
    (letter,) = letters(sandbox, guild)
    assert f"{MESSAGES} messages are gone" in letter


@pytest.mark.parametrize("step", MASSBAN_STEPS.values(), ids=MASSBAN_STEPS.keys())
async def test_kill_at_each_step_of_a_mass_ban(
    database: Database, database_url: str, sandbox: Sandbox, guild: Guild, step: Step
) -> None:
    for number in range(PEOPLE):
        sandbox.join(guild, f"raider{number}")

    await survive(database_url, sandbox.api_base_url, "tests.kill.test_kill_batches:massban", step)

    assert sorted(one.user.name for one in guild.bans.values()) == [
        f"raider{number}" for number in range(PEOPLE)
    ]
    async with database.read() as session:
        cases = await case_table.list_cases(session, guild.id)
    assert sorted(case.number for case in cases) == list(range(1, PEOPLE + 1))
    assert {case.state for case in cases} == {CaseState.APPLIED}
    (letter,) = letters(sandbox, guild)
    assert f"{PEOPLE} people are banned" in letter
