"""The simulated Discord's state: every account, guild, channel and application, in memory.

It knows nothing of HTTP or WebSockets: whoever wants to hear of changes adds a listener.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from .channel import Channel
from .events import Dispatch, Intent
from .guild import Guild
from .models import Application, Attachment, ChannelType, Invite, Json, Message, Role, User, Webhook
from .payloads import render_channel, render_invite, render_user
from .permissions import DEFAULT_PERMISSIONS, Permission
from .snowflake import SnowflakeFactory

Listener = Callable[[Dispatch], None]

BOT_PERMISSIONS = Permission.ADMINISTRATOR
FILE_LIMIT = 500


class World:
    """All state of the sandbox. Change it through its methods and those of guilds and channels.

    `message_limit` bounds the messages kept per channel.
    """

    def __init__(self, *, message_limit: int = 1_000) -> None:
        self.snowflakes = SnowflakeFactory()
        self.message_limit = message_limit
        self.api_url = ""
        self.cdn_url = ""
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.applications: dict[int, Application] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.invites: dict[str, Invite] = {}
        self.listeners: list[Listener] = []
        self._dm_channels: dict[frozenset[int], Channel] = {}
        self._bots: dict[int, Application] = {}
        self._avatars = 0
        self._files: dict[int, Attachment] = {}

    # -- the one way out --------------------------------------------------------------------------

    def dispatch(
        self,
        event: str,
        data: Json,
        *,
        guild: Guild | None = None,
        channel: Channel | None = None,
        application_id: int | None = None,
        subject_id: int | None = None,
        message: Message | None = None,
        needs: int = 0,
        withheld: tuple[str, ...] = (),
    ) -> None:
        """Announce an event to every listener (the gateway is one).

        `Dispatch` says what the fields mean.
        """
        announced = Dispatch(
            event, data, guild, channel, application_id, subject_id, message, needs, withheld
        )
        for listener in tuple(self.listeners):
            listener(announced)

    # -- accounts ---------------------------------------------------------------------------------

    def add_user(
        self,
        name: str,
        *,
        global_name: str | None = None,
        bot: bool = False,
        locale: str = "en-US",
        created_at: datetime | None = None,
        avatar: bool = False,
    ) -> User:
        """Open an account.

        `created_at` sets the account's age, `avatar` gives it a picture of its own.
        """
        user_id = self.snowflakes.at(created_at) if created_at else self.snowflakes.next()
        user = User(user_id, name, global_name, bot, self.new_avatar() if avatar else None, locale)
        self.users[user.id] = user
        return user

    def new_avatar(self) -> str:
        """Return a picture hash; the sandbox's CDN paints a picture for any hash."""
        self._avatars += 1
        return f"{self._avatars:032x}"

    def update_user(self, user: User, **changes: Any) -> None:
        """Change fields of an account and tell its guilds."""
        for name, value in changes.items():
            setattr(user, name, value)
        application = self._bots.get(user.id)
        if application is not None:
            self.dispatch("USER_UPDATE", render_user(user), application_id=application.id)
        for guild in self.guilds.values():
            member = guild.members.get(user.id)
            if member is not None:
                guild.announce_member(member)

    def close_account(self, user: User) -> bool:
        """Forget the account of somebody who is in no guild and banned from none, if it is such."""
        if any(user.id in guild.members or user.id in guild.bans for guild in self.guilds.values()):
            return False
        return self.users.pop(user.id, None) is not None

    def add_application(
        self,
        name: str,
        token: str,
        *,
        owner: User | None = None,
        allowed_intents: int = Intent.ALL,
        application_id: int | None = None,
    ) -> Application:
        """Register a bot.

        `allowed_intents` says which privileged intents its owner has switched on.
        """
        bot_id = application_id or self.snowflakes.next()
        user = User(bot_id, name, bot=True)
        self.users[bot_id] = user
        keeper = owner or self.add_user(f"{name.lower()}-owner", global_name=f"{name}'s owner")
        application = Application(bot_id, name, token, user, keeper, allowed_intents)
        self.applications[application.id] = application
        self._bots[user.id] = application
        return application

    def application_of(self, user: User) -> Application | None:
        """Return the application whose bot account this is."""
        return self._bots.get(user.id)

    def application_by_id(self, application_id: int | None, author: User) -> Application | None:
        """Return the application behind a message: by its id, else by its author's account."""
        found = self.applications.get(application_id) if application_id else None
        return found or self._bots.get(author.id)

    # -- guilds -----------------------------------------------------------------------------------

    def add_guild(self, name: str, owner: User | None = None, *, locale: str = "en-US") -> Guild:
        """Found a guild with its owner as the only member and no channel."""
        founder = owner or self.add_user(f"owner-of-{name.lower().replace(' ', '-')}"[:32])
        guild = Guild(self, self.snowflakes.next_spread(), name, founder, locale=locale)
        self.guilds[guild.id] = guild
        guild.add_member(founder, quiet=True)
        return guild

    def install(
        self, application: Application, guild: Guild, *, permissions: int = BOT_PERMISSIONS
    ) -> Role:
        """Add a bot to a guild with a managed role; its sessions get GUILD_CREATE.

        Return the role, the one that there is where the bot is in the guild.
        """
        if application.user.id in guild.members:
            return next(one for one in guild.roles.values() if one.bot_id == application.user.id)
        role = guild.add_role(
            application.name, permissions=permissions, managed=True, bot_id=application.user.id
        )
        guild.update_role(role, position=max(entry.position for entry in guild.roles.values()) + 1)
        guild.add_member(application.user, roles=[role])
        return role

    def remove_guild(self, guild: Guild) -> None:
        """Delete a guild; its bots hear GUILD_DELETE."""
        del self.guilds[guild.id]
        for channel in (*guild.channels.values(), *guild.threads.values()):
            self.channels.pop(channel.id, None)
        for member in [entry for entry in guild.members.values() if entry.user.bot]:
            self.bot_left(guild, member.user)

    def bot_joined(self, guild: Guild, user: User) -> None:
        """Tell a bot's sessions of a guild it now is in.

        The gateway fills in what that bot may see.
        """
        application = self._bots.get(user.id)
        if application is not None:
            self.dispatch(
                "GUILD_CREATE", {"id": str(guild.id)}, guild=guild, application_id=application.id
            )

    def bot_left(self, guild: Guild, user: User) -> None:
        """Tell a bot's sessions that it is no longer in a guild; its role goes with it."""
        for role in [one for one in guild.roles.values() if one.bot_id == user.id]:
            guild.remove_role(role)
        application = self._bots.get(user.id)
        if application is not None:
            self.dispatch(
                "GUILD_DELETE", {"id": str(guild.id)}, guild=guild, application_id=application.id
            )

    def guilds_of(self, application: Application) -> list[Guild]:
        """Return the guilds a bot is in, oldest first."""
        return [guild for guild in self.guilds.values() if application.user.id in guild.members]

    # -- direct messages --------------------------------------------------------------------------

    def open_dm(self, first: User, second: User) -> Channel:
        """Return the direct message channel of two users, made on first use."""
        key = frozenset((first.id, second.id))
        channel = self._dm_channels.get(key)
        if channel is None:
            channel = Channel(
                self, self.snowflakes.next(), ChannelType.DM, recipients=(first, second)
            )
            self._dm_channels[key] = channel
            self.channels[channel.id] = channel
        return channel

    def render_dm(self, channel: Channel, viewer: User) -> Json:
        """Return a direct message channel as one of its two users sees it."""
        others = [render_user(user) for user in channel.recipients if user.id != viewer.id]
        return render_channel(channel) | {"recipients": others}

    # -- webhooks and invites ---------------------------------------------------------------------

    def add_webhook(
        self,
        channel: Channel,
        name: str,
        *,
        creator: User | None = None,
        application_id: int | None = None,
    ) -> Webhook:
        """Create a webhook in a guild channel and announce it."""
        token = secrets.token_urlsafe(51)
        webhook = Webhook(self.snowflakes.next(), channel, name, token, creator, application_id)
        self.webhooks[webhook.id] = webhook
        channel.home.webhooks[webhook.id] = webhook
        self._announce_webhooks(channel)
        return webhook

    def remove_webhook(self, webhook: Webhook) -> None:
        """Delete a webhook and announce it."""
        self.webhooks.pop(webhook.id, None)
        webhook.channel.home.webhooks.pop(webhook.id, None)
        self._announce_webhooks(webhook.channel)

    def _announce_webhooks(self, channel: Channel) -> None:
        data = {"guild_id": str(channel.home.id), "channel_id": str(channel.id)}
        self.dispatch("WEBHOOKS_UPDATE", data, guild=channel.home, channel=channel)

    def add_invite(self, channel: Channel, inviter: User | None = None, **fields: Any) -> Invite:
        """Create an invite.

        `fields` are those of Invite (`code`, `max_age` in seconds, `max_uses`, `temporary`).
        """
        code = fields.pop("code", None) or secrets.token_urlsafe(6)
        invite = Invite(code, channel, inviter, datetime.now(UTC), **fields)
        self.invites[invite.code] = invite
        channel.home.invites[invite.code] = invite
        data = render_invite(invite) | {"channel_id": str(channel.id)}
        self.dispatch("INVITE_CREATE", data, guild=channel.home, channel=channel)
        return invite

    def remove_invite(self, invite: Invite) -> None:
        """Delete an invite and announce it."""
        self.invites.pop(invite.code, None)
        invite.channel.home.invites.pop(invite.code, None)
        data = {
            "code": invite.code,
            "channel_id": str(invite.channel.id),
            "guild_id": str(invite.channel.home.id),
        }
        self.dispatch("INVITE_DELETE", data, guild=invite.channel.home, channel=invite.channel)

    # -- files ------------------------------------------------------------------------------------

    def keep_attachment(self, attachment: Attachment) -> None:
        """Keep a file for download; the oldest beyond the limit are forgotten."""
        self._files[attachment.id] = attachment
        while len(self._files) > FILE_LIMIT:
            del self._files[next(iter(self._files))]

    def find_attachment(self, attachment_id: int) -> Attachment | None:
        """Return a file that is still kept."""
        return self._files.get(attachment_id)

    # -- big worlds -------------------------------------------------------------------------------

    def populate(
        self,
        application: Application,
        *,
        guilds: int,
        members: int,
        channels: Iterable[str] = ("general", "welcome", "bot-commands"),
    ) -> list[Guild]:
        """Build a large world quickly.

        `members` plain members spread evenly over `guilds` new guilds.
        """
        names = tuple(channels)
        built = []
        for number in range(guilds):
            guild = self.add_guild(f"Guild {number}")
            for name in names:
                guild.add_channel(name)
            self.install(application, guild)
            share = members // guilds + (number < members % guilds)
            missing = max(share - len(guild.members), 0)
            guild.fill_members(
                self.add_user(f"member-{number}-{index}") for index in range(missing)
            )
            built.append(guild)
        return built


__all__ = ["BOT_PERMISSIONS", "DEFAULT_PERMISSIONS", "Permission", "World"]
