"""Which rules Discord's own AutoMod can take, in what shape, and why it can't take the others."""

from __future__ import annotations

from typing import Any

import pytest

from cogs.automod.native import (
    KEYWORD,
    MARK,
    MEMBER_PROFILE,
    MENTION_SPAM,
    PRESET,
    Plan,
    Surroundings,
    plan_native,
    steps_to,
    taken_by_others,
)
from cogs.automod.settings import AutomodSettings

ME = 42
AROUND = Surroundings(staff_role_ids=[7], log_channel_id=5)


def plan(*rules: dict[str, Any], around: Surroundings = AROUND, **settings: Any) -> Plan:
    named = [{"name": f"rule-{number}", **rule} for number, rule in enumerate(rules)]
    return plan_native(AutomodSettings.read({"rules": named, **settings}), around)


def words(*found: str, **more: Any) -> dict[str, Any]:
    return {"type": "words", "words": list(found), **more}


def test_words_and_patterns_become_one_keyword_rule() -> None:
    both = {
        "any": [
            words("idiot", "*spam", allowed=["spamalot"]),
            words("傻", match="part"),
            {"type": "regex", "patterns": ["fre+ nitro"]},
            {"type": "regex", "patterns": ["ABC"], "case_sensitive": True},
        ]
    }
    [push] = plan({"when": both, "reason": "Be kind. " * 20, "exempt_roles": ["9"]}).pushes

    assert push.payload == {
        "name": MARK + "rule-0",
        "event_type": 1,
        "trigger_type": KEYWORD,
        "trigger_metadata": {
            "keyword_filter": ["idiot", "*spam", "*傻*"],
            "regex_patterns": ["(?i)fre+ nitro", "ABC"],
            "allow_list": ["spamalot"],
        },
        "actions": [{"type": 1, "metadata": {"custom_message": ("Be kind. " * 20)[:150]}}],
        "enabled": True,
        "exempt_roles": ["7", "9"],
        "exempt_channels": [],
    }


def test_mentions_and_names_have_rules_of_their_own() -> None:
    mentions = {
        "when": {"type": "mentions", "limit": 6},
        "actions": [{"type": "delete"}, {"type": "timeout", "duration": "1h"}, {"type": "alert"}],
    }
    names = {"when": words("admin", sources=["name"])}
    first, second = plan(mentions, names).pushes

    assert first.payload["trigger_type"] == MENTION_SPAM
    assert first.payload["trigger_metadata"] == {"mention_total_limit": 5}
    assert first.payload["actions"] == [
        {"type": 1, "metadata": {}},
        {"type": 2, "metadata": {"channel_id": "5"}},
        {"type": 3, "metadata": {"duration_seconds": 3600}},
    ]
    assert (second.payload["trigger_type"], second.payload["event_type"]) == (MEMBER_PROFILE, 2)
    assert second.payload["actions"] == [{"type": 4, "metadata": {}}]


