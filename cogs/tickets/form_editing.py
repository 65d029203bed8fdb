"""Changes to a panel's form, as its editor makes them; pure.

Choices are written one a line, `Label | description`, and keep their keys as long as their labels
stay: conditions and routes hang on them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence

from bot.core.errors import FieldError, InvalidInput
from bot.core.fields.text import quote, shorten
from bot.core.i18n import _
from cogs.tickets.doubles import doubled_choice
from cogs.tickets.panel import MOST_PAGES, Panel, Route, name_key
from cogs.tickets.questions import (
    CHOOSING,
    MOST_CHOICES,
    MOST_QUESTIONS,
    Choice,
    Condition,
    Page,
    Question,
)

# Of an answer, which has up to two thousand characters.
_LONGEST_OFFER = 1000
_LENGTHS = re.compile(r"(\d{1,4})\s*-\s*(\d{1,4})")


def make_key(label: str, taken: Collection[str]) -> str:
    """Return a key for a label that no other has."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^a-z0-9]+", "_", plain.casefold()).strip("_")[:24] or "q"
    key, number = stem, 1
    while key in taken:
        number += 1
        key = f"{stem}_{number}"
    return key


def read_choices(text: str, known: Sequence[Choice] = ()) -> tuple[Choice, ...]:
    """Return the choices of lines such as `Label | description`; raises `InvalidInput`."""
    keys = {one.label: one.value for one in known}
    found: list[Choice] = []
    for line in filter(None, (one.strip() for one in text.splitlines())):
        label, _bar, description = (one.strip() for one in line.partition("|"))
        if not 0 < len(label) <= 100 or len(description) > 100:
            raise InvalidInput(
                _("{line} is no choice.", line=quote(line[:60])),
                hint=_("Label and description have up to 100 characters each."),
            )
        taken = {*keys.values(), *(one.value for one in found)}
        value = keys.pop(label, None) or make_key(label, taken)
        found.append(Choice(value=value, label=label, description=description))
    if (twice := doubled_choice([one.label for one in found])) is not None:
        message = _("{choice} is there twice.", choice=quote(twice))
        raise InvalidInput(message, errors=(FieldError("/choices", message),))
    if len(found) > MOST_CHOICES:
        raise InvalidInput(_("A question has at most {count} choices.", count=MOST_CHOICES))
    return tuple(found)


def write_choices(choices: Sequence[Choice]) -> str:
    """Return choices as `read_choices` reads them."""
    return "\n".join(
        f"{one.label} | {one.description}" if one.description else one.label for one in choices
    )


def read_lengths(text: str) -> tuple[int, int]:
    """Return the bounds of a text such as `10-200`; raises `InvalidInput`."""
    match = _LENGTHS.fullmatch(text.strip())
    if match is None:
        raise InvalidInput(
            _("{text} is no range.", text=quote(text[:20])), hint=_("Write it like 10-200.")
        )
    return int(match[1]), int(match[2])


def read_condition(text: str, panel: Panel, before: str | None) -> Condition | None:
    """Return the condition that `question: choice, choice` names by labels or keys; none if empty.

    Only questions that come before the one with the key `before` can be named.
    """
    if not text.strip():
        return None
    question, rest = _find_question(panel, text, before)
    return Condition(question=question.key, values=_chosen_of(question, rest))


def _find_question(panel: Panel, text: str, before: str | None) -> tuple[Question, str]:
    """Return the question that a condition begins with, and what follows the colon.

    A question's own words may have colons in them: the longest that fit are meant.
    """
    plain, found = _plain(text), dict[str, tuple[Question, str]]()
    for one in panel.questions:
        if one.key == before:
            break
        for name in (_plain(one.label), one.key) if one.kind in CHOOSING else ():
            if match := re.fullmatch(rf"{re.escape(name)} ?: ?(.*)", plain):
                found[name] = one, match[1]
    if found:
        return found[max(found, key=len)]
    raise InvalidInput(
        _(
            "No earlier question with choices is called {name}.",
            name=quote(text.partition(":")[0].strip()[:60]),
        ),
        hint=_("Write it like Kind: Bug, Other."),
    )


