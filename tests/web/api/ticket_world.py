"""A web with tickets behind it: the services as the bot builds them, around a Discord in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from bot.core.contracts import MemberFacts
from cogs.tickets.quality_resources import BLOCKS, TAGS, BlockResource, TagResource
from cogs.tickets.ticket_actions import TICKETS
from cogs.tickets.ticket_resource import TicketResource
from db.audit import list_audit_entries
from db.engine import Database
from tests.cogs.tickets.stage import GUILD, OPENER, OTHER, STAFF, STAFF_ROLE, Stage
from tests.fakes import FakeClock
from tests.web.support import OTHER_GUILD, World, open_world

PATH = f"/v1/guilds/{GUILD}/tickets"
HERE = {"Sec-Fetch-Site": "same-origin"}
BOT, ADMIN = 600, 601


def person(user_id: int, **facts: Any) -> MemberFacts:
    return MemberFacts(user_id, GUILD, f"user{user_id}", **facts)


@dataclass
class FakePeople:
    """The members of the one guild."""

    known: dict[int, MemberFacts] = field(
        default_factory=lambda: {
            one.id: one
            for one in (
                person(STAFF, role_ids=frozenset({STAFF_ROLE})),
                person(OPENER),
                person(OTHER),
                person(BOT, is_bot=True),
                person(ADMIN, permissions=frozenset({"manage_guild"})),
            )
        }
    )

    async def look_up(self, guild_id: int, user_id: int) -> MemberFacts | None:
        return self.known.get(user_id) if guild_id == GUILD else None


class Grants:
    """Nobody was granted anything."""

    async def has(self, guild_id: int, user_id: int, feature: str) -> bool:
        return False


@dataclass
class Office:
    """A world, and the stage behind it."""

    world: World
    stage: Stage
    people: FakePeople
    resource: TicketResource
    tags: TagResource

    @property
    def client(self) -> Any:
        return self.world.client

    async def post(self, path: str, body: Any = None, **headers: str) -> Any:
        sent = {} if body is None else {"json": body}
        return await self.client.post(path, headers=HERE | headers, **sent)

    async def do(self, number: int, action: str, body: Any = None, **headers: str) -> Any:
        return await self.post(f"{PATH}/{number}/{action}", body, **headers)

    async def shown(self, number: int) -> Any:
        return await (await self.client.get(f"{PATH}/{number}")).json()

    async def tag(self, number: int) -> str:
        return (await self.client.get(f"{PATH}/{number}")).headers["ETag"]

    async def audited(self) -> list[Any]:
        async with self.stage.database.read() as session:
            return list(await list_audit_entries(session, guild_id=GUILD))


@asynccontextmanager
async def open_office(database: Database, clock: FakeClock) -> AsyncIterator[Office]:
    world = await open_world(database, clock, per_minute=1000)
    stage, people = await Stage.make(database, clock), FakePeople()
    here = stage.view.guild(GUILD)
    assert here is not None
    world.state.known[GUILD] = here
    grants: Any = Grants()
    tickets = TicketResource(
        stage.service, people, permissions=grants, audit=stage.audit, patience=0.0
    )
    quality = stage.service.quality
    tags = TagResource(quality)
    for resource, service in (
        (TICKETS, tickets),
        (TAGS, tags),
        (BLOCKS, BlockResource(quality)),
    ):
        world.services.resources.register(resource.name, service)
    yield Office(world, stage, people, tickets, tags)
    await world.client.close()


ELSEWHERE = f"/v1/guilds/{OTHER_GUILD}"
