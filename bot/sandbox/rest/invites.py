"""Invites to channels and guilds."""

from __future__ import annotations

from typing import Any

from ..models import Invite
from ..payloads import render_invite
from ..permissions import Permission
from .call import Call
from .errors import FormCheck, error, missing_permissions, not_found
from .routing import route

Json = dict[str, Any]

_INVITE_CREATE, _INVITE_DELETE = 40, 42


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
    channel.guild.log(_INVITE_CREATE, call.bot.id, None, reason=call.reason)
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
    if invite is None:
        raise not_found(10006)
    return invite


@route("GET", "/invites/{code}", authenticated=False)
def get_invite(call: Call) -> Json:
    """Return an invite; anyone who has the code may see it."""
    return render_invite(_find(call))


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
    guild.log(_INVITE_DELETE, call.bot.id, None, reason=call.reason)
    return payload
