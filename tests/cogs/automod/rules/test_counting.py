"""What the engine counts over a window, and what an edit or the end of the window changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cogs.automod.rules.windows import MAX_PER_KEY, Windows
from tests.cogs.automod.rules.corpora import AUTHOR, NOW, message
from tests.cogs.automod.rules.judging import context, engine, judge


def test_explaining_changes_nothing() -> None:
    made = engine({"when": {"type": "rate", "limit": 2, "window": 60}})
    windows = Windows()
    made.judge(message("one", 1), context(), windows)
    size = windows.size

    for _time in range(3):
        [trace] = made.explain(message("two", 2), context(), windows)
        assert trace.holds
    assert windows.size == size


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


@pytest.mark.parametrize("tolerance", [0, 10])
def test_duplicates_are_the_same_however_long_they_are_written(tolerance: int) -> None:
    # Short texts are held as they are, long ones by their mark.
    made = engine({"when": {"type": "duplicates", "limit": 4, "tolerance": tolerance}})
    windows = Windows()
    short, long = "click here for money", "click here for m" + "o" * 500 + "ney"
    texts = [short, long, "something else", short.upper(), long]
    *before, found = [
        made.judge(message(text, number), context(), windows)
        for number, text in enumerate(texts, 1)
    ]

    assert before == [None] * 4
    assert found is not None
    assert found.message_ids == (1, 2, 4, 5)
    [trace] = made.explain(message(short, 6), context(), windows)
    assert trace.holds


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


@pytest.mark.parametrize(("limit", "wait", "hits"), [(150, 1, 51), (150, 30, 0), (121, 30, 0)])
def test_limit_may_be_above_what_a_window_holds(limit: int, wait: int, hits: int) -> None:
    made = engine({"when": {"type": "emoji", "limit": limit, "window": 3600}})
    windows, where = Windows(), context()
    found = []
    for number in range(1, 201):
        where.now += wait
        found.append(made.judge(message("🎉", number), where, windows))

    assert sum(one is not None for one in found) == hits
    assert windows.size <= MAX_PER_KEY


def test_mention_of_a_reply_is_none() -> None:
    made = engine({"when": {"type": "mentions", "limit": 1}})
    reply = {"mentions": [{"id": "5"}], "referenced_message": {"author": {"id": "5"}}}

    assert not judge(made, "I agree", **reply).is_hit
    assert judge(made, "I agree <@6>", **reply).is_hit


@pytest.mark.parametrize("unique", [True, False])
def test_mentions_are_those_of_which_discord_notifies(unique: bool) -> None:
    made = engine({"when": {"type": "mentions", "limit": 3, "unique": unique}})
    hidden = "`<@1><@2><@&3>`"

    assert not judge(made, hidden).is_hit
    assert judge(made, hidden, mentions=[{"id": "1"}, {"id": "2"}], mention_roles=["3"]).is_hit
    assert not judge(made, hidden, mentions=[{"id": "1"}], mention_roles=["3", "3"]).is_hit


@pytest.mark.parametrize("content", ["x@everyone", "see a.@here", "`@everyone`"])
def test_everyone_stands_where_discord_says_it_notified(content: str) -> None:
    made = engine({"when": {"type": "everyone_attempt", "also_allowed": True}})
    found = judge(made, content, mention_everyone=True)

    assert not judge(made, content).is_hit
    assert [hit.text for hit in found.hits] == ["@" + content.partition("@")[2].rstrip("`")]


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


def test_strike_can_be_taken_back_and_restored() -> None:
    windows = Windows()
    assert windows.strike("r", 1, NOW, 60) == 1
    windows.take_back_strike("r", 1)
    assert windows.strike("r", 1, NOW + 1, 60) == 1
    windows.restore_strikes("r", 1, [NOW - 20, NOW - 10])
    assert windows.strike("r", 1, NOW + 30, 60) == 4
    windows.forget_member(1)
    assert windows.strike("r", 1, NOW + 31, 60) == 1
