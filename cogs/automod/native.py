"""Rules that Discord's own AutoMod can carry out, too: which fit, in what shape, and why not.

Discord blocks a message before anybody sees it, also while this bot is away. Limits and shapes:
https://discord.com/developers/docs/resources/auto-moderation. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bot.core.i18n import N_, Message, _, joined, ngettext
from cogs.automod.nativeroom import MARK, Push, fit
from cogs.automod.nativetriggers import (
    KEYWORD,
    MEMBER_PROFILE,
    MENTION_SPAM,
    PRESET,
    SPAM,
    Json,
    Settled,
    Shape,
    Unfit,
    shapes_of,
)

if TYPE_CHECKING:
    from cogs.automod.settings import AutomodSettings, Rule

PER_TYPE: Mapping[int, int] = {
    KEYWORD: 6,
    SPAM: 1,
    PRESET: 1,
    MENTION_SPAM: 1,
    MEMBER_PROFILE: 1,
}
MAX_ROLES = 20
MAX_CHANNELS = 50
MAX_TEXT = 150
_LONGEST_TIMEOUT = 28 * 86_400
_BLOCK, _ALERT, _TIMEOUT, _BLOCK_MEMBER = 1, 2, 3, 4
_MESSAGE_SEND, _MEMBER_UPDATE = 1, 2
_ALL_LISTS = [1, 2, 3]  # insults, sexual words, slurs
LISTS_NAME = N_("Discord's own word lists")
_TYPE_NAMES: Mapping[int, str] = {
    KEYWORD: N_("words and patterns"),
    SPAM: N_("spam"),
    PRESET: N_("word lists"),
    MENTION_SPAM: N_("mentions"),
    MEMBER_PROFILE: N_("names"),
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides on fitting beside the rules: the guild's roles and what is there already.

    `everyone_role_ids` may mention everyone; `everyone_may` says that all members may. `taken`
    counts the native rules of others by their type. `hears_blocked` says that Discord tells what
    it blocks with the text: then our warnings and steps follow all the same.
    """

    staff_role_ids: Collection[int] = ()
    everyone_role_ids: Collection[int] = ()
    everyone_may: bool = False
    log_channel_id: int | None = None
    may_time_out: bool = True
    hears_blocked: bool = False
    taken: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Extras:
    """What of Discord's own is wanted beside the rules: its word lists, its filter of spam."""

    lists: bool = False
    spam: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule, or what of a rule, stays with this bot alone, and why."""

    rule: str
    why: Message


@dataclass(frozen=True, slots=True)
class Plan:
    """What to have at Discord, what did not fit, and what of those that did is not theirs."""

    pushes: tuple[Push, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[Refusal, ...] = ()


def plan_native(
    settings: AutomodSettings, around: Surroundings, extras: Extras | None = None
) -> Plan:
    """Return the rules in Discord's shape.

    Of too many of a type, those that do the same become one; of what is still too many, the first
    are taken.
    """
    planner = _Planner(settings, around)
    for rule in settings.rules:
        planner.add_rule(rule)
    extras = extras or Extras()
    if extras.lists:
        planner.add_own("discord-lists", PRESET, {"presets": _ALL_LISTS})
    if extras.spam:
        planner.add_own("discord-spam", SPAM, {})
    return planner.finish()


class _Planner:
    """Collects what of the rules fits, and then what of it there is room for."""

    def __init__(self, settings: AutomodSettings, around: Surroundings) -> None:
        self._settings = settings
        self._around = around
        self._wanted: list[Push] = []
        self._reasons: dict[str, list[Message]] = {}

    def add_rule(self, rule: Rule) -> None:
        """Plan what of a rule fits, and say what does not."""
        reasons = self._reasons.setdefault(rule.name, [])
        try:
            _check_rule(rule, self._settings)
            settled = Settled(
                self._around.everyone_role_ids,
                self._around.everyone_may,
                self._settings.raid_enabled,
            )
            shapes, left_out = shapes_of(rule.when, settled)
            reasons += left_out
        except Unfit as unfit:
            shapes = []
            reasons.append(unfit.why)
        made: list[Push] = []
        for shape in shapes:
            try:
                made.append(Push((rule.name,), self._payload(rule, shape, len(made))))
            except Unfit as unfit:
                reasons.append(unfit.why)
        self._wanted += made
        if made and not self._around.hears_blocked:
            reasons += _weaker(rule)

    def add_own(self, name: str, kind: int, metadata: Json) -> None:
        """Plan a rule of Discord's own making."""
        reasons = self._reasons.setdefault(name, [])
        try:
            payload = {
                "name": MARK + name,
                "event_type": _MESSAGE_SEND,
                "trigger_type": kind,
                "trigger_metadata": metadata,
                "actions": [{"type": _BLOCK, "metadata": {}}],
                "enabled": True,
                **_exemptions(None, self._settings, self._around),
            }
            self._wanted.append(Push((name,), payload))
        except Unfit as unfit:
            reasons.append(unfit.why)

    def finish(self) -> Plan:
        """Return what there is room for, and of each rule why something of it stays behind."""
        pushes: list[Push] = []
        for kind, most in PER_TYPE.items():
            wanted = [one for one in self._wanted if one.kind == kind]
            taken, left = fit(wanted, most - self._around.taken.get(kind, 0))
            pushes += taken
            self._explain(taken, left)
        order = {name: number for number, name in enumerate(self._reasons)}
        pushes.sort(key=lambda one: order[one.rules[0]])
        theirs = {name for one in pushes for name in one.rules}
        told = [
            Refusal(name, joined(whys))
            for name, reasons in self._reasons.items()
            if (whys := _distinct(reasons))
        ]
        return Plan(
            tuple(pushes),
            tuple(one for one in told if one.rule not in theirs),
            tuple(one for one in told if one.rule in theirs),
        )

    def _explain(self, taken: Iterable[Push], left: Iterable[Push]) -> None:
        for push in left:
            for name in push.rules:
                self._reasons[name].append(_no_room(push.kind))
        for push in taken:
            for name in push.rules if push.is_mute else ():
                others = ", ".join(one for one in push.rules if one != name)
                self._reasons[name].append(
                    _("It shares a rule with {others}, which shows no reason.", others=others)
                )

    def _payload(self, rule: Rule, shape: Shape, number: int) -> Json:
        name = MARK + rule.name
        return {
            "name": f"{name} ({number + 1})" if number else name,
            "event_type": _MEMBER_UPDATE if shape.kind == MEMBER_PROFILE else _MESSAGE_SEND,
            "trigger_type": shape.kind,
            "trigger_metadata": shape.metadata,
            "actions": _actions_of(rule, shape.kind, self._settings, self._around),
            "enabled": True,
            **_exemptions(rule, self._settings, self._around, shape.exempt_roles),
        }


