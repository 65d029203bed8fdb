"""One channel: reading, editing, deleting, and its permission overwrites."""

from __future__ import annotations

from typing import Any

from ..channel import Channel
from ..models import ChannelType
from ..payloads import render_channel
from ..permissions import Permission
from .call import Call
from .channel_rules import (
    ARCHIVE_MINUTES,
    apply_channel_fields,
    check_channel_fields,
    read_overwrite,
    read_overwrites,
)
from .errors import FormCheck, error, missing_permissions, not_found
from .routing import route

Json = dict[str, Any]

_CHANNEL_UPDATE, _CHANNEL_DELETE = 11, 12
_OVERWRITE_CREATE, _OVERWRITE_UPDATE, _OVERWRITE_DELETE = 13, 14, 15
_THREAD_UPDATE, _THREAD_DELETE = 111, 112


@route("GET", "/channels/{channel_id}")
def get_channel(call: Call) -> Json:
    """Return a channel."""
    return _render(call, call.channel())


def _render(call: Call, channel: Channel) -> Json:
    return (
        call.world.render_dm(channel, call.bot)
        if channel.guild is None
        else render_channel(channel)
    )


@route("PATCH", "/channels/{channel_id}")
def edit_channel(call: Call) -> Json:
    """Edit a channel or thread."""
    channel = call.channel()
    if channel.guild is None:
        raise error(403, 50003)
    if channel.thread is not None:
        return _edit_thread(call, channel)
    call.require(channel, Permission.MANAGE_CHANNELS)
    check = FormCheck()
    check_channel_fields(check, call.json)
    check.finish()
    if call.json.get("permission_overwrites") is not None:
        call.require(channel, Permission.MANAGE_ROLES)
        overwrites = read_overwrites(call, channel.guild, call.json["permission_overwrites"])
        channel.overwrites = {entry.id: entry for entry in overwrites}
    changed = apply_channel_fields(call, channel, call.json)
    kind = call.json.get("type")
    channel.update(**({} if kind is None else {"type": ChannelType(kind)}))
    changes = [{"key": key, "new_value": value} for key, value in changed.items()]
    channel.guild.log(_CHANNEL_UPDATE, call.bot.id, channel.id, reason=call.reason, changes=changes)
    return render_channel(channel)


def _edit_thread(call: Call, channel: Channel) -> Json:
    thread, body = channel.thread_state, call.json
    own = thread.owner_id == call.bot.id
    held = call.permissions_in(channel)
    if not held & Permission.MANAGE_THREADS and (
        not own or "locked" in body or "rate_limit_per_user" in body
    ):
        raise missing_permissions()
    if thread.archived and body.get("archived") is not False:
        raise error(400, 50083)
    check = FormCheck()
    check.text("name", body.get("name"), 1, 100)
    check.number("rate_limit_per_user", body.get("rate_limit_per_user"), 0, 21_600)
    check.choice("auto_archive_duration", body.get("auto_archive_duration"), ARCHIVE_MINUTES)
    check.finish()
    channel.name = body.get("name") or channel.name
    channel.slowmode = body.get("rate_limit_per_user", channel.slowmode)
    changes = {
        key: body[key] for key in ("archived", "locked", "invitable") if body.get(key) is not None
    }
    if body.get("auto_archive_duration") is not None:
        changes["auto_archive_minutes"] = body["auto_archive_duration"]
    channel.update_thread(**changes)
    channel.home.log(_THREAD_UPDATE, call.bot.id, channel.id, reason=call.reason)
    return render_channel(channel)


@route("DELETE", "/channels/{channel_id}")
def delete_channel(call: Call) -> Json:
    """Delete a channel or thread."""
    channel = call.channel()
    if channel.guild is None:
        return _render(call, channel)
    call.require(
        channel, Permission.MANAGE_THREADS if channel.thread else Permission.MANAGE_CHANNELS
    )
    payload = render_channel(channel)
    guild = channel.guild
    channel.delete()
    guild.log(
        _THREAD_DELETE if channel.thread else _CHANNEL_DELETE,
        call.bot.id,
        channel.id,
        reason=call.reason,
    )
    return payload


@route("PUT", "/channels/{channel_id}/permissions/{target_id}", permissions=Permission.MANAGE_ROLES)
def set_overwrite(call: Call) -> None:
    """Set a permission overwrite; raises 50013 for bits the bot does not hold."""
    channel = call.channel()
    if channel.guild is None or channel.thread is not None:
        raise error(403, 50003)
    overwrite = read_overwrite(call, channel.guild, call.json, call.params["target_id"])
    if overwrite.type == 0 and overwrite.id not in channel.guild.roles:
        raise not_found(10011)
    action = _OVERWRITE_UPDATE if overwrite.id in channel.overwrites else _OVERWRITE_CREATE
    channel.set_overwrite(overwrite.id, overwrite.type, allow=overwrite.allow, deny=overwrite.deny)
    channel.guild.log(
        action,
        call.bot.id,
        channel.id,
        reason=call.reason,
        options=_about(overwrite.id, overwrite.type),
    )


@route(
    "DELETE", "/channels/{channel_id}/permissions/{target_id}", permissions=Permission.MANAGE_ROLES
)
def delete_overwrite(call: Call) -> None:
    """Remove a permission overwrite."""
    channel = call.channel()
    overwrite = channel.overwrites.get(call.snowflake("target_id"))
    if channel.guild is None or overwrite is None:
        raise not_found(10003)
    channel.remove_overwrite(overwrite.id)
    options = _about(overwrite.id, overwrite.type)
    channel.guild.log(
        _OVERWRITE_DELETE, call.bot.id, channel.id, reason=call.reason, options=options
    )


def _about(target_id: int, kind: int) -> Json:
    return {"id": str(target_id), "type": str(kind)}
