"""Levels over the wire: messages and minutes earn, levels give roles, nothing is lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.core.contracts import SYSTEM
from bot.sandbox import Sandbox
from bot.sandbox.actor import Actor
from bot.sandbox.channel import Channel
from bot.sandbox.guild import Guild
from bot.sandbox.models import ChannelType, Role
from cogs.levels.counting import TextCounter
from tests.wire.running import Bot, config_for, running, scalar, until

KEY = "levels"


async def set_up(bot: Bot, guild: Guild, **changes: Any) -> Any:
    """Switch levels on, a message worth a whole level; return the services."""
    await until(lambda: bot.kernel.state().guild(guild.id), what="the guild")
    changes = {"text_least": 100, "text_most": 100} | changes
    await bot.kernel.settings.change(guild.id, KEY, changes, enabled=True, actor=SYSTEM)
    await bot.kernel.settings.get(guild.id, KEY)
    return office_of(bot)


def office_of(bot: Bot) -> Any:
    client: Any = bot.runtime._connection.client
    return client.get_cog("Levels").office


async def write(counter: TextCounter, person: Actor, channel: Channel, *texts: str) -> None:
    """Write messages, and have what they earn stored."""
    for text in texts:
        person.send(channel, text)
    await until(lambda: counter.pending((channel.home.id, person.user.id)), what="the experience")
    await counter.flush()


def texts_in(channel: Channel) -> list[str]:
    return [one.content for one in channel.messages.values()]


def reward_of(role: Role, level: int) -> dict[str, Any]:
    return {"level": level, "role_id": str(role.id), "action": "give"}


async def xp_of(url: str, person: Actor) -> int:
    return await scalar(url, f"SELECT xp FROM guild_members WHERE user_id = {person.user.id}") or 0


async def test_messages_earn_once_in_a_pause_and_a_level_is_told_and_gives_its_role(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    role, ann = guild.add_role("Sailor"), sandbox.join(guild, "ann")
    general = guild.channel("general")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        office = await set_up(bot, guild, rewards=[reward_of(role, 1)])

        await write(office.counter, ann, general, "Good morning", "What a fine day it is")

        told = await sandbox.wait_for_message(general, containing="reached level 1")
        assert ann.mention in told.content
        await until(lambda: role.id in ann.member.roles, what="the reward")
        assert await xp_of(sqlite_url, ann) == 100


async def test_minutes_of_two_people_earn_until_one_goes_or_the_gateway_does(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    hall = guild.add_channel("hall", ChannelType.VOICE)
    ann, bob = (sandbox.join(guild, name) for name in ("ann", "bob"))
    # Who sits there before the bot comes is seen, too.
    ann.join_voice(hall)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        office = await set_up(bot, guild)
        minute = Minutes(office.talk)
        await until(lambda: len(office.seats) == 1, what="the first seat")
        await minute.pass_by()
        assert await xp_of(sqlite_url, ann) == 0

        bob.join_voice(hall)
        await until(lambda: len(office.seats) == 2, what="the second seat")
        await minute.pass_by()
        assert [await xp_of(sqlite_url, one) for one in (ann, bob)] == [10, 10]

        guild.set_voice_state(bob.user, hall, self_deaf=True)
        await until(lambda: not office.seats.get(guild.id, bob.user.id).talks, what="the mark")
        await minute.pass_by()
        assert await xp_of(sqlite_url, ann) == 10

        guild.set_voice_state(bob.user, hall)
        await until(lambda: office.seats.get(guild.id, bob.user.id).talks, what="the mark's end")
        sandbox.faults.refuse_connections(1.5)
        sandbox.faults.drop()
        await until(lambda: not bot.kernel.state().gateway().shards[0].connected)
        bob.leave_voice()
        await minute.pass_by()
        assert await xp_of(sqlite_url, ann) == 10


class Minutes:
    """Has minutes end, one after the other."""

    def __init__(self, talk: Any) -> None:
        self.talk = talk
        self.clock = talk._clock
        self.passed = 0
        talk._clock = self

    def now(self) -> Any:
        return self.clock.now() + timedelta(minutes=self.passed)

    async def pass_by(self) -> None:
        self.passed += 1
        await self.talk.tick()


async def test_restart_keeps_what_was_earned_and_who_leaves_comes_back_to_it(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    role, general = guild.add_role("Sailor"), guild.channel("general")
    ann, bob = (sandbox.join(guild, name) for name in ("ann", "bob"))
    config = config_for(sandbox, sqlite_url)
    async with running(config) as bot:
        office = await set_up(bot, guild, rewards=[reward_of(role, 1)])
        ann.send(general, "Written just before the bot is stopped")
        await until(lambda: office.counter.pending((guild.id, ann.user.id)))
    assert await xp_of(sqlite_url, ann) == 100

    async with running(config) as bot:
        office = office_of(bot)
        await until(lambda: role.id in ann.member.roles, what="the reward")
        assert [one.user_id for one in await office.standings.board(guild.id, "all")] == [
            ann.user.id
        ]

        ann.leave()
        await until(lambda: is_hidden(office, guild), what="an empty board")
        board = await bob.slash(general, "levels leaderboard")
        assert board.response is not None
        assert ann.mention not in board.response.text()
        for command in ("rank", "levels why"):
            said = await bob.slash(general, command, member=ann.user)
            assert said.response is not None
            assert f"{ann.mention} is not in this server" in said.response.text()

        ann.join()
        await until(lambda: role.id in ann.member.roles, what="the reward again")
        assert [one.xp for one in await office.standings.board(guild.id, "all")] == [100]


async def is_hidden(office: Any, guild: Guild) -> bool:
    return not await office.standings.board(guild.id, "all")
