"""Tickets over the wire: a panel, a form of two pages, a room, its end, and what is on record."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from bot.sandbox import Sandbox
from bot.sandbox.actor import Actor as Person
from bot.sandbox.channel import Channel
from bot.sandbox.guild import Guild
from bot.sandbox.interactions import Interaction
from bot.sandbox.models import ChannelType, walk_components
from cogs.tickets.naming import plain_names
from cogs.tickets.panel import Panel
from cogs.tickets.ports import Admitted
from db.ticket_messages import TicketFile, TicketMessage
from db.tickets import get_ticket
from tests.wire.running import Bot, config_for, running, until

KIND = {
    "key": "kind",
    "label": "Kind",
    "kind": "radio",
    "choices": [{"value": "bug", "label": "Bug"}, {"value": "pay", "label": "Payment"}],
}
PAGES = [
    {"questions": [KIND, {"key": "who", "label": "Who else", "kind": "user", "required": False}]},
    {
        "questions": [
            {"key": "text", "label": "What happens", "kind": "paragraph"},
            {"key": "file", "label": "Picture", "kind": "file", "required": False},
            {"key": "tick", "label": "Ticked", "kind": "checkboxes", "choices": KIND["choices"]},
        ]
    },
]


def said_in(answer: Interaction) -> str:
    assert answer.response is not None
    return answer.response.text()


def ids_in(message: Any) -> list[str]:
    return [
        str(one["custom_id"]) for one in walk_components(message.components) if "custom_id" in one
    ]


async def ready(sandbox: Sandbox, guild: Guild, bot: Bot) -> Person:
    await until(lambda: bot.kernel.state().guild(guild.id), what="the guild")
    return sandbox.actor(guild.members[guild.owner_id].user, guild)


async def is_stored(bot: Bot) -> bool:
    async with bot.kernel.database.read() as session:
        return await session.scalar(select(TicketFile.state)) == "stored"


async def change_panel(bot: Bot, guild: Guild, **changes: Any) -> None:
    """Change the guild's panel as the API does."""
    service: Any = bot.kernel.resources.get("ticket-panels")
    (item,) = await service.list(guild.id)
    values = {key: value for key, value in item.body.to_json().items() if key != "id"}
    body = Panel.model_validate(values | changes)
    await service.put(guild.id, item.id, item.revision, body, SYSTEM)


def room_of(sandbox: Sandbox, answer: Interaction) -> Channel:
    match = re.search(r"<#(\d+)>", said_in(answer))
    assert match is not None, said_in(answer)
    return sandbox.world.channels[int(match[1])]


async def plan_of(bot: Bot) -> tuple[Any, Any]:
    """Return what makes rooms, and the plan of the first ticket's."""
    client: Any = bot.runtime._connection.client
    service = client.get_cog("Tickets").service
    async with bot.kernel.database.read() as session:
        ticket = await get_ticket(session, 1)
        return service.keeper._rooms, await service.keeper.plan(session, ticket)


async def lock_again(bot: Bot, room: Channel) -> None:
    """Lock a thread that is locked, and one that Discord has archived by itself."""
    rooms, plan = await plan_of(bot)
    was = Admitted(plan.viewers, plan.staff_roles)
    await rooms.align(room.id, plan, was)
    room.update_thread(locked=False)
    assert room.thread_state.archived
    await rooms.align(room.id, plan, was)
    assert room.thread_state.locked


