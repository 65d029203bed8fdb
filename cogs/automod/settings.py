"""What a guild can set for Automod: the rules themselves, who is exempt, where hits are logged.

A rule joins triggers and conditions to a tree (`when`) and names what follows. The tree is edited
by `/automod rule`; `cogs.automod.triggers` and `cogs.automod.actions` hold its parts.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from bot.core.fields import (
    ChannelIds,
    MemberIds,
    RoleIds,
    channel,
    choice,
    document,
    duration,
    role,
)
from bot.core.i18n import N_, Message
from bot.core.settings import FeatureSettings, setting
from cogs.automod.actions import Action, Delete
from cogs.automod.triggers import MAX_DEPTH, Node, Part, depth_of, leaves_of

MAX_RULES = 100
MAX_WORDS = 10_000
MAX_PATTERNS = 200
MAX_NODES = 40

_EXEMPT = N_("Who is exempt")
_RAID = N_("Raids")

Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", max_length=32)]
LogPlace = Annotated[int, channel(needs=("view_channel", "send_messages", "embed_links"))]
StrikesWindow = Annotated[
    timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=90))
]
RaidSize = Annotated[int, Field(ge=3, le=200)]
RaidWindow = Annotated[
    timedelta, duration(minimum=timedelta(seconds=5), maximum=timedelta(minutes=10))
]
RaidShare = Annotated[int, Field(ge=0, le=100)]
RaidAge = Annotated[timedelta, duration(maximum=timedelta(days=365))]
RaidTimeout = Annotated[
    timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=28))
]
RaidQuiet = Annotated[
    timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(hours=12))
]
RaidRole = Annotated[int, role(assignable=True)]
RaidDeed = Annotated[
    Literal["none", "timeout", "role", "kick", "ban"],
    choice(
        none=N_("Nothing"),
        timeout=N_("Time out"),
        role=N_("Give a role"),
        kick=N_("Kick"),
        ban=N_("Ban"),
    ),
]


class Step(Part):
    """What follows instead from the `after`th strike within the rule's strikes window."""

    after: Annotated[int, Field(ge=2, le=50)]
    actions: Annotated[tuple[Action, ...], Field(min_length=1, max_length=10)]


class Rule(Part):
    """One rule: when it hits, whom it spares, and what follows.

    `shadow` judges and reports but does nothing. `bots` also judges other bots and webhooks.
    Strikes are counted per member and rule; a strike older than `strikes_window` is forgotten.
    """

    name: Slug
    enabled: bool = True
    shadow: bool = False
    bots: bool = False
    when: Node
    exempt_roles: RoleIds = ()
    exempt_channels: ChannelIds = ()
    exempt_members: MemberIds = ()
    actions: Annotated[tuple[Action, ...], Field(min_length=1, max_length=10)] = (Delete(),)
    escalation: Annotated[tuple[Step, ...], Field(max_length=10)] = ()
    strikes_window: StrikesWindow = timedelta(days=1)
    reason: Annotated[str, Field(max_length=300)] = ""

    @model_validator(mode="after")
    def _check_steps(self) -> Self:
        counts = [step.after for step in self.escalation]
        if counts != sorted(set(counts)):
            raise ValueError(N_("Each step has to come after more strikes than the one before."))
        if depth_of(self.when) > MAX_DEPTH:
            raise ValueError(N_("This rule goes too deep; make two rules of it."))
        if sum(1 for _one in leaves_of(self.when)) > MAX_NODES:
            raise ValueError(N_("This rule has too many parts; make two rules of it."))
        return self


def _rule_in_words(entry: Any) -> Message:
    # It knows this module.
    from cogs.automod.summaries import in_words

    return in_words(Rule.model_validate(entry))


Rules = Annotated[
    tuple[Rule, ...],
    Field(max_length=MAX_RULES),
    document("automod rule", in_words=_rule_in_words),
]


