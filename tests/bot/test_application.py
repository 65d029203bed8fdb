"""How the whole is stopped: in order, in time, and at once when asked twice."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp
import pytest

from bot.application import (
    STOP_SECONDS,
    Application,
    run_production,
    stop_in_order,
    watching_signals,
)
from bot.core import i18n
from bot.core.config import Config, WebConfig
from bot.core.config.model import LONGEST_DRAIN
from bot.core.errors import ConfigurationError
from bot.runtime import Runtime, StopStep


def config(tmp_path: Path) -> Config:
    url = f"sqlite:///{tmp_path / 'pegasus.db'}"
    return Config.model_validate({"database": {"url": url}, "web": {"port": 0}})


async def test_stop_runs_every_step_in_order() -> None:
    done: list[str] = []

    def step(name: str) -> StopStep:
        async def note() -> None:
            done.append(name)

        return name, 1.0, note

    await stop_in_order([step("first"), step("second")])
    assert done == ["first", "second"]


async def test_stop_goes_on_after_a_step_that_fails_or_lasts() -> None:
    done: list[str] = []

    async def fails() -> None:
        raise OSError("gone")

    async def lasts() -> None:
        await asyncio.Event().wait()

    async def works() -> None:
        done.append("works")

    await stop_in_order([("fails", 1.0, fails), ("lasts", 0.01, lasts), ("works", 1.0, works)])
    assert done == ["works"]


async def test_stop_steps_together_keep_to_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = WebConfig(port=0, shutdown_timeout=LONGEST_DRAIN)
    application = Application(config(tmp_path).model_copy(update={"web": web}))
    runtime = await application._build()
    assert isinstance(runtime, Runtime)
    steps = runtime.stop_steps()
    assert sum(seconds for _, seconds, _ in steps) <= STOP_SECONDS
    [draining] = [seconds for name, seconds, _ in steps if name == "web"]
    assert draining > LONGEST_DRAIN
    names = [name for name, _, _ in steps]
    # Readiness goes first; what is written behind goes before the database does.
    assert names[0] == "readiness"
    for name in ("usage", "roster", "jobs", "outbox", "heartbeat"):
        assert names.index(name) < names.index("database")
    await stop_in_order(steps[-2:])


async def test_every_language_is_in_memory_before_the_web_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    i18n._load.cache_clear()
    async with aiohttp.ClientSession() as http:
        runtime = Runtime(config(tmp_path), http)
        # Reading a catalogue takes over 100 ms, which would hold up the loop.
        monkeypatch.setattr(i18n, "_po_files", lambda language: pytest.fail(f"{language} is late"))
        assert i18n._("Not found").render("es-ES") == "No encontrado"
        await runtime.kernel.database.close()


async def test_run_refuses_a_port_beside_listeners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.application.os.environ", {"DISCORD_TOKEN": "x"})
    path = tmp_path / "config.toml"
    path.write_text("[[web.listeners]]\nport = 3000\nserve = ['health']\n")
    with pytest.raises(ConfigurationError, match="--port"):
        await run_production(path, port=4000)


async def test_signals_stop_where_the_loop_takes_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, whose loop has no signal handlers."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()

    def refuse(*_arguments: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(loop, "add_signal_handler", refuse)
    monkeypatch.setattr(loop, "remove_signal_handler", refuse)
    before = signal.getsignal(signal.SIGTERM)
    with watching_signals(stopped.set):
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(stopped.wait(), 30)
    assert signal.getsignal(signal.SIGTERM) is before


def test_second_request_to_stop_ends_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[int] = []
    monkeypatch.setattr("bot.application.os._exit", ends.append)
    application = Application(config(tmp_path))
    application.request_stop()
    assert ends == []
    application.request_stop()
    assert ends == [130]
