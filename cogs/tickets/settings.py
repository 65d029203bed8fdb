"""What a guild can set for all its tickets; each panel has its own beside it."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from bot.core.fields import channel, duration, role, roles
from bot.core.i18n import N_
from bot.core.settings import FeatureSettings, setting

KEY = "tickets"

_WHO = N_("Who does what")
_LIMITS = N_("Limits")
_RECORD = N_("Transcripts")
_RATINGS = N_("Ratings")

Place = Annotated[int, channel(needs=("view_channel", "send_messages", "attach_files"))]
Staff = Annotated[tuple[int, ...], roles(max_items=10)]
Barred = Annotated[tuple[int, ...], roles(max_items=25)]
Retention = Annotated[timedelta, duration(minimum=timedelta(days=1), maximum=timedelta(days=3650))]
Xp = Annotated[int, Field(ge=0, le=1000)]
KeptChannel = Annotated[timedelta, duration(maximum=timedelta(days=30))]


class TicketSettings(FeatureSettings):
    """What holds for every ticket of a guild."""

    staff_roles: Staff = setting(
        (),
        N_("Staff"),
        N_("Roles that see to the tickets of every panel, beside each panel's own."),
        group=_WHO,
        unset=N_("each panel's own staff, and whoever manages tickets"),
    )
    lead_role_id: Annotated[int, role()] | None = setting(
        None,
        N_("Leads"),
        N_("Called when tickets wait too long in spite of reminders."),
        group=_WHO,
        unset=N_("nobody is called"),
    )
    blocked_roles: Barred = setting(
        (),
        N_("Blocked roles"),
        N_("Whoever has one of these roles can't open tickets."),
        group=_WHO,
        unset=N_("nobody is blocked"),
    )
    open_at_most: Annotated[int, Field(ge=1, le=500)] = setting(
        200,
        N_("Open tickets"),
        N_("How many may be open at the same time in the whole server."),
        group=_LIMITS,
    )
    open_per_member: Annotated[int, Field(ge=1, le=50)] = setting(
        5,
        N_("Open tickets of a member"),
        N_("How many a member may have open at the same time, over all panels."),
        group=_LIMITS,
    )
    log_channel_id: Place | None = setting(
        None,
        N_("Transcripts go to"),
        N_("Where the transcript of each closed ticket is posted."),
        group=_RECORD,
        unset=N_("they are kept and can be asked for, but not posted"),
    )
    send_transcript: bool = setting(
        True,
        N_("Transcript for the opener"),
        N_("Whoever opened a ticket gets its transcript in a private message when it is closed."),
        group=_RECORD,
    )
    keep_channel_for: KeptChannel = setting(
        timedelta(hours=24),
        N_("Keep channels for"),
        N_("How long the channel of a closed ticket stays, locked, before it is deleted."),
        group=_RECORD,
    )
    keep_transcripts_for: Retention = setting(
        timedelta(days=365),
        N_("Keep transcripts for"),
        N_("How long all that was written in a closed ticket is kept, files and notes too."),
        group=_RECORD,
    )
    files_quota: Annotated[int, Field(ge=0, le=100_000)] = setting(
        1000,
        N_("Space for files, in MB"),
        N_("How much the files of all tickets may take; beyond it only their names are kept."),
        group=_RECORD,
    )
    rating_xp: Xp = setting(
        0,
        N_("Experience for a rating"),
        N_("Experience for who first rates a ticket that the staff answered, while levels are on."),
        group=_RATINGS,
    )
    stars_xp: Xp = setting(
        0,
        N_("Experience for each star"),
        N_("Experience per star for whoever of the staff claimed the ticket, while levels are on."),
        group=_RATINGS,
    )
