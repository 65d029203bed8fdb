"""Forms: what is asked next, what an answer has to be, and what answers lead to; pure.

Answers are kept by the questions' keys: a text, or a list of choices' values, of ids as strings, or
of files (`{"id", "filename", "size", "content_type", "url"}`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.core.errors import FieldError, InvalidInput
from bot.core.fields.text import quote
from bot.core.i18n import Message, _
from cogs.tickets.attachments import size_text
from cogs.tickets.panel import Panel, Priority
from cogs.tickets.questions import CHOOSING, Condition, Kind, Question

LARGEST_FILE = 25 * 1024 * 1024
# What surrounds a file when it is sent.
_AROUND_FILE = 64 * 1024

_ORDER = list(Priority)
_MENTIONS = {Kind.ROLE: "<@&{}>", Kind.CHANNEL: "<#{}>", Kind.USER: "<@{}>"}


@dataclass(frozen=True, slots=True)
class Routed:
    """What the answers lead to, beside what the panel says."""

    panel_name: str | None = None
    staff_roles: tuple[int, ...] = ()
    priority: Priority | None = None
    labels: tuple[str, ...] = ()


def is_met(condition: Condition | None, answers: Mapping[str, Any]) -> bool:
    """Tell whether an earlier question was answered with one of the condition's choices."""
    if condition is None:
        return True
    return not set(condition.values).isdisjoint(_values(answers.get(condition.question)))


def _values(answer: Any) -> Sequence[Any]:
    if answer is None or answer == "":
        return ()
    return answer if isinstance(answer, list | tuple) else (answer,)


def keep_asked(panel: Panel, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers to what is asked, without those that an earlier answer has made moot.

    What was answered before the question became another, such as one for a file, is not there.
    """
    kept: dict[str, Any] = {}
    for page in panel.pages:
        found = {
            one.key: answers[one.key]
            for one in page.questions
            if one.key in answers and is_met(one.when, kept) and _answers(one, answers[one.key])
        }
        kept |= found
    return kept


def _answers(question: Question, answer: Any) -> bool:
    """Tell whether an answer is of the kind that a question asks for."""
    if question.kind in (Kind.LINE, Kind.PARAGRAPH):
        return isinstance(answer, str)
    if isinstance(answer, str):
        return False
    if question.kind is Kind.FILE:
        return all(isinstance(one, Mapping) for one in answer)
    if question.kind in CHOOSING:
        return {one.value for one in question.choices}.issuperset(map(str, answer))
    return all(str(one).isdecimal() for one in answer)


def asked_on(panel: Panel, page: int, answers: Mapping[str, Any]) -> list[Question]:
    """Return the questions of a page that the answers so far leave to be asked."""
    kept = keep_asked(panel, answers)
    earlier = {one.key for it in panel.pages[:page] for one in it.questions}
    known = {key: value for key, value in kept.items() if key in earlier}
    return [one for one in panel.pages[page].questions if is_met(one.when, known)]


def next_page(panel: Panel, answers: Mapping[str, Any], after: int = -1) -> int | None:
    """Return the next page on which something is asked; `None` when the form is filled in."""
    for page in range(after + 1, len(panel.pages)):
        if asked_on(panel, page, answers):
            return page
    return None


def largest_file(largest_upload: int) -> int:
    """Return how large a form's file may be, for it to be kept and shown in the room."""
    return min(LARGEST_FILE, largest_upload - _AROUND_FILE)


def read_answers(
    questions: Sequence[Question], values: Mapping[str, Any], *, largest: int = LARGEST_FILE
) -> dict[str, Any]:
    """Return what was entered on a page as it is kept; raises `InvalidInput` by question.

    `largest` is how large a file may be. Discord has checked most of the rest already, but not with
    the panel as it is now.
    """
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    for one in questions:
        answer = _read(one, values.get(one.key))
        if (problem := _problem(one, answer, largest)) is not None:
            errors.append(FieldError(f"/{one.key}", problem))
        elif answer not in ("", []):
            found[one.key] = answer
    if errors:
        raise InvalidInput(errors[0].message, errors=tuple(errors))
    return found


def _read(question: Question, value: Any) -> Any:
    if question.kind in (Kind.LINE, Kind.PARAGRAPH):
        return str(value or "").strip()
    if question.kind is Kind.FILE:
        return [dict(one) for one in value or ()]
    return [str(one) for one in value or ()]


def _problem(question: Question, answer: Any, largest: int) -> Message | None:
    if not answer:
        return _("{label}: this is needed.", label=question.label) if question.required else None
    if isinstance(answer, str):
        fits = question.shortest <= len(answer) <= question.longest
        return (
            None
            if fits
            else _(
                "{label}: {least} to {most} characters, please.",
                label=question.label,
                least=question.shortest,
                most=question.longest,
            )
        )
    if len(answer) > most_of(question):
        return _("{label}: at most {most}, please.", label=question.label, most=most_of(question))
    if question.kind in CHOOSING:
        offered = {one.value for one in question.choices}
        return (
            None
            if offered.issuperset(answer)
            else _("{label}: that is not on offer any more.", label=question.label)
        )
    if question.kind is Kind.FILE:
        return _too_large(question, answer, largest)
    return None


def _too_large(
    question: Question, files: Sequence[Mapping[str, Any]], largest: int
) -> Message | None:
    for one in files:
        if one["size"] > largest:
            return _(
                "{label}: {name} has {size}, and at most {most} fit here. Send a smaller one, or a "
                "link to it.",
                label=question.label,
                name=quote(str(one["filename"])),
                size=size_text(one["size"]),
                most=size_text(largest),
            )
    return None


def most_of(question: Question) -> int:
    """Return how many a question may be answered with."""
    if question.kind is Kind.RADIO:
        return 1
    if question.kind in CHOOSING:
        return min(question.most, len(question.choices))
    return question.most


def route(panel: Panel, answers: Mapping[str, Any]) -> Routed:
    """Return what the answers lead to.

    Where several routes apply, the last panel and the highest priority count, and staff and labels
    add up.
    """
    kept = keep_asked(panel, answers)
    taken = [one for one in panel.routes if is_met(one.when, kept)]
    priorities = [one.priority for one in taken if one.priority is not None]
    names = [one.panel for one in taken if one.panel is not None]
    return Routed(
        panel_name=names[-1] if names else None,
        staff_roles=tuple(dict.fromkeys(it for one in taken for it in one.staff_roles)),
        priority=max(priorities, key=_ORDER.index, default=None),
        labels=tuple(dict.fromkeys(it for one in taken for it in one.labels)),
    )


def told(panel: Panel, answers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the answers as a ticket keeps them, with what people read in `shown`."""
    kept = keep_asked(panel, answers)
    return [
        {
            "key": one.key,
            "label": one.label,
            "kind": one.kind.value,
            "value": kept[one.key],
            "shown": _shown(one, kept[one.key]),
        }
        for one in panel.questions
        if one.key in kept
    ]


def _shown(question: Question, answer: Any) -> list[str]:
    values = _values(answer)
    if question.kind in _MENTIONS:
        return [_MENTIONS[question.kind].format(one) for one in values]
    if question.kind is Kind.FILE:
        return [str(one["filename"]) for one in values]
    labels = {one.value: one.label for one in question.choices}
    return [labels.get(str(one), str(one)) for one in values]
