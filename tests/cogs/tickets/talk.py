"""Messages as the gateway tells of them, for the tests of what is taken down."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.cogs.tickets.stage import GUILD, OPENER


def message(
    channel_id: int | None,
    message_id: int,
    content: str,
    at: datetime,
    *,
    author: int = OPENER,
    name: str = "Ada",
    roles: tuple[int, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    """Return a MESSAGE_CREATE."""
    return {
        "id": str(message_id),
        "channel_id": str(channel_id),
        "guild_id": str(GUILD),
        "type": 0,
        "author": {"id": str(author), "username": name.casefold(), "global_name": name},
        "member": {"roles": [str(one) for one in roles]},
        "content": content,
        "timestamp": at.isoformat(),
        "attachments": [],
        "embeds": [],
        **more,
    }


def attachment(file_id: int, name: str, size: int, kind: str = "image/png") -> dict[str, Any]:
    """Return an attachment as a message has it."""
    return {
        "id": str(file_id),
        "filename": name,
        "size": size,
        "content_type": kind,
        "url": f"https://cdn.discordapp.com/attachments/1/{file_id}/{name}",
    }
