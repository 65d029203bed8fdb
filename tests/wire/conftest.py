"""A sandbox for each test, and, where Discord's document is at hand, a check of every request.

The environment variable PEGASUS_DISCORD_OPENAPI names the document. A test fails when the bot sent
something that the document does not allow.
"""

from __future__ import annotations

import functools
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import discord
import pytest
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot import sessions
from bot.core.config import LogConfig
from bot.core.log import configure_logging, reset_logging
from bot.sandbox import DEFAULT_TOKEN, Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.openapi import RequestValidator
from tests.wire.running import DOCUMENT


@functools.cache
def _validator() -> RequestValidator:
    assert DOCUMENT is not None
    return RequestValidator(Path(DOCUMENT))


@pytest.fixture(autouse=True)
def _addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give discord.py its own addresses back after the test, and let sessions begin at once."""
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    monkeypatch.setattr(discord.Asset, "BASE", discord.Asset.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    monkeypatch.setattr(sessions, "IDENTIFY_SECONDS", 0.0)


@pytest.fixture(autouse=True)
def log() -> Iterator[io.StringIO]:
    """The log as an operator has it; without it, tracebacks would be drawn for a terminal."""
    stream = io.StringIO()
    configure_logging(LogConfig(level="info", format="json"), [DEFAULT_TOKEN], stream=stream)
    yield stream
    reset_logging()
    print(stream.getvalue())


@pytest.fixture
def sandbox_options() -> dict[str, Any]:
    """What the test's sandbox is made with; a test overrides it by parameter."""
    return {}


@pytest.fixture
async def sandbox(sandbox_options: dict[str, Any]) -> AsyncIterator[Sandbox]:
    async with Sandbox(**sandbox_options) as running:
        if DOCUMENT is None:
            yield running
            return
        validator = _validator()
        validator.violations.clear()
        running.validate_with(validator)
        yield running
        assert not validator.violations


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return sandbox.add_guild("Harbour", channels=("general", "welcome", "staff"))
