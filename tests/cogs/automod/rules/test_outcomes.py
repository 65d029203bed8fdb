"""What follows from hits: the harsher answer once, escalation, merged actions."""

from __future__ import annotations

from datetime import timedelta

from cogs.automod.rules.outcomes import merge_actions, severity_of
from cogs.automod.rules.values import (
    Severity,
)
from cogs.automod.rules.windows import Windows
from cogs.automod.settings import AutomodSettings
from tests.cogs.automod.rules.corpora import message
from tests.cogs.automod.rules.judging import BAD, context, engine, judge


def test_harsher_rule_wins_once() -> None:
    made = engine(
        {"when": BAD, "reason": "mild", "actions": [{"type": "delete"}, {"type": "timeout"}]},
        {
            "when": BAD,
            "reason": "harsh",
            "actions": [{"type": "ban"}, {"type": "warn", "points": 2}],
        },
        {"when": BAD, "actions": [{"type": "kick"}, {"type": "warn", "points": 5}]},
    )
    found = judge(made, "bad")

    assert [action.type for action in found.actions] == ["delete", "warn", "ban"]
    assert found.actions[1].points == 5
    assert (found.severity, found.reason, found.delete) == (Severity.BAN, "harsh", True)


def test_escalation_goes_up_by_burst_and_decays() -> None:
    made = engine(
        {
            "when": BAD,
            "actions": [{"type": "delete"}],
            "escalation": [
                {"after": 2, "actions": [{"type": "timeout"}]},
                {"after": 3, "actions": [{"type": "ban"}]},
            ],
            "strikes_window": 3600,
        }
    )
    windows, where = Windows(), context()
    seen = []
    # Two messages in one burst, then two more offences, then one after everything has decayed.
    for n, wait in enumerate((0, 5, 60, 60, 7200), 1):
        where.now += wait
        found = made.judge(message("bad", n), where, windows)
        assert found is not None
        seen.append((found.strikes["r0"], found.severity.value))

    assert seen == [(1, "delete"), (1, "delete"), (2, "timeout"), (3, "ban"), (1, "delete")]


def test_merging_keeps_the_longer_and_every_role() -> None:
    rule = AutomodSettings.read(
        {
            "rules": [
                {
                    "name": "x",
                    "when": BAD,
                    "actions": [
                        {"type": "timeout", "duration": "1h"},
                        {"type": "timeout", "duration": "2h"},
                        {"type": "slowmode", "seconds": 5, "duration": "1h"},
                        {"type": "slowmode", "seconds": 30, "duration": "10m"},
                        {"type": "add_role", "role_id": "1"},
                        {"type": "add_role", "role_id": "2"},
                    ],
                }
            ]
        }
    ).rules[0]
    merged = merge_actions(rule.actions)

    assert [action.type for action in merged] == ["add_role", "add_role", "timeout", "slowmode"]
    assert merged[2].duration == timedelta(hours=2)
    assert (merged[3].seconds, merged[3].duration) == (30, timedelta(hours=1))
    assert severity_of(merged) is Severity.TIMEOUT
