"""A process killed at any step of a ticket in a channel leaves one channel, open to the right ones.

Here is what differs from a thread: the channel and its overwrites, its category, its end, and the
new one at reopening. The rest is in `test_kill_tickets`.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from sqlalchemy import select

from bot.core.errors import Conflict
from bot.core.nullstate import NullState
from bot.sandbox import Sandbox
from bot.sandbox.channel import Channel
from bot.sandbox.guild import Guild
from bot.sandbox.models import ChannelType
from bot.sandbox.permissions import Permission
from cogs.tickets.panel import Panel, Room
from cogs.tickets.rooms import DiscordRooms
from cogs.tickets.service import TicketService
from db import ticket_panels
from db.engine import Database
from db.tickets import Ticket, TicketEvent
from tests.kill.harness import Step, survive
from tests.kill.test_kill_autorole import guild, sandbox  # noqa: F401 - fixtures
from tests.kill.test_kill_tickets import (
    OPENED,
    SHUT,
    RestRooms,
    find_panel,
    open_ticket,
    start_tickets,
    until,
    was,
)
from tests.kill.victim import Scene, die

# What Discord is asked for, as `_Wire` writes it down.
MAKE, DELETE = r"POST /guilds/\{guild_id\}/channels ", r"DELETE /channels/\{channel_id\} "
_EDIT = r"PATCH /channels/\{channel_id\} "
ADMIT, MOVE = f"{_EDIT}.*permission_overwrites", f"{_EDIT}.*parent_id"
NOTED = r"UPDATE tickets SET (?!.*status=)(?!.*remove_at=).*room_state="
HOUSED = r"UPDATE tickets SET (?!.*remove_at=).*channel_id="
DROPPED = r"UPDATE tickets SET (?!.*status=)(?=.*remove_at=).*room_lost="

STAYING = {
    "about to make the channel": Step("asking", MAKE),
    "channel made, not noted": Step("asked", MAKE),
    "channel not noted yet": Step("committing", HOUSED),
    "channel noted": Step("committed", HOUSED),
    "other staff let in, not noted": Step("asked", ADMIT),
    "other staff noted, not moved": Step("asking", MOVE),
    "moved, not noted": Step("asked", MOVE),
    "about to shut the opener up": Step("asking", ADMIT, nth=2),
    "opener shut up, not noted": Step("asked", ADMIT, nth=2),
    "not closed yet": Step("committing", SHUT),
    "opener may write, not noted": Step("asked", ADMIT, nth=3),
    "not open again yet": Step("committing", OPENED, nth=2),
}
EXPIRING = {
    "about to delete": Step("asking", DELETE),
    "deleted, not noted": Step("asked", DELETE),
    "end of the channel not stored": Step("committing", DROPPED),
    "end of the channel stored": Step("committed", DROPPED),
}
# The new channel is noted and welcomed as the first one was.
LOSING = {
    "deleted by hand, not heard": Step("asked", DELETE),
    "loss not stored": Step("committing", DROPPED),
    "loss stored": Step("committed", DROPPED),
    "new channel made, not noted": Step("asked", MAKE, nth=2),
    "new channel noted": Step("committed", HOUSED, nth=2),
    "not open in it yet": Step("committing", OPENED, nth=2),
    "said in it that it is open": Step("sent", "opened the ticket again"),
}
LOSING_OPEN = {
    "deleted by hand, not heard": Step("asked", DELETE),
    "loss not stored": Step("committing", DROPPED),
}
CASES = {
    f"{name}: {what}": (name, step)
    for name, steps in (
        ("stay", STAYING),
        ("expire", EXPIRING),
        ("lose_closed", LOSING),
        ("lose_open", LOSING_OPEN),
    )
    for what, step in steps.items()
}


class _Wire:
    """Dies before or after a request to Discord."""

    def __init__(self, scene: Scene) -> None:
        self._step, self._left = scene.step, scene.step.nth
        self._request = scene.client.http.request

    async def request(self, route: Any, **extra: Any) -> Any:
        asked = f"{route.method} {route.path} {extra.get('json')}"
        is_it = self._step.moment in {"asking", "asked"} and re.match(self._step.pattern, asked)
        self._left -= bool(is_it)
        is_now = is_it and not self._left
        if is_now and self._step.moment == "asking":
            die()
        answer = await self._request(route, **extra)
        if is_now:
            die()
        return answer


class _Bot:
    """What the rooms need of the bot, with a cache that is read anew instead of followed."""

    def __init__(self, client: discord.Client, guild_id: int) -> None:
        self.client, self.http, self._guild_id = client, client.http, guild_id
        self.kernel = SimpleNamespace(state=NullState)
        self._guild: discord.Guild | None = None

    async def refresh(self) -> None:
        data: Any = await self.http.get_guild(self._guild_id)
        data["channels"] = await self.http.get_all_guild_channels(self._guild_id)
        own_id = self.client.user.id if self.client.user else 0
        data["members"] = [await self.http.get_member(self._guild_id, own_id)]
        self._guild = discord.Guild(data=data, state=self.client._connection)

    def get_guild(self, guild_id: int) -> discord.Guild | None:
        return self._guild


class _FreshRooms:
    """The rooms as the bot has them, whose cache is up to date at each call."""

    def __init__(self, bot: Any) -> None:
        self._bot, self._rooms = bot, DiscordRooms(bot)

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any) -> Any:
            await self._bot.refresh()
            return await getattr(self._rooms, name)(*args)

        return call


class _Life:
    """What people do with the one ticket, in either process: what was done is not done again."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.database = scene, scene.database
        self.service: TicketService | None = None
        self.guild_id = self.ticket_id = 0

    async def begin(self, **settings: Any) -> TicketService:
        http: Any = self.scene.client.http
        (found,) = await http.get_guilds(1)
        self.guild_id = int(found["id"])
        http.request = _Wire(self.scene).request
        rooms = _FreshRooms(_Bot(self.scene.client, self.guild_id))
        outside = RestRooms(self.scene)
        self.service = service = await start_tickets(
            self.scene, self.guild_id, outside, rooms=rooms, **settings
        )
        home = Panel(name="Help", room=Room.CHANNEL, parent_id=await self.find("Tickets"))
        panel_id = await find_panel(self.database, self.guild_id, home)
        ticket = await open_ticket(self.scene, service, self.guild_id, panel_id)
        self.ticket_id = ticket.id
        await until(self.database, ticket.id, "open", "closed", "closing", "reopening")
        return service

    async def find(self, name: str) -> int:
        channels = await self.scene.client.http.get_all_guild_channels(self.guild_id)
        return next(int(one["id"]) for one in channels if one["name"] == name)

    async def room(self) -> int | None:
        async with self.database.read() as session:
            return await session.scalar(select(Ticket.channel_id).filter_by(id=self.ticket_id))

    async def move(self, service: TicketService) -> None:
        data = await self.scene.client.http.get_guild(self.guild_id)
        crew = next(int(one["id"]) for one in data["roles"] if one["name"] == "Crew")
        parent_id = await self.find("Harder tickets")
        panel = Panel(name="Harder", room=Room.CHANNEL, parent_id=parent_id, staff_roles=(crew,))
        panel_id = await find_panel(self.database, self.guild_id, panel)
        if await was(self.database, "move"):
            return
        async with self.database.read() as session:
            row = await ticket_panels.get_panel(session, self.guild_id, panel_id)
        assert row is not None
        await service.life.move(self.ticket_id, 5, row)

    async def wait_for(self, part: str, there: Callable[[Any], bool]) -> None:
        while True:
            async with self.database.read() as session:
                ticket = await session.get_one(Ticket, self.ticket_id)
            if there(getattr(ticket, part)):
                return
            await asyncio.sleep(0.02)

    async def close(self, service: TicketService) -> None:
        if not await was(self.database, "close"):
            await service.life.close(self.ticket_id, 5, "Solved")
        await until(self.database, self.ticket_id, "closed", "open", "reopening")

    async def delete_by_hand(self, service: TicketService) -> None:
        """Delete the channel, of which this process hears; the next looks for what it missed."""
        if await was(self.database, "reopen") or (room := await self.room()) is None:
            return
        channels = await self.scene.client.http.get_all_guild_channels(self.guild_id)
        if room in {int(one["id"]) for one in channels}:
            await self.scene.client.http.delete_channel(room)
            await service.losses.room_deleted(room)
        elif not await was(self.database, "close"):
            await service.losses.begin_session([self.guild_id])
            await self.wait_for("channel_id", lambda room: room is None)

    async def reopen(self, service: TicketService) -> None:
        await until(self.database, self.ticket_id, "closed", "open", "reopening")
        if not await was(self.database, "reopen"):
            with contextlib.suppress(Conflict):
                await service.life.reopen(self.ticket_id, 5)
        await until(self.database, self.ticket_id, "open")


