"""What a guild can set for levels: what earns experience, what levels take, and what they give.

Rewards and multipliers are lists that `/xp reward` and `/xp multiplier` edit.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.core.fields import (
    Colour,
    channel,
    channels,
    choice,
    document,
    duration,
    role,
    roles,
    template,
)
from bot.core.i18n import N_, Message
from bot.core.settings import FeatureSettings, setting

KEY = "levels"
MOST_REWARDS = 25
MOST_MULTIPLIERS = 25
MOST_LEVEL = 1000
MOST_PERCENT = 1000
# What the text of an announcement may name; `cogs.levels.announcing` fills them in.
VARIABLES = {
    "member.mention": N_("the member"),
    "level": N_("the level that was reached"),
    "xp": N_("all experience of the member"),
    "guild": N_("this server's name"),
}

_TEXT = N_("Experience for writing")
_VOICE = N_("Experience for talking")
_WHO = N_("Who earns how much")
_LEVELS = N_("Levels and rewards")
_NEWS = N_("Announcements")

Share = Annotated[int, Field(ge=1, le=1000)]
Percent = Annotated[int, Field(ge=0, le=100)]
Places = Annotated[
    tuple[int, ...],
    channels(kinds=("text", "news", "voice", "stage", "forum", "category")),
]
Barred = Annotated[tuple[int, ...], roles()]
Given = Annotated[int, role(assignable=True)]
Known = Annotated[int, role()]
Where = Annotated[int, channel(kinds=("text", "news", "voice", "stage", "forum", "category"))]
Place = Annotated[int, channel(needs=("view_channel", "send_messages"))]
Text = Annotated[str, template(VARIABLES, max_length=500)]
Cooldown = Annotated[timedelta, duration(maximum=timedelta(hours=1))]
FullFor = Annotated[timedelta, duration(minimum=timedelta(minutes=10), maximum=timedelta(days=1))]
Cap = Annotated[timedelta, duration(maximum=timedelta(days=1))]


class CurveName(StrEnum):
    """How much a level takes; the numbers are in `cogs.levels.rules`."""

    STANDARD = "standard"
    GENTLE = "gentle"
    STEEP = "steep"
    CONSTANT = "constant"


class RewardMode(StrEnum):
    """Which of the rewards that were reached a member has."""

    STACK = "stack"
    HIGHEST = "highest"


class Announcing(StrEnum):
    """Where a new level is told."""

    SAME = "same"
    CHANNEL = "channel"
    PRIVATE = "private"
    OFF = "off"


class Reward(BaseModel):
    """A role that a level gives, or takes.

    A role with rights of staff is given only if it is `trusted`: an admin has agreed to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: Annotated[int, Field(ge=1, le=MOST_LEVEL)] = Field(
        title=N_("Level"), description=N_("The level that has to be reached.")
    )
    role_id: Given = Field(title=N_("Role"), description=N_("What is given or taken then."))
    action: Annotated[Literal["give", "take"], choice(give=N_("is given"), take=N_("is taken"))] = (
        Field(default="give", title=N_("The role"), description=N_("What is done with it."))
    )
    trusted: bool = Field(
        default=False,
        title=N_("May have rights of staff"),
        description=N_("You agree that everybody who gets that far has the role's rights."),
    )


