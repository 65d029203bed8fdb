"""Reads a form that is sent as a whole and not page by page, such as over the API; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.core.errors import FieldError, InvalidInput
from bot.core.i18n import Message, _
from bot.core.settings.validation import from_field_errors, pointer_to
from cogs.tickets.form import asked_on, next_page, read_answers
from cogs.tickets.panel import Panel
from cogs.tickets.questions import Kind, Question

_TEXTS = frozenset({Kind.LINE, Kind.PARAGRAPH})
_NAMING = frozenset({Kind.ROLE, Kind.CHANNEL, Kind.USER})
_LONGEST_ID = 19


def read_form(panel: Panel, given: Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
    """Return the answers as a ticket keeps them; files can't be sent so, and are not asked for.

    Raises `InvalidInput` with an error below `/answers` for each question that is answered wrongly,
    and for each key that is no question of the form as it is filled in.
    """
    answers: dict[str, Any] = {}
    asked: set[str] = set()
    page = next_page(panel, {})
    while page is not None:
        questions = [one for one in asked_on(panel, page, answers) if one.kind is not Kind.FILE]
        asked |= {one.key for one in questions}
        answers |= _read_page(questions, given)
        page = next_page(panel, answers, page)
    if unknown := [key for key in given if key not in asked]:
        raise _refusal((key, _("The form does not ask this.")) for key in unknown)
    return answers


def _read_page(
    questions: Sequence[Question], given: Mapping[str, str | Sequence[str]]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    wrong: list[tuple[str, Message]] = []
    for one in questions:
        value = given.get(one.key)
        if one.kind in _TEXTS and value is not None and not isinstance(value, str):
            wrong.append((one.key, _("This is answered with a text.")))
            continue
        values[one.key] = [value] if isinstance(value, str) and one.kind not in _TEXTS else value
        if one.kind in _NAMING and not all(map(_is_id, values[one.key] or ())):
            wrong.append((one.key, _("This is answered with IDs.")))
    if wrong:
        raise _refusal(wrong)
    try:
        return read_answers(questions, values)
    except InvalidInput as error:
        raise _refusal((one.pointer.lstrip("/"), one.message) for one in error.errors) from error


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID


def _refusal(
    wrong: Iterator[tuple[str, Message]] | Sequence[tuple[str, Message]],
) -> InvalidInput:
    errors = [FieldError(pointer_to(["answers", key]), message) for key, message in wrong]
    return from_field_errors(errors, {})