def stay(_jobs: Any, _outbox: Any) -> Any:
    """A ticket is moved to another panel, closed, and opened again in its channel."""

    async def act(scene: Scene) -> None:
        life = _Life(scene)
        service = await life.begin()
        if not await was(life.database, "close"):
            await life.move(service)
            parents = [str(await life.find("Harder tickets"))]
            await life.wait_for("room_state", lambda state: state.get("parents") == parents)
        await life.close(service)
        await life.reopen(service)

    return act


def expire(_jobs: Any, _outbox: Any) -> Any:
    """A closed ticket's channel is deleted at its time; opened again, it gets a new one."""

    async def act(scene: Scene) -> None:
        life = _Life(scene)
        service = await life.begin(keep_channel_for=0)
        await life.close(service)
        if not await was(life.database, "reopen"):
            await life.wait_for("channel_id", lambda room: room is None)
        await life.reopen(service)

    return act


def lose_closed(_jobs: Any, _outbox: Any) -> Any:
    """Somebody deletes the channel of a closed ticket, which is opened again in a new one."""

    async def act(scene: Scene) -> None:
        life = _Life(scene)
        service = await life.begin()
        await life.close(service)
        await life.delete_by_hand(service)
        await life.reopen(service)

    return act


def lose_open(_jobs: Any, _outbox: Any) -> Any:
    """Somebody deletes the channel of an open ticket, which is opened again in a new one."""

    async def act(scene: Scene) -> None:
        life = _Life(scene)
        service = await life.begin()
        await life.delete_by_hand(service)
        await life.reopen(service)

    return act


