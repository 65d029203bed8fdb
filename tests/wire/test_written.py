"""Commands written with a prefix: the same checks, answers and errors as with a slash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import discord
import pytest

from bot.client import Pegasus
from bot.core.contracts import SYSTEM
from bot.sandbox import Actor, Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.permissions import Permission
from bot.written.running import WrittenCommands
from cogs.customcommand.rules import Draft, Response
from tests.wire.running import ROOT, Bot, config_for, running, until

USED = Permission.MODERATE_MEMBERS | Permission.MANAGE_MESSAGES | Permission.MANAGE_ROLES


@pytest.fixture
def staff(sandbox: Sandbox, guild: Guild) -> Actor:
    actor = sandbox.join(guild, "staff")
    power = guild.add_role("staff", permissions=USED, position=8)
    guild.add_member_role(actor.member, power)
    return actor


async def set_up(bot: Bot, sandbox: Sandbox, guild: Guild, **basics: Any) -> None:
    await until(lambda: sandbox.application.commands, what="the commands")
    await until(lambda: bot.kernel.state().guild(guild.id) is not None, what="the guild")
    await bot.kernel.settings.change(guild.id, "general", {"prefix": "!", **basics}, actor=SYSTEM)
    for feature in ("moderation", "economy", "levels"):
        await bot.kernel.settings.change(guild.id, feature, {}, enabled=True, actor=SYSTEM)
    await bot.kernel.settings.warm([guild.id])


async def say(actor: Actor, guild: Guild, text: str) -> str:
    """Write a command, and return what was answered."""
    channel = guild.channel("general")
    before = set(channel.messages)
    actor.send(channel, text)

    def replies() -> list[Any]:
        found = [one for one in channel.messages.values() if one.id not in before]
        return [one for one in found if one.author.bot]

    found = await until(replies, what=f"an answer to {text}")
    return "\n".join(one.content for one in found)


async def test_staff_moderate_by_prefix_and_others_may_not(
    sandbox: Sandbox, guild: Guild, staff: Actor, sqlite_url: str
) -> None:
    ann, eve = sandbox.join(guild, "ann"), sandbox.join(guild, "eve")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot, sandbox, guild)

        told = await say(staff, guild, f"!warn <@{ann.id}> be kind to others")
        assert "ann" in told
        case = await bot.kernel.cases.get(guild.id, 1)
        assert (case.target.id, case.reason) == (ann.id, "be kind to others")

        await say(staff, guild, f"!timeout {ann.id} 10m")
        assert ann.member.timed_out_until is not None

        # The same refusals as with a slash, in words.
        assert "You need" in await say(eve, guild, f"!warn <@{ann.id}> no")
        assert "Ban Members" in await say(staff, guild, f"!ban <@{ann.id}>")
        assert "is missing" in await say(staff, guild, "!warn")
        assert "can't be used here" in await say(staff, guild, "!warn ann spam")
        assert "10 minuts" in await say(staff, guild, f'!timeout <@{ann.id}> "10 minuts" spam')
        assert "I don't know what" in await say(staff, guild, "!purge 3 now")


async def test_deferred_answers_cards_and_groups_work_by_prefix(
    sandbox: Sandbox, guild: Guild, staff: Actor, sqlite_url: str
) -> None:
    role = guild.add_role("Sailor", permissions=0)
    ann = sandbox.join(guild, "ann")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot, sandbox, guild)
        general = guild.channel("general")

        assert f"<@{ann.id}> has" in await say(ann, guild, "!balance")
        await say(ann, guild, "!daily")
        await say(ann, guild, "!rank")
        assert list(general.messages.values())[-1].attachments[0].filename == "rank.png"

        assert "gets" in await say(staff, guild, f"!role temp <@{ann.id}> sailor 2h")
        await until(lambda: role.id in ann.member.roles, what="the role")
        assert "I know:" in await say(staff, guild, "!role")

        told = await say(ann, guild, "!help")
        names = WrittenCommands(client_of(bot)).names("en")
        assert [one for one in names if one not in told] == []
        documented = (ROOT / "docs" / "prefix.md").read_text()
        assert [one for one in names if f"`!{one}`" not in documented] == []


async def test_names_and_answers_are_in_the_guilds_language(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann = sandbox.join(guild, "ann")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot, sandbox, guild, language="es")
        assert "tiene" in await say(ann, guild, "!saldo")


async def test_rules_of_the_servers_admins_hold_by_prefix(
    sandbox: Sandbox, guild: Guild, staff: Actor, sqlite_url: str
) -> None:
    ann = sandbox.join(guild, "ann")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot, sandbox, guild)
        shelf = sandbox.application.commands
        [warn] = [one for one, command in shelf.items() if command["name"] == "warn"]
        rule: Mapping[str, Any] = {"id": str(staff.id), "type": 2, "permission": False}
        sandbox.application.command_permissions[guild.id] = {warn: [dict(rule)]}

        assert "can't use" in await say(staff, guild, f"!warn <@{ann.id}> spam")
        assert await bot.kernel.cases.list(guild.id) == []


async def test_too_many_are_told_once_and_then_not_answered(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, bob = sandbox.join(guild, "ann"), sandbox.join(guild, "bob")
    config = config_for(sandbox, sqlite_url, limits={"default": "1/60"})
    async with running(config) as bot:
        await set_up(bot, sandbox, guild)
        await say(ann, guild, "!balance")
        general = guild.channel("general")
        for _number in range(3):
            ann.send(general, "!balance")
        bob.send(general, "!balance")

        def answers() -> list[str]:
            return [one.content for one in general.messages.values() if one.author.bot]

        # By his answer they have been dealt with.
        await until(lambda: any(f"<@{bob.id}> has" in one for one in answers()))
        await until(lambda: len(answers()) == 3, what="the one that tells")
        assert sum("Try again" in one for one in answers()) == 1


async def test_thread_that_the_bot_does_not_know_is_answered_in(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, general = sandbox.join(guild, "ann"), guild.channel("general")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot, sandbox, guild)
        await bot.kernel.settings.change(guild.id, "customcommand", {}, enabled=True, actor=SYSTEM)
        cog: Any = client_of(bot).get_cog("CustomCommands")
        draft = Draft("hug", Response(("hugs",)), channel_ids=(general.id,))
        await cog.book.add(guild.id, draft, SYSTEM)
        thread = general.add_thread(ann.user, "talk")
        await until(lambda: bot.kernel.state().channel(guild.id, thread.id), what="the thread")
        known = client_of(bot).get_guild(guild.id)
        assert known is not None
        known._remove_thread(discord.Object(thread.id))

        ann.send(thread, "!balance")
        ann.send(thread, "!hug")

        def answers() -> list[str]:
            return [one.content for one in thread.messages.values() if one.author.bot]

        await until(lambda: len(answers()) == 2, what="the answers")
        assert any(f"<@{ann.id}> has" in one for one in answers())
        assert "hugs" in answers()


def client_of(bot: Bot) -> Pegasus:
    client = bot.runtime._connection.client
    assert client is not None
    return client
