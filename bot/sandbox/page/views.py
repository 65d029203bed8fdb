"""What a page is given to show of people and places, as JSON.

Every name is handed on as it was written, hostile or not; the page never treats it as markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from ..channel import Channel
from ..guild import Guild
from ..models import ChannelType, Json, Member, Role, User
from ..permissions import Permission, can_send, channel_permissions, guild_permissions

MOST_MEMBERS = 100
# Of a giant guild only so many members are looked through; a page is no place for the rest.
_LOOKED_THROUGH = 20_000


def view_user(user: User) -> Json:
    """Return an account as it is shown where there is no guild."""
    return {
        "id": str(user.id),
        "name": user.display_name,
        "username": user.name,
        "bot": user.bot,
        "avatar": _avatar(user),
        "color": 0,
    }


def view_member(member: Member) -> Json:
    """Return a member with the name and colour that the guild shows."""
    roles = _roles(member)
    hoisted = next((role for role in roles if role.hoist), None)
    return view_user(member.user) | {
        "name": member.display_name,
        "color": _color(roles),
        "hoist": str(hoisted.id) if hoisted else None,
        "roles": [str(role.id) for role in roles],
        "owner": member.guild.owner_id == member.id,
    }


def _avatar(user: User) -> str | None:
    return f"/cdn/avatars/{user.id}/{user.avatar}.png" if user.avatar else None


def _roles(member: Member) -> list[Role]:
    """Return the member's roles, highest first."""
    known = [member.guild.roles[entry] for entry in member.roles if entry in member.guild.roles]
    return sorted(known, key=lambda role: -role.position)


def _color(roles: Iterable[Role]) -> int:
    return next((role.color for role in roles if role.color), 0)


def view_members(guild: Guild, text: str = "") -> Json:
    """Return members whose name has `text` in it (at most 100), and how many the guild has."""
    wanted = text.casefold().strip().removeprefix("@")
    looked_through = islice(guild.members.values(), _LOOKED_THROUGH)
    found = (member for member in looked_through if _is_called(member, wanted))
    shown = [view_member(member) for member in islice(found, MOST_MEMBERS)]
    shown.sort(key=lambda entry: entry["name"].casefold())
    return {"members": shown, "count": len(guild.members)}


def _is_called(member: Member, wanted: str) -> bool:
    if not wanted:
        return True
    return wanted in f"{member.display_name} {member.user.name} {member.id}".casefold()


# -- guilds and channels --------------------------------------------------------------------------


def view_guild_entry(guild: Guild, person: User) -> Json:
    """Return a guild as the list of guilds shows it."""
    return {
        "id": str(guild.id),
        "name": guild.name,
        "count": len(guild.members),
        "joined": person.id in guild.members,
        "owner": guild.owner_id == person.id,
    }


def view_guild(guild: Guild, person: User) -> Json:
    """Return a guild with the channels and roles a member sees; an outsider sees neither."""
    member = guild.members.get(person.id)
    places = [*guild.channels.values(), *guild.threads.values()] if member else []
    return view_guild_entry(guild, person) | {
        "me": view_member(member) if member else view_user(person),
        "channels": [_view_place(place, member) for place in places if _visible(place, member)],
        "roles": [_view_role(role) for role in guild.roles.values()] if member else [],
        "permissions": str(guild_permissions(member)) if member else "0",
    }


def _visible(channel: Channel, member: Member | None) -> bool:
    return bool(member and channel_permissions(member, channel) & Permission.VIEW_CHANNEL)


def _view_place(channel: Channel, member: Member | None) -> Json:
    bits = channel_permissions(member, channel) if member else 0
    return {
        "id": str(channel.id),
        "type": int(channel.type),
        "name": channel.name,
        "topic": channel.topic or "",
        "parent_id": str(channel.parent_id) if channel.parent_id else None,
        "position": channel.position,
        "textual": channel.type.is_textual,
        "archived": bool(channel.thread and channel.thread.archived),
        "can_send": bool(member and can_send(member, channel)),
        "can_manage": bool(bits & Permission.MANAGE_MESSAGES),
        "slowmode": channel.slowmode,
    }


def _view_role(role: Role) -> Json:
    return {
        "id": str(role.id),
        "name": role.name,
        "color": role.color,
        "position": role.position,
        "hoist": role.hoist,
    }


def view_direct(channel: Channel, viewer: User) -> Json:
    """Return a direct message conversation as one of its two people sees it."""
    other = next((user for user in channel.recipients if user is not viewer), viewer)
    return {
        "id": str(channel.id),
        "type": int(ChannelType.DM),
        "name": other.display_name,
        "with": view_user(other),
        "as": view_user(viewer),
        "textual": True,
        "can_send": True,
        "can_manage": False,
        "topic": "",
        "last": str(channel.last_message_id or 0),
    }
