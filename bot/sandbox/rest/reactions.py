"""Reactions on messages."""

from __future__ import annotations

import re
from typing import Any

from ..channel import Channel
from ..models import Message
from ..payloads import render_user
from ..permissions import Permission
from .call import Call
from .errors import RestError, error
from .routing import route

Json = dict[str, Any]

_REACTION_LIMIT = 20
_CUSTOM = re.compile(r"(?:a:)?(\w{2,32}:\d{15,20})")
_REACTIONS = "/channels/{channel_id}/messages/{message_id}/reactions"


def _find(call: Call) -> tuple[Channel, Message]:
    channel = call.channel()
    return channel, call.message(channel)


def _emoji(call: Call) -> str:
    """Return the path's emoji; raises 10014 for what can be none."""
    text = call.params["emoji"]
    custom = _CUSTOM.fullmatch(text)
    if custom:
        return custom[1]
    if not text or (text.isascii() and not text[:1].isdigit()) or len(text) > 16:
        raise error(400, 10014)
    return text


@route("PUT", _REACTIONS + "/{emoji}/@me", bucket="reaction")
def add_reaction(call: Call) -> None:
    """React as the bot."""
    channel, message = _find(call)
    emoji = _emoji(call)
    call.require(channel, Permission.READ_MESSAGE_HISTORY)
    if emoji not in message.reactions:
        call.require(channel, Permission.ADD_REACTIONS)
        if len(message.reactions) >= _REACTION_LIMIT:
            raise error(400, 30010)
    channel.add_reaction(message, call.bot, emoji)


@route("DELETE", _REACTIONS + "/{emoji}/@me", bucket="reaction")
def remove_own_reaction(call: Call) -> None:
    """Take the bot's own reaction back."""
    channel, message = _find(call)
    if not channel.remove_reaction(message, call.bot.id, _emoji(call)):
        raise error(404, 10014)


@route("DELETE", _REACTIONS + "/{emoji}/{user_id}", bucket="reaction")
def remove_reaction(call: Call) -> None:
    """Take another's reaction away."""
    channel, message = _find(call)
    user_id = call.snowflake("user_id")
    if user_id != call.bot.id:
        call.require(channel, Permission.MANAGE_MESSAGES)
    if not channel.remove_reaction(message, user_id, _emoji(call)):
        raise error(404, 10014)


@route("GET", _REACTIONS + "/{emoji}")
def list_reaction_users(call: Call) -> list[Json]:
    """Return the users who reacted with an emoji."""
    _, message = _find(call)
    limit, after = call.query_number("limit", 25, 1, 100), call.query_snowflake("after") or 0
    reaction = message.reactions.get(_emoji(call))
    if reaction is None:
        raise RestError(400, 10014, "Unknown Emoji")
    users = call.world.users
    ids = sorted(user_id for user_id in reaction.users if user_id > after)[:limit]
    return [render_user(users[user_id]) for user_id in ids if user_id in users]


@route("DELETE", _REACTIONS, permissions=Permission.MANAGE_MESSAGES)
def clear_reactions(call: Call) -> None:
    """Remove every reaction."""
    channel, message = _find(call)
    channel.clear_reactions(message)


@route("DELETE", _REACTIONS + "/{emoji}", permissions=Permission.MANAGE_MESSAGES)
def clear_reaction(call: Call) -> None:
    """Remove every reaction with one emoji."""
    channel, message = _find(call)
    channel.clear_reactions(message, _emoji(call))
