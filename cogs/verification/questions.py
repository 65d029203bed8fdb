"""The form's questions: read from the lines that admins write, and answers judged by them. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.core.errors import InvalidInput
from bot.core.i18n import _

# A form's label and its description: https://discord.com/developers/docs/components/reference
LONGEST_LABEL = 45
LONGEST_QUESTION = 100
LONGEST_ANSWER = 300


class Verdict(StrEnum):
    """What the answers to a form are worth."""

    RIGHT = "right"
    WRONG = "wrong"
    # No accepted answers are known for some of them.
    FOR_STAFF = "for_staff"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what is accepted, already simplified; with nothing accepted staff judge."""

    text: str
    accepted: frozenset[str] = frozenset()


def read_questions(lines: Sequence[str]) -> tuple[Question, ...]:
    """Return the questions of lines such as "What colour is the sky? = blue | light blue".

    Raises `InvalidInput` for a question that is empty or too long, and for an `=` without answers.
    """
    return tuple(_read_line(number, line) for number, line in enumerate(lines, 1))


def _read_line(number: int, line: str) -> Question:
    text, sign, answers = line.partition("=")
    text = " ".join(text.split())
    if not 0 < len(text) <= LONGEST_QUESTION:
        raise InvalidInput(
            _(
                "Question {number} has {length} characters; 1 to {maximum} fit.",
                number=number,
                length=len(text),
                maximum=LONGEST_QUESTION,
            )
        )
    accepted = frozenset(simplify(one) for one in answers.split("|")) - {""}
    if sign and not accepted:
        raise InvalidInput(
            _("Question {number} has a = but no answer after it.", number=number),
            hint=_("Leave the = away if staff are to judge the answer."),
        )
    return Question(text, accepted)


def simplify(answer: str) -> str:
    """Return an answer as it is compared: without case, accents, punctuation and extra spaces."""
    decomposed = unicodedata.normalize("NFKD", answer.casefold())
    letters = "".join(one for one in decomposed if not unicodedata.combining(one))
    kept = "".join(one if one.isalnum() else " " for one in letters)
    # An answer of signs alone, such as ":)", is compared as it is.
    return " ".join(kept.split()) or " ".join(letters.split())


def judge(questions: Sequence[Question], answers: Sequence[str]) -> Verdict:
    """Return what the answers are worth; one that is missing is wrong."""
    padded = [*answers, *[""] * len(questions)]
    pairs = [(one, simplify(text)) for one, text in zip(questions, padded, strict=False)]
    if any(not text or (one.accepted and text not in one.accepted) for one, text in pairs):
        return Verdict.WRONG
    return Verdict.RIGHT if all(one.accepted for one, _text in pairs) else Verdict.FOR_STAFF
