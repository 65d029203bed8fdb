"""What a panel is: who may open a ticket of it, where, with which questions, and what follows.

One model is stored, sent over the API and edited by the commands. Pure; what an opening is refused
for is decided in `admission`, how a form goes on in `form`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from bot.core.fields import TimeZone, channel, channels, choice, template
from bot.core.fields.bodies import week
from bot.core.fields.text import quote
from bot.core.i18n import N_, _
from cogs.tickets.panel_parts import STRICT, Closing, Hours, Roles, Service, Span
from cogs.tickets.questions import (
    CHOOSING,
    MOST_BOXES,
    Condition,
    Kind,
    Name,
    Page,
    Question,
)

MOST_PANELS = 50
MOST_PAGES = 5
MOST_ROUTES = 20

Categories = Annotated[
    tuple[int, ...],
    channels(needs=("view_channel", "manage_channels"), kinds=("category",), max_items=10),
]
Parent = Annotated[int, channel(needs=("view_channel",), kinds=("text", "category"))]
LogPlace = Annotated[int, channel(needs=("view_channel", "send_messages", "attach_files"))]

# What a name and a welcome can say of a ticket.
NAME_VARIABLES = {
    "number": N_("the ticket's number"),
    "panel": N_("the panel's name"),
    "opener": N_("the opener's user name"),
}
WELCOME_VARIABLES = {
    "opener": N_("mentions who opened the ticket"),
    "number": N_("the ticket's number"),
    "panel": N_("the panel's name"),
    "server": N_("the server's name"),
}


class Room(StrEnum):
    """Where tickets are talked over."""

    THREAD = "thread"
    CHANNEL = "channel"


class Priority(StrEnum):
    """How urgent a ticket is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


Urgency = Annotated[
    Priority,
    choice(low=N_("low"), normal=N_("medium"), high=N_("high"), urgent=N_("urgent")),
]
Rooms = Annotated[Room, choice(thread=N_("Private threads"), channel=N_("Channels"))]
Colour = Annotated[
    Literal["blurple", "grey", "green", "red"],
    choice(blurple=N_("Blue"), grey=N_("Grey"), green=N_("Green"), red=N_("Red")),
]
Outside = Annotated[
    Literal["note", "refuse"],
    choice(note=N_("taken, with a note"), refuse=N_("refused")),
]


class Route(BaseModel):
    """What an answer changes: another panel, further staff, a priority, labels."""

    model_config = STRICT

    when: Condition = Field(
        title=N_("Where it applies"), description=N_("The answers for which it counts.")
    )
    panel: Name | None = Field(
        default=None,
        title=N_("Other panel"),
        description=N_("The name of the panel whose ticket it becomes."),
    )
    staff_roles: Roles = Field(
        default=(), title=N_("Further staff"), description=N_("Roles that see to it as well.")
    )
    priority: Urgency | None = Field(
        default=None,
        title=N_("Priority"),
        description=N_("How urgent it then is; the panel's if left out."),
    )
    labels: Annotated[tuple[str, ...], Field(max_length=5)] = Field(
        default=(), title=N_("Labels"), description=N_("What it is then marked with.")
    )


