"""What staff do to a guild in Discord's own client: channels, roles, webhooks, invites, bots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from .audit import (
    AuditAction,
    changes,
    channel_state,
    invite_state,
    overwrite_options,
    overwrite_state,
    role_state,
)
from .channel import Channel
from .codec import isoformat
from .command_data import NotPossibleError
from .models import Application, ChannelType, Invite, Json, Member, Role, Webhook
from .moderating import Moderating
from .permissions import Permission, guild_permissions


class Building(Moderating):
    """A person who builds the guild up, or takes it apart. Verbs raise NotPossibleError."""

    # -- channels ---------------------------------------------------------------------------------

    def create_channel(self, name: str, kind: ChannelType = ChannelType.TEXT) -> Channel:
        """Create a channel."""
        guild = self._need_in_guild(Permission.MANAGE_CHANNELS, "make channels")
        channel = guild.add_channel(name, kind)
        self._log(AuditAction.CHANNEL_CREATE, channel.id, {}, channel_state(channel))
        return channel

    def edit_channel(self, channel: Channel, **fields: Any) -> None:
        """Change a channel's `name`, `topic`, `slowmode` (seconds) or `nsfw`."""
        self._need(channel, Permission.MANAGE_CHANNELS, "edit channels")
        before = channel_state(channel)
        channel.update(**fields)
        self._log(AuditAction.CHANNEL_UPDATE, channel.id, before, channel_state(channel))

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel or thread with all in it."""
        thread = channel.thread is not None
        needed = Permission.MANAGE_THREADS if thread else Permission.MANAGE_CHANNELS
        self._need(channel, needed, "delete channels")
        action = AuditAction.THREAD_DELETE if thread else AuditAction.CHANNEL_DELETE
        before = channel_state(channel)
        channel.delete()
        self._log(action, channel.id, before, {})

    def set_overwrite(
        self, channel: Channel, target: Role | Member, *, allow: int = 0, deny: int = 0
    ) -> None:
        """Set a channel's permissions for a role or member; without bits they are removed."""
        self._need(channel, Permission.MANAGE_ROLES, "set permissions")
        before = channel.overwrites.get(target.id)
        kind = 0 if isinstance(target, Role) else 1
        if allow or deny:
            channel.set_overwrite(target.id, kind, allow=allow, deny=deny)
        else:
            channel.remove_overwrite(target.id)
        after = channel.overwrites.get(target.id)
        if before is None:
            action = AuditAction.OVERWRITE_CREATE
        else:
            action = AuditAction.OVERWRITE_UPDATE if after else AuditAction.OVERWRITE_DELETE
        channel.home.log(
            action,
            self.id,
            channel.id,
            changes=changes(overwrite_state(before), overwrite_state(after)),
            options=overwrite_options(channel.home, target.id, kind),
        )

    # -- roles ------------------------------------------------------------------------------------

    def create_role(self, name: str, *, permissions: int = 0) -> Role:
        """Create a role, at the bottom; it can do no more than its maker."""
        guild = self._need_in_guild(Permission.MANAGE_ROLES, "make roles")
        self._holds(permissions)
        role = guild.add_role(name, permissions=permissions)
        self._log(AuditAction.ROLE_CREATE, role.id, {}, role_state(role))
        return role

    def edit_role(self, role: Role, **fields: Any) -> None:
        """Change a role's `name`, `permissions`, `color`, `hoist` or `mentionable`."""
        guild = self._need_in_guild(Permission.MANAGE_ROLES, "edit roles")
        if role is not guild.default_role:
            self._above_role(role)
        self._holds(fields.get("permissions", 0) & ~role.permissions)
        before = role_state(role)
        guild.update_role(role, **fields)
        self._log(AuditAction.ROLE_UPDATE, role.id, before, role_state(role))

    def delete_role(self, role: Role) -> None:
        """Delete a role below one's own."""
        guild = self._need_in_guild(Permission.MANAGE_ROLES, "delete roles")
        self._above_role(role)
        guild.remove_role(role)
        self._log(AuditAction.ROLE_DELETE, role.id, role_state(role), {})

    def _holds(self, permissions: int) -> None:
        if permissions & ~guild_permissions(self.member):
            raise NotPossibleError(f"{self.user.name} may not grant what they can't do")

    # -- webhooks, invites, bots, incidents -------------------------------------------------------

    def create_webhook(self, channel: Channel, name: str) -> Webhook:
        """Create a webhook."""
        self._need(channel, Permission.MANAGE_WEBHOOKS, "make webhooks")
        webhook = self.sandbox.world.add_webhook(channel, name, creator=self.user)
        self._log(AuditAction.WEBHOOK_CREATE, webhook.id, {}, _webhook_state(webhook))
        return webhook

    def delete_webhook(self, webhook: Webhook) -> None:
        """Delete a webhook."""
        self._need(webhook.channel, Permission.MANAGE_WEBHOOKS, "delete webhooks")
        self.sandbox.world.remove_webhook(webhook)
        self._log(AuditAction.WEBHOOK_DELETE, webhook.id, _webhook_state(webhook), {})

    def invite(self, channel: Channel, **fields: Any) -> Invite:
        """Create an invite; `fields` are `max_age` in seconds, `max_uses`, `temporary`."""
        self._need(channel, Permission.CREATE_INSTANT_INVITE, "invite")
        invite = self.sandbox.world.add_invite(channel, self.user, **fields)
        self._log(AuditAction.INVITE_CREATE, None, {}, invite_state(invite))
        return invite

    def add_bot(self, application: Application, *, permissions: int = 0) -> Role:
        """Add a bot to the guild and return its role."""
        guild = self._need_in_guild(Permission.MANAGE_GUILD, "add bots")
        self._holds(permissions)
        role = self.sandbox.world.install(application, guild, permissions=permissions)
        self._log(AuditAction.BOT_ADD, application.user.id, {}, {})
        return role

    def edit_guild(self, **fields: Any) -> None:
        """Change the guild's `name` or a setting such as `verification_level`."""
        guild = self._need_in_guild(Permission.MANAGE_GUILD, "change the guild")
        old = {key: getattr(guild, key, guild.extra.get(key)) for key in fields}
        guild.update(**fields)
        self._log(AuditAction.GUILD_UPDATE, guild.id, old, fields)

    def pause(
        self, *, invites: timedelta | None = None, direct_messages: timedelta | None = None
    ) -> None:
        """Pause invites and direct messages from now for so long; None lets them run."""
        guild = self._need_in_guild(Permission.MANAGE_GUILD, "pause")
        now = datetime.now(UTC)
        ends = {"invites_disabled_until": invites, "dms_disabled_until": direct_messages}
        data = {key: isoformat(now + time) if time else None for key, time in ends.items()}
        guild.update(incidents_data=data)

    def _log(self, action: AuditAction, target_id: int | None, before: Json, after: Json) -> None:
        guild = self.member.guild
        guild.log(action, self.id, target_id, changes=changes(before, after))


def _webhook_state(webhook: Webhook) -> Json:
    return {"name": webhook.name, "channel_id": str(webhook.channel.id), "type": 1}
