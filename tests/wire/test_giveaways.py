"""Giveaways over the wire: entered before and after a restart, drawn once, and missed when gone."""

from __future__ import annotations

import pytest
from discord import Permissions
from sqlalchemy import update

from bot.core.contracts import SYSTEM
from bot.sandbox import Sandbox
from bot.sandbox.actor import Actor as Person
from bot.sandbox.channel import Channel
from bot.sandbox.guild import Guild
from bot.sandbox.interactions import Interaction
from bot.sandbox.models import Message, walk_components
from cogs.giveaways.plan import Requirements
from db.giveaway_hosting import change_giveaway, get_by_number
from db.jobs import Job
from tests.wire.running import config_for, running, until


async def start(owner: Person, channel: Channel, prize: str) -> Message:
    """Start a giveaway of an hour; gives its message."""
    said = await owner.slash(channel, "giveaway start", prize=prize, duration="1h", winners=1)
    assert "is on its way" in said_in(said)
    found = await until(lambda: shown(channel, prize), what="the giveaway's message")
    return found[0]


def shown(channel: Channel, prize: str) -> list[Message]:
    """Return the messages of a channel that show a giveaway."""
    return [one for one in channel.messages.values() if one.embeds and prize in one.text()]


def said_in(answer: Interaction) -> str:
    """Return what the bot has answered."""
    assert answer.response is not None
    return answer.response.text()


def button_of(message: Message) -> str:
    """Return the id of the button by which people enter."""
    return str(walk_components(message.components)[-1]["custom_id"])


async def end(owner: Person, channel: Channel, number: int) -> None:
    """End a giveaway, with a yes to the question."""
    asked = await owner.slash(channel, "giveaway end", giveaway=str(number))
    await owner.click(asked, "Yes, go ahead")


async def test_giveaway_outlives_a_restart_and_is_drawn_once(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, bob = sandbox.join(guild, "ann"), sandbox.join(guild, "bob")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    channel = guild.channel("general")
    config = config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})
    async with running(config) as bot:
        await until(lambda: bot.kernel.state().guild(guild.id), what="the guild")
        message = await start(owner, channel, "A keyboard")
        lost = await start(owner, channel, "A lost lamp")
        assert "You are in" in said_in(await ann.click(message, button_of(message)))
    channel.delete_message(lost)

    async with running(config) as bot:
        assert "You are in" in said_in(await bob.click(message, button_of(message)))
        await end(owner, channel, 1)
        announced = await sandbox.wait_for_message(channel, containing="Congratulations")
        assert ann.mention in announced.content or bob.mention in announced.content
        await until(lambda: not message.components, what="the button taken away")
        assert "Over: A keyboard" in message.text()

        async def is_missed() -> bool:
            found = await bot.kernel.problems.list(guild.id)
            return [one.problem.cause for one in found] == ["message_gone"]

        await until(is_missed, what="the problem of the message that was deleted")
        anew = await owner.slash(channel, "giveaway edit", giveaway="2", channel=channel)
        assert "A lost lamp" in said_in(anew)
        await until(lambda: shown(channel, "A lost lamp"), what="the message posted anew")
    assert sum("Congratulations" in one.content for one in channel.messages.values()) == 1


async def test_host_needs_in_a_thread_what_discord_asks_for_there(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    """In a channel in which only staff write, everybody may write in threads, and the reverse."""
    hosts = guild.add_role("Hosts")
    host = sandbox.join(guild, "host")
    guild.update_member(host.member, roles=(hosts.id,))
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    channel = guild.channel("general")
    thread = owner.start_thread(channel, "Raffles")
    config = config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})
    async with running(config) as bot:
        await until(lambda: bot.kernel.state().guild(guild.id), what="the guild")
        changes = {"host_roles": [str(hosts.id)]}
        await bot.kernel.settings.change(guild.id, "giveaways", changes, actor=SYSTEM)
        options = {"prize": "A boat", "duration": "1h", "winners": 1}
        channel.set_overwrite(host.user.id, 1, deny=Permissions(send_messages=True).value)
        in_thread = await host.slash(thread, "giveaway start", **options)
        assert "is on its way" in said_in(in_thread)
        no_threads = Permissions(send_messages_in_threads=True).value
        channel.set_overwrite(host.user.id, 1, deny=no_threads)
        refused = await host.slash(
            owner_channel(guild), "giveaway start", channel=thread, **options
        )
        assert "can't write in" in said_in(refused)


def owner_channel(guild: Guild) -> Channel:
    """Return a channel in which everybody writes."""
    return next(one for one in guild.channels.values() if one.name != "general" and one.type == 0)


async def test_deleted_role_that_is_asked_for_is_told(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    crew = guild.add_role("Crew")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    config = config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})
    async with running(config) as bot:
        await until(lambda: bot.kernel.state().guild(guild.id), what="the guild")
        await start(owner, guild.channel("general"), "A boat")
        needs = Requirements(any_roles=(crew.id,)).to_json()
        async with bot.kernel.database.write() as session:
            giveaway = await get_by_number(session, guild.id, 1)
            assert giveaway is not None
            await change_giveaway(session, giveaway.id, ("active",), requirements=needs)
        guild.remove_role(crew)

        async def is_told() -> bool:
            found = await bot.kernel.problems.list(guild.id)
            return [one.problem.cause for one in found] == ["role_gone"]

        await until(is_told, what="the problem of the role that was deleted")


@pytest.mark.parametrize("when", ["before the end", "before the draw"])
async def test_giveaway_that_the_bot_was_taken_out_of_is_drawn_when_it_is_back(
    sandbox: Sandbox, guild: Guild, sqlite_url: str, when: str
) -> None:
    ann, owner = (
        sandbox.join(guild, "ann"),
        sandbox.actor(guild.members[guild.owner_id].user, guild),
    )
    channel = guild.channel("general")
    config = config_for(sandbox, sqlite_url, jobs={"poll_seconds": 0.2})
    async with running(config) as bot:
        await until(lambda: bot.kernel.state().guild(guild.id), what="the guild")
        message = await start(owner, channel, "A lamp")
        await ann.click(message, button_of(message))
        if when == "before the draw":
            # What it would say of the list of entries is refused, and what waits is dropped then.
            channel.set_overwrite(guild.id, 0, deny=Permissions(send_messages=True).value)
            await end(owner, channel, 1)
        guild.remove_member(sandbox.application.user.id)
        await until(lambda: not bot.kernel.state().guild(guild.id), what="the guild gone")
        await bot.kernel.roster.flush()
        async with bot.kernel.database.write() as session:
            giveaway = await get_by_number(session, guild.id, 1)
            assert giveaway is not None
            await change_giveaway(session, giveaway.id, ("active",), ends_at=giveaway.starts_at)
            for kind in ("end", "draw"):
                await session.execute(
                    update(Job)
                    .where(Job.kind == f"giveaways.{kind}")
                    .values(due_at=giveaway.starts_at)
                )

        channel.set_overwrite(guild.id, 0, deny=0)
        sandbox.world.install(sandbox.application, guild)
        announced = await sandbox.wait_for_message(channel, containing="Congratulations")
        assert ann.mention in announced.content
