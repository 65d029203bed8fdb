"""Changes to forms: nothing is there twice, and what is written is read as it was meant."""

from __future__ import annotations

import pytest

from bot.core.errors import InvalidInput
from cogs.tickets import form_editing as editing
from cogs.tickets.doubles import refuse_doubles
from cogs.tickets.panel import Condition, Panel


def test_a_choice_is_there_once() -> None:
    with pytest.raises(InvalidInput, match="is there twice"):
        editing.read_choices("Bug\nOther\nbug")
    known = editing.read_choices("Bug\nOther")
    with pytest.raises(InvalidInput, match="is there twice"):
        editing.read_choices("Bug\nBug", known)


def test_what_is_there_twice_is_refused_unless_it_was_so() -> None:
    twice = [{"value": "a", "label": "Bug"}, {"value": "b", "label": "bug "}]
    one = {"key": "kind", "label": "Kind", "kind": "radio", "choices": twice}
    other = {"key": "again", "label": "kind"}
    panel = Panel.model_validate({"name": "Help", "pages": [{"questions": [one, other]}]})
    with pytest.raises(InvalidInput) as caught:
        refuse_doubles(panel)
    pointers = [it.pointer for it in caught.value.errors]
    assert pointers == ["/pages/0/questions/1/label", "/pages/0/questions/0/choices"]
    refuse_doubles(panel, panel)
    third = panel.model_copy(update={"pages": (*panel.pages, panel.pages[0])})
    refuse_doubles(third, panel)


@pytest.mark.parametrize(
    ("label", "choice"), [("Kind", "Yes, please"), ("Kind: which?", "Bug"), ("A: b", "x, y: z")]
)
def test_words_with_commas_and_colons_are_read_as_they_are_written(label: str, choice: str) -> None:
    choices = [{"value": "a", "label": choice}, {"value": "b", "label": "Bug, or"}]
    one = {"key": "kind", "label": label, "kind": "radio", "choices": choices}
    panel = Panel.model_validate({"name": "Help", "pages": [{"questions": [one]}]})
    both = Condition(question="kind", values=("a", "b"))
    assert editing.read_condition(editing.write_condition(both, panel), panel, None) == both


def test_what_hangs_on_a_question_is_known_before_it_is_removed() -> None:
    choices = [{"value": "a", "label": "A"}, {"value": "b", "label": "B"}]
    when = {"question": "kind", "values": ["a"]}
    panel = Panel.model_validate(
        {
            "name": "Help",
            "pages": [
                {"questions": [{"key": "kind", "label": "K", "kind": "radio", "choices": choices}]},
                {"questions": [{"key": "why", "label": "Why", "when": when}]},
            ],
            "routes": [{"when": when, "labels": ["x"]}],
        }
    )
    questions, routes = editing.hanging_on(panel, "kind")
    assert ([one.key for one in questions], list(routes)) == (["why"], list(panel.routes))
    assert editing.hanging_on(panel, "why") == ([], [])
    with pytest.raises(InvalidInput, match="already"):
        editing.with_route(panel, panel.routes[0])