def _chosen_of(question: Question, text: str) -> tuple[str, ...]:
    """Return the choices that are named with commas between them; their words may have some."""
    offered = {_plain(one.label): one.value for one in question.choices}
    offered |= {one.value: one.value for one in question.choices}
    names = "|".join(re.escape(one) for one in sorted(offered, key=len, reverse=True))
    found: list[str] = []
    while text := text.strip(", "):
        match = re.match(rf"({names}) ?(?:,|$)", text)
        if match is None:
            found.clear()
            break
        found.append(offered[match[1]])
        text = text[match.end() :]
    if not found:
        labels = ", ".join(one.label for one in question.choices)
        raise InvalidInput(
            _("{question} does not offer that.", question=quote(question.label)),
            hint=_("It offers: {choices}.", choices=shorten(labels, _LONGEST_OFFER)),
        )
    return tuple(dict.fromkeys(found))


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def write_condition(condition: Condition | None, panel: Panel) -> str:
    """Return a condition as `read_condition` reads it."""
    if condition is None:
        return ""
    for one in panel.questions:
        if one.key == condition.question:
            labels = {it.value: it.label for it in one.choices}
            return f"{one.label}: {', '.join(labels.get(it, it) for it in condition.values)}"
    return ""


# --- questions -----------------------------------------------------------------------------------


def with_question(panel: Panel, question: Question) -> Panel:
    """Return the panel with one more question, on the last page that has a place."""
    pages = list(panel.pages)
    if pages and len(pages[-1].questions) < MOST_QUESTIONS:
        last = pages[-1]
        pages[-1] = last.model_copy(update={"questions": (*last.questions, question)})
    elif len(pages) < MOST_PAGES:
        pages.append(Page(questions=(question,)))
    else:
        raise InvalidInput(
            _("A form has at most {count} questions.", count=MOST_PAGES * MOST_QUESTIONS)
        )
    return panel.model_copy(update={"pages": tuple(pages)})


def with_changed(panel: Panel, key: str, make: Callable[[Question], Question]) -> Panel:
    """Return the panel with one question changed."""
    pages = [
        page.model_copy(
            update={
                "questions": tuple(make(one) if one.key == key else one for one in page.questions)
            }
        )
        for page in panel.pages
    ]
    return panel.model_copy(update={"pages": tuple(pages)})


def hanging_on(panel: Panel, key: str) -> tuple[Sequence[Question], Sequence[Route]]:
    """Return the questions whose condition is about another one, and the routes by its answer."""
    questions = [one for one in panel.questions if one.when and one.when.question == key]
    return questions, [one for one in panel.routes if one.when.question == key]


def without_question(panel: Panel, key: str) -> Panel:
    """Return the panel without a question, and without what hangs on it."""
    pages: list[Page] = []
    for page in panel.pages:
        rest = tuple(_freed(one, key) for one in page.questions if one.key != key)
        if rest:
            pages.append(page.model_copy(update={"questions": rest}))
    routes = tuple(one for one in panel.routes if one.when.question != key)
    return panel.model_copy(update={"pages": tuple(pages), "routes": routes})


def _freed(question: Question, key: str) -> Question:
    if question.when is None or question.when.question != key:
        return question
    return question.model_copy(update={"when": None})