WORDS = {"when": words("idiot")}


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({**WORDS, "enabled": False}, "is off"),
        ({**WORDS, "shadow": True}, "in shadow"),
        ({"when": {"type": "caps"}}, "only words, patterns and mentions"),
        ({"when": {"all": [words("a"), words("b")]}}, "only words, patterns and mentions"),
        ({"when": {"not": words("a")}}, "only words, patterns and mentions"),
        ({"when": words("x" * 61)}, "at most 60 characters"),
        ({"when": words(*map(str, range(1001)))}, "at most 1000 words"),
        ({"when": {"type": "regex", "patterns": [str(n) for n in range(11)]}}, "10 patterns"),
        ({"when": {"type": "regex", "patterns": ["x" * 257]}}, "260 characters"),
        ({"when": words("a", allowed=[str(n) for n in range(101)])}, "100 allowed words"),
        ({"when": words("a", sources=["embed"])}, "text of messages only"),
        ({"when": words("a", sources=["name", "content"])}, "names and messages at once"),
        ({"when": {"type": "mentions", "window": "10s"}}, "one message only"),
        ({"when": {"type": "mentions", "limit": 51}}, "up to 50 mentions"),
        ({"when": {"type": "mentions", "kinds": ["users"]}}, "members and roles together"),
        ({**WORDS, "actions": [{"type": "warn"}]}, "only block, time out"),
        ({**WORDS, "actions": [{"type": "timeout", "duration": "40d"}]}, "28 days"),
        (
            {**WORDS, "escalation": [{"after": 2, "actions": [{"type": "kick"}]}]},
            "no steps for repeated hits",
        ),
        ({**WORDS, "exempt_members": ["3"]}, "single members"),
        ({**WORDS, "exempt_roles": [str(n) for n in range(100, 121)]}, "at most 20 roles"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rule_that_does_not_fit_says_why(rule: dict[str, Any], why: str) -> None:
    made = plan(rule)

    assert made.pushes == ()
    assert why in str(made.refusals[0].why)


def test_surroundings_decide_on_alerts_and_timeouts() -> None:
    bare = Surroundings(may_time_out=False)
    alert = {**WORDS, "actions": [{"type": "alert"}]}
    timeout = {**WORDS, "actions": [{"type": "timeout"}]}

    first, second = plan(alert, timeout, around=bare).refusals

    assert "no channel for alerts" in str(first.why)
    assert "Time out members" in str(second.why)


def test_room_is_shared_with_the_rules_of_others() -> None:
    around = Surroundings(taken={KEYWORD: 4, MENTION_SPAM: 1})
    made = plan(WORDS, WORDS, WORDS, {"when": {"type": "mentions"}}, around=around)

    assert [one.name for one in made.pushes] == ["rule-0", "rule-1"]
    assert [str(one.why) for one in made.refusals] == [
        "Discord has room for 6 rules of this kind only.",
        "Discord has room for 1 rules of this kind only.",
    ]


def test_discords_own_lists_are_one_rule() -> None:
    [push] = plan_native(AutomodSettings(), AROUND, lists=True).pushes

    assert push.payload["trigger_type"] == PRESET
    assert push.payload["trigger_metadata"] == {"presets": [1, 2, 3]}


def stored(payload: dict[str, Any], number: int, creator: int = ME) -> dict[str, Any]:
    """Return a rule as Discord gives it back: with every key, and more metadata than was sent."""
    metadata = {"presets": [], "mention_raid_protection_enabled": False}
    return {
        **payload,
        "id": str(number),
        "creator_id": str(creator),
        "trigger_metadata": {**metadata, **payload["trigger_metadata"]},
    }


def test_steps_change_only_what_is_ours_and_differs() -> None:
    wanted = plan(WORDS, {"when": words("moron")}, {"when": {"type": "mentions"}})
    first, second, third = (one.payload for one in wanted.pushes)
    there = [
        stored(first, 1),
        stored({**second, "trigger_metadata": {"keyword_filter": ["old"]}}, 2),
        stored({**third, "name": MARK + "gone"}, 3),
        stored({**third, "name": "by hand"}, 4),
        stored({**third, "name": MARK + "of another bot"}, 5, creator=43),
    ]

    steps = steps_to(wanted, there, ME)

    assert steps.same == 1
    assert [one for one, _push in steps.edit] == [2]
    assert steps.delete == (3,)
    assert [one.name for one in steps.create] == ["rule-2"]
    assert taken_by_others(there, ME) == {MENTION_SPAM: 2}


def test_steps_after_all_was_done_are_none() -> None:
    wanted = plan(WORDS, {"when": {"type": "mentions"}})
    there = [stored(one.payload, number) for number, one in enumerate(wanted.pushes)]

    steps = steps_to(wanted, there, ME)

    assert (steps.create, steps.edit, steps.delete, steps.same) == ((), (), (), 2)
