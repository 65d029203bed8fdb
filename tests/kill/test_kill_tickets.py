"""A process killed at any step of a ticket opens, closes and reopens it once, in one room."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.contracts import (
    SYSTEM,
    Actor,
    ChannelSummary,
    GuildSummary,
    MemberFacts,
    RoleSummary,
)
from bot.core.errors import Conflict
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.nullstate import NullState
from bot.core.problems import ProblemService
from bot.core.settings import SettingsStore
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from cogs import general
from cogs.tickets import FEATURE, keeper, roomstate
from cogs.tickets.files import FileStore
from cogs.tickets.panel import Panel
from cogs.tickets.ports import Admitted, Applicant, Crowd, Request, RoomPlan
from cogs.tickets.service import Outside, TicketService
from cogs.tickets.settings import KEY
from db import ticket_panels
from db.engine import Database
from db.ticket_panels import TicketPanel
from db.tickets import Ticket, TicketEvent
from tests.kill.harness import Step, survive
from tests.kill.test_kill_autorole import guild, sandbox  # noqa: F401 - fixtures
from tests.kill.victim import Scene, die

CLOSED_BY, WAITING = r"UPDATE tickets SET.* closed_by=", r"UPDATE tickets SET.* waiting_since="
# By which columns a change of the status knows the others.
OPENED = r"UPDATE tickets SET (?!.*(closed_by|waiting_since)=)(?=.*remove_at=).*status="
SHUT = r"UPDATE tickets SET (?!.*(closed_by|waiting_since|remove_at)=).*status="
STEPS = {
    "row not stored": Step("committing", r"INSERT INTO tickets "),
    "row stored": Step("committed", r"INSERT INTO tickets "),
    "about to make the room": Step("making"),
    "room made, not noted": Step("made"),
    "room noted": Step("committed", r"UPDATE tickets SET.* channel_id="),
    "opener let in, not noted": Step("let in"),
    "not open yet": Step("committing", OPENED),
    "open": Step("committed", OPENED),
    "about to welcome": Step("sending"),
    "welcome sent, not noted": Step("sent"),
    "close not stored": Step("committing", CLOSED_BY),
    "close stored": Step("committed", CLOSED_BY),
    "about to say that it is closed": Step("sending", "closed the ticket"),
    "said that it is closed": Step("sent", "closed the ticket"),
    "about to lock": Step("locking"),
    "locked, not noted": Step("locked"),
    "not closed yet": Step("committing", SHUT),
    "closed": Step("committed", SHUT),
    "opener told of the end, not noted": Step("sent", "is closed"),
    "reopening not stored": Step("committing", WAITING),
    "reopening stored": Step("committed", WAITING),
    "unlocked, not noted": Step("unlocked"),
    "not open again yet": Step("committing", OPENED, nth=2),
    "open again": Step("committed", OPENED, nth=2),
    "said that it is open again": Step("sent", "opened the ticket again"),
}


class _View(NullState):
    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Harbour", 1, 10)

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return ChannelSummary(channel_id, guild_id, "general", "text")

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return RoleSummary(role_id, guild_id, "Crew", 1)


class RestRooms:
    """Rooms by REST alone, for a process without a gateway; everybody is a member."""

    def __init__(self, scene: Scene) -> None:
        self._http, self._step, self._locks = scene.client.http, scene.step, 0

    def _die_at(self, moment: str) -> None:
        if self._step.moment == moment:
            die()

    async def find(self, plan: Any, since: Any) -> Any:
        found: Any = await self._http.get_active_threads(plan.guild_id)
        return [int(one["id"]) for one in found["threads"] if one["name"] == plan.name]

    async def look_up(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, MemberFacts]:
        return {one: MemberFacts(one, guild_id, "") for one in user_ids}

    async def make(self, plan: RoomPlan) -> int:
        self._die_at("making")
        kind: Any = 12
        made = await self._http.start_thread_without_message(
            plan.parent_ids[0], name=plan.name, auto_archive_duration=60, type=kind
        )
        self._die_at("made")
        return int(made["id"])

    async def align(self, channel_id: int, plan: RoomPlan, was: Admitted) -> None:
        if plan.locked:
            self._die_at("locking")
        # Nothing of an archived thread can be changed but that it is.
        await self._http.edit_channel(channel_id, archived=False)
        await self._http.edit_channel(channel_id, archived=plan.locked, locked=plan.locked)
        if not plan.locked:
            for user_id in plan.viewers - was.viewers:
                await self._http.add_user_to_thread(channel_id, user_id)
        if plan.locked:
            self._locks += 1
            self._die_at("locked")
        else:
            self._die_at("unlocked" if self._locks else "let in")

    async def expel(self, channel_id: int, plan: RoomPlan, crowd: Crowd) -> Crowd:
        return {}

    async def rename(self, channel_id: int, plan: RoomPlan) -> None: ...

    async def move(self, channel_id: int, plan: RoomPlan) -> None: ...

    async def remove(self, channel_id: int, plan: RoomPlan) -> None: ...

    async def is_there(self, channel_id: int, plan: RoomPlan) -> bool:
        return True

    async def read(self, channel_id: int, after: int, limit: int) -> Sequence[Mapping[str, Any]]:
        return ()

    async def fetch(self, *_where: Any) -> None:
        return None


class _Kernel:
    """What the services are built around."""

    def __init__(self, scene: Scene) -> None:
        self.database, self.clock, self.bus = scene.database, scene.clock, EventBus()
        self.jobs, self.outbox, self.supervisor = scene.jobs, scene.outbox, scene.supervisor
        view = _View()
        self.state = lambda: view
        registry = FeatureRegistry([general.FEATURE, FEATURE])
        self.audit = AuditLog(self.clock, self.bus, self.supervisor)
        self.settings = SettingsStore(
            self.database, self.clock, self.bus, registry, self.audit, state=self.state
        )
        self.problems = ProblemService(
            self.database, self.clock, self.bus, registry, self.settings, state=self.state
        )


def live(_jobs: Any, _outbox: Any) -> Any:
    """Somebody opens a ticket, the staff close it and open it again.

    Whoever takes over does it all again, as people do who got no answer.
    """

    async def act(scene: Scene) -> None:
        (found,) = await scene.client.http.get_guilds(1)
        guild_id = int(found["id"])
        service = await start_tickets(scene, guild_id, RestRooms(scene))
        panel_id = await find_panel(scene.database, guild_id, Panel(name="Help"))
        ticket = await open_ticket(scene, service, guild_id, panel_id)
        await until(scene.database, ticket.id, "open", "closed", "closing")
        if not await was(scene.database, "close"):
            await service.life.close(ticket.id, 5, "Solved")
        await until(scene.database, ticket.id, "closed", "open", "reopening")
        if not await was(scene.database, "reopen"):
            with contextlib.suppress(Conflict):
                await service.life.reopen(ticket.id, 5)
        await until(scene.database, ticket.id, "open")

    return act


async def start_tickets(
    scene: Scene, guild_id: int, outside: Any, *, rooms: Any = None, **settings: Any
) -> TicketService:
    """Run tickets as the bot does, around what the process has, in a guild with these settings."""
    everything = Outside(
        rooms=rooms or outside,
        members=outside,
        history=outside,
        fetcher=outside,
        store=FileStore(Path("unused")),
    )
    # The keeper looks again whether the last message is there: a second of each process.
    keeper._SOON = timedelta(milliseconds=50)
    roomstate.CROWD_AFTER = timedelta(milliseconds=50)
    kernel = _Kernel(scene)
    service = TicketService.build(kernel, everything)
    service.life.start()
    service.keeper.start()
    service.losses.start()
    service.watch.start(service.life.close_in)
    # A process without a bot has nothing that makes the file.
    changes = {"send_transcript": False, **settings}
    await kernel.settings.change(guild_id, KEY, changes, enabled=True, actor=SYSTEM)
    return service


async def open_ticket(scene: Scene, service: TicketService, guild_id: int, panel_id: int) -> Ticket:
    """Have the member who joined last ask for a ticket, with one and the same request."""
    channels = await scene.client.http.get_all_guild_channels(guild_id)
    channel_id = next(int(one["id"]) for one in channels if one["type"] == 0)
    members: Any = await scene.client.http.get_members(guild_id, 10, None)
    # The last to join: the owner was there before.
    opener = max(int(one["user"]["id"]) for one in members if not one["user"].get("bot"))
    return await service.opening.open(
        Request(
            guild_id=guild_id,
            panel_id=panel_id,
            applicant=Applicant(user_id=opener, name="ann"),
            actor=Actor(opener, "command"),
            channel_id=channel_id,
            request_id=77,
        )
    )


async def find_panel(database: Database, guild_id: int, panel: Panel) -> int:
    """Return the id of the panel of that name, which is added if need be."""
    key = panel.name.casefold()
    async with database.write() as session:
        known = await session.scalar(select(TicketPanel.id).filter_by(name_key=key))
        if known is not None:
            return known
        values = {
            "guild_id": guild_id,
            "name": panel.name,
            "name_key": key,
            "config": panel.to_json(),
            "created_at": datetime.now().astimezone(),
        }
        return await ticket_panels.add_panel(session, values) or 0


async def was(database: Database, kind: str) -> bool:
    """Tell whether something of that kind has happened to the ticket."""
    async with database.read() as session:
        return await session.scalar(select(TicketEvent.id).filter_by(kind=kind)) is not None


async def until(database: Database, ticket_id: int, *statuses: str) -> None:
    """Wait until the ticket is in one of these states."""
    while True:
        async with database.read() as session:
            status = await session.scalar(select(Ticket.status).filter_by(id=ticket_id))
        if status in statuses:
            return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS.keys())
async def test_kill_at_each_step_of_a_ticket(
    database: Database,
    database_url: str,
    sandbox: Sandbox,  # noqa: F811
    guild: Guild,  # noqa: F811
    step: Step,
) -> None:
    ann = sandbox.join(guild, "ann")

    await survive(database_url, sandbox.api_base_url, "tests.kill.test_kill_tickets:live", step)

    async with database.read() as session:
        (ticket,) = (await session.scalars(select(Ticket))).all()
        query = select(TicketEvent.kind).order_by(TicketEvent.id)
        events = (await session.scalars(query)).all()
    (room,) = guild.threads.values()
    assert (ticket.status, ticket.number, ticket.channel_id) == ("open", 1, room.id)
    assert not room.thread_state.locked
    assert ann.id in room.thread_state.members
    assert events == ["open", "room_ready", "close", "room_shut", "reopen", "room_ready"]
    said = [one.content for one in room.messages.values() if one.content]
    assert sum("closed the ticket" in one for one in said) == 1
    assert sum("opened the ticket again" in one for one in said) == 1
    # Once for the welcome, once since the ticket is open again.
    assert sum(one.startswith(f"<@{ann.id}>") for one in said) == 2
