"""What a message has to be judged by but does not say: where invites lead, what text files hold.

Bounded in memory and in time; asked of Discord once however many messages want to know. Knows
nothing of how Discord is reached: a reader does.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from cogs.automod.calls import TryAgain
from cogs.automod.rules.sources import MAX_FILE
from cogs.automod.rules.values import Context, FetchText, InviteBook, Needs

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.supervisor import TaskSupervisor

INVITE_SECONDS = 600.0
MOST_INVITES = 5_000
# Of one message: what is beyond counts as an invite to elsewhere, unasked.
MOST_CODES = 10
# As many files as Discord lets a message have.
MOST_TEXTS = 10
AT_ONCE = 4


class Reader(Protocol):
    """Reads from Discord what a message does not say."""

    async def guild_of_invite(self, code: str) -> int | None:
        """Return where an invite leads, `None` for none; raises `TryAgain`."""
        ...

    async def read_text(self, url: str, most_bytes: int) -> str:
        """Return what a text file on Discord's CDN holds, "" where it can't be read."""
        ...


class NeedsResolver:
    """Fetches what is missing; `book` is what all guilds' engines look invites up in."""

    def __init__(self, reader: Reader, clock: Clock, supervisor: TaskSupervisor) -> None:
        self.book = InviteBook()
        self._reader = reader
        self._clock = clock
        self._supervisor = supervisor
        self._known: OrderedDict[str, float] = OrderedDict()
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    def expire(self) -> None:
        """Forget invites that were asked about long ago; costs one comparison if there is none."""
        now = self._clock.monotonic()
        while self._known:
            code, known_at = next(iter(self._known.items()))
            if now - known_at < INVITE_SECONDS and len(self._known) <= MOST_INVITES:
                return
            del self._known[code]
            self.book.guilds.pop(code, None)

    async def resolve(self, needs: Needs, context: Context) -> Context:
        """Return a context by which the message can be judged as far as that goes now."""
        texts = dict(context.texts)
        await asyncio.gather(
            *(self._learn(code) for code in needs.invites[:MOST_CODES]),
            *(self._fetch(one, texts) for one in needs.texts[:MOST_TEXTS]),
        )
        # Those left out count as not to be read, or the message would never be judged.
        for one in needs.texts:
            texts.setdefault(one.attachment_id, "")
        return replace(context, texts=texts, unasked=frozenset(needs.invites[MOST_CODES:]))

    async def _learn(self, code: str) -> None:
        if code in self.book.guilds:
            return
        task = self._asking.get(code)
        if task is None:
            task = self._supervisor.spawn("automod.invite", self._ask(code))
            self._asking[code] = task
            task.add_done_callback(lambda _done: self._asking.pop(code, None))
        # Others wait for the same answer: one who gives up must not end it for them.
        await asyncio.shield(task)

    async def _ask(self, code: str) -> None:
        try:
            async with self._slots:
                guild_id = await self._reader.guild_of_invite(code)
        except TryAgain:
            # Nobody is punished for an invite that Discord did not tell about.
            return
        self.book.guilds[code] = guild_id
        self._known[code] = self._clock.monotonic()
        self.expire()

    async def _fetch(self, wanted: FetchText, texts: dict[int, str]) -> None:
        if wanted.size > MAX_FILE:
            return
        async with self._slots:
            texts[wanted.attachment_id] = await self._reader.read_text(wanted.url, MAX_FILE)
