"""Rules that Discord's own AutoMod can carry out, too: which fit, in what shape, and why not.

Discord blocks a message before anybody sees it, also while this bot is away. Limits and shapes:
https://discord.com/developers/docs/resources/auto-moderation. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.core.i18n import N_, Message, _
from cogs.automod.triggers import AnyOf, Mentions, Regex, Words

if TYPE_CHECKING:
    from cogs.automod.settings import AutomodSettings, Rule

# Only rules whose name begins with this, and that this bot has made, are ever touched.
MARK = "Pegasus: "
KEYWORD, PRESET, MENTION_SPAM, MEMBER_PROFILE = 1, 4, 5, 6
PER_TYPE: Mapping[int, int] = {KEYWORD: 6, PRESET: 1, MENTION_SPAM: 1, MEMBER_PROFILE: 1}
MAX_KEYWORDS = 1000
MAX_KEYWORD = 60
MAX_PATTERNS = 10
MAX_PATTERN = 260
MAX_ALLOWED = 100
MAX_MENTIONS = 50
MAX_ROLES = 20
MAX_CHANNELS = 50
MAX_TEXT = 150
_LONGEST_TIMEOUT = 28 * 86_400
_BLOCK, _ALERT, _TIMEOUT, _BLOCK_MEMBER = 1, 2, 3, 4
_MESSAGE_SEND, _MEMBER_UPDATE = 1, 2
_ALL_LISTS = [1, 2, 3]  # insults, sexual words, slurs
LISTS_NAME = N_("Discord's own word lists")

Json = dict[str, Any]


class _Unfit(Exception):
    """A rule, or a part of it, that Discord can't carry out."""

    def __init__(self, why: Message) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides on fitting beside the rules: the guild's roles and what is there already.

    `taken` counts the native rules of others by their type.
    """

    staff_role_ids: Collection[int] = ()
    log_channel_id: int | None = None
    may_time_out: bool = True
    taken: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Push:
    """A rule in Discord's shape, as POST takes it."""

    name: str
    payload: Json


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that stays with this bot alone, and why."""

    rule: str
    why: Message


@dataclass(frozen=True, slots=True)
class Plan:
    """What to have at Discord, and what did not fit."""

    pushes: tuple[Push, ...]
    refusals: tuple[Refusal, ...]


def plan_native(settings: AutomodSettings, around: Surroundings, *, lists: bool = False) -> Plan:
    """Return the rules in Discord's shape; of too many of a type, the first ones.

    `lists` adds a rule with Discord's own word lists.
    """
    free = {kind: most - around.taken.get(kind, 0) for kind, most in PER_TYPE.items()}
    pushes: list[Push] = []
    refusals: list[Refusal] = []
    for rule in settings.rules:
        try:
            payload = _payload_of(rule, settings, around)
            _take_room(free, payload["trigger_type"])
        except _Unfit as unfit:
            refusals.append(Refusal(rule.name, unfit.why))
        else:
            pushes.append(Push(rule.name, payload))
    if lists:
        try:
            _take_room(free, PRESET)
            pushes.append(Push("discord-lists", _lists_payload(settings, around)))
        except _Unfit as unfit:
            refusals.append(Refusal("discord-lists", unfit.why))
    return Plan(tuple(pushes), tuple(refusals))


def _take_room(free: dict[int, int], kind: int) -> None:
    if free[kind] < 1:
        raise _Unfit(
            _("Discord has room for {count} rules of this kind only.", count=PER_TYPE[kind])
        )
    free[kind] -= 1


def _payload_of(rule: Rule, settings: AutomodSettings, around: Surroundings) -> Json:
    if not rule.enabled:
        raise _Unfit(_("It is off."))
    if rule.shadow:
        raise _Unfit(_("It is in shadow."))
    if rule.escalation:
        raise _Unfit(_("Discord knows no steps for repeated hits."))
    if rule.exempt_members or settings.exempt_members:
        raise _Unfit(_("Discord can't exempt single members."))
    leaves = rule.when.any if isinstance(rule.when, AnyOf) else (rule.when,)
    kind, metadata = _trigger_of(leaves)
    return {
        "name": MARK + rule.name,
        "event_type": _MEMBER_UPDATE if kind == MEMBER_PROFILE else _MESSAGE_SEND,
        "trigger_type": kind,
        "trigger_metadata": metadata,
        "actions": _actions_of(rule, kind, settings, around),
        "enabled": True,
        **_exemptions(rule, settings, around),
    }


def _lists_payload(settings: AutomodSettings, around: Surroundings) -> Json:
    return {
        "name": MARK + "discord-lists",
        "event_type": _MESSAGE_SEND,
        "trigger_type": PRESET,
        "trigger_metadata": {"presets": _ALL_LISTS},
        "actions": [{"type": _BLOCK, "metadata": {}}],
        "enabled": True,
        **_exemptions(None, settings, around),
    }


# --- what it looks for --------------------------------------------------------------------------


def _trigger_of(leaves: Sequence[Any]) -> tuple[int, Json]:
    if len(leaves) == 1 and isinstance(leaves[0], Mentions):
        return MENTION_SPAM, _mentions_metadata(leaves[0])
    if not all(isinstance(one, Words | Regex) for one in leaves):
        raise _Unfit(_("Discord knows only words, patterns and mentions, without conditions."))
    about_names = {_is_about_names(one) for one in leaves}
    if len(about_names) > 1:
        raise _Unfit(_("It looks at names and messages at once."))
    return (MEMBER_PROFILE if about_names == {True} else KEYWORD), _keyword_metadata(leaves)


def _is_about_names(leaf: Words | Regex) -> bool:
    if "name" in leaf.sources and len(leaf.sources) > 1:
        raise _Unfit(_("It looks at names and messages at once."))
    if "name" not in leaf.sources and "content" not in leaf.sources:
        raise _Unfit(_("Discord looks at the text of messages only."))
    return "name" in leaf.sources


def _mentions_metadata(leaf: Mentions) -> Json:
    if leaf.window is not None:
        raise _Unfit(_("Discord counts the mentions of one message only."))
    if set(leaf.kinds) != {"users", "roles"}:
        raise _Unfit(_("Discord counts mentions of members and roles together."))
    if leaf.limit > MAX_MENTIONS:
        raise _Unfit(_("Discord counts up to {count} mentions.", count=MAX_MENTIONS))
    # Discord acts above its limit, our rules from theirs on.
    return {"mention_total_limit": max(0, leaf.limit - 1)}


def _keyword_metadata(leaves: Iterable[Any]) -> Json:
    words: list[str] = []
    patterns: list[str] = []
    allowed: list[str] = []
    for leaf in leaves:
        if isinstance(leaf, Words):
            words += [f"*{one.strip('*')}*" if leaf.match == "part" else one for one in leaf.words]
            allowed += leaf.allowed
        else:
            patterns += [one if leaf.case_sensitive else f"(?i){one}" for one in leaf.patterns]
    words, patterns, allowed = (list(dict.fromkeys(one)) for one in (words, patterns, allowed))
    _check_list(words, MAX_KEYWORDS, MAX_KEYWORD, N_("words"))
    _check_list(patterns, MAX_PATTERNS, MAX_PATTERN, N_("patterns"))
    _check_list(allowed, MAX_ALLOWED, MAX_KEYWORD, N_("allowed words"))
    return {"keyword_filter": words, "regex_patterns": patterns, "allow_list": allowed}


def _check_list(items: Sequence[str], most: int, longest: int, what: str) -> None:
    if len(items) > most:
        raise _Unfit(_("Discord takes at most {count} {what} in a rule.", count=most, what=_(what)))
    if any(len(one) > longest for one in items):
        raise _Unfit(
            _("Discord takes {what} of at most {count} characters.", count=longest, what=_(what))
        )


# --- what follows, and whom it spares -----------------------------------------------------------


def _actions_of(
    rule: Rule, kind: int, settings: AutomodSettings, around: Surroundings
) -> list[Json]:
    found = [_action_of(one, rule, kind, settings, around) for one in rule.actions]
    return sorted(found, key=lambda one: one["type"])


def _action_of(
    action: Any, rule: Rule, kind: int, settings: AutomodSettings, around: Surroundings
) -> Json:
    if action.type == "delete":
        if kind == MEMBER_PROFILE:
            return {"type": _BLOCK_MEMBER, "metadata": {}}
        text = {"custom_message": rule.reason[:MAX_TEXT]} if rule.reason else {}
        return {"type": _BLOCK, "metadata": text}
    if action.type == "alert":
        place = action.channel_id or settings.log_channel_id or around.log_channel_id
        if place is None:
            raise _Unfit(_("There is no channel for alerts: choose a log channel."))
        return {"type": _ALERT, "metadata": {"channel_id": str(place)}}
    if action.type == "timeout" and kind in (KEYWORD, MENTION_SPAM):
        return _timeout(action, around)
    raise _Unfit(_("Discord can only block, time out and tell staff."))


def _timeout(action: Any, around: Surroundings) -> Json:
    seconds = round(action.duration.total_seconds())
    if seconds > _LONGEST_TIMEOUT:
        raise _Unfit(_("Discord's timeouts end after 28 days."))
    if not around.may_time_out:
        raise _Unfit(_("I lack the permission Time out members."))
    return {"type": _TIMEOUT, "metadata": {"duration_seconds": seconds}}


def _exemptions(rule: Rule | None, settings: AutomodSettings, around: Surroundings) -> Json:
    roles = {*settings.exempt_roles, *(rule.exempt_roles if rule else ())}
    channels = {*settings.exempt_channels, *(rule.exempt_channels if rule else ())}
    if settings.exempt_staff:
        roles.update(around.staff_role_ids)
    if len(roles) > MAX_ROLES:
        raise _Unfit(_("Discord exempts at most {count} roles.", count=MAX_ROLES))
    if len(channels) > MAX_CHANNELS:
        raise _Unfit(_("Discord exempts at most {count} channels.", count=MAX_CHANNELS))
    return {
        "exempt_roles": [str(one) for one in sorted(roles)],
        "exempt_channels": [str(one) for one in sorted(channels)],
    }


# --- what is there already ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Steps:
    """What has to be done, in this order, until Discord has what the plan wants.

    Edits are pairs of a rule's id and what POST would take; `same` counts what is right already.
    """

    delete: tuple[int, ...]
    edit: tuple[tuple[int, Push], ...]
    create: tuple[Push, ...]
    same: int


def is_ours(rule: Mapping[str, Any], bot_id: int) -> bool:
    """Tell whether this bot has made a native rule."""
    return str(rule.get("name", "")).startswith(MARK) and rule.get("creator_id") == str(bot_id)


def taken_by_others(rules: Iterable[Mapping[str, Any]], bot_id: int) -> dict[int, int]:
    """Return how many native rules of others there are, by their type."""
    found: dict[int, int] = {}
    for rule in rules:
        if not is_ours(rule, bot_id):
            found[rule["trigger_type"]] = found.get(rule["trigger_type"], 0) + 1
    return found


def steps_to(plan: Plan, rules: Iterable[Mapping[str, Any]], bot_id: int) -> Steps:
    """Return what is to be done; done twice, there is nothing left to do."""
    wanted = {(one.payload["name"], one.payload["trigger_type"]): one for one in plan.pushes}
    delete: list[int] = []
    edit: list[tuple[int, Push]] = []
    same = 0
    for rule in rules:
        if not is_ours(rule, bot_id):
            continue
        push = wanted.pop((rule["name"], rule["trigger_type"]), None)
        if push is None:
            delete.append(int(rule["id"]))
        elif _shape(rule) == _shape(push.payload):
            same += 1
        else:
            edit.append((int(rule["id"]), push))
    return Steps(tuple(delete), tuple(edit), tuple(wanted.values()), same)


def _shape(rule: Mapping[str, Any]) -> Any:
    """Return what counts of a rule; what is empty is as good as left out."""
    return {
        "trigger_metadata": _filled(rule.get("trigger_metadata")),
        "actions": sorted(
            ((one["type"], _filled(one.get("metadata"))) for one in rule["actions"]),
            key=lambda pair: pair[0],
        ),
        "enabled": bool(rule.get("enabled")),
        "exempt_roles": sorted(map(str, rule.get("exempt_roles") or ())),
        "exempt_channels": sorted(map(str, rule.get("exempt_channels") or ())),
    }


def _filled(metadata: Mapping[str, Any] | None) -> Json:
    return {key: value for key, value in (metadata or {}).items() if value}
