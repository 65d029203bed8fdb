"""What a page is given to show of messages and modals, as JSON.

Every text is handed on as it was written, hostile or not; the page never treats it as markup.
"""

from __future__ import annotations

import re
from typing import Any

from ..guild import Guild
from ..models import Attachment, Json, Member, Message, User, walk_components
from ..payloads import render_attachment, render_message
from ..world import World
from .command_views import view_used
from .views import view_member, view_user

# Above this a number loses digits in JavaScript.
_LARGEST_SAFE = 2**53 - 1
_USER_MENTION = re.compile(r"<@!?(\d{15,20})>")


def safe_for_scripts(value: Any) -> Any:
    """Return the JSON value with every number too large for JavaScript as text."""
    if isinstance(value, dict):
        return {key: safe_for_scripts(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [safe_for_scripts(entry) for entry in value]
    if isinstance(value, int) and abs(value) > _LARGEST_SAFE:
        return str(value)
    return value


def view_message(message: Message, viewer: User) -> Json:
    """Return a message as `viewer` sees it, with the names that mentions in it stand for."""
    channel, world = message.channel, message.channel.world
    payload = render_message(message, viewer_id=viewer.id)
    payload.pop("nonce", None)
    member = channel.guild.members.get(viewer.id) if channel.guild else None
    shown: Json = {
        "guild_id": str(channel.guild.id) if channel.guild else None,
        "author": _view_author(message),
        "attachments": [
            _view_file(entry, channel.id, world.cdn_url) for entry in message.attachments
        ],
        "own": message.author is viewer and message.webhook_id is None,
        "pings": _pings(message, viewer, member),
        "names": _names(message, world),
        "used": _view_used(message, world),
        "ephemeral": message.ephemeral,
    }
    return safe_for_scripts(payload | shown)


def _view_used(message: Message, world: World) -> Json | None:
    """Return who used which command to get this answer; None when it answers no command."""
    metadata, guild = message.interaction, message.channel.guild
    application = world.application_by_id(message.application_id, message.author)
    if metadata is None or "name" not in metadata or application is None:
        return None
    user = world.users[int(metadata["user"]["id"])]
    return {
        "by": _view_person(user, guild),
        "command": view_used(application, guild.id if guild else None, metadata),
    }


def _view_author(message: Message) -> Json:
    override = message.author_override
    if override is not None:
        plain = {"username": "", "avatar": None, "bot": True, "color": 0}
        return plain | {"id": str(override["id"]), "name": str(override["username"])}
    return _view_person(message.author, message.channel.guild)


def _view_person(user: User, guild: Guild | None) -> Json:
    member = guild.members.get(user.id) if guild else None
    return view_member(member) if member else view_user(user)


def _view_file(attachment: Attachment, channel_id: int, cdn_url: str) -> Json:
    payload = render_attachment(attachment, channel_id, cdn_url)
    return {key: payload[key] for key in ("id", "filename", "size", "url", "content_type")} | {
        "description": attachment.description or ""
    }


def _pings(message: Message, viewer: User, member: Member | None) -> bool:
    if message.author is viewer:
        return False
    roles = set(member.roles) if member else set()
    return (
        message.mention_everyone
        or viewer.id in message.mentions
        or not roles.isdisjoint(message.mention_roles)
    )


def _names(message: Message, world: World) -> dict[str, str]:
    """Return the names of the people whom the message's text and selects name by id."""
    ids = set(_USER_MENTION.findall(message.text()))
    for component in walk_components(message.components):
        ids.update(str(entry["id"]) for entry in component.get("default_values") or ())
    known = {entry: world.users.get(int(entry)) for entry in ids if entry.isdecimal()}
    return {entry: _name(message.channel.guild, user) for entry, user in known.items() if user}


def _name(guild: Guild | None, user: User) -> str:
    member = guild.members.get(user.id) if guild else None
    return member.display_name if member else user.display_name