def _no_room(kind: int) -> Message:
    return ngettext(
        "Discord takes {count} rule about {what} in all, and has it already.",
        "Discord takes {count} rules about {what} in all, and has them already.",
        PER_TYPE[kind],
        what=_(_TYPE_NAMES[kind]),
    )


def _distinct(reasons: Iterable[Message]) -> list[Message]:
    return list({one.render(None): one for one in reasons}.values())


def _check_rule(rule: Rule, settings: AutomodSettings) -> None:
    if not rule.enabled:
        raise Unfit(_("It is off."))
    if rule.shadow:
        raise Unfit(_("It is in shadow."))
    if rule.exempt_members or settings.exempt_members:
        raise Unfit(_("Discord can't exempt single members."))


def _weaker(rule: Rule) -> list[Message]:
    """Return what does not follow where nobody tells this bot what was blocked."""
    found: list[Message] = []
    if any(one.type == "warn" for one in rule.actions):
        found.append(_("Without Message Content, what Discord blocks gives no points."))
    if rule.escalation:
        found.append(_("Without Message Content, what Discord blocks is no strike."))
    return found


# --- what follows, and whom it spares -----------------------------------------------------------


def _actions_of(
    rule: Rule, kind: int, settings: AutomodSettings, around: Surroundings
) -> list[Json]:
    found = [
        _action_of(one, rule, kind, settings, around)
        for one in rule.actions
        # Said with the rule: who is not warned for what nobody saw is not let off anything else.
        if one.type != "warn"
    ]
    if not found:
        raise Unfit(_("Discord can only block, time out and tell staff."))
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
            raise Unfit(_("There is no channel for alerts: choose a log channel."))
        return {"type": _ALERT, "metadata": {"channel_id": str(place)}}
    if action.type == "timeout":
        if kind not in (KEYWORD, MENTION_SPAM):
            raise Unfit(_("Discord times nobody out for a name."))
        return _timeout(action, around)
    raise Unfit(
        _("Discord can only block, time out and tell staff; what else is to follow would not.")
    )


def _timeout(action: Any, around: Surroundings) -> Json:
    seconds = round(action.duration.total_seconds())
    if seconds > _LONGEST_TIMEOUT:
        raise Unfit(_("Discord's timeouts end after 28 days."))
    if not around.may_time_out:
        raise Unfit(_("I lack the permission Time out members."))
    return {"type": _TIMEOUT, "metadata": {"duration_seconds": seconds}}


def _exemptions(
    rule: Rule | None,
    settings: AutomodSettings,
    around: Surroundings,
    more_roles: Collection[int] = (),
) -> Json:
    roles = {*settings.exempt_roles, *(rule.exempt_roles if rule else ()), *more_roles}
    channels = {*settings.exempt_channels, *(rule.exempt_channels if rule else ())}
    if settings.exempt_staff:
        roles.update(around.staff_role_ids)
    if len(roles) > MAX_ROLES:
        raise Unfit(_("Discord exempts at most {count} roles.", count=MAX_ROLES))
    if len(channels) > MAX_CHANNELS:
        raise Unfit(_("Discord exempts at most {count} channels.", count=MAX_CHANNELS))
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
