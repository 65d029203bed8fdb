"""What bears the same words twice in a form, so that nobody could tell one from the other; pure.

The panel's model takes it: panels that are kept already may have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from bot.core.errors import FieldError, InvalidInput
from bot.core.fields.text import quote
from bot.core.i18n import Message, _
from cogs.tickets.panel import Panel, name_key
from cogs.tickets.questions import Question

# By what is twice: the question's words, or the question's key and the choice's words.
Doubles = Mapping[tuple[str, ...], FieldError]


def find_doubles(panel: Panel) -> Doubles:
    """Return what is wrong, by what is there twice."""
    found: dict[tuple[str, ...], FieldError] = {}
    count = Counter(name_key(one.label) for one in panel.questions)
    for place, one in _placed(panel):
        if count[name_key(one.label)] > 1:
            text = _("Two questions are called {name}.", name=quote(one.label))
            found[name_key(one.label),] = FieldError(f"{place}/label", text)
        if (twice := doubled_choice([it.label for it in one.choices])) is not None:
            found[one.key, name_key(twice)] = FieldError(f"{place}/choices", _twice(one, twice))
    return found


def _placed(panel: Panel) -> Iterator[tuple[str, Question]]:
    for page, one in enumerate(panel.pages):
        for position, question in enumerate(one.questions):
            yield f"/pages/{page}/questions/{position}", question


def doubled_choice(labels: list[str]) -> str | None:
    """Return the first label that is there twice, whatever its case."""
    seen: set[str] = set()
    for one in labels:
        if name_key(one) in seen:
            return one
        seen.add(name_key(one))
    return None


def _twice(question: Question, label: str) -> Message:
    return _(
        "{choice} is twice among the choices of {question}.",
        choice=quote(label),
        question=quote(question.label),
    )


def refuse_doubles(panel: Panel, before: Panel | None = None) -> None:
    """Raise `InvalidInput` for what is there twice and was not so `before`."""
    known = find_doubles(before) if before is not None else {}
    new = [error for what, error in find_doubles(panel).items() if what not in known]
    if new:
        hint = _("Give each its own words: answers, conditions and routes are told apart by them.")
        raise InvalidInput(new[0].message, errors=tuple(new), hint=hint)
