"""Forms: which page comes, what an answer has to be, what answers lead to."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.core.errors import InvalidInput
from cogs.tickets import form_editing as editing
from cogs.tickets.form import keep_asked, largest_file, next_page, read_answers, route, told
from cogs.tickets.panel import Panel, Priority

KIND = {
    "key": "kind",
    "label": "Kind",
    "kind": "select",
    "choices": [{"value": "bug", "label": "Bug"}, {"value": "pay", "label": "Payment"}],
}
ONLY_BUGS = {"question": "kind", "values": ["bug"]}


def panel(**values: Any) -> Panel:
    return Panel.model_validate(
        {
            "name": "Help",
            "pages": [
                {"questions": [KIND]},
                {"questions": [{"key": "version", "label": "Version", "when": ONLY_BUGS}]},
                {"questions": [{"key": "text", "label": "Text", "kind": "paragraph"}]},
            ],
            "routes": [
                {"when": ONLY_BUGS, "panel": "Bugs", "priority": "high", "labels": ["bug"]},
                {"when": ONLY_BUGS, "staff_roles": ["5"], "priority": "low", "labels": ["x"]},
            ],
            **values,
        }
    )


def test_pages_without_questions_are_skipped() -> None:
    form = panel()
    assert next_page(form, {}) == 0
    assert next_page(form, {"kind": ["bug"]}, 0) == 1
    assert next_page(form, {"kind": ["pay"]}, 0) == 2
    assert next_page(form, {"kind": ["pay"], "text": "a"}, 2) is None


def test_an_answer_that_is_moot_is_dropped() -> None:
    form = panel()
    answers = {"kind": ["pay"], "version": "1.2", "text": "a"}
    assert keep_asked(form, answers) == {"kind": ["pay"], "text": "a"}
    assert [one["key"] for one in told(form, answers)] == ["kind", "text"]
    assert told(form, answers)[0]["shown"] == ["Payment"]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ({"kind": "file"}, "words"),
        ({"kind": "role"}, "words"),
        ({"kind": "user"}, ["words"]),
        ({"kind": "line"}, ["words"]),
        ({"kind": "paragraph"}, [{"id": "1", "filename": "a", "size": 1, "url": "x"}]),
        ({"kind": "channel"}, [{"id": "1", "filename": "a", "size": 1, "url": "x"}]),
        ({**KIND, "key": "q"}, "bug"),
        ({**KIND, "key": "q"}, ["gone"]),
    ],
)
def test_an_answer_to_what_was_asked_before_a_change_is_dropped(
    question: dict[str, Any], answer: Any
) -> None:
    asked = {"key": "q", "label": "Quest", "required": False, **question}
    form = Panel.model_validate({"name": "a", "pages": [{"questions": [asked]}]})
    assert keep_asked(form, {"q": answer}) == {}
    assert told(form, {"q": answer}) == []
    assert next_page(form, {"q": answer}) == 0


def test_routes_add_up() -> None:
    routed = route(panel(), {"kind": ["bug"]})
    assert (routed.panel_name, routed.staff_roles) == ("Bugs", (5,))
    assert (routed.priority, routed.labels) == (Priority.HIGH, ("bug", "x"))
    assert route(panel(), {"kind": ["pay"]}).panel_name is None


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ({}, ""),
        ({"shortest": 3}, "ab"),
        ({"longest": 3}, "abcd"),
        ({**KIND, "key": "q"}, ["other"]),
        ({"kind": "file"}, [{"size": 26 * 1024 * 1024, "filename": "a"}]),
        ({"kind": "user", "most": 1}, ["1", "2"]),
    ],
)
def test_what_does_not_fit_is_refused_by_its_label(question: dict[str, Any], value: Any) -> None:
    made = Panel.model_validate(
        {"name": "a", "pages": [{"questions": [{"key": "q", "label": "Quest", **question}]}]}
    )
    label = made.questions[0].label
    with pytest.raises(InvalidInput, match=label):
        read_answers(made.questions, {"q": value})


def test_a_file_that_the_server_does_not_take_is_refused_at_once() -> None:
    question = {"key": "q", "label": "Film", "kind": "file", "most": 2}
    made = Panel.model_validate({"name": "a", "pages": [{"questions": [question]}]})
    files = [
        {"size": 9_000_000, "filename": "a.mp4"},
        {"size": 12_600_000, "filename": "b.mp4"},
    ]
    plain, boosted = largest_file(10 * 1024 * 1024), largest_file(100 * 1024 * 1024)
    with pytest.raises(InvalidInput, match=r"Film: `b.mp4` has 12.6 MB, and at most 10.4 MB fit"):
        read_answers(made.questions, {"q": files}, largest=plain)
    assert read_answers(made.questions, {"q": files}, largest=boosted)["q"] == files
    assert boosted == 25 * 1024 * 1024


@pytest.mark.parametrize(
    "pages",
    [
        [{"questions": [{**KIND, "choices": []}]}],
        [{"questions": [KIND, KIND]}],
        [{"questions": [KIND, {"key": "v", "label": "V", "when": ONLY_BUGS}]}],
        [{"questions": [{"key": "v", "label": "V", "shortest": 9, "longest": 3}]}],
    ],
)
def test_a_form_that_can_not_be_asked_is_refused(pages: list[Any]) -> None:
    with pytest.raises(ValidationError):
        Panel.model_validate({"name": "a", "pages": pages})


# --- editing -------------------------------------------------------------------------------------


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=20))
def test_keys_made_of_labels_are_keys_and_unique(labels: list[str]) -> None:
    taken: set[str] = set()
    for label in labels:
        key = editing.make_key(label, taken)
        assert key not in taken
        assert key.isascii()
        assert len(key) <= 30
        taken.add(key)


def test_choices_keep_their_keys_when_others_are_added() -> None:
    first = editing.read_choices("Bug | Something is broken\nOther")
    again = editing.read_choices("New\nOther\nBug | Broken", first)
    assert {one.label: one.value for one in again} == {"New": "new", "Other": "other", "Bug": "bug"}
    assert editing.write_choices(first) == "Bug | Something is broken\nOther"


def test_removing_a_question_frees_what_hangs_on_it() -> None:
    rest = editing.without_question(panel(), "kind")
    assert [one.key for one in rest.questions] == ["version", "text"]
    assert rest.questions[0].when is None
    assert rest.routes == ()
    Panel.model_validate(rest.to_json())


def test_a_question_moves_between_pages() -> None:
    moved = editing.moved(panel(), "text", 1, 1)
    assert [[one.key for one in page.questions] for page in moved.pages] == [
        ["text", "kind"],
        ["version"],
    ]
    with pytest.raises(InvalidInput, match="no page 9"):
        editing.moved(panel(), "text", 9, 1)


def test_conditions_are_read_by_labels_and_name_earlier_questions_alone() -> None:
    form = panel()
    condition = editing.read_condition("Kind: Bug", form, "version")
    assert condition is not None
    assert (condition.question, condition.values) == ("kind", ("bug",))
    assert editing.write_condition(condition, form) == "Kind: Bug"
    with pytest.raises(InvalidInput, match="does not offer"):
        editing.read_condition("Kind: Nothing", form, "version")
    with pytest.raises(InvalidInput, match="No earlier question"):
        editing.read_condition("Kind: Bug", form, "kind")


def test_questions_fill_pages_of_five() -> None:
    made = Panel.model_validate({"name": "a"})
    for number in range(25):
        question = editing.Question(key=f"q{number}", label="Q")
        made = editing.with_question(made, question)
    assert [len(one.questions) for one in made.pages] == [5] * 5
    with pytest.raises(InvalidInput, match="at most 25"):
        editing.with_question(made, editing.Question(key="one_more", label="Q"))
