"""What the engine makes of messages, names and threads, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cogs.automod.rules.engine import Engine
from cogs.automod.rules.outcomes import merge_actions, severity_of
from cogs.automod.rules.values import (
    Context,
    InviteBook,
    Judgement,
    NameFacts,
    NativeFacts,
    Severity,
    ThreadFacts,
)
from cogs.automod.rules.windows import Windows
from cogs.automod.settings import AutomodSettings
from tests.cogs.automod.rules.corpora import AUTHOR, CHANNEL, NOW, message

BAD = {"type": "words", "words": ["bad"]}


def engine(*rules: dict[str, Any], **settings: Any) -> Engine:
    named = [{"name": f"r{n}", **rule} for n, rule in enumerate(rules)]
    return Engine.compile(AutomodSettings.read({"rules": named, **settings}))


def context(**more: Any) -> Context:
    return Context(now=NOW, guild_id=1, owner_id=4, staff_role_ids=frozenset({40}), **more)


def judge(made: Engine, content: str, windows: Windows | None = None, **raw: Any) -> Judgement:
    return made.judge(message(content, **raw), context(), windows or Windows()) or Judgement()


# --- what a hit says ----------------------------------------------------------------------------


def test_hit_names_rule_place_view_and_word() -> None:
    [hit] = judge(engine({"when": BAD}), "so b\u200bаd!").hits

    assert (hit.rule, hit.trigger, hit.source, hit.view) == ("r0", "words", "content", "folded")
    assert (hit.start, hit.end, hit.text, hit.detail) == (3, 7, "b\u200bаd", "bad")


def test_hit_of_a_pattern_names_the_pattern() -> None:
    rule = {"when": {"type": "regex", "patterns": ["x+y", r"\d{3}"]}}
    hits = judge(engine(rule), "call 555").hits

    assert [(hit.detail, hit.text) for hit in hits] == [(r"\d{3}", "555")]


def test_patterns_may_mind_the_case() -> None:
    rule = {"when": {"type": "regex", "patterns": ["Ab"], "case_sensitive": True}}
    made = engine(rule)

    assert judge(made, "xAbx").is_hit
    assert not judge(made, "xabx").is_hit


def test_patterns_may_leave_disguise_alone() -> None:
    rule = {"when": {"type": "regex", "patterns": ["bad"], "normalized": False}}

    assert not judge(engine(rule), "b\u200bad").is_hit


def test_words_may_leave_look_alikes_and_separators_alone() -> None:
    made = engine({"when": {**BAD, "look_alikes": False, "separators": False}})

    assert judge(made, "BAD").is_hit
    assert not any(judge(made, text).is_hit for text in ("b4d", "b.a.d", "baaad", "bàd"))


def test_words_that_are_allowed_spare_the_listed_one_inside() -> None:
    made = engine(
        {"when": {"type": "words", "words": ["ass"], "match": "part", "allowed": ["class"]}}
    )

    assert not judge(made, "see you in class").is_hit
    assert judge(made, "class of an asshat").is_hit


def test_words_of_signs_are_found() -> None:
    made = engine({"when": {"type": "words", "words": ["c++", "1488", ":)"]}})

    assert all(judge(made, text).is_hit for text in ("I like c++ a lot", "1488", "hi :)"))


def test_secret_is_not_repeated_in_the_hit() -> None:
    token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789AB"
    [hit] = judge(engine({"when": {"type": "leaks"}}), f"it is {token}").hits

    assert hit.detail == "token"
    assert len(hit.text) < 10


# --- combining ----------------------------------------------------------------------------------


def test_all_any_and_not_combine() -> None:
    sad = {"type": "words", "words": ["sad"]}
    made = engine(
        {"when": {"all": [BAD, sad]}},
        {"when": {"any": [BAD, sad]}},
        {"when": {"all": [BAD, {"not": sad}]}},
    )

    assert judge(made, "bad sad").rules == ("r0", "r1")
    assert judge(made, "bad").rules == ("r1", "r2")
    assert judge(made, "sad").rules == ("r1",)
    assert judge(made, "glad").rules == ()


def test_rule_of_what_is_missing_hits_without_a_place() -> None:
    made = engine(
        {"when": {"all": [{"type": "channels", "channels": [CHANNEL]}, {"not": {"type": "links"}}]}}
    )
    [hit] = judge(made, "no link here").hits

    assert hit.trigger == "rule"
    assert not judge(made, "https://example.org/").is_hit


def test_conditions_are_about_account_membership_roles_and_place() -> None:
    joined = {"member": {"joined_at": "2027-01-15T07:00:00+00:00"}}
    young = ((int(NOW) - 1_420_070_400 - 60) * 1000) << 22
    made = engine(
        {"when": {"all": [BAD, {"type": "account_younger_than", "age": 3600}]}},
        {"when": {"all": [BAD, {"type": "joined_within", "age": 86_400}]}},
        {"when": {"all": [BAD, {"type": "has_roles", "roles": ["7"]}]}},
        {"when": {"all": [BAD, {"type": "lacks_roles", "roles": ["7"]}]}},
        {"when": {"all": [BAD, {"type": "channels", "channels": ["900"]}]}},
        {"when": {"all": [BAD, {"type": "no_avatar"}]}},
    )
    facts = replace(message("bad", author=young, **joined), role_ids=frozenset({7}))
    found = made.judge(facts, context(parents={CHANNEL: 900}), Windows())

    assert found is not None
    assert found.rules == ("r0", "r1", "r2", "r4", "r5")


def test_invite_is_unknown_until_resolved() -> None:
    made = engine({"when": {"type": "invites"}}, {"when": {"not": {"type": "invites"}}})
    facts, book = message("discord.gg/abc"), InviteBook()

    first = made.judge(facts, context(invites=book), Windows())
    assert first is not None
    assert (first.hits, first.needs.invites) == ((), ("abc",))

    for guild_id, rules in ((1, ("r1",)), (2, ("r0",)), (None, ("r0",))):
        book.guilds["abc"] = guild_id
        found = made.judge(facts, context(invites=book), Windows())
        assert found is not None
        assert found.rules == rules


def test_small_text_file_is_asked_for_and_then_read() -> None:
    made = engine({"when": BAD})
    files = [
        {"id": "1", "filename": "a.txt", "size": 10, "url": "https://cdn.test/a"},
        {"id": "2", "filename": "huge.txt", "size": 10**9, "url": "https://cdn.test/b"},
        {"id": "3", "filename": "a.png", "size": 10, "url": "https://cdn.test/c"},
    ]
    facts = message("", attachments=files)

    first = made.judge(facts, context(), Windows())
    assert first is not None
    assert [one.attachment_id for one in first.needs.texts] == [1]
    second = made.judge(facts, context(texts={1: "so bad"}), Windows())
    assert second is not None
    assert [hit.source for hit in second.hits] == ["file"]
    assert made.judge(facts, context(texts={1: ""}), Windows()) is None


# --- links --------------------------------------------------------------------------------------


def test_link_that_is_allowed_hides_no_later_one() -> None:
    made = engine({"when": {"type": "links", "domains": ["example.org"]}})

    assert not judge(made, "https://example.org https://a.example.org").is_hit
    [hit] = judge(made, "https://example.org then https://evil.test/x").hits
    assert hit.detail == "evil.test"


def test_link_without_subdomains() -> None:
    rule = {"type": "links", "mode": "deny", "domains": ["evil.com"], "subdomains": False}

    assert judge(engine({"when": rule}), "https://evil.com").is_hit
    assert not judge(engine({"when": rule}), "https://not.evil.com").is_hit


# --- exemptions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"exempt_roles": ["7"]}, {}),
        ({"exempt_channels": [str(CHANNEL)]}, {}),
        ({"exempt_channels": ["900"]}, {}),
        ({"exempt_members": [str(AUTHOR)]}, {}),
        ({}, {"exempt_roles": ["7"]}),
        ({}, {"exempt_channels": ["900"]}),
        ({}, {"exempt_members": [str(AUTHOR)]}),
        ({}, {"enabled": False}),
    ],
)
def test_exempt_message_is_clean_and_explained(
    settings: dict[str, Any], rule: dict[str, Any]
) -> None:
    made = engine({"when": BAD, **rule}, **settings)
    facts = replace(message("bad"), role_ids=frozenset({7}))
    where = context(parents={CHANNEL: 900})

    assert made.judge(facts, where, Windows()) is None
    [trace] = made.explain(facts, where)
    assert trace.exemption


def test_staff_is_spared_unless_said_otherwise() -> None:
    staff = replace(message("bad"), role_ids=frozenset({40}))
    owner = message("bad", author=4)

    for facts in (staff, owner):
        assert engine({"when": BAD}).judge(facts, context(), Windows()) is None
        strict = engine({"when": BAD}, exempt_staff=False)
        assert strict.judge(facts, context(), Windows()) is not None


def test_bots_and_webhooks_are_judged_only_by_rules_for_them() -> None:
    made = engine({"when": BAD}, {"when": BAD, "bots": True})
    bot = replace(message("bad"), author_is_bot=True)
    webhook = replace(message("bad"), webhook_id=9)

    for facts in (bot, webhook):
        found = made.judge(facts, context(), Windows())
        assert found is not None
        assert found.rules == ("r1",)


def test_shadow_rule_reports_and_does_nothing() -> None:
    found = judge(engine({"when": BAD, "shadow": True}), "bad")

    assert not found.is_hit
    assert (found.actions, found.delete) == ((), False)
    assert [hit.detail for hit in found.shadow_hits] == ["bad"]
    assert [action.type for action in found.shadow_actions] == ["delete"]


def test_explaining_changes_nothing() -> None:
    made = engine({"when": {"type": "rate", "limit": 2, "window": 60}})
    windows = Windows()
    made.judge(message("one", 1), context(), windows)
    size = windows.size

    for _time in range(3):
        [trace] = made.explain(message("two", 2), context(), windows)
        assert trace.holds
    assert windows.size == size


# --- windows ------------------------------------------------------------------------------------


def test_rate_names_every_message_of_the_burst() -> None:
    made = engine({"when": {"type": "rate", "limit": 3, "window": 10}})
    windows = Windows()
    found = [made.judge(message("hi", n), context(), windows) for n in range(1, 5)]

    assert found[:2] == [None, None]
    assert found[2] is not None
    assert found[2].message_ids == (1, 2, 3)
    assert found[3] is not None
    assert found[3].message_ids == (1, 2, 3, 4)


def test_rate_ends_with_its_window_and_takes_no_edits() -> None:
    made = engine({"when": {"type": "rate", "limit": 2, "window": 10}})
    windows, where = Windows(), context()
    assert made.judge(message("a", 1), where, windows) is None
    assert made.judge(replace(message("b", 1), edited=True), where, windows) is None
    assert made.judge(replace(message("c", 9), edited=True), where, windows) is None
    where.now += 11
    assert made.judge(message("d", 2), where, windows) is None


def test_duplicates_see_through_small_changes() -> None:
    made = engine({"when": {"type": "duplicates", "limit": 3}})
    windows = Windows()
    texts = ["Buy my coins now!", "buy  MY coins, now", "buy my coins now 123"]
    found = [made.judge(message(text, n), context(), windows) for n, text in enumerate(texts, 1)]

    assert found[:2] == [None, None]
    assert found[2] is not None
    assert found[2].message_ids == (1, 2, 3)


def test_duplicates_edit_replaces_what_was_counted() -> None:
    made = engine({"when": {"type": "duplicates", "limit": 2}})
    windows = Windows()
    made.judge(message("the first text", 1), context(), windows)
    edited = replace(message("another text here", 1), edited=True)
    assert made.judge(edited, context(), windows) is None

    assert made.judge(message("the first text", 2), context(), windows) is None
    found = made.judge(message("another text here", 3), context(), windows)
    assert found is not None
    assert found.message_ids == (1, 3)


def test_mentions_are_summed_over_a_window_and_replaced_by_an_edit() -> None:
    made = engine({"when": {"type": "mentions", "limit": 4, "window": 60}})
    windows = Windows()
    assert made.judge(message("<@1> <@2> <@3>", 1), context(), windows) is None
    assert made.judge(replace(message("<@1>", 1), edited=True), context(), windows) is None
    assert made.judge(message("<@5> <@6>", 2), context(), windows) is None
    found = made.judge(message("<@7>", 3), context(), windows)
    assert found is not None
    assert found.message_ids == (1, 2, 3)


def test_mention_of_a_reply_is_none() -> None:
    made = engine({"when": {"type": "mentions", "limit": 1}})
    reply = {"mentions": [{"id": "5"}], "referenced_message": {"author": {"id": "5"}}}

    assert not judge(made, "I agree", **reply).is_hit
    assert judge(made, "I agree <@6>", **reply).is_hit


def test_campaign_gathers_members_and_their_messages() -> None:
    made = engine({"when": {"type": "campaign", "members": 3, "min_length": 5}})
    windows = Windows()
    found = [
        made.judge(message("join my great server", n, author=AUTHOR + n), context(), windows)
        for n in range(1, 5)
    ]

    assert found[:2] == [None, None]
    third, fourth = found[2], found[3]
    assert third is not None
    assert fourth is not None
    assert (third.scope, len(third.user_ids), third.message_ids) == ("campaign", 3, (1, 2, 3))
    assert fourth.scope_key == third.scope_key
    assert len(fourth.user_ids) == 4


def test_campaign_of_one_member_is_none() -> None:
    made = engine({"when": {"type": "campaign", "members": 2, "min_length": 5}})
    windows = Windows()

    assert all(
        made.judge(message("the same text", n), context(), windows) is None for n in range(1, 9)
    )


def test_window_counts_only_what_the_rule_is_about() -> None:
    rate = {"type": "rate", "limit": 2, "window": 60}
    made = engine({"when": {"all": [rate, {"type": "channels", "channels": ["77"]}]}})
    windows = Windows()
    for n in range(1, 6):
        assert made.judge(message("hi", n), context(), windows) is None
    there = [replace(message("hi", n), channel_id=77) for n in (6, 7)]
    found = [made.judge(one, context(), windows) for one in there]

    assert found[0] is None
    assert found[1] is not None
    assert found[1].message_ids == (6, 7)


# --- what follows -------------------------------------------------------------------------------


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


def test_strike_can_be_taken_back_and_restored() -> None:
    windows = Windows()
    assert windows.strike("r", 1, NOW, 60) == 1
    windows.take_back_strike("r", 1)
    assert windows.strike("r", 1, NOW + 1, 60) == 1
    windows.restore_strikes("r", 1, [NOW - 20, NOW - 10])
    assert windows.strike("r", 1, NOW + 30, 60) == 4
    windows.forget_member(1)
    assert windows.strike("r", 1, NOW + 31, 60) == 1


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


# --- names, threads, native hits ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("nick", "detail"),
    [
        ("!!! Ana", "hoisted"),
        ("\u0489\u0489\u0489", "unreadable"),
        ("𝓐𝓷𝓪", "unreadable"),
        ("Аdm1n", "copies Admin"),
        ("a d m i n", "copies Admin"),
    ],
)
def test_name_is_judged(nick: str, detail: str) -> None:
    rule = {"type": "name", "hoisted": True, "unreadable": True, "copies": ["Admin"]}
    found = engine({"when": rule}).judge_name(NameFacts(5, "ana", nick=nick), context(), Windows())

    assert found is not None
    assert detail in {hit.detail for hit in found.hits}
    assert not found.delete


@pytest.mark.parametrize("nick", ["Ana", "アナ", "Анна", "José María", "ana_1999", "عائشة", "x"])
def test_name_that_is_fine(nick: str) -> None:
    rule = {"type": "name", "hoisted": True, "unreadable": True, "copies": ["Admin"]}

    assert engine({"when": rule}).judge_name(NameFacts(5, nick), context(), Windows()) is None


def test_words_look_at_names_only_when_told() -> None:
    facts = NameFacts(5, "bad_guy", "b4d", "fine")
    told = engine({"when": {**BAD, "sources": ["name"]}})

    assert engine({"when": BAD}).judge_name(facts, context(), Windows()) is None
    found = told.judge_name(facts, context(), Windows())
    assert found is not None
    assert {hit.source for hit in found.hits} == {"name"}
    assert told.judge(message("bad"), context(), Windows()) is None
    assert [trace.holds for trace in told.explain_name(facts, context())] == [True]


def test_thread_name_is_judged() -> None:
    made = engine({"when": BAD})

    assert made.judge_thread_name(ThreadFacts(8, 5, "good"), context(), Windows()) is None
    found = made.judge_thread_name(ThreadFacts(8, 5, "b.a.d"), context(), Windows())
    assert found is not None
    assert [hit.source for hit in found.hits] == ["thread"]


def test_native_hit_is_taken_over() -> None:
    made = engine({"when": {"type": "native", "rules": [3]}})

    assert made.judge_native(NativeFacts(4, 5), context(), Windows()) is None
    found = made.judge_native(NativeFacts(3, 5, keyword="x"), context(), Windows())
    assert found is not None
    assert found.message_ids == ()


def test_honeypot_takes_every_message_in_it() -> None:
    made = engine({"when": {"type": "honeypot", "channels": [CHANNEL]}})

    assert judge(made, "hello").is_hit
    assert made.judge(replace(message("x"), channel_id=9), context(), Windows()) is None
