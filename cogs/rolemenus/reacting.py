"""Takes reactions on menus as presses, from the gateway's raw payloads; free of discord.py.

Whoever reacts gets no answer of Discord's: what is refused is taken back, and told in a direct
message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

import structlog

from bot.core.clock import Clock
from bot.core.contracts import BotState
from bot.core.errors import AppError
from bot.core.fields.text import quote
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import _
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import Delivery, DeliveryError
from bot.core.settings import SettingsStore
from cogs.rolemenus.emoji import plain, reaction_in, reaction_of
from cogs.rolemenus.posts import MenuPosts, Posted, Reactor
from cogs.rolemenus.pressing import Outcome, Presser, PressService
from cogs.rolemenus.reading import KEY, read_menu
from cogs.rolemenus.rules import Menu, Mode, Option, Press, Style, reacted
from db import role_menu_reactions as marks
from db import role_menus as table
from db.engine import Database

log = structlog.get_logger(__name__)

# News of a refusal that comes later than this helps nobody.
_NEWS = timedelta(minutes=5)
# Reactions that were taken back and of which Discord has not told yet.
_MOST_EXPECTED = 1000

_Key = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction on a menu that a member has put there (`on`), or taken back."""

    posted: Posted
    message_id: int
    who: Presser
    emoji: str
    on: bool

    @property
    def key(self) -> _Key:
        """Name it among the reactions of all messages."""
        return self.message_id, self.who.user_id, plain(self.emoji)


class ReactionPresses:
    """Has reactions decided in the order in which they come, for each member."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        outbox: OutboxService,
        presses: PressService,
        posts: MenuPosts,
        reactor: Reactor,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._outbox = outbox
        self._presses = presses
        self._posts = posts
        self._reactor = reactor
        self._state = state
        self._expected: dict[_Key, None] = {}
        self._turns: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    def read(self, payload: Mapping[str, Any], *, on: bool, own_id: int | None) -> Reaction | None:
        """Return a reaction of a member on a menu, `None` for any other; cheap for those."""
        message_id = int(payload["message_id"])
        posted = self._posts.find(message_id)
        user_id = int(payload["user_id"])
        if posted is None or user_id == own_id:
            return None
        member = payload.get("member") or {}
        if member.get("user", {}).get("bot", False):
            return None
        roles = frozenset(map(int, member["roles"])) if "roles" in member else None
        who = Presser(posted.guild_id, user_id, roles, pending=member.get("pending", False))
        reaction = Reaction(posted, message_id, who, reaction_in(payload["emoji"]), on)
        if not on and reaction.key in self._expected:
            del self._expected[reaction.key]
            return None
        return reaction

    async def take(self, reaction: Reaction) -> None:
        """Decide on a reaction, and have the member's reactions fit what they have.

        Where menus are switched off nothing happens: nobody asked for an answer.
        """
        key = (reaction.posted.menu_id, reaction.who.user_id)
        turn = self._turns.setdefault(key, asyncio.Lock())
        async with turn:
            if not await self.is_on(reaction.posted.guild_id):
                return
            try:
                outcome = await self._press(reaction)
            except AppError as error:
                await self._record_refused(reaction, error)
                return
            await self._record(reaction, outcome.menu)
            await self._take_switched(reaction, outcome)

    async def is_on(self, guild_id: int) -> bool:
        """Return whether menus are switched on in a guild."""
        return (await self._settings.get(guild_id, KEY)).enabled

    async def _record(
        self, reaction: Reaction, menu: Menu, emoji: str | None = None, *, on: bool | None = None
    ) -> None:
        """Note which reaction is there, so that it is not taken for a new one at the next start."""
        option = _option_of(menu, emoji or reaction.emoji)
        if option is None:
            return
        post_id, user_id = reaction.posted.post_id, reaction.who.user_id
        async with self._database.write() as session:
            if reaction.on if on is None else on:
                await marks.mark(session, post_id, option.role_id, [user_id])
            else:
                await marks.unmark(session, post_id, option.role_id, user_id)

    async def _record_refused(self, reaction: Reaction, error: AppError) -> None:
        """Take a refused reaction back; one that stays is not to be refused again."""
        is_there = reaction.on and not await self._refuse(reaction, error)
        async with self._database.read() as session:
            posted = reaction.posted
            stored = await table.get_menu(session, posted.guild_id, posted.menu_id)
        if stored is not None:
            await self._record(reaction, read_menu(stored), on=is_there)

    async def _press(self, reaction: Reaction) -> Outcome:
        def interpret(menu: Menu, _held: frozenset[int]) -> Press:
            option = _option_of(menu, reaction.emoji)
            return Press() if option is None else reacted(menu.mode, option.role_id, on=reaction.on)

        return await self._presses.press(reaction.who, reaction.posted.menu_id, interpret)

    async def _take_switched(self, reaction: Reaction, outcome: Outcome) -> None:
        """Take back the member's reactions for roles that another took the place of."""
        if not reaction.on or outcome.menu.mode is not Mode.UNIQUE:
            return
        for role_id in outcome.ruling.removed:
            option = outcome.menu.option(role_id)
            if option is not None and option.emoji is not None:
                emoji = reaction_of(option.emoji)
                if await self._take_back(reaction, emoji):
                    await self._record(reaction, outcome.menu, emoji, on=False)

    async def _refuse(self, reaction: Reaction, error: AppError) -> bool:
        """Take a reaction back and say why; returns whether it is gone."""
        is_gone = await self._take_back(reaction, reaction.emoji)
        now = self._clock.now()
        guild_id, user_id = reaction.posted.guild_id, reaction.who.user_id
        locale = await locale_of_guild(self._settings, self._state(), guild_id)
        guild = self._state().guild(guild_id)
        text = _(
            "Your reaction in {guild} did nothing: {problem}",
            guild=quote(guild.name if guild else str(guild_id)),
            problem=error.render(locale),
        )
        delivery = Delivery.direct(
            user_id,
            {"content": text.render(locale)},
            # Once a minute at most, however often they try.
            dedupe_key=f"rolemenus:refused:{guild_id}:{user_id}:{now:%Y%m%d%H%M}",
            guild_id=guild_id,
            expires_at=now + _NEWS,
        )
        async with self._database.write() as session:
            await self._outbox.send(session, delivery)
        return is_gone

    async def _take_back(self, reaction: Reaction, emoji: str) -> bool:
        key = (reaction.message_id, reaction.who.user_id, plain(emoji))
        self._expected[key] = None
        while len(self._expected) > _MOST_EXPECTED:
            del self._expected[next(iter(self._expected))]
        posted = reaction.posted
        try:
            await self._reactor.take_back(
                posted.channel_id, reaction.message_id, emoji, reaction.who.user_id
            )
        except DeliveryError as error:
            # It only looks wrong; what counts is the role.
            self._expected.pop(key, None)
            log.info("reaction_not_taken_back", reason=error.reason)
            return False
        return True


def _option_of(menu: Menu, emoji: str) -> Option | None:
    if menu.style is not Style.REACTIONS:
        return None
    wanted = plain(emoji)
    return next(
        (one for one in menu.options if one.emoji and plain(reaction_of(one.emoji)) == wanted), None
    )
