"""The benchmark's Discord: the sandbox in a process of its own, filled and told to talk.

python -m tests.benchmarks.world GUILDS MEMBERS
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice

from bot.sandbox import Actor, Sandbox
from bot.sandbox.channel import Channel
from bot.sandbox.codec import encode
from bot.sandbox.guild import Guild
from bot.sandbox.payloads import render_gateway_message
from tests.benchmarks import chatter
from tests.benchmarks.lines import WORLD_CORE, Answer, obey, pin, say

GREETING_SECONDS = 30.0


class World:
    """The sandbox with one bot in many guilds, and what the parent may ask of it."""

    def __init__(self, sandbox: Sandbox, guilds: list[Guild]) -> None:
        self.sandbox = sandbox
        self.guilds = guilds
        self._joined = 0
        # Everybody speaks in turn: nobody so often that it would be spam.
        people = [
            (guild, member.user)
            for guild in guilds
            for member in guild.members.values()
            if not member.user.bot
        ]
        random.Random(7).shuffle(people)
        self._people = cycle(people)
        self._sayings = chatter.sayings()

    def _bodies(self, count: int) -> Iterator[bytes]:
        """Yield new messages as they go over the wire."""
        for (guild, author), text in zip(islice(self._people, count), self._sayings, strict=False):
            message = guild.channel("general").new_message(author, text)
            yield encode(render_gateway_message(message))

    @property
    def sequence(self) -> int:
        """The number of the last event sent to the bot."""
        return max((one.sequence for one in self.sandbox.gateway.sessions.values()), default=0)

    async def flood(self, count: int) -> Answer:
        """Send messages as fast as the line takes them; answers with the last one's number."""
        # All made beforehand, so that they come without a pause.
        for body in list(self._bodies(count)):
            self.sandbox.gateway.send_encoded("MESSAGE_CREATE", body)
        return {"sequence": self.sequence}

    async def talk(self, rate: int, seconds: float) -> Answer:
        """Send messages at a steady rate per second; answers when they are sent."""
        sent, started = 0, time.monotonic()
        while (passed := time.monotonic() - started) < seconds:
            due = int(passed * rate) - sent
            for body in self._bodies(due):
                self.sandbox.gateway.send_encoded("MESSAGE_CREATE", body)
            sent += due
            await asyncio.sleep(0.005)
        return {"sequence": self.sequence, "sent": sent}

    async def slash(self, count: int, per_second: float, rate: int) -> Answer:
        """Run /ping `count` times while the guilds talk; answers with the latencies in ms.

        A latency is the time from sending the interaction until the bot's first callback for it.
        """
        talk = asyncio.create_task(self.talk(rate, 1 + count / per_second))
        await asyncio.sleep(0.5)
        pings = []
        for actor in self._callers(count):
            pings.append(asyncio.create_task(self._ping(actor)))
            await asyncio.sleep(1 / per_second)
        latencies = await asyncio.gather(*pings)
        await talk
        return {"latencies": latencies}

    async def greet(self, count: int) -> Answer:
        """Have people join a guild, one after the other, and wait for each one's welcome card."""
        guild = self.guilds[0]
        channel = guild.channel("general")
        if not self._joined:
            guild.update(system_channel_id=channel.id)
            owner = Actor(self.sandbox, self.sandbox.world.users[guild.owner_id], guild)
            await owner.slash(channel, "feature enable", feature="welcome")
        for _ in range(count):
            cards = _cards_in(channel)
            guild.add_member(self.sandbox.world.add_user(f"newcomer{self._joined}"))
            self._joined += 1
            async with asyncio.timeout(GREETING_SECONDS):
                while _cards_in(channel) == cards:
                    await asyncio.sleep(0.05)
        return {"count": count}

    async def _ping(self, actor: Actor) -> float:
        assert actor.guild is not None
        interaction = await actor.slash(actor.guild.channel("general"), "ping", wait=False)
        await interaction.answered()
        return (time.monotonic() - interaction.created) * 1000

    def _callers(self, count: int) -> Iterator[Actor]:
        # Someone else each time: commands are limited per person.
        for number in range(count):
            guild = self.guilds[number % len(self.guilds)]
            members = [one for one in guild.members.values() if not one.user.bot]
            user = members[number // len(self.guilds) % len(members)].user
            yield Actor(self.sandbox, user, guild)


def _cards_in(channel: Channel) -> int:
    return sum(bool(message.attachments) for message in channel.messages.values())


async def main(guild_count: int, member_count: int) -> None:
    """Build the world, tell the parent where it is, and obey."""
    # One shard, as a bot of this size needs; the replay buffer is no part of what is measured.
    async with Sandbox(recommended_shards=1, control=False, replay_limit=1) as sandbox:
        guilds = sandbox.world.populate(
            sandbox.application, guilds=guild_count, members=member_count
        )
        world = World(sandbox, guilds)
        say({"api": sandbox.api_base_url, "token": sandbox.token})
        await obey(
            {"flood": world.flood, "talk": world.talk, "slash": world.slash, "greet": world.greet}
        )


if __name__ == "__main__":
    pin(WORLD_CORE)
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
