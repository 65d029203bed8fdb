"""Messages of a channel: read, send, edit, delete, pin, typing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ..audit import AuditAction
from ..channel import Channel
from ..codec import isoformat
from ..events import Intent
from ..forwarding import forward_fields
from ..incidents import dm_refusal
from ..mentions import NOBODY, Mentions
from ..models import Application, Message, MessageFlag
from ..payloads import blank_content, render_message
from ..permissions import Permission
from ..snowflake import snowflake_time
from .call import Call
from .drafts import Draft, read_draft, read_edit
from .errors import RestError, error, invalid_form, missing_access, missing_permissions
from .routing import route

Json = dict[str, Any]

_NONCES_KEPT = 10_000
_PIN_LIMIT = 250
_REPLY, _FORWARD = 19, 1
_FORWARDABLE = (0, _REPLY, 20, 23)


def render_for(application: Application, message: Message) -> Json:
    """Return a message as this bot may read it over REST."""
    payload = render_message(message, viewer_id=application.user.id)
    own = message.author.id == application.user.id or message.application_id == application.id
    if own or message.channel.guild is None or application.user.id in message.mentions:
        return payload
    return (
        payload if application.allowed_intents & Intent.MESSAGE_CONTENT else blank_content(payload)
    )


def _render(call: Call, message: Message) -> Json:
    return render_for(call.caller, message)


def _textual(call: Call) -> Channel:
    channel = call.channel()
    if not channel.type.is_textual:
        raise error(400, 50008)
    return channel


@route("GET", "/channels/{channel_id}/messages")
def list_messages(call: Call) -> list[Json]:
    """Return messages, newest first; none without READ_MESSAGE_HISTORY."""
    channel = _textual(call)
    limit = call.query_number("limit", 50, 1, 100)
    if not call.permissions_in(channel) & Permission.READ_MESSAGE_HISTORY:
        return []
    messages = list(channel.messages.values())
    before, after, around = (call.query_snowflake(name) for name in ("before", "after", "around"))
    if around is not None:
        older = [entry for entry in messages if entry.id <= around][-(limit // 2 + 1) :]
        newer = [entry for entry in messages if entry.id > around][: limit // 2]
        chosen = older + newer
    elif after is not None:
        chosen = [entry for entry in messages if entry.id > after][:limit]
    else:
        chosen = [entry for entry in messages if before is None or entry.id < before][-limit:]
    return [_render(call, entry) for entry in reversed(chosen)]


@route("GET", "/channels/{channel_id}/messages/{message_id}")
def get_message(call: Call) -> Json:
    """Return a message."""
    channel = _textual(call)
    call.require(channel, Permission.READ_MESSAGE_HISTORY)
    return _render(call, call.message(channel))


def _only_mentionable(channel: Channel, mentions: Mentions) -> Mentions:
    """Return the mentions without roles that only MENTION_EVERYONE can ping."""
    roles = channel.guild.roles if channel.guild else {}
    heard = tuple(one for one in mentions.roles if one in roles and roles[one].mentionable)
    return replace(mentions, roles=heard)


@route("POST", "/channels/{channel_id}/messages")
def create_message(call: Call) -> Json:
    """Send a message; an enforced nonce returns the message it made before."""
    channel = _textual(call)
    body = call.json
    _check_may_send(call, channel, body)
    known = _earlier_message(call, channel, body)
    if known is not None:
        return _render(call, known)
    pings_everyone = bool(call.permissions_in(channel) & Permission.MENTION_EVERYONE)
    reference = body.get("message_reference") or {}
    if reference.get("type") == _FORWARD:
        message = _forward(call, channel, reference)
        _remember_nonce(call, message, body)
        return _render(call, message)
    draft = read_draft(body, call.uploads, channel, may_ping_everyone=pings_everyone)
    draft.flags &= ~MessageFlag.EPHEMERAL
    if not pings_everyone:
        draft.mentions = _only_mentionable(channel, draft.mentions)
    fields = draft.fields() | _reference_fields(call, channel, body, draft)
    message = channel.add_message(call.bot, draft.content, **fields)
    _remember_nonce(call, message, body)
    return _render(call, message)


def _check_may_send(call: Call, channel: Channel, body: Json) -> None:
    if channel.guild is None:
        _check_direct(call, channel)
        return
    if channel.thread is not None and channel.thread.archived and channel.thread.locked:
        raise error(400, 50083)
    call.require(channel, _send_permission(channel))
    if body.get("tts"):
        call.require(channel, Permission.SEND_TTS_MESSAGES)
    if body.get("embeds"):
        call.require(channel, Permission.EMBED_LINKS)
    if call.uploads:
        call.require(channel, Permission.ATTACH_FILES)
    if body.get("poll"):
        call.require(channel, Permission.SEND_POLLS)


def _check_direct(call: Call, channel: Channel) -> None:
    for user in channel.recipients:
        code = None if user is call.bot else dm_refusal(call.world, call.bot, user)
        if code is not None:
            raise error(403, code)


def _send_permission(channel: Channel) -> int:
    return Permission.SEND_MESSAGES_IN_THREADS if channel.thread else Permission.SEND_MESSAGES


def _earlier_message(call: Call, channel: Channel, body: Json) -> Message | None:
    """Return the message this nonce already made, when the sender enforces it."""
    if not body.get("enforce_nonce") or body.get("nonce") is None:
        return None
    message_id = call.context.nonces.get((channel.id, call.bot.id, str(body["nonce"])))
    return None if message_id is None else channel.messages.get(message_id)


def _remember_nonce(call: Call, message: Message, body: Json) -> None:
    if message.nonce is None or not body.get("enforce_nonce"):
        return
    nonces = call.context.nonces
    nonces[message.channel.id, call.bot.id, message.nonce] = message.id
    while len(nonces) > _NONCES_KEPT:
        del nonces[next(iter(nonces))]


def _reference_fields(call: Call, channel: Channel, body: Json, draft: Draft) -> Json:
    """Return the extra fields of a reply.

    Its type, its reference and the ping of the answered author.
    """
    reference = body.get("message_reference")
    if not reference:
        return {}
    if not call.permissions_in(channel) & Permission.READ_MESSAGE_HISTORY:
        raise RestError(400, 160002, "Cannot reply without permission to read message history")
    target_id = call.parse_snowflake(reference.get("message_id"), "message_reference.message_id")
    target = channel.messages.get(target_id)
    if target is None:
        if reference.get("fail_if_not_exists", True):
            raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return {}
    stored: Json = {"type": 0, "channel_id": str(channel.id), "message_id": str(target_id)}
    if channel.guild is not None:
        stored["guild_id"] = str(channel.guild.id)
    allowed = body.get("allowed_mentions")
    pings = True if allowed is None else bool(allowed.get("replied_user"))
    mentions = draft.mentions
    if pings and target.author.id not in mentions.users:
        mentions = type(mentions)(
            (*mentions.users, target.author.id), mentions.roles, mentions.everyone
        )
    return {"type": _REPLY, "reference": stored, "mentions": mentions}


def _forward(call: Call, channel: Channel, reference: Json) -> Message:
    """Copy a message that the bot can read into another channel."""
    path = "message_reference.channel_id"
    source = call.world.channels.get(call.parse_snowflake(reference.get("channel_id"), path))
    if source is None or not _reads(call, source):
        raise missing_access()
    path = "message_reference.message_id"
    message = source.messages.get(call.parse_snowflake(reference.get("message_id"), path))
    if message is None:
        raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    if message.poll is not None or message.type not in _FORWARDABLE:
        raise invalid_form(
            "message_reference", "MESSAGE_CANNOT_BE_FORWARDED", "Cannot forward this message"
        )
    return channel.add_message(
        call.bot, mentions=NOBODY, nonce=call.json.get("nonce"), **forward_fields(message)
    )


def _reads(call: Call, channel: Channel) -> bool:
    if channel.guild is None:
        return call.bot in channel.recipients
    wanted = Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY
    member = call.bot.id in channel.guild.members
    return member and call.permissions_in(channel) & wanted == wanted


@route("PATCH", "/channels/{channel_id}/messages/{message_id}")
def edit_message(call: Call) -> Json:
    """Edit an own message, or hide the embeds of another's."""
    channel = _textual(call)
    message = call.message(channel)
    if message.author.id != call.bot.id or message.webhook_id is not None:
        return _edit_foreign(call, channel, message)
    if channel.guild is None and any(not user.dms_open for user in channel.recipients):
        raise error(403, 50007)
    channel.edit_message(message, **read_edit(call.json, call.uploads, message))
    return _render(call, message)


