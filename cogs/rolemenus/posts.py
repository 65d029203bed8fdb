"""Looks after the messages that show menus: which they are, their reactions, their deletion.

Free of discord.py. Which messages are menus is kept in memory: every reaction and every deletion in
all guilds is looked up there. There are at most 50 menus of 10 messages in a guild.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from bot.core.contracts import BotState
from bot.core.i18n import Message, _
from bot.core.jobs import Job, JobService, Retry
from bot.core.outbox import OutboxService
from bot.core.outbox.deliveries import (
    Delayed,
    DeliveryError,
    NotPermitted,
    OutboxFailed,
    Undeliverable,
)
from bot.core.preflight import can_post
from bot.core.problems import Problem, ProblemService
from cogs.rolemenus.desk import POST_JOB, delivery_key
from cogs.rolemenus.emoji import reaction_of
from cogs.rolemenus.reading import KEY, read_menu
from cogs.rolemenus.rules import Menu, Style
from db import role_menus as table
from db.engine import Database
from db.role_menus import RoleMenuPost

_TIMEOUT = timedelta(minutes=2)
_SENDING_SECONDS = 5.0
_LOOK_AGAIN = timedelta(seconds=10)
_PERMISSION_LOOK = timedelta(minutes=5)
_NEEDS = ("add_reactions", "read_message_history")
MESSAGE_GONE = "message_gone"
EMOJI_GONE = "emoji_gone"
REACTIONS = "reactions"


class Reactor(Protocol):
    """Takes reactions to Discord; raises `Delayed`, `NotPermitted` or `Undeliverable`."""

    async def set_reactions(self, channel_id: int, message_id: int, emoji: list[str]) -> None:
        """Have the bot react to a message with exactly these, in this order."""
        ...

    async def take_back(self, channel_id: int, message_id: int, emoji: str, user_id: int) -> None:
        """Take a member's reaction away."""
        ...


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that shows a menu."""

    post_id: int
    menu_id: int
    guild_id: int
    channel_id: int


class MenuPosts:
    """Knows the messages that show menus, and keeps their reactions as they should be."""

    def __init__(
        self,
        database: Database,
        *,
        jobs: JobService,
        outbox: OutboxService,
        problems: ProblemService,
        reactor: Reactor,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._outbox = outbox
        self._problems = problems
        self._reactor = reactor
        self._state = state
        self._posted: dict[int, Posted] = {}

    async def start(self) -> None:
        """Know the messages of earlier runs, and do what they left undone."""
        async with self._database.read() as session:
            posts = await table.list_posts(session)
        for post in posts:
            self._note(post)
        self._jobs.register(POST_JOB, effect=self._look_after, timeout=_TIMEOUT)

    def find(self, message_id: int) -> Posted | None:
        """Return which menu a message shows, `None` for most."""
        return self._posted.get(message_id)

    def all(self) -> list[Posted]:
        """Return all messages that show menus."""
        return list(self._posted.values())

    def in_channel(self, channel_id: int) -> list[int]:
        """Return the messages that show menus in a channel."""
        return [key for key, one in self._posted.items() if one.channel_id == channel_id]

    def forget(self, posts: Iterable[RoleMenuPost]) -> None:
        """Take no notice of these any more; their menu is deleted."""
        for post in posts:
            self._posted.pop(post.message_id or 0, None)

    def _note(self, post: RoleMenuPost) -> None:
        if post.message_id is not None and not post.gone:
            one = Posted(post.id, post.menu_id, post.guild_id, post.channel_id)
            self._posted[post.message_id] = one

    # --- after posting and each change --------------------------------------------------------

    async def _look_after(self, job: Job) -> None:
        """Note which message a post became, and set its reactions."""
        async with self._database.read() as session:
            post = await table.get_post(session, job.payload["post_id"])
            stored = post and await table.get_menu(session, post.guild_id, post.menu_id)
        if post is None or stored is None or post.gone:
            return
        menu, is_new = read_menu(stored), post.message_id is None
        message_id = post.message_id or await self._find_message(post)
        # A menu that was changed may have had reactions before.
        if message_id is not None and (menu.style is Style.REACTIONS or not is_new):
            await self._react(post, message_id, menu)

    async def _find_message(self, post: RoleMenuPost) -> int | None:
        key = delivery_key(post.id)
        receipt = await self._outbox.wait_for(key, _SENDING_SECONDS)
        if receipt is not None and receipt.is_open:
            raise Retry(_LOOK_AGAIN, "not sent yet")
        async with self._database.write() as session:
            if receipt is None or receipt.message_id is None:
                # That it could not be sent has been told.
                await table.delete_post(session, post.id)
                return None
            if not await table.change_post(session, post.id, message_id=receipt.message_id):
                return None
        post.message_id = receipt.message_id
        self._note(post)
        return receipt.message_id

    async def _react(self, post: RoleMenuPost, message_id: int, menu: Menu) -> None:
        shown = menu.options if menu.style is Style.REACTIONS else ()
        emoji = [reaction_of(one.emoji) for one in shown if one.emoji is not None]
        try:
            await self._reactor.set_reactions(post.channel_id, message_id, emoji)
        except Delayed as error:
            raise Retry(max(error.after, _LOOK_AGAIN), error.reason) from error
        except Undeliverable as error:
            if error.reason == MESSAGE_GONE:
                await self.deleted([message_id])
            else:
                await self._report(post, menu, error)
        except NotPermitted as error:
            await self._report(post, menu, error)
            raise Retry(_PERMISSION_LOOK, error.reason) from error
        else:
            await self._problems.solve(post.guild_id, KEY, REACTIONS, str(post.id))

    async def _report(self, post: RoleMenuPost, menu: Menu, error: DeliveryError) -> None:
        message = _("I can't react to the message of the role menu {title}.", title=menu.title)
        fix: Message = _("Choose other emoji with /rolemenu edit.")
        channel = self._state().channel(post.guild_id, post.channel_id)
        if isinstance(error, NotPermitted) and channel is not None:
            refusal = can_post(channel, _NEEDS)
            fix = refusal.fix if refusal else _("Check what my role may do in that channel.")
        problem = Problem(KEY, REACTIONS, str(post.id), message, fix)
        await self._problems.report(post.guild_id, problem)

    # --- deletion -----------------------------------------------------------------------------

    async def deleted(self, message_ids: Collection[int]) -> set[int]:
        """Note that people have deleted messages; return the guilds whose menus they showed."""
        gone = [one for key in message_ids if (one := self._posted.pop(key, None)) is not None]
        if gone:
            async with self._database.write() as session:
                for one in gone:
                    await table.change_post(session, one.post_id, gone=True)
        return {one.guild_id for one in gone}

    async def delivery_failed(self, event: OutboxFailed) -> set[int]:
        """Note that a message could not be edited because it is gone; return as `deleted` does."""
        prefix, _colon, rest = event.dedupe_key.rpartition("post:")
        number = rest.partition(":")[0]
        if prefix != "rolemenus:" or event.reason != MESSAGE_GONE or not number.isdecimal():
            return set()
        return await self.deleted(
            [key for key, one in self._posted.items() if one.post_id == int(number)]
        )
