"""Forwarded messages: what is copied, and what the copy says of where it came from.

https://discord.com/developers/docs/resources/message#message-snapshot-object
"""

from __future__ import annotations

from .models import Json, Message, MessageFlag
from .payloads import render_message

_FORWARD = 1
_KEPT = (
    "type",
    "content",
    "mentions",
    "mention_roles",
    "attachments",
    "embeds",
    "timestamp",
    "edited_timestamp",
    "flags",
    "components",
    "sticker_items",
)


def forward_fields(message: Message) -> Json:
    """Return the fields of a message that forwards this one; its author's name is not kept."""
    reference: Json = {
        "type": _FORWARD,
        "channel_id": str(message.channel.id),
        "message_id": str(message.id),
    }
    if message.channel.guild is not None:
        reference["guild_id"] = str(message.channel.guild.id)
    return {
        "reference": reference,
        "flags": MessageFlag.HAS_SNAPSHOT,
        "snapshots": message.snapshots or [{"message": _snapshot(message)}],
    }


def _snapshot(message: Message) -> Json:
    payload = render_message(message)
    return {key: payload[key] for key in _KEPT if key in payload}
