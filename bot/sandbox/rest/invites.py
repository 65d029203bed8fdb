"""Invites to channels and guilds."""

from __future__ import annotations

from typing import Any

from ..audit import AuditAction, changes, invite_state
from ..models import Invite
from ..payloads import render_invite
from ..permissions import Permission
from .call import Call
from .errors import FormCheck, error, missing_permissions, not_found
from .routing import route

Json = dict[str, Any]

_FOR_STAFF = ("uses", "max_uses", "max_age", "temporary", "created_at")


@route("POST", "/channels/{channel_id}/invites", permissions=Permission.CREATE_INSTANT_INVITE)
def create_invite(call: Call) -> Json:
    """Create an invite to a channel."""
    channel, body = call.channel(), call.json
    if channel.guild is None:
        raise error(403, 50003)
    check = FormCheck()
    check.number("max_age", body.get("max_age"), 0, 604_800)
    check.number("max_uses", body.get("max_uses"), 0, 100)
    check.finish()
    fields = {
        key: body[key] for key in ("max_age", "max_uses", "temporary") if body.get(key) is not None
    }
    invite = call.world.add_invite(channel, call.bot, **fields)
    _log(call, invite, AuditAction.INVITE_CREATE, {}, invite_state(invite))
    return render_invite(invite)


@route("GET", "/channels/{channel_id}/invites", permissions=Permission.MANAGE_CHANNELS)
def list_channel_invites(call: Call) -> list[Json]:
    """Return a channel's invites."""
    channel = call.channel()
    invites = channel.guild.invites.values() if channel.guild else ()
    return [render_invite(entry) for entry in invites if entry.channel is channel]


@route("GET", "/guilds/{guild_id}/invites", permissions=Permission.MANAGE_GUILD)
def list_guild_invites(call: Call) -> list[Json]:
    """Return a guild's invites."""
    return [render_invite(entry) for entry in call.guild().invites.values()]


def _find(call: Call) -> Invite:
    invite = call.world.invites.get(call.params["code"])
    if invite is None or not invite.valid:
        raise not_found(10006)
    return invite


@route("GET", "/invites/{code}", authenticated=False)
def get_invite(call: Call) -> Json:
    """Return an invite; anyone who has the code may see it, but not how it is used."""
    invite = _find(call)
    payload = render_invite(invite)
    for key in _FOR_STAFF:
        del payload[key]
    if call.query.get("with_counts", "").lower() in ("true", "1"):
        count = len(invite.channel.home.members)
        payload |= {"approximate_member_count": count, "approximate_presence_count": count}
    return payload


@route("DELETE", "/invites/{code}")
def delete_invite(call: Call) -> Json:
    """Delete an invite."""
    invite = _find(call)
    guild = invite.channel.guild
    if guild is None or call.bot.id not in guild.members:
        raise missing_permissions()
    call.require(invite.channel, Permission.MANAGE_CHANNELS)
    payload = render_invite(invite)
    call.world.remove_invite(invite)
    _log(call, invite, AuditAction.INVITE_DELETE, invite_state(invite), {})
    return payload


def _log(call: Call, invite: Invite, action: AuditAction, before: Json, after: Json) -> None:
    found, guild = changes(before, after), invite.channel.home
    guild.log(action, call.bot.id, None, reason=call.reason, changes=found)
