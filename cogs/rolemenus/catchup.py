"""Takes the reactions that were made, or taken back, while nobody listened; free of discord.py.

Discord tells who reacts to a message, but not since when. So the reactions that were dealt with are
on record: the others are new, and those on record that are not there were taken back. One job for
each message reads its reactions page by page.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from bot.core.clock import Clock
from bot.core.jobs import Job, JobService, Retry
from bot.core.outbox.deliveries import Delayed, DeliveryError, Undeliverable
from cogs.rolemenus.emoji import reaction_of
from cogs.rolemenus.posts import EMOJI_GONE, MenuPosts, Posted
from cogs.rolemenus.pressing import Presser
from cogs.rolemenus.reacting import Reaction, ReactionPresses
from cogs.rolemenus.reading import read_menu
from cogs.rolemenus.rules import Menu, Style
from db import role_menu_reactions as marks
from db import role_menus as table
from db.engine import Database
from db.role_menus import RoleMenuPost

log = structlog.get_logger(__name__)

JOB = "rolemenus.catch_up"
# Discord's page.
PAGE = 100
# Of one role: who reacted with a higher id than the 20,000th is not caught up with.
MOST_PAGES = 200
# Reactions that one run takes, each with a question to Discord about the member.
MOST_TAKEN = 100
# Between the beginnings of two messages' jobs: a bot has many, and Discord its limits.
APART = timedelta(seconds=2)
_AGAIN = timedelta(seconds=10)
_TIMEOUT = timedelta(minutes=10)


class ReactionReader(Protocol):
    """Asks Discord who reacts, and about members; raises `DeliveryError` without an answer."""

    async def list_reactors(
        self, channel_id: int, message_id: int, emoji: str, *, after: int, limit: int
    ) -> Sequence[tuple[int, bool]]:
        """Return who reacts with an emoji, by id and whether it is a bot; higher ids, in order."""
        ...

    async def roles_of(self, guild_id: int, user_id: int) -> frozenset[int] | None:
        """Return a member's roles, `None` for somebody who is no member."""
        ...


class ReactionCatchUp:
    """Reads the reactions of all posted menus after each beginning of a gateway session."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        jobs: JobService,
        posts: MenuPosts,
        presses: ReactionPresses,
        reader: ReactionReader,
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._posts = posts
        self._presses = presses
        self._reader = reader

    def start(self) -> None:
        """Take up what earlier runs have begun."""
        self._jobs.register(JOB, effect=self._read, timeout=_TIMEOUT, max_attempts=50)

    async def begin_session(self, guild_ids: Collection[int]) -> None:
        """Plan to read the reactions on these guilds' menus, one message after another."""
        found = [one for one in self._posts.all() if one.guild_id in guild_ids]
        if not found:
            return
        due_at = self._clock.now()
        async with self._database.write() as session:
            for posted in found:
                await self._jobs.schedule(
                    session,
                    JOB,
                    due_at,
                    {"post_id": posted.post_id},
                    dedupe_key=f"{JOB}:{posted.post_id}",
                    guild_id=posted.guild_id,
                )
                due_at += APART

    async def _read(self, job: Job) -> None:
        async with self._database.read() as session:
            post = await table.get_post(session, job.payload["post_id"])
            stored = post and await table.get_menu(session, post.guild_id, post.menu_id)
        if post is None or stored is None or post.message_id is None or post.gone:
            return
        menu = read_menu(stored)
        if menu.style is not Style.REACTIONS:
            return
        if not await self._presses.is_on(menu.guild_id):
            return
        try:
            await self._read_all(post, post.message_id, menu)
        except Delayed as error:
            raise Retry(max(error.after, _AGAIN), error.reason) from error
        except DeliveryError as error:
            # What is in the way is told where the bot's own reactions are looked after.
            log.info("reactions_not_read", reason=error.reason)

    async def _read_all(self, post: RoleMenuPost, message_id: int, menu: Menu) -> None:
        budget = _Budget(MOST_TAKEN)
        for option in menu.options:
            if option.emoji is None:
                continue
            sign = _Sign(post, message_id, option.role_id, reaction_of(option.emoji))
            try:
                await self._read_sign(sign, budget)
            except Undeliverable as error:
                # Whoever took a deleted emoji for theirs keeps the role.
                if error.reason != EMOJI_GONE:
                    raise
        if not post.is_read:
            async with self._database.write() as session:
                await table.change_post(session, post.id, is_read=True)

    async def _read_sign(self, sign: _Sign, budget: _Budget) -> None:
        after: int | None = 0
        for _number in range(MOST_PAGES):
            if after is None:
                return
            after = await self._read_page(sign, after, budget)

    async def _read_page(self, sign: _Sign, after: int, budget: _Budget) -> int | None:
        """Deal with who reacts with ids after one; return the last of them if there are more."""
        page = await self._reader.list_reactors(
            sign.post.channel_id, sign.message_id, sign.emoji, after=after, limit=PAGE
        )
        last = page[-1][0] if len(page) == PAGE else None
        present = {user_id for user_id, is_bot in page if not is_bot}
        async with self._database.read() as session:
            known = await marks.list_marked(
                session, sign.post.id, sign.role_id, after=after, until=last
            )
        if not sign.post.is_read:
            # Nobody knows what became of those from before anything was on record.
            async with self._database.write() as session:
                await marks.mark(session, sign.post.id, sign.role_id, present - known)
            return last
        for user_id in sorted(present ^ known):
            budget.spend()
            await self._take(sign, user_id, on=user_id in present)
        return last

    async def _take(self, sign: _Sign, user_id: int, *, on: bool) -> None:
        """Have a reaction decided on as if it came now."""
        if not on and await self._is_there(sign, user_id):
            # It came after the page, and was heard of.
            return
        guild_id, post_id = sign.post.guild_id, sign.post.id
        roles = await self._reader.roles_of(guild_id, user_id)
        if roles is None:
            # Who has left is not asked about again.
            async with self._database.write() as session:
                if on:
                    await marks.mark(session, post_id, sign.role_id, [user_id])
                else:
                    await marks.unmark(session, post_id, sign.role_id, user_id)
            return
        # Whether they have passed screening the queue of role changes asks.
        who = Presser(guild_id, user_id, roles, pending=True)
        posted = Posted(post_id, sign.post.menu_id, guild_id, sign.post.channel_id)
        await self._presses.take(Reaction(posted, sign.message_id, who, sign.emoji, on))

    async def _is_there(self, sign: _Sign, user_id: int) -> bool:
        found = await self._reader.list_reactors(
            sign.post.channel_id, sign.message_id, sign.emoji, after=user_id - 1, limit=1
        )
        return any(one == user_id for one, _is_bot in found)


@dataclass(frozen=True, slots=True)
class _Sign:
    """A role's reaction under a message."""

    post: RoleMenuPost
    message_id: int
    role_id: int
    emoji: str


class _Budget:
    """What one run may still do; raises `Delayed` when that is over."""

    def __init__(self, left: int) -> None:
        self._left = left

    def spend(self) -> None:
        if self._left == 0:
            raise Delayed("more reactions to come")
        self._left -= 1
