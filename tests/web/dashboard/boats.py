"""A resource with everything that one can declare, kept in memory: the boats of a harbour."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, Literal, Self

from aiohttp.test_utils import TestClient, TestServer
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, FieldError, InvalidInput, NotFound
from bot.core.features import Category, Feature, FeatureRegistry
from bot.core.fields.bodies import (
    colour_number,
    item_text,
    member_text,
    member_texts,
    role_text,
    role_texts,
    seconds,
    week,
)
from bot.core.i18n import Message, _
from bot.core.namesearch import NamedMember
from bot.core.resources import Action, Document, Item, Resource
from bot.core.settings import FeatureSettings
from db.engine import Database
from tests.fakes import FakeClock
from tests.web.pages import fill, submit, visit
from tests.web.support import GUILD, REGISTRY, FakeState, FakeWebhooks, World, make_services
from web.app import make_app

HOME = f"/guilds/{GUILD}"
BOATS = f"{HOME}/kept/boats"
NEW = f"{BOATS}/new"
ONE = f"{BOATS}/1"
STRICT = ConfigDict(extra="forbid", frozen=True, strict=False)
LONGEST = timedelta(days=2)


class Crew(BaseModel):
    model_config = STRICT

    size: int = Field(1, ge=1, le=5, title="Size", description="How many sail.")
    captain: Annotated[str, member_text()] | None = None
    role_ids: Annotated[list[str], role_texts()] = []

    @model_validator(mode="after")
    def _check_places(self) -> Self:
        if self.size == 1 and self.captain:
            raise ValueError(_("Nobody is left to steer."))
        return self


class Paint(BaseModel):
    model_config = STRICT

    colour: Annotated[int, colour_number()] = 0
    maker: str = ""


class Stop(BaseModel):
    model_config = STRICT

    pier: str = Field(max_length=5)
    lit: bool = True


class Leg(BaseModel):
    model_config = STRICT

    port: str
    miles: int = 1


class Guest(BaseModel):
    model_config = STRICT

    role_id: Annotated[str, role_text()] | None = None
    berth: Annotated[str, item_text("berths")] | None = None
    friends: Annotated[list[str], member_texts()] = []
    bunks: int | None = Field(None, le=4, title="Bunks")
    role_ids: Annotated[list[str], role_texts()] = []

    @model_validator(mode="after")
    def _check_guest(self) -> Self:
        if self.bunks == 3:
            raise ValueError(_("There is no cabin for three."))
        return self


class Meal(BaseModel):
    model_config = STRICT

    cook: str


class Voyage(BaseModel):
    model_config = STRICT

    title: str = Field(min_length=2, title="Voyage")
    meal: Meal | None = Field(None, title="Meal")
    stops: list[Stop] = Field([], max_length=3, title="Stops")


class Watch(BaseModel):
    model_config = STRICT

    day: int
    opens: time
    closes: time


class BoatBody(BaseModel):
    model_config = STRICT

    name: str = Field(min_length=2, max_length=40, title="Name", description="On its bow.")
    rig: Literal["sloop", "cutter"] = "sloop"
    crew: Crew = Field(Crew(size=2), title="Crew", description="Who is aboard.")
    paint: Paint | None = None
    legs: list[Leg] = []
    guests: list[Guest] = Field([], max_length=3, title="Guests")
    voyages: list[Voyage] = Field([], max_length=2, title="Voyages")
    watches: Annotated[list[Watch], week()] = []
    tags: list[str] = Field([], max_length=3)
    leaves_at: AwareDatetime | None = None
    trip: Annotated[int, seconds(maximum=LONGEST)] | None = None
    insured: bool | None = None
    afloat: bool = True
    length: float = Field(7.5, ge=1, le=90)
    story: str = Field("", max_length=1000)


class BoatDetail(BoatBody):
    id: str
    built_at: datetime
    visits: list[Leg] = []


class MoveBody(BaseModel):
    model_config = STRICT

    berth: int = Field(ge=1, le=9, title="Berth", description="Where it lies then.")
    reason: str = ""
    towed: bool
    lines: list[str]
    pilot: Annotated[str, member_text()] | None = None


def _facts(boat: BoatDetail) -> Sequence[Message | str]:
    return [_("yes") if boat.afloat else _("no"), boat.crew.captain or "", boat.story]


_BOATS = Resource(
    name="boats",
    one="boat",
    many="boats",
    title="Boats",
    label=lambda boat: "" if boat.name == "--" else boat.name,
    model=BoatDetail,
    addition=BoatBody,
    change=BoatBody,
    removal="Sell",
    actions=(
        Action(
            name="haul-out", summary="Haul out", title="Haul out", is_offered=lambda b: b.afloat
        ),
        Action(name="move", summary="Move", title="Move it", body=MoveBody),
        Action(name="scuttle", summary="Scuttle", title="Scuttle", is_final=True),
    ),
    page=3,
    document="papers",
    facts=_facts,
    is_changeable=lambda boat: boat.story != "Sunk.",
    is_removable=lambda boat: boat.story != "Sunk.",
    has_document=lambda boat: boat.story != "Sunk.",
)
_BERTHS = Resource(
    name="berths",
    one="berth",
    many="berths",
    title="Berths",
    label=lambda leg: leg.port,
    model=Leg,
    removal="",
)
HARBOUR = Feature(
    key="harbour",
    title="Harbour",
    description="Boats.",
    category=Category.FUN,
    settings=FeatureSettings,
    resources=(_BOATS, _BERTHS),
)


@dataclass
class Fleet:
    """Answers for boats; each has the guild in which it was added."""

    boats: dict[int, tuple[int, Item]] = field(default_factory=dict)
    done: list[tuple[str, int, Any, Actor]] = field(default_factory=list)
    # What is raised instead of doing anything, once.
    refusal: Exception | None = None
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    # Who is in the guild, and what was looked for among them.
    crowd: list[NamedMember] = field(default_factory=list)
    asked: list[tuple[int, str]] = field(default_factory=list)
    # Whether only user names are looked at.
    by_user_name: bool = False

    async def search(self, guild_id: int, text: str) -> Sequence[NamedMember]:
        self.asked.append((guild_id, text))
        self._refuse()
        looked_at = -1 if self.by_user_name else 0
        return [
            one
            for one in self.crowd
            if any(it.casefold().startswith(text.casefold()) for it in one.names[looked_at:])
        ]

    async def get(self, guild_id: int, item_id: int) -> Item:
        guild, found = self.boats.get(item_id, (0, None))
        if found is None or guild != guild_id:
            raise NotFound(_("There is no boat with the ID {id}.", id=item_id))
        return found

    async def list_page(self, guild_id: int, *, before: int | None, limit: int) -> Sequence[Item]:
        found = [one for guild, one in reversed(self.boats.values()) if guild == guild_id]
        return [one for one in found if before is None or one.id < before][:limit]

    async def add(self, guild_id: int, body: BoatBody, actor: Actor) -> Item:
        self._refuse()
        item_id = next(self.numbers)
        values = body.model_dump(mode="json")
        detail = BoatDetail(
            **values, id=str(item_id), built_at=datetime(2020, 5, 1, 12, tzinfo=UTC)
        )
        self.boats[item_id] = (guild_id, Item(item_id, 1, detail))
        self.done.append(("add", item_id, body, actor))
        return self.boats[item_id][1]

    async def put(
        self, guild_id: int, item_id: int, revision: int, body: BoatBody, actor: Actor
    ) -> Item:
        self._refuse()
        seen = await self.get(guild_id, item_id)
        if seen.revision != revision:
            raise Conflict(_("Somebody else has changed this meanwhile."))
        self.paint(item_id, **body.model_dump(mode="json"))
        self.done.append(("put", item_id, body, actor))
        return self.boats[item_id][1]

    async def remove(self, guild_id: int, item_id: int, revision: int, actor: Actor) -> None:
        self._refuse()
        await self.get(guild_id, item_id)
        del self.boats[item_id]
        self.done.append(("remove", item_id, revision, actor))

    async def act(self, guild_id: int, seen: Item, action: str, body: Any, actor: Actor) -> Item:
        self._refuse()
        self.done.append((action, seen.id, body, actor))
        if action == "haul-out":
            self.paint(seen.id, afloat=False)
        return await self.get(guild_id, seen.id)

    async def document(self, guild_id: int, item_id: int, actor: Actor) -> Document:
        await self.get(guild_id, item_id)
        return Document("papers.json", b"{}")

    def paint(self, item_id: int, **values: Any) -> None:
        """Change a boat as somebody else would."""
        guild_id, item = self.boats[item_id]
        body = BoatDetail.model_validate({**item.body.model_dump(mode="json"), **values})
        self.boats[item_id] = (guild_id, Item(item.id, item.revision + 1, body))

    def body(self, item_id: int) -> Any:
        """Return a boat as it is now."""
        return self.boats[item_id][1].body

    def _refuse(self) -> None:
        refusal, self.refusal = self.refusal, None
        if refusal is not None:
            raise refusal


class Berths:
    """Answers for berths, of which there is one."""

    async def list(self, guild_id: int) -> Sequence[Item]:
        return [await self.get(guild_id, 9)]

    async def get(self, guild_id: int, item_id: int) -> Item:
        return Item(item_id, 0, Leg(port="Lee", miles=4))


def too_deep(pointer: str = "/crew/size") -> InvalidInput:
    """Return what a service says against one field."""
    message = _("The harbour is too deep.")
    return InvalidInput(message, errors=(FieldError(pointer, message),))


def not_yours() -> Denied:
    """Return what a service says against a person."""
    return Denied(_("This boat is not yours."), hint=_("Ask the harbour master."))


async def open_harbour(database: Database, clock: FakeClock) -> tuple[World, Fleet]:
    """Return a world with the harbour's feature besides all others."""
    state, webhooks, fleet = FakeState(), FakeWebhooks(), Fleet()
    services = make_services(database, clock, state, webhooks, per_minute=10_000)
    registry = FeatureRegistry([*REGISTRY.all(), HARBOUR])
    services = replace(services, registry=registry, members=fleet.search)
    services.resources.register("boats", fleet)
    services.resources.register("berths", Berths())
    client = TestClient(TestServer(make_app(services)))
    await client.start_server()
    return World(services, state, clock, webhooks, client), fleet


Harbour = tuple[World, Fleet]


async def add(world: World, **texts: str) -> Any:
    form = (await visit(world, NEW)).form(NEW)
    return await submit(world, fill(form, **({"name": "Petrel"} | texts)))
