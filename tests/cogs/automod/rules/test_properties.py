"""What holds for any text and any settings: no exception, bounded memory, consistent answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.contracts import MessageFacts
from cogs.automod.rules.engine import Engine
from cogs.automod.rules.outcomes import merge_actions, severity_of
from cogs.automod.rules.sources import texts_of
from cogs.automod.rules.values import Context, Judgement, NameFacts, ThreadFacts
from cogs.automod.rules.views import Views, clean_text, folded_text, plain_text
from cogs.automod.rules.windows import (
    BURST,
    MAX_ENTRIES,
    MAX_KEYS,
    MAX_PER_KEY,
    Entry,
    Windows,
)
from cogs.automod.settings import AutomodSettings
from tests.cogs.automod.rules.corpora import AUTHOR, NOW, RULES, STRICT, load, message

often = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
some = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Any code point, halves of surrogate pairs included, and pieces that mean something here.
_PIECES = st.sampled_from(
    [
        "||",
        "**",
        "`",
        "\\",
        "%6d",
        "%",
        "](https://",
        "[",
        "<@1>",
        "<@&2>",
        "@everyone",
        "://",
        "..",
        "discord.gg/",
        "\u200b",
        "\u0301" * 5,
        "\ud83d",
        "İ",
        "ﷺ",
        "ß",
        "1",
        "I",
        "\u202e",
        "\u202c",
        "<@123456789012345678>",
        "mmoorr",
        "o'",
        "      ",
        "i d i o t",
        "fuuuck",
        "🇲",
        "👨‍👩‍👧",
        "\x00",
        "\n",
        " ",
        "http",
        "аbc",
        "죄",
        "\u1100\u1161",
        "ﬃ",
        "(",
        "a.a.a",
    ]
)
texts = st.lists(st.text(max_size=12) | _PIECES | st.characters(), max_size=30).map("".join)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["title", "fields", "name", "id", "content", "components", "text", "size"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
payloads = st.dictionaries(
    st.sampled_from(
        ["attachments", "embeds", "message_snapshots", "poll", "sticker_items", "components",
         "mentions", "member", "author", "referenced_message"]
    ),
    json_values,
    max_size=4,
)  # fmt: skip

leaves = st.sampled_from(
    [
        *RULES,
        {"type": "links"},
        {"type": "links", "limit": 2, "window": 10},
        {"type": "links", "mode": "deny", "shorteners": True, "blocked": True},
        {"type": "mentions", "limit": 2, "window": 30, "unique": False},
        {"type": "emoji", "limit": 2, "window": 30},
        {"type": "stickers", "limit": 1},
        {"type": "length", "limit": 20},
        {"type": "rate", "limit": 2, "window": 30},
        {"type": "rate", "limit": 3, "window": 30, "per": "channel"},
        {"type": "duplicates", "limit": 2},
        {"type": "duplicates", "limit": 2, "min_length": 1, "tolerance": 20},
        {"type": "campaign", "members": 2, "min_length": 1, "similar": False},
        {"type": "campaign", "members": 2, "everyone": False},
        {"type": "voice_moves", "limit": 2},
        {"type": "name", "hoisted": True, "unreadable": True, "copies": ["Admin"]},
        {"type": "honeypot", "channels": ["2"]},
        {"type": "words", "words": ["*a", "b*", "c d", "*", "ıİ"], "sources": ["content", "name"]},
        {"type": "regex", "patterns": ["^$", ".", r"(a+)+$", r"\pL{3}"], "case_sensitive": True},
        {"type": "account_younger_than", "age": 3600},
        {"type": "joined_within", "age": 3600},
        {"type": "has_roles", "roles": ["7"]},
        {"type": "lacks_roles", "roles": ["7"]},
        {"type": "channels", "channels": ["2"]},
        {"type": "no_avatar"},
    ]
)
trees = st.recursive(
    leaves,
    lambda node: (
        st.lists(node, min_size=1, max_size=3).map(lambda found: {"all": found})
        | st.lists(node, min_size=1, max_size=3).map(lambda found: {"any": found})
        | node.map(lambda found: {"not": found})
    ),
    max_leaves=5,
)
actions = st.sampled_from(
    [
        {"type": "delete"},
        {"type": "warn", "points": 3},
        {"type": "timeout", "duration": 60},
        {"type": "timeout", "duration": 600},
        {"type": "mute"},
        {"type": "mute", "duration": 60},
        {"type": "kick"},
        {"type": "tempban", "duration": 60, "delete_window": 60},
        {"type": "ban"},
        {"type": "alert"},
        {"type": "slowmode", "seconds": 9},
        {"type": "lock"},
        {"type": "pause_invites"},
    ]
)
rules = st.fixed_dictionaries(
    {"when": trees, "actions": st.lists(actions, min_size=1, max_size=4)},
    optional={
        "shadow": st.booleans(),
        "enabled": st.booleans(),
        "bots": st.booleans(),
        "exempt_roles": st.just(["7"]),
        "escalation": st.just([{"after": 2, "actions": [{"type": "ban"}]}]),
    },
)
rule_sets = st.lists(rules, max_size=3).map(
    lambda found: {"rules": [{"name": f"r{n}", **one} for n, one in enumerate(found)]}
)


def compile_rules(data: dict[str, Any]) -> Engine:
    return Engine.compile(AutomodSettings.read(data))


STRICT_ENGINE = compile_rules(STRICT)


def context() -> Context:
    return Context(now=NOW, guild_id=1)


@often
@given(texts)
def test_any_text_is_judged_and_explained(text: str) -> None:
    found = STRICT_ENGINE.judge(message(text), context(), Windows())
    traces = STRICT_ENGINE.explain(message(text), context())
    held = {trace.rule for trace in traces if trace.holds}

    assert held == set(found.rules if found else ())
    for hit in found.hits if found else ():
        assert 0 <= hit.start <= hit.end <= max(len(text), len(clean_text(text)))


@some
@given(rule_sets, st.lists(st.tuples(texts, payloads, st.booleans()), max_size=6))
def test_any_settings_judge_any_messages(
    data: dict[str, Any], sent: list[tuple[str, dict[str, Any], bool]]
) -> None:
    made, windows, where = compile_rules(data), Windows(), context()
    for number, (text, payload, edited) in enumerate(sent, 1):
        facts = MessageFacts(
            number, 1, 2, AUTHOR + number % 2, text, frozenset(), payload, edited=edited
        )
        made.explain(facts, where, windows)
        first = made.judge(facts, where, windows)
        size = windows.size
        again = made.judge(facts, where, windows)
        # Judging again, as after something was fetched, counts nothing twice.
        assert windows.size == size
        assert _rules(first) == _rules(again)
        made.judge_name(NameFacts(5, text, text), where, windows)
        made.judge_thread_name(ThreadFacts(5, 6, text), where, windows)


def _rules(found: Judgement | None) -> tuple[str, ...]:
    return found.rules if found else ()


@often
@given(texts)
def test_readings_keep_their_places(text: str) -> None:
    clean = clean_text(text)
    plain = plain_text(clean)
    assert len(clean) == len(plain) == len(folded_text(clean, plain))

    views = Views(text)
    views.has_gaps = views.has_runs = True
    for derived in views.derived:
        for start, end in (
            (0, 1),
            (0, len(derived.text)),
            (len(derived.text) // 2, len(derived.text)),
        ):
            low, high = derived.trace(start, end)
            assert 0 <= low <= high <= len(views.folded)


@often
@given(texts, st.sampled_from(["", " ", "\n", ". ", "! "]))
def test_hit_survives_what_stands_around_it(around: str, gap: str) -> None:
    # Markup may swallow what follows it, and an open address goes on.
    around = "".join(char for char in around if char.isalpha() or char.isspace())
    for text in (f"{around}{gap}\nidiot", f"idiot\n{gap}{around}"):
        found = STRICT_ENGINE.judge(message(text), context(), Windows())
        assert found is not None
        assert "rule-0" in found.rules


@some
@given(st.sampled_from(load("evasions")), st.sampled_from(["exempt_roles", "exempt_members"]))
def test_exempt_means_no_hit(sample: Any, how: str) -> None:
    named = {"exempt_roles": ["7"]} if how == "exempt_roles" else {"exempt_members": [str(AUTHOR)]}
    spared = [{**rule, **named} for rule in STRICT["rules"]]
    facts = replace(sample.message, role_ids=frozenset({7}))

    for data in ({**STRICT, **named}, {"rules": spared}):
        assert _engine(repr(data), data).judge(facts, sample.context, Windows()) is None


_ENGINES: dict[str, Engine] = {}


def _engine(key: str, data: dict[str, Any]) -> Engine:
    if key not in _ENGINES:
        _ENGINES[key] = compile_rules(data)
    return _ENGINES[key]


@often
@given(st.lists(actions, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_harsher_wins_in_whatever_order(chosen: list[dict[str, Any]], chance: Any) -> None:
    def read(found: list[dict[str, Any]]) -> tuple[Any, ...]:
        rule = {"name": "x", "when": {"type": "caps"}, "actions": found}
        return AutomodSettings.read({"rules": [rule]}).rules[0].actions

    merged = merge_actions(read(chosen))
    shuffled = list(chosen)
    chance.shuffle(shuffled)

    assert merge_actions(read(shuffled)) == merged
    assert merge_actions(merged) == merged
    assert severity_of(merged) is severity_of(read(chosen))
    sanctions = {"timeout", "mute", "kick", "tempban", "ban"}
    assert sum(action.type in sanctions for action in merged) <= 1


counted = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 4), st.integers(0, 20), st.booleans()), max_size=30
)


@often
@given(counted)
def test_window_holds_each_message_once_with_its_last_weight(
    steps: list[tuple[int, int, int, bool]],
) -> None:
    windows, now = Windows(), NOW
    times: dict[int, float] = {}
    weights: dict[int, int] = {}
    for message_id, weight, wait, peek in steps:
        now += wait
        entry = Entry(now, weight, message_id, 2, AUTHOR)
        found = list(windows.count(("k",), entry, 30, True, peek))
        if not peek:
            live = message_id in weights and times[message_id] > now - 30
            times[message_id] = times[message_id] if live and weights[message_id] else now
            weights[message_id] = weight
        expected = {
            one: weight
            for one, weight in (weights | {message_id: weight}).items()
            if weight and times.get(one, now) > now - 30
        }
        if not peek:
            assert {one.message_id: one.weight for one in found} == expected
        assert len({one.message_id for one in found}) == len(found)


@often
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3)), max_size=30))
def test_text_is_counted_where_its_last_edit_left_it(steps: list[tuple[int, int]]) -> None:
    windows = Windows()
    marks: dict[int, int] = {}
    for message_id, mark in steps:
        found = windows.count_text("k", Entry(NOW, 1, message_id, 2, message_id, mark), 30)
        marks[message_id] = mark
        expected = {one for one, last in marks.items() if last == mark} if mark else set()
        assert {one.message_id for one in found} == expected


@often
@given(st.lists(st.floats(0, 5000), min_size=1, max_size=30))
def test_strikes_decay_and_count_a_burst_once(waits: list[float]) -> None:
    windows, now = Windows(), NOW
    counted: list[float] = []
    last = float("-inf")
    for wait in waits:
        now += wait
        counted = [one for one in counted if one > now - 3600]
        if not counted or now - last > BURST:
            counted.append(now)
        last = now
        assert windows.strike("r", 1, now, 3600) == len(counted)


def test_memory_is_bounded_under_keys_of_an_attacker() -> None:
    made = compile_rules(
        {
            "rules": [
                {"name": "a", "when": {"type": "rate", "limit": 100, "window": 3600}},
                {"name": "b", "when": {"type": "campaign", "members": 50, "min_length": 1}},
                {"name": "c", "when": {"type": "duplicates", "limit": 50}},
                {
                    "name": "d",
                    "when": {"type": "words", "words": ["w"]},
                    "escalation": [{"after": 2, "actions": [{"type": "ban"}]}],
                },
            ]
        }
    )
    windows, where = Windows(), context()
    for number in range(1, MAX_KEYS + MAX_KEYS // 2):
        made.judge(message(f"w {number:x}q", number, author=AUTHOR + number), where, windows)
    # Keys of members and texts, their marks, and strikes: each bounded by itself.
    assert windows.size <= 5 * MAX_KEYS
    before = windows.size
    for number in range(1, 5 * MAX_PER_KEY):
        made.judge(message("w", 10**9 + number), where, windows)
    assert windows.size <= before + 3 * MAX_PER_KEY
    assert before <= MAX_ENTRIES


@often
@given(payloads, texts)
def test_any_payload_gives_bounded_texts(payload: dict[str, Any], content: str) -> None:
    facts = MessageFacts(1, 1, 2, 3, content, frozenset(), payload)
    found = texts_of(facts, {})

    assert len(found) <= 200
    assert all(isinstance(text, str) and text for _kind, text in found)


def test_mentions_inside_mentions_are_no_recursion() -> None:
    text = "a<@123456789012345678" * 150 + ">" * 150
    views = Views(text)
    views.has_gaps = True

    assert len(views.derived) < 12


def test_deeply_nested_components_are_no_recursion() -> None:
    nested: list[Any] = []
    for _level in range(50_000):
        nested = [{"components": nested}]

    assert STRICT_ENGINE.judge(message("", components=nested), context(), Windows()) is None


def test_many_words_are_cut_into_sets_that_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cogs.automod.rules.scanning._memory_for", lambda _count: 400_000)
    words = [f"{one}{other}" for one in _SYLLABLES for other in _SYLLABLES]
    made = compile_rules({"rules": [{"name": "a", "when": {"type": "words", "words": words}}]})

    assert made.parts > 1
    for word in (words[0], words[len(words) // 2], words[-1]):
        found = made.judge(message(f"a {word}."), context(), Windows())
        assert found is not None
        assert word in {hit.detail for hit in found.hits}


_SYLLABLES = [a + b + c for a in "bdgkmp" for b in "aeu" for c in "nrs"]
