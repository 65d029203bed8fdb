"""A guild: its roles, channels, members, bans and audit log, and how they change.

Methods change the world; they check no permission (REST and the actors do that).
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .channel import Channel
from .models import Ban, ChannelType, Invite, Json, Member, MemberFlag, Role, User, Webhook
from .payloads import (
    render_channel,
    render_guild,
    render_member,
    render_role,
    render_user,
)
from .permissions import DEFAULT_PERMISSIONS, Permission
from .snowflake import snowflake_time

if TYPE_CHECKING:
    from .world import World

AUDIT_LOG_LIMIT = 1_000
_SEES_BANS = Permission.BAN_MEMBERS | Permission.VIEW_AUDIT_LOG

# What a new guild has beside name, owner, roles and channels; nothing here computes with it.
_SETTINGS: Json = {
    "splash": None,
    "discovery_splash": None,
    "banner": None,
    "region": "deprecated",
    "afk_channel_id": None,
    "afk_timeout": 300,
    "system_channel_id": None,
    "system_channel_flags": 0,
    "widget_enabled": False,
    "widget_channel_id": None,
    "verification_level": 1,
    "default_message_notifications": 1,
    "explicit_content_filter": 0,
    "mfa_level": 0,
    "application_id": None,
    "rules_channel_id": None,
    "public_updates_channel_id": None,
    "safety_alerts_channel_id": None,
    "max_presences": None,
    "max_members": 500_000,
    "max_stage_video_channel_users": 50,
    "max_video_channel_users": 25,
    "vanity_url_code": None,
    "premium_tier": 0,
    "premium_subscription_count": 0,
    "premium_progress_bar_enabled": False,
    "hub_type": None,
    "latest_onboarding_question_id": None,
    "nsfw": False,
    "nsfw_level": 0,
    "home_header": None,
    "incidents_data": None,
}


class Guild:
    """A community.

    `extra` holds its plain settings (verification level and the like) as Discord writes them.
    """

    def __init__(
        self, world: World, guild_id: int, name: str, owner: User, *, locale: str = "en-US"
    ) -> None:
        self.world = world
        self.id = guild_id
        self.name = name
        self.owner_id = owner.id
        self.locale = locale
        self.icon: str | None = None
        self.description: str | None = None
        self.features: list[str] = []
        self.extra: Json = dict(_SETTINGS)
        self.emojis: list[Json] = []
        self.stickers: list[Json] = []
        # Grows with every change of roles and overwrites; permission caches compare it.
        self.revision = 0
        self.roles: dict[int, Role] = {
            guild_id: Role(guild_id, self, "@everyone", permissions=DEFAULT_PERMISSIONS, position=0)
        }
        self.channels: dict[int, Channel] = {}
        self.threads: dict[int, Channel] = {}
        self.members: dict[int, Member] = {}
        self.bans: dict[int, Ban] = {}
        # Who was here before, with the timeout that still waits for them.
        self.former: dict[int, datetime | None] = {}
        self.non_member_bans = 0
        self.non_member_ban_cap: int | None = None
        self.webhooks: dict[int, Webhook] = {}
        self.invites: dict[str, Invite] = {}
        self.automod_rules: dict[int, Json] = {}
        self.voice_states: dict[int, Json] = {}
        self.audit_log: deque[Json] = deque(maxlen=AUDIT_LOG_LIMIT)

    def __repr__(self) -> str:
        return f"<Guild {self.id} {self.name!r}>"

    @property
    def default_role(self) -> Role:
        """The role everyone has."""
        return self.roles[self.id]

    def channel(self, name: str) -> Channel:
        """Return the channel or thread of this name; raises KeyError when there is none."""
        for channel in (*self.channels.values(), *self.threads.values()):
            if channel.name == name:
                return channel
        raise KeyError(name)

    def role(self, name: str) -> Role:
        """Return the role of this name; raises KeyError when there is none."""
        for role in self.roles.values():
            if role.name == name:
                return role
        raise KeyError(name)

    def member(self, user_id: int) -> Member:
        """Return a member; raises KeyError when the user is not in the guild."""
        return self.members[user_id]

    def update(self, **changes: Any) -> None:
        """Change fields (`name`, `owner_id`, …) or settings (those in `extra`), and announce it."""
        for name, value in changes.items():
            if name in self.extra:
                self.extra[name] = value
            else:
                setattr(self, name, value)
        self.revision += 1
        self.world.dispatch("GUILD_UPDATE", render_guild(self), guild=self)

    # -- members ----------------------------------------------------------------------------------

    def add_member(
        self,
        user: User,
        *,
        roles: Iterable[Role] = (),
        nick: str | None = None,
        pending: bool = False,
        joined_at: datetime | None = None,
        quiet: bool = False,
    ) -> Member:
        """Let a user join; `quiet` (for building a world) leaves out the announcement.

        Joining twice changes nothing. Somebody who returns is marked so, and still timed out.
        """
        existing = self.members.get(user.id)
        if existing is not None:
            return existing
        member = Member(
            user,
            self,
            joined_at or datetime.now(UTC),
            tuple(role.id for role in roles),
            nick,
            pending,
        )
        self.members[user.id] = member
        if user.id in self.former:
            member.flags |= MemberFlag.DID_REJOIN
            member.timed_out_until = self.former.pop(user.id)
        if user.bot:
            self.revision += 1
            self.world.bot_joined(self, user)
        if not quiet:
            self._dispatch("GUILD_MEMBER_ADD", render_member(member), subject_id=user.id)
        return member

    def fill_members(self, users: Iterable[User], *, joined_at: datetime | None = None) -> None:
        """Add many plain members at once and announce nothing."""
        moment = joined_at or datetime.now(UTC) - timedelta(days=30)
        self.members.update((user.id, Member(user, self, moment)) for user in users)

    def remove_member(self, user_id: int) -> bool:
        """Let a member leave; False when they were not here."""
        member = self.members.pop(user_id, None)
        if member is None:
            return False
        self.former[user_id] = member.timed_out_until
        for channel in self.threads.values():
            if channel.thread is not None:
                channel.thread.members.pop(user_id, None)
        self.voice_states.pop(user_id, None)
        if member.user.bot:
            self.revision += 1
            self.world.bot_left(self, member.user)
        self._dispatch("GUILD_MEMBER_REMOVE", {"user": render_user(member.user)})
        return True

    def update_member(self, member: Member, **changes: Any) -> None:
        """Change fields of a member (`nick`, `roles` as ids, `pending`, …) and announce it."""
        for name, value in changes.items():
            setattr(member, name, value)
        self.announce_member(member)

    def announce_member(self, member: Member) -> None:
        """Announce a member's present state, also after a change of their account."""
        self.revision += 1
        self._dispatch("GUILD_MEMBER_UPDATE", render_member(member), subject_id=member.id)

    def add_member_role(self, member: Member, role: Role) -> None:
        """Give a member a role; a pending member is through with screening then."""
        if role.id not in member.roles:
            self.update_member(member, roles=(*member.roles, role.id), pending=False)

    def remove_member_role(self, member: Member, role: Role) -> None:
        """Take a role from a member."""
        if role.id in member.roles:
            self.update_member(
                member, roles=tuple(entry for entry in member.roles if entry != role.id)
            )

    def pass_screening(self, member: Member) -> None:
        """Let a pending member accept the rules."""
        if member.pending:
            self.update_member(member, pending=False)

    def set_voice_state(
        self,
        user: User,
        channel: Channel | None,
        *,
        session_id: str = "",
        self_mute: bool = False,
        self_deaf: bool = False,
    ) -> None:
        """Move a user into a voice channel, or out of voice (None), and announce it."""
        state: Json = {
            "channel_id": str(channel.id) if channel else None,
            "user_id": str(user.id),
            "session_id": session_id or f"{user.id:032x}",
            "deaf": False,
            "mute": False,
            "self_deaf": self_deaf,
            "self_mute": self_mute,
            "self_video": False,
            "suppress": False,
            "request_to_speak_timestamp": None,
        }
        if channel is None:
            self.voice_states.pop(user.id, None)
        else:
            self.voice_states[user.id] = state
        member = self.members.get(user.id)
        self._dispatch(
            "VOICE_STATE_UPDATE", state | ({"member": render_member(member)} if member else {})
        )

    # -- bans -------------------------------------------------------------------------------------

    def ban(self, user: User, *, reason: str | None = None) -> None:
        """Ban a user, member or not; a second ban replaces the reason."""
        self.non_member_bans += user.id not in self.members and user.id not in self.bans
        self.bans[user.id] = Ban(user, reason)
        self._dispatch("GUILD_BAN_ADD", {"user": render_user(user)}, needs=_SEES_BANS)
        self.remove_member(user.id)

    def unban(self, user_id: int) -> bool:
        """Lift a ban; False when there was none."""
        ban = self.bans.pop(user_id, None)
        if ban is None:
            return False
        self._dispatch("GUILD_BAN_REMOVE", {"user": render_user(ban.user)}, needs=_SEES_BANS)
        return True

    def delete_recent_messages(self, user: User, age: timedelta) -> None:
        """Delete what a user wrote in the last while, channel by channel."""
        oldest = datetime.now(UTC) - age
        for channel in [*self.channels.values(), *self.threads.values()]:
            own = [
                entry.id
                for entry in channel.messages.values()
                if entry.author is user and snowflake_time(entry.id) >= oldest
            ]
            channel.delete_messages(own)

    # -- roles ------------------------------------------------------------------------------------

    def add_role(
        self, name: str, *, permissions: int = 0, position: int | None = None, **fields: Any
    ) -> Role:
        """Create a role; without a position it goes lowest, as on Discord.

        `fields` are those of Role.
        """
        place = 1 if position is None else position
        for role in self.roles.values():
            if role.position >= place and role.id != self.id:
                role.position += 1
        role = Role(self.world.snowflakes.next(), self, name, permissions, place, **fields)
        self.roles[role.id] = role
        self.revision += 1
        self._dispatch("GUILD_ROLE_CREATE", {"role": render_role(role)})
        return role

    def update_role(self, role: Role, **changes: Any) -> None:
        """Change fields of a role and announce it."""
        for name, value in changes.items():
            setattr(role, name, value)
        self.revision += 1
        self._dispatch("GUILD_ROLE_UPDATE", {"role": render_role(role)})

    def remove_role(self, role: Role) -> None:
        """Delete a role from the guild, its members and every overwrite."""
        del self.roles[role.id]
        for member in self.members.values():
            if role.id in member.roles:
                member.roles = tuple(entry for entry in member.roles if entry != role.id)
        for channel in self.channels.values():
            channel.overwrites.pop(role.id, None)
        self.revision += 1
        self._dispatch("GUILD_ROLE_DELETE", {"role_id": str(role.id)})

    # -- channels ---------------------------------------------------------------------------------

    def add_channel(
        self,
        name: str,
        channel_type: ChannelType = ChannelType.TEXT,
        *,
        parent: Channel | None = None,
        topic: str | None = None,
        position: int | None = None,
    ) -> Channel:
        """Create a channel (text unless said); the announcement goes out at once."""
        channel = self.new_channel(
            name, channel_type, parent=parent, topic=topic, position=position
        )
        self.adopt_channel(channel)
        return channel

    def new_channel(
        self,
        name: str,
        channel_type: ChannelType,
        *,
        parent: Channel | None = None,
        topic: str | None = None,
        position: int | None = None,
    ) -> Channel:
        """Make a channel without adding it, so that overwrites can be set before anyone sees it."""
        parent_id = parent.id if parent else None
        channel_id = self.world.snowflakes.next()
        channel = Channel(
            self.world, channel_id, channel_type, guild=self, name=name, parent_id=parent_id
        )
        channel.topic = topic
        channel.position = len(self.channels) if position is None else position
        return channel

    def adopt_channel(self, channel: Channel) -> None:
        """Add a made channel to the guild and announce it."""
        self.channels[channel.id] = channel
        self.world.channels[channel.id] = channel
        self.revision += 1
        self.world.dispatch("CHANNEL_CREATE", render_channel(channel), guild=self, channel=channel)

    def adopt_thread(self, thread: Channel) -> None:
        """Add a made thread to the guild and announce it."""
        self.threads[thread.id] = thread
        self.world.channels[thread.id] = thread
        data = render_channel(thread) | {"newly_created": True}
        self.world.dispatch("THREAD_CREATE", data, guild=self, channel=thread)

    def remove_channel(self, channel: Channel) -> None:
        """Delete a channel with its threads, or a thread, and announce it."""
        if channel.thread is not None:
            self._remove_thread(channel)
            return
        for thread in [entry for entry in self.threads.values() if entry.parent_id == channel.id]:
            self._forget_thread(thread)
        for child in [entry for entry in self.channels.values() if entry.parent_id == channel.id]:
            child.update(parent_id=None)
        self.world.dispatch("CHANNEL_DELETE", render_channel(channel), guild=self, channel=channel)
        self.channels.pop(channel.id, None)
        self.world.channels.pop(channel.id, None)
        self.revision += 1
        for webhook in [entry for entry in self.webhooks.values() if entry.channel is channel]:
            self.world.remove_webhook(webhook)

    def _remove_thread(self, thread: Channel) -> None:
        keys = ("id", "guild_id", "parent_id", "type")
        data = render_channel(thread)
        self.world.dispatch(
            "THREAD_DELETE", {key: data[key] for key in keys}, guild=self, channel=thread
        )
        self._forget_thread(thread)

    def _forget_thread(self, thread: Channel) -> None:
        self.threads.pop(thread.id, None)
        self.world.channels.pop(thread.id, None)

    # -- audit log and the guild on the gateway ---------------------------------------------------

    def log(
        self,
        action: int,
        actor_id: int,
        target_id: int | None,
        *,
        reason: str | None = None,
        changes: list[Json] | None = None,
        options: Json | None = None,
    ) -> Json:
        """Write an audit log entry and announce it to those who may read the log.

        `action`: https://discord.com/developers/docs/resources/audit-log#audit-log-entry-object-audit-log-events
        """
        entry: Json = {
            "id": str(self.world.snowflakes.next()),
            "user_id": str(actor_id),
            "target_id": None if target_id is None else str(target_id),
            "action_type": int(action),
            "changes": changes or [],
        }
        if reason:
            entry["reason"] = reason
        if options:
            entry["options"] = options
        self.audit_log.append(entry)
        announced = copy.deepcopy(entry)
        self._dispatch("GUILD_AUDIT_LOG_ENTRY_CREATE", announced, needs=Permission.VIEW_AUDIT_LOG)
        return entry

    def _dispatch(
        self, event: str, data: Json, *, subject_id: int | None = None, needs: int = 0
    ) -> None:
        payload = {"guild_id": str(self.id), **data}
        self.world.dispatch(event, payload, guild=self, subject_id=subject_id, needs=needs)