def moved(panel: Panel, key: str, page_number: int, position: int) -> Panel:
    """Return the panel with a question on another page (from 1), at a position (from 1)."""
    question = next(one for one in panel.questions if one.key == key)
    pages = [[one for one in page.questions if one.key != key] for page in panel.pages]
    if not 1 <= page_number <= min(len(pages) + 1, MOST_PAGES):
        raise InvalidInput(_("There is no page {number}.", number=page_number))
    if page_number > len(pages):
        pages.append([])
    pages[page_number - 1].insert(max(position - 1, 0), question)
    if len(pages[page_number - 1]) > MOST_QUESTIONS:
        raise InvalidInput(_("A page has at most {count} questions.", count=MOST_QUESTIONS))
    titles = [one.title for one in panel.pages] + [""]
    kept = [
        Page(title=title, questions=tuple(questions))
        for title, questions in zip(titles, pages, strict=False)
        if questions
    ]
    return panel.model_copy(update={"pages": tuple(kept)})


def with_title(panel: Panel, key: str, title: str) -> Panel:
    """Return the panel with a title on the page of a question."""
    number, _position = place_of(panel, key)
    pages = list(panel.pages)
    pages[number - 1] = pages[number - 1].model_copy(update={"title": title})
    return panel.model_copy(update={"pages": tuple(pages)})


def place_of(panel: Panel, key: str) -> tuple[int, int]:
    """Return a question's page and position, both from 1."""
    for number, page in enumerate(panel.pages, 1):
        for position, one in enumerate(page.questions, 1):
            if one.key == key:
                return number, position
    raise KeyError(key)


# --- routes --------------------------------------------------------------------------------------


def panel_named(entered: str | Sequence[str] | None, panels: Sequence[str]) -> str | None:
    """Return the panel that was chosen, or written where there are too many to choose from."""
    name = entered if isinstance(entered, str) else next(iter(entered or ()), "")
    if not name.strip():
        return None
    found = next((one for one in panels if name_key(one) == name_key(name)), None)
    if found is None:
        raise InvalidInput(
            _("There is no kind of ticket called {name}.", name=quote(name)),
            hint=_("/ticket panel list shows them all."),
        )
    return found


def with_route(panel: Panel, route: Route, index: int | None = None) -> Panel:
    """Return the panel with one more route, or this in the place of another.

    Raises `InvalidInput` for one that it has.
    """
    routes = list(panel.routes)
    place = slice(len(routes), None) if index is None else slice(index, index + 1)
    routes[place] = [route]
    if routes.count(route) > 1:
        raise InvalidInput(_("There is this very route already."))
    return panel.model_copy(update={"routes": tuple(routes)})


def leads_to(panel: Panel, name: str) -> bool:
    """Tell whether an answer leads to the panel of that name."""
    return any(one.panel and name_key(one.panel) == name_key(name) for one in panel.routes)


def with_target(panel: Panel, old: str, new: str) -> Panel:
    """Return the panel with its routes to one name leading to another."""
    routes = tuple(
        one.model_copy(update={"panel": new})
        if one.panel and name_key(one.panel) == name_key(old)
        else one
        for one in panel.routes
    )
    return panel.model_copy(update={"routes": routes})


def lost_targets(panel: Panel, names: Collection[str]) -> Iterator[tuple[int, str]]:
    """Yield the routes that lead to none of the panels that there are, with the name they have."""
    known = {panel.name, *names}
    keys = {name_key(one) for one in known}
    for number, one in enumerate(panel.routes):
        if one.panel and name_key(one.panel) not in keys:
            yield number, one.panel


def without_target(panel: Panel, name: str) -> Panel:
    """Return the panel with no route to a name; one that does nothing else is gone."""
    routes = [
        one.model_copy(update={"panel": None})
        if one.panel and name_key(one.panel) == name_key(name)
        else one
        for one in panel.routes
    ]
    left = tuple(
        one for one in routes if one.panel or one.staff_roles or one.priority or one.labels
    )
    return panel.model_copy(update={"routes": left})


def without_route(panel: Panel, index: int) -> Panel:
    """Return the panel without a route."""
    rest = tuple(one for number, one in enumerate(panel.routes) if number != index)
    return panel.model_copy(update={"routes": rest})
