"""Gateway payloads in the shape that Discord sends them, for tests that feed discord.py by hand."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

BOT_ID = 900
OWNER_ID = 901
PERSON_ID = 902
GUILD_ID = 100
CHANNEL_ID = 200
JOINED = "2026-01-01T00:00:00.000000+00:00"


def user(user_id: int, name: str = "someone", *, bot: bool = False) -> Json:
    return {
        "id": str(user_id),
        "username": name,
        "discriminator": "0",
        "global_name": None,
        "avatar": None,
        "bot": bot,
    }


def member(user_id: int, roles: tuple[int, ...] = (), **changes: Any) -> Json:
    return {
        "user": user(user_id, **changes),
        "roles": [str(role) for role in roles],
        "joined_at": JOINED,
        "deaf": False,
        "mute": False,
        "flags": 0,
    }


def role(
    role_id: int,
    name: str,
    *,
    position: int,
    permissions: int = 0,
    colour: int = 0,
    **changes: Any,
) -> Json:
    return {
        "id": str(role_id),
        "name": name,
        "permissions": str(permissions),
        "position": position,
        "color": colour,
        "colors": {"primary_color": colour, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
        **changes,
    }


def channel(
    channel_id: int, name: str, *, kind: int = 0, position: int = 0, **changes: Any
) -> Json:
    return {
        "id": str(channel_id),
        "type": kind,
        "name": name,
        "position": position,
        "permission_overwrites": [],
        "parent_id": None,
        "nsfw": False,
        **changes,
    }


def thread(thread_id: int, name: str, *, parent_id: int, **changes: Any) -> Json:
    return {
        "id": str(thread_id),
        "type": 11,
        "name": name,
        "guild_id": str(GUILD_ID),
        "parent_id": str(parent_id),
        "owner_id": str(OWNER_ID),
        "message_count": 0,
        "member_count": 1,
        "rate_limit_per_user": 0,
        "thread_metadata": {
            "archived": False,
            "auto_archive_duration": 60,
            "archive_timestamp": JOINED,
            "locked": False,
        },
        **changes,
    }


def guild(guild_id: int = GUILD_ID, **changes: Any) -> Json:
    payload = {
        "id": str(guild_id),
        "name": "Guild",
        "owner_id": str(OWNER_ID),
        "icon": None,
        "preferred_locale": "es-ES",
        "roles": [role(guild_id, "@everyone", position=0, permissions=0)],
        "emojis": [],
        "features": [],
        "channels": [channel(CHANNEL_ID, "general")],
        "threads": [],
        "members": [member(BOT_ID, bot=True)],
        "member_count": 3,
        "joined_at": JOINED,
        "unavailable": False,
        "large": False,
    }
    return payload | changes


def ready(*guild_ids: int, shard_id: int = 0) -> Json:
    return {
        "v": 10,
        "user": user(BOT_ID, "pegasus", bot=True),
        "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in guild_ids],
        "session_id": "session",
        "resume_gateway_url": "ws://localhost",
        "shard": [shard_id, 1],
        "application": {"id": str(BOT_ID), "flags": 0},
    }


def message(content: str = "hello", *, message_id: int = 300, **changes: Any) -> Json:
    author_id = changes.pop("author_id", PERSON_ID)
    bot = changes.pop("bot", False)
    payload = {
        "id": str(message_id),
        "guild_id": str(GUILD_ID),
        "channel_id": str(CHANNEL_ID),
        "author": user(author_id, bot=bot),
        "member": {key: value for key, value in member(author_id).items() if key != "user"},
        "content": content,
        "type": 0,
        "timestamp": JOINED,
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "flags": 0,
    }
    return payload | changes


def edit(content: str = "edited", **changes: Any) -> Json:
    return message(content, **{"edited_timestamp": "2026-01-01T00:01:00.000000+00:00"} | changes)


def direct_message(content: str = "hello") -> Json:
    payload = message(content)
    del payload["guild_id"], payload["member"]
    return payload
