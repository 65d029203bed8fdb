"""Threads: opening them, their members, and the archived ones."""

from __future__ import annotations

from typing import Any

from ..audit import AuditAction, changes, thread_state
from ..channel import Channel
from ..codec import parse_time
from ..events import Intent
from ..models import ChannelType, MessageFlag
from ..payloads import render_channel, render_member, render_thread_member
from ..permissions import Permission
from .call import Call, Reply
from .channel_rules import ARCHIVE_MINUTES, check_channel_name
from .drafts import read_draft
from .errors import FormCheck, error, missing_access, missing_permissions, not_found
from .guilds import render_thread_list
from .routing import route

Json = dict[str, Any]

_THREADED = (ChannelType.TEXT, ChannelType.ANNOUNCEMENT)


def _check(channel: Channel, body: Json) -> None:
    check = FormCheck()
    check.text("name", body.get("name"), 1, 100, required=True)
    check.choice("auto_archive_duration", body.get("auto_archive_duration"), ARCHIVE_MINUTES)
    check.number("rate_limit_per_user", body.get("rate_limit_per_user"), 0, 21_600)
    check.finish()
    check_channel_name(channel.home, body["name"])


def _options(body: Json) -> Json:
    return {
        "auto_archive_minutes": body.get("auto_archive_duration") or 4_320,
        "slowmode": body.get("rate_limit_per_user") or 0,
    }


@route("POST", "/channels/{channel_id}/messages/{message_id}/threads")
def create_thread_on_message(call: Call) -> Reply:
    """Open a public thread on a message."""
    channel = call.channel()
    if channel.type not in _THREADED:
        raise error(400, 50024)
    call.require(channel, Permission.CREATE_PUBLIC_THREADS)
    message = call.message(channel)
    _check(channel, call.json)
    if message.flags & MessageFlag.HAS_THREAD:
        raise error(400, 160004)
    thread = channel.add_thread(call.bot, call.json["name"], message=message, **_options(call.json))
    return _created(call, thread)


@route("POST", "/channels/{channel_id}/threads")
def create_thread(call: Call) -> Reply:
    """Open a thread that hangs on no message, or a post in a forum."""
    channel, body = call.channel(), call.json
    _check(channel, body)
    if channel.type is ChannelType.FORUM:
        return _create_post(call, channel)
    if channel.type not in _THREADED:
        raise error(400, 50024)
    private = body.get("type", int(ChannelType.PRIVATE_THREAD)) == ChannelType.PRIVATE_THREAD
    call.require(
        channel, Permission.CREATE_PRIVATE_THREADS if private else Permission.CREATE_PUBLIC_THREADS
    )
    invitable = body.get("invitable", True)
    options = _options(body)
    return _created(
        call,
        channel.add_thread(call.bot, body["name"], private=private, invitable=invitable, **options),
    )


def _create_post(call: Call, channel: Channel) -> Reply:
    """Open a post in a forum: a thread with its first message."""
    call.require(channel, Permission.SEND_MESSAGES)
    draft = read_draft(call.json.get("message") or {}, call.uploads, channel)
    thread = channel.add_thread(call.bot, call.json["name"], **_options(call.json))
    thread.add_message(call.bot, draft.content, message_id=thread.id, **draft.fields())
    return _created(call, thread)


def _created(call: Call, thread: Channel) -> Reply:
    found = changes({}, thread_state(thread))
    thread.home.log(
        AuditAction.THREAD_CREATE, call.bot.id, thread.id, reason=call.reason, changes=found
    )
    return Reply(201, render_channel(thread))


def _thread(call: Call) -> Channel:
    channel = call.channel()
    if channel.thread is None:
        raise error(400, 50024)
    return channel


def _open_thread(call: Call) -> Channel:
    channel = _thread(call)
    if channel.thread_state.archived:
        raise error(400, 50083)
    return channel


