"""Money in the demo: members take their gifts, work, pay each other, and look where they stand."""

from __future__ import annotations

from random import Random

from ..actor import Actor
from ..command_data import NotPossibleError
from .population import Town


class Purses:
    """What the demo's people do with money."""

    def __init__(self, random: Random) -> None:
        self._random = random

    async def use(self, town: Town) -> None:
        """Have somebody earn, pay or look, as they like."""
        if len(town.members) < 2:  # noqa: PLR2004 - one pays, another is paid
            raise NotPossibleError("nobody is left")
        actor, other = self._random.sample(town.members, 2)
        act = self._random.choices((self._earn, self._pay, self._look), weights=(6, 4, 2))[0]
        await act(town, actor, other)

    async def _earn(self, town: Town, actor: Actor, _other: Actor) -> None:
        command = self._random.choice(("daily", "work"))
        await actor.slash(self._random.choice(town.talk), command)

    async def _pay(self, town: Town, actor: Actor, other: Actor) -> None:
        options = {"member": other.id, "amount": str(self._random.choice((5, 10, 20, 50)))}
        await actor.slash(self._random.choice(town.talk), "pay", options=options)

    async def _look(self, town: Town, actor: Actor, _other: Actor) -> None:
        command = self._random.choice(("balance", "leaderboard", "transactions"))
        await actor.slash(self._random.choice(town.talk), command)
