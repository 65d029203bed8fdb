"""The garbage collector of the test run, which carries every test there is beside the one it runs.

Once the tests are collected they are frozen: out of the collector's sight, as the bot freezes what
it has loaded. From then on nothing else is. What an application of a test froze when it became
ready would stay for ever, and it can't be thawed alone.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# The youngest are looked at less often than by default, 700: most of a test dies with it at once.
THRESHOLDS = (50_000, 10, 10)
# The real ones, where a test is about them.
freeze, unfreeze = gc.freeze, gc.unfreeze


def freeze_collected() -> None:
    """Have the collector leave alone what is there by now, for all of the run."""
    freeze()
    gc.freeze = gc.unfreeze = _leave_it
    gc.set_threshold(*THRESHOLDS)


@contextmanager
def freezing() -> Iterator[None]:
    """Have freezing be real, and nothing be frozen at first; what is there at the end is frozen."""
    before = gc.freeze, gc.unfreeze
    gc.freeze, gc.unfreeze = freeze, unfreeze
    unfreeze()
    try:
        yield
    finally:
        gc.freeze, gc.unfreeze = before
        freeze()


def _leave_it() -> None:
    """Freeze or thaw nothing."""