async def test_a_ticket_from_its_form_to_its_transcript(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, sam = sandbox.join(guild, "ann"), sandbox.join(guild, "sam")
    role = guild.add_role("Helper", permissions=0)
    guild.update_member(sam.member, roles=(role.id,))
    general, staff = guild.channel("general"), guild.channel("staff")
    config = config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})
    async with running(config) as bot:
        owner = await ready(sandbox, guild, bot)
        made = await owner.slash(general, "ticket panel create", name="Support", staff=role)
        assert "Support" in said_in(made)
        await change_panel(bot, guild, pages=PAGES)
        changes = {"log_channel_id": str(staff.id)}
        await bot.kernel.settings.change(guild.id, "tickets", changes, actor=SYSTEM)
        await owner.slash(general, "ticket panel post", style="select")
        message = await sandbox.wait_for_message(general, containing="Talk to the staff")

        first = await ann.select(message, ids_in(message)[0], ["1"])
        offered = await ann.submit_modal(first, {"kind": "bug"})
        assert "Page 1 of 2" in said_in(offered)

    # What was written outlives a restart, and so do the buttons.
    async with running(config) as bot:
        await ready(sandbox, guild, bot)
        second = await ann.click(offered, "tickets:form:1:1")
        picture = [("lamp.png", b"\x89PNG\r\n\x1a\n0")]
        opened = await ann.submit_modal(
            second, {"text": "It **breaks**", "file": picture, "tick": ["bug"]}
        )
        room = room_of(sandbox, opened)
        assert (room.type, room.name) == (ChannelType.PRIVATE_THREAD, "Support-0001")
        welcome = await sandbox.wait_for_message(room, containing="What happens")
        assert {ann.id, sam.id} <= set(room.thread_state.members)

        ann.send(room, "Are you there?")
        claimed = await sam.click(welcome, "tickets:claim:1")
        assert "You see to this ticket now" in said_in(claimed)
        sam.send(room, "Yes")
        asked = await sam.slash(room, "ticket closerequest", reason="Fixed")
        assert "is asked" in said_in(asked)
        question = await sandbox.wait_for_message(room, containing="Can the ticket be closed?")
        await ann.click(question, "tickets:accept:1")
        await until(lambda: room.thread_state.locked, what="the locked thread")
        await lock_again(bot, room)
        log = await sandbox.wait_for_message(staff, containing="ticket 1 is closed")
        (file,) = log.attachments
        page = file.content.decode()
        for text in ("Are you there?", "It <strong>breaks</strong>", "lamp.png", "Fixed"):
            assert text in page
        assert "<script" not in page

        handed = await ann.slash(general, "ticket transcript", ticket="1")
        assert handed.response is not None
        assert [one.filename for one in handed.response.attachments] == ["ticket-0001.html"]
        stranger = sandbox.join(guild, "eve")
        denied = await stranger.slash(general, "ticket transcript", ticket="1")
        assert "There is no such ticket" in said_in(denied)

        # The files are to be had by who may read them, however large the page was.
        await until(lambda: is_stored(bot), what="the file")
        offered = await ann.autocomplete(general, "ticket file", "file", "LAMP", ticket="1")
        assert [one["value"] for one in offered] == ["lamp.png"]
        for person in (ann, sam):
            got = await person.slash(general, "ticket file", file="lamp.png", ticket="1")
            assert got.response is not None
            assert got.response.flags & 64
            assert said_in(got) == "From ticket 1."
            (file,) = got.response.attachments
            assert (file.filename, file.content) == ("lamp.png", picture[0][1])
        denied = await stranger.slash(general, "ticket file", file="lamp.png", ticket="1")
        assert "There is no such ticket" in said_in(denied)
        assert await stranger.autocomplete(general, "ticket file", "file", "", ticket="1") == []

        again = await sam.slash(general, "ticket reopen", ticket="1")
        assert f"<#{room.id}>" in said_in(again)
        assert not room.thread_state.locked
        found = await sam.slash(general, "ticket search", words="there")
        assert "Are you there?" in said_in(found)


