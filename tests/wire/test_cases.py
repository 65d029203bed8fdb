"""A temporary ban over the wire: written to, banned, logged, lifted; and what a refusal leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.cases import CaseKind, CaseState, Order, Target
from bot.core.contracts import SYSTEM, Actor
from bot.core.errors import Denied
from bot.core.kernel import Kernel
from bot.sandbox import Sandbox
from bot.sandbox.actor import Actor as Person
from bot.sandbox.channel import Channel
from bot.sandbox.guild import Guild
from bot.sandbox.permissions import Permission
from tests.wire.running import Bot, config_for, running, until


def order(guild: Guild, person: Person, kind: CaseKind, duration: timedelta | None = None) -> Order:
    return Order(
        guild_id=guild.id,
        kind=kind,
        target=Target(person.id, person.user.name),
        moderator=Actor(guild.owner_id, "command", "captain"),
        source="command",
        dedupe_key=f"interaction:{person.id}:{kind}",
        reason="spam",
        duration=duration,
    )


async def prepare(bot: Bot, guild: Guild) -> Kernel:
    kernel = bot.kernel
    await until(lambda: kernel.state().guild(guild.id), what="the guild")
    staff = guild.channel("staff").id
    await kernel.settings.change(guild.id, "general", {"log_channel_id": staff}, actor=SYSTEM)
    return kernel


def dms_of(sandbox: Sandbox, person: Person) -> Channel:
    return sandbox.world.open_dm(sandbox.application.user, person.user)


def shown(channel: Channel) -> list[str]:
    return [
        message.content or str(message.embeds[0]["description"])
        for message in channel.messages.values()
    ]


async def test_temporary_ban_from_farewell_to_lift(sandbox: Sandbox, guild: Guild, sqlite_url: str):
    ann = sandbox.join(guild, "ann")
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        kernel = await prepare(bot, guild)
        case = await kernel.cases.order(
            order(guild, ann, CaseKind.TEMPBAN, duration=timedelta(seconds=10))
        )

        assert case.state is CaseState.APPLIED
        assert guild.bans[ann.id].reason == "spam [case 1]"
        [farewell] = shown(dms_of(sandbox, ann))
        assert "You were banned from **Harbour** until <t:" in farewell
        calls = [
            (call.method, call.path.rpartition("/")[2]) for call in sandbox.recorder.calls_to()
        ]
        assert calls.index(("POST", "messages")) < calls.index(("PUT", str(ann.id)))

        async def is_over() -> bool:
            return (await kernel.cases.get(guild.id, 1)).state is CaseState.ENDED

        await until(is_over, within=20, what="the lift")
        assert ann.id not in guild.bans
        staff = guild.channel("staff")
        await until(lambda: any("Over since" in one for one in shown(staff)), what="the log")
        assert len(staff.messages) == 1


async def test_ban_that_fails_is_taken_back_and_explained(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    ann = sandbox.join(guild, "ann")
    captain = guild.add_role("Captain", permissions=0)
    guild.add_member_role(ann.member, captain)
    guild.update_role(captain, position=50)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = await prepare(bot, guild)
        with pytest.raises(Denied) as caught:
            await kernel.cases.order(order(guild, ann, CaseKind.BAN))

        assert "highest role" in caught.value.render("en")
        await until(
            lambda: "did not happen" in "".join(shown(dms_of(sandbox, ann))), what="correction"
        )
        assert len(dms_of(sandbox, ann).messages) == 1


async def test_lift_waits_for_the_permission_and_goes_on_when_it_is_given(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    ann = sandbox.join(guild, "ann")
    async with running(config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})) as bot:
        kernel = await prepare(bot, guild)
        await kernel.cases.order(
            order(guild, ann, CaseKind.TEMPBAN, duration=timedelta(seconds=10))
        )
        me = guild.member(sandbox.application.user.id)
        role = next(one for one in guild.roles.values() if one.id in me.roles)
        before = role.permissions
        without = before & ~(Permission.ADMINISTRATOR | Permission.BAN_MEMBERS)
        guild.update_role(role, permissions=without)
        await until(lambda: kernel.problems.list(guild.id), within=20, what="the problem")
        assert ann.id in guild.bans

        guild.update_role(role, permissions=before)

        await until(lambda: ann.id not in guild.bans, within=10, what="the lift")

        async def is_over() -> bool:
            return (await kernel.cases.get(guild.id, 1)).state is CaseState.ENDED

        await until(is_over, what="the case's end")


async def test_muted_member_who_comes_back_is_muted_again(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    ann = sandbox.join(guild, "ann")
    role = guild.add_role("Muted", permissions=0)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = await prepare(bot, guild)
        mute = replace(order(guild, ann, CaseKind.MUTE), role_id=role.id)
        await kernel.cases.order(mute)
        assert role.id in ann.member.roles

        ann.leave()
        ann.join()

        await until(lambda: role.id in ann.member.roles, what="the mute")
