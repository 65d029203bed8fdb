"""The world as Discord's JSON. Everything that is sent, over REST or gateway, is rendered here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .codec import isoformat
from .models import (
    Attachment,
    Ban,
    Invite,
    Member,
    Message,
    Reaction,
    Role,
    User,
    Webhook,
)
from .snowflake import snowflake_time

if TYPE_CHECKING:
    from .channel import Channel
    from .guild import Guild

Json = dict[str, Any]


def render_user(user: User) -> Json:
    """Return an account."""
    payload: Json = {
        "id": str(user.id),
        "username": user.name,
        "global_name": user.global_name,
        "discriminator": "0000" if user.bot else "0",
        "avatar": user.avatar,
        "avatar_decoration_data": None,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }
    if user.bot:
        payload["bot"] = True
    return payload


def render_member(member: Member, *, with_user: bool = True) -> Json:
    """Return a member; inside a message Discord leaves the user out."""
    payload: Json = {
        "roles": [str(role_id) for role_id in member.roles],
        "nick": member.nick,
        "avatar": None,
        "banner": None,
        "joined_at": isoformat(member.joined_at),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": member.pending,
        "communication_disabled_until": isoformat(member.timed_out_until)
        if member.timed_out_until
        else None,
        "flags": member.flags,
    }
    if with_user:
        payload["user"] = render_user(member.user)
    return payload


def render_role(role: Role) -> Json:
    """Return a role."""
    payload: Json = {
        "id": str(role.id),
        "name": role.name,
        "description": None,
        "permissions": str(role.permissions),
        "position": role.position,
        "color": role.color,
        "colors": {"primary_color": role.color, "secondary_color": None, "tertiary_color": None},
        "hoist": role.hoist,
        "managed": role.managed,
        "mentionable": role.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    if role.bot_id is not None:
        payload["tags"] = {"bot_id": str(role.bot_id)}
    return payload


def render_channel(channel: Channel) -> Json:
    """Return a guild channel, thread or direct message channel."""
    if channel.guild is None:
        return {
            "id": str(channel.id),
            "type": int(channel.type),
            "last_message_id": _maybe(channel.last_message_id),
            "flags": 0,
            "recipients": [render_user(user) for user in channel.recipients],
        }
    payload: Json = {
        "id": str(channel.id),
        "type": int(channel.type),
        "guild_id": str(channel.guild.id),
        "name": channel.name,
        "parent_id": _maybe(channel.parent_id),
        "flags": 0,
        "rate_limit_per_user": channel.slowmode,
        **channel.extra,
    }
    return payload | (_thread_fields(channel) if channel.thread else _channel_fields(channel))


def _channel_fields(channel: Channel) -> Json:
    payload: Json = {
        "position": channel.position,
        "nsfw": channel.nsfw,
        "permission_overwrites": [
            {
                "id": str(entry.id),
                "type": entry.type,
                "allow": str(entry.allow),
                "deny": str(entry.deny),
            }
            for entry in channel.overwrites.values()
        ],
    }
    if channel.type.is_textual:
        payload |= {"topic": channel.topic, "last_message_id": _maybe(channel.last_message_id)}
    if channel.type.name in {"VOICE", "STAGE"}:
        payload = {"bitrate": 64_000, "user_limit": 0, "rtc_region": None, **payload}
    return payload


def _thread_fields(channel: Channel) -> Json:
    thread = channel.thread_state
    metadata: Json = {
        "archived": thread.archived,
        "auto_archive_duration": thread.auto_archive_minutes,
        "archive_timestamp": isoformat(thread.archived_at),
        "locked": thread.locked,
        "create_timestamp": isoformat(snowflake_time(channel.id)),
    }
    if thread.private:
        metadata["invitable"] = thread.invitable
    return {
        "owner_id": str(thread.owner_id),
        "last_message_id": _maybe(channel.last_message_id),
        "message_count": len(channel.messages),
        "member_count": min(len(thread.members), 50),
        "total_message_sent": thread.total_messages,
        "thread_metadata": metadata,
    }


def render_thread_member(channel: Channel, user_id: int) -> Json:
    """Return a user's membership in a thread."""
    joined_at = channel.thread_state.members[user_id]
    return {
        "id": str(channel.id),
        "user_id": str(user_id),
        "join_timestamp": isoformat(joined_at),
        "flags": 0,
    }


