"""What a rule does, as values: one model per action, told apart by `type`."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from bot.core.fields import ChannelId, duration, role
from bot.core.fields.unions import TaggedUnion
from cogs.automod.triggers import Part

# Discord's limits: 7 days of messages, a day of paused invites, 6 hours of slowmode. A timeout past
# its 28 days is renewed.
TimeoutLength = Annotated[
    timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=365))
]
SanctionLength = Annotated[
    timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=3650))
]
DeleteWindow = Annotated[timedelta, duration(maximum=timedelta(days=7))]
PauseLength = Annotated[
    timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(hours=24))
]
ChannelLength = Annotated[
    timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=7))
]
GivenRole = Annotated[int, role(assignable=True)]


class Delete(Part):
    """Delete the message, and what else belongs to the hit (the whole burst)."""

    type: Literal["delete"] = "delete"


class Warn(Part):
    """Warn the member, for so many points."""

    type: Literal["warn"] = "warn"
    points: Annotated[int, Field(ge=0, le=100)] = 1


class AddRole(Part):
    """Give the member a role, for good or for a time."""

    type: Literal["add_role"] = "add_role"
    role_id: GivenRole
    duration: SanctionLength | None = None


class RemoveRole(Part):
    """Take a role from the member."""

    type: Literal["remove_role"] = "remove_role"
    role_id: GivenRole


class Timeout(Part):
    """Time the member out; past Discord's 28 days it is renewed."""

    type: Literal["timeout"] = "timeout"
    duration: TimeoutLength = timedelta(minutes=10)


class Mute(Part):
    """Give the mute role, for good or for a time."""

    type: Literal["mute"] = "mute"
    duration: SanctionLength | None = None


class Kick(Part):
    """Kick the member."""

    type: Literal["kick"] = "kick"


class TempBan(Part):
    """Ban for a time, deleting what they wrote within `delete_window`."""

    type: Literal["tempban"] = "tempban"
    duration: SanctionLength
    delete_window: DeleteWindow = timedelta(0)


class Ban(Part):
    """Ban for good, deleting what they wrote within `delete_window`."""

    type: Literal["ban"] = "ban"
    delete_window: DeleteWindow = timedelta(0)


class Alert(Part):
    """Tell staff, in a channel of its own or in the log channel."""

    type: Literal["alert"] = "alert"
    channel_id: ChannelId | None = None


class Slowmode(Part):
    """Slow the channel down to one message per `seconds`, for a time."""

    type: Literal["slowmode"] = "slowmode"
    seconds: Annotated[int, Field(ge=1, le=21_600)] = 10
    duration: ChannelLength = timedelta(minutes=10)


class Lock(Part):
    """Lock the channel for a time."""

    type: Literal["lock"] = "lock"
    duration: ChannelLength = timedelta(minutes=10)


class PauseInvites(Part):
    """Pause the guild's invites for a time."""

    type: Literal["pause_invites"] = "pause_invites"
    duration: PauseLength = timedelta(hours=1)


AnyAction = (
    Delete
    | Warn
    | AddRole
    | RemoveRole
    | Timeout
    | Mute
    | Kick
    | TempBan
    | Ban
    | Alert
    | Slowmode
    | Lock
    | PauseInvites
)
Action = Annotated[AnyAction, TaggedUnion(AnyAction)]
