"""What the engine makes of names, threads, traps and hits of Discord's own AutoMod."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cogs.automod.rules.values import (
    NameFacts,
    NativeFacts,
    ThreadFacts,
    VoiceFacts,
)
from cogs.automod.rules.windows import Windows
from tests.cogs.automod.rules.corpora import AUTHOR, CHANNEL, message
from tests.cogs.automod.rules.judging import BAD, context, engine, judge


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


def test_member_who_hops_between_voice_channels_is_found() -> None:
    hops = {"type": "voice_moves", "limit": 3, "window": 10}
    made = engine({"when": hops, "actions": [{"type": "timeout"}, {"type": "delete"}]})
    windows, where = Windows(), context()
    found = [
        made.judge_voice(VoiceFacts(number, AUTHOR, 70 + number), where, windows)
        for number in (1, 2, 3)
    ]

    assert made.hears_voice
    assert found[:2] == [None, None]
    assert found[2] is not None
    assert [hit.detail for hit in found[2].hits] == ["3 of 3"]
    assert (found[2].delete, found[2].messages) == (False, ())
    where.now += 11
    assert made.judge_voice(VoiceFacts(4, AUTHOR, 74), where, windows) is None


def test_voice_is_left_to_rules_about_it_and_to_who_is_not_exempt() -> None:
    hops = {"type": "voice_moves", "limit": 2}
    about_messages = engine({"when": BAD})
    made = engine({"when": hops}, exempt_channels=["77"])
    windows = Windows()

    assert not about_messages.hears_voice
    assert about_messages.judge_voice(VoiceFacts(1, AUTHOR, 7), context(), windows) is None
    assert made.judge(message("hello"), context(), windows) is None
    for number in (1, 2, 3):
        spared = VoiceFacts(number, AUTHOR, 7, role_ids=frozenset({40}))
        assert made.judge_voice(spared, context(), windows) is None
        elsewhere = VoiceFacts(number, AUTHOR, 77)
        assert made.judge_voice(elsewhere, context(), windows) is None


def test_honeypot_takes_every_message_in_it() -> None:
    made = engine({"when": {"type": "honeypot", "channels": [CHANNEL]}})

    assert judge(made, "hello").is_hit
    assert made.judge(replace(message("x"), channel_id=9), context(), Windows()) is None
