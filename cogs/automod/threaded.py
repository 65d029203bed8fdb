"""Judging in a thread, for messages whose text files make them long; all counting stays here.

A message alone is judged in a few milliseconds. Ten files of hostile text may take a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from cogs.automod.rules.windows import Entry, Key, Row, Windows

if TYPE_CHECKING:
    from bot.core.contracts import MessageFacts
    from cogs.automod.rules.engine import Engine
    from cogs.automod.rules.values import Context, Judgement

_T = TypeVar("_T")
# A count takes microseconds; without a limit, a loop that has stopped would keep its thread.
_PATIENCE = 30.0


async def judge_in_thread(
    engine: Engine, facts: MessageFacts, context: Context, windows: Windows
) -> Judgement | None:
    """Return what the rules make of a message, as `Engine.judge` does, without holding the loop."""
    afar = LoopWindows(windows, asyncio.get_running_loop())
    return await asyncio.to_thread(engine.judge, facts, context, afar)


class LoopWindows(Windows):
    """A guild's windows as a thread may use them: the event loop counts, the answer is a copy."""

    def __init__(self, windows: Windows, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._windows = windows
        self._loop = loop

    def count(
        self, key: Key, entry: Entry, span: float, add: bool = True, peek: bool = False
    ) -> list[Entry]:
        """Count a message under the key and return what lies within the window."""
        return self._ask(lambda: list(self._windows.count(key, entry, span, add, peek)))

    def add(self, key: Key, entry: Entry, span: float) -> Row:
        """Count a message that weighs something."""
        row = Row()
        row += self._ask(lambda: list(self._windows.add(key, entry, span)))
        return row

    def count_text(
        self, leaf: str, entry: Entry, span: float, *, peek: bool = False
    ) -> list[Entry]:
        """Count a text that anyone may send and return its senders within the window."""
        return self._ask(lambda: self._windows.count_text(leaf, entry, span, peek=peek))

    def strike(
        self, rule: str, user_id: int, now: float, span: float, *, peek: bool = False
    ) -> int:
        """Count a hit as a strike and return how many the member has."""
        return self._ask(lambda: self._windows.strike(rule, user_id, now, span, peek=peek))

    def _ask(self, work: Callable[[], _T]) -> _T:
        async def answer() -> _T:
            return work()

        return asyncio.run_coroutine_threadsafe(answer(), self._loop).result(_PATIENCE)
