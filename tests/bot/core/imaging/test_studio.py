"""The studio draws one picture at a time, off the loop, and a failure is no error."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bot.core.imaging.avatars import AvatarFetcher
from bot.core.imaging.fonts import FontSet
from bot.core.imaging.studio import NotDrawnError, Studio


async def test_draw_runs_in_a_thread_one_at_a_time() -> None:
    studio = Studio(AvatarFetcher())
    free = threading.Lock()
    threads: set[int] = set()

    def draw(fonts: FontSet, avatar: bytes | None) -> bytes:
        assert free.acquire(blocking=False), "two pictures at once"
        threads.add(threading.get_ident())
        free.release()
        return b"png"

    drawn = await asyncio.gather(
        *(studio.draw(draw, user_id=number, avatar=None) for number in range(5))
    )

    assert drawn == [b"png"] * 5
    assert threading.get_ident() not in threads


async def test_draw_failure_is_told_as_such() -> None:
    def draw(fonts: FontSet, avatar: bytes | None) -> bytes:
        raise OSError("broken font")

    with pytest.raises(NotDrawnError, match="broken font"):
        await Studio(AvatarFetcher()).draw(draw, user_id=1, avatar=None)
