"""Money in the demo: members take their gifts, work, pay, play, and look where they stand."""

from __future__ import annotations

from random import Random
from typing import Any

from ..actor import Actor
from ..command_data import NotPossibleError
from ..models import Message, walk_components
from .population import Town

# What the ids of blackjack's buttons begin with; their labels are in the town's language.
_MOVES = ("economy:blackjack:hit:", "economy:blackjack:stand:")
# How likely somebody is to go on with a hand.
_STAYS = 0.95


class Purses:
    """What the demo's people do with money."""

    def __init__(self, random: Random) -> None:
        self._random = random

    async def use(self, town: Town) -> None:
        """Have somebody earn, pay or look, as they like."""
        if len(town.members) < 2:
            raise NotPossibleError("nobody is left")
        actor, other = self._random.sample(town.members, 2)
        acts = (self._earn, self._pay, self._play, self._look)
        act = self._random.choices(acts, weights=(6, 4, 3, 2))[0]
        await act(town, actor, other)

    async def _earn(self, town: Town, actor: Actor, _other: Actor) -> None:
        command = self._random.choice(("daily", "work"))
        await actor.slash(self._random.choice(town.talk), command)

    async def _pay(self, town: Town, actor: Actor, other: Actor) -> None:
        options = {"member": other.id, "amount": str(self._random.choice((5, 10, 20, 50)))}
        await actor.slash(self._random.choice(town.talk), "pay", options=options)

    async def _play(self, town: Town, actor: Actor, _other: Actor) -> None:
        options: dict[str, Any] = {"amount": str(self._random.choice((10, 20, 50)))}
        command = self._random.choice(("coinflip", "dice", "slots", "blackjack"))
        if command == "coinflip":
            options["side"] = self._random.choice(("heads", "tails"))
        elif command == "dice" and self._random.random() < 0.5:
            options["number"] = self._random.randint(1, 6)
        played = await actor.slash(self._random.choice(town.talk), command, options=options)
        if command == "blackjack" and played.response is not None:
            await self._play_hand(actor, played.response)

    async def _play_hand(self, actor: Actor, message: Message) -> None:
        """Press the buttons until the hand is over, or is left to itself."""
        while self._random.random() < _STAYS and (moves := _moves_on(message)):
            await actor.click(message, self._random.choice(moves))

    async def _look(self, town: Town, actor: Actor, _other: Actor) -> None:
        command = self._random.choice(("balance", "leaderboard", "transactions"))
        await actor.slash(self._random.choice(town.talk), command)


def _moves_on(message: Message) -> list[str]:
    """Return the ids of a hand's buttons; none once it is over."""
    ids = (str(one.get("custom_id")) for one in walk_components(message.components))
    return [one for one in ids if one.startswith(_MOVES)]
