"""Levels in the demo: owners name a reward, members talk in the lounge and see how they stand."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from ..actor import Actor
from ..channel import Channel
from ..command_data import NotPossibleError
from ..models import ChannelType
from .population import Town

if TYPE_CHECKING:
    from ..server import Sandbox

REWARD_LEVEL = 2
# More would talk over each other.
MOST_SEATED = 8


class Ladder:
    """What the demo's people do with levels."""

    def __init__(self, sandbox: Sandbox, random: Random) -> None:
        self._sandbox = sandbox
        self._random = random

    async def found(self, town: Town) -> None:
        """Have the owner switch levels on and name the first reward."""
        await town.owner.slash(town.log, "feature enable", options={"feature": "levels"})
        regular = next(one for one in town.guild.roles.values() if one.name == "Regular")
        await town.owner.slash(town.log, "xp reward add", level=REWARD_LEVEL, role=regular)
        # So that the first levels come within a minute.
        await town.owner.slash(town.log, "xp boost", multiplier=6, duration="1d")

    def talk(self, town: Town) -> None:
        """Have somebody enter the lounge, or leave it."""
        lounge = lounge_of(town)
        seated = [one for one in town.guild.voice_states if one in town.guild.members]
        if seated and self._random.random() < len(seated) / MOST_SEATED:
            user = town.guild.members[self._random.choice(seated)].user
            self._sandbox.actor(user, town.guild).leave_voice()
            return
        self._somebody(town).join_voice(lounge)

    async def look(self, town: Town) -> None:
        """Have somebody ask how they stand, or who stands best."""
        actor, channel = self._somebody(town), self._random.choice(town.talk)
        command, options = self._random.choices(
            (
                ("rank", {}),
                ("levels leaderboard", {}),
                ("levels leaderboard", {"period": "week"}),
                ("levels why", {}),
            ),
            weights=(6, 2, 1, 1),
        )[0]
        await actor.slash(channel, command, options=options)

    def _somebody(self, town: Town) -> Actor:
        present = [one for one in town.members if one.id in town.guild.members]
        if not present:
            raise NotPossibleError("nobody is left")
        return self._random.choice(present)


def lounge_of(town: Town) -> Channel:
    """Return the town's voice channel."""
    for channel in town.guild.channels.values():
        if channel.type is ChannelType.VOICE:
            return channel
    raise NotPossibleError("the lounge is gone")