@route("PUT", "/channels/{channel_id}/thread-members/{user_id}")
def add_thread_member(call: Call) -> None:
    """Add someone, or the bot itself, to a thread."""
    channel = _open_thread(call)
    user_id = call.snowflake("user_id")
    if user_id != call.bot.id:
        call.require(channel, Permission.SEND_MESSAGES_IN_THREADS)
    if channel.guild is None or user_id not in channel.guild.members:
        raise not_found(10007)
    channel.add_thread_member(user_id)


@route("DELETE", "/channels/{channel_id}/thread-members/{user_id}")
def remove_thread_member(call: Call) -> None:
    """Take someone, or the bot itself, out of a thread."""
    channel = _open_thread(call)
    user_id = call.snowflake("user_id")
    own_private = channel.thread_state.private and channel.thread_state.owner_id == call.bot.id
    if (
        user_id != call.bot.id
        and not own_private
        and not call.permissions_in(channel) & Permission.MANAGE_THREADS
    ):
        raise missing_permissions()
    if not channel.remove_thread_member(user_id):
        raise not_found(10007)


@route("GET", "/channels/{channel_id}/thread-members")
def list_thread_members(call: Call) -> list[Json]:
    """Return a thread's members, in pages by user id where their memberships are asked for.

    https://discord.com/developers/docs/resources/channel#list-thread-members
    """
    channel = _thread(call)
    if not call.caller.allowed_intents & Intent.GUILD_MEMBERS:
        raise missing_access()
    ids = sorted(channel.thread_state.members)
    if _with_member(call):
        limit, after = call.query_number("limit", 100, 1, 100), call.query_snowflake("after") or 0
        ids = [one for one in ids if one > after][:limit]
    return [_render_thread_member(call, channel, user_id) for user_id in ids]


@route("GET", "/channels/{channel_id}/thread-members/{user_id}")
def get_thread_member(call: Call) -> Json:
    """Return someone's membership in a thread."""
    channel = _thread(call)
    user_id = call.snowflake("user_id")
    if user_id not in channel.thread_state.members:
        raise not_found(10007)
    return _render_thread_member(call, channel, user_id)


def _render_thread_member(call: Call, channel: Channel, user_id: int) -> Json:
    payload = render_thread_member(channel, user_id)
    member = channel.guild.members.get(user_id) if channel.guild else None
    if member is not None and _with_member(call):
        payload["member"] = render_member(member)
    return payload


def _with_member(call: Call) -> bool:
    return call.query.get("with_member", "").lower() in ("true", "1")


@route("GET", "/channels/{channel_id}/threads/archived/public")
def list_public_archived_threads(call: Call) -> Json:
    """Return archived public threads."""
    return _list_archived(call, private=False, joined_only=False)


@route("GET", "/channels/{channel_id}/threads/archived/private")
def list_private_archived_threads(call: Call) -> Json:
    """Return archived private threads."""
    channel = call.channel()
    if not call.permissions_in(channel) & Permission.MANAGE_THREADS:
        raise missing_access()
    return _list_archived(call, private=True, joined_only=False)


@route("GET", "/channels/{channel_id}/users/@me/threads/archived/private")
def list_joined_private_archived_threads(call: Call) -> Json:
    """Return archived private threads that the bot is in."""
    return _list_archived(call, private=True, joined_only=True)


def _list_archived(call: Call, *, private: bool, joined_only: bool) -> Json:
    channel = call.channel()
    call.require(channel, Permission.READ_MESSAGE_HISTORY)
    limit = call.query_number("limit", 50, 1, 100)
    before = call.query.get("before")
    found = []
    for entry in channel.guild.threads.values() if channel.guild else ():
        state = entry.thread
        if (
            state is None
            or entry.parent_id != channel.id
            or not state.archived
            or state.private != private
        ):
            continue
        if joined_only and call.bot.id not in state.members:
            continue
        if before and not before.isdecimal() and state.archived_at >= parse_time(before):
            continue
        found.append((state.archived_at, entry))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return render_thread_list(
        call, [entry for _, entry in found[:limit]], has_more=len(found) > limit
    )
