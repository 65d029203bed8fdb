"""The cache of settings: bounded, and never older than what the process has heard."""

from __future__ import annotations

from bot.core.settings import FeatureSettings, FeatureState
from bot.core.settings.cache import StateCache


def state(revision: int, guild_id: int = 1, feature: str = "pond") -> FeatureState:
    return FeatureState(
        guild_id, feature, enabled=True, settings=FeatureSettings(), revision=revision
    )


def fill(cache: StateCache, *states: FeatureState) -> bool:
    with cache.loading() as remember:
        return remember({one.guild_id: [one] for one in states})


def revision(cache: StateCache, guild_id: int = 1) -> int | None:
    states = cache.get(guild_id)
    return states["pond"].revision if states else None


def test_load_that_a_change_overtakes_keeps_the_change() -> None:
    cache = StateCache(10)
    with cache.loading() as remember:
        cache.put(state(6))
        assert remember({1: [state(5)]})
    assert revision(cache) == 6


def test_load_keeps_a_feature_that_was_stored_for_the_first_time_meanwhile() -> None:
    cache = StateCache(10)
    with cache.loading() as remember:
        cache.put(state(1, feature="lake"))
        assert remember({1: [state(5)]})
    assert set(cache.get(1) or ()) == {"pond", "lake"}


def test_slow_load_does_not_undo_a_quicker_one() -> None:
    cache = StateCache(10)
    with cache.loading() as slow:
        fill(cache, state(6))
        assert slow({1: [state(5)]})
    assert revision(cache) == 6


def test_load_during_a_gap_is_void() -> None:
    cache = StateCache(10)
    fill(cache, state(1, guild_id=2))
    with cache.loading() as remember:
        assert cache.clear() == {2}
        assert not remember({1: [state(5)]})
    assert revision(cache) is None


def test_change_of_an_unknown_guild_is_not_taken_for_all_of_it() -> None:
    cache = StateCache(10)
    cache.put(state(3))
    assert cache.get(1) is None


def test_least_recently_used_guild_is_forgotten() -> None:
    cache = StateCache(2)
    fill(cache, state(1, 1), state(1, 2))
    cache.get(1)
    fill(cache, state(1, 3))
    assert [revision(cache, one) for one in (1, 2, 3)] == [1, None, 1]
