"""What admins enter in the forms of a panel, input by input, and what is wrong by its label."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from bot.core.durations import parse_duration
from bot.core.errors import FieldError, InvalidInput
from bot.core.i18n import Message, _
from bot.forms import Input, Values
from cogs.tickets.hours import read_hours

_T = TypeVar("_T")

# The inputs of a panel's fields that bear other names than those.
_INPUTS: Mapping[str, str] = {
    "parent_id": "parent",
    "overflow_ids": "overflow",
    "log_channel_id": "log",
    "staff_roles": "staff",
    "ping_roles": "ping",
    "required_roles": "required",
    "blocked_roles": "blocked",
    "outside_hours": "outside",
    "inactive_after": "inactive",
    "unanswered_after": "unanswered",
    "on_leave": "leave",
    "opener_may_close": "opener",
    "remind_after": "remind",
    "escalate_after": "escalate",
    "escalate_roles": "roles",
    "lead_after": "lead",
    "shortest": "lengths",
    "longest": "lengths",
}


class Entered:
    """The inputs of one form; what can't be read is noted, for `done` to raise all of it."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._errors: list[FieldError] = []

    def __getitem__(self, name: str) -> Any:
        """Return what was entered as it is."""
        return self._values[name]

    def span(self, name: str) -> int | None:
        """Return a duration in seconds; nothing for an empty input."""
        return self._read(name, lambda text: round(parse_duration(text).total_seconds()))

    def number(self, name: str) -> int | None:
        """Return a whole number; nothing for an empty input."""
        return self._read(name, _whole)

    def hours(self, name: str) -> list[dict[str, Any]]:
        """Return opening hours as the panel's model takes them."""
        found = self._read(name, read_hours) or ()
        return [one.model_dump(mode="json") for one in found]

    def done(self) -> None:
        """Raise `InvalidInput` with all that could not be read."""
        if self._errors:
            raise InvalidInput(self._errors[0].message, errors=tuple(self._errors))

    def _read(self, name: str, read: Callable[[str], _T]) -> _T | None:
        text = str(self._values[name]).strip()
        try:
            return read(text) if text else None
        except InvalidInput as error:
            parts = {"problem": error.message, "hint": error.hint or ""}
            shape = "{problem} {hint}" if error.hint else "{problem}"
            self._errors.append(FieldError(f"/{name}", Message(shape, parts)))
            return None


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise InvalidInput(_("{text} is not a whole number.", text=text[:20]))
    return int(text[:9])


def named(error: InvalidInput, inputs: Sequence[Input]) -> InvalidInput:
    """Return the error with all that is wrong, each after the label of its input in a form."""
    labels = {one.name: one.label for one in inputs}
    lines = [_line(one, labels) for one in error.errors]
    if not lines:
        return error
    if len(lines) == 1:
        return InvalidInput(lines[0], errors=error.errors, hint=error.hint)
    shown = {f"line{number}": one for number, one in enumerate(lines)}
    text = "\n".join(f"- {{{name}}}" for name in shown)
    return InvalidInput(Message(text, shown), errors=error.errors)


def _line(error: FieldError, labels: Mapping[str, Message]) -> Message:
    for part in error.pointer.split("/"):
        name = _INPUTS.get(part, part)
        if name in labels:
            return _("{field}: {problem}", field=labels[name], problem=error.message)
    return error.message
