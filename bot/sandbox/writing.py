"""What people write: messages and all that hangs on them, threads, polls, forwards, bursts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from .audit import AuditAction, changes, log_deleted_message, thread_state
from .automod import judge_message
from .channel import Channel
from .command_data import NotPossibleError
from .files import keep_file
from .forwarding import forward_fields
from .incidents import dm_refusal
from .mentions import NOBODY, Mentions, find_mentions
from .models import Attachment, ChannelType, Json, Message, User, Webhook
from .permissions import Permission, can_send
from .person import Person
from .polls import plain_poll, start_poll
from .snowflake import snowflake_time
from .stickers import MOST_PER_MESSAGE, find_stickers
from .webhook_posts import post_through

# A file to send: its name, its bytes and, if the client names one, its media type.
File = tuple[str, bytes] | tuple[str, bytes, str]

_REPLY = 19
_UNSLOWED = Permission.BYPASS_SLOWMODE | Permission.MANAGE_MESSAGES | Permission.MANAGE_CHANNELS
_MOST_FILES = 10


class Writing(Person):
    """A person who writes. Verbs raise NotPossibleError, also for what native automod blocks."""

    # -- messages ---------------------------------------------------------------------------------

    def send(
        self,
        channel: Channel,
        content: str = "",
        *,
        reply_to: Message | None = None,
        files: Iterable[File] = (),
        stickers: Iterable[int] = (),
        poll: Json | None = None,
    ) -> Message:
        """Post a message; it obeys permissions, timeouts, slowmode, length, locks and automod.

        `stickers` are ids, `poll` is as in Discord's create request.
        """
        self._may_write(channel)
        kept, shown = self._read_files(channel, files), self._find_stickers(stickers)
        if not 0 < len(content) <= 2_000 and not (kept or shown or poll):
            raise NotPossibleError("a message has 1 to 2,000 characters")
        mentions = self._mentions(channel, content)
        fields: Json = {"attachments": kept, "sticker_items": shown}
        if poll is not None:
            self._need(channel, Permission.SEND_POLLS, "ask")
            fields["poll"] = start_poll(poll)
        if reply_to is not None:
            users = tuple(dict.fromkeys((*mentions.users, reply_to.author.id)))
            mentions = Mentions(users, mentions.roles, mentions.everyone)
            reference = {"type": 0, "channel_id": str(channel.id), "message_id": str(reply_to.id)}
            fields |= {"type": _REPLY, "reference": reference}
        return self._post(channel, content, mentions, **fields)

    def _post(self, channel: Channel, content: str, mentions: Mentions, **fields: Any) -> Message:
        """Post what automod lets through."""
        member = channel.guild.members.get(self.user.id) if channel.guild else None
        if member is None:
            return channel.add_message(self.user, content, mentions=mentions, **fields)
        verdict = judge_message(member, channel, content, mentions)
        verdict.stop_if_blocked()
        message = channel.add_message(self.user, content, mentions=mentions, **fields)
        verdict.enforce(message)
        return message

    def _may_write(self, channel: Channel) -> None:
        if channel.guild is None:
            self._may_write_directly(channel)
            return
        member = channel.guild.members.get(self.user.id)
        if member is None or not can_send(member, channel):
            raise NotPossibleError(f"{self.user.name} may not write in #{channel.name}")
        locked = channel.thread is not None and channel.thread.locked
        if locked and not self._permissions(channel) & Permission.MANAGE_THREADS:
            raise NotPossibleError(f"#{channel.name} is locked")
        self._obey_slowmode(channel)

    def _may_write_directly(self, channel: Channel) -> None:
        for user in channel.recipients:
            if user is not self.user and not user.bot:
                code = dm_refusal(self.sandbox.world, self.user, user)
                if code is not None:
                    raise NotPossibleError(f"{user.name} takes no messages ({code})")

    def _obey_slowmode(self, channel: Channel) -> None:
        if not channel.slowmode or self._permissions(channel) & _UNSLOWED:
            return
        oldest = datetime.now(UTC) - timedelta(seconds=channel.slowmode)
        for message in reversed(channel.messages.values()):
            if snowflake_time(message.id) < oldest:
                return
            if message.author is self.user and message.webhook_id is None:
                raise NotPossibleError(f"slowmode is on in #{channel.name}")

    def _mentions(self, channel: Channel, content: str) -> Mentions:
        everyone = bool(self._permissions(channel) & Permission.MENTION_EVERYONE)
        return find_mentions(content, may_ping_everyone=everyone)

    def _read_files(self, channel: Channel, files: Iterable[File]) -> list[Attachment]:
        given = list(files)
        if given:
            self._need(channel, Permission.ATTACH_FILES, "send files")
        if len(given) > _MOST_FILES:
            raise NotPossibleError(f"a message has up to {_MOST_FILES} files")
        world = self.sandbox.world
        return [
            keep_file(world, name, content, content_type=named[0] if named else None)
            for name, content, *named in given
        ]

    def _find_stickers(self, ids: Iterable[int]) -> list[Json]:
        wanted = list(ids)
        if len(wanted) > MOST_PER_MESSAGE:
            raise NotPossibleError(f"a message has up to {MOST_PER_MESSAGE} stickers")
        try:
            return find_stickers(self.sandbox.world, wanted)
        except KeyError as unknown:
            raise NotPossibleError(f"there is no sticker {unknown}") from None

    def send_dm(
        self, content: str = "", to: User | None = None, *, files: Iterable[File] = ()
    ) -> Message:
        """Write to the bot, or to somebody else, directly."""
        target = to or self.sandbox.application.user
        return self.send(self.sandbox.world.open_dm(self.user, target), content, files=files)

    def ask(self, channel: Channel, question: str, *answers: str) -> Message:
        """Post a poll."""
        return self.send(channel, poll=plain_poll(question, answers))

    def forward(self, message: Message, channel: Channel) -> Message:
        """Forward a message to another channel."""
        self._need(message.channel, Permission.READ_MESSAGE_HISTORY, "read")
        self._may_write(channel)
        return channel.add_message(self.user, mentions=NOBODY, **forward_fields(message))

    def post_through(self, webhook: Webhook, content: str = "", **fields: Any) -> Message:
        """Post through a webhook, as anyone who has its address can.

        `fields` are `username`, `thread` and those of Message, such as `embeds`.
        """
        return post_through(webhook, content, **fields)

    async def burst(
        self, channel: Channel, contents: Sequence[str], *, gap: float = 0.0
    ) -> list[Message]:
        """Post many messages fast, `gap` seconds apart, and return those that came through.

        It ends early when the person may no longer write.
        """
        sent = []
        for content in contents:
            try:
                sent.append(self.send(channel, content))
            except NotPossibleError:
                if self._is_silenced(channel):
                    break
            await asyncio.sleep(gap)
        return sent

    def _is_silenced(self, channel: Channel) -> bool:
        member = channel.guild.members.get(self.user.id) if channel.guild else None
        return channel.guild is not None and (member is None or not can_send(member, channel))

    def edit(self, message: Message, content: str) -> None:
        """Edit an own message; native automod may not let the change through."""
        if message.author is not self.user or message.webhook_id is not None:
            raise NotPossibleError("the message is by someone else")
        found = self._mentions(message.channel, content)
        guild = message.channel.guild
        member = guild.members.get(self.user.id) if guild else None
        verdict = judge_message(member, message.channel, content, found) if member else None
        if verdict is not None:
            verdict.stop_if_blocked()
        message.channel.edit_message(
            message, content=content, mentions=found.users, mention_roles=found.roles
        )
        if verdict is not None:
            verdict.enforce(message)

    def delete(self, message: Message) -> None:
        """Delete an own message, or any with MANAGE_MESSAGES, which the audit log counts."""
        if message.author is not self.user or message.webhook_id is not None:
            self._need(message.channel, Permission.MANAGE_MESSAGES, "delete messages of others")
        if not message.deleted:
            log_deleted_message(self.user, message)
        message.channel.delete_message(message)

    def react(self, message: Message, emoji: str) -> None:
        """React with an emoji, a character or `name:id`."""
        if emoji not in message.reactions:
            self._need(message.channel, Permission.ADD_REACTIONS, "react")
        message.channel.add_reaction(message, self.user, emoji)

    def unreact(self, message: Message, emoji: str) -> None:
        """Take a reaction back."""
        message.channel.remove_reaction(message, self.user.id, emoji)

    def type_in(self, channel: Channel) -> None:
        """Show "is typing…"."""
        channel.start_typing(self.user)

    # -- threads ----------------------------------------------------------------------------------

    def start_thread(
        self,
        channel: Channel,
        name: str,
        *,
        message: Message | None = None,
        content: str = "",
        private: bool = False,
    ) -> Channel:
        """Open a thread, on a message or by itself; in a forum `content` is the post's text."""
        if not 0 < len(name) <= 100:
            raise NotPossibleError("a thread's name has 1 to 100 characters")
        needed = Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS
        if channel.type is ChannelType.FORUM:
            needed = Permission.SEND_MESSAGES
        self._need(channel, needed, "open threads")
        thread = channel.add_thread(self.user, name, private=private, message=message)
        self._log_thread(AuditAction.THREAD_CREATE, thread, {})
        if content:
            self._post(thread, content, self._mentions(thread, content))
        return thread

    def edit_thread(self, thread: Channel, *, name: str | None = None, **state: bool) -> None:
        """Rename a thread, or set `archived`, or (with MANAGE_THREADS) `locked`."""
        own = thread.thread_state.owner_id == self.user.id
        if not own or "locked" in state:
            self._need(thread, Permission.MANAGE_THREADS, "manage threads")
        before = thread_state(thread)
        thread.name = name or thread.name
        thread.update_thread(**state)
        self._log_thread(AuditAction.THREAD_UPDATE, thread, before)

    def _log_thread(self, action: AuditAction, thread: Channel, before: Json) -> None:
        found = changes(before, thread_state(thread))
        thread.home.log(action, self.user.id, thread.id, changes=found)
