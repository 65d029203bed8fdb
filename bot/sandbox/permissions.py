"""Discord's permission algorithm: what a member may do, and whom it outranks.

https://discord.com/developers/docs/topics/permissions
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .models import MemberFlag

if TYPE_CHECKING:
    from .channel import Channel
    from .models import Member, Role


class Permission:
    """Discord's permission bits."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    PRIORITY_SPEAKER = 1 << 8
    STREAM = 1 << 9
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    MANAGE_GUILD_EXPRESSIONS = 1 << 30
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_EVENTS = 1 << 33
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    USE_EXTERNAL_STICKERS = 1 << 37
    SEND_MESSAGES_IN_THREADS = 1 << 38
    MODERATE_MEMBERS = 1 << 40
    SEND_POLLS = 1 << 49
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51
    BYPASS_SLOWMODE = 1 << 52

    ALL = (1 << 53) - 1


DEFAULT_PERMISSIONS = (
    Permission.CREATE_INSTANT_INVITE
    | Permission.ADD_REACTIONS
    | Permission.STREAM
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.USE_VAD
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.CREATE_PRIVATE_THREADS
    | Permission.USE_EXTERNAL_STICKERS
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.SEND_POLLS
)

# All that is left to a member who is timed out or whom native auto moderation holds back.
_HELD_BACK = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY

# Without SEND_MESSAGES these are worth nothing.
_IMPLICIT = (
    Permission.MENTION_EVERYONE
    | Permission.SEND_TTS_MESSAGES
    | Permission.ATTACH_FILES
    | Permission.EMBED_LINKS
)


def permission_names(bits: int) -> list[str]:
    """Return the names of the permissions in `bits`, lowest bit first."""
    known = {
        value: name
        for name, value in vars(Permission).items()
        if isinstance(value, int) and name != "ALL"
    }
    return [name for value, name in sorted(known.items()) if bits & value]


def is_timed_out(member: Member) -> bool:
    """Whether the member's timeout is still running."""
    return member.timed_out_until is not None and member.timed_out_until > datetime.now(UTC)


def is_held_back(member: Member) -> bool:
    """Whether the member may only read, for a timeout or for a name that breaks a rule."""
    return bool(member.flags & MemberFlag.QUARANTINED) or is_timed_out(member)


def guild_permissions(member: Member) -> int:
    """Return what the member may do in the guild, before any channel overwrite."""
    guild = member.guild
    if guild.owner_id == member.id:
        return Permission.ALL
    bits = guild.default_role.permissions
    for role_id in member.roles:
        role = guild.roles.get(role_id)
        bits |= role.permissions if role else 0
    if bits & Permission.ADMINISTRATOR:
        return Permission.ALL
    return bits & _HELD_BACK if is_held_back(member) else bits


def channel_permissions(member: Member, channel: Channel) -> int:
    """Return what the member may do in the channel; a thread takes its parent's overwrites."""
    bits = guild_permissions(member)
    if bits == Permission.ALL:
        return bits
    source = channel.parent if channel.type.is_thread and channel.parent else channel
    bits = _apply_overwrites(bits, member, source)
    if not bits & Permission.VIEW_CHANNEL or not _sees_private_thread(bits, member, channel):
        return 0
    if not bits & Permission.SEND_MESSAGES:
        bits &= ~_IMPLICIT
    return bits & _HELD_BACK if is_held_back(member) else bits


def can_send(member: Member, channel: Channel) -> bool:
    """Whether the member may post in the channel or thread."""
    needed = (
        Permission.SEND_MESSAGES_IN_THREADS if channel.type.is_thread else Permission.SEND_MESSAGES
    )
    return bool(channel_permissions(member, channel) & needed)


def _apply_overwrites(bits: int, member: Member, channel: Channel) -> int:
    everyone = channel.overwrites.get(member.guild.id)
    if everyone:
        bits = (bits & ~everyone.deny) | everyone.allow
    allow = deny = 0
    for role_id in member.roles:
        overwrite = channel.overwrites.get(role_id)
        if overwrite:
            allow |= overwrite.allow
            deny |= overwrite.deny
    bits = (bits & ~deny) | allow
    own = channel.overwrites.get(member.id)
    return (bits & ~own.deny) | own.allow if own else bits


def _sees_private_thread(bits: int, member: Member, channel: Channel) -> bool:
    if channel.thread is None or not channel.thread.private:
        return True
    return bool(bits & Permission.MANAGE_THREADS) or member.id in channel.thread.members


def top_role(member: Member) -> Role:
    """Return the member's highest role; of two at one position the older one counts as higher."""
    roles = [
        member.guild.roles[role_id] for role_id in member.roles if role_id in member.guild.roles
    ]
    return max(roles, key=_rank, default=member.guild.default_role)


def _rank(role: Role) -> tuple[int, int]:
    return role.position, -role.id


def outranks(actor: Member, target: Member) -> bool:
    """Whether the actor stands above the target: the owner above all, then the higher top role."""
    if actor.guild.owner_id == actor.id:
        return target.id != actor.id
    if target.guild.owner_id == target.id:
        return False
    return _rank(top_role(actor)) > _rank(top_role(target))


def can_manage_role(actor: Member, role: Role) -> bool:
    """Whether the role lies below the actor's highest one."""
    return actor.guild.owner_id == actor.id or _rank(top_role(actor)) > _rank(role)
