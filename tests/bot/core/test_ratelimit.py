"""Sliding windows against a naive model, and the command limiter with its lasting blocks."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.config import LimitsConfig
from bot.core.errors import RateLimited
from bot.core.features import RateClass
from bot.core.ratelimit import CommandLimiter, SlidingWindow, block_length, purge_blocks
from bot.core.supervisor import TaskSupervisor
from db.engine import Database
from db.notify import PostgresNotifier
from tests.fakes import FakeClock

steps = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=60)


@given(limit=st.integers(1, 5), seconds=st.integers(1, 60), steps=steps)
def test_window_agrees_with_naive_model(
    limit: int, seconds: int, steps: list[tuple[int, int]]
) -> None:
    window: SlidingWindow[int] = SlidingWindow(limit, seconds)
    passed: list[tuple[int, int]] = []
    now = 0
    for key, pause in steps:
        now += pause
        counting = [at for who, at in passed if who == key and at + seconds > now]
        decision = window.hit(key, now)
        assert decision.allowed == (len(counting) < limit)
        if decision.allowed:
            passed.append((key, now))
            counting.append(now)
            assert decision.retry_after == 0
        else:
            assert decision.retry_after == counting[0] + seconds - now
        assert decision.remaining == limit - len(counting)
        assert decision.reset_after == counting[0] + seconds - now


@given(limit=st.integers(1, 5), seconds=st.integers(1, 60), pauses=st.lists(st.integers(0, 30)))
def test_no_stretch_of_the_window_holds_more_than_its_limit(
    limit: int, seconds: int, pauses: list[int]
) -> None:
    window: SlidingWindow[str] = SlidingWindow(limit, seconds)
    now, passed = 0, []
    for pause in pauses:
        now += pause
        if window.hit("x", now).allowed:
            passed.append(now)
    for start in passed:
        assert sum(start <= at < start + seconds for at in passed) <= limit


@given(limit=st.integers(1, 5), seconds=st.integers(1, 60), pauses=st.lists(st.integers(0, 9)))
def test_waiting_for_retry_after_is_enough(limit: int, seconds: int, pauses: list[int]) -> None:
    window: SlidingWindow[str] = SlidingWindow(limit, seconds)
    now = 0.0
    for pause in pauses:
        now += pause
        decision = window.hit("x", now)
        if not decision.allowed:
            now += decision.retry_after
            assert window.hit("x", now).allowed


@given(keys=st.lists(st.integers(0, 50), max_size=100))
def test_window_remembers_no_more_keys_than_it_may(keys: list[int]) -> None:
    window: SlidingWindow[int] = SlidingWindow(2, 60, max_keys=5)
    for now, key in enumerate(keys):
        window.hit(key, now)
        assert len(window.counts(now)) <= 5


def test_window_forgets_the_key_used_longest_ago() -> None:
    window: SlidingWindow[str] = SlidingWindow(1, 60, max_keys=2)
    for now, key in enumerate(["a", "b", "a", "c"]):
        window.hit(key, now)
    assert not window.hit("a", 5).allowed
    assert window.hit("b", 5).allowed


def test_window_counts_forget_keys_without_uses() -> None:
    window: SlidingWindow[str] = SlidingWindow(2, 10)
    window.hit("a", 0)
    window.hit("b", 5)
    assert window.counts(12) == {"b": 1}


@given(first=st.integers(1, 86_400), strikes=st.integers(0, 500))
def test_block_length_doubles_up_to_a_day(first: int, strikes: int) -> None:
    length = block_length(first, strikes)
    assert length == min(timedelta(seconds=first) * 2 ** min(strikes, 25), timedelta(days=1))


# --- the command limiter ----------------------------------------------------------------------

LIMITS: dict[str, Any] = {
    "default": "2/60",
    "block_after": 3,
    "block_window": 600,
    "block_seconds": 100,
}


@pytest.fixture
def limiter(database: Database, clock: FakeClock) -> CommandLimiter:
    return CommandLimiter(LimitsConfig.model_validate(LIMITS), clock, database)


async def refuse(limiter: CommandLimiter, user_id: int = 1, times: int = 1) -> RateLimited:
    error: RateLimited | None = None
    for _number in range(times):
        with pytest.raises(RateLimited) as caught:
            await limiter.check(user_id, RateClass.DEFAULT)
        error = caught.value
    assert error is not None
    return error


async def use_up(limiter: CommandLimiter, user_id: int = 1) -> None:
    for _number in range(2):
        await limiter.check(user_id, RateClass.DEFAULT)


async def test_check_refuses_in_words_and_with_seconds(
    limiter: CommandLimiter, clock: FakeClock
) -> None:
    await use_up(limiter)
    clock.advance(18.5)
    error = await refuse(limiter)
    assert error.code == "E003"
    assert error.retry_after == 41.5
    assert error.render("en-US") == "You are going a little too fast. Try again in 42 seconds."
    assert "42 segundos" in error.render("es-ES")


async def test_what_may_be_used_once_says_how_often(limiter: CommandLimiter) -> None:
    await limiter.check(1, RateClass.HEAVY)
    with pytest.raises(RateLimited) as refused:
        await limiter.check(1, RateClass.HEAVY)
    assert refused.value.render("en-US").startswith("This can be used once every 5 minutes.")


async def test_check_counts_people_and_classes_apart(limiter: CommandLimiter) -> None:
    await use_up(limiter)
    await limiter.check(2, RateClass.DEFAULT)
    await limiter.check(1, RateClass.HEAVY)
    with pytest.raises(RateLimited):
        await limiter.check(1, RateClass.HEAVY)


async def test_allowed_check_asks_no_database(database: Database, clock: FakeClock) -> None:
    limiter = CommandLimiter(LimitsConfig(), clock, Database("postgresql://nobody@127.0.0.1:1/x"))
    await limiter.check(1, RateClass.DEFAULT)


async def test_repeat_offender_is_blocked_then_free_then_blocked_longer(
    limiter: CommandLimiter, clock: FakeClock
) -> None:
    await use_up(limiter)
    error = await refuse(limiter, times=3)
    assert "blocked" in str(error)
    assert "1 minute and 40 seconds" in str(error)
    assert error.retry_after == 100
    assert error.context["blocked_until"] == clock.now() + timedelta(seconds=100)
    clock.advance(99)
    assert (await refuse(limiter, times=20)).retry_after == 1
    clock.advance(1)
    await use_up(limiter)
    assert (await refuse(limiter, times=3)).retry_after == 200


async def test_refusals_far_apart_block_nobody(limiter: CommandLimiter, clock: FakeClock) -> None:
    for _round in range(5):
        await use_up(limiter)
        assert "blocked" not in str(await refuse(limiter))
        clock.advance(301)


async def test_strikes_are_forgiven_after_a_day(limiter: CommandLimiter, clock: FakeClock) -> None:
    await use_up(limiter)
    await refuse(limiter, times=3)
    clock.advance(timedelta(days=1, seconds=101))
    await use_up(limiter)
    assert (await refuse(limiter, times=3)).retry_after == 100


async def test_block_survives_a_restart(
    limiter: CommandLimiter, database: Database, clock: FakeClock
) -> None:
    await use_up(limiter)
    await refuse(limiter, times=3)
    again = CommandLimiter(LimitsConfig.model_validate(LIMITS), clock, database)
    await again.load()
    assert (await refuse(again)).retry_after == 100
    clock.advance(100)
    await use_up(again)
    assert (await refuse(again, times=3)).retry_after == 200


async def test_block_holds_when_the_database_is_away(clock: FakeClock) -> None:
    limits = LimitsConfig.model_validate(LIMITS)
    limiter = CommandLimiter(limits, clock, Database("postgresql://nobody@127.0.0.1:1/x"))
    await use_up(limiter)
    assert "blocked" in str(await refuse(limiter, times=3))
    assert "blocked" in str(await refuse(limiter))


async def test_block_after_zero_never_blocks(database: Database, clock: FakeClock) -> None:
    limits = LimitsConfig.model_validate(LIMITS | {"block_after": 0})
    limiter = CommandLimiter(limits, clock, database)
    await use_up(limiter)
    assert "blocked" not in str(await refuse(limiter, times=50))
    assert limiter.snapshot()["topOffenders"][0]["violations"] == 50


async def test_snapshot_has_the_shape_of_the_statistics(
    limiter: CommandLimiter, clock: FakeClock
) -> None:
    assert limiter.snapshot() == {"totalEntries": 0, "blacklistedCount": 0, "topOffenders": []}
    await use_up(limiter, 1)
    await refuse(limiter, 1, times=3)
    await use_up(limiter, 2)
    await refuse(limiter, 2)
    await limiter.check(3, RateClass.DEFAULT)
    assert limiter.snapshot() == {
        "totalEntries": 3,
        "blacklistedCount": 1,
        "topOffenders": [
            {"user_id": "1", "violations": 3, "blocked_until": "2026-06-01T12:01:40.000Z"},
            {"user_id": "2", "violations": 1, "blocked_until": None},
        ],
    }
    clock.advance(101)
    assert limiter.snapshot()["blacklistedCount"] == 0
    assert limiter.snapshot()["topOffenders"][0]["blocked_until"] is None


async def test_snapshot_lists_ten_offenders_at_most(limiter: CommandLimiter) -> None:
    for user_id in range(1, 15):
        await use_up(limiter, user_id)
        await refuse(limiter, user_id)
    assert len(limiter.snapshot()["topOffenders"]) == 10


async def test_forget_lifts_no_block_in_force_and_resets_no_window(
    limiter: CommandLimiter, clock: FakeClock
) -> None:
    await use_up(limiter, 2)
    await use_up(limiter)
    await refuse(limiter, times=3)
    limiter.forget(1)
    limiter.forget(2)
    assert "blocked" in str(await refuse(limiter))
    await refuse(limiter, 2)
    clock.advance(100)
    limiter.forget(1)
    assert limiter.snapshot()["topOffenders"] == [
        {"user_id": "2", "violations": 1, "blocked_until": None}
    ]
    await use_up(limiter)
    assert (await refuse(limiter, times=3)).retry_after == 100


async def test_purge_deletes_forgiven_blocks_only(
    limiter: CommandLimiter, database: Database, clock: FakeClock
) -> None:
    await use_up(limiter)
    await refuse(limiter, times=3)

    async def purge(session: AsyncSession) -> int:
        return await purge_blocks(session, clock.now())

    clock.advance(timedelta(days=1))
    async with database.write() as session:
        assert await purge(session) == 0
    clock.advance(timedelta(seconds=101))
    async with database.write() as session:
        assert await purge(session) == 1


async def test_block_holds_in_every_process(postgres_database: Database, clock: FakeClock) -> None:
    supervisor = TaskSupervisor()
    limits = LimitsConfig.model_validate(LIMITS)
    here, there = (CommandLimiter(limits, clock, postgres_database) for _process in range(2))
    for limiter in (here, there):
        notifier = PostgresNotifier(postgres_database)
        limiter.share(notifier, supervisor)
        supervisor.start(f"notices {id(limiter)}", notifier.run)
        await notifier.wait_connected()
    await use_up(here)
    await refuse(here, times=3)
    async with asyncio.timeout(30):
        while not there.snapshot()["blacklistedCount"]:
            await asyncio.sleep(0.01)
    assert "blocked" in str(await refuse(there))
    await supervisor.stop()


async def test_load_shortens_no_block_that_could_not_be_stored(
    limiter: CommandLimiter, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await use_up(limiter)
    await refuse(limiter, times=3)
    clock.advance(100)
    await use_up(limiter)
    with monkeypatch.context() as patch:
        patch.setattr("bot.core.ratelimit.save_block", _fail)
        await refuse(limiter, times=3)
    await limiter.load()
    assert (await refuse(limiter)).retry_after == 200


async def _fail(*_: object, **__: object) -> None:
    raise OSError
