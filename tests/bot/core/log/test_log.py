"""The log: one shape for all, redacted, escaped, never waiting."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.contextvars import bound_contextvars

from bot.core import log as log_module
from bot.core.config import LogConfig
from bot.core.log import configure_logging, redact, reset_logging, watch_records

SECRET = "a-secret-of-its-own"
log = structlog.get_logger("pegasus.test")


@pytest.fixture(autouse=True)
def _reset() -> Iterator[None]:
    yield
    reset_logging()


def start(format_: str = "json", level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    config = LogConfig.model_validate({"format": format_, "level": level})
    configure_logging(config, [SECRET], stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    reset_logging()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_own_and_foreign_records_have_one_shape() -> None:
    stream = start()
    log.info("guild_joined", guild_id=1)
    logging.getLogger("discord.gateway").warning("Shard %s is %s", 0, "slow")
    own, foreign = lines(stream)
    assert own["event"] == "guild_joined"
    assert own["guild_id"] == 1
    assert own["level"] == "info"
    assert own["logger"] == "pegasus.test"
    assert foreign["event"] == "Shard 0 is slow"
    assert foreign["level"] == "warning"
    assert foreign["logger"] == "discord.gateway"
    for record in (own, foreign):
        assert record["timestamp"].endswith("Z")
        assert list(record)[:4] == ["timestamp", "level", "logger", "event"]


def test_exception_is_a_dict_without_locals() -> None:
    stream = start()
    hidden = "a local value"
    try:
        raise ValueError(f"no {SECRET}")
    except ValueError:
        log.exception("failed", hint=len(hidden))
    (record,) = lines(stream)
    (exception,) = record["exception"]
    assert exception["exc_type"] == "ValueError"
    assert exception["exc_value"] == "no [redacted]"
    assert "a local value" not in json.dumps(record)


def test_context_reaches_foreign_records_too() -> None:
    stream = start()
    with bound_contextvars(request_id="r1"):
        logging.getLogger("aiohttp.server").error("inside")
    log.info("outside")
    inside, outside = lines(stream)
    assert inside["request_id"] == "r1"
    assert "request_id" not in outside


@pytest.mark.parametrize("format_", ["json", "console"])
def test_secrets_are_in_no_record(format_: str) -> None:
    stream = start(format_)
    log.info("event %s", SECRET, value=SECRET, nested={"a": [SECRET]}, password="hunter2")
    logging.getLogger("x").error("said %s", {"token": "hunter2"})
    logging.getLogger("x").error("%s", Exception(SECRET))
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        log.exception("failed")
    reset_logging()
    assert SECRET not in stream.getvalue()
    assert "hunter2" not in stream.getvalue()


@pytest.mark.parametrize("format_", ["json", "console"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(name=st.text(max_size=40))
def test_hostile_name_stays_on_its_line(format_: str, name: str) -> None:
    stream = start(format_)
    log.info("member_joined", member=name, event_text=name)
    logging.getLogger("x").info("joined: %s", name)
    reset_logging()
    text = stream.getvalue()
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_forged_record_inside_a_traceback_is_indented() -> None:
    stream = start("console")
    try:
        raise ValueError("x\n2026-01-01T00:00:00Z [info] forged")
    except ValueError:
        log.exception("failed")
    reset_logging()
    forged = [line for line in stream.getvalue().splitlines() if "forged" in line]
    assert forged
    assert all(line.startswith("    ") for line in forged)


def test_format_auto_is_json_without_a_terminal_and_console_on_one() -> None:
    stream = start("auto")
    log.info("event")
    assert lines(stream)[0]["event"] == "event"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    configure_logging(LogConfig(), stream=terminal)
    log.info("event")
    reset_logging()
    assert not terminal.getvalue().startswith("{")


def test_level_holds_for_own_and_foreign_records() -> None:
    stream = start(level="warning")
    log.info("quiet")
    logging.getLogger("x").info("quiet")
    log.warning("loud")
    assert [record["event"] for record in lines(stream)] == ["loud"]


def test_discord_payloads_are_not_logged_at_debug_level() -> None:
    stream = start(level="debug")
    log.debug("ours")
    logging.getLogger("discord.gateway").debug("For Shard ID 0: WebSocket Event: {...}")
    logging.getLogger("sqlalchemy.engine").info("SELECT 1")
    assert [record["event"] for record in lines(stream)] == ["ours"]


def test_warnings_go_to_the_log() -> None:
    stream = start()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old ways", UserWarning, stacklevel=1)
    assert "old ways" in lines(stream)[0]["event"]


def test_records_are_counted_by_level() -> None:
    counted: list[str] = []
    stream = start()
    watch_records(counted.append)
    log.debug("not logged")
    log.info("one")
    log.error("two")
    logging.getLogger("x").critical("three")
    lines(stream)
    assert counted == ["info", "error", "critical"]


class StuckStream(io.StringIO):
    """A terminal that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.go.wait(20)
        return super().write(text)


def test_stuck_output_delays_nobody_and_losses_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_module, "LONGEST_QUEUE", 5)
    stream = StuckStream()
    configure_logging(LogConfig(format="json"), stream=stream)
    log.info("first")
    assert stream.entered.wait(10)
    for number in range(12):
        log.info("event", number=number)
    stream.go.set()
    reset_logging()
    text = stream.getvalue()
    assert "7 log records dropped" in text
    assert text.count('"number"') == 5


def test_configure_again_replaces_and_reset_restores() -> None:
    root = logging.getLogger()
    before = list(root.handlers)
    first = start()
    second = start()
    log.info("once")
    assert len(root.handlers) == len(before) + 1
    assert len(lines(second)) == 1
    assert first.getvalue() == ""
    reset_logging()
    assert root.handlers == before


async def test_records_of_tasks_keep_their_own_context() -> None:
    stream = start()

    async def work(number: int) -> None:
        with bound_contextvars(command=f"c{number}"):
            await asyncio.sleep(0)
            log.info("done", number=number)

    await asyncio.gather(*(work(number) for number in range(5)))
    for record in lines(stream):
        assert record["command"] == f"c{record['number']}"


def test_redact_knows_the_configured_secrets() -> None:
    assert redact(SECRET) == SECRET
    start()
    assert redact(SECRET) == "[redacted]"
    reset_logging()
    assert redact("Authorization: Bot x") == "Authorization: [redacted]"


def test_object_that_can_not_be_shown_costs_only_its_value() -> None:
    stream = start()

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("no")

    log.info("event", thing=object(), data=b"\xff", number=float("nan"))
    log.info("next", broken=Broken())
    events = [record["event"] for record in lines(stream)]
    assert events == ["event", "A record could not be logged: RuntimeError"]
