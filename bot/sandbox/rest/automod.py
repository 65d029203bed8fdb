"""Native auto moderation rules.

Kept and announced, with Discord's limits on how many there may be.
"""

from __future__ import annotations

from typing import Any

from ..permissions import Permission
from .call import Call
from .errors import FormCheck, RestError
from .routing import route

Json = dict[str, Any]

_RULES = "/guilds/{guild_id}/auto-moderation/rules"
_PER_TRIGGER = {1: 6, 3: 1, 4: 1, 5: 1, 6: 1}
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
    """Create a rule; Discord limits how many of each kind."""
    guild, body = call.guild(), call.json
    trigger = body.get("trigger_type")
    _check(body)
    same = sum(rule["trigger_type"] == trigger for rule in guild.automod_rules.values())
    if same >= _PER_TRIGGER[trigger or 0]:
        problem = {
            "code": "AUTO_MODERATION_MAX_RULES_OF_TYPE_EXCEEDED",
            "message": "Too many rules of this type",
        }
        raise RestError(400, 50035, "Invalid Form Body", errors={"_errors": [problem]})
    rule: Json = {
        "id": str(call.world.snowflakes.next()),
        "guild_id": str(guild.id),
        "creator_id": str(call.bot.id),
        "trigger_type": trigger,
        "event_type": 1,
        "trigger_metadata": {},
        "actions": [],
        "enabled": False,
        "exempt_roles": [],
        "exempt_channels": [],
    }
    rule |= {key: body[key] for key in _FIELDS if body.get(key) is not None}
    guild.automod_rules[int(rule["id"])] = rule
    _announce(call, "AUTO_MODERATION_RULE_CREATE", rule, _RULE_CREATE)
    return rule


def _check(body: Json) -> None:
    check = FormCheck()
    check.text("name", body.get("name"), 1, 100, required=True)
    trigger = body.get("trigger_type")
    check.choice("trigger_type", "missing" if trigger is None else trigger, tuple(_PER_TRIGGER))
    check.entries("actions", body.get("actions"), 1, 5)
    _check_metadata(check, body.get("trigger_metadata") or {})
    check.finish()


def _check_metadata(check: FormCheck, metadata: Json) -> None:
    for key, most, longest in (
        ("keyword_filter", 1_000, 60),
        ("regex_patterns", 10, 260),
        ("allow_list", 1_000, 60),
    ):
        entries = check.entries(f"trigger_metadata.{key}", metadata.get(key) or [], 0, most)
        for index, entry in enumerate(entries):
            check.text(f"trigger_metadata.{key}.{index}", entry, 1, longest)
    check.number("trigger_metadata.mention_total_limit", metadata.get("mention_total_limit"), 0, 50)


@route("PATCH", _RULES + "/{rule_id}", permissions=Permission.MANAGE_GUILD)
def edit_rule(call: Call) -> Json:
    """Edit a rule."""
    rule = _find(call)
    changed = {key: call.json[key] for key in _FIELDS if call.json.get(key) is not None}
    _check({**rule, **changed})
    rule |= changed
    _announce(call, "AUTO_MODERATION_RULE_UPDATE", rule, _RULE_UPDATE)
    return rule


@route("DELETE", _RULES + "/{rule_id}", permissions=Permission.MANAGE_GUILD)
def delete_rule(call: Call) -> None:
    """Delete a rule."""
    rule = _find(call)
    del call.guild().automod_rules[int(rule["id"])]
    _announce(call, "AUTO_MODERATION_RULE_DELETE", rule, _RULE_DELETE)


def _announce(call: Call, event: str, rule: Json, action: int) -> None:
    guild = call.guild()
    call.world.dispatch(event, dict(rule), guild=guild)
    options = {
        "auto_moderation_rule_name": rule["name"],
        "auto_moderation_rule_trigger_type": str(rule["trigger_type"]),
    }
    guild.log(action, call.bot.id, int(rule["id"]), reason=call.reason, options=options)
