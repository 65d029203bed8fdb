"""Somebody at the keyboard: an account in a place, and what it may do there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channel import Channel
from .command_data import NotPossibleError
from .guild import Guild
from .models import Member, User
from .permissions import Permission, channel_permissions, guild_permissions

if TYPE_CHECKING:
    from .server import Sandbox


class Person:
    """An account, in a guild (`guild` set) or in direct messages.

    `locale` is the language of the client they use, that of the account unless said.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        user: User,
        guild: Guild | None = None,
        *,
        locale: str | None = None,
    ) -> None:
        self.sandbox = sandbox
        self.user = user
        self.guild = guild
        self.locale = locale or user.locale

    def __repr__(self) -> str:
        place = self.guild.name if self.guild else "direct messages"
        return f"<{type(self).__name__} {self.user.name} in {place}>"

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

    def _need_in_guild(self, permission: int, doing: str) -> Guild:
        """Return the guild; raises NotPossibleError without the permission."""
        member = self.member
        if not guild_permissions(member) & permission:
            raise NotPossibleError(f"{self.user.name} may not {doing}")
        return member.guild
