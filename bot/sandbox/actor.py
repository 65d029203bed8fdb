"""Acting as a person: what members do in Discord's own client, with the limits it sets them.

Used in-process by tests and the scripted community, and by the control API over HTTP.
"""

from __future__ import annotations

from typing import Any

from .audit import AuditAction, change
from .automod import judge_profile
from .building import Building
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
    offered_without_asking,
)
from .incidents import invites_paused
from .interactions import CallbackType, Interaction, InteractionType
from .modal_data import modal_data
from .models import Application, Invite, Json, Member, Message, User
from .permissions import Permission
from .writing import Writing

_LINK_BUTTON_STYLES = (5, 6)


class Actor(Writing, Building):
    """A person at the keyboard: an account, in a guild (`guild` set) or in direct messages.

    What they write is in writing.py, what staff do in moderating.py and building.py.

    Verbs raise NotPossibleError when Discord's client would not offer them. Those that set off an
    interaction return it once the bot has answered (deferred answers: once they are there), and
    raise NotAnsweredError when it does not answer in time. `wait` False returns at once.
    """

    # -- membership -------------------------------------------------------------------------------

    def join(self, *, pending: bool = False, invite: Invite | None = None) -> Member:
        """Join the guild, by an invite if one is given.

        Raises NotPossibleError for a banned person, while invites are paused, and for an invite
        that has ended. Native automod looks at the names of who joins.
        """
        guild = self.guild
        if guild is None or self.user.id in guild.bans:
            raise NotPossibleError(f"{self.user.name} can't join")
        if self.user.id in guild.members:
            return guild.members[self.user.id]
        if invites_paused(guild) or (invite is not None and not invite.valid):
            raise NotPossibleError(f"the invite for {self.user.name} is paused or invalid")
        if invite is not None:
            invite.uses += 1
        member = guild.add_member(self.user, pending=pending)
        judge_profile(member)
        return member

    def leave(self) -> None:
        """Leave the guild."""
        member = self.member
        member.guild.remove_member(self.user.id)

    def pass_screening(self) -> None:
        """Accept the guild's rules."""
        self.member.guild.pass_screening(self.member)

    def rename(self, nick: str | None) -> None:
        """Change the own nickname, or go without one."""
        guild = self._need_in_guild(Permission.CHANGE_NICKNAME, "change the nickname")
        member, before = self.member, self.member.nick
        guild.update_member(member, nick=nick)
        found = [change("nick", before, nick)]
        guild.log(AuditAction.MEMBER_UPDATE, self.id, self.id, changes=found)
        judge_profile(member)

    def change_name(self, global_name: str) -> None:
        """Change the account's display name, which every guild sees."""
        world = self.sandbox.world
        world.update_user(self.user, global_name=global_name)
        for guild in world.guilds.values():
            if self.id in guild.members:
                judge_profile(guild.members[self.id])

    def join_voice(
        self, channel: Channel, *, self_mute: bool = False, self_deaf: bool = False
    ) -> None:
        """Enter a voice channel, or be muted or deafened there from now on."""
        self._need(channel, Permission.CONNECT, "speak")
        channel.home.set_voice_state(self.user, channel, self_mute=self_mute, self_deaf=self_deaf)

    def leave_voice(self) -> None:
        """Leave voice."""
        self.member.guild.set_voice_state(self.user, None)

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
        """Type into an option of a slash command and return the choices that come up.

        The bot is asked only for an option that completes; others have fixed choices or none.
        """
        bot = self.sandbox.application
        name, *path = command.removeprefix("/").split()
        declared = find_command(bot, channel.guild, name)
        check_may_use(declared, self._member_in(channel), channel)
        offered = offered_without_asking(declared, path, option, typed)
        if offered is not None:
            return offered
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
            application,
            kind,
            self.user,
            channel,
            data,
            source=source,
            origin=origin,
            locale=self.locale,
        )
        return await interaction.completed(within) if wait else interaction
