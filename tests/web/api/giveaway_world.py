"""Giveaways behind the API, and what is sent to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from bot.core.config import Config
from bot.core.jobs import JobService
from bot.core.outbox import OutboxService
from bot.core.supervisor import TaskSupervisor
from cogs.giveaways.board import Board
from cogs.giveaways.bodychecks import BodyChecks
from cogs.giveaways.items import ItemCheck
from cogs.giveaways.opening import Opening
from cogs.giveaways.proof import Proofs
from cogs.giveaways.resource import GiveawayResource
from cogs.giveaways.stocking import Stocking
from cogs.giveaways.upkeep import MessageWatch
from cogs.giveaways.vault import Vault
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.support import CHANNEL, GUILD, World, open_world

PATH = f"/v1/guilds/{GUILD}/giveaways"
HERE = {"Sec-Fetch-Site": "same-origin"}
MUTE_ROLE = 61


async def mute_role(_guild_id: int) -> int:
    return MUTE_ROLE


class FakeDrawing:
    """Notes who ends what, and has it drawn again."""

    def __init__(self) -> None:
        self.again: list[Any] = []
        self.closed: list[Any] = []
        self.ready: list[int] = []
        self.told: list[Any] = []

    async def get_ready(self, guild_id: int) -> None:
        self.ready.append(guild_id)

    async def close(self, session: Any, giveaway_id: Any, *, by: int | None = None) -> bool:
        self.closed.append(giveaway_id)
        return True

    async def tell_of_codes(self, session: Any, giveaway_id: Any) -> None:
        self.told.append(giveaway_id)

    async def reroll(self, giveaway_id: Any, *, note: Any, **wanted: Any) -> None:
        self.again.append(wanted)


@asynccontextmanager
async def giveaways_over_the_api(
    database: Database, clock: FakeClock
) -> AsyncIterator[tuple[World, FakeDrawing]]:
    """A world with giveaways on each of the databases."""
    world = await open_world(database, clock, per_minute=1000)
    services, supervisor = world.services, TaskSupervisor()
    drawing: Any = FakeDrawing()
    jobs = JobService(database, clock, Config().jobs, supervisor)
    outbox = OutboxService(database, clock, supervisor)
    board = Board(
        database,
        clock,
        services.settings,
        jobs=jobs,
        outbox=outbox,
        state=services.state,
        watch=MessageWatch(database, services.problems),
    )
    opening = Opening(
        database, clock, services.settings, jobs=jobs, audit=services.audit, board=board
    )
    resource = GiveawayResource(
        database,
        clock,
        opening=opening,
        drawing=drawing,
        winning=drawing,
        proofs=Proofs(database),
        stocking=Stocking(
            database,
            services.audit,
            vault=Vault(clock, secret="an operator's secret", key_file=None),
            winning=drawing,
        ),
        audit=services.audit,
        checks=BodyChecks(
            services.settings,
            services.state,
            mute_role,
            items=ItemCheck(database, services.settings),
        ),
    )
    services.resources.register("giveaways", resource)
    yield world, drawing
    await world.client.close()


def body(world: World, **changes: Any) -> dict[str, Any]:
    ends_at = (world.services.clock.now() + timedelta(days=1)).isoformat()
    return {"channel_id": str(CHANNEL), "prize": "A boat", "ends_at": ends_at} | changes


async def put(world: World, place: str, version: str, **changes: Any) -> Any:
    match = HERE | {"If-Match": f'"{version}"'}
    return await world.client.put(place, json=body(world, **changes), headers=match)
