"""A plan is either good as it is stored, or refused in words: there is nothing in between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import InvalidInput
from bot.core.ledger import MAX_AMOUNT
from cogs.giveaways.plan import Bonus, ItemBonus, LevelBonus, Look, Plan, Requirements
from cogs.giveaways.rules import (
    LONGEST,
    LONGEST_CLAIM,
    LONGEST_PRIZE,
    MOST_AMOUNT,
    MOST_BONUS,
    MOST_ENTRANTS,
    MOST_LEVEL,
    MOST_PIECES,
    MOST_STEPS,
    MOST_WINNERS,
    MOST_XP_PRIZE,
    SHORTEST,
    SHORTEST_CLAIM,
    checked_plan,
    is_image_address,
)
from cogs.giveaways.wording import requirement_lines

# Mostly good, so that many plans are good as a whole, and a little beyond what is.
counts = st.none() | st.integers(0, 500)
durations = st.none() | st.timedeltas(SHORTEST_CLAIM, LONGEST_CLAIM) | st.just(-SHORTEST)
plans = st.builds(
    Plan,
    prize=st.text(min_size=1, max_size=LONGEST_PRIZE + 1),
    winners=st.integers(0, MOST_WINNERS + 1),
    duration=durations,
    title=st.none() | st.text(max_size=LONGEST_PRIZE + 1),
    description=st.none() | st.text(max_size=50),
    requirements=st.builds(
        Requirements,
        any_roles=st.lists(st.integers(1, 9), max_size=11).map(tuple),
        no_roles=st.lists(st.integers(9, 20), max_size=11).map(tuple),
        account_age=durations,
        level=st.none() | st.integers(0, 50),
    ),
    bonuses=st.lists(st.builds(Bonus, st.integers(1, 99), st.integers(1, 101)), max_size=2).map(
        tuple
    ),
    max_entries=counts,
    end_at_entries=counts,
    claim_window=durations,
    prize_amount=st.none() | st.integers(0, MOST_AMOUNT + 1),
    prize_xp=st.none() | st.integers(0, MOST_XP_PRIZE + 1),
    reward_role_id=st.none() | st.just(7),
    reward_role_time=durations,
)


def words_of_refusal(plan: Plan) -> list[str] | None:
    """Return what is said against a plan in each language, `None` for a good one."""
    try:
        checked_plan(plan)
    except InvalidInput as error:
        return [error.message.render(locale).strip() for locale in ("en", "es")]
    return None


@given(plans)
def test_plan_is_good_or_refused_in_words(plan: Plan) -> None:
    if (words := words_of_refusal(plan)) is not None:
        assert all(words)
        return
    good = checked_plan(plan)
    assert checked_plan(good) == good
    assert 0 < len(good.prize) <= LONGEST_PRIZE
    assert "\n" not in good.prize
    assert 1 <= good.winners <= MOST_WINNERS
    assert good.duration is None or SHORTEST <= good.duration <= LONGEST
    assert set(good.requirements.any_roles).isdisjoint(good.requirements.no_roles)
    # What is asked of people is said to them.
    assert bool(requirement_lines(good.requirements)) is not good.requirements.is_empty


def _entries(count: int) -> Plan:
    return Plan(prize="x", end_at_entries=count)


def _steps(count: int) -> Plan:
    if count < 0:
        # There is no fewer than none: the same level twice stands for it.
        return Plan(prize="x", bonuses=(LevelBonus(1, 1), LevelBonus(1, 2)))
    return Plan(prize="x", bonuses=tuple(LevelBonus(one + 1, 1) for one in range(count)))


@pytest.mark.parametrize(
    ("make", "least", "most"),
    [
        (lambda count: Plan(prize="x", winners=count), 1, MOST_WINNERS),
        (lambda count: Plan(prize="x" * count), 1, LONGEST_PRIZE),
        (_entries, 1, MOST_ENTRANTS),
        (lambda count: Plan(prize="x", duration=timedelta(seconds=count)), 10, 365 * 86_400),
        (lambda count: Plan(prize="x", bonuses=(Bonus(1, count),)), 1, MOST_BONUS),
        (lambda count: Plan(prize="x", bonuses=(LevelBonus(1, count),)), 1, MOST_BONUS),
        (lambda count: Plan(prize="x", bonuses=(LevelBonus(count, 1),)), 1, MOST_LEVEL),
        (_steps, 0, MOST_STEPS),
        (lambda count: Plan(prize="x", bonuses=(ItemBonus(1, count, 1),)), 1, MOST_BONUS),
        (lambda count: Plan(prize="x", bonuses=(ItemBonus(1, 1, count),)), 1, MOST_PIECES),
        (lambda count: Plan(prize="x", claim_window=timedelta(seconds=count)), 300, 30 * 86_400),
        (lambda count: Plan(prize="x", prize_amount=count), 1, MAX_AMOUNT),
        (lambda count: Plan(prize="x", prize_xp=count), 1, MOST_XP_PRIZE),
        (
            lambda count: Plan(
                prize="x", reward_role_id=7, reward_role_time=timedelta(seconds=count)
            ),
            600,
            365 * 86_400,
        ),
    ],
)
def test_bounds_are_themselves_good(make: Callable[[int], Plan], least: int, most: int) -> None:
    for count in (least, most):
        assert checked_plan(make(count)) == make(count)
    for count in (least - 1, most + 1):
        with pytest.raises(InvalidInput):
            checked_plan(make(count))


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_plan(Plan(prize="x" * 5000, winners=10_000, duration=timedelta(days=4000)))

    assert caught.value.message.render("en").count("\n- ") == 3


def test_time_without_a_role_is_a_mistake() -> None:
    with pytest.raises(InvalidInput, match="Name the role"):
        checked_plan(Plan(prize="x", reward_role_time=timedelta(days=1)))


def test_texts_are_tidied() -> None:
    plan = checked_plan(Plan(prize="  a\n\tmug ", title=" ", description=" \n"))

    assert (plan.prize, plan.title, plan.description) == ("a mug", None, None)


@pytest.mark.parametrize("unseen", ["\u200b", "\u2800 \u3164", "\u202e\u2066\u00ad", "\x00"])
def test_texts_in_which_nothing_is_seen_are_empty(unseen: str) -> None:
    with pytest.raises(InvalidInput, match="The prize is empty"):
        checked_plan(Plan(prize=unseen))
    plan = checked_plan(Plan(prize="🫧", title=unseen, description=unseen))
    assert (plan.prize, plan.title, plan.description) == ("🫧", None, None)


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/a.png",
        "ftp://example.org/a.png",
        "https://",
        "https://localhost/a.png",
        "https://example.org/a b.png",
        "https://example.org/<a>.png",
        "https://[::1/a.png",
        "https://.",
        "https://example..org/a.png",
        "https://.org/a.png",
        "https://example.org:99999/a.png",
        "javascript:alert(1)",
        "https://example.org/" + "a" * 500,
        "",
    ],
)
def test_what_is_no_address_of_an_image_is_refused(address: str) -> None:
    assert not is_image_address(address)
    with pytest.raises(InvalidInput):
        checked_plan(replace(Plan(prize="x"), look=Look(image_url=address)))


def test_address_of_an_image_is_taken() -> None:
    assert is_image_address("https://cdn.example.org/a.png?ex=1#x")
