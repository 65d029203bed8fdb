"""Which rules Discord's own AutoMod can take, in what shape, and why it can't take the others."""

from __future__ import annotations

import re
from typing import Any

import pytest

from cogs.automod.native import (
    Extras,
    Plan,
    Surroundings,
    plan_native,
    steps_to,
    taken_by_others,
)
from cogs.automod.nativeroom import MARK, Push
from cogs.automod.nativetriggers import KEYWORD, MEMBER_PROFILE, MENTION_SPAM, PRESET, SPAM
from cogs.automod.presets import Preset, rules_of
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
        ({"when": {"type": "caps"}}, "can't count capitals"),
        ({"when": {"type": "emoji"}}, "can't count emoji"),
        ({"when": {"type": "stickers"}}, "can't count stickers"),
        ({"when": {"type": "length"}}, "can't count characters"),
        ({"when": {"type": "lines", "window": "10s"}}, "one message only"),
        ({"when": {"type": "invites"}}, "this server's invites"),
        ({"when": {"type": "attachments"}}, "does not look at files"),
        ({"when": {"type": "rate"}}, "comes with the option spam"),
        ({"when": {"type": "duplicates"}}, "comes with the option spam"),
        ({"when": {"type": "campaign"}}, "comes with the option spam"),
        ({"when": {"type": "voice_moves"}}, "messages and names only"),
        ({"when": {"type": "honeypot", "channels": ["5"]}}, "not where it stands"),
        ({"when": {"type": "native"}}, "Discord's own AutoMod already"),
        ({"when": {"type": "name", "hoisted": True}}, "can't compare names"),
        ({"when": {"type": "no_avatar"}}, "no conditions"),
        ({"when": {"type": "links", "mode": "allow"}}, "not all others"),
        (
            {"when": {"type": "links", "mode": "deny", "domains": ["a.b"], "limit": 2}},
            "does not count them",
        ),
        ({"when": {"type": "links", "mode": "deny", "blocked": True}}, "operator blocks"),
        ({"when": {"all": [words("a"), words("b")]}}, "several things at once"),
        ({"when": {"not": words("a")}}, "what is not there"),
        ({"when": words("x" * 61)}, "1 word is longer than the 60 characters"),
        (
            {"when": {"type": "regex", "patterns": ["x" * 257, "y" * 257]}},
            "2 patterns are longer than the 260",
        ),
        ({"when": words("a", allowed=[str(n) for n in range(101)])}, "100 allowed words"),
        ({"when": words("a", allowed=["x" * 61])}, "An allowed word is longer"),
        ({"when": words("a", sources=["embed"])}, "messages and at names only"),
        ({"when": {"type": "mentions", "window": "10s"}}, "one message only"),
        ({"when": {"type": "mentions", "limit": 52}}, "above 50 mentions"),
        ({"when": {"type": "mentions", "kinds": ["users"]}}, "members and roles together"),
        ({**WORDS, "actions": [{"type": "warn"}]}, "only block, time out"),
        ({**WORDS, "actions": [{"type": "delete"}, {"type": "kick"}]}, "would not"),
        ({**WORDS, "actions": [{"type": "timeout", "duration": "40d"}]}, "28 days"),
        (
            {"when": words("a", sources=["name"]), "actions": [{"type": "timeout"}]},
            "nobody out for a name",
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


def metadata(push: Push) -> dict[str, Any]:
    return push.payload["trigger_metadata"]


def test_many_words_and_patterns_become_several_rules() -> None:
    many = [f"word{number}" for number in range(1500)]
    patterns = [f"pat{number}" for number in range(11)]
    both = {"any": [words(*many), {"type": "regex", "patterns": patterns}]}
    first, second = plan({"when": both}).pushes

    assert [len(metadata(one)["keyword_filter"]) for one in (first, second)] == [1000, 500]
    assert [len(metadata(one)["regex_patterns"]) for one in (first, second)] == [10, 1]
    assert [one.payload["name"] for one in (first, second)] == [
        MARK + "rule-0",
        f"{MARK}rule-0 (2)",
    ]


def test_rule_about_names_and_messages_becomes_two() -> None:
    first, second = plan({"when": words("admin", sources=["name", "content"])}).pushes

    assert (first.payload["trigger_type"], second.payload["trigger_type"]) == (
        KEYWORD,
        MEMBER_PROFILE,
    )


def test_of_alternatives_those_that_fit_are_discords_and_the_others_are_told() -> None:
    mixed = {
        "any": [
            {"type": "mentions", "limit": 51},
            {"type": "mentions", "limit": 15, "window": "30s"},
            {"any": [words("idiot", "x" * 61), {"type": "caps"}]},
        ]
    }
    made = plan({"when": mixed}, raid_enabled=True)

    assert [one.payload["trigger_type"] for one in made.pushes] == [KEYWORD, MENTION_SPAM]
    assert metadata(made.pushes[1]) == {
        "mention_total_limit": 50,
        "mention_raid_protection_enabled": True,
    }
    assert made.refusals == ()
    [note] = made.notes
    for part in ("one message only", "1 word is longer", "capitals"):
        assert part in str(note.why)


def test_warnings_and_steps_stay_behind_and_are_told() -> None:
    step = {"after": 2, "actions": [{"type": "kick"}]}
    rule = {**WORDS, "actions": [{"type": "delete"}, {"type": "warn"}], "escalation": [step]}
    made = plan(rule)

    assert [one["type"] for one in made.pushes[0].payload["actions"]] == [1]
    assert "gives no points. Without Message Content" in str(made.notes[0].why)
    assert plan(rule, around=Surroundings(hears_blocked=True)).notes == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://grabify.link/x", True),
        ("www.IPLOGGER.org.", True),
        ("notgrabify.link", False),
        ("grabify.link.example", False),
        ("grabify.linked", False),
    ],
)
def test_denied_sites_become_patterns(text: str, found: bool) -> None:
    links = {"type": "links", "mode": "deny", "domains": ["grabify.link", "iplogger.org"]}
    [push] = plan({"when": links}).pushes
    [pattern] = metadata(push)["regex_patterns"]

    assert (re.search(pattern, text) is not None) is found


