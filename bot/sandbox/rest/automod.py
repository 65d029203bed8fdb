"""Native auto moderation rules: kept, announced, and held to Discord's limits."""

from __future__ import annotations

from typing import Any

from ..audit import change
from ..permissions import Permission
from .automod_rules import check_count, check_rule
from .call import Call
from .errors import RestError
from .routing import route

Json = dict[str, Any]

_RULES = "/guilds/{guild_id}/auto-moderation/rules"
_RULE_CREATE, _RULE_UPDATE, _RULE_DELETE = 140, 141, 142
_FIELDS = (
    "name",
    "event_type",
    "trigger_metadata",
    "actions",
    "enabled",
    "exempt_roles",
    "exempt_channels",
)


@route("GET", _RULES, permissions=Permission.MANAGE_GUILD)
def list_rules(call: Call) -> list[Json]:
    """Return a guild's rules."""
    return list(call.guild().automod_rules.values())


def _find(call: Call) -> Json:
    rule = call.guild().automod_rules.get(call.snowflake("rule_id"))
    if rule is None:
        raise RestError(404, 10072, "Unknown auto moderation rule")
    return rule


@route("GET", _RULES + "/{rule_id}", permissions=Permission.MANAGE_GUILD)
def get_rule(call: Call) -> Json:
    """Return a rule."""
    return _find(call)


@route("POST", _RULES, permissions=Permission.MANAGE_GUILD)
def create_rule(call: Call) -> Json:
    """Create a rule; it is off unless `enabled`."""
    guild, body = call.guild(), call.json
    check_rule(call, body)
    check_count(call, body["trigger_type"])
    rule: Json = {
        "id": str(call.world.snowflakes.next()),
        "guild_id": str(guild.id),
        "creator_id": str(call.bot.id),
        "trigger_type": body["trigger_type"],
        "trigger_metadata": {},
        "actions": [],
        "enabled": False,
        "exempt_roles": [],
        "exempt_channels": [],
    }
    rule |= _stored(body)
    guild.automod_rules[int(rule["id"])] = rule
    _announce(call, "AUTO_MODERATION_RULE_CREATE", rule, _RULE_CREATE)
    return rule


def _stored(body: Json) -> Json:
    """Return the fields of a request as they are kept: ids as text, actions with metadata."""
    fields = {key: body[key] for key in _FIELDS if body.get(key) is not None}
    for key in ("exempt_roles", "exempt_channels"):
        if key in fields:
            fields[key] = [str(entry) for entry in fields[key]]
    if "actions" in fields:
        fields["actions"] = [
            {"type": action["type"], "metadata": _text_ids(action.get("metadata") or {})}
            for action in fields["actions"]
        ]
    return fields


def _text_ids(metadata: Json) -> Json:
    return {
        key: str(value) if key == "channel_id" else value
        for key, value in metadata.items()
        if value is not None
    }


@route("PATCH", _RULES + "/{rule_id}", permissions=Permission.MANAGE_GUILD)
def edit_rule(call: Call) -> Json:
    """Edit a rule; its kind stays."""
    rule = _find(call)
    wanted = _stored(call.json)
    check_rule(call, rule | wanted)
    changed = [key for key in wanted if rule.get(key) != wanted[key]]
    found = [change(key, rule.get(key), wanted[key]) for key in changed]
    rule |= wanted
    _announce(call, "AUTO_MODERATION_RULE_UPDATE", rule, _RULE_UPDATE, found)
    return rule


@route("DELETE", _RULES + "/{rule_id}", permissions=Permission.MANAGE_GUILD)
def delete_rule(call: Call) -> None:
    """Delete a rule."""
    rule = _find(call)
    del call.guild().automod_rules[int(rule["id"])]
    _announce(call, "AUTO_MODERATION_RULE_DELETE", rule, _RULE_DELETE)


def _announce(
    call: Call, event: str, rule: Json, action: int, found: list[Json] | None = None
) -> None:
    guild = call.guild()
    call.world.dispatch(event, dict(rule), guild=guild, needs=Permission.MANAGE_GUILD)
    options = {
        "auto_moderation_rule_name": rule["name"],
        "auto_moderation_rule_trigger_type": str(rule["trigger_type"]),
    }
    rule_id = int(rule["id"])
    guild.log(action, call.bot.id, rule_id, reason=call.reason, changes=found, options=options)
