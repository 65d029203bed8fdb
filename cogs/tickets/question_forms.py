"""The forms in which admins write questions and routes, and what filled-in ones stand for.

What does not fit is refused by the panel's model.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.errors import FieldError, InvalidInput
from bot.core.i18n import _
from bot.forms import Input, Question, Values
from cogs.tickets import form_editing as editing
from cogs.tickets.panel import Panel, Priority, Route, name_key
from cogs.tickets.questions import CHOOSING, KINDS, Kind
from cogs.tickets.questions import Question as Asked
from cogs.tickets.wording import PRIORITIES

_MAX_CHOICES = 25
# All choices of a question by their words, and the question.
_LONGEST_CONDITION = 3000


def question_form(question: Asked | None, locale: str) -> Question:
    """Return the form of a question, filled in with one that is there already."""
    kinds = [(str(key), _(title).render(locale)) for key, title in KINDS.items()]
    chosen = question.kind.value if question else Kind.LINE.value
    return Question(
        _("Question"),
        [
            Input("kind", _("Answered with"), value=(chosen,), kind="choices", choices=kinds),
            Input(
                "label",
                _("Question"),
                value=question.label if question else "",
                longest=45,
                required=True,
            ),
            Input(
                "description",
                _("Explanation"),
                value=question.description if question else "",
                longest=100,
            ),
            Input(
                "choices",
                _("Choices"),
                _("One a line, Label | description; for questions with choices"),
                value=editing.write_choices(question.choices) if question else "",
                kind="paragraph",
                longest=4000,
            ),
            Input(
                "required",
                _("Has to be answered"),
                value=("yes" if question is None or question.required else "no",),
                kind="choices",
                choices=[("yes", _("Yes").render(locale)), ("no", _("No").render(locale))],
            ),
        ],
    )


def place_form(panel: Panel, question: Asked) -> Question:
    """Return the form of what a question is beside its words: where, when, how much."""
    page, position = editing.place_of(panel, question.key)
    lengths = f"{question.shortest}-{question.longest}"
    inputs = [
        Input("page", _("Page"), value=str(page), longest=2, required=True),
        Input("position", _("Position"), value=str(position), longest=2, required=True),
        Input(
            "when",
            _("Only when"),
            _("An earlier question and its choices: Kind: Bug, Other"),
            value=editing.write_condition(question.when, panel),
            longest=_LONGEST_CONDITION,
        ),
        Input("lengths", _("Characters"), value=lengths, longest=9, required=True),
        Input(
            "most",
            _("How many may be chosen or sent"),
            value=str(question.most),
            longest=2,
            required=True,
        ),
    ]
    return Question(_("Place and condition"), inputs)


def words_form(panel: Panel, question: Asked) -> Question:
    """Return the form of the words around a question: in its empty field, above its page."""
    page, _position = editing.place_of(panel, question.key)
    inputs = [
        Input(
            "placeholder",
            _("Shown while it is empty"),
            _("For texts and menus"),
            value=question.placeholder,
            longest=100,
        ),
        Input(
            "title",
            _("Title of page {number}", number=page),
            _("Empty: the panel's name"),
            value=panel.pages[page - 1].title,
            longest=45,
        ),
    ]
    return Question(_("Placeholder and title"), inputs)


def route_form(
    panel: Panel, panels: Sequence[str], locale: str, route: Route | None = None
) -> Question:
    """Return the form of a route, to one of the other `panels` or to something else."""
    priority = (route.priority.value,) if route and route.priority else ()
    inputs = [
        Input(
            "when",
            _("When"),
            _("A question and its choices: Kind: Bug, Other"),
            value=editing.write_condition(route.when, panel) if route else "",
            longest=_LONGEST_CONDITION,
            required=True,
        ),
        *_panel_input(panels, (route and route.panel) or ""),
        Input(
            "roles",
            _("Further staff"),
            value=tuple(str(one) for one in route.staff_roles) if route else (),
            kind="roles",
            most=10,
        ),
        Input(
            "priority",
            _("Priority"),
            value=priority,
            kind="choices",
            choices=[(str(key), _(title).render(locale)) for key, title in PRIORITIES.items()],
        ),
        Input(
            "labels",
            _("Labels"),
            _("With commas between them"),
            value=", ".join(route.labels) if route else "",
            longest=150,
        ),
    ]
    return Question(_("Route by an answer"), inputs)


def _panel_input(panels: Sequence[str], chosen: str) -> list[Input]:
    """Return the input of where a route leads; none where there is no other panel."""
    if len(panels) > _MAX_CHOICES:
        return [Input("panel", _("Panel"), _("Its name"), value=chosen, longest=45)]
    known = next((one for one in panels if name_key(one) == name_key(chosen)), None)
    choices = [(one, one) for one in panels]
    value = (known,) if known else ()
    return [Input("panel", _("Panel"), value=value, kind="choices", choices=choices)][: len(panels)]


def with_new(panel: Panel, values: Values) -> Panel:
    """Return the panel with the question that a form describes."""
    taken = {one.key for one in panel.questions}
    key = editing.make_key(values["label"], taken)
    return editing.with_question(panel, changed(Asked(key=key, label="-"), values))


def changed(question: Asked, values: Values) -> Asked:
    """Return a question as its form describes it."""
    kind = Kind(values["kind"][0]) if values["kind"] else question.kind
    choices = editing.read_choices(values["choices"], question.choices)
    if kind not in CHOOSING and choices and choices != question.choices:
        message = _("Pick a menu, one of some or any of some choices: other questions have none.")
        raise InvalidInput(message, errors=(FieldError("/kind", message),))
    return question.model_copy(
        update={
            "kind": kind,
            "label": values["label"].strip(),
            "description": values["description"].strip(),
            "choices": choices if kind in CHOOSING else (),
            "required": not values["required"] or values["required"][0] == "yes",
            "most": len(choices) if kind is Kind.CHECKBOXES and choices else question.most,
        }
    )


def placed(panel: Panel, key: str, values: Values) -> Panel:
    """Return the panel with a question where its form puts it."""
    page, position, most = (_count(values[name]) for name in ("page", "position", "most"))
    panel = editing.moved(panel, key, page, position)
    when = editing.read_condition(values["when"], panel, key)
    shortest, longest = editing.read_lengths(values["lengths"])
    update = {"when": when, "shortest": shortest, "longest": longest, "most": most}
    return editing.with_changed(panel, key, lambda one: one.model_copy(update=update))


def worded(panel: Panel, key: str, values: Values) -> Panel:
    """Return the panel with the words around a question that its form says."""
    placeholder = values["placeholder"].strip()
    panel = editing.with_title(panel, key, values["title"].strip())
    return editing.with_changed(
        panel, key, lambda one: one.model_copy(update={"placeholder": placeholder})
    )


def _count(text: str) -> int:
    return int(text) if text.strip().isascii() and text.strip().isdecimal() else 0


def with_route(
    panel: Panel, values: Values, panels: Sequence[str], index: int | None = None
) -> Panel:
    """Return the panel with the route that a form describes, at its end or in another's place.

    `panels` are those it may name.
    """
    condition = editing.read_condition(values["when"], panel, None)
    assert condition is not None  # noqa: S101 - the form asks for it
    route = Route(
        when=condition,
        panel=editing.panel_named(values.get("panel"), panels),
        staff_roles=tuple(int(one) for one in values["roles"]),
        priority=Priority(values["priority"][0]) if values["priority"] else None,
        labels=tuple(one.strip() for one in values["labels"].split(",") if one.strip()),
    )
    if not (route.panel or route.staff_roles or route.priority or route.labels):
        raise InvalidInput(
            _("This route leads to nothing."),
            hint=_("Choose a panel, staff, a priority or labels."),
        )
    return editing.with_route(panel, route, index)
