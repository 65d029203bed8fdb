"""The rules of levels on values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import InvalidInput
from cogs.levels.rules import (
    CURVES,
    HIGHEST_LEVEL,
    MOST_XP,
    READ,
    Curve,
    changes_for,
    desired_roles,
    earned_by,
    is_repeat,
    minute_worth,
    parse_xp,
    progress_of,
    share,
    similarity,
)
from cogs.levels.settings import Reward

curves = st.sampled_from([*CURVES.values(), Curve(1, 0, 1), Curve(0, 7, 3)])


@given(curves, st.integers(0, 1000))
def test_total_is_the_sum_of_the_steps(curve: Curve, level: int) -> None:
    assert curve.total(level) == sum(map(curve.need, range(level)))


@given(curves, st.integers(0, MOST_XP))
def test_level_is_the_inverse_of_the_total(curve: Curve, xp: int) -> None:
    level = curve.level_at(xp)

    if level == HIGHEST_LEVEL:
        assert curve.total(level) <= xp
        return
    assert curve.total(level) <= xp < curve.total(level + 1)
    progress = progress_of(curve, xp)
    assert 0 <= progress.done < progress.need
    assert curve.total(level) + progress.done == xp


def test_standard_curve_is_the_one_that_servers_know() -> None:
    standard = CURVES["standard"]

    assert [standard.total(level) for level in (1, 2, 3, 10)] == [100, 255, 475, 4675]
    assert standard.level_at(99) == 0
    assert standard.level_at(100) == 1


@given(st.integers(1, 1000), st.lists(st.integers(1, 1000), max_size=5))
def test_share_is_at_least_one_and_bounded(base: int, percents: list[int]) -> None:
    assert share(base, percents) <= 20 * base
    if all(percents) and min([100, *percents]) == 100:
        assert share(base, percents) >= base


def test_share_of_nothing_is_nothing() -> None:
    assert share(20, [200, 0, 300]) == 0
    assert share(0, [200]) == 0
    assert share(20, [150]) == 30
    assert share(1, [10]) == 1


@given(st.integers(1, 1000), st.integers(0, 2000), st.integers(10, 1440), st.integers(0, 1440))
def test_talking_never_earns_less_and_never_beyond_the_cap(
    each: int, minutes: int, full_for: int, cap: int
) -> None:
    earned = earned_by(each, minutes, full_for=full_for, cap=cap)

    assert 0 <= earned <= each * min(minutes, cap)
    assert earned <= 2 * each * full_for
    assert earned_by(each, cap + minutes, full_for=full_for, cap=cap) == earned_by(
        each, cap, full_for=full_for, cap=cap
    )
    assert minute_worth(each, minutes, full_for=full_for, cap=cap) <= each


def test_talking_earns_half_after_a_while() -> None:
    worth = [earned_by(10, minutes, full_for=60, cap=240) for minutes in (60, 120, 180, 240, 300)]

    assert worth == [600, 900, 1050, 1125, 1125]
    assert [minute_worth(10, before, full_for=60, cap=240) for before in (0, 60, 240)] == [10, 5, 0]


@given(st.text(max_size=READ), st.text(max_size=READ), st.integers(1, 100))
def test_similarity_is_the_same_both_ways_and_whole_with_itself(
    one: str, other: str, percent: int
) -> None:
    assert similarity(one, one) == 100
    assert similarity(one, other) == similarity(other, one)
    assert is_repeat(one, one, percent)


SPAM = "free nitro for everybody, come and get it now"


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("FREE nitro for everybody; come and get it NOW!!!", SPAM),
        ("free nitro for everybody, come and get it noww", SPAM),
        ("free nitro for everybody, come and get it now 4711", SPAM),
        ("lol", "LOL!!"),
        ("😂😂", "😂😂"),
        ("今日はいい天気ですね", "今日はいい天気ですね！"),
    ],
)
def test_repeats_are_found(text: str, last: str) -> None:
    assert is_repeat(text, last, 75)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("I think the new update broke the sound settings", SPAM),
        ("who has tried the new map with the blue boats yet", SPAM),
        ("lol", "gg"),
        ("yes", "no"),
        ("😂", "🎉"),
        ("今日はいい天気ですね", "おはようございます"),
        ("", SPAM),
        ("😂", SPAM),
        ("      ", "a b c d e f"),
    ],
)
def test_talk_is_no_repeat(text: str, last: str) -> None:
    assert not is_repeat(text, last, 75)
    assert not is_repeat(last, text, 75)


REWARDS = (
    Reward(level=5, role_id=50),
    Reward(level=10, role_id=100),
    Reward(level=10, role_id=101),
    Reward(level=20, role_id=200),
    Reward(level=8, role_id=7, action="take"),
)


def test_rewards_stack() -> None:
    found = desired_roles(REWARDS, 12, highest_only=False)

    assert found.wanted == {50, 100, 101}
    assert found.unwanted == {200, 7}


def test_highest_rewards_alone() -> None:
    found = desired_roles(REWARDS, 12, highest_only=True)

    assert found.wanted == {100, 101}
    assert found.unwanted == {50, 200, 7}
    assert desired_roles(REWARDS, 0, highest_only=True).wanted == set()


def test_level_lost_loses_the_role_and_changes_nothing_else() -> None:
    desired = desired_roles(REWARDS, 5, highest_only=False)
    changes = changes_for(desired, {100, 999})

    assert changes.give == {50}
    assert changes.take == {100}
    assert not changes_for(desired, {50, 999})


levels = st.integers(0, 30)
rewards = st.lists(
    st.builds(
        Reward,
        level=st.integers(1, 25),
        role_id=st.integers(1, 8),
        action=st.sampled_from(["give", "take"]),
    ),
    max_size=8,
    unique_by=lambda one: one.role_id,
)


@given(rewards, levels, st.booleans(), st.sets(st.integers(1, 12)))
def test_changes_lead_to_what_is_desired_at_once(
    rewards: list[Reward], level: int, highest: bool, held: set[int]
) -> None:
    desired = desired_roles(rewards, level, highest_only=highest)
    changes = changes_for(desired, held)
    after = held - changes.take | changes.give

    assert desired.wanted.isdisjoint(desired.unwanted)
    assert not changes_for(desired, after)
    # Roles that are no reward are left alone.
    others = {one for one in held if one not in {reward.role_id for reward in rewards}}
    assert others <= after


@pytest.mark.parametrize(
    ("text", "value"),
    [("250", 250), (" 1,000 ", 1000), ("1 000 000", 10**6), ("1.000", 1000), ("007", 7)],
)
def test_number_is_read(text: str, value: int) -> None:
    assert parse_xp(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("-5", "can't be negative"),
        ("−5", "can't be negative"),
        ("0", "At least 1"),
        ("1.5", "no whole number"),
        ("1,5", "no whole number"),
        ("1e3", "no whole number"),
        ("²", "no whole number"),
        ("٣", "no whole number"),
        ("", "no whole number"),
        ("ten", "no whole number"),
        (str(2**63), "too much"),
        ("9" * 400, "too much"),
        (str(MOST_XP + 1), "too much"),
    ],
)
def test_number_that_is_none_is_answered_in_words(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        parse_xp(text)


def test_zero_is_a_number_where_it_makes_sense() -> None:
    assert parse_xp("0", zero=True) == 0
    assert parse_xp(str(MOST_XP)) == MOST_XP
