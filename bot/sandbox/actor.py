"""Acting as a person: what members do in Discord's own client, with the limits it sets them.

Used in-process by tests and the scripted community, and by the control API over HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .channel import Channel
from .command_data import (
    MESSAGE_COMMAND,
    USER_COMMAND,
    NotPossibleError,
    Resolved,
    autocomplete_data,
    check_may_use,
    command_data,
    component_data,
    context_data,
    find_command,
)
from .guild import Guild
from .interactions import CallbackType, Interaction, InteractionType
from .mentions import find_mentions
from .modal_data import modal_data
from .models import Application, Attachment, Json, Member, Message, User
from .permissions import Permission, can_send, channel_permissions
from .snowflake import snowflake_time

if TYPE_CHECKING:
    from .server import Sandbox

_REPLY = 19
_UNSLOWED = Permission.BYPASS_SLOWMODE | Permission.MANAGE_MESSAGES | Permission.MANAGE_CHANNELS
_LINK_BUTTON_STYLES = (5, 6)


class Actor:
    """A person at the keyboard: an account, in a guild (`guild` set) or in direct messages.

    Verbs raise NotPossibleError when Discord's client would not offer them. Those that set off an
    interaction return it once the bot has answered (deferred answers: once they are there), and
    raise NotAnsweredError when it does not answer in time. `wait` False returns at once.
    """

    def __init__(self, sandbox: Sandbox, user: User, guild: Guild | None = None) -> None:
        self.sandbox = sandbox
        self.user = user
        self.guild = guild

    def __repr__(self) -> str:
        return f"<Actor {self.user.name} in {self.guild.name if self.guild else 'direct messages'}>"

    @property
    def id(self) -> int:
        """The account's id."""
        return self.user.id

    @property
    def mention(self) -> str:
        """How the person is written in a message."""
        return self.user.mention

    @property
    def member(self) -> Member:
        """The membership; raises NotPossibleError after the person has left."""
        member = self.guild.members.get(self.user.id) if self.guild else None
        if member is None:
            raise NotPossibleError(f"{self.user.name} is not in the guild")
        return member

    def _permissions(self, channel: Channel) -> int:
        if channel.guild is None:
            return Permission.ALL
        member = channel.guild.members.get(self.user.id)
        return channel_permissions(member, channel) if member else 0

    def _need(self, channel: Channel, permission: int, doing: str) -> None:
        if not self._permissions(channel) & permission:
            raise NotPossibleError(f"{self.user.name} may not {doing} in #{channel.name}")

    # -- membership -------------------------------------------------------------------------------

    def join(self, *, pending: bool = False) -> Member:
        """Join the guild; raises NotPossibleError for a banned person."""
        if self.guild is None or self.user.id in self.guild.bans:
            raise NotPossibleError(f"{self.user.name} can't join")
        return self.guild.add_member(self.user, pending=pending)

    def leave(self) -> None:
        """Leave the guild."""
        member = self.member
        member.guild.remove_member(self.user.id)

    def pass_screening(self) -> None:
        """Accept the guild's rules."""
        self.member.guild.pass_screening(self.member)

    def join_voice(self, channel: Channel) -> None:
        """Enter a voice channel."""
        self._need(channel, Permission.CONNECT, "speak")
        channel.home.set_voice_state(self.user, channel)

    def leave_voice(self) -> None:
        """Leave voice."""
        self.member.guild.set_voice_state(self.user, None)

    # -- messages ---------------------------------------------------------------------------------

    def send(
        self,
        channel: Channel,
        content: str = "",
        *,
        reply_to: Message | None = None,
        files: Iterable[tuple[str, bytes]] = (),
    ) -> Message:
        """Post a message; it obeys permissions, timeouts, slowmode, length and locks."""
        if channel.guild is not None:
            member = channel.guild.members.get(self.user.id)
            if member is None or not can_send(member, channel):
                raise NotPossibleError(f"{self.user.name} may not write in #{channel.name}")
            self._obey_slowmode(channel)
        attachments = [
            Attachment(self.sandbox.world.snowflakes.next(), name, data) for name, data in files
        ]
        if not 0 < len(content) <= 2_000 and not attachments:
            raise NotPossibleError("a message has 1 to 2,000 characters")
        for attachment in attachments:
            self.sandbox.world.keep_attachment(attachment)
        everyone = bool(self._permissions(channel) & Permission.MENTION_EVERYONE)
        mentions = find_mentions(content, may_ping_everyone=everyone)
        fields: Json = {"attachments": attachments}
        if reply_to is not None:
            users = tuple(dict.fromkeys((*mentions.users, reply_to.author.id)))
            mentions = type(mentions)(users, mentions.roles, mentions.everyone)
            reference = {"type": 0, "channel_id": str(channel.id), "message_id": str(reply_to.id)}
            fields |= {"type": _REPLY, "reference": reference}
        return channel.add_message(self.user, content, mentions=mentions, **fields)

    def _obey_slowmode(self, channel: Channel) -> None:
        if not channel.slowmode or self._permissions(channel) & _UNSLOWED:
            return
        oldest = datetime.now(UTC) - timedelta(seconds=channel.slowmode)
        for message in reversed(channel.messages.values()):
            if snowflake_time(message.id) < oldest:
                return
            if message.author is self.user:
                raise NotPossibleError(f"slowmode is on in #{channel.name}")

    def send_dm(self, content: str, bot: User | None = None) -> Message:
        """Write to the bot directly."""
        target = bot or self.sandbox.application.user
        return self.send(self.sandbox.world.open_dm(self.user, target), content)

    def edit(self, message: Message, content: str) -> None:
        """Edit an own message."""
        self._need_own(message)
        found = find_mentions(content)
        message.channel.edit_message(
            message, content=content, mentions=found.users, mention_roles=found.roles
        )

    def delete(self, message: Message) -> None:
        """Delete an own message, or any with MANAGE_MESSAGES."""
        if message.author is not self.user:
            self._need(message.channel, Permission.MANAGE_MESSAGES, "delete messages of others")
        message.channel.delete_message(message)

    def _need_own(self, message: Message) -> None:
        if message.author is not self.user:
            raise NotPossibleError("the message is by someone else")

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

    # -- commands ---------------------------------------------------------------------------------

    def _resolved(self, channel: Channel) -> Resolved:
        return Resolved(self.sandbox.world, channel.guild, channel)

    def _member_in(self, channel: Channel) -> Member | None:
        if channel.guild is None:
            return None
        member = channel.guild.members.get(self.user.id)
        if member is None:
            raise NotPossibleError(f"{self.user.name} is not in the guild")
        return member

    async def slash(
        self,
        channel: Channel,
        command: str,
        /,
        *,
        application: Application | None = None,
        wait: bool = True,
        within: float = 15.0,
        options: Json | None = None,
        **values: Any,
    ) -> Interaction:
        """Use a slash command, such as `"welcome test"`, with `values` as its options.

        Options take text, numbers, truth, members, users, roles, channels, or `(filename, bytes)`
        files; `options` takes those whose names are no Python words.
        """
        bot = application or self.sandbox.application
        name, *path = command.removeprefix("/").split()
        declared = find_command(bot, channel.guild, name)
        check_may_use(declared, self._member_in(channel), channel)
        data = command_data(declared, path, {**(options or {}), **values}, self._resolved(channel))
        return await self._set_off(
            bot, InteractionType.COMMAND, channel, data, wait=wait, within=within
        )

    async def autocomplete(
        self, channel: Channel, command: str, option: str, typed: str | float, /, **values: Any
    ) -> list[Json]:
        """Type into an option of a slash command and return the choices the bot offers."""
        bot = self.sandbox.application
        name, *path = command.removeprefix("/").split()
        declared = find_command(bot, channel.guild, name)
        check_may_use(declared, self._member_in(channel), channel)
        resolved = self._resolved(channel)
        data = autocomplete_data(
            declared, path, resolved, focused=option, text=typed, values=values
        )
        interaction = await self._set_off(bot, InteractionType.AUTOCOMPLETE, channel, data)
        return interaction.choices or []

    async def context_menu(
        self, channel: Channel, name: str, target: Member | User | Message, *, wait: bool = True
    ) -> Interaction:
        """Use a context menu command on a member, user or message."""
        kind = MESSAGE_COMMAND if isinstance(target, Message) else USER_COMMAND
        declared = find_command(self.sandbox.application, channel.guild, name, kind)
        check_may_use(declared, self._member_in(channel), channel)
        data = context_data(declared, target, self._resolved(channel))
        return await self._set_off(
            self.sandbox.application, InteractionType.COMMAND, channel, data, wait=wait
        )

    # -- components -------------------------------------------------------------------------------

    async def click(
        self,
        message: Message | Interaction,
        custom_id: str,
        *,
        wait: bool = True,
        within: float = 15.0,
    ) -> Interaction:
        """Click a button by its custom id (or label)."""
        shown = self._shown(message)
        component = self._component(shown, custom_id)
        if component["type"] != 2 or component.get("style") in _LINK_BUTTON_STYLES:
            raise NotPossibleError(f"{custom_id} is no button to click")
        return await self._use(shown, component, None, wait=wait, within=within)

    async def select(
        self,
        message: Message | Interaction,
        custom_id: str,
        values: list[Any],
        *,
        wait: bool = True,
        within: float = 15.0,
    ) -> Interaction:
        """Choose in a select: option values, or members, users, roles and channels."""
        shown = self._shown(message)
        component = self._component(shown, custom_id)
        if component["type"] not in (3, 5, 6, 7, 8):
            raise NotPossibleError(f"{custom_id} is no select")
        return await self._use(shown, component, values, wait=wait, within=within)

    async def submit_modal(
        self,
        shown: Interaction,
        values: dict[str, Any] | None = None,
        *,
        wait: bool = True,
        within: float = 15.0,
        **more: Any,
    ) -> Interaction:
        """Fill in and submit the modal an interaction has opened; values by custom id."""
        if shown.callback != CallbackType.MODAL or shown.modal is None:
            raise NotPossibleError(f"{shown.name} has opened no modal")
        if shown.user is not self.user:
            raise NotPossibleError("the modal is open on someone else's screen")
        data = modal_data(shown.modal, {**(values or {}), **more}, self._resolved(shown.channel))
        return await self._set_off(
            shown.application,
            InteractionType.MODAL_SUBMIT,
            shown.channel,
            data,
            source=shown.source,
            origin=shown,
            wait=wait,
            within=within,
        )

    def _shown(self, message: Message | Interaction) -> Message:
        """Return the message if this person can see it."""
        shown = message.response if isinstance(message, Interaction) else message
        if shown is None or shown.deleted:
            raise NotPossibleError("there is no such message")
        if shown.ephemeral:
            owner = self.sandbox.interactions.interaction_of(shown)
            if owner is None or owner.user is not self.user:
                raise NotPossibleError("only the person it was shown to sees this message")
        return shown

    @staticmethod
    def _component(message: Message, custom_id: str) -> Json:
        component = message.find_component(custom_id) or message.find_labelled(custom_id)
        if component is None:
            raise NotPossibleError(f"the message shows no component {custom_id}")
        return component

    async def _use(
        self,
        message: Message,
        component: Json,
        values: list[Any] | None,
        *,
        wait: bool,
        within: float,
    ) -> Interaction:
        application = self.sandbox.world.application_by_id(message.application_id, message.author)
        if application is None:
            raise NotPossibleError("the message is by no bot")
        self._member_in(message.channel)
        data = component_data(component, values, self._resolved(message.channel))
        return await self._set_off(
            application,
            InteractionType.COMPONENT,
            message.channel,
            data,
            source=message,
            origin=self.sandbox.interactions.interaction_of(message),
            wait=wait,
            within=within,
        )

    async def _set_off(
        self,
        application: Application,
        kind: int,
        channel: Channel,
        data: Json,
        *,
        source: Message | None = None,
        origin: Interaction | None = None,
        wait: bool = True,
        within: float = 15.0,
    ) -> Interaction:
        if channel.guild is not None:
            self._need(channel, Permission.VIEW_CHANNEL, "look")
        engine = self.sandbox.interactions
        interaction = engine.create(
            application, kind, self.user, channel, data, source=source, origin=origin
        )
        return await interaction.completed(within) if wait else interaction
