"""What becomes of a join or a departure, case by case."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from cogs.welcome.rules import (
    BREATH,
    Arrival,
    Decision,
    Kind,
    Order,
    Past,
    Person,
    State,
    channel_for,
    decide_arrival,
    digest_due,
    greet_or_gather,
    greeting_hold,
    is_departure_told,
    is_digest_stale,
    pick_variant,
    within_permissions,
)
from cogs.welcome.settings import WelcomeSettings

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
DEFAULTS = WelcomeSettings()


def person(**changes: Any) -> Person:
    return Person(**({"id": 2, "username": "ann", "display_name": "Ann"} | changes))


def arrival(**changes: Any) -> Arrival:
    return Arrival(**({"guild_id": 1, "person": person(), "joined_at": NOW} | changes))


def settings(**changes: Any) -> WelcomeSettings:
    return WelcomeSettings(**changes)


BOT = arrival(person=person(is_bot=True))
DROPPED = State.DROPPED


@pytest.mark.parametrize(
    ("chosen", "join", "past", "expected"),
    [
        ({}, arrival(), Past(), Decision(State.GREETED)),
        ({}, arrival(), Past(returning=True), Decision(State.GREETED)),
        ({}, arrival(pending=True), Past(), Decision(State.SCREENING)),
        ({}, arrival(pending=True), Past(recent=50), Decision(State.SCREENING)),
        ({}, BOT, Past(), Decision(DROPPED, "bot")),
        ({"greet_bots": True}, BOT, Past(), Decision(State.GREETED)),
        ({}, arrival(joined_at=NOW - timedelta(seconds=61)), Past(), Decision(DROPPED, "stale")),
        ({}, arrival(joined_at=NOW - timedelta(seconds=60)), Past(), Decision(State.GREETED)),
        ({}, arrival(), Past(left_at=NOW), Decision(DROPPED, "left already")),
        ({}, arrival(), Past(left_at=NOW - timedelta(days=1)), Decision(State.GREETED)),
        ({"join_enabled": False}, arrival(), Past(), Decision(DROPPED, "not wanted")),
        (
            {"join_enabled": False, "dm_enabled": True},
            arrival(),
            Past(),
            Decision(State.GREETED),
        ),
        ({"join_enabled": False}, arrival(), Past(returning=True), Decision(State.GREETED)),
        (
            {"returning_enabled": False, "dm_enabled": True},
            arrival(),
            Past(returning=True),
            Decision(DROPPED, "not wanted"),
        ),
    ],
)
def test_decide_arrival(
    chosen: dict[str, Any], join: Arrival, past: Past, expected: Decision
) -> None:
    assert decide_arrival(settings(**chosen), join, past, NOW) == expected


@pytest.mark.parametrize(
    ("recent", "state"), [(0, State.GREETED), (8, State.GREETED), (9, State.GATHERED)]
)
def test_greet_or_gather_tenth_join_of_the_window_begins_a_raid(recent: int, state: State) -> None:
    assert greet_or_gather(DEFAULTS, recent=recent, since_digest=recent).state is state


def test_first_of_a_raid_since_the_last_digest_waits_for_the_next_one() -> None:
    now = NOW + timedelta(seconds=20)
    assert greet_or_gather(DEFAULTS, recent=30, since_digest=0).state is State.GREETED
    assert greet_or_gather(DEFAULTS, recent=30, since_digest=1).state is State.GATHERED
    assert greeting_hold(DEFAULTS, 30, now) == timedelta(seconds=40)
    assert greeting_hold(DEFAULTS, 1, now) == BREATH
    assert greeting_hold(DEFAULTS, 0, now) == timedelta()


@pytest.mark.parametrize(
    ("chosen", "case", "told"),
    [
        ({"leave_enabled": True}, {}, True),
        ({}, {}, False),
        ({"leave_enabled": True}, {"was_seen": False}, False),
        ({"leave_enabled": True}, {"is_bot": True}, False),
        ({"leave_enabled": True, "greet_bots": True}, {"is_bot": True}, True),
        ({"leave_enabled": True}, {"recent": 9}, False),
    ],
)
def test_is_departure_told(chosen: dict[str, Any], case: dict[str, Any], told: bool) -> None:
    facts = {"was_seen": True, "is_bot": False, "recent": 0} | case

    assert is_departure_told(settings(**chosen), **facts) is told


@pytest.mark.parametrize(("second", "due"), [(0, 60), (59, 60), (60, 120)])
def test_digest_due_at_the_end_of_the_window(second: int, due: int) -> None:
    assert digest_due(DEFAULTS, NOW + timedelta(seconds=second)) == NOW + timedelta(seconds=due)


def test_is_digest_stale_after_an_outage_only() -> None:
    assert not is_digest_stale(DEFAULTS, NOW - timedelta(seconds=120), NOW)
    assert is_digest_stale(DEFAULTS, NOW - timedelta(seconds=121), NOW)


@pytest.mark.parametrize(
    ("chosen", "kind", "expected"),
    [
        ({}, Kind.JOIN, 7),
        ({"join_channel_id": 5}, Kind.JOIN, 5),
        ({"join_channel_id": 5}, Kind.RETURNING, 5),
        ({"join_channel_id": 5, "returning_channel_id": 6}, Kind.RETURNING, 6),
        ({"leave_channel_id": 8}, Kind.LEAVE, 8),
        ({"leave_channel_id": 8}, Kind.JOIN, 7),
    ],
)
def test_channel_for_falls_back_to_the_welcome_then_the_system_channel(
    chosen: dict[str, Any], kind: Kind, expected: int
) -> None:
    assert channel_for(settings(**chosen), kind, 7) == expected


def test_channel_for_nothing_set_and_no_system_channel_is_none() -> None:
    assert channel_for(DEFAULTS, Kind.JOIN, None) is None


def test_pick_variant_in_turn_goes_round() -> None:
    picked = [pick_variant("abc", Order.IN_TURN, turn=turn, random=Random(1)) for turn in range(5)]

    assert picked == list("abcab")


def test_pick_variant_random_takes_every_variant() -> None:
    random = Random(1)
    picked = {pick_variant("abc", Order.RANDOM, turn=0, random=random) for _ in range(50)}

    assert picked == set("abc")


@pytest.mark.parametrize(
    ("permissions", "card", "embed"),
    [
        ({"attach_files", "embed_links"}, True, True),
        ({"attach_files"}, True, False),
        ({"embed_links"}, False, True),
        ({"administrator"}, True, True),
        (set(), False, False),
    ],
)
def test_within_permissions_leaves_out_what_may_not_be_posted(
    permissions: set[str], card: bool, embed: bool
) -> None:
    allowed = within_permissions(settings(embed_enabled=True), frozenset(permissions))

    assert (allowed.card_enabled, allowed.embed_enabled) == (card, embed)