class Multiplier(BaseModel):
    """How much more, or less, a role or a channel earns, in percent; exactly one is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role_id: Known | None = Field(
        default=None, title=N_("Role"), description=N_("Whoever has it; or else a channel.")
    )
    channel_id: Where | None = Field(
        default=None, title=N_("Channel"), description=N_("What is written there; or else a role.")
    )
    percent: Annotated[int, Field(ge=0, le=MOST_PERCENT)] = Field(
        title=N_("Percent"), description=N_("How much is earned: 100 as always, 200 twice as much.")
    )

    @model_validator(mode="after")
    def _check_target(self) -> Self:
        if (self.role_id is None) == (self.channel_id is None):
            raise ValueError(N_("A multiplier is for one role or one channel."))
        return self


def _reward_in_words(entry: Any) -> Message:
    # It knows this module.
    from cogs.levels.describing import describe_reward

    return describe_reward(Reward.model_validate(entry))


def _multiplier_in_words(entry: Any) -> Message:
    from cogs.levels.describing import describe_multiplier

    return describe_multiplier(Multiplier.model_validate(entry))


Rewards = Annotated[
    tuple[Reward, ...],
    Field(max_length=MOST_REWARDS),
    document("xp reward add", in_words=_reward_in_words),
]
Multipliers = Annotated[
    tuple[Multiplier, ...],
    Field(max_length=MOST_MULTIPLIERS),
    document("xp multiplier", in_words=_multiplier_in_words),
]


class LevelSettings(FeatureSettings):
    """How members rise."""

    text_enabled: bool = setting(
        True, N_("Writing earns"), N_("Members earn experience for messages."), group=_TEXT
    )
    text_least: Share = setting(
        15, N_("Least for a message"), N_("A message earns at least this."), group=_TEXT
    )
    text_most: Share = setting(
        25, N_("Most for a message"), N_("A message earns at most this."), group=_TEXT
    )
    text_cooldown: Cooldown = setting(
        timedelta(minutes=1),
        N_("Pause between messages"),
        N_("How long after a message that earned no other does."),
        group=_TEXT,
    )
    text_length: Annotated[int, Field(ge=0, le=200)] = setting(
        3,
        N_("Shortest message"),
        N_("Messages with fewer characters earn nothing, unless they have a file."),
        group=_TEXT,
    )
    text_similarity: Percent = setting(
        75,
        N_("Too similar from"),
        N_("Percent of sameness with the last that earned; 0 allows repeats."),
        group=_TEXT,
    )
    voice_enabled: bool = setting(
        True,
        N_("Talking earns"),
        N_("Members earn experience for minutes in voice with others."),
        group=_VOICE,
    )
    voice_each: Share = setting(
        10, N_("For a minute"), N_("What a minute of talking earns at first."), group=_VOICE
    )
    voice_full_for: FullFor = setting(
        timedelta(hours=2),
        N_("Full for"),
        N_("After so long on a day a minute earns half, after as long again a quarter, and so on."),
        group=_VOICE,
    )
    voice_cap: Cap = setting(
        timedelta(hours=8),
        N_("Most on a day"),
        N_("Minutes beyond this earn nothing until the next day."),
        group=_VOICE,
    )
    excluded_channels: Places = setting(
        (),
        N_("Channels without experience"),
        N_("Nothing is earned in these channels and categories."),
        group=_WHO,
        unset=N_("all channels earn"),
    )
    excluded_roles: Barred = setting(
        (),
        N_("Roles without experience"),
        N_("Whoever has one of these roles earns nothing."),
        group=_WHO,
        unset=N_("everybody earns"),
    )
    multipliers: Multipliers = setting(
        (),
        N_("Multipliers"),
        N_("Roles and channels that earn more or less. Edit them with /xp multiplier."),
        group=_WHO,
        unset=N_("everything earns alike"),
    )
    curve: Annotated[
        CurveName,
        choice(
            standard=N_("Standard"),
            gentle=N_("Gentle"),
            steep=N_("Steep"),
            constant=N_("The same for each level"),
        ),
    ] = setting(
        CurveName.STANDARD,
        N_("Curve"),
        N_("How much more each level takes; all levels are worked out anew."),
        group=_LEVELS,
    )
    reward_mode: Annotated[
        RewardMode, choice(stack=N_("All that were reached"), highest=N_("Only the highest"))
    ] = setting(
        RewardMode.STACK, N_("Which rewards"), N_("The rewards that members have."), group=_LEVELS
    )
    rewards: Rewards = setting(
        (),
        N_("Rewards"),
        N_("Roles that levels give or take. Edit them with /xp reward."),
        group=_LEVELS,
        unset=N_("levels give no roles"),
    )
    colour: Colour = setting(
        0x5865F2, N_("Colour of the card"), N_("The accent of /rank."), group=_LEVELS
    )
    announce: Annotated[
        Announcing,
        choice(
            same=N_("Where it was earned"),
            channel=N_("In a channel for it"),
            private=N_("In private"),
            off=N_("Nowhere"),
        ),
    ] = setting(
        Announcing.SAME, N_("Tell new levels"), N_("Where new levels are told."), group=_NEWS
    )
    announce_channel_id: Place | None = setting(
        None,
        N_("Channel for new levels"),
        N_("Where they are told if there is a channel for it."),
        group=_NEWS,
        unset=N_("where it was earned"),
    )
    announce_text: Text | None = setting(
        None,
        N_("Text for new levels"),
        N_("Without one, I use a text of my own."),
        group=_NEWS,
        unset=N_("a text of my own"),
    )
    announce_ping: bool = setting(
        False,
        N_("Notify the member"),
        N_("A mention in the text notifies whom it names."),
        group=_NEWS,
    )

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        ids = [one.role_id for one in self.rewards]
        if len(ids) != len(set(ids)):
            raise ValueError(N_("A role can be the reward of one level only."))
        targets = [(one.role_id, one.channel_id) for one in self.multipliers]
        if len(targets) != len(set(targets)):
            raise ValueError(N_("A role or channel has two multipliers."))
        return self
