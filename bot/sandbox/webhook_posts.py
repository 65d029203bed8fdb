"""What is posted through webhooks, under a name of its own."""

from __future__ import annotations

from typing import Any

from .channel import Channel
from .models import Json, Message, Webhook


def post_through(
    webhook: Webhook,
    content: str = "",
    *,
    username: str | None = None,
    thread: Channel | None = None,
    **fields: Any,
) -> Message:
    """Post a message as the webhook; `fields` are those of Message (`embeds` and so on)."""
    channel = thread or webhook.channel
    author: Json = {
        "id": str(webhook.id),
        "username": username or webhook.name,
        "discriminator": "0000",
        "global_name": None,
        "avatar": webhook.avatar,
        "bot": True,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }
    creator = webhook.creator or next(iter(channel.world.users.values()))
    return channel.add_message(
        creator,
        content,
        webhook_id=webhook.id,
        application_id=webhook.application_id,
        author_override=author,
        **fields,
    )