ALWAYS = ["open", "room_ready", "reopen", "room_ready"]
EVENTS = {
    "stay": ["move", "close", "room_shut"],
    "expire": ["close", "room_shut", "room_removed"],
    "lose_closed": ["close", "room_shut", "room_lost"],
    "lose_open": ["room_lost"],
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_kill_at_each_step_of_a_ticket_in_a_channel(
    database: Database,
    database_url: str,
    sandbox: Sandbox,  # noqa: F811
    guild: Guild,  # noqa: F811
    case: tuple[str, Step],
) -> None:
    name, step = case
    homes = [guild.add_channel(one, ChannelType.CATEGORY) for one in ("Tickets", "Harder tickets")]
    guild.add_role("Crew", permissions=0)
    ann = sandbox.join(guild, "ann")
    scenario = f"tests.kill.test_kill_ticket_channels:{name}"

    await survive(database_url, sandbox.api_base_url, scenario, step)

    async with database.read() as session:
        (ticket,) = (await session.scalars(select(Ticket))).all()
        events = (await session.scalars(select(TicketEvent.kind))).all()
    (room,) = (one for one in guild.channels.values() if one.topic == "Ticket 1")
    assert (ticket.status, ticket.number, ticket.channel_id) == ("open", 1, room.id)
    assert Counter(events) == Counter([*ALWAYS, *EVENTS[name]])
    assert room.parent_id == homes[name == "stay"].id
    assert_open_to(room, sandbox.application.user.id, ann.id)
    said = [one.content for one in room.messages.values() if one.content]
    assert sum("closed the ticket" in one for one in said) == (name == "stay")
    assert sum("opened the ticket again" in one for one in said) == 1
    # Once for the welcome, once since the ticket is open again.
    assert sum(one.startswith(f"<@{ann.id}>") for one in said) == 2


def assert_open_to(room: Channel, bot_id: int, opener_id: int) -> None:
    """Make sure that the opener and the staff can write there, and nobody else sees it."""
    home = room.guild
    assert home is not None
    crew = home.role("Crew").id
    staff = {crew} if room.parent_id == home.channel("Harder tickets").id else set[int]()
    assert set(room.overwrites) == {home.id, bot_id, opener_id, *staff}
    hidden = room.overwrites[home.id]
    assert hidden.deny & Permission.VIEW_CHANNEL
    for target in (opener_id, *staff):
        assert room.overwrites[target].allow & Permission.SEND_MESSAGES
        assert not room.overwrites[target].deny
