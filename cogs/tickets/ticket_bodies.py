"""Tickets, blocks and tags as the API shows them and is sent them: shapes and bounds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from bot.core.fields import choice
from bot.core.fields.bodies import channel_text, item_text, member_text, member_texts
from bot.core.i18n import N_, _
from cogs.tickets.changing import LONGEST_NOTE
from cogs.tickets.ending import LONGEST_REASON
from cogs.tickets.machine import Status
from cogs.tickets.marking import LONGEST_LABEL, MOST_LABELS
from cogs.tickets.naming import LONGEST_NAME
from cogs.tickets.panel import Urgency
from cogs.tickets.panel_parts import Span
from cogs.tickets.quality import (
    LONGEST_BLOCK_REASON,
    LONGEST_TAG,
    LONGEST_TAG_NAME,
    LONGEST_TRIGGER,
)

_STRICT = ConfigDict(extra="forbid", frozen=True)
# What the database holds, and more than Discord has given out.
_LARGEST_ID = 2**63 - 1


def _id(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= _LARGEST_ID):
        raise ValueError(_("This is no ID."))
    return text


Id = Annotated[
    str, AfterValidator(_id), WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,19}$"})
]
STATES = {
    Status.OPENING: N_("being opened"),
    Status.OPEN: N_("open"),
    Status.CLOSING: N_("being closed"),
    Status.CLOSED: N_("closed"),
    Status.REOPENING: N_("being opened again"),
    Status.FAILED: N_("could not be opened"),
}
State = Annotated[Status, choice(**STATES)]
MemberId = Annotated[Id, member_text()]
PanelId = Annotated[Id, item_text("ticket-panels")]
Label = Annotated[str, Field(max_length=LONGEST_LABEL)]
Answer = Annotated[str, Field(max_length=1000)]

_REASON = N_("Reason")
_WHO = N_("Member")


class TicketDetail(BaseModel):
    """A ticket; its `id` is its number in the guild, `panel` what its panel was called.

    What was written in it, its form's answers and the staff's notes are for the staff of its panel
    alone, and stand nowhere here.
    """

    id: str = Field(title=N_("Number"))
    status: State = Field(title=N_("Status"))
    name: str = Field(title=N_("Name"))
    panel_id: str | None = Field(title=N_("ID of the panel"))
    panel: str = Field(title=N_("Panel"))
    opener_id: Annotated[str, member_text()] | None = Field(title=N_("Opened by"))
    claimer_id: Annotated[str, member_text()] | None = Field(title=N_("Seen to by"))
    priority: Urgency = Field(title=N_("Priority"))
    labels: list[str] = Field(title=N_("Labels"))
    member_ids: Annotated[list[str], member_texts()] = Field(title=N_("Added members"))
    channel_id: Annotated[str, channel_text(kinds=())] | None = Field(title=N_("Room"))
    created_at: datetime = Field(title=N_("Opened at"))
    first_reply_at: datetime | None = Field(title=N_("First answer"))
    closes_at: datetime | None = Field(title=N_("Closes"))
    close_requested: bool = Field(title=N_("Asked whether it can be closed"))
    closed_at: datetime | None = Field(title=N_("Closed at"))
    closed_by: Annotated[str, member_text()] | None = Field(title=N_("Closed by"))
    close_reason: str | None = Field(title=_REASON)
    exempt: bool = Field(title=N_("Stays open"))


class OpenBody(BaseModel):
    """For whom a ticket is opened; `answers` are those to the panel's form, by its keys."""

    model_config = _STRICT

    panel_id: PanelId = Field(title=N_("Panel"), description=N_("Whose staff see to it."))
    member_id: MemberId = Field(title=_WHO, description=N_("For whom the ticket is opened."))
    answers: dict[str, Answer | list[Answer]] | None = Field(
        default=None,
        title=N_("Answers"),
        description=N_("The form's answers by the keys of its questions; none leaves it out."),
    )
    channel_id: Annotated[Id, channel_text()] | None = Field(
        default=None,
        title=N_("Channel"),
        description=N_("Where the room is made if the panel names no place and stands nowhere."),
    )


class TicketBody(BaseModel):
    """What a ticket is called and marked with."""

    model_config = _STRICT

    name: str = Field(
        title=N_("Name"),
        description=N_("What its room is called; Discord takes two new names in ten minutes."),
        min_length=1,
        max_length=LONGEST_NAME,
    )
    priority: Urgency = Field(title=N_("Priority"), description=N_("How urgent it is."))
    labels: list[Label] = Field(
        title=N_("Labels"), description=N_("Words that it is sorted by."), max_length=MOST_LABELS
    )
    exempt: bool = Field(
        title=N_("Stays open"),
        description=N_("It stays open until somebody closes it, however long nobody writes."),
    )


