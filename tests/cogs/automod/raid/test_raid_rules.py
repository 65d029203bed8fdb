"""When joins are a raid: properties that hold for any joins, and named cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cogs.automod.raid.rules import (
    MOST_WATCHED,
    Finding,
    Joiner,
    JoinWatch,
    Limits,
    Mark,
    Trigger,
    stem_of,
    suspect,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
LIMITS = Limits(joins=10, window=timedelta(seconds=30), share=80, minimum_age=WEEK)


def joiner(
    number: int = 1,
    after: float = 0.0,
    *,
    name: str | None = None,
    avatar: str | None = "own",
    age: timedelta = timedelta(days=900),
) -> Joiner:
    joined_at = NOW + timedelta(seconds=after)
    picture = f"{avatar}{number}" if avatar == "own" else avatar
    word = name or "".join(chr(97 + (number // 26**place) % 26) for place in range(3))
    return Joiner(number, word, picture, joined_at - age - timedelta(days=number), joined_at)


def watch(joiners: list[Joiner], limits: Limits = LIMITS) -> Finding | None:
    one = JoinWatch()
    findings = [one.observe(it, limits) for it in joiners]
    return next((it for it in findings if it), None)


JOINERS = st.builds(
    joiner,
    st.integers(1, 5_000),
    st.floats(0, 600),
    name=st.one_of(st.none(), st.text(max_size=40)),
    avatar=st.sampled_from(["own", None, "same"]),
    age=st.timedeltas(timedelta(0), timedelta(days=3_000)),
)
ORDERED = st.lists(JOINERS, max_size=80).map(lambda all_: sorted(all_, key=lambda it: it.joined_at))
LIMITS_OF_ALL_KINDS = st.builds(
    Limits,
    st.integers(3, 60),
    st.timedeltas(timedelta(seconds=5), timedelta(minutes=10)),
    st.integers(0, 100),
    st.timedeltas(timedelta(0), timedelta(days=365)),
)


@given(st.integers(0, 3_000), LIMITS_OF_ALL_KINDS)
def test_watch_keeps_a_bounded_number_whatever_joins(count: int, limits: Limits) -> None:
    one = JoinWatch()
    for number in range(count):
        one.observe(joiner(number, number / 1_000, name=f"name{number}"), limits)

    assert len(one) <= MOST_WATCHED
    assert sum(one._alike.values()) <= 2 * MOST_WATCHED
    assert len(one._plain) == len(one)


@given(ORDERED, LIMITS_OF_ALL_KINDS)
def test_watch_forgets_all_it_counted_with_the_joins(joins: list[Joiner], limits: Limits) -> None:
    one = JoinWatch()
    for it in joins:
        one.observe(it, limits)
    one.observe(joiner(9_999, 100_000, name="zzz"), limits)

    assert len(one) == 1
    assert set(one._alike.values()) == {1}


@given(ORDERED, LIMITS_OF_ALL_KINDS, st.integers(1, 40))
def test_stricter_limits_never_find_less(joins: list[Joiner], limits: Limits, fewer: int) -> None:
    stricter = Limits(max(3, limits.joins - fewer), limits.window, limits.share, limits.minimum_age)
    if watch(joins, limits):
        assert watch(joins, stricter)


@given(ORDERED, JOINERS)
def test_more_joins_never_hide_a_raid_by_rate(joins: list[Joiner], extra: Joiner) -> None:
    limits = Limits(8, timedelta(seconds=60), 0, timedelta(0))

    def by_rate(all_: list[Joiner]) -> bool:
        one = JoinWatch()
        found = [one.observe(it, limits) for it in sorted(all_, key=lambda it: it.joined_at)]
        return any(it and it.trigger is Trigger.RATE for it in found)

    if by_rate(joins) and extra.user_id not in {it.user_id for it in joins}:
        assert by_rate([*joins, extra])


@given(ORDERED, st.timedeltas(timedelta(0), timedelta(days=365)))
def test_company_never_lowers_suspicion(joins: list[Joiner], age: timedelta) -> None:
    alone = suspect(joins[:-1], age)
    together = suspect(joins, age)

    for before, after in zip(alone, together, strict=False):
        assert set(before.marks) <= set(after.marks)


def test_joins_at_once_are_a_raid_from_the_limit_on() -> None:
    assert watch([joiner(n, n) for n in range(9)]) is None
    found = watch([joiner(n, n) for n in range(10)])
    assert found is not None
    assert (found.trigger, len(found.joiners)) == (Trigger.RATE, 10)


def test_joins_spread_over_time_are_none() -> None:
    assert watch([joiner(n, n * 31) for n in range(100)]) is None


def test_the_same_person_joining_again_and_again_counts_once() -> None:
    assert watch([joiner(1, n) for n in range(50)]) is None


def test_half_as_many_new_accounts_are_a_raid() -> None:
    young = [joiner(n, n * 10, age=timedelta(hours=1) - timedelta(days=n)) for n in range(5)]
    found = watch(young)
    assert found is not None
    assert found.trigger is Trigger.FRESH
    assert watch(young, Limits(10, LIMITS.window, 0, WEEK)) is None


def test_half_as_many_with_numbered_names_are_a_raid() -> None:
    found = watch([joiner(n, n * 10, name=f"Raider_{n}") for n in range(5)])
    assert found is not None
    assert found.trigger is Trigger.ALIKE


def test_marks_name_what_members_share() -> None:
    crowd = [joiner(n, name=f"x-Bot{n}", avatar="same", age=timedelta(0)) for n in range(3)]
    innocent = joiner(700, name="Grace")
    (first, *_rest, last) = suspect([*crowd, innocent], WEEK)

    assert {Mark.NEW_ACCOUNT, Mark.SIMILAR_NAME, Mark.SAME_AVATAR} <= set(first.marks)
    assert first.is_suspicious
    assert (last.marks, last.is_suspicious) == ((), False)


def test_stem_of_numbered_and_styled_names() -> None:
    assert stem_of("Raider_07") == stem_of("ｒａｉｄｅｒ 12") == "raider"
    assert stem_of("99") == stem_of("ab1") == ""
