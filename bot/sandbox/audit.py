"""What the audit log calls things, how it shows a change, and how it counts deleted messages.

https://discord.com/developers/docs/resources/audit-log
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .models import Json
from .snowflake import snowflake_time

if TYPE_CHECKING:
    from .channel import Channel
    from .guild import Guild
    from .models import Invite, Member, Message, Overwrite, Role, User

# Deletions of one author's messages in one channel by one person are counted in one entry.
COUNTING_WINDOW = timedelta(minutes=5)


class AuditAction(enum.IntEnum):
    """The kinds of entries that are written here."""

    GUILD_UPDATE = 1
    CHANNEL_CREATE = 10
    CHANNEL_UPDATE = 11
    CHANNEL_DELETE = 12
    OVERWRITE_CREATE = 13
    OVERWRITE_UPDATE = 14
    OVERWRITE_DELETE = 15
    MEMBER_KICK = 20
    MEMBER_PRUNE = 21
    BAN_ADD = 22
    BAN_REMOVE = 23
    MEMBER_UPDATE = 24
    MEMBER_ROLE_UPDATE = 25
    BOT_ADD = 28
    ROLE_CREATE = 30
    ROLE_UPDATE = 31
    ROLE_DELETE = 32
    INVITE_CREATE = 40
    INVITE_DELETE = 42
    WEBHOOK_CREATE = 50
    WEBHOOK_UPDATE = 51
    WEBHOOK_DELETE = 52
    MESSAGE_DELETE = 72
    MESSAGE_BULK_DELETE = 73
    THREAD_CREATE = 110
    THREAD_UPDATE = 111
    THREAD_DELETE = 112
    AUTOMOD_BLOCK = 143
    AUTOMOD_ALERT = 144
    AUTOMOD_TIMEOUT = 145
    AUTOMOD_QUARANTINE = 146


def change(key: str, old: Any, new: Any) -> Json:
    """Return one change; a side without a value is left out."""
    sides = {"old_value": old, "new_value": new}
    return {"key": key, **{side: value for side, value in sides.items() if value is not None}}


def changes(before: Json, after: Json) -> list[Json]:
    """Return what differs between two states, key by key."""
    keys = dict.fromkeys((*before, *after))
    return [
        change(key, before.get(key), after.get(key))
        for key in keys
        if before.get(key) != after.get(key)
    ]


def role_state(role: Role) -> Json:
    """Return a role as its entries show it."""
    return {
        "name": role.name,
        "permissions": str(role.permissions),
        "color": role.color,
        "hoist": role.hoist,
        "mentionable": role.mentionable,
        "position": role.position,
    }


def channel_state(channel: Channel) -> Json:
    """Return a channel as its entries show it."""
    return {
        "name": channel.name,
        "type": int(channel.type),
        "topic": channel.topic,
        "nsfw": channel.nsfw,
        "rate_limit_per_user": channel.slowmode,
    }


def thread_state(thread: Channel) -> Json:
    """Return a thread as its entries show it."""
    state = thread.thread_state
    return {
        "name": thread.name,
        "type": int(thread.type),
        "archived": state.archived,
        "locked": state.locked,
        "auto_archive_duration": state.auto_archive_minutes,
        "rate_limit_per_user": thread.slowmode,
    }


def invite_state(invite: Invite) -> Json:
    """Return an invite as its entries show it."""
    return {
        "code": invite.code,
        "channel_id": str(invite.channel.id),
        "inviter_id": str(invite.inviter.id) if invite.inviter else None,
        "uses": invite.uses,
        "max_uses": invite.max_uses,
        "max_age": invite.max_age,
        "temporary": invite.temporary,
    }


def overwrite_state(overwrite: Overwrite | None) -> Json:
    """Return a permission overwrite as its entries show it; of none, nothing."""
    if overwrite is None:
        return {}
    return {
        "id": str(overwrite.id),
        "type": overwrite.type,
        "allow": str(overwrite.allow),
        "deny": str(overwrite.deny),
    }


def overwrite_options(guild: Guild, target_id: int, kind: int) -> Json:
    """Return what an overwrite's entry says of the role or member it is for."""
    options = {"id": str(target_id), "type": str(kind)}
    role = guild.roles.get(target_id)
    return options | ({"role_name": role.name} if role else {})


def role_changes(guild: Guild, before: Iterable[int], after: Iterable[int]) -> list[Json]:
    """Return which roles a member got and lost, as `$add` and `$remove`."""
    old, new = set(before), set(after)
    found = []
    for key, ids in (("$add", new - old), ("$remove", old - new)):
        shown = [{"id": str(entry), "name": guild.roles[entry].name} for entry in sorted(ids)]
        if shown:
            found.append({"key": key, "new_value": shown})
    return found


def log_member_roles(
    member: Member, before: Iterable[int], actor: User, *, reason: str | None = None
) -> None:
    """Write down which roles somebody gave to and took from a member, if any."""
    found = role_changes(member.guild, before, member.roles)
    if found:
        member.guild.log(
            AuditAction.MEMBER_ROLE_UPDATE, actor.id, member.id, reason=reason, changes=found
        )


def log_deleted_message(actor: User, message: Message) -> None:
    """Write down that a person deleted a message of another.

    Deleting one's own is not logged, nor is what bots delete one by one. Only the first of a run is
    announced: https://github.com/discord/discord-api-docs/issues/5911
    """
    guild = message.channel.guild
    if guild is None or actor.bot or message.author is actor:
        return
    earlier = _counting_entry(guild, actor, message)
    if earlier is not None:
        earlier["options"]["count"] = str(int(earlier["options"]["count"]) + 1)
        return
    options = {"channel_id": str(message.channel.id), "count": "1"}
    guild.log(AuditAction.MESSAGE_DELETE, actor.id, message.author.id, options=options)


def _counting_entry(guild: Guild, actor: User, message: Message) -> Json | None:
    oldest = datetime.now(UTC) - COUNTING_WINDOW
    channel_id = str(message.channel.id)
    for entry in reversed(guild.audit_log):
        if snowflake_time(int(entry["id"])) < oldest:
            return None
        same = (entry["user_id"], entry["target_id"]) == (str(actor.id), str(message.author.id))
        if entry["action_type"] != AuditAction.MESSAGE_DELETE or not same:
            continue
        if entry["options"]["channel_id"] == channel_id:
            return entry
    return None
