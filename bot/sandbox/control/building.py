"""Building the world over the control API: guilds, channels, roles, accounts, members."""

from __future__ import annotations

from typing import Any

from ..codec import parse_time
from ..models import ChannelType, Json, User
from ..payloads import (
    render_channel,
    render_guild,
    render_invite,
    render_member,
    render_role,
    render_user,
)
from ..stickers import add_sticker
from ..world import BOT_PERMISSIONS, DEFAULT_PERMISSIONS
from .request import Ask, operation


@operation("GET", "/state")
async def get_state(ask: Ask) -> Json:
    """Return the bot, its sessions and the guilds with their channels and numbers of members."""
    sandbox = ask.sandbox
    return {
        "application_id": str(sandbox.application.id),
        "api_base_url": sandbox.api_base_url,
        "gateway_url": sandbox.gateway_url,
        "sessions": [
            {
                "id": session.id,
                "shard": [session.shard_id, session.shard_count],
                "connected": session.outlet is not None,
                "sequence": session.sequence,
            }
            for session in sandbox.gateway.sessions.values()
        ],
        "guilds": [
            {
                "id": str(guild.id),
                "name": guild.name,
                "member_count": len(guild.members),
                "channels": [render_channel(channel) for channel in guild.channels.values()],
            }
            for guild in sandbox.world.guilds.values()
        ],
    }


@operation("POST", "/guilds")
async def create_guild(ask: Ask) -> Json:
    """Found a guild with the bot in it; `permissions` are the bot's, `everyone` those of all."""
    guild = ask.sandbox.add_guild(
        ask.need("name"),
        channels=ask.body.get("channels", ["general"]),
        owner=ask.user(ask.body["owner_id"]) if ask.body.get("owner_id") else None,
        locale=ask.body.get("locale", "en-US"),
        permissions=int(ask.body.get("permissions", BOT_PERMISSIONS)),
        everyone=int(ask.body.get("everyone", DEFAULT_PERMISSIONS)),
    )
    channels = [render_channel(channel) for channel in guild.channels.values()]
    return render_guild(guild) | {"channels": channels}


@operation("GET", "/guilds/{guild_id}")
async def get_guild(ask: Ask) -> Json:
    """Return a guild with its channels."""
    guild = ask.guild()
    channels = [render_channel(channel) for channel in guild.channels.values()]
    return render_guild(guild) | {"channels": channels, "member_count": len(guild.members)}


@operation("DELETE", "/guilds/{guild_id}")
async def delete_guild(ask: Ask) -> Json:
    """Delete a guild."""
    ask.sandbox.world.remove_guild(ask.guild())
    return {}


@operation("PUT", "/guilds/{guild_id}/bot")
async def invite_bot(ask: Ask) -> Json:
    """Let the bot into a guild that it has left, with `permissions`; a kick takes it out."""
    guild = ask.guild()
    permissions = int(ask.body.get("permissions", BOT_PERMISSIONS))
    ask.sandbox.world.install(ask.sandbox.application, guild, permissions=permissions)
    return {}


@operation("POST", "/guilds/{guild_id}/channels")
async def create_channel(ask: Ask) -> Json:
    """Create a channel; `type` is Discord's number (default: text)."""
    guild = ask.guild()
    parent_id = ask.body.get("parent_id")
    channel = guild.add_channel(
        ask.need("name"),
        ChannelType(int(ask.body.get("type", 0))),
        parent=guild.channels[int(parent_id)] if parent_id else None,
        topic=ask.body.get("topic"),
    )
    return render_channel(channel)


@operation("DELETE", "/channels/{channel_id}")
async def delete_channel(ask: Ask) -> Json:
    """Delete a channel; with `user_id` as that member of the staff."""
    channel = ask.channel()
    if "user_id" in ask.body:
        ask.actor(channel.guild).delete_channel(channel)
    else:
        channel.delete()
    return {}


@operation("PUT", "/channels/{channel_id}/overwrites/{target_id}")
async def set_overwrite(ask: Ask) -> Json:
    """Set a permission overwrite: `type` 0 for a role, 1 for a member; `allow` and `deny` bits.

    With `user_id` that member of the staff does it.
    """
    allow, deny = int(ask.body.get("allow", 0)), int(ask.body.get("deny", 0))
    channel, target_id = ask.channel(), int(ask.params["target_id"])
    kind = int(ask.body.get("type", 0))
    if "user_id" in ask.body:
        known = channel.home.members if kind else channel.home.roles
        actor = ask.actor(channel.guild)
        actor.set_overwrite(channel, known[target_id], allow=allow, deny=deny)
    else:
        channel.set_overwrite(target_id, kind, allow=allow, deny=deny)
    return render_channel(channel)