class CloseBody(BaseModel):
    """Why a ticket is closed, and after which time."""

    model_config = _STRICT

    reason: str | None = Field(
        default=None,
        title=_REASON,
        description=N_("Everybody in the ticket can read it."),
        max_length=LONGEST_REASON,
    )
    after: Span | None = Field(
        default=None, title=N_("After"), description=N_("How long until then; now if left out.")
    )


class AskBody(BaseModel):
    """What speaks for closing a ticket, and when it is closed without an answer."""

    model_config = _STRICT

    reason: str | None = Field(
        default=None,
        title=_REASON,
        description=N_("What speaks for it; everybody in the ticket can read it."),
        max_length=LONGEST_REASON,
    )
    after: Span | None = Field(
        default=None,
        title=N_("After"),
        description=N_("Closed without an answer after so long; never if left out."),
    )


class ClaimBody(BaseModel):
    """Who is to see to a ticket."""

    model_config = _STRICT

    member_id: MemberId | None = Field(
        default=None,
        title=_WHO,
        description=N_("Who of the staff sees to it from now on; you if left out."),
    )


class StaffBody(BaseModel):
    """To whom of the staff a ticket is handed."""

    model_config = _STRICT

    member_id: MemberId = Field(
        title=_WHO, description=N_("Who of the staff sees to it from now on.")
    )


class OwnerBody(BaseModel):
    """Whose a ticket is to be."""

    model_config = _STRICT

    member_id: MemberId = Field(
        title=_WHO, description=N_("Whose ticket it is from now on; who had it stays in it.")
    )


class MemberBody(BaseModel):
    """Who is to be in a ticket."""

    model_config = _STRICT

    member_id: MemberId = Field(title=_WHO, description=N_("Who is let into the room."))


class LeaverBody(BaseModel):
    """Who is not to be in a ticket any more."""

    model_config = _STRICT

    member_id: MemberId = Field(title=_WHO, description=N_("Who is taken out of the room."))


class MoveBody(BaseModel):
    """Of which panel a ticket is to be."""

    model_config = _STRICT

    panel_id: PanelId = Field(title=N_("Panel"), description=N_("Whose staff see to it then."))


class NoteBody(BaseModel):
    """What is noted for the staff."""

    model_config = _STRICT

    text: str = Field(
        title=N_("Note"),
        description=N_("Only the staff can read it."),
        min_length=1,
        max_length=LONGEST_NOTE,
    )


class BlockBody(BaseModel):
    """Who can't open tickets."""

    model_config = _STRICT

    user_id: MemberId = Field(
        title=N_("Person"), description=N_("Who can't open tickets from now on.")
    )
    reason: str | None = Field(
        default=None,
        title=_REASON,
        description=N_("Why, for the staff."),
        max_length=LONGEST_BLOCK_REASON,
    )


class BlockDetail(BaseModel):
    """Somebody who can't open tickets; the `id` is the person's."""

    id: Annotated[str, member_text()] = Field(title=N_("Person"))
    reason: str | None = Field(title=_REASON)
    blocked_by: Annotated[str, member_text()] | None = Field(title=N_("Blocked by"))
    blocked_at: datetime = Field(title=N_("Blocked at"))


Content = Annotated[
    str,
    Field(title=N_("Text"), description=N_("What is sent."), min_length=1, max_length=LONGEST_TAG),
]
Trigger = Annotated[
    str | None,
    Field(
        title=N_("Sent by itself at these words"),
        description=N_("When an opener writes all of them; empty: only by the staff"),
        max_length=LONGEST_TRIGGER,
    ),
]


class TagTextBody(BaseModel):
    """What a ready text says."""

    model_config = _STRICT

    content: Content
    trigger: Trigger = None


class TagBody(BaseModel):
    """A new ready text."""

    model_config = _STRICT

    name: str = Field(
        title=N_("Name"),
        description=N_("What the staff send it by."),
        min_length=1,
        max_length=LONGEST_TAG_NAME,
    )
    content: Content
    trigger: Trigger = None


class TagDetail(BaseModel):
    """A ready text."""

    id: str = Field(title=N_("ID"))
    name: str = Field(title=N_("Name"))
    content: str = Field(title=N_("Text"))
    trigger: str | None = Field(title=N_("Sent by itself at these words"))
