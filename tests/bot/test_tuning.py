"""Settling the memory: what is loaded leaves the collector's sight, and it can be undone here."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from bot.tuning import THRESHOLDS, settle_memory
from tests.collector import freezing


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    before = gc.get_threshold()
    with freezing():
        yield
        gc.unfreeze()
    gc.set_threshold(*before)


def test_settling_freezes_what_is_loaded_and_collects_less_often() -> None:
    lasting = [[number] for number in range(1000)]

    settle_memory()

    assert gc.get_freeze_count() > len(lasting)
    assert gc.get_threshold() == THRESHOLDS


def test_garbage_of_before_is_collected_not_kept() -> None:
    class Cycle:
        def __init__(self) -> None:
            self.itself = self

    Cycle()
    settle_memory()
    gc.unfreeze()
    assert not any(isinstance(one, Cycle) for one in gc.get_objects())
