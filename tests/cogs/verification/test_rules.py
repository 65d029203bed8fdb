"""The gate's rules as properties: who pauses, what time brings, what answers are worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.errors import InvalidInput
from cogs.verification.challenges import hash_token, is_right, seal
from cogs.verification.questions import Verdict, judge, read_questions, simplify
from cogs.verification.rules import (
    MOST_ASKED,
    OVER,
    Standing,
    State,
    StepKind,
    after_question,
    after_wrong_answer,
    at_the_gate,
    is_verified,
    next_step,
)
from cogs.verification.settings import VerificationSettings
from cogs.verification.words import draw_words, read_words
from db import verification as table

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SOME_TIME = st.integers(0, 3600 * 24).map(lambda seconds: timedelta(seconds=seconds))


def set_to(**changes: Any) -> VerificationSettings:
    return VerificationSettings.read(changes)


def test_states_are_those_of_the_table() -> None:
    names = ("WAITING", "REVIEW", "PASSED", "KICKING", "KICKED", "LEFT")
    assert {getattr(table, name) for name in names} == {state.value for state in State}


# --- attempts and pauses ----------------------------------------------------------------------

ACTS = st.lists(st.tuples(st.sampled_from(["ask", "wrong", "leave"]), SOME_TIME), max_size=60)


@given(ACTS, st.integers(1, 10), st.integers(60, 86_400))
def test_nobody_gets_more_tries_between_pauses_than_are_set(
    acts: list[tuple[str, timedelta]], attempts: int, cooldown: int
) -> None:
    settings = set_to(attempts=attempts, cooldown=cooldown)
    standing, now = Standing(State.WAITING, 1), NOW
    wrong = asked = 0
    for act, passed in acts:
        now += passed
        standing = at_the_gate(standing, now)
        if act == "leave":
            # Whoever leaves and comes back has what they had.
            standing = at_the_gate(
                Standing(State.LEFT, 1, standing.attempts, standing.asked, standing.locked_until),
                now,
            )
        if standing.is_locked(now):
            continue
        if act == "wrong":
            standing = after_wrong_answer(settings, standing, now)
            wrong += 1
        elif act == "ask":
            standing, may_ask = after_question(settings, standing, now)
            asked += may_ask
        assert wrong <= attempts
        assert asked <= MOST_ASKED
        if standing.is_locked(now):
            assert standing.locked_until == now + timedelta(seconds=cooldown)
            wrong = asked = 0


@given(st.sampled_from(State), SOME_TIME)
def test_coming_to_the_gate_begins_anew_only_after_an_end(state: State, later: timedelta) -> None:
    found = at_the_gate(Standing(state, 7), NOW + later)

    assert (found.round != 7) == (state in OVER)
    assert found.state is (State.WAITING if state in OVER else state)


# --- time -------------------------------------------------------------------------------------


@given(st.integers(600, 604_800), st.integers(3600, 1_209_600), st.integers(0, 1_209_600))
def test_nobody_is_removed_before_they_had_the_time_after_a_reminder(
    remind: int, kick: int, late: int
) -> None:
    settings = set_to(channel_id=1, remind_after=remind, kick_after=kick, kick_confirmation="Kick")
    first = next_step(settings, NOW, None)
    assert first is not None
    if remind >= kick:
        assert (first.kind, first.at) == (StepKind.KICK, NOW + timedelta(seconds=kick))
        return
    assert (first.kind, first.at) == (StepKind.REMIND, NOW + timedelta(seconds=remind))

    reminded_at = first.at + timedelta(seconds=late)
    second = next_step(settings, NOW, reminded_at)

    assert second is not None
    assert second.kind is StepKind.KICK
    assert second.at == reminded_at + timedelta(seconds=kick - remind)


def test_removing_has_to_be_confirmed_in_words() -> None:
    assert next_step(set_to(kick_after=3600), NOW, None) is None
    with pytest.raises(InvalidInput, match="does not confirm"):
        set_to(kick_after=3600, kick_confirmation="yes")
    assert next_step(set_to(kick_after=3600, kick_confirmation="EXPULSAR"), NOW, None) is not None


def test_time_does_not_run_for_whose_join_was_not_seen() -> None:
    settings = set_to(channel_id=1, remind_after=600, kick_after=3600, kick_confirmation="kick")
    assert next_step(settings, None, None) is None


# --- roles ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_role", "taken_role", "roles", "verified"),
    [
        (None, None, {1, 2}, False),
        (1, None, {1}, True),
        (1, None, set(), False),
        (None, 2, set(), True),
        (None, 2, {2}, False),
        (1, 2, {1}, True),
        (1, 2, {1, 2}, False),
        (1, 2, set(), False),
    ],
)
def test_roles_tell_who_is_verified(
    given_role: int | None, taken_role: int | None, roles: set[int], verified: bool
) -> None:
    settings = set_to(verified_role_id=given_role, unverified_role_id=taken_role)
    assert is_verified(settings, roles) is verified


# --- the form ---------------------------------------------------------------------------------


def test_questions_are_read_with_their_answers() -> None:
    sky, why = read_questions(
        ["What  colour is the sky? = Blue | light  BLUE!", "Why are you here?"]
    )

    assert (sky.text, sky.accepted) == ("What colour is the sky?", {"blue", "light blue"})
    assert (why.text, why.accepted) == ("Why are you here?", frozenset())


@pytest.mark.parametrize("line", ["= blue", "Sky? =", "Sky? = |", "x" * 101])
def test_question_that_nobody_could_answer_is_refused(line: str) -> None:
    with pytest.raises(InvalidInput, match="Question 1"):
        read_questions([line])


@given(st.text(max_size=30))
def test_accepted_answer_is_accepted_in_any_case_and_spacing(answer: str) -> None:
    assume(simplify(answer) and not {"=", "|"} & set(answer))
    questions = read_questions([f"Q? = {answer} | something else"])

    assert judge(questions, [answer]) is Verdict.RIGHT
    assert judge(questions, [f"  {answer.replace(' ', '   ')}  "]) is Verdict.RIGHT
    # Some letters have no way back from their capitals, such as the dotless i.
    if simplify(answer.upper()) == simplify(answer):
        assert judge(questions, [answer.upper()]) is Verdict.RIGHT


def test_one_wrong_answer_makes_a_form_wrong_and_an_open_question_is_for_staff() -> None:
    questions = read_questions(["Sky? = blue", "Why?"])

    assert judge(questions, ["Blue", "to talk"]) is Verdict.FOR_STAFF
    assert judge(questions, ["red", "to talk"]) is Verdict.WRONG
    assert judge(questions, ["blue", "  "]) is Verdict.WRONG
    assert judge(questions, ["blue"]) is Verdict.WRONG


# --- sealed answers and words -----------------------------------------------------------------


@given(st.text(max_size=20), st.text(max_size=20))
def test_sealed_answer_opens_for_its_person_and_token_alone(answer: str, other: str) -> None:
    digest = seal("a1", 1, 2, answer)

    assert is_right(digest, "a1", 1, 2, answer)
    assert is_right(digest, "a1", 1, 2, other) is (other == answer)
    assert not is_right(digest, "a2", 1, 2, answer)
    assert not is_right(digest, "a1", 1, 3, answer)
    assert not is_right(digest, hash_token("a1"), 1, 2, answer)


@given(st.integers(), st.sampled_from(["en-US", "es-ES"]))
def test_question_in_words_has_one_answer_in_the_readers_language(seed: int, locale: str) -> None:
    question = draw_words(Random(seed), locale)
    number, word = question.answer.split()
    shown = question.text.render(locale)

    assert simplify(shown).split().count(word) == 1
    assert number.isdecimal()
    assert number not in shown
    for typed in (f"{word.upper()}, {number}", f"{number} {word}", f"{word}{number}"):
        assert read_words(typed) == question.answer


def test_question_in_words_is_translated() -> None:
    assert "Which of these words is" in draw_words(Random(1), "en-GB").text.render("en-GB")
    assert "¿Cuál de estas palabras es" in draw_words(Random(1), "es-ES").text.render("es-ES")
