"""Guilds.

Reading and editing, their channels, preview, voice regions, incident actions and onboarding.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ..audit import AuditAction, changes, channel_state
from ..channel import Channel
from ..codec import parse_time
from ..guild import Guild
from ..models import ChannelType
from ..payloads import render_channel, render_guild, render_partial_guild, render_thread_member
from ..permissions import Permission
from .call import Call, Reply
from .channel_rules import (
    apply_channel_fields,
    check_channel_fields,
    check_channel_name,
    read_overwrites,
)
from .errors import FormCheck, error, invalid_form, not_found
from .routing import route

Json = dict[str, Any]

_CHANNEL_LIMIT = 500
_NAMED = {
    "name": "name",
    "preferred_locale": "locale",
    "description": "description",
    "features": "features",
}
_LONGEST_INCIDENT = timedelta(hours=24)


@route("GET", "/guilds/{guild_id}")
def get_guild(call: Call) -> Json:
    """Return a guild."""
    guild = call.guild()
    payload = render_guild(guild)
    if call.query.get("with_counts", "").lower() in ("true", "1"):
        count = len(guild.members)
        payload |= {"approximate_member_count": count, "approximate_presence_count": count}
    return payload


@route("GET", "/guilds/{guild_id}/preview")
def get_guild_preview(call: Call) -> Json:
    """Return a guild's preview."""
    guild = call.guild()
    return render_partial_guild(guild) | {
        "splash": None,
        "discovery_splash": None,
        "emojis": guild.emojis,
        "stickers": guild.stickers,
        "description": guild.description,
    }


@route("PATCH", "/guilds/{guild_id}", permissions=Permission.MANAGE_GUILD)
def edit_guild(call: Call) -> Json:
    """Edit a guild's name and settings."""
    guild, body = call.guild(), call.json
    check = FormCheck()
    check.text("name", body.get("name"), 2, 100)
    check.text("description", body.get("description"), 0, 300)
    check.number("verification_level", body.get("verification_level"), 0, 4)
    check.finish()
    wanted = {
        _NAMED.get(key, key): value
        for key, value in body.items()
        if key in _NAMED or key in guild.extra
    }
    before = render_guild(guild)
    guild.update(**wanted)
    _log_update(call, guild, before)
    return render_guild(guild)


def _log_update(call: Call, guild: Guild, before: Json) -> None:
    found = changes(before, render_guild(guild))
    if found:
        guild.log(
            AuditAction.GUILD_UPDATE, call.bot.id, guild.id, reason=call.reason, changes=found
        )


@route("GET", "/guilds/{guild_id}/channels")
def list_channels(call: Call) -> list[Json]:
    """Return a guild's channels without threads."""
    return [render_channel(channel) for channel in call.guild().channels.values()]


@route("POST", "/guilds/{guild_id}/channels", permissions=Permission.MANAGE_CHANNELS)
def create_channel(call: Call) -> Reply:
    """Create a channel, seen at once with its overwrites."""
    guild, body = call.guild(), call.json
    check = FormCheck()
    check.text("name", body.get("name"), 1, 100, required=True)
    check_channel_fields(check, body)
    kind = body.get("type", 0)
    check.choice(
        "type",
        kind,
        tuple(int(entry) for entry in ChannelType if not entry.is_thread and entry != 1),
    )
    check.finish()
    check_channel_name(guild, body["name"])
    if len(guild.channels) >= _CHANNEL_LIMIT:
        raise error(400, 30013)
    overwrites = read_overwrites(call, guild, body.get("permission_overwrites") or [])
    name = body["name"]
    if ChannelType(kind) in (ChannelType.TEXT, ChannelType.ANNOUNCEMENT, ChannelType.FORUM):
        name = name.lower().replace(" ", "-")
    channel = guild.new_channel(name, ChannelType(kind))
    apply_channel_fields(
        call, channel, {key: value for key, value in body.items() if key not in ("name", "type")}
    )
    channel.overwrites = {entry.id: entry for entry in overwrites}
    guild.adopt_channel(channel)
    found = changes({}, channel_state(channel))
    guild.log(
        AuditAction.CHANNEL_CREATE, call.bot.id, channel.id, reason=call.reason, changes=found
    )
    return Reply(201, render_channel(channel))


