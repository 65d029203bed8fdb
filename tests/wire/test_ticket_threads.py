"""Who is in a ticket's thread, over the wire: the staff come and go with their roles."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from bot.sandbox import Sandbox
from bot.sandbox.events import Intent
from bot.sandbox.guild import Guild
from bot.sandbox.models import Role
from bot.sandbox.permissions import Permission
from cogs.tickets import roomstate
from cogs.tickets.panel import Panel
from db.tickets import Ticket
from tests.wire.running import Bot, config_for, running, until
from tests.wire.test_tickets import ready, room_of


async def change(bot: Bot, guild: Guild, name: str, **changes: Any) -> None:
    """Change a panel as the API does."""
    service: Any = bot.kernel.resources.get("ticket-panels")
    item = next(one for one in await service.list(guild.id) if one.body.name == name)
    values = {key: value for key, value in item.body.to_json().items() if key != "id"}
    body = Panel.model_validate(values | changes)
    await service.put(guild.id, item.id, item.revision, body, SYSTEM)


async def test_staff_leave_and_enter_with_their_roles(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    people = {
        name: sandbox.join(guild, name) for name in ("ann", "sam", "zoe", "max", "mod", "kim")
    }
    ann, sam, zoe, mod, kim = (people[one] for one in ("ann", "sam", "zoe", "mod", "kim"))
    roles: dict[str, Role] = {
        "sam": guild.add_role("Helper"),
        "zoe": guild.add_role("Crew"),
        "max": guild.add_role("Told"),
        "mod": guild.add_role("Mod", permissions=int(Permission.MANAGE_THREADS)),
    }
    for name, role in roles.items():
        guild.update_member(people[name].member, roles=(role.id,))
    general = guild.channel("general")
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support", staff=roles["sam"])
        await owner.slash(general, "ticket panel create", name="Bugs", staff=roles["zoe"])
        await change(bot, guild, "Support", ping_roles=[str(roles["max"].id)])
        room = room_of(sandbox, await ann.slash(general, "ticket open", panel="Support"))

        def inside() -> set[str]:
            members = room.thread_state.members
            return {name for name, one in people.items() if one.id in members}

        await until(lambda: inside() == {"ann", "sam", "max"}, what="the staff")
        await owner.slash(room, "ticket add", member=kim.user)
        mod.send(room, "May I look?")
        await owner.slash(room, "ticket move", panel="Bugs")
        await until(lambda: inside() == {"ann", "kim", "mod", "zoe"}, what="the other staff")

        await change(bot, guild, "Bugs", staff_roles=[str(roles["sam"].id)])
        await until(lambda: inside() == {"ann", "kim", "mod", "sam"}, what="the newest staff")
        await sam.slash(room, "ticket claim")
        await sam.slash(room, "ticket unclaim")
        await owner.slash(room, "ticket remove", member=kim.user)
        await until(lambda: inside() == {"ann", "mod", "sam"}, what="one member less")
    assert zoe.id not in room.thread_state.members


async def test_without_the_members_intent_only_the_named_leave(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, sam, kim = (sandbox.join(guild, name) for name in ("ann", "sam", "kim"))
    role = guild.add_role("Helper")
    guild.update_member(sam.member, roles=(role.id,))
    general = guild.channel("general")
    config = config_for(
        sandbox, sqlite_url, jobs={"poll_seconds": 0.2}, discord={"members_intent": False}
    )
    sandbox.application.allowed_intents = Intent.ALL & ~Intent.GUILD_MEMBERS
    async with running(config) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support", staff=role)
        room = room_of(sandbox, await ann.slash(general, "ticket open"))
        await until(lambda: sam.id in room.thread_state.members, what="the staff")
        await sam.slash(room, "ticket claim")
        await owner.slash(room, "ticket add", member=kim.user)
        await until(lambda: kim.id in room.thread_state.members, what="somebody who is added")
        await sam.slash(room, "ticket unclaim")
        await owner.slash(room, "ticket remove", member=kim.user)
        await until(lambda: kim.id not in room.thread_state.members, what="one member less")
        assert sam.id in room.thread_state.members


async def test_who_loses_the_role_leaves_threads_open_and_closed(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roomstate, "CROWD_AFTER", timedelta(milliseconds=100))
    ann, sam, zoe, kim = (sandbox.join(guild, name) for name in ("ann", "sam", "zoe", "kim"))
    role = guild.add_role("Helper")
    for person in (sam, zoe):
        guild.update_member(person.member, roles=(role.id,))
    general = guild.channel("general")
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support", staff=role)
        await change(bot, guild, "Support", per_member=2)
        over = room_of(sandbox, await ann.slash(general, "ticket open"))
        room = room_of(sandbox, await ann.slash(general, "ticket open"))
        # Somebody whom the staff have brought in by hand stays, whatever happens.
        room.add_thread_member(kim.id)

        async def is_noted() -> bool:
            async with bot.kernel.database.read() as session:
                states = await session.scalars(select(Ticket.room_state))
            return all(len(one.get("crowd") or ()) == 2 for one in states)

        await until(is_noted, what="who is in the threads")
        await owner.slash(over, "ticket close", reason="Solved")
        await until(lambda: over.thread_state.archived, what="the end")
        guild.update_member(zoe.member, nick="Zoe")
        guild.update_member(sam.member, roles=())
        await until(lambda: sam.id not in room.thread_state.members, what="one less")
        await until(lambda: sam.id not in over.thread_state.members, what="one less in the other")
        await until(lambda: over.thread_state.archived, what="that it is over again")
        assert over.thread_state.locked
        assert {ann.id, zoe.id} <= over.thread_state.members.keys()
        assert {ann.id, zoe.id, kim.id} <= room.thread_state.members.keys()

        other = guild.add_role("Other")
        await change(bot, guild, "Support", staff_roles=[str(other.id)])
        await until(lambda: zoe.id not in over.thread_state.members, what="nobody of the former")
        await until(lambda: over.thread_state.archived, what="that it is over still")


async def test_who_was_there_by_a_role_that_is_deleted_leaves(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roomstate, "CROWD_AFTER", timedelta(milliseconds=100))
    ann, sam, zoe, kim = (sandbox.join(guild, name) for name in ("ann", "sam", "zoe", "kim"))
    helper, crew, late = (guild.add_role(name) for name in ("Helper", "Crew", "Late"))
    guild.update_member(sam.member, roles=(helper.id,))
    guild.update_member(zoe.member, roles=(helper.id, crew.id))
    guild.update_member(kim.member, roles=(late.id,))
    general = guild.channel("general")
    config = config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})
    async with running(config) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support", staff=helper)
        staff = [str(one.id) for one in (helper, crew, late)]
        await change(bot, guild, "Support", staff_roles=staff, per_member=3)
        over = room_of(sandbox, await ann.slash(general, "ticket open"))
        await change(bot, guild, "Support", room="channel")
        channel = room_of(sandbox, await ann.slash(general, "ticket open"))
        await change(bot, guild, "Support", room="thread")
        room = room_of(sandbox, await ann.slash(general, "ticket open"))
        everybody = {one.id for one in (ann, sam, zoe, kim)}
        for thread in (over, room):
            await until(lambda it=thread: everybody <= it.thread_state.members.keys(), what="all")
        await owner.slash(over, "ticket close", reason="Solved")
        await until(lambda: over.thread_state.archived, what="the end")
        assert helper.id in channel.overwrites

        guild.remove_role(helper)
        for thread in (over, room):
            inside = thread.thread_state.members
            await until(lambda it=inside: sam.id not in it, what="one less")
            assert {ann.id, zoe.id, kim.id} <= inside.keys()
        await until(lambda: over.thread_state.archived, what="that it is over still")
        assert over.thread_state.locked
        assert helper.id not in channel.overwrites
        assert {crew.id, late.id} <= channel.overwrites.keys()

    guild.remove_role(late)
    async with running(config):
        await until(lambda: kim.id not in room.thread_state.members, what="who lost it meanwhile")
        assert {ann.id, zoe.id} <= room.thread_state.members.keys()
