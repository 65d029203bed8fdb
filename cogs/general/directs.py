"""Answers who writes to the bot in private, so that nobody waits for a person to reply.

Comes last of all that take direct messages: a feature that listens to them goes before it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.core.i18n import LANGUAGES, _, get_fallback
from bot.core.outbox.deliveries import Delivery

if TYPE_CHECKING:
    from bot.core.kernel import Kernel

# The place among those who take direct messages: behind all that have a use for them.
ORDER = 1_000
# How long a person is not answered again.
EVERY = timedelta(days=1)
# An answer that comes later than this would puzzle more than silence.
_STALE = timedelta(minutes=10)
_MOST_REMEMBERED = 5_000
_MOST_AT_ONCE = 50

HINT = _(
    "Hello! I am a bot, and nobody reads what is written to me here. Type /help to see what I can "
    "do. If you need a person, write to the staff of the server where you met me."
)


class DirectHint:
    """Says once a day to a person that nobody reads along, and where help is."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._answered: OrderedDict[int, float] = OrderedDict()
        self._under_way = 0

    def take(self, payload: Mapping[str, Any]) -> bool:
        """Have a direct message answered, unless its author was lately; never waits."""
        user_id, now = int(payload["author"]["id"]), self._kernel.clock.monotonic()
        answered_at = self._answered.get(user_id)
        is_due = answered_at is None or now - answered_at >= EVERY.total_seconds()
        if is_due and self._under_way < _MOST_AT_ONCE:
            self._answered[user_id] = now
            self._answered.move_to_end(user_id)
            if len(self._answered) > _MOST_REMEMBERED:
                self._answered.popitem(last=False)
            self._under_way += 1
            self._kernel.supervisor.spawn("direct_hint", self._answer(user_id))
        return True

    async def _answer(self, user_id: int) -> None:
        now = self._kernel.clock.now()
        hint = Delivery.direct(
            user_id,
            {"content": hint_text(), "allowed_mentions": {"parse": []}},
            # Memory ends with the process; the day holds for all of them.
            dedupe_key=f"general.hint:{user_id}:{now:%Y-%m-%d}",
            expires_at=now + _STALE,
        )
        try:
            async with self._kernel.database.write() as session:
                await self._kernel.outbox.send(session, hint)
        finally:
            self._under_way -= 1


def hint_text() -> str:
    """Return the hint in every language: a direct message does not say which one is spoken."""
    languages = sorted(LANGUAGES, key=lambda one: (one != get_fallback(), one))
    return "\n\n".join(HINT.render(one) for one in languages)
