"""Rules that share the little room that Discord has: which are joined, and what that costs."""

from __future__ import annotations

from typing import Any

import pytest

from cogs.automod.native import Plan, Surroundings, plan_native
from cogs.automod.nativeroom import MARK
from cogs.automod.nativetriggers import KEYWORD, MEMBER_PROFILE, MENTION_SPAM
from cogs.automod.presets import Preset, rules_of
from cogs.automod.settings import AutomodSettings

SHORT = [{"type": "delete"}, {"type": "timeout", "duration": "10m"}]
LONG = [{"type": "delete"}, {"type": "timeout", "duration": "1h"}]


def plan(*rules: dict[str, Any], free: int = 1, **taken: Any) -> Plan:
    named = [{"name": f"rule-{number}", **rule} for number, rule in enumerate(rules)]
    around = Surroundings(taken={KEYWORD: 6 - free, **taken.get("taken", {})})
    return plan_native(AutomodSettings.read({"rules": named}), around)


def words(*found: str, **more: Any) -> dict[str, Any]:
    return {"type": "words", "words": list(found), **more}


def shared(made: Plan) -> list[tuple[str, ...]]:
    return [one.rules for one in made.pushes]


def test_rules_stay_apart_where_there_is_room() -> None:
    made = plan({"when": words("a")}, {"when": words("b")}, free=2)

    assert shared(made) == [("rule-0",), ("rule-1",)]


def test_rules_that_do_the_same_become_one_where_there_is_none() -> None:
    pattern = {"type": "regex", "patterns": ["fre+ nitro"]}
    made = plan({"when": words("a", "b")}, {"when": words("b", "c")}, {"when": pattern})

    [push] = made.pushes
    assert push.rules == ("rule-0", "rule-1", "rule-2")
    assert push.payload["name"] == MARK + "rule-0 + rule-1 + rule-2"
    assert push.payload["trigger_metadata"] == {
        "keyword_filter": ["a", "b", "c"],
        "regex_patterns": ["(?i)fre+ nitro"],
        "allow_list": [],
    }
    assert (made.refusals, made.notes) == ((), ())


def test_reasons_may_differ_and_are_not_shown_then() -> None:
    kind, calm = ({"when": words(one), "reason": one, "actions": SHORT} for one in ("kind", "calm"))
    apart = plan(kind, calm, free=2)
    made = plan(kind, calm)

    assert apart.pushes[0].payload["actions"][0]["metadata"] == {"custom_message": "kind"}
    [push] = made.pushes
    assert push.payload["actions"] == [
        {"type": 1, "metadata": {}},
        {"type": 3, "metadata": {"duration_seconds": 600}},
    ]
    assert [(one.rule, str(one.why)) for one in made.notes] == [
        ("rule-0", "It shares a rule with rule-1, which shows no reason."),
        ("rule-1", "It shares a rule with rule-0, which shows no reason."),
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"when": words("b"), "actions": LONG},
        {"when": words("b"), "actions": SHORT, "exempt_roles": ["9"]},
        {"when": words("b"), "actions": SHORT, "exempt_channels": ["9"]},
        {"when": words("b", allowed=["ab"]), "actions": SHORT},
        {"when": words(*(str(number) for number in range(1000))), "actions": SHORT},
        {
            "when": {"type": "regex", "patterns": [f"x{number}" for number in range(10)]},
            "actions": SHORT,
        },
    ],
)
def test_what_differs_or_is_too_much_is_not_joined(other: dict[str, Any]) -> None:
    both = {"any": [words("a"), {"type": "regex", "patterns": ["a+b"]}]}
    made = plan({"when": both, "actions": SHORT}, other)

    assert shared(made) == [("rule-0",)]
    assert [str(one.why) for one in made.refusals] == [
        "Discord takes 6 rules about words and patterns in all, and has them already."
    ]


def test_names_have_one_rule_which_they_share() -> None:
    one, other = ({"when": words(word, sources=["name"])} for word in ("admin", "owner"))
    [push] = plan(one, other, free=0).pushes

    assert (push.kind, push.rules) == (MEMBER_PROFILE, ("rule-0", "rule-1"))


def test_mentions_are_not_joined() -> None:
    rule = {"when": {"type": "mentions"}}

    assert shared(plan(rule, rule)) == [("rule-0",)]
    taken = plan(rule, taken={MENTION_SPAM: 1})
    assert str(taken.refusals[0].why) == (
        "Discord takes 1 rule about mentions in all, and has it already."
    )


def test_others_may_have_more_than_discord_takes() -> None:
    assert plan({"when": words("a")}, free=-1).pushes == ()


def test_rule_of_several_parts_says_which_part_has_no_room() -> None:
    many = words(*(f"word{number}" for number in range(1500)))
    made = plan({"when": many})

    assert shared(made) == [("rule-0",)]
    assert "has them already" in str(made.notes[0].why)


def test_strict_preset_fits_beside_a_rule_of_others() -> None:
    rules = [one.model_dump(mode="json", by_alias=True) for one in rules_of(Preset.STRICT, "en")]
    made = plan_native(
        AutomodSettings.read({"rules": rules}), Surroundings(log_channel_id=5, taken={KEYWORD: 1})
    )

    assert ("preset-everyone", "preset-zalgo", "preset-walls") in shared(made)
    told = {one.rule: str(one.why) for one in made.refusals}
    assert not any("has them already" in why for why in told.values())
