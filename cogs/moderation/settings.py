"""What a guild can set for moderation; nothing has to be set for the commands to work."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.core.cases import LONGEST_TIMEOUT, MAX_DELETE_WINDOW
from bot.core.fields import LongText, channel, duration, role, roles, templates
from bot.core.fields.values import checked
from bot.core.i18n import N_
from bot.core.settings import FeatureSettings, setting
from cogs.moderation.pointlines import read_thresholds

_BASICS = N_("Basics")
_REASONS = N_("Reasons")
_POINTS = N_("Warn points")
_MESSAGES = N_("Messages to members")
_CARE = N_("Defaults and care")
_APPEALS = N_("Appeals")
_REPORTS = N_("Reports")
_NATIVE = N_("What is done in Discord")

Place = Annotated[int, channel(needs=("view_channel", "send_messages", "embed_links"))]
MuteRole = Annotated[int, role(assignable=True)]
Roles = Annotated[tuple[int, ...], roles()]
Texts = Annotated[tuple[str, ...], templates((), max_items=25, max_length=300)]
Reason = Annotated[str, Field(max_length=500)]
Points = Annotated[int, Field(ge=0, le=100)]
Lifetime = Annotated[timedelta, duration(minimum=timedelta(hours=1), maximum=timedelta(days=3650))]
DeleteWindow = Annotated[timedelta, duration(maximum=MAX_DELETE_WINDOW)]
TimeoutLength = Annotated[
    timedelta, duration(minimum=timedelta(minutes=1), maximum=LONGEST_TIMEOUT)
]


def _check_thresholds(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the thresholds one by one; several may stand in a line, with commas between."""
    single = tuple(
        one.strip() for line in lines for one in re.split(r"[,;\n]", line) if one.strip()
    )
    checked(lambda _form, value: read_thresholds(value), None, single)
    return single


ThresholdLines = Annotated[
    tuple[str, ...],
    templates((), max_items=10, max_length=60),
    AfterValidator(_check_thresholds),
]
AppealVotes = Annotated[int, Field(ge=1, le=20)]
AppealPause = Annotated[
    timedelta, duration(minimum=timedelta(hours=1), maximum=timedelta(days=365))
]
Count = Annotated[int, Field(ge=1, le=1000)]
Words = Annotated[LongText, Field(max_length=700)]


class ModerationSettings(FeatureSettings):
    """How moderators' commands act."""

    log_channel_id: Place | None = setting(
        None,
        N_("Moderation log"),
        N_("Where cases are shown; without one, the server's log channel."),
        group=_BASICS,
        unset=N_("the server's log channel"),
    )
    mute_role_id: MuteRole | None = setting(
        None,
        N_("Mute role"),
        N_("What /mute gives. It should forbid to write in every channel."),
        group=_BASICS,
        unset=N_("/mute is not possible"),
    )
    protected_role_ids: Roles = setting(
        (),
        N_("Protected roles"),
        N_("My commands do nothing to members who have one of these."),
        group=_BASICS,
        unset=N_("nobody is protected"),
    )
    default_reason: Reason | None = setting(
        None,
        N_("Default reason"),
        N_("Taken when a moderator gives none."),
        group=_REASONS,
        unset=N_("no reason is kept"),
    )
    reason_templates: Texts = setting(
        (),
        N_("Reason templates"),
        N_("Offered while a reason is typed."),
        group=_REASONS,
        unset=N_("only reasons given before are offered"),
    )
    warn_points: Points = setting(
        1, N_("Points for a warning"), N_("How many points a warning gives."), group=_POINTS
    )
    timeout_points: Points = setting(
        0, N_("Points for a timeout"), N_("How many points a timeout gives."), group=_POINTS
    )
    mute_points: Points = setting(
        0, N_("Points for a mute"), N_("How many points a mute gives."), group=_POINTS
    )
    kick_points: Points = setting(
        0, N_("Points for a kick"), N_("How many points a kick or softban gives."), group=_POINTS
    )
    points_expire: bool = setting(
        True, N_("Points expire"), N_("Points stop counting after a while."), group=_POINTS
    )
    points_lifetime: Lifetime = setting(
        timedelta(days=90),
        N_("Lifetime of points"),
        N_("How long points count, if they expire."),
        group=_POINTS,
    )
    point_thresholds: ThresholdLines = setting(
        (),
        N_("Thresholds"),
        N_("What follows at how many points, for example 3 timeout 1h, 5 mute 1 day, 10 ban."),
        group=_POINTS,
        unset=N_("nothing follows by itself"),
    )
    tell_warnings: bool = setting(
        True,
        N_("Tell of warnings"),
        N_("Write to members in private when they are warned."),
        group=_MESSAGES,
    )
    tell_restrictions: bool = setting(
        True,
        N_("Tell of timeouts and mutes"),
        N_("Write to members in private when they are timed out or muted."),
        group=_MESSAGES,
    )
    tell_removals: bool = setting(
        True,
        N_("Tell of kicks and bans"),
        N_("Write to members in private before they are removed."),
        group=_MESSAGES,
    )
    appeal_text: Words | None = setting(
        None,
        N_("How to appeal"),
        N_("Ends the private message about a warning, timeout, mute, kick or ban."),
        group=_MESSAGES,
        unset=N_("nothing is added"),
    )
    timeout_length: TimeoutLength = setting(
        timedelta(hours=1),
        N_("Usual timeout"),
        N_("What the form of the Timeout menu begins with."),
        group=_CARE,
    )
    ban_delete_window: DeleteWindow = setting(
        timedelta(),
        N_("Messages deleted on a ban"),
        N_("How far back a banned member's messages go, unless the moderator says."),
        group=_CARE,
    )
    purge_confirm_from: Count = setting(
        1,
        N_("Ask before purging"),
        N_("From how many messages on /purge asks before it deletes them."),
        group=_CARE,
    )
    record_native: bool = setting(
        True,
        N_("Record what is done in Discord"),
        N_("Kicks, bans, timeouts and mutes made without my commands become cases, too."),
        group=_NATIVE,
    )
    record_bots: bool = setting(
        False,
        N_("Record what other bots do"),
        N_("Make cases of other bots' kicks, bans, timeouts and mutes as well."),
        group=_NATIVE,
    )
    report_channel_id: Place | None = setting(
        None,
        N_("Channel for reports"),
        N_("Where staff see what members report. Without one no reports are taken."),
        group=_REPORTS,
        unset=N_("no reports are taken"),
    )
    appeal_channel_id: Place | None = setting(
        None,
        N_("Channel for appeals"),
        N_("Where staff vote on appeals. Without one no appeals are taken."),
        group=_APPEALS,
        unset=N_("no appeals are taken"),
    )
    appeal_votes: AppealVotes = setting(
        1,
        N_("Votes that decide"),
        N_("How many equal votes accept or reject an appeal."),
        group=_APPEALS,
    )
    appeal_pause: AppealPause = setting(
        timedelta(days=7),
        N_("Pause between appeals"),
        N_("How long to wait before the same case can be appealed again."),
        group=_APPEALS,
    )
