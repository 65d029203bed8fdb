"""What waits in memory is written when it is asked for."""

from __future__ import annotations

import pytest

from bot.core.unwritten import Unwritten


async def test_all_that_is_registered_is_flushed_once() -> None:
    unwritten, flushed = Unwritten(), list[str]()

    def noting(name: str) -> None:
        async def flush() -> None:
            flushed.append(name)

        unwritten.register(name.partition(" ")[0], flush)

    for name in ("usage", "tickets old", "tickets new", "gone"):
        noting(name)
    unwritten.remove("gone")
    unwritten.remove("never there")
    await unwritten.flush()
    assert flushed == ["usage", "tickets new"]


async def test_what_cannot_be_written_is_not_hidden() -> None:
    unwritten = Unwritten()

    async def fail() -> None:
        raise OSError("full")

    unwritten.register("tickets", fail)
    with pytest.raises(OSError, match="full"):
        await unwritten.flush()
