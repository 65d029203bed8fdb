"""Bans: one, many, looking them up and lifting them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ..audit import AuditAction
from ..guild import Guild
from ..models import User
from ..payloads import render_ban
from ..permissions import Permission, outranks
from .call import Call
from .errors import FormCheck, RestError, error, missing_permissions, not_found
from .routing import route

Json = dict[str, Any]

_WEEK_SECONDS = 604_800


@route("GET", "/guilds/{guild_id}/bans", permissions=Permission.BAN_MEMBERS)
def list_bans(call: Call) -> list[Json]:
    """Return bans by user id."""
    guild = call.guild()
    limit = call.query_number("limit", 1_000, 1, 1_000)
    before, after = call.query_snowflake("before"), call.query_snowflake("after") or 0
    ids = sorted(
        entry for entry in guild.bans if entry > after and (before is None or entry < before)
    )
    chosen = ids[-limit:] if before is not None else ids[:limit]
    return [render_ban(guild.bans[entry]) for entry in chosen]


@route("GET", "/guilds/{guild_id}/bans/{user_id}", permissions=Permission.BAN_MEMBERS)
def get_ban(call: Call) -> Json:
    """Return a ban."""
    ban = call.guild().bans.get(call.snowflake("user_id"))
    if ban is None:
        raise not_found(10026)
    return render_ban(ban)


@route("PUT", "/guilds/{guild_id}/bans/{user_id}", permissions=Permission.BAN_MEMBERS)
def ban_user(call: Call) -> None:
    """Ban a user and delete their recent messages."""
    guild = call.guild()
    user = call.user()
    if not _may_ban(call, guild, user):
        raise missing_permissions()
    if _beyond_cap(guild, user):
        raise error(400, 30035)
    _ban(call, guild, user, _seconds_to_delete(call))


@route(
    "POST",
    "/guilds/{guild_id}/bulk-ban",
    permissions=Permission.BAN_MEMBERS | Permission.MANAGE_GUILD,
)
def ban_users(call: Call) -> Json:
    """Ban up to 200 users; those who can't be banned are listed."""
    guild = call.guild()
    check = FormCheck()
    listed = check.entries("user_ids", call.json.get("user_ids"), 1, 200)
    check.finish()
    seconds = _seconds_to_delete(call)
    banned, failed = [], []
    for entry in listed:
        user = call.world.users.get(call.parse_snowflake(entry, "user_ids"))
        if (
            user is None
            or user.id in guild.bans
            or not _may_ban(call, guild, user)
            or _beyond_cap(guild, user)
        ):
            failed.append(str(entry))
            continue
        _ban(call, guild, user, seconds)
        banned.append(str(entry))
    if not banned:
        raise RestError(400, 500_000, "Failed to ban users")
    return {"banned_users": banned, "failed_users": failed}


@route("DELETE", "/guilds/{guild_id}/bans/{user_id}", permissions=Permission.BAN_MEMBERS)
def unban_user(call: Call) -> None:
    """Lift a ban."""
    guild = call.guild()
    user_id = call.snowflake("user_id")
    if not guild.unban(user_id):
        raise not_found(10026)
    guild.log(AuditAction.BAN_REMOVE, call.bot.id, user_id, reason=call.reason)


def _may_ban(call: Call, guild: Guild, user: User) -> bool:
    member = guild.members.get(user.id)
    return user.id != guild.owner_id and (member is None or outranks(call.me(guild), member))


def _beyond_cap(guild: Guild, user: User) -> bool:
    """Whether the guild has banned as many people who are no members as Discord lets it.

    https://github.com/discord/discord-api-docs/issues/5002
    """
    cap = guild.non_member_ban_cap
    return cap is not None and user.id not in guild.members and guild.non_member_bans >= cap


def _seconds_to_delete(call: Call) -> int:
    """Return how far back to delete messages; discord.py says it in the query."""
    raw = call.json.get("delete_message_seconds", call.query.get("delete_message_seconds", 0))
    seconds = int(raw) if str(raw).isdecimal() else raw
    check = FormCheck()
    check.number("delete_message_seconds", seconds, 0, _WEEK_SECONDS)
    check.finish()
    return seconds


def _ban(call: Call, guild: Guild, user: User, seconds: int) -> None:
    guild.ban(user, reason=call.reason)
    guild.log(AuditAction.BAN_ADD, call.bot.id, user.id, reason=call.reason)
    if seconds:
        guild.delete_recent_messages(user, timedelta(seconds=seconds))
