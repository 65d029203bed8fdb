"""Who says what next: one exchange at a time in each channel, from its first line to its last."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from ..actor import Actor
from ..channel import Channel
from ..command_data import NotPossibleError
from ..models import Message
from .phrases import Voice
from .population import Town
from .scenes import SCENES, WORDS, Scene

# How often a line is sent as a reply to the one before, where another person wrote that.
_REPLIES = 0.6


@dataclass(slots=True)
class Exchange:
    """A scene under way: its people by their letter, what its placeholders are, what was said."""

    scene: Scene
    cast: dict[str, Actor]
    values: dict[str, str]
    said: list[Message] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        """Whether the last line was said."""
        return len(self.said) == len(self.scene)


class Talk:
    """Has people talk with each other; there is at most one exchange in each channel."""

    def __init__(self, random: Random, voice: Voice) -> None:
        self._random = random
        self._voice = voice
        self._under_way: dict[int, Exchange] = {}
        self._last: dict[int, Scene] = {}

    def go_on(self, town: Town, channel: Channel) -> tuple[Message, bool]:
        """Say the next line in a channel, and return it with whether it was the last one.

        Raises NotPossibleError, and ends the exchange, when its speaker can't go on or when what
        was said before is gone: nobody answers to nothing.
        """
        exchange = self._under_way.pop(channel.id, None) or self._begin(town, channel)
        if any(message.deleted for message in exchange.said):
            raise NotPossibleError("what was said is gone")
        message = self._say(exchange, channel)
        if not exchange.is_over:
            self._under_way[channel.id] = exchange
        return message, exchange.is_over

    def _begin(self, town: Town, channel: Channel) -> Exchange:
        scene = self._choose(town.plan.language, channel)
        letters = sorted({line[0] for line in scene})
        present = [actor for actor in town.members if actor.id in town.guild.members]
        if len(present) < len(letters):
            raise NotPossibleError("too few people are there")
        cast = dict(zip(letters, self._random.sample(present, k=len(letters)), strict=True))
        words = WORDS[town.plan.language]
        values = {name: self._random.choice(choices) for name, choices in words.items()}
        small = self._random.randint(2, 60)
        values |= {"n": str(small), "m": str(small + self._random.randint(1, 39))}
        values["few"] = str(self._random.randint(2, 6))
        values |= {one: actor.user.global_name or actor.user.name for one, actor in cast.items()}
        return Exchange(scene, cast, values)

    def _choose(self, language: str, channel: Channel) -> Scene:
        """Return a scene for the channel, another than the one before."""
        scenes = SCENES[language].get(channel.name or "", SCENES[language][""])
        last = self._last.get(channel.id)
        chosen = self._random.choice([one for one in scenes if one != last])
        self._last[channel.id] = chosen
        return chosen

    def _say(self, exchange: Exchange, channel: Channel) -> Message:
        speaker, _, alternatives = exchange.scene[len(exchange.said)].partition(": ")
        text = self._random.choice(alternatives.split("|")).format_map(exchange.values)
        actor = exchange.cast[speaker]
        before = exchange.said[-1] if exchange.said else None
        is_reply = (
            before is not None
            and before.author is not actor.user
            and self._random.random() < _REPLIES
        )
        text = self._voice.varied(text)
        message = actor.send(channel, text, reply_to=before if is_reply else None)
        exchange.said.append(message)
        return message