class AutomodSettings(FeatureSettings):
    """How messages and names are judged."""

    rules: Rules = setting(
        (),
        N_("Rules"),
        N_("What is looked for and what follows. Edit them with /automod rule."),
        unset=N_("nothing is looked for"),
    )
    log_channel_id: LogPlace | None = setting(
        None,
        N_("Log channel"),
        N_("Where hits are reported; without one, the log channel of the general settings."),
        unset=N_("the log channel of the general settings"),
    )
    exempt_staff: bool = setting(
        True,
        N_("Spare staff"),
        N_("Never judge members who may manage messages or the server, or are administrators."),
        group=_EXEMPT,
    )
    exempt_roles: RoleIds = setting(
        (),
        N_("Exempt roles"),
        N_("No rule applies to members with one of these."),
        group=_EXEMPT,
        unset=N_("no role is exempt"),
    )
    exempt_channels: ChannelIds = setting(
        (),
        N_("Exempt channels"),
        N_("No rule applies in these channels."),
        group=_EXEMPT,
        unset=N_("no channel is exempt"),
    )
    exempt_members: MemberIds = setting(
        (),
        N_("Exempt members"),
        N_("No rule applies to these members."),
        group=_EXEMPT,
        unset=N_("no member is exempt"),
    )
    raid_enabled: bool = setting(
        False, N_("Watch for raids"), N_("React when many join at once."), group=_RAID
    )
    raid_joins: RaidSize = setting(
        15, N_("Joins that make a raid"), N_("This many joins within the window."), group=_RAID
    )
    raid_window: RaidWindow = setting(
        timedelta(seconds=30), N_("Raid window"), N_("The time in which joins count."), group=_RAID
    )

    raid_share: RaidShare = setting(
        80,
        N_("Share of new accounts"),
        N_("Half as many joins are a raid if this percentage is new or has no picture; 0: off."),
        group=_RAID,
    )
    raid_minimum_age: RaidAge = setting(
        timedelta(days=7),
        N_("Minimum account age"),
        N_("A younger account counts as new, and is acted on when it joins during a raid."),
        group=_RAID,
    )
    raid_pause_invites: bool = setting(
        True,
        N_("Pause invites"),
        N_("Let nobody join while a raid lasts."),
        group=_RAID,
    )
    raid_lockdown: bool = setting(
        False,
        N_("Close channels"),
        N_("Close all public channels while a raid lasts, and open them again as they were."),
        group=_RAID,
    )
    raid_verification: bool = setting(
        False,
        N_("Raise the verification level"),
        N_("Ask for a verified phone number while a raid lasts."),
        group=_RAID,
    )
    raid_action: RaidDeed = setting(
        "none",
        N_("Action on suspicious joiners"),
        N_("What happens to new accounts and look-alikes that join during a raid."),
        group=_RAID,
    )
    raid_timeout: RaidTimeout = setting(
        timedelta(hours=1), N_("Length of the timeout"), N_("For the action timeout."), group=_RAID
    )
    raid_role_id: RaidRole | None = setting(
        None,
        N_("Role for suspicious joiners"),
        N_("For the action give a role."),
        group=_RAID,
        unset=N_("no role is given"),
    )
    raid_quiet: RaidQuiet = setting(
        timedelta(minutes=10),
        N_("Quiet time"),
        N_("A raid ends by itself when nobody has joined for so long."),
        group=_RAID,
    )

    @model_validator(mode="after")
    def _check_rules(self) -> Self:
        names = [rule.name for rule in self.rules]
        if len(names) != len(set(names)):
            raise ValueError(N_("Two rules have the same name."))
        totals = _totals(self.rules)
        if totals["words"] > MAX_WORDS:
            raise ValueError(N_("All rules together may have at most 10,000 words."))
        if totals["patterns"] > MAX_PATTERNS:
            raise ValueError(N_("All rules together may have at most 200 patterns."))
        return self


def _totals(rules: tuple[Rule, ...]) -> dict[str, int]:
    totals = {"words": 0, "patterns": 0}
    for rule in rules:
        for leaf in leaves_of(rule.when):
            for kind in totals:
                found: Any = getattr(leaf, kind, ())
                totals[kind] += len(found)
    return totals