@operation("POST", "/guilds/{guild_id}/roles")
async def create_role(ask: Ask) -> Json:
    """Create a role."""
    position = ask.body.get("position")
    role = ask.guild().add_role(
        ask.need("name"),
        permissions=int(ask.body.get("permissions", 0)),
        position=None if position is None else int(position),
        color=int(ask.body.get("color", 0)),
    )
    return render_role(role)


@operation("PATCH", "/guilds/{guild_id}/roles/{role_id}")
async def edit_role(ask: Ask) -> Json:
    """Change a role's `name`, `permissions`, `position` or `color`."""
    guild = ask.guild()
    role = guild.roles[int(ask.params["role_id"])]
    numbers = ("permissions", "position", "color")
    changes: Json = {key: int(ask.body[key]) for key in numbers if key in ask.body}
    if "name" in ask.body:
        changes["name"] = str(ask.body["name"])
    guild.update_role(role, **changes)
    return render_role(role)


_ACCOUNT = ("global_name", "bot", "locale", "avatar")


def _open_account(ask: Ask) -> User:
    fields = {key: ask.body[key] for key in _ACCOUNT if key in ask.body}
    if ask.body.get("created_at"):
        fields["created_at"] = parse_time(ask.body["created_at"])
    user = ask.sandbox.world.add_user(ask.need("name"), **fields)
    user.dms_open = bool(ask.body.get("dms_open", True))
    return user


@operation("POST", "/users")
async def create_user(ask: Ask) -> Json:
    """Open an account; `created_at` sets its age, `avatar` gives it a picture."""
    return render_user(_open_account(ask))


@operation("PATCH", "/users/{user_id}")
async def edit_user(ask: Ask) -> Json:
    """Change an account's `name`, `global_name`, `locale` or `dms_open`."""
    user = ask.user()
    known = ("name", "global_name", "locale", "dms_open")
    ask.sandbox.world.update_user(user, **{key: ask.body[key] for key in known if key in ask.body})
    return render_user(user)


@operation("POST", "/guilds/{guild_id}/members")
async def join_guild(ask: Ask) -> Json:
    """Let a user (`user_id`, or a new account by `name`) join; `pending` waits for screening.

    `invite` is the code they come by.
    """
    guild = ask.guild()
    user = ask.user() if "user_id" in ask.body else _open_account(ask)
    code = ask.body.get("invite")
    invite = ask.sandbox.world.invites[str(code)] if code else None
    actor = ask.sandbox.actor(user, guild)
    member = actor.join(pending=bool(ask.body.get("pending")), invite=invite)
    if ask.body.get("roles"):
        guild.update_member(member, roles=tuple(int(entry) for entry in ask.body["roles"]))
    return render_member(member)


@operation("PATCH", "/guilds/{guild_id}/members/{user_id}")
async def edit_member(ask: Ask) -> Json:
    """Change a member's `pending`, `nick` or `roles`."""
    guild = ask.guild()
    member = guild.members[ask.user().id]
    changes: dict[str, Any] = {key: ask.body[key] for key in ("pending", "nick") if key in ask.body}
    if "roles" in ask.body:
        changes["roles"] = tuple(int(entry) for entry in ask.body["roles"])
    guild.update_member(member, **changes)
    return render_member(member)


@operation("PATCH", "/guilds/{guild_id}")
async def edit_guild(ask: Ask) -> Json:
    """Set `non_member_ban_cap`: how many people who are no members may be banned (null: any)."""
    guild = ask.guild()
    cap = ask.need("non_member_ban_cap")
    guild.non_member_ban_cap = None if cap is None else int(cap)
    return {}


@operation("POST", "/guilds/{guild_id}/stickers")
async def create_sticker(ask: Ask) -> Json:
    """Add a sticker `name`."""
    return add_sticker(ask.guild(), str(ask.need("name")))


@operation("POST", "/elsewhere")
async def invite_elsewhere(ask: Ask) -> Json:
    """Found a guild `name` that the bot is not in, and return an invite (`code`) to it."""
    members = int(ask.body.get("members", 20))
    code = ask.body.get("code")
    name = str(ask.need("name"))
    return render_invite(ask.sandbox.invite_elsewhere(name, code=code, members=members))


@operation("DELETE", "/guilds/{guild_id}/members/{user_id}")
async def leave_guild(ask: Ask) -> Json:
    """Let a member leave."""
    ask.actor(ask.guild()).leave()
    return {}