def render_attachment(attachment: Attachment, channel_id: int, cdn_url: str) -> Json:
    """Return a message's file with its address."""
    url = f"{cdn_url}/attachments/{channel_id}/{attachment.id}/{attachment.filename}"
    payload: Json = {
        "id": str(attachment.id),
        "filename": attachment.filename,
        "size": len(attachment.content),
        "url": url,
        "proxy_url": url,
        "content_type": attachment.content_type,
    }
    optional = {
        "title": attachment.title,
        "description": attachment.description,
        "width": attachment.width,
        "height": attachment.height,
    }
    return payload | {key: value for key, value in optional.items() if value is not None}


def render_emoji(emoji: str) -> Json:
    """Return a reaction's emoji: a character, or a custom one written `name:id`."""
    name, _, emoji_id = emoji.rpartition(":") if ":" in emoji else (emoji, "", "")
    return (
        {"id": emoji_id or None, "name": name or emoji, "animated": False}
        if emoji_id
        else {"id": None, "name": emoji}
    )


def _render_reaction(reaction: Reaction, viewer_id: int | None) -> Json:
    count = len(reaction.users)
    return {
        "emoji": render_emoji(reaction.emoji),
        "count": count,
        "count_details": {"burst": 0, "normal": count},
        "burst_colors": [],
        "me": viewer_id in reaction.users,
        "me_burst": False,
        "burst_me": False,
        "burst_count": 0,
    }


def render_message(message: Message, *, viewer_id: int | None = None) -> Json:
    """Return a message as REST gives it; `viewer_id` decides whose reactions are marked as own."""
    world = message.channel.world
    payload: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel.id),
        "type": message.type,
        "author": message.author_override or render_user(message.author),
        "content": message.content,
        "timestamp": isoformat(snowflake_time(message.id)),
        "edited_timestamp": isoformat(message.edited_at) if message.edited_at else None,
        "tts": message.tts,
        "mention_everyone": message.mention_everyone,
        "mentions": [
            render_user(world.users[entry]) for entry in message.mentions if entry in world.users
        ],
        "mention_roles": [str(entry) for entry in message.mention_roles],
        "attachments": [
            render_attachment(entry, message.channel.id, world.cdn_url)
            for entry in message.attachments
        ],
        "embeds": message.embeds,
        "components": message.components,
        "pinned": message.pinned_at is not None,
        "flags": message.flags,
    }
    if message.reactions:
        payload["reactions"] = [
            _render_reaction(entry, viewer_id) for entry in message.reactions.values()
        ]
    return payload | _optional_message_fields(message)


def _optional_message_fields(message: Message) -> Json:
    payload: Json = {}
    for key, value in (
        ("nonce", message.nonce),
        ("poll", message.poll),
        ("interaction_metadata", message.interaction),
    ):
        if value is not None:
            payload[key] = value
    for key, snowflake in (
        ("webhook_id", message.webhook_id),
        ("application_id", message.application_id),
    ):
        if snowflake is not None:
            payload[key] = str(snowflake)
    if message.sticker_items:
        payload["sticker_items"] = message.sticker_items
    if message.snapshots:
        payload["message_snapshots"] = message.snapshots
    if message.reference is not None:
        payload["message_reference"] = message.reference
        target = message.channel.messages.get(int(message.reference.get("message_id", 0)))
        if message.type == 19:
            payload["referenced_message"] = render_message(target) if target else None
    thread = message.channel.world.channels.get(message.id)
    if thread is not None and thread.thread is not None:
        payload["thread"] = render_channel(thread)
    return payload


