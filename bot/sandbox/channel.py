"""A channel, thread or direct message conversation: its messages and what happens to them.

Methods change the world and announce it; they check no permission (REST and the actors do that).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .mentions import Mentions, find_mentions
from .models import ChannelType, Json, Message, MessageFlag, Overwrite, Reaction, User
from .payloads import (
    render_channel,
    render_emoji,
    render_gateway_message,
    render_member,
    render_thread_member,
)

if TYPE_CHECKING:
    from .guild import Guild
    from .world import World


# Mentioning a role lets its members into a thread only when fewer have it.
_FEW_FOR_A_THREAD = 100


@dataclass(slots=True)
class ThreadState:
    """What a thread has beyond a channel; `members` maps user id to the instant they joined it."""

    owner_id: int
    archived_at: datetime
    auto_archive_minutes: int = 4_320
    archived: bool = False
    locked: bool = False
    private: bool = False
    invitable: bool = True
    total_messages: int = 0
    members: dict[int, datetime] = field(default_factory=dict)


class Channel:
    """A place for messages (or a category).

    Messages beyond the world's limit are forgotten, oldest first.
    """

    def __init__(
        self,
        world: World,
        channel_id: int,
        channel_type: ChannelType,
        *,
        guild: Guild | None = None,
        name: str = "",
        parent_id: int | None = None,
        recipients: tuple[User, ...] = (),
    ) -> None:
        self.world = world
        self.id = channel_id
        self.type = channel_type
        self.guild = guild
        self.name = name
        self.parent_id = parent_id
        self.recipients = recipients
        self.position = 0
        self.topic: str | None = None
        self.nsfw = False
        self.slowmode = 0
        self.extra: Json = {}
        self.overwrites: dict[int, Overwrite] = {}
        self.messages: dict[int, Message] = {}
        self.last_message_id: int | None = None
        self.last_pin_at: datetime | None = None
        self.thread: ThreadState | None = None

    def __repr__(self) -> str:
        return f"<Channel {self.id} #{self.name}>"

    @property
    def mention(self) -> str:
        """How the channel is written in a message."""
        return f"<#{self.id}>"

    @property
    def parent(self) -> Channel | None:
        """The category, or a thread's channel."""
        return self.world.channels.get(self.parent_id) if self.parent_id else None

    @property
    def home(self) -> Guild:
        """The guild it is in; raises LookupError for a direct message channel."""
        if self.guild is None:
            raise LookupError(f"{self!r} is in no guild")
        return self.guild

    @property
    def thread_state(self) -> ThreadState:
        """What it has as a thread; raises LookupError when it is none."""
        if self.thread is None:
            raise LookupError(f"{self!r} is no thread")
        return self.thread

    # -- messages ---------------------------------------------------------------------------------

    def add_message(
        self,
        author: User,
        content: str = "",
        *,
        mentions: Mentions | None = None,
        message_id: int | None = None,
        **fields: Any,
    ) -> Message:
        """Post a message and announce it; `fields` are any further fields of Message."""
        message = self.new_message(
            author, content, mentions=mentions, message_id=message_id, **fields
        )
        self.publish(message)
        return message

    def _let_in_mentioned(self, message: Message) -> None:
        """Add to a thread whom a message in it mentions, as Discord does.

        Of a role only when fewer than 100 have it:
        https://support.discord.com/hc/en-us/articles/4403205878423-Threads-FAQ
        """
        members = self.home.members
        wanted = [one for one in message.mentions if one in members]
        for role_id in message.mention_roles:
            held = [one.user.id for one in members.values() if role_id in one.roles]
            wanted += held if len(held) < _FEW_FOR_A_THREAD else []
        for user_id in dict.fromkeys(wanted):
            self.add_thread_member(user_id)

    def backdate_message(
        self, author: User, content: str = "", *, sent_at: datetime, **fields: Any
    ) -> Message:
        """Put a message in as if it had been sent at an earlier instant; nobody hears of it."""
        message_id = self.world.snowflakes.at(sent_at)
        message = self.new_message(author, content, message_id=message_id, **fields)
        self.messages = dict(sorted({**self.messages, message_id: message}.items()))
        self.last_message_id = max(self.messages)
        return message

    def new_message(
        self,
        author: User,
        content: str = "",
        *,
        mentions: Mentions | None = None,
        message_id: int | None = None,
        **fields: Any,
    ) -> Message:
        """Make a message without posting it (an ephemeral one never is)."""
        pinged = find_mentions(content) if mentions is None else mentions
        return Message(
            id=message_id or self.world.snowflakes.next(),
            channel=self,
            author=author,
            content=content,
            mentions=pinged.users,
            mention_roles=pinged.roles,
            mention_everyone=pinged.everyone,
            **fields,
        )

    def publish(self, message: Message) -> None:
        """Put a made message into the channel and announce it."""
        self.messages[message.id] = message
        self.last_message_id = message.id
        if self.thread is not None:
            self._count_thread_message(message)
            self._let_in_mentioned(message)
        while len(self.messages) > self.world.message_limit:
            del self.messages[next(iter(self.messages))]
        self.world.dispatch(
            "MESSAGE_CREATE",
            render_gateway_message(message),
            guild=self.guild,
            channel=self,
            message=message,
        )

    def _count_thread_message(self, message: Message) -> None:
        state = self.thread_state
        state.total_messages += 1
        if state.archived and not state.locked:
            self.update_thread(archived=False)
        if message.webhook_id is None:
            self.add_thread_member(message.author.id)

    def edit_message(self, message: Message, *, mark_edited: bool = True, **changes: Any) -> None:
        """Change fields of a message and announce it; `mark_edited` sets the "(edited)" mark."""
        for name, value in changes.items():
            setattr(message, name, value)
        if mark_edited:
            message.edited_at = datetime.now(UTC)
        if message.ephemeral or message.deleted:
            return
        self.world.dispatch(
            "MESSAGE_UPDATE",
            render_gateway_message(message),
            guild=self.guild,
            channel=self,
            message=message,
        )

    def delete_message(self, message: Message) -> None:
        """Delete a message and announce it; deleting it again does nothing."""
        if self.messages.pop(message.id, None) is None:
            return
        message.deleted = True
        self._dispatch("MESSAGE_DELETE", {"id": str(message.id)})

    def delete_messages(self, message_ids: Iterable[int]) -> list[int]:
        """Delete several messages in one announcement; return the ids that existed."""
        gone = [message_id for message_id in message_ids if message_id in self.messages]
        for message_id in gone:
            self.messages.pop(message_id).deleted = True
        if gone:
            self._dispatch("MESSAGE_DELETE_BULK", {"ids": [str(message_id) for message_id in gone]})
        return gone

    def pin(self, message: Message, *, pinned: bool = True) -> None:
        """Pin or unpin a message."""
        message.pinned_at = datetime.now(UTC) if pinned else None
        self.last_pin_at = message.pinned_at or self.last_pin_at
        self.edit_message(message, mark_edited=False)
        stamp = self.last_pin_at.isoformat() if self.last_pin_at else None
        self._dispatch("CHANNEL_PINS_UPDATE", {"last_pin_timestamp": stamp})

    # -- reactions and typing ---------------------------------------------------------------------

    def add_reaction(self, message: Message, user: User, emoji: str) -> None:
        """Let a user react; reacting twice with one emoji does nothing."""
        reaction = message.reactions.setdefault(emoji, Reaction(emoji))
        if user.id in reaction.users:
            return
        reaction.users[user.id] = None
        data = self._reaction_data(message, user.id, emoji) | {
            "message_author_id": str(message.author.id),
            "type": 0,
            "burst": False,
        }
        member = self.guild.members.get(user.id) if self.guild else None
        if member is not None:
            data["member"] = render_member(member)
        self._dispatch("MESSAGE_REACTION_ADD", data)

    def remove_reaction(self, message: Message, user_id: int, emoji: str) -> bool:
        """Take a user's reaction away; False when there was none."""
        reaction = message.reactions.get(emoji)
        if reaction is None or user_id not in reaction.users:
            return False
        del reaction.users[user_id]
        if not reaction.users:
            del message.reactions[emoji]
        self._dispatch(
            "MESSAGE_REACTION_REMOVE",
            self._reaction_data(message, user_id, emoji) | {"type": 0, "burst": False},
        )
        return True

    def clear_reactions(self, message: Message, emoji: str | None = None) -> None:
        """Remove every reaction, or every one with this emoji."""
        data: Json = {"message_id": str(message.id)}
        if emoji is None:
            message.reactions.clear()
            self._dispatch("MESSAGE_REACTION_REMOVE_ALL", data)
        elif message.reactions.pop(emoji, None) is not None:
            self._dispatch("MESSAGE_REACTION_REMOVE_EMOJI", data | {"emoji": render_emoji(emoji)})

    def _reaction_data(self, message: Message, user_id: int, emoji: str) -> Json:
        return {
            "user_id": str(user_id),
            "message_id": str(message.id),
            "emoji": render_emoji(emoji),
        }

    def start_typing(self, user: User) -> None:
        """Announce that a user is typing."""
        data: Json = {"user_id": str(user.id), "timestamp": int(datetime.now(UTC).timestamp())}
        member = self.guild.members.get(user.id) if self.guild else None
        if member is not None:
            data["member"] = render_member(member)
        self._dispatch("TYPING_START", data)

    # -- the channel itself -----------------------------------------------------------------------

    def update(self, **changes: Any) -> None:
        """Change fields and announce it.

        Fields: `name`, `topic`, `nsfw`, `slowmode`, `position`, `parent_id`, `type`, `extra`.
        """
        for name, value in changes.items():
            setattr(self, name, value)
        self._announce_update()

    def set_overwrite(
        self, target_id: int, target_type: int, *, allow: int = 0, deny: int = 0
    ) -> None:
        """Set the exception for a role (`target_type` 0) or member (1)."""
        self.overwrites[target_id] = Overwrite(target_id, target_type, allow, deny)
        self._announce_update()

    def remove_overwrite(self, target_id: int) -> bool:
        """Remove an exception; False when there was none."""
        if self.overwrites.pop(target_id, None) is None:
            return False
        self._announce_update()
        return True

    def _announce_update(self) -> None:
        event = "THREAD_UPDATE" if self.thread else "CHANNEL_UPDATE"
        if self.guild is not None:
            self.guild.revision += 1
        self.world.dispatch(event, render_channel(self), guild=self.guild, channel=self)

    def delete(self) -> None:
        """Delete the channel (with its threads) or thread, and announce it."""
        if self.guild is None:
            return
        self.guild.remove_channel(self)

    # -- threads ----------------------------------------------------------------------------------

    def add_thread(
        self,
        owner: User,
        name: str,
        *,
        private: bool = False,
        message: Message | None = None,
        auto_archive_minutes: int = 4_320,
        invitable: bool = True,
        slowmode: int = 0,
    ) -> Channel:
        """Open a thread; one on a message takes the message's id, as on Discord."""
        kind = ChannelType.PRIVATE_THREAD if private else ChannelType.PUBLIC_THREAD
        if self.type is ChannelType.ANNOUNCEMENT and not private:
            kind = ChannelType.ANNOUNCEMENT_THREAD
        thread_id = message.id if message else self.world.snowflakes.next()
        thread = Channel(
            self.world, thread_id, kind, guild=self.guild, name=name, parent_id=self.id
        )
        now = datetime.now(UTC)
        thread.thread = ThreadState(
            owner.id,
            now,
            auto_archive_minutes,
            private=private,
            invitable=invitable,
            members={owner.id: now},
        )
        thread.slowmode = slowmode
        self.home.adopt_thread(thread)
        if message is not None:
            self.edit_message(
                message, mark_edited=False, flags=message.flags | MessageFlag.HAS_THREAD
            )
        return thread

    def update_thread(self, **changes: Any) -> None:
        """Change fields of the thread's state (`archived`, `locked` and so on) and announce it."""
        state = self.thread_state
        for name, value in changes.items():
            setattr(state, name, value)
        if "archived" in changes:
            state.archived_at = datetime.now(UTC)
        self._announce_update()

    def add_thread_member(self, user_id: int) -> None:
        """Add a user to the thread; adding twice does nothing."""
        state = self.thread_state
        if user_id in state.members:
            return
        state.members[user_id] = datetime.now(UTC)
        self._announce_members([user_id], [])

    def remove_thread_member(self, user_id: int) -> bool:
        """Take a user out of the thread; False when they were not in it."""
        state = self.thread_state
        if state.members.pop(user_id, None) is None:
            return False
        self._announce_members([], [user_id])
        return True

    def _announce_members(self, added: list[int], removed: list[int]) -> None:
        state = self.thread_state
        data = {
            "id": str(self.id),
            "guild_id": str(self.guild.id) if self.guild else None,
            "member_count": min(len(state.members), 50),
            "added_members": [render_thread_member(self, user_id) for user_id in added],
            "removed_member_ids": [str(user_id) for user_id in removed],
        }
        self.world.dispatch("THREAD_MEMBERS_UPDATE", data, guild=self.guild, channel=self)

    def _dispatch(self, event: str, data: Json) -> None:
        payload = {"channel_id": str(self.id), **data}
        if self.guild is not None:
            payload["guild_id"] = str(self.guild.id)
        self.world.dispatch(event, payload, guild=self.guild, channel=self)