def _edit_foreign(call: Call, channel: Channel, message: Message) -> Json:
    """Of another's message only the embeds can be hidden, with MANAGE_MESSAGES."""
    if set(call.json) - {"flags", "allowed_mentions"}:
        raise error(403, 50005)
    call.require(channel, Permission.MANAGE_MESSAGES)
    suppress = int(call.json.get("flags") or 0) & MessageFlag.SUPPRESS_EMBEDS
    flags = (message.flags & ~MessageFlag.SUPPRESS_EMBEDS) | suppress
    channel.edit_message(message, mark_edited=False, flags=flags)
    return _render(call, message)


@route("DELETE", "/channels/{channel_id}/messages/{message_id}")
def delete_message(call: Call) -> None:
    """Delete a message."""
    channel = _textual(call)
    message = call.message(channel)
    if message.author.id != call.bot.id:
        if channel.guild is None:
            raise error(403, 50003)
        call.require(channel, Permission.MANAGE_MESSAGES)
    channel.delete_message(message)


@route(
    "POST", "/channels/{channel_id}/messages/bulk-delete", permissions=Permission.MANAGE_MESSAGES
)
def delete_messages(call: Call) -> None:
    """Delete 2 to 100 messages younger than 14 days."""
    channel = _textual(call)
    if channel.guild is None:
        raise error(403, 50003)
    listed = call.json.get("messages")
    if not isinstance(listed, list) or not 2 <= len(listed) <= 100:
        raise error(400, 50016)
    ids = [call.parse_snowflake(entry, "messages") for entry in listed]
    if len(set(ids)) != len(ids):
        raise invalid_form(
            "messages", "SET_TYPE_ALREADY_CONTAINS_VALUE", "The set already contains this value."
        )
    oldest = datetime.now(UTC) - timedelta(days=14)
    if any(snowflake_time(entry) < oldest for entry in ids):
        raise error(400, 50034)
    gone = channel.delete_messages(ids)
    channel.guild.log(
        AuditAction.MESSAGE_BULK_DELETE,
        call.bot.id,
        channel.id,
        reason=call.reason,
        options={"count": str(len(gone))},
    )