async def test_channels_overflow_and_a_deleted_one_keeps_its_record(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, bob = sandbox.join(guild, "ann"), sandbox.join(guild, "bob")
    general = guild.channel("general")
    full, spare = [guild.add_channel(one, ChannelType.CATEGORY) for one in ("Full", "Spare")]
    for number in range(50):
        guild.add_channel(f"c{number}", parent=full)
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support", place=full)
        refused = await ann.slash(general, "ticket open")
        assert "There is no place left in 📁 Full" in said_in(refused)

        await change_panel(bot, guild, overflow_ids=[str(spare.id)])
        room = room_of(sandbox, await ann.slash(general, "ticket open"))
        assert room.parent_id == spare.id
        assert {ann.id, guild.id} <= set(room.overwrites)
        assert bob.id not in room.overwrites
        ann.send(room, "Hello")
        guild.remove_channel(room)

        async def is_closed() -> bool:
            answer = await ann.slash(general, "ticket transcript", ticket="2")
            files = answer.response.attachments if answer.response is not None else ()
            return any("deleted in Discord" in one.content.decode() for one in files)

        await until(is_closed, what="the transcript of the deleted channel")
        again = room_of(sandbox, await owner.slash(general, "ticket reopen", ticket="2"))
        assert again.id != room.id
        await sandbox.wait_for_message(again, containing="opened the ticket again")


@pytest.mark.parametrize("kind", ["thread", "channel"])
async def test_a_name_that_discord_bars_becomes_the_number(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, kind: str
) -> None:
    guild.features.append("DISCOVERABLE")
    ann = sandbox.join(guild, "ann")
    general = guild.channel("general")
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support")
        await change_panel(bot, guild, room=kind, naming="1488-{number}")
        room = room_of(sandbox, await ann.slash(general, "ticket open"))
        assert room.name == "ticket-0001"
        await owner.slash(room, "ticket rename", name="fine")
        await until(lambda: room.name == "fine", what="the name")
        await owner.slash(room, "ticket rename", name="a 1488")
        await until(lambda: room.name == "ticket-0001", what="the number")
        # The number itself may be barred.
        rooms, plan = await plan_of(bot)
        made = await rooms.make(replace(plan, name="1488", plain_names=plain_names(1488)))
        assert sandbox.world.channels[made].name == "ticket-1-4-8-8"


async def test_a_category_that_fills_up_meanwhile_gives_way_to_the_next(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann = sandbox.join(guild, "ann")
    general = guild.channel("general")
    full, spare = [guild.add_channel(one, ChannelType.CATEGORY) for one in ("Full", "Spare")]
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support", place=full)
        await change_panel(bot, guild, overflow_ids=[str(spare.id)])
        client: Any = bot.runtime._connection.client
        rooms = client.get_cog("Tickets").service.keeper._rooms
        rooms._with_place = lambda *_: [full.id, spare.id]
        for number in range(50):
            guild.add_channel(f"c{number}", parent=full)
        room = room_of(sandbox, await ann.slash(general, "ticket open"))
        assert room.parent_id == spare.id


async def test_tickets_go_on_when_the_bot_is_added_again(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, ben = sandbox.join(guild, "ann"), sandbox.join(guild, "ben")
    general = guild.channel("general")
    config = config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})
    async with running(config) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support")
        # What the session began with is behind: nothing of these tickets was missed so far.
        client: Any = bot.runtime._connection.client
        await client.get_cog("Tickets").service.capture.flush()
        rooms = [
            room_of(sandbox, await one.slash(general, "ticket open", panel="Support"))
            for one in (ann, ben)
        ]
        for room in rooms:
            await sandbox.wait_for_message(room, containing="Support")
        guild.remove_member(sandbox.application.user.id)
        await until(lambda: not bot.kernel.state().guild(guild.id), what="the guild gone")
        await bot.kernel.roster.flush()
        ann.leave()
        ben.send(rooms[1], "Is anybody here?")

        sandbox.world.install(sandbox.application, guild)

        async def is_caught_up() -> bool:
            async with bot.kernel.database.read() as session:
                one, other = await get_ticket(session, 1), await get_ticket(session, 2)
                said = await session.scalars(select(TicketMessage.content))
                heard = "Is anybody here?" in said.all()
            return bool(
                one and one.status == "closed" and other and other.status == "open" and heard
            )

        await until(is_caught_up, what="the ticket closed, and what was written")
