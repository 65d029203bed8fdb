"""What a panel is: who may open a ticket of it, where, with which questions, and what follows.

One model is stored, sent over the API and edited by the commands. Pure; what an opening is refused
for is decided in `admission`, how a form goes on in `form`.
"""

from collections.abc import Mapping
from datetime import time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bot.core.fields import TimeZone, channel, channels, duration, roles, template
from bot.core.fields.text import quote
from bot.core.i18n import N_, _

MOST_PANELS = 50
MOST_PAGES = 5
MOST_QUESTIONS = 5
# Of Discord: a menu holds 25 choices, radio buttons and checkboxes are up to 10.
MOST_CHOICES, MOST_BOXES = 25, 10
MOST_ROUTES = 20
LONGEST_ANSWER = 1000

_STRICT = ConfigDict(frozen=True, extra="forbid", validate_default=True)
_Line = StringConstraints(strip_whitespace=True, min_length=1)

Name = Annotated[str, _Line, Field(max_length=45)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,30}$")]
Roles = Annotated[tuple[int, ...], roles(max_items=10)]
Categories = Annotated[
    tuple[int, ...],
    channels(needs=("view_channel", "manage_channels"), kinds=("category",), max_items=10),
]
Parent = Annotated[int, channel(needs=("view_channel",), kinds=("text", "category"))]
LogPlace = Annotated[int, channel(needs=("view_channel", "send_messages", "attach_files"))]
Span = Annotated[timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=90))]

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


class Kind(StrEnum):
    """What a question is answered with."""

    LINE = "line"
    PARAGRAPH = "paragraph"
    SELECT = "select"
    RADIO = "radio"
    CHECKBOXES = "checkboxes"
    ROLE = "role"
    CHANNEL = "channel"
    USER = "user"
    FILE = "file"


CHOOSING = frozenset({Kind.SELECT, Kind.RADIO, Kind.CHECKBOXES})


class Choice(BaseModel):
    """One of the answers on offer."""

    model_config = _STRICT

    value: Key
    label: Annotated[str, _Line, Field(max_length=100)]
    description: Annotated[str, Field(max_length=100)] = ""


class Condition(BaseModel):
    """That an earlier question was answered with one of these choices."""

    model_config = _STRICT

    question: Key
    values: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_CHOICES)]


class Question(BaseModel):
    """One question of a form; `when` names what has to have been answered on an earlier page.

    `shortest` and `longest` count characters of texts; `most` is how many may be chosen or sent.
    """

    model_config = _STRICT

    key: Key
    label: Name
    description: Annotated[str, Field(max_length=100)] = ""
    placeholder: Annotated[str, Field(max_length=100)] = ""
    kind: Kind = Kind.LINE
    required: bool = True
    shortest: Annotated[int, Field(ge=0, le=LONGEST_ANSWER)] = 0
    longest: Annotated[int, Field(ge=1, le=LONGEST_ANSWER)] = LONGEST_ANSWER
    most: Annotated[int, Field(ge=1, le=MOST_CHOICES)] = 1
    choices: Annotated[tuple[Choice, ...], Field(max_length=MOST_CHOICES)] = ()
    when: Condition | None = None


class Page(BaseModel):
    """What one form of Discord asks: up to five questions."""

    model_config = _STRICT

    title: Annotated[str, Field(max_length=45)] = ""
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=MOST_QUESTIONS)]


class Route(BaseModel):
    """What an answer changes: another panel, further staff, a priority, labels."""

    model_config = _STRICT

    when: Condition
    panel: Name | None = None
    staff_roles: Roles = ()
    priority: Priority | None = None
    labels: Annotated[tuple[str, ...], Field(max_length=5)] = ()


class Hours(BaseModel):
    """A span of one weekday (0 is Monday) in which the staff are there; it may end at midnight."""

    model_config = _STRICT

    day: Annotated[int, Field(ge=0, le=6)]
    opens: time
    closes: time

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

    model_config = _STRICT

    remind_after: Span | None = None
    escalate_after: Span | None = None
    escalate_roles: Roles = ()
    lead_after: Span | None = None

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

    model_config = _STRICT

    inactive_after: Span | None = None
    unanswered_after: Span | None = None
    on_leave: bool = True
    opener_may_close: bool = True


class Panel(BaseModel):
    """A panel as it is stored, sent and edited.

    `parent_id` is the text channel of its threads, or the category of its channels; without one it
    is that of the message that was pressed. `overflow_ids` are categories for when that is full.
    Transcripts go to `log_channel_id`, or where the guild has set.
    """

    model_config = _STRICT

    name: Name
    description: Annotated[str, Field(max_length=100)] = ""
    emoji: Annotated[str, Field(max_length=64)] = ""
    colour: Literal["blurple", "grey", "green", "red"] = "blurple"
    enabled: bool = True
    room: Room = Room.THREAD
    parent_id: Parent | None = None
    overflow_ids: Categories = ()
    naming: Annotated[str, template(NAME_VARIABLES, max_length=80)] = "{panel}-{number}"
    staff_roles: Roles = ()
    ping_roles: Roles = ()
    required_roles: Roles = ()
    blocked_roles: Roles = ()
    per_member: Annotated[int, Field(ge=1, le=10)] = 1
    at_most: Annotated[int, Field(ge=1, le=500)] | None = None
    cooldown: Span | None = None
    hours: Annotated[tuple[Hours, ...], Field(max_length=28)] = ()
    zone: TimeZone | None = None
    outside_hours: Literal["note", "refuse"] = "note"
    welcome: Annotated[str, template(WELCOME_VARIABLES, max_length=1500)] | None = None
    priority: Priority = Priority.NORMAL
    pages: Annotated[tuple[Page, ...], Field(max_length=MOST_PAGES)] = ()
    routes: Annotated[tuple[Route, ...], Field(max_length=MOST_ROUTES)] = ()
    closing: Closing = Closing()
    service: Service = Service()
    rating: bool = True
    log_channel_id: LogPlace | None = None

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
