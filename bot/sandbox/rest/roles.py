"""Roles of a guild, and giving them to members."""

from __future__ import annotations

from typing import Any

from ..audit import AuditAction, changes, log_member_roles, role_state
from ..guild import Guild
from ..models import Role
from ..payloads import render_role
from ..permissions import DEFAULT_PERMISSIONS, Permission, can_manage_role, guild_permissions
from .call import Call
from .errors import FormCheck, error, missing_permissions, not_found
from .routing import route

Json = dict[str, Any]

_ROLE_LIMIT = 250


@route("GET", "/guilds/{guild_id}/roles")
def list_roles(call: Call) -> list[Json]:
    """Return a guild's roles."""
    return [render_role(role) for role in call.guild().roles.values()]


@route("GET", "/guilds/{guild_id}/roles/member-counts")
def count_role_members(call: Call) -> dict[str, int]:
    """Return how many members have each role."""
    guild = call.guild()
    counts = dict.fromkeys((str(role_id) for role_id in guild.roles if role_id != guild.id), 0)
    for member in guild.members.values():
        for role_id in member.roles:
            counts[str(role_id)] += 1
    return counts


@route("GET", "/guilds/{guild_id}/roles/{role_id}")
def get_role(call: Call) -> Json:
    """Return a role."""
    return render_role(call.role(call.guild()))


@route("POST", "/guilds/{guild_id}/roles", permissions=Permission.MANAGE_ROLES)
def create_role(call: Call) -> Json:
    """Create a role with permissions that the bot itself holds."""
    guild, body = call.guild(), call.json
    if len(guild.roles) >= _ROLE_LIMIT:
        raise error(400, 30005)
    fields = _read_fields(call, guild, body)
    fields.setdefault("permissions", DEFAULT_PERMISSIONS & guild_permissions(call.me(guild)))
    role = guild.add_role(fields.pop("name", None) or "new role", **fields)
    _log(call, role, AuditAction.ROLE_CREATE, {}, role_state(role))
    return render_role(role)


def _read_fields(call: Call, guild: Guild, body: Json) -> Json:
    """Return the role fields of a request; raises 50035, or 50013 for permissions the bot lacks."""
    check = FormCheck()
    check.text("name", body.get("name"), 0, 100)
    check.number("color", body.get("color"), 0, 0xFFFFFF)
    check.finish()
    fields = {
        key: body[key]
        for key in ("name", "color", "hoist", "mentionable")
        if body.get(key) is not None
    }
    colours = body.get("colors")
    if isinstance(colours, dict) and colours.get("primary_color") is not None:
        fields["color"] = int(colours["primary_color"])
    if body.get("permissions") is not None:
        fields["permissions"] = int(body["permissions"])
        if fields["permissions"] & ~guild_permissions(call.me(guild)):
            raise missing_permissions()
    return fields


@route("PATCH", "/guilds/{guild_id}/roles/{role_id}", permissions=Permission.MANAGE_ROLES)
def edit_role(call: Call) -> Json:
    """Edit a role below the bot's own."""
    guild = call.guild()
    role = call.role(guild)
    _require_above(call, guild, role)
    before = role_state(role)
    guild.update_role(role, **_read_fields(call, guild, call.json))
    _log(call, role, AuditAction.ROLE_UPDATE, before, role_state(role))
    return render_role(role)


@route("PATCH", "/guilds/{guild_id}/roles", permissions=Permission.MANAGE_ROLES)
def move_roles(call: Call) -> list[Json]:
    """Change the order of roles."""
    guild = call.guild()
    for entry in call.entries():
        role = guild.roles.get(call.parse_snowflake(entry.get("id"), "id"))
        if role is None:
            raise not_found(10011)
        _require_above(call, guild, role)
        guild.update_role(role, position=int(entry.get("position") or 1))
    return [render_role(role) for role in guild.roles.values()]


@route("DELETE", "/guilds/{guild_id}/roles/{role_id}", permissions=Permission.MANAGE_ROLES)
def delete_role(call: Call) -> None:
    """Delete a role; raises 50028 for managed ones."""
    guild = call.guild()
    role = call.role(guild)
    if role.id == guild.id or role.managed:
        raise error(400, 50028)
    _require_above(call, guild, role)
    guild.remove_role(role)
    _log(call, role, AuditAction.ROLE_DELETE, role_state(role), {})


def _require_above(call: Call, guild: Guild, role: Role) -> None:
    if not can_manage_role(call.me(guild), role) and role.id != guild.id:
        raise missing_permissions()


def _assignable(call: Call, guild: Guild) -> Role:
    """Return the path's role if the bot may give and take it; raises 50028 and 50013."""
    role = call.role(guild)
    if role.id == guild.id:
        raise error(400, 50028)
    if role.managed or not can_manage_role(call.me(guild), role):
        raise missing_permissions()
    return role


_MEMBER_ROLE = "/guilds/{guild_id}/members/{user_id}/roles/{role_id}"


@route("PUT", _MEMBER_ROLE, permissions=Permission.MANAGE_ROLES)
def add_member_role(call: Call) -> None:
    """Give a member a role below the bot's own."""
    guild = call.guild()
    member, role = call.member(guild), _assignable(call, guild)
    if role.id not in member.roles:
        before = member.roles
        guild.add_member_role(member, role)
        log_member_roles(member, before, call.bot, reason=call.reason)


@route("DELETE", _MEMBER_ROLE, permissions=Permission.MANAGE_ROLES)
def remove_member_role(call: Call) -> None:
    """Take a role below the bot's own from a member."""
    guild = call.guild()
    member, role = call.member(guild), _assignable(call, guild)
    if role.id in member.roles:
        before = member.roles
        guild.remove_member_role(member, role)
        log_member_roles(member, before, call.bot, reason=call.reason)


def _log(call: Call, role: Role, action: AuditAction, before: Json, after: Json) -> None:
    found = changes(before, after)
    role.guild.log(action, call.bot.id, role.id, reason=call.reason, changes=found)
