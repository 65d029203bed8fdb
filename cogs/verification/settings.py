"""What a guild can set for verification; with a role chosen and the panel posted it works."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.core.errors import InvalidInput
from bot.core.fields import LongText, channel, choice, duration, role, templates
from bot.core.fields.values import checked
from bot.core.i18n import N_, _
from bot.core.settings import FeatureSettings, setting
from cogs.verification.questions import read_questions

_GATE = N_("The gate")
_FORM = N_("Questions of the form")
_TRIES = N_("Wrong answers")
_TIME = N_("Members who don't verify")

# What has to be written before anybody is removed, in either language.
KICK_WORDS = frozenset({"kick", "expulsar"})


class Method(StrEnum):
    """What somebody has to do to pass."""

    BUTTON = "button"
    FORM = "form"
    CAPTCHA = "captcha"


def _check_questions(lines: tuple[str, ...]) -> tuple[str, ...]:
    checked(lambda _form, value: read_questions(value), None, lines)
    return lines


def _check_kick_word(text: str) -> str:
    return checked(lambda _form, value: _read_kick_word(value), None, text)


def _read_kick_word(text: str) -> str:
    word = text.strip().casefold()
    if word not in KICK_WORDS:
        raise InvalidInput(
            _("This does not confirm anything."),
            hint=_("Write kick here if members who don't verify in time are to be removed."),
        )
    return word


Way = Annotated[
    Method,
    choice(
        button=N_("Press a button"),
        form=N_("Answer questions"),
        captcha=N_("Read a picture"),
    ),
]
Place = Annotated[int, channel(needs=("view_channel", "send_messages"))]
Log = Annotated[int, channel(needs=("view_channel", "send_messages"))]
Role = Annotated[int, role(assignable=True)]
Lines = Annotated[
    tuple[str, ...],
    templates((), max_items=5, max_length=300),
    AfterValidator(_check_questions),
]
Words = Annotated[LongText, Field(max_length=1500)]
Attempts = Annotated[int, Field(ge=1, le=10)]
Pause = Annotated[timedelta, duration(minimum=timedelta(minutes=1), maximum=timedelta(days=1))]
Reminder = Annotated[timedelta, duration(minimum=timedelta(minutes=10), maximum=timedelta(days=7))]
Deadline = Annotated[timedelta, duration(minimum=timedelta(hours=1), maximum=timedelta(days=14))]
Confirmation = Annotated[str, Field(max_length=20), AfterValidator(_check_kick_word)]


class VerificationSettings(FeatureSettings):
    """How members show that they are people, and what they get for it."""

    channel_id: Place | None = setting(
        None,
        N_("Verification channel"),
        N_("Where the panel is posted and members are reminded; they have to see it."),
        group=_GATE,
        unset=N_("nobody is reminded"),
    )
    method: Way = setting(
        Method.BUTTON,
        N_("Method"),
        N_("What members do to pass. A button keeps out only the simplest scripts."),
        group=_GATE,
    )
    verified_role_id: Role | None = setting(
        None,
        N_("Role for the verified"),
        N_("Given to members who pass."),
        group=_GATE,
        unset=N_("none is given"),
    )
    unverified_role_id: Role | None = setting(
        None,
        N_("Role of the unverified"),
        N_("Taken from members who pass; something else gives it, such as a join role."),
        group=_GATE,
        unset=N_("none is taken"),
    )
    panel_text: Words | None = setting(
        None,
        N_("Text of the panel"),
        N_("Stands above the button; takes effect when the panel is posted."),
        group=_GATE,
        unset=N_("a text of my own"),
    )
    words_offered: bool = setting(
        True,
        N_("Question instead of the picture"),
        N_("For who can't read a picture, and when too many want one at once."),
        group=_GATE,
    )
    log_channel_id: Log | None = setting(
        None,
        N_("Verification log"),
        N_("Where I tell who passed, and where staff decide on answers."),
        group=_GATE,
        unset=N_("the server's log channel"),
    )
    questions: Lines = setting(
        (),
        N_("Questions"),
        N_("Such as “Who may post here? = everyone | all”. Staff judge those without answers."),
        group=_FORM,
        unset=N_("there is no form"),
    )
    staff_review: bool = setting(
        False,
        N_("Staff decide on every form"),
        N_("Also when every question has accepted answers and all are right."),
        group=_FORM,
    )
    attempts: Attempts = setting(
        3, N_("Attempts"), N_("How many wrong answers lead to a pause."), group=_TRIES
    )
    cooldown: Pause = setting(
        timedelta(minutes=10),
        N_("Pause"),
        N_("How long somebody waits after too many wrong answers."),
        group=_TRIES,
    )
    remind_after: Reminder | None = setting(
        None,
        N_("Remind after"),
        N_("Mention members once who have not verified this long after they joined."),
        group=_TIME,
        unset=N_("nobody is reminded"),
    )
    kick_after: Deadline | None = setting(
        None,
        N_("Remove after"),
        N_("Kick members who have not verified this long after they joined."),
        group=_TIME,
        unset=N_("nobody is removed"),
    )
    kick_confirmation: Confirmation | None = setting(
        None,
        N_("Confirm removing"),
        N_("Write kick here to confirm it; without that nobody is removed."),
        group=_TIME,
        unset=N_("nobody is removed"),
    )

    @property
    def kick_deadline(self) -> timedelta | None:
        """After how long somebody is removed, once that is confirmed."""
        return self.kick_after if self.kick_confirmation else None

    @property
    def is_timed(self) -> bool:
        """Whether anything happens to members who don't verify."""
        return self.remind_after is not None or self.kick_deadline is not None
