"""Parts of a panel beside its form: opening hours, waiting times, closing by itself; pure."""

from datetime import time, timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from bot.core.fields import duration, roles
from bot.core.i18n import N_, _

STRICT = ConfigDict(frozen=True, extra="forbid", validate_default=True)

Roles = Annotated[tuple[int, ...], roles(max_items=10)]
Span = Annotated[timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=90))]


def _on_the_wall(at: time) -> time:
    if at.tzinfo is not None:
        raise ValueError(_("Opening hours have the panel's time zone, and name none of their own."))
    return at


_Time = Annotated[time, AfterValidator(_on_the_wall)]


class Hours(BaseModel):
    """A span of one weekday (0 is Monday) in which the staff are there; it may end at midnight."""

    model_config = STRICT

    day: Annotated[int, Field(ge=0, le=6)]
    opens: _Time
    closes: _Time

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        # 00:00 as the end means the day's end.
        if self.closes != time(0) and self.closes <= self.opens:
            raise ValueError(_("The end has to be after the beginning."))
        return self


class Service(BaseModel):
    """How long a ticket may wait for an answer of the staff; outside opening hours no time counts.

    After `remind_after` its staff are reminded, after `escalate_after` `escalate_roles` are called
    as well, after `lead_after` the leads of the guild.
    """

    model_config = STRICT

    remind_after: Span | None = Field(
        default=None,
        title=N_("Staff are reminded after"),
        description=N_("How long a ticket waits before its staff are reminded."),
    )
    escalate_after: Span | None = Field(
        default=None,
        title=N_("Others are called after"),
        description=N_("How long it waits before further roles are called."),
    )
    escalate_roles: Roles = Field(
        default=(),
        title=N_("Who is called"),
        description=N_("These roles see the ticket from then on, and can see to it."),
    )
    lead_after: Span | None = Field(
        default=None,
        title=N_("Leads are called after"),
        description=N_("How long it waits before the leads of the server are called."),
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        given = [self.remind_after, self.escalate_after, self.lead_after]
        steps = [one for one in given if one is not None]
        if steps != sorted(steps) or len(steps) != len(set(steps)):
            raise ValueError(_("Each step has to come later than the one before it."))
        return self


class Closing(BaseModel):
    """When tickets close by themselves; `None` never.

    `inactive_after`: nobody has written. `unanswered_after`: the opener has not answered the staff.
    Both warn in the room beforehand. `on_leave`: the opener has left the guild.
    """

    model_config = STRICT

    inactive_after: Span | None = Field(
        default=None,
        title=N_("When nobody writes"),
        description=N_("After so long without a message; never if left out."),
    )
    unanswered_after: Span | None = Field(
        default=None,
        title=N_("When the opener is silent"),
        description=N_("So long after an answer of the staff; never if left out."),
    )
    on_leave: bool = Field(
        default=True,
        title=N_("When the opener leaves"),
        description=N_("As soon as whoever opened it leaves the server."),
    )
    opener_may_close: bool = Field(
        default=True,
        title=N_("The opener may close"),
        description=N_("Whoever opened a ticket can close it without the staff."),
    )