def test_patterns_for_many_sites_keep_to_discords_length() -> None:
    domains = [f"site-number-{number}.example" for number in range(40)]
    [push] = plan({"when": {"type": "links", "mode": "deny", "domains": domains}}).pushes
    patterns = metadata(push)["regex_patterns"]

    assert max(map(len, patterns)) <= 260
    for domain in domains:
        assert any(re.search(one, f"http://a.{domain}/") for one in patterns)


@pytest.mark.parametrize(
    ("trigger", "hit", "miss"),
    [
        ({"type": "lines", "limit": 3}, "a\n\nb", "a\nb"),
        ({"type": "zalgo", "stacked": 4}, "e" + "\u0301" * 4, "e" + "\u0301" * 3),
        (
            {"type": "leaks"},
            "https://discord.com/api/webhooks/" + "1" * 18 + "/" + "a" * 68,
            "https://discord.com/channels/1/2",
        ),
        ({"type": "leaks"}, "MTA" + "x" * 21 + ".abcdef." + "y" * 27, "a.b.c"),
    ],
)
def test_patterns_of_ours_find_the_same(trigger: dict[str, Any], hit: str, miss: str) -> None:
    [push] = plan({"when": trigger}).pushes
    patterns = metadata(push)["regex_patterns"]

    assert any(re.search(one, hit) for one in patterns)
    assert not any(re.search(one, miss) for one in patterns)


def test_everyone_is_blocked_for_those_who_may_not() -> None:
    rule = {"when": {"type": "everyone_attempt"}}
    around = Surroundings(staff_role_ids=[7], everyone_role_ids=[8])
    [push] = plan(rule, around=around).pushes

    assert metadata(push)["keyword_filter"] == ["@everyone", "@here"]
    assert push.payload["exempt_roles"] == ["7", "8"]
    [refusal] = plan(rule, around=Surroundings(everyone_may=True)).refusals
    assert "Everybody may" in str(refusal.why)


PRESETS = {
    Preset.RELAXED: "leaks scams everyone mentions",
    Preset.BALANCED: "leaks scams everyone slurs mentions zalgo",
    Preset.STRICT: "leaks scams everyone slurs insults mentions zalgo",
}


@pytest.mark.parametrize("preset", PRESETS)
def test_what_of_the_presets_is_discords(preset: Preset) -> None:
    rules = [one.model_dump(mode="json", by_alias=True) for one in rules_of(preset, "en")]
    made = plan_native(AutomodSettings.read({"rules": rules}), AROUND)

    assert " ".join(one.rules[0].removeprefix("preset-") for one in made.pushes) == PRESETS[preset]
    told = {one.rule for one in (*made.refusals, *made.notes)}
    assert told | {one.rules[0] for one in made.pushes} == {one["name"] for one in rules}


def test_surroundings_decide_on_alerts_and_timeouts() -> None:
    bare = Surroundings(may_time_out=False)
    alert = {**WORDS, "actions": [{"type": "alert"}]}
    timeout = {**WORDS, "actions": [{"type": "timeout"}]}

    first, second = plan(alert, timeout, around=bare).refusals

    assert "no channel for alerts" in str(first.why)
    assert "Time out members" in str(second.why)


def test_discords_own_lists_and_spam_filter_are_a_rule_each() -> None:
    wanted = Extras(lists=True, spam=True)
    lists, spam = plan_native(AutomodSettings(), AROUND, wanted).pushes

    assert lists.payload["trigger_type"] == PRESET
    assert metadata(lists) == {"presets": [1, 2, 3]}
    assert (spam.payload["trigger_type"], metadata(spam)) == (SPAM, {})
    taken = Surroundings(taken={SPAM: 1})
    [refusal] = plan_native(AutomodSettings(), taken, Extras(spam=True)).refusals
    assert "1 rule about spam" in str(refusal.why)


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
    assert [one.rules for one in steps.create] == [("rule-2",)]
    assert taken_by_others(there, ME) == {MENTION_SPAM: 2}


def test_steps_after_all_was_done_are_none() -> None:
    wanted = plan(WORDS, {"when": {"type": "mentions"}})
    there = [stored(one.payload, number) for number, one in enumerate(wanted.pushes)]

    steps = steps_to(wanted, there, ME)

    assert (steps.create, steps.edit, steps.delete, steps.same) == ((), (), (), 2)
