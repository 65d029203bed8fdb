"""Whom the rules of a server's admins let use a command: pure."""

from __future__ import annotations

import pytest

from bot.written.access import Asked, Rules, is_open_here, verdict_on

GUILD, CHANNEL, ANN, STAFF, MUTED = 100, 5, 7, 21, 22
ROLE, USER, PLACE = 1, 2, 3
ASKED = Asked(GUILD, CHANNEL, ANN, frozenset({STAFF}))


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ({}, None),
        ({(ROLE, GUILD): False}, False),
        ({(ROLE, GUILD): False, (ROLE, STAFF): True}, True),
        ({(ROLE, STAFF): True, (USER, ANN): False}, False),
        ({(ROLE, MUTED): False}, None),
        ({(USER, STAFF): True}, None),
    ],
)
def test_the_closest_rule_decides_on_a_person(rules: Rules, verdict: bool | None) -> None:
    assert verdict_on(rules, ASKED) is verdict


@pytest.mark.parametrize(
    ("rules", "is_open"),
    [
        ({}, True),
        ({(PLACE, GUILD - 1): False}, False),
        ({(PLACE, GUILD - 1): False, (PLACE, CHANNEL): True}, True),
        ({(PLACE, CHANNEL): False}, False),
        ({(PLACE, 6): False}, True),
    ],
)
def test_the_closest_rule_decides_on_a_channel(rules: Rules, is_open: bool) -> None:
    assert is_open_here(rules, ASKED) is is_open
