"""What a hit says, how triggers combine, and who is spared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cogs.automod.rules.values import (
    InviteBook,
)
from cogs.automod.rules.windows import Windows
from tests.cogs.automod.rules.corpora import AUTHOR, CHANNEL, NOW, message
from tests.cogs.automod.rules.judging import BAD, context, engine, judge


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


def test_invite_that_nobody_asks_about_hits_and_says_why() -> None:
    made = engine({"when": {"type": "invites", "unresolved": "pass"}})
    found = made.judge(message("discord.gg/abc"), context(unasked=frozenset({"abc"})), Windows())

    assert found is not None
    assert [hit.detail for hit in found.hits] == ["abc: not looked up, too many invites"]
    assert not found.needs


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


@pytest.mark.parametrize("place", [15_998, 60_000])
def test_text_file_is_read_to_its_end(place: int) -> None:
    file = {"id": "1", "filename": "a.txt", "size": 60_010, "url": "https://cdn.test/a"}
    said = {1: "-" * place + " so bad "}
    made = engine({"when": BAD})

    for facts in (
        message("", attachments=[file]),
        message("", message_snapshots=[{"message": {"attachments": [file]}}]),
    ):
        found = made.judge(facts, context(texts=said), Windows())
        assert found is not None
        assert {hit.text for hit in found.hits} == {"bad"}


def test_link_that_is_allowed_hides_no_later_one() -> None:
    made = engine({"when": {"type": "links", "domains": ["example.org"]}})

    assert not judge(made, "https://example.org https://a.example.org").is_hit
    [hit] = judge(made, "https://example.org then https://evil.test/x").hits
    assert hit.detail == "evil.test"


def test_link_without_subdomains() -> None:
    rule = {"type": "links", "mode": "deny", "domains": ["evil.com"], "subdomains": False}

    assert judge(engine({"when": rule}), "https://evil.com").is_hit
    assert not judge(engine({"when": rule}), "https://not.evil.com").is_hit


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
