"""The audit log of a guild."""

from __future__ import annotations

from typing import Any

from ..payloads import render_user
from ..permissions import Permission
from .call import Call
from .routing import route

Json = dict[str, Any]


@route("GET", "/guilds/{guild_id}/audit-logs", permissions=Permission.VIEW_AUDIT_LOG)
def get_audit_log(call: Call) -> Json:
    """Return audit log entries, newest first unless asked for those after an id."""
    guild = call.guild()
    limit = call.query_number("limit", 50, 1, 100)
    user_id, before, after = (call.query_snowflake(name) for name in ("user_id", "before", "after"))
    action = call.query_number("action_type", 0, 0, 1_000)
    found = [
        entry
        for entry in guild.audit_log
        if (user_id is None or entry["user_id"] == str(user_id))
        and (not action or entry["action_type"] == action)
        and (before is None or int(entry["id"]) < before)
        and (after is None or int(entry["id"]) > after)
    ]
    entries = found[:limit] if after is not None else list(reversed(found))[:limit]
    named = {int(entry["user_id"]) for entry in entries} | {
        int(entry["target_id"] or 0) for entry in entries
    }
    users = [call.world.users[entry] for entry in named if entry in call.world.users]
    return {
        "audit_log_entries": entries,
        "users": [render_user(user) for user in users],
        "application_commands": [],
        "auto_moderation_rules": [],
        "guild_scheduled_events": [],
        "integrations": [],
        "threads": [],
        "webhooks": [],
    }
