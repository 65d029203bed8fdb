"""The garbage collector as the bot has it after READY, for what is measured within one process."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from bot.tuning import settle_memory


@contextmanager
def settled() -> Iterator[None]:
    """Have the collector leave alone what is there to stay, until the block ends.

    The whole heap is not walked for it: among the suite's tests that takes a second each time.
    """
    thresholds = gc.get_threshold()
    settle_memory()
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
