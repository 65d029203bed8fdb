"""One channel: reading, editing, deleting, and its permission overwrites."""

from __future__ import annotations

from typing import Any

from ..audit import (
    AuditAction,
    changes,
    channel_state,
    overwrite_options,
    overwrite_state,
    thread_state,
)
from ..channel import Channel
from ..models import ChannelType, Overwrite
from ..payloads import render_channel
from ..permissions import Permission
from .call import Call
from .channel_rules import (
    ARCHIVE_MINUTES,
    apply_channel_fields,
    check_channel_fields,
    check_channel_name,
    read_overwrite,
    read_overwrites,
)
from .errors import FormCheck, error, missing_permissions, not_found
from .routing import route

Json = dict[str, Any]


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
        _replace_overwrites(call, channel, overwrites)
    before = channel_state(channel)
    check_channel_name(channel.home, call.json.get("name"))
    apply_channel_fields(call, channel, call.json)
    kind = call.json.get("type")
    channel.update(**({} if kind is None else {"type": ChannelType(kind)}))
    found = changes(before, channel_state(channel))
    if found:
        _log(call, channel, AuditAction.CHANNEL_UPDATE, found)
    return render_channel(channel)


def _log(
    call: Call,
    channel: Channel,
    action: AuditAction,
    found: list[Json],
    options: Json | None = None,
) -> None:
    channel.home.log(
        action, call.bot.id, channel.id, reason=call.reason, changes=found, options=options
    )


def _replace_overwrites(call: Call, channel: Channel, overwrites: list[Overwrite]) -> None:
    """Set all of a channel's overwrites; each that differs has an entry in the audit log."""
    before = channel.overwrites
    channel.overwrites = {entry.id: entry for entry in overwrites}
    for target_id in dict.fromkeys((*before, *channel.overwrites)):
        _log_overwrite(call, channel, before.get(target_id), channel.overwrites.get(target_id))


def _log_overwrite(
    call: Call, channel: Channel, before: Overwrite | None, after: Overwrite | None
) -> None:
    known = after or before
    if known is None or before == after:
        return
    action = AuditAction.OVERWRITE_UPDATE
    if before is None:
        action = AuditAction.OVERWRITE_CREATE
    elif after is None:
        action = AuditAction.OVERWRITE_DELETE
    found = changes(overwrite_state(before), overwrite_state(after))
    options = overwrite_options(channel.home, known.id, known.type)
    _log(call, channel, action, found, options)


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
    check_channel_name(channel.home, body.get("name"))
    before = thread_state(channel)
    channel.name = body.get("name") or channel.name
    channel.slowmode = body.get("rate_limit_per_user", channel.slowmode)
    wanted = {
        key: body[key] for key in ("archived", "locked", "invitable") if body.get(key) is not None
    }
    if body.get("auto_archive_duration") is not None:
        wanted["auto_archive_minutes"] = body["auto_archive_duration"]
    channel.update_thread(**wanted)
    _log(call, channel, AuditAction.THREAD_UPDATE, changes(before, thread_state(channel)))
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
    state = thread_state(channel) if channel.thread else channel_state(channel)
    action = AuditAction.THREAD_DELETE if channel.thread else AuditAction.CHANNEL_DELETE
    if not channel.thread:
        state["permission_overwrites"] = payload["permission_overwrites"]
    channel.delete()
    _log(call, channel, action, changes(state, {}))
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
    before = channel.overwrites.get(overwrite.id)
    channel.set_overwrite(overwrite.id, overwrite.type, allow=overwrite.allow, deny=overwrite.deny)
    _log_overwrite(call, channel, before, overwrite)


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
    _log_overwrite(call, channel, overwrite, None)
