"""Giveaways in the demo: owners hold them, members enter, change their minds and claim.

They do it by what they see in the channel, as people do: a button they know, a mention of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from ..actor import Actor
from ..command_data import NotPossibleError
from ..models import Json, Message, walk_components
from .population import Town

if TYPE_CHECKING:
    from ..server import Sandbox

ENTER, LEAVE, CLAIM = "giveaways:enter:", "giveaways:leave:", "giveaways:prize:"
# How far up people scroll.
_SEEN = 30
_MOST_OPEN = 2
_MENTION = re.compile(r"<@(\d+)>")

_PRIZES = {
    "en": (
        "{n} hours of co-op with the champion",
        "A signed print, number {n}",
        "A mug with {n} stars on it",
        "Key number {n} for the next beta",
        "The front seat at meetup {n}",
    ),
    "es": (
        "Una noche con el telescopio, turno {n}",
        "Un mapa estelar, lámina {n}",
        "Una taza con {n} estrellas",
        "Plaza {n} en la próxima excursión",
    ),
}
_WORDS = {
    "en": ("Thank you all for being here.", "Because it is raining again.", "Good luck!"),
    "es": ("Gracias por estar aquí.", "Porque hoy está nublado.", "¡Suerte!"),
}


class Raffles:
    """What the demo's people do with giveaways. `pace` 2.0 makes them last half as long."""

    def __init__(self, sandbox: Sandbox, random: Random, pace: float) -> None:
        self._sandbox = sandbox
        self._random = random
        self._pace = pace

    async def hold(self, town: Town) -> None:
        """Have the owner start a giveaway, unless there are enough to enter."""
        if sum(1 for _ in self._with(town, ENTER)) >= _MOST_OPEN:
            raise NotPossibleError("enough giveaways go on")
        language = town.plan.language
        prize = self._random.choice(_PRIZES[language]).format(n=self._random.randint(2, 400))
        seconds = max(round(self._random.uniform(90, 300) / self._pace), 10)
        options = {
            "prize": prize,
            "duration": f"{seconds}s",
            "winners": self._random.choice((1, 1, 2, 3)),
            "description": self._random.choice(_WORDS[language]),
        }
        await town.owner.slash(town.raffles, "giveaway start", options=options)

    async def enter(self, town: Town) -> None:
        """Have somebody press the button of a giveaway; who is in already may leave."""
        message, button = self._some(town, ENTER)
        actor = self._random.choice(town.members)
        answer = await actor.click(message, button["custom_id"])
        leave = next(iter(_buttons(answer.response, LEAVE)), None)
        if leave is not None and self._random.random() < 0.3:
            await actor.click(answer, leave["custom_id"])

    async def claim(self, town: Town) -> None:
        """Have somebody who is named in an announcement claim their prize."""
        message, button = self._some(town, CLAIM)
        named = [int(one) for one in _MENTION.findall(message.content)]
        winners = [actor for actor in town.members if actor.id in named]
        if not winners:
            raise NotPossibleError("the winners are not here")
        actor: Actor = self._random.choice(winners)
        await actor.click(message, button["custom_id"])

    def _some(self, town: Town, prefix: str) -> tuple[Message, Json]:
        found = list(self._with(town, prefix))
        if not found or not town.members:
            raise NotPossibleError("there is no giveaway to press a button of")
        return self._random.choice(found)

    def _with(self, town: Town, prefix: str) -> Iterator[tuple[Message, Json]]:
        """Yield the latest messages of the bot that show such a button, with it."""
        latest = list(town.raffles.messages.values())[-_SEEN:]
        for message in latest:
            if message.author is self._sandbox.application.user:
                yield from ((message, one) for one in _buttons(message, prefix))


def _buttons(message: Message | None, prefix: str) -> list[Json]:
    """Return the buttons of a message that can be pressed and whose id begins so."""
    components = walk_components(message.components) if message else []
    return [
        one
        for one in components
        if str(one.get("custom_id", "")).startswith(prefix) and not one.get("disabled")
    ]
