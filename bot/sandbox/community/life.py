"""What happens in the demo from minute to minute; it goes on until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING

from ..actor import Actor
from ..command_data import NotPossibleError
from ..interactions import NotAnsweredError
from ..models import Message, Team
from .desks import Desks
from .ladder import Ladder
from .phrases import REACTIONS, Voice
from .population import Town, build_towns, newcomer
from .purses import Purses
from .raffles import Raffles
from .talk import Talk
from .trouble import Trouble

if TYPE_CHECKING:
    from ..server import Sandbox

log = logging.getLogger(__name__)

REMEMBERED = 200
# Of how many who left a guild it is remembered, since they may come back.
MOST_GONE = 50
# How strongly a guild goes back to its size: a tenth too large, three of four leave, one joins.
PULL = 2.5
# Among how many of those who came last one leaves.
LATEST = 40


class Community:
    """The demo's people. `pace` 2.0 makes everything happen twice as often."""

    def __init__(self, sandbox: Sandbox, *, seed: int = 20_260_601, pace: float = 1.0) -> None:
        self.sandbox = sandbox
        self._random = Random(seed)
        self._voice = Voice(self._random)
        self._pace = pace
        self._conversations = Talk(self._random, self._voice)
        self._recent: deque[tuple[Town, Message]] = deque(maxlen=REMEMBERED)
        self._unanswered: deque[tuple[Town, Message]] = deque(maxlen=REMEMBERED)
        self._numbers = iter(range(10_000, 10_000_000))
        self.towns = build_towns(sandbox, self._random, self._voice)
        # Whoever is an admin on the page acts as a founder, and is to see the admin pages, too.
        founders = tuple(town.owner.user for town in self.towns)
        sandbox.application.team = Team(sandbox.world.snowflakes.next(), "The founders", founders)
        # Troublemakers draw from a generator of their own: the rest goes on as without them.
        self._trouble = Trouble(sandbox, Random(seed + 1), self._voice, self._numbers, pace)
        self._raffles = Raffles(sandbox, Random(seed + 2), pace)
        self._desks = Desks(sandbox, Random(seed + 3))
        self._ladder = Ladder(sandbox, Random(seed + 5))
        self._purses = Purses(Random(seed + 4))

    async def live(self) -> None:
        """Live until cancelled; waits for the bot, then has the owners set it up."""
        await self.sandbox.wait_for_connection(within=3600)
        await self._commands_registered()
        for town in self.towns:
            await self._set_up(town)
        async with asyncio.TaskGroup() as group:
            for seconds, act in (
                (0.6, self._talk),
                (3.0, self._react),
                (9.0, self._edit),
                (15.0, self._delete),
                (4.5, self._come_or_go),
                (4.0, self._use_command),
                (20.0, self._misbehave),
                (180.0, self._campaign),
                (240.0, self._trouble.raid),
                (45.0, self._raffles.hold),
                (0.8, self._raffles.enter),
                (10.0, self._raffles.claim),
                (25.0, self._desks.open),
                (4.0, self._desks.go_on),
                (2.0, self._ladder.talk),
                (8.0, self._ladder.look),
                (3.0, self._purses.use),
            ):
                group.create_task(self._repeat(seconds, act))

    async def _commands_registered(self) -> None:
        while not self.sandbox.application.commands:
            await self.sandbox.recorder.calls.wait_for(
                lambda call: call.method == "PUT" and call.path.endswith("/commands"), within=3600
            )

    async def _repeat(self, seconds: float, act: Callable[[Town], Awaitable[None] | None]) -> None:
        """Act again and again, on average every so many seconds, in one town or another."""
        while True:
            await asyncio.sleep(self._random.expovariate(self._pace / seconds))
            town = self._random.choice(self.towns)
            try:
                done = act(town)
                if done is not None:
                    await done
            except (NotPossibleError, NotAnsweredError, KeyError) as error:
                # People try what can't be done, and a bot that is gone does not answer.
                log.debug("community: %s", error)

    async def _set_up(self, town: Town) -> None:
        """Have the guild's owner switch the bot's features on, as an admin would."""
        for command, options in (
            ("feature enable", {"feature": "welcome"}),
            ("settings set", self._choice("general", "log_channel_id", town.log.id)),
            ("settings set", self._choice("welcome", "embed_enabled", "true")),
            ("settings set", self._choice("giveaways", "claim_window", "10m")),
        ):
            await self._try(command, town.owner.slash(town.log, command, options=options))
        await self._try("giveaway start", self._raffles.hold(town))
        await self._try("ticket panel post", self._desks.found(town))
        await self._try("xp reward add", self._ladder.found(town))

    @staticmethod
    async def _try(command: str, using: Awaitable[object]) -> None:
        try:
            await using
        except (NotPossibleError, NotAnsweredError) as error:
            log.info("community: /%s is not to be had: %s", command, error)

    @staticmethod
    def _choice(feature: str, field: str, value: object) -> dict[str, str]:
        return {"feature": feature, "field": field, "value": str(value)}

    # -- what people do --------------------------------------------------------------------------

    def _talk(self, town: Town) -> None:
        self._forget_who_is_gone(town)
        message, is_last = self._conversations.go_on(town, self._random.choice(town.talk))
        self._recent.append((town, message))
        if is_last:
            self._unanswered.append((town, message))

    def _react(self, _town: Town) -> None:
        town, message = self._some_message()
        self._some_member(town).react(message, self._random.choice(REACTIONS))

    def _edit(self, _town: Town) -> None:
        town, message = self._some_message()
        author = self.sandbox.actor(message.author, town.guild)
        author.edit(message, self._voice.corrected(town.plan.language, message.content))

    def _delete(self, _town: Town) -> None:
        """Have somebody take a message back that nobody answered to."""
        if not self._unanswered:
            raise NotPossibleError("there is nothing to take back")
        town, message = self._unanswered.popleft()
        if (town, message) in self._recent:
            self._recent.remove((town, message))
        self.sandbox.actor(message.author, town.guild).delete(message)

    def _some_member(self, town: Town, *, plain: bool = False) -> Actor:
        """Return somebody who is still there; who was thrown out is gone, and may be back later."""
        self._forget_who_is_gone(town)
        chosen = [entry for entry in town.members if entry not in town.staff] if plain else None
        if not town.members:
            raise NotPossibleError("nobody is left")
        return self._random.choice(chosen or town.members)

    def _forget_who_is_gone(self, town: Town) -> None:
        for actor in [entry for entry in town.members if entry.id not in town.guild.members]:
            self._part(town, actor)

    def _part(self, town: Town, actor: Actor) -> None:
        """Note that somebody is gone; of those who left long ago nothing is kept."""
        town.members.remove(actor)
        town.gone.append(actor)
        while len(town.gone) > MOST_GONE:
            self.sandbox.world.close_account(town.gone.pop(0).user)

    def _some_message(self) -> tuple[Town, Message]:
        if not self._recent:
            raise NotPossibleError("nobody has said anything yet")
        return self._random.choice(self._recent)

    async def _come_or_go(self, town: Town) -> None:
        """Have somebody join or leave, so that the guild stays about as large as it was."""
        growth = len(town.members) / town.plan.members - 1
        if self._random.random() < min(0.95, max(0.05, 0.5 - PULL * growth)):
            await self._join(town)
        else:
            self._leave(town)

    async def _join(self, town: Town) -> None:
        actor = self._comer(town)
        actor.join(pending=town.plan.screening)
        town.members.append(actor)
        if town.plan.screening:
            await asyncio.sleep(self._random.uniform(1, 5) / self._pace)
            actor.pass_screening()

    def _comer(self, town: Town) -> Actor:
        """Return somebody who comes: new, or back after a while."""
        if town.gone and self._random.random() < 0.3:
            return town.gone.pop(self._random.randrange(len(town.gone)))
        number = next(self._numbers)
        return newcomer(self.sandbox, town, self._voice, self._random, number)

    def _leave(self, town: Town) -> None:
        """Have one of those leave who came last: who was there from the start mostly stays."""
        self._forget_who_is_gone(town)
        staff = set(town.staff)
        plain = [entry for entry in town.members if entry not in staff]
        if not plain:
            raise NotPossibleError("nobody is left who would leave")
        actor = self._random.choice(plain[-LATEST:])
        actor.leave()
        self._part(town, actor)

    async def _misbehave(self, town: Town) -> None:
        await self._trouble.misbehave(town, self._some_member(town, plain=True))

    async def _campaign(self, town: Town) -> None:
        people = [self._some_member(town, plain=True) for _ in range(self._random.randint(3, 6))]
        await self._trouble.campaign(town, people)

    async def _use_command(self, town: Town) -> None:
        actor = self._some_member(town)
        channel = self._random.choice(town.talk)
        command, options = self._random.choices(
            (
                ("help", {}),
                ("help", {"command": "ping"}),
                ("ping", {}),
                ("about", {}),
                ("mydata export", {}),
                ("help", {"command": "teleport"}),
            ),
            weights=(6, 3, 6, 4, 1, 1),
        )[0]
        await actor.slash(channel, command, options=options)
