"""Members of a guild: reading, searching, editing and kicking them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ..audit import AuditAction, changes, log_member_roles
from ..codec import isoformat, parse_time
from ..guild import Guild
from ..models import Member, MemberFlag
from ..payloads import render_member
from ..permissions import Permission, can_manage_role, guild_permissions
from .call import Call
from .errors import FormCheck, error, invalid_form, missing_permissions
from .routing import route

Json = dict[str, Any]

_LONGEST_TIMEOUT = timedelta(days=28)


@route("GET", "/guilds/{guild_id}/members/{user_id}")
def get_member(call: Call) -> Json:
    """Return a member."""
    return render_member(call.member(call.guild()))


@route("GET", "/guilds/{guild_id}/members")
def list_members(call: Call) -> list[Json]:
    """Return members by user id; without a limit just one, as Discord does."""
    guild = call.guild()
    limit, after = call.query_number("limit", 1, 1, 1_000), call.query_snowflake("after") or 0
    ids = sorted(user_id for user_id in guild.members if user_id > after)[:limit]
    return [render_member(guild.members[user_id]) for user_id in ids]


@route("GET", "/guilds/{guild_id}/members/search")
def search_members(call: Call) -> list[Json]:
    """Return members whose name or nickname starts with the query."""
    guild = call.guild()
    limit, query = call.query_number("limit", 1, 1, 1_000), call.query.get("query", "").lower()
    names = ((member, (member.user.name, member.nick or "")) for member in guild.members.values())
    found = [
        member for member, known in names if any(name.lower().startswith(query) for name in known)
    ]
    return [render_member(member) for member in found[:limit]]


@route("PATCH", "/guilds/{guild_id}/members/@me")
def edit_own_member(call: Call) -> Json:
    """Change the bot's own nickname."""
    guild = call.guild()
    me = call.me(guild)
    check = FormCheck()
    check.text("nick", call.json.get("nick"), 0, 32)
    check.finish()
    if "nick" in call.json:
        call.require(guild, Permission.CHANGE_NICKNAME)
        before = _state(me)
        guild.update_member(me, nick=call.json["nick"] or None)
        _log_edit(call, me, before)
    return render_member(me)


@route("PATCH", "/guilds/{guild_id}/members/{user_id}")
def edit_member(call: Call) -> Json:
    """Change nickname, roles, timeout or flags; each needs its own permission."""
    guild = call.guild()
    member, body = call.member(guild), call.json
    check = FormCheck()
    check.text("nick", body.get("nick"), 0, 32)
    check.finish()
    wanted: Json = {}
    if "nick" in body:
        wanted["nick"] = _new_nick(call, guild, member)
    if "communication_disabled_until" in body:
        wanted["timed_out_until"] = _new_timeout(call, guild, member)
    if body.get("roles") is not None:
        wanted["roles"] = _new_roles(call, guild, member)
    if body.get("flags") is not None:
        call.require(guild, Permission.MODERATE_MEMBERS)
        # Only this one is staff's to set: the others are Discord's own.
        chosen = int(body["flags"]) & MemberFlag.BYPASSES_VERIFICATION
        wanted["flags"] = (member.flags & ~MemberFlag.BYPASSES_VERIFICATION) | chosen
    for key in ("mute", "deaf", "channel_id"):
        if key in body:
            raise error(400, 40032)
    before, roles = _state(member), member.roles
    guild.update_member(member, **wanted)
    _log_edit(call, member, before)
    log_member_roles(member, roles, call.bot, reason=call.reason)
    return render_member(member)


def _new_nick(call: Call, guild: Guild, member: Member) -> str | None:
    if member.id == call.bot.id:
        call.require(guild, Permission.CHANGE_NICKNAME)
    else:
        call.require(guild, Permission.MANAGE_NICKNAMES)
        call.require_above(guild, member)
    return call.json["nick"] or None


def _new_timeout(call: Call, guild: Guild, member: Member) -> datetime | None:
    """Return the end of a timeout; administrators and the owner can't be timed out."""
    call.require(guild, Permission.MODERATE_MEMBERS)
    call.require_above(guild, member)
    if guild_permissions(member) & Permission.ADMINISTRATOR:
        raise missing_permissions()
    value = call.json["communication_disabled_until"]
    if value is None:
        return None
    try:
        until = parse_time(value)
    except (TypeError, ValueError):
        raise invalid_form(
            "communication_disabled_until",
            "DATE_TIME_TYPE_PARSE",
            "Could not parse. Should be ISO8601.",
        ) from None
    if until > datetime.now(UTC) + _LONGEST_TIMEOUT:
        message = "Communication disabled until must be less than 28 days in the future."
        raise invalid_form(
            "communication_disabled_until", "COMMUNICATION_DISABLED_TIMEOUT_MAX", message
        )
    return until


def _new_roles(call: Call, guild: Guild, member: Member) -> tuple[int, ...]:
    call.require(guild, Permission.MANAGE_ROLES)
    wanted = tuple(call.parse_snowflake(entry, "roles") for entry in call.json["roles"])
    for role_id in set(wanted) ^ set(member.roles):
        role = guild.roles.get(role_id)
        if role is None:
            raise error(400, 50028)
        if role.managed or not can_manage_role(call.me(guild), role):
            raise missing_permissions()
    return wanted


def _log_edit(call: Call, member: Member, before: Json) -> None:
    """Write down a new nickname, timeout or flags; roles have an entry of their own."""
    found = changes(before, _state(member))
    if found:
        member.guild.log(
            AuditAction.MEMBER_UPDATE, call.bot.id, member.id, reason=call.reason, changes=found
        )


def _state(member: Member) -> Json:
    until = member.timed_out_until
    return {
        "nick": member.nick,
        "communication_disabled_until": isoformat(until) if until else None,
        "flags": member.flags,
    }


@route("DELETE", "/guilds/{guild_id}/members/{user_id}", permissions=Permission.KICK_MEMBERS)
def kick_member(call: Call) -> None:
    """Remove a member below the bot."""
    guild = call.guild()
    member = call.member(guild)
    call.require_above(guild, member)
    guild.remove_member(member.id)
    guild.log(AuditAction.MEMBER_KICK, call.bot.id, member.id, reason=call.reason)
