"""Acting as staff in Discord's own client over the control API; `user_id` says who acts."""

from __future__ import annotations

from datetime import timedelta

from ..actor import Actor
from ..models import Json, Role, User
from ..payloads import render_invite, render_member, render_role, render_webhook
from .request import Ask, operation


def _staff(ask: Ask) -> tuple[Actor, User]:
    """Return who acts, and on whom: the path's `target_id`."""
    return ask.actor(ask.guild()), ask.user(ask.params["target_id"])


def _role(ask: Ask) -> Role:
    return ask.guild().roles[int(ask.params["role_id"])]


@operation("PUT", "/guilds/{guild_id}/kicks/{target_id}")
async def kick(ask: Ask) -> Json:
    """Remove a member, with a `reason`."""
    actor, target = _staff(ask)
    actor.kick(target, reason=ask.body.get("reason"))
    return {}


@operation("PUT", "/guilds/{guild_id}/bans/{target_id}")
async def ban(ask: Ask) -> Json:
    """Ban somebody, with a `reason`, and delete what they wrote in `delete_seconds`."""
    actor, target = _staff(ask)
    age = timedelta(seconds=float(ask.body.get("delete_seconds", 0)))
    actor.ban(target, reason=ask.body.get("reason"), delete_messages=age)
    return {}


@operation("DELETE", "/guilds/{guild_id}/bans/{target_id}")
async def unban(ask: Ask) -> Json:
    """Lift a ban."""
    actor, target = _staff(ask)
    actor.unban(target, reason=ask.body.get("reason"))
    return {}


@operation("PUT", "/guilds/{guild_id}/timeouts/{target_id}")
async def time_out(ask: Ask) -> Json:
    """Time a member out for so many `seconds`."""
    actor, target = _staff(ask)
    duration = timedelta(seconds=float(ask.need("seconds")))
    actor.time_out(target, duration, reason=ask.body.get("reason"))
    return render_member(ask.guild().members[target.id])


@operation("DELETE", "/guilds/{guild_id}/timeouts/{target_id}")
async def lift_timeout(ask: Ask) -> Json:
    """Let a timed-out member speak again."""
    actor, target = _staff(ask)
    actor.time_out(target, None, reason=ask.body.get("reason"))
    return render_member(ask.guild().members[target.id])


@operation("PUT", "/guilds/{guild_id}/nicknames/{target_id}")
async def rename(ask: Ask) -> Json:
    """Give a member, or oneself, the nickname `nick` (null: none)."""
    actor, target = _staff(ask)
    nick = ask.need("nick")
    if target is actor.user:
        actor.rename(nick)
    else:
        actor.nickname(target, nick)
    return render_member(ask.guild().members[target.id])


@operation("PUT", "/guilds/{guild_id}/members/{target_id}/roles/{role_id}")
async def give_role(ask: Ask) -> Json:
    """Give a member a role."""
    actor, target = _staff(ask)
    actor.give_role(target, _role(ask))
    return render_member(ask.guild().members[target.id])


@operation("DELETE", "/guilds/{guild_id}/members/{target_id}/roles/{role_id}")
async def take_role(ask: Ask) -> Json:
    """Take a role from a member."""
    actor, target = _staff(ask)
    actor.take_role(target, _role(ask))
    return render_member(ask.guild().members[target.id])


@operation("DELETE", "/guilds/{guild_id}/roles/{role_id}")
async def delete_role(ask: Ask) -> Json:
    """Delete a role."""
    ask.actor(ask.guild()).delete_role(_role(ask))
    return {}


@operation("PUT", "/guilds/{guild_id}/roles/{role_id}/permissions")
async def set_role_permissions(ask: Ask) -> Json:
    """Let a role have `permissions`."""
    role = _role(ask)
    ask.actor(ask.guild()).edit_role(role, permissions=int(ask.need("permissions")))
    return render_role(role)


@operation("POST", "/guilds/{guild_id}/prune")
async def prune(ask: Ask) -> Json:
    """Remove members without roles who joined over `days` ago."""
    return {"pruned": ask.actor(ask.guild()).prune(int(ask.need("days")))}


@operation("PUT", "/guilds/{guild_id}/pauses")
async def pause(ask: Ask) -> Json:
    """Pause `invites` and `direct_messages` for so many seconds (missing: let them run)."""
    guild = ask.guild()
    times = {
        key: timedelta(seconds=float(ask.body[key]))
        for key in ("invites", "direct_messages")
        if ask.body.get(key)
    }
    ask.actor(guild).pause(**times)
    return guild.extra["incidents_data"]


@operation("POST", "/channels/{channel_id}/invites")
async def create_invite(ask: Ask) -> Json:
    """Create an invite: `max_age` in seconds, `max_uses`, `code`."""
    channel = ask.channel()
    known = ("max_age", "max_uses", "code")
    fields = {key: ask.body[key] for key in known if key in ask.body}
    return render_invite(ask.actor(channel.guild).invite(channel, **fields))


@operation("POST", "/channels/{channel_id}/webhooks")
async def create_webhook(ask: Ask) -> Json:
    """Create a webhook `name`."""
    channel = ask.channel()
    webhook = ask.actor(channel.guild).create_webhook(channel, str(ask.need("name")))
    return render_webhook(webhook)


@operation("GET", "/guilds/{guild_id}/audit-log")
async def read_audit_log(ask: Ask) -> Json:
    """Return the audit log, oldest first."""
    return {"entries": list(ask.guild().audit_log)}
