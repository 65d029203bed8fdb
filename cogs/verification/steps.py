"""What comes back to somebody at the gate: a word, a form, or something to read; values."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.i18n import Message
from cogs.verification.questions import Question


@dataclass(frozen=True, slots=True)
class Told:
    """Words alone; what was asked before is over."""

    text: Message
    passed: bool = False


@dataclass(frozen=True, slots=True)
class AskForm:
    """The form's questions, to be answered under the token."""

    token: str
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class AskPicture:
    """The letters to draw; `note` says what went wrong before, `words` whether they can be had."""

    token: str
    letters: str
    note: Message | None = None
    words: bool = True


@dataclass(frozen=True, slots=True)
class AskWords:
    """A question in words; `note` says what went wrong before."""

    token: str
    text: Message
    note: Message | None = None


Answer = Told | AskForm | AskPicture | AskWords
