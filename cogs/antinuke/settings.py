"""What a guild can set against staff who turn on it; without a choice it only tells."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from bot.core.cases import LONGEST_TIMEOUT
from bot.core.fields import channel, choice, duration, members, roles
from bot.core.i18n import N_
from bot.core.settings import FeatureSettings, setting
from cogs.antinuke.rules import DeedKind

_RESPONSE = N_("What happens")
_EXEMPT = N_("Who is trusted")
_LIMITS = N_("Limits")
_APPROVAL = N_("Second approval")


class Response(StrEnum):
    """What is done about somebody who goes past a limit; staff are told in any case."""

    ALERT = "alert"
    STRIP = "strip"
    TIMEOUT = "timeout"
    KICK = "kick"
    BAN = "ban"


Deed = Annotated[
    Response,
    choice(
        alert=N_("Only tell staff"),
        strip=N_("Take their dangerous roles"),
        timeout=N_("Take the roles and time out"),
        kick=N_("Kick"),
        ban=N_("Ban"),
    ),
]
Place = Annotated[int, channel(needs=("view_channel", "send_messages", "embed_links"))]
Roles = Annotated[tuple[int, ...], roles()]
Members = Annotated[tuple[int, ...], members()]
Window = Annotated[timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=1))]
TimeoutLength = Annotated[
    timedelta, duration(minimum=timedelta(minutes=1), maximum=LONGEST_TIMEOUT)
]
Limit = Annotated[int, Field(ge=0, le=1000)]
Patience = Annotated[timedelta, duration(minimum=timedelta(minutes=5), maximum=timedelta(days=1))]


class AntinukeSettings(FeatureSettings):
    """How many staff actions are too many, and what follows."""

    response: Deed = setting(
        Response.ALERT,
        N_("Response"),
        N_("What I do about staff who go past a limit. I tell of it in any case."),
        group=_RESPONSE,
    )
    timeout_length: TimeoutLength = setting(
        timedelta(days=1),
        N_("Length of the timeout"),
        N_("How long, if the response is a timeout."),
        group=_RESPONSE,
    )
    log_channel_id: Place | None = setting(
        None,
        N_("Channel for alerts"),
        N_("Where I tell of it, and where approvals are asked for. Best seen by few."),
        group=_RESPONSE,
        unset=N_("the server's log channel"),
    )
    trusted_member_ids: Members = setting(
        (),
        N_("Trusted members"),
        N_("Nothing they do is counted, bots included. The owner always is trusted."),
        group=_EXEMPT,
        unset=N_("only the owner and I"),
    )
    trusted_role_ids: Roles = setting(
        (),
        N_("Trusted roles"),
        N_("Who has one of these can go past every limit."),
        group=_EXEMPT,
        unset=N_("no role"),
    )
    window: Window = setting(
        timedelta(minutes=10),
        N_("Window"),
        N_("Within what time actions are counted together."),
        group=_LIMITS,
    )
    max_bans: Limit = setting(
        10, N_("Bans"), N_("How many within the window are fine; 0 counts none."), group=_LIMITS
    )
    max_kicks: Limit = setting(
        10,
        N_("Kicks"),
        N_("How many within the window are fine, prunes included; 0 counts none."),
        group=_LIMITS,
    )
    max_channel_deletes: Limit = setting(
        3,
        N_("Deleted channels"),
        N_("How many within the window are fine; 0 counts none."),
        group=_LIMITS,
    )
    max_role_deletes: Limit = setting(
        3,
        N_("Deleted roles"),
        N_("How many within the window are fine; 0 counts none."),
        group=_LIMITS,
    )
    max_channel_creates: Limit = setting(
        15,
        N_("New channels"),
        N_("How many within the window are fine; 0 counts none."),
        group=_LIMITS,
    )
    max_role_creates: Limit = setting(
        15,
        N_("New roles"),
        N_("How many within the window are fine; 0 counts none."),
        group=_LIMITS,
    )
    max_webhook_creates: Limit = setting(
        5,
        N_("New webhooks"),
        N_("How many within the window are fine; 0 counts none."),
        group=_LIMITS,
    )
    max_grants: Limit = setting(
        5,
        N_("Grants of power"),
        N_("How often Administrator, bans, roles and the like may be given; 0 counts none."),
        group=_LIMITS,
    )
    max_bots: Limit = setting(
        2,
        N_("Added bots"),
        N_("How many within the window are fine; 0 counts none."),
        group=_LIMITS,
    )
    approve_from: Limit = setting(
        0,
        N_("Ask a second person from"),
        N_("From how many people on mass bans need a second yes; 0 never asks."),
        group=_APPROVAL,
    )
    approval_patience: Patience = setting(
        timedelta(hours=1),
        N_("How long a request stands"),
        N_("After that nothing is done, and who asked is told."),
        group=_APPROVAL,
    )

    def limits(self) -> dict[str, int]:
        """Return how many of each kind are fine, 0 where none are counted."""
        return {kind.value: getattr(self, name) for kind, name in LIMIT_FIELDS.items()}


LIMIT_FIELDS = {
    DeedKind.BAN: "max_bans",
    DeedKind.KICK: "max_kicks",
    DeedKind.CHANNEL_DELETE: "max_channel_deletes",
    DeedKind.ROLE_DELETE: "max_role_deletes",
    DeedKind.CHANNEL_CREATE: "max_channel_creates",
    DeedKind.ROLE_CREATE: "max_role_creates",
    DeedKind.WEBHOOK_CREATE: "max_webhook_creates",
    DeedKind.GRANT: "max_grants",
    DeedKind.BOT_ADD: "max_bots",
}
