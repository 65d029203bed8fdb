"""Discord's limits on native auto moderation rules.

https://discord.com/developers/docs/resources/auto-moderation
"""

from __future__ import annotations

from typing import Any

from ..automod_matching import PatternRefusedError, Trigger, compile_pattern
from ..models import ChannelType
from ..permissions import Permission
from .call import Call
from .errors import FormCheck, RestError, invalid_form

Json = dict[str, Any]

# How many rules of each kind a guild may have.
PER_TRIGGER = {
    Trigger.KEYWORD: 6,
    Trigger.SPAM: 1,
    Trigger.KEYWORD_PRESET: 1,
    Trigger.MENTION_SPAM: 1,
    Trigger.MEMBER_PROFILE: 1,
}
_MESSAGE_SEND, _MEMBER_UPDATE = 1, 2
_BLOCK, _SEND_ALERT, _TIME_OUT, _QUARANTINE = 1, 2, 3, 4
_LONGEST_TIMEOUT = 2_419_200

# Which actions a kind of rule may take, and which keys its metadata has.
_ACTIONS = {
    Trigger.KEYWORD: (_BLOCK, _SEND_ALERT, _TIME_OUT),
    Trigger.SPAM: (_BLOCK, _SEND_ALERT),
    Trigger.KEYWORD_PRESET: (_BLOCK, _SEND_ALERT),
    Trigger.MENTION_SPAM: (_BLOCK, _SEND_ALERT, _TIME_OUT),
    Trigger.MEMBER_PROFILE: (_SEND_ALERT, _QUARANTINE),
}
_METADATA = {
    Trigger.KEYWORD: ("keyword_filter", "regex_patterns", "allow_list"),
    Trigger.SPAM: (),
    Trigger.KEYWORD_PRESET: ("presets", "allow_list"),
    Trigger.MENTION_SPAM: ("mention_total_limit", "mention_raid_protection_enabled"),
    Trigger.MEMBER_PROFILE: ("keyword_filter", "regex_patterns", "allow_list"),
}


def check_rule(call: Call, rule: Json) -> None:
    """Raise 50035 for a rule that Discord would not take, 50013 for an action the bot may not."""
    check = FormCheck()
    check.text("name", rule.get("name"), 1, 100, required=True)
    trigger = rule.get("trigger_type")
    check.choice("trigger_type", "missing" if trigger is None else trigger, tuple(PER_TRIGGER))
    check.finish()
    trigger = Trigger(trigger)
    event = _MEMBER_UPDATE if trigger is Trigger.MEMBER_PROFILE else _MESSAGE_SEND
    check.choice("event_type", rule.get("event_type") or 0, (event,))
    check.entries("exempt_roles", rule.get("exempt_roles") or [], 0, 20)
    check.entries("exempt_channels", rule.get("exempt_channels") or [], 0, 50)
    _check_metadata(check, trigger, rule.get("trigger_metadata") or {})
    actions = check.entries("actions", rule.get("actions"), 1, 5)
    for index, action in enumerate(actions):
        _check_action(check, f"actions.{index}", trigger, action)
    check.finish()
    for action in actions:
        _check_reach(call, action)


def check_count(call: Call, trigger: int) -> None:
    """Raise 50035 when the guild has as many rules of this kind as it may."""
    rules = call.guild().automod_rules.values()
    if sum(rule["trigger_type"] == trigger for rule in rules) < PER_TRIGGER[Trigger(trigger)]:
        return
    problem = {
        "code": "AUTO_MODERATION_MAX_RULES_OF_TYPE_EXCEEDED",
        "message": "Too many rules of this type",
    }
    raise RestError(400, 50035, "Invalid Form Body", errors={"_errors": [problem]})


def _check_metadata(check: FormCheck, trigger: Trigger, metadata: Json) -> None:
    path = "trigger_metadata"
    for key in metadata:
        if key not in _METADATA[trigger]:
            check.fail(f"{path}.{key}", "AUTO_MODERATION_INVALID_TRIGGER_METADATA", "Not for these")
    allowed = 1_000 if trigger is Trigger.KEYWORD_PRESET else 100
    for key, most, longest in (
        ("keyword_filter", 1_000, 60),
        ("regex_patterns", 10, 260),
        ("allow_list", allowed, 60),
    ):
        entries = check.entries(f"{path}.{key}", metadata.get(key) or [], 0, most)
        for index, entry in enumerate(entries):
            check.text(f"{path}.{key}.{index}", entry, 1, longest)
    for index, pattern in enumerate(metadata.get("regex_patterns") or ()):
        try:
            compile_pattern(pattern)
        except PatternRefusedError as failure:
            code = "AUTO_MODERATION_INVALID_REGEX"
            check.fail(f"{path}.regex_patterns.{index}", code, str(failure))
    check.number(f"{path}.mention_total_limit", metadata.get("mention_total_limit"), 0, 50)
    for index, preset in enumerate(metadata.get("presets") or ()):
        check.choice(f"{path}.presets.{index}", preset, (1, 2, 3))


def _check_action(check: FormCheck, path: str, trigger: Trigger, action: Json) -> None:
    kind, metadata = action.get("type"), action.get("metadata") or {}
    check.choice(f"{path}.type", kind or 0, _ACTIONS[trigger])
    if kind == _BLOCK:
        check.text(f"{path}.metadata.custom_message", metadata.get("custom_message"), 0, 150)
    elif kind == _SEND_ALERT and not str(metadata.get("channel_id")).isdecimal():
        check.fail(f"{path}.metadata.channel_id", "BASE_TYPE_REQUIRED", "This field is required")
    elif kind == _TIME_OUT:
        seconds = metadata.get("duration_seconds")
        longest = _LONGEST_TIMEOUT
        check.number(f"{path}.metadata.duration_seconds", seconds or 0, 1, longest)


def _check_reach(call: Call, action: Json) -> None:
    """Check that the bot itself may do what the action does."""
    guild = call.guild()
    if action["type"] == _TIME_OUT:
        call.require(guild, Permission.MODERATE_MEMBERS)
    if action["type"] != _SEND_ALERT:
        return
    channel = guild.channels.get(int(action["metadata"]["channel_id"]))
    if (
        channel is None
        or channel.type not in (ChannelType.TEXT, ChannelType.ANNOUNCEMENT)
        or not call.permissions_in(channel) & Permission.VIEW_CHANNEL
    ):
        code = "INVALID_AUTO_MODERATION_CHANNEL_FLAG_ACTION_ACCESS"
        raise invalid_form("actions", code, "The channel for alerts can't be used.")