class Panel(BaseModel):
    """A panel as it is stored, sent and edited.

    `parent_id` is the text channel of its threads, or the category of its channels; without one it
    is that of the message that was pressed. `overflow_ids` are categories for when that is full.
    Transcripts go to `log_channel_id`, or where the guild has set.
    """

    model_config = STRICT

    name: Name = Field(title=N_("Name"), description=N_("What this kind of ticket is called."))
    description: Annotated[str, Field(max_length=100)] = Field(
        default="",
        title=N_("Description"),
        description=N_("What it is for, in a few words, beside its name."),
    )
    emoji: Annotated[str, Field(max_length=64)] = Field(
        default="", title=N_("Emoji"), description=N_("What its button shows.")
    )
    colour: Colour = Field(
        default="blurple", title=N_("Colour"), description=N_("The colour of its button.")
    )
    enabled: bool = Field(
        default=True, title=N_("Can be opened"), description=N_("Tickets of it can be opened.")
    )
    room: Rooms = Field(
        default=Room.THREAD,
        title=N_("Rooms"),
        description=N_("Whether each ticket has a private thread or a channel."),
    )
    parent_id: Parent | None = Field(
        default=None,
        title=N_("Place"),
        description=N_(
            "The text channel of threads or the category of channels; "
            "where it is posted if left out."
        ),
    )
    overflow_ids: Categories = Field(
        default=(),
        title=N_("Further categories"),
        description=N_("For channels when the category has as many as Discord takes."),
    )
    naming: Annotated[str, template(NAME_VARIABLES, max_length=80)] = Field(
        default="{panel}-{number}",
        title=N_("Names of rooms"),
        description=N_("The pattern by which rooms are named; the number is always in it."),
    )
    staff_roles: Roles = Field(
        default=(), title=N_("Staff"), description=N_("Roles that see to its tickets.")
    )
    ping_roles: Roles = Field(
        default=(),
        title=N_("Notified roles"),
        description=N_("Told of each ticket; they can read and write along."),
    )
    required_roles: Roles = Field(
        default=(),
        title=N_("Required roles"),
        description=N_("Only who has one of these roles can open its tickets."),
    )
    blocked_roles: Roles = Field(
        default=(),
        title=N_("Blocked roles"),
        description=N_("Whoever has one of these roles can't open its tickets."),
    )
    per_member: Annotated[int, Field(ge=1, le=10)] = Field(
        default=1,
        title=N_("Open tickets of a member"),
        description=N_("How many of its tickets a member may have open at the same time."),
    )
    at_most: Annotated[int, Field(ge=1, le=500)] | None = Field(
        default=None,
        title=N_("Open tickets"),
        description=N_(
            "How many of its tickets may be open at the same time; any number if left out."
        ),
    )
    cooldown: Span | None = Field(
        default=None,
        title=N_("Pause"),
        description=N_("How long a member waits before they open the next one."),
    )
    hours: Annotated[tuple[Hours, ...], Field(max_length=28), week()] = Field(
        default=(),
        title=N_("Opening hours"),
        description=N_("When the staff are there; always if empty."),
    )
    zone: TimeZone | None = Field(
        default=None,
        title=N_("Time zone"),
        description=N_("The zone of the opening hours; the server's if left out."),
    )
    outside_hours: Outside = Field(
        default="note",
        title=N_("Outside opening hours"),
        description=N_("What is done with tickets while the staff are not there."),
    )
    welcome: Annotated[str, template(WELCOME_VARIABLES, max_length=1500)] | None = Field(
        default=None,
        title=N_("First message"),
        description=N_("What the room begins with; a greeting if left out."),
    )
    priority: Urgency = Field(
        default=Priority.NORMAL,
        title=N_("Priority"),
        description=N_("How urgent its tickets are at first."),
    )
    pages: Annotated[tuple[Page, ...], Field(max_length=MOST_PAGES)] = Field(
        default=(),
        title=N_("Form"),
        description=N_("Pages of questions that are asked before a ticket is opened."),
    )
    routes: Annotated[tuple[Route, ...], Field(max_length=MOST_ROUTES)] = Field(
        default=(),
        title=N_("Routes"),
        description=N_("What answers change: the panel, further staff, priority, labels."),
    )
    closing: Closing = Field(
        default=Closing(),
        title=N_("Closing by itself"),
        description=N_("When tickets close without anybody closing them."),
    )
    service: Service = Field(
        default=Service(),
        title=N_("Waiting times"),
        description=N_("Who is called when the staff leave a ticket without an answer."),
    )
    rating: bool = Field(
        default=True,
        title=N_("Rating"),
        description=N_("Whoever opened a ticket is asked for stars when it is closed."),
    )
    log_channel_id: LogPlace | None = Field(
        default=None,
        title=N_("Transcripts go to"),
        description=N_("Where transcripts are posted; where the server has set if left out."),
    )

    @model_validator(mode="after")
    def _check_form(self) -> Self:
        seen: dict[str, Question] = {}
        labels = {one.key: one.label for one in self.questions}
        for page in self.pages:
            for one in page.questions:
                _check_question(one, seen, labels)
            for one in page.questions:
                if one.key in seen:
                    raise ValueError(_("Two questions have the key {key}.", key=one.key))
                seen[one.key] = one
        for route in self.routes:
            _check_condition(route.when, seen, labels)
        return self

    def to_json(self) -> dict[str, Any]:
        """Return it for storing and for the API: ids as strings, durations in seconds."""
        return self.model_dump(mode="json")

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions in the order of the pages."""
        return tuple(one for page in self.pages for one in page.questions)


def _check_question(
    question: Question, earlier: Mapping[str, Question], labels: Mapping[str, str]
) -> None:
    if question.kind in CHOOSING and len(question.choices) < 2:
        raise ValueError(
            _("{question} needs at least two choices.", question=quote(question.label))
        )
    if question.kind not in CHOOSING and question.choices:
        raise ValueError(
            _(
                "{question} has choices, but is not answered by choosing.",
                question=quote(question.label),
            )
        )
    if question.kind is not Kind.SELECT and len(question.choices) > MOST_BOXES:
        raise ValueError(
            _(
                "{question} has more than {count} choices: only a menu holds so many.",
                question=quote(question.label),
                count=MOST_BOXES,
            )
        )
    if question.kind is Kind.FILE and question.most > MOST_BOXES:
        raise ValueError(
            _(
                "{question} takes at most {count} files.",
                question=quote(question.label),
                count=MOST_BOXES,
            )
        )
    if len({one.value for one in question.choices}) < len(question.choices):
        raise ValueError(
            _("Two choices of {question} have the same key.", question=quote(question.label))
        )
    if question.shortest > question.longest:
        raise ValueError(
            _(
                "{question} asks for more characters than it takes.",
                question=quote(question.label),
            )
        )
    if question.when is not None:
        _check_condition(question.when, earlier, labels)


def _check_condition(
    condition: Condition, known: Mapping[str, Question], labels: Mapping[str, str]
) -> None:
    question = known.get(condition.question)
    if question is None:
        raise ValueError(
            _(
                "A condition or route is about {question}, which is not asked on an earlier page.",
                question=quote(labels.get(condition.question, condition.question)),
            )
        )
    if question.kind not in CHOOSING:
        raise ValueError(
            _(
                "A condition or route is about {question}, which is not answered by choosing: "
                "change or remove that first.",
                question=quote(question.label),
            )
        )
    offered = {one.value for one in question.choices}
    if lost := [one for one in condition.values if one not in offered]:
        raise ValueError(
            _(
                "A condition or route needs the choice {choice} of {question}: change or remove "
                "that first.",
                choice=quote(lost[0]),
                question=quote(question.label),
            )
        )


def name_key(name: str) -> str:
    """Return a panel's name without regard to case, as it has to be unique in a guild."""
    return " ".join(name.split()).casefold()