@route("POST", "/channels/{channel_id}/typing")
def start_typing(call: Call) -> None:
    """Show that the bot is typing."""
    channel = _textual(call)
    if channel.guild is not None:
        call.require(channel, _send_permission(channel))
    channel.start_typing(call.bot)


@route("GET", "/channels/{channel_id}/messages/pins")
def list_pins(call: Call) -> Json:
    """Return pinned messages, the last pinned first."""
    channel = _textual(call)
    limit = call.query_number("limit", 50, 1, 50)
    pinned = [entry for entry in channel.messages.values() if entry.pinned_at is not None]
    pinned.sort(key=lambda entry: entry.pinned_at or snowflake_time(entry.id), reverse=True)
    items = [
        {"pinned_at": isoformat(m.pinned_at), "message": _render(call, m)}
        for m in pinned
        if m.pinned_at
    ]
    return {"items": items[:limit], "has_more": len(items) > limit}


@route("GET", "/channels/{channel_id}/pins")
def list_pins_plainly(call: Call) -> list[Json]:
    """Return pinned messages as the older route does."""
    return [entry["message"] for entry in list_pins(call)["items"]]


@route("PUT", "/channels/{channel_id}/messages/pins/{message_id}")
@route("PUT", "/channels/{channel_id}/pins/{message_id}")
def pin_message(call: Call) -> None:
    """Pin a message."""
    _set_pin(call, pinned=True)


@route("DELETE", "/channels/{channel_id}/messages/pins/{message_id}")
@route("DELETE", "/channels/{channel_id}/pins/{message_id}")
def unpin_message(call: Call) -> None:
    """Unpin a message."""
    _set_pin(call, pinned=False)


def _set_pin(call: Call, *, pinned: bool) -> None:
    channel = _textual(call)
    if channel.guild is not None and not call.permissions_in(channel) & Permission.PIN_MESSAGES:
        raise missing_permissions()
    message = call.message(channel)
    if (
        pinned
        and sum(entry.pinned_at is not None for entry in channel.messages.values()) >= _PIN_LIMIT
    ):
        raise error(400, 30003)
    channel.pin(message, pinned=pinned)
    if channel.guild is not None:
        options = {"channel_id": str(channel.id), "message_id": str(message.id)}
        channel.guild.log(
            74 if pinned else 75,
            call.bot.id,
            message.author.id,
            reason=call.reason,
            options=options,
        )
