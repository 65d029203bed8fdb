"""Pruning: letting everyone without roles go who was not seen for some days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ..audit import AuditAction
from ..guild import Guild
from ..models import Member
from ..permissions import Permission, outranks
from .call import Call
from .errors import FormCheck
from .routing import route

Json = dict[str, Any]

_NEEDED = Permission.KICK_MEMBERS | Permission.MANAGE_GUILD
_DAYS = 7


@route("GET", "/guilds/{guild_id}/prune", permissions=_NEEDED)
def count_prune(call: Call) -> Json:
    """Return how many a prune would let go."""
    days = call.query_number("days", _DAYS, 1, 30)
    return {"pruned": len(_prunable(call, call.guild(), days, call.query.get("include_roles")))}


@route("POST", "/guilds/{guild_id}/prune", permissions=_NEEDED)
def prune(call: Call) -> Json:
    """Remove them; the audit log has one entry for all."""
    guild, body = call.guild(), call.json
    days = body.get("days") or _DAYS
    check = FormCheck()
    check.number("days", days, 1, 30)
    check.finish()
    gone = _prunable(call, guild, days, body.get("include_roles"))
    for member in gone:
        guild.remove_member(member.id)
    options = {"delete_member_days": str(days), "members_removed": str(len(gone))}
    guild.log(AuditAction.MEMBER_PRUNE, call.bot.id, None, reason=call.reason, options=options)
    return {"pruned": len(gone) if body.get("compute_prune_count", True) else None}


def _prunable(call: Call, guild: Guild, days: int, include_roles: Any) -> list[Member]:
    """Return members not seen for so many days whose roles are all among those included.

    The sandbox knows when somebody joined, and takes it for when they were last seen.
    """
    listed = include_roles.split(",") if isinstance(include_roles, str) else include_roles or ()
    included = {int(entry) for entry in listed}
    oldest = datetime.now(UTC) - timedelta(days=days)
    return [
        member
        for member in guild.members.values()
        if member.joined_at < oldest
        and included.issuperset(member.roles)
        and not member.user.bot
        and outranks(call.me(guild), member)
    ]