@route("PATCH", "/guilds/{guild_id}/channels", permissions=Permission.MANAGE_CHANNELS)
def move_channels(call: Call) -> None:
    """Change the order of channels."""
    guild = call.guild()
    for entry in call.entries():
        channel = guild.channels.get(call.parse_snowflake(entry.get("id"), "id"))
        if channel is None:
            raise not_found(10003)
        changes: Json = {}
        if entry.get("position") is not None:
            changes["position"] = int(entry["position"])
        if "parent_id" in entry:
            changes["parent_id"] = int(entry["parent_id"]) if entry["parent_id"] else None
        channel.update(**changes)


@route("GET", "/guilds/{guild_id}/threads/active")
def list_active_threads(call: Call) -> Json:
    """Return the open threads that the bot may see."""
    guild = call.guild()
    threads = [
        entry for entry in guild.threads.values() if entry.thread and not entry.thread.archived
    ]
    return render_thread_list(call, [entry for entry in threads if call.permissions_in(entry)])


def render_thread_list(call: Call, threads: list[Channel], *, has_more: bool | None = None) -> Json:
    """Return threads with the bot's own memberships, as every thread list is given."""
    own = [entry for entry in threads if entry.thread and call.bot.id in entry.thread.members]
    payload: Json = {
        "threads": [render_channel(entry) for entry in threads],
        "members": [render_thread_member(entry, call.bot.id) for entry in own],
    }
    return payload if has_more is None else payload | {"has_more": has_more}


@route("PUT", "/guilds/{guild_id}/incident-actions", permissions=Permission.MANAGE_GUILD)
def set_incident_actions(call: Call) -> Json:
    """Pause invites or direct messages for at most 24 hours."""
    guild = call.guild()
    data = dict(
        guild.extra["incidents_data"]
        or {"invites_disabled_until": None, "dms_disabled_until": None}
    )
    for key in ("invites_disabled_until", "dms_disabled_until"):
        if key in call.json:
            value = call.json[key]
            if value and parse_time(value) > datetime.now(UTC) + _LONGEST_INCIDENT:
                raise invalid_form(key, "BASE_TYPE_MAX", "Must be at most 24 hours in the future.")
            data[key] = value
    guild.update(incidents_data=data)
    return data


@route("GET", "/voice/regions")
@route("GET", "/guilds/{guild_id}/regions")
def list_voice_regions(_: Call) -> list[Json]:
    """Return the voice regions."""
    return [
        {
            "id": "rotterdam",
            "name": "Rotterdam",
            "optimal": True,
            "deprecated": False,
            "custom": False,
        }
    ]


@route("GET", "/guilds/{guild_id}/voice-states/{user_id}")
def get_voice_state(call: Call) -> Json:
    """Return where in voice a user is; raises 10065 when nowhere."""
    state = call.guild().voice_states.get(call.snowflake("user_id"))
    if state is None:
        raise not_found(10065)
    return state


@route("GET", "/guilds/{guild_id}/integrations", permissions=Permission.MANAGE_GUILD)
def list_integrations(_: Call) -> list[Json]:
    """Return a guild's integrations: none are told."""
    return []


@route("GET", "/guilds/{guild_id}/onboarding")
def get_onboarding(call: Call) -> Json:
    """Return a guild's onboarding: switched off."""
    guild = call.guild()
    return {
        "guild_id": str(guild.id),
        "prompts": [],
        "default_channel_ids": [],
        "enabled": False,
        "mode": 0,
    }


@route("GET", "/guilds/{guild_id}/welcome-screen")
def get_welcome_screen(call: Call) -> Json:
    """Return a guild's welcome screen: empty."""
    call.guild()
    return {"description": None, "welcome_channels": []}


@route("GET", "/guilds/{guild_id}/vanity-url", permissions=Permission.MANAGE_GUILD)
def get_vanity_url(call: Call) -> Json:
    """Return a guild's vanity address: none."""
    call.guild()
    return {"code": None, "uses": 0}


@route("GET", "/guilds/{guild_id}/scheduled-events")
def list_scheduled_events(call: Call) -> list[Json]:
    """Return a guild's events: none are planned."""
    call.guild()
    return []
