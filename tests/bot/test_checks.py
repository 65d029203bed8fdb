"""What is asked before a command acts."""

from __future__ import annotations

import asyncio

import pytest

from bot import checks
from bot.core.errors import DatabaseUnavailable


async def test_in_time_ends_what_discord_would_not_wait_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "PATIENCE_SECONDS", 0.01)

    with pytest.raises(DatabaseUnavailable):
        async with checks.in_time():
            await asyncio.Event().wait()


async def test_in_time_lets_other_errors_through() -> None:
    with pytest.raises(LookupError):
        async with checks.in_time():
            raise LookupError
