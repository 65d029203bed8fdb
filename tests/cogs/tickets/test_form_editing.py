"""Changes to forms: nothing is there twice, and what is written is read as it was meant."""

from __future__ import annotations

import pytest

from bot.core.errors import InvalidInput
from cogs.tickets import form_editing as editing
from cogs.tickets.desk import read_panel
from cogs.tickets.doubles import refuse_doubles
from cogs.tickets.panel import Panel
from cogs.tickets.question_forms import place_form
from cogs.tickets.questions import Condition


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


@pytest.mark.parametrize(
    ("kind", "count", "fits"),
    [("select", 25, True), ("select", 26, False), ("radio", 10, True), ("checkboxes", 11, False)],
)
def test_a_menu_holds_more_choices_than_buttons_do(kind: str, count: int, fits: bool) -> None:
    choices = [{"value": f"c{one}", "label": f"Choice {one}"} for one in range(count)]
    one = {"key": "kind", "label": "Kind", "kind": kind, "choices": choices}
    values = {"name": "Help", "pages": [{"questions": [one]}]}
    if fits:
        assert len(read_panel(values).questions[0].choices) == count
        return
    with pytest.raises(InvalidInput):
        read_panel(values)


def test_files_are_at_most_ten() -> None:
    one = {"key": "pic", "label": "Pictures", "kind": "file", "most": 11}
    with pytest.raises(InvalidInput, match="`Pictures` takes at most 10 files"):
        read_panel({"name": "Help", "pages": [{"questions": [one]}]})


def test_a_long_condition_is_offered_whole_and_a_wrong_one_answered_within_a_message() -> None:
    choices = [{"value": f"c{one}", "label": f"{one} ".ljust(95, "x")} for one in range(25)]
    one = {"key": "kind", "label": "Kind", "kind": "select", "choices": choices}
    when = {"question": "kind", "values": [it["value"] for it in choices]}
    why = {"key": "why", "label": "Why", "when": when}
    panel = read_panel({"name": "Help", "pages": [{"questions": [one]}, {"questions": [why]}]})
    form = place_form(panel, panel.questions[1])
    (line,) = [it for it in form.inputs if it.name == "when"]
    assert len(line.value) <= line.longest
    assert editing.read_condition(line.value, panel, "why") == panel.questions[1].when
    with pytest.raises(InvalidInput) as caught:
        editing.read_condition("Kind: other", panel, "why")
    assert len(caught.value.render("en")) < 2000
