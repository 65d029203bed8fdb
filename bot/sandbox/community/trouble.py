"""Those who break rules in the demo: one now and then, a crowd sometimes, a raid rarely."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from ..actor import Actor
from ..command_data import NotPossibleError
from .mischief import Mischief
from .phrases import Voice
from .population import Town, throwaway

if TYPE_CHECKING:
    from ..server import Sandbox

_ELSEWHERE = ("Free Skins Hub", "Night Market", "Rivals of the Harbour")
_KINDS = ("advert", "scam", "shout", "zalgo", "emoji", "lines", "mentions", "burst", "file")
_WEIGHTS = (4, 4, 3, 1, 2, 1, 2, 3, 1)


class Trouble:
    """Breaks rules. `pace` 2.0 makes a burst or raid go by twice as fast."""

    def __init__(
        self, sandbox: Sandbox, random: Random, voice: Voice, numbers: Iterator[int], pace: float
    ) -> None:
        self._sandbox = sandbox
        self._random = random
        self._voice = voice
        self._numbers = numbers
        self._pace = pace
        self._mischief = Mischief(random, voice)
        self._invites = [sandbox.invite_elsewhere(name) for name in _ELSEWHERE]

    async def misbehave(self, town: Town, actor: Actor) -> None:
        """Let somebody break one rule or another."""
        kind = self._random.choices(_KINDS, _WEIGHTS)[0]
        channel, language = self._random.choice(town.talk), town.plan.language
        if kind == "burst":
            gap = self._random.uniform(0.1, 0.6) / self._pace
            await actor.burst(channel, self._mischief.burst(), gap=gap)
        elif kind == "file":
            text = self._mischief.scam(language).encode()
            actor.send(channel, files=[("read-me.txt", text)])
        else:
            actor.send(channel, self._text(kind, town))

    def _text(self, kind: str, town: Town) -> str:
        mischief, language = self._mischief, town.plan.language
        if kind == "advert":
            return mischief.advert(language, self._random.choice(self._invites).code)
        if kind == "mentions":
            people = [actor.mention for actor in self._random.sample(town.members, k=8)]
            return mischief.mentions(language, people)
        if kind == "emoji":
            return mischief.emoji()
        make = {
            "scam": mischief.scam,
            "shout": mischief.shout,
            "zalgo": mischief.zalgo,
            "lines": mischief.lines,
        }
        return make[kind](language)

    async def campaign(self, town: Town, people: list[Actor]) -> None:
        """Let several post one text, as stolen accounts do."""
        slogan = self._mischief.slogan(town.plan.language)
        for actor in people:
            self._try_to_send(actor, town, slogan)
            await asyncio.sleep(self._random.uniform(0.2, 1.5) / self._pace)

    async def raid(self, town: Town) -> None:
        """Let a crowd of new accounts arrive and post; whoever is not thrown out leaves soon."""
        slogan = self._mischief.slogan(town.plan.language)
        crowd = []
        for _ in range(self._random.randint(12, 20)):
            number = next(self._numbers)
            actor = throwaway(self._sandbox, town, self._voice, self._random, number)
            try:
                actor.join()
            except NotPossibleError:
                continue
            crowd.append(actor)
            if self._random.random() < 0.5:
                self._try_to_send(actor, town, slogan)
            await asyncio.sleep(self._random.uniform(0.05, 0.3) / self._pace)
        await asyncio.sleep(20 / self._pace)
        for actor in crowd:
            if actor.id in town.guild.members:
                actor.leave()
            self._sandbox.world.close_account(actor.user)

    def _try_to_send(self, actor: Actor, town: Town, text: str) -> None:
        try:
            actor.send(self._random.choice(town.talk), text)
        except NotPossibleError:
            return
