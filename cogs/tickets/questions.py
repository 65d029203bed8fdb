"""What a panel's form asks: pages of questions, the answers on offer, and when they are asked.

Pure. Whether questions fit together is checked by the panel, how a form goes on is in `form`.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from bot.core.fields import choice
from bot.core.i18n import N_
from cogs.tickets.panel_parts import STRICT

MOST_QUESTIONS = 5
# Of Discord: a menu holds 25 choices, radio buttons and checkboxes are up to 10.
MOST_CHOICES, MOST_BOXES = 25, 10
LONGEST_ANSWER = 1000

_Line = StringConstraints(strip_whitespace=True, min_length=1)

Name = Annotated[str, _Line, Field(max_length=45)]
Key = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,30}$")]


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
KINDS: dict[str, str] = {
    Kind.LINE: N_("A line of text"),
    Kind.PARAGRAPH: N_("A longer text"),
    Kind.SELECT: N_("A menu of choices"),
    Kind.RADIO: N_("One of some choices"),
    Kind.CHECKBOXES: N_("Any of some choices"),
    Kind.ROLE: N_("Roles"),
    Kind.CHANNEL: N_("Channels"),
    Kind.USER: N_("Members"),
    Kind.FILE: N_("Files"),
}
Answered = Annotated[Kind, choice(**KINDS)]


class Choice(BaseModel):
    """One of the answers on offer."""

    model_config = STRICT

    value: Key = Field(
        title=N_("Key"),
        description=N_("By which conditions and routes name it: a to z, 0 to 9 and _."),
    )
    label: Annotated[str, _Line, Field(max_length=100)] = Field(
        title=N_("Label"), description=N_("What people read.")
    )
    description: Annotated[str, Field(max_length=100)] = Field(
        default="", title=N_("Description"), description=N_("A few words more.")
    )


class Condition(BaseModel):
    """That an earlier question was answered with one of these choices."""

    model_config = STRICT

    question: Key = Field(
        title=N_("Key of the question"), description=N_("One that is answered by choosing.")
    )
    values: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_CHOICES)] = Field(
        title=N_("Keys of its choices"), description=N_("One of them has to be chosen.")
    )


class Question(BaseModel):
    """One question of a form; `when` names what has to have been answered on an earlier page.

    `shortest` and `longest` count characters of texts; `most` is how many may be chosen or sent.
    """

    model_config = STRICT

    key: Key = Field(
        title=N_("Key"),
        description=N_("By which conditions and routes name it: a to z, 0 to 9 and _."),
    )
    label: Name = Field(title=N_("Question"), description=N_("What people are asked."))
    description: Annotated[str, Field(max_length=100)] = Field(
        default="", title=N_("Description"), description=N_("A few words more.")
    )
    placeholder: Annotated[str, Field(max_length=100)] = Field(
        default="", title=N_("Example"), description=N_("What stands in it until it is answered.")
    )
    kind: Answered = Field(
        default=Kind.LINE,
        title=N_("Answered with"),
        description=N_("A text, a choice, people or places of the server, or files."),
    )
    required: bool = Field(
        default=True, title=N_("Needed"), description=N_("It can't be left without an answer.")
    )
    shortest: Annotated[int, Field(ge=0, le=LONGEST_ANSWER)] = Field(
        default=0, title=N_("Fewest characters"), description=N_("Of a text.")
    )
    longest: Annotated[int, Field(ge=1, le=LONGEST_ANSWER)] = Field(
        default=LONGEST_ANSWER, title=N_("Most characters"), description=N_("Of a text.")
    )
    most: Annotated[int, Field(ge=1, le=MOST_CHOICES)] = Field(
        default=1,
        title=N_("At most so many"),
        description=N_("How many may be chosen, or sent; not of texts."),
    )
    choices: Annotated[tuple[Choice, ...], Field(max_length=MOST_CHOICES)] = Field(
        default=(), title=N_("Choices"), description=N_("What there is to choose from.")
    )
    when: Condition | None = Field(
        default=None,
        title=N_("Only asked if"),
        description=N_("What was chosen on an earlier page; always asked if left out."),
    )


class Page(BaseModel):
    """What one form of Discord asks: up to five questions."""

    model_config = STRICT

    title: Annotated[str, Field(max_length=45)] = Field(
        default="", title=N_("Heading"), description=N_("What stands above the page.")
    )
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=MOST_QUESTIONS)] = (
        Field(title=N_("Questions"), description=N_("What is asked on this page."))
    )