def render_gateway_message(message: Message) -> Json:
    """Return a message as the gateway gives it: with guild and the author's membership."""
    payload = render_message(message)
    guild = message.channel.guild
    payload["channel_type"] = int(message.channel.type)
    if guild is None:
        return payload
    payload["guild_id"] = str(guild.id)
    member = guild.members.get(message.author.id)
    if member is not None and message.webhook_id is None:
        payload["member"] = render_member(member, with_user=False)
    for mention in payload["mentions"]:
        mentioned = guild.members.get(int(mention["id"]))
        if mentioned is not None:
            mention["member"] = render_member(mentioned, with_user=False)
    return payload


def blank_content(payload: Json) -> Json:
    """Return the payload as a session without the message content intent gets it."""
    blanked = payload | {"content": "", "embeds": [], "attachments": [], "components": []}
    blanked.pop("poll", None)
    if "message_snapshots" in blanked:
        blanked["message_snapshots"] = [
            {"message": blank_content(entry["message"])} for entry in blanked["message_snapshots"]
        ]
    return blanked


def render_guild(guild: Guild) -> Json:
    """Return a guild as REST gives it: without members, channels and threads."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": guild.icon,
        "description": guild.description,
        "owner_id": str(guild.owner_id),
        "features": list(guild.features),
        "preferred_locale": guild.locale,
        "roles": [render_role(role) for role in guild.roles.values()],
        "emojis": guild.emojis,
        "stickers": guild.stickers,
        **{key: _as_in_json(key, value) for key, value in guild.extra.items()},
    }


def _as_in_json(key: str, value: Any) -> Any:
    return str(value) if key.endswith("_id") and value is not None else value


def render_partial_guild(guild: Guild) -> Json:
    """Return a guild as lists and invites show it."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": guild.icon,
        "banner": None,
        "features": list(guild.features),
        "approximate_member_count": len(guild.members),
        "approximate_presence_count": len(guild.members),
    }


def render_ban(ban: Ban) -> Json:
    """Return a ban."""
    return {"user": render_user(ban.user), "reason": ban.reason}


def render_webhook(webhook: Webhook) -> Json:
    """Return a webhook with its token."""
    guild = webhook.channel.guild
    return {
        "id": str(webhook.id),
        "type": 1,
        "guild_id": str(guild.id) if guild else None,
        "channel_id": str(webhook.channel.id),
        "name": webhook.name,
        "avatar": webhook.avatar,
        "token": webhook.token,
        "application_id": _maybe(webhook.application_id),
        "url": f"{webhook.channel.world.api_url}/webhooks/{webhook.id}/{webhook.token}",
    } | ({"user": render_user(webhook.creator)} if webhook.creator else {})


def render_invite(invite: Invite) -> Json:
    """Return an invite with its guild and channel."""
    guild = invite.channel.home
    return {
        "type": 0,
        "code": invite.code,
        "guild": _render_invite_guild(guild),
        "guild_id": str(guild.id),
        "channel": {
            "id": str(invite.channel.id),
            "name": invite.channel.name,
            "type": int(invite.channel.type),
        },
        "uses": invite.uses,
        "max_uses": invite.max_uses,
        "max_age": invite.max_age,
        "temporary": invite.temporary,
        "created_at": isoformat(invite.created_at),
        "expires_at": isoformat(invite.ends_at) if invite.ends_at else None,
        "flags": 0,
    } | ({"inviter": render_user(invite.inviter)} if invite.inviter else {})


def _render_invite_guild(guild: Guild) -> Json:
    """Return what anyone may know of a guild they have an invite to."""
    shown = ("splash", "banner", "verification_level", "vanity_url_code", "nsfw_level", "nsfw")
    return {
        "id": str(guild.id),
        "name": guild.name,
        "icon": guild.icon,
        "description": guild.description,
        "features": list(guild.features),
        "premium_subscription_count": 0,
        **{key: guild.extra[key] for key in shown},
    }


def _maybe(snowflake: int | None) -> str | None:
    return None if snowflake is None else str(snowflake)
