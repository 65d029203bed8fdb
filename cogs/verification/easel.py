"""Draws pictures one at a time, and no more of them than the bot can bear."""

from __future__ import annotations

import functools
import secrets
from random import Random

from bot.core.imaging.studio import NotDrawnError, Studio
from cogs.verification.captcha import draw_captcha

# Each takes some 20 ms: who is asked last waits for a fifth of a second.
MOST_WAITING = 10


class Easel:
    """Takes so many orders at once and turns the others away; keeps no picture."""

    def __init__(self, studio: Studio, most_waiting: int = MOST_WAITING) -> None:
        self._studio = studio
        self._most_waiting = most_waiting
        self._waiting = 0

    @property
    def is_full(self) -> bool:
        """Whether another order would be turned away."""
        return self._waiting >= self._most_waiting

    async def draw(self, letters: str) -> bytes:
        """Return the picture as PNG; raises `NotDrawnError` when it can't be drawn, or not now."""
        if self.is_full:
            raise NotDrawnError("too many pictures are waited for")
        random = Random(secrets.randbits(64))  # noqa: S311 - the letters are chosen; this bends them
        self._waiting += 1
        try:
            draw = functools.partial(draw_captcha, letters, random)
            return await self._studio.draw(draw, user_id=0, avatar=None)
        finally:
            self._waiting -= 1
