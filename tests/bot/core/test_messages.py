"""The message pipeline: order, verdicts, who sees what, and failures that stay with one part."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.core.contracts import MessageFacts
from bot.core.messages import (
    MessagePipeline,
    MessagesDeleted,
    Verdict,
    guarded,
    read_deletion,
    read_facts,
)
from tests import gateway_payloads as payloads
from tests.fakes import FakeClock

REJECT = Verdict(accepted=False, reason="spam")


class Spawned:
    """Keeps the work that verdicts ask for, so that a test can run it."""

    def __init__(self) -> None:
        self.work: list[tuple[str, Coroutine[Any, Any, Any]]] = []

    def __call__(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        self.work.append((name, work))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def spawned() -> Spawned:
    return Spawned()


@pytest.fixture
def pipeline(clock: FakeClock, spawned: Spawned) -> MessagePipeline:
    return MessagePipeline(clock, spawned)


def facts(content: str = "hello", **changes: Any) -> MessageFacts:
    return MessageFacts(1, 2, 3, 4, content, frozenset(), {}, **changes)


def test_gates_run_in_their_order_not_in_that_of_registration(pipeline: MessagePipeline) -> None:
    seen: list[str] = []
    pipeline.add_gate("late", lambda _: seen.append("late"), order=20)
    pipeline.add_gate("early", lambda _: seen.append("early"), order=10)

    assert pipeline.judge(facts())
    assert seen == ["early", "late"]


def test_a_rejected_message_reaches_no_later_gate_and_no_observer(
    pipeline: MessagePipeline,
) -> None:
    seen: list[str] = []
    pipeline.add_gate("automod", lambda _: REJECT, order=10)
    pipeline.add_gate("later", lambda _: seen.append("gate"), order=20)
    pipeline.add_observer("levels", lambda _: seen.append("observer"))

    assert not pipeline.judge(facts())
    assert seen == []
    assert pipeline.rejected == {"automod": 1, "later": 0}


async def test_only_a_verdict_with_an_effect_starts_work(
    pipeline: MessagePipeline, spawned: Spawned
) -> None:
    done: list[str] = []

    async def effect() -> None:
        done.append("deleted")

    verdicts = {"bad": Verdict(accepted=False, effect=effect), "odd": Verdict(True, effect)}
    pipeline.add_gate("automod", lambda one: verdicts.get(one.content), order=10)

    assert pipeline.judge(facts("fine"))
    assert spawned.work == []
    assert pipeline.judge(facts("odd"))
    assert not pipeline.judge(facts("bad"))
    for name, work in spawned.work:
        assert name == "gate:automod"
        await work
    assert done == ["deleted", "deleted"]
    assert pipeline.effects_started == 2


@pytest.mark.parametrize("author", [{"author_is_bot": True}, {"webhook_id": 5}])
def test_bots_and_webhooks_are_shown_only_to_those_who_ask(
    pipeline: MessagePipeline, author: dict[str, Any]
) -> None:
    seen: list[str] = []
    pipeline.add_gate("people", lambda _: REJECT, order=10)
    pipeline.add_gate("all", lambda _: seen.append("gate"), order=20, bots=True)
    pipeline.add_observer("people only", lambda _: seen.append("wrong"))
    pipeline.add_observer("everyone", lambda _: seen.append("observer"), bots=True)

    assert pipeline.judge(facts(**author))
    assert seen == ["gate", "observer"]


def test_edits_go_through_gates_and_to_the_observers_that_ask(pipeline: MessagePipeline) -> None:
    seen: list[str] = []
    pipeline.add_gate("automod", lambda one: REJECT if one.content == "bad" else None, order=10)
    pipeline.add_observer("levels", lambda _: seen.append("levels"))
    pipeline.add_observer("history", lambda _: seen.append("history"), edits=True)

    assert pipeline.judge(facts(edited=True))
    assert not pipeline.judge(facts("bad", edited=True))
    assert seen == ["history"]


def test_a_failing_gate_has_no_verdict_and_the_others_still_judge(
    pipeline: MessagePipeline,
) -> None:
    def broken(_: MessageFacts) -> Verdict | None:
        raise RuntimeError("bug")

    pipeline.add_gate("broken", broken, order=10)
    pipeline.add_gate("automod", lambda _: REJECT, order=20)

    with capture_logs() as lines:
        assert not pipeline.judge(facts())
    assert [(line["event"], line["name"]) for line in lines if line["log_level"] == "error"] == [
        ("message_gate_failed", "broken")
    ]
    assert pipeline.failures.counts() == {"broken": 1}


def test_a_failing_observer_harms_neither_the_message_nor_other_observers(
    pipeline: MessagePipeline,
) -> None:
    seen: list[str] = []

    def broken(_: MessageFacts) -> None:
        raise KeyError("bug")

    pipeline.add_observer("broken", broken)
    pipeline.add_observer("levels", lambda _: seen.append("levels"))

    assert pipeline.judge(facts())
    assert seen == ["levels"]


def test_failures_are_all_counted_and_logged_once_a_minute(
    pipeline: MessagePipeline, clock: FakeClock
) -> None:
    def broken(_: MessageFacts) -> None:
        raise RuntimeError("bug")

    pipeline.add_observer("broken", broken)
    with capture_logs() as lines:
        for _ in range(50):
            pipeline.judge(facts())
        assert [line["times"] for line in lines] == [1]
        clock.advance(61)
        pipeline.judge(facts())
        assert [line["times"] for line in lines] == [1, 51]
    assert pipeline.failures.counts() == {"broken": 51}


def test_a_part_of_the_same_name_takes_the_place_of_the_earlier(
    pipeline: MessagePipeline,
) -> None:
    seen: list[str] = []
    for version in ("first", "second"):
        pipeline.add_gate("levels", lambda _, tag=version: seen.append(tag), order=1)
        pipeline.add_observer("levels", lambda _, tag=version: seen.append(tag))

    pipeline.judge(facts())
    assert seen == ["second", "second"]
    pipeline.remove("levels")
    assert pipeline.is_idle


def test_deletions_are_told_to_every_delete_observer(pipeline: MessagePipeline) -> None:
    seen: list[MessagesDeleted] = []

    def broken(_: MessagesDeleted) -> None:
        raise RuntimeError("bug")

    pipeline.add_delete_observer("broken", broken)
    pipeline.add_delete_observer("log", seen.append)
    deleted = MessagesDeleted(1, 2, (3,))

    pipeline.report_deletion(deleted)
    assert seen == [deleted]
    assert pipeline.failures.counts() == {"broken": 1}


def test_facts_hold_what_the_payload_says() -> None:
    payload = payloads.message("hi", author_id=7, message_id=9)
    payload["member"]["roles"] = ["31", "32"]

    found = read_facts(payload)

    assert found == MessageFacts(
        9, payloads.GUILD_ID, payloads.CHANNEL_ID, 7, "hi", frozenset({31, 32}), payload
    )


def test_facts_name_the_webhook() -> None:
    payload = payloads.message(webhook_id="77")
    del payload["member"]

    found = read_facts(payload)

    assert found is not None
    assert (found.webhook_id, found.role_ids) == (77, frozenset())


@pytest.mark.parametrize(
    ("payload", "edited"),
    [
        (payloads.direct_message(), False),
        (payloads.message(type=7), False),
        (payloads.message(edited_timestamp=None), True),
        ({"id": "1", "channel_id": "2", "guild_id": "3", "embeds": []}, True),
    ],
    ids=["direct message", "join message", "link preview", "partial update"],
)
def test_facts_are_made_only_of_what_a_person_wrote_in_a_guild(
    payload: dict[str, Any], edited: bool
) -> None:
    assert read_facts(payload, edited=edited) is None


def test_facts_of_an_edit_say_so() -> None:
    found = read_facts(payloads.edit("new"), edited=True)

    assert found is not None
    assert found.edited
    assert found.content == "new"


def test_deletions_are_read_from_both_events() -> None:
    place = {"guild_id": "1", "channel_id": "2"}

    assert read_deletion(place | {"id": "3"}) == MessagesDeleted(1, 2, (3,))
    assert read_deletion(place | {"ids": ["3", "4"]}) == MessagesDeleted(1, 2, (3, 4))


def test_guarded_returns_what_the_call_returns(pipeline: MessagePipeline) -> None:
    assert guarded(int, pipeline.failures, "failed", "number")("7") == 7


async def test_words_are_said_when_no_screen_objects(pipeline: MessagePipeline) -> None:
    async def mild(_facts: MessageFacts) -> bool:
        return True

    async def strict(seen: MessageFacts) -> bool:
        return seen.content != "nitro"

    pipeline.add_screen("mild", mild)
    assert await pipeline.would_pass(facts("nitro"))
    pipeline.add_screen("strict", strict)
    assert not await pipeline.would_pass(facts("nitro"))
    assert await pipeline.would_pass(facts("hello"))
    pipeline.remove("strict")
    assert await pipeline.would_pass(facts("nitro"))
