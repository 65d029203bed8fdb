"""Which failures are tried again and which are not."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import discord
import pytest

from bot import connection
from bot.client import Pegasus
from bot.connection import Connection, refusal_of
from bot.core.i18n import Message
from bot.reconnects import Reconnects, in_one_line
from bot.sessions import Sessions, SessionsUsedUp


def closed(code: int) -> discord.ConnectionClosed:
    socket = cast("Any", SimpleNamespace(close_code=code))
    return discord.ConnectionClosed(socket, shard_id=0, code=code)


class Client:
    """A client whose connection ends as the test says."""

    def __init__(self, ends: list[BaseException], *, closes: bool = True) -> None:
        self._ends = ends
        self._closes = closes
        self.closed = False

    async def login(self, token: str) -> None: ...

    async def connect(self) -> None:
        raise self._ends.pop(0)

    async def close(self) -> None:
        self.closed = True
        if not self._closes:
            raise AttributeError("half made")


class Case:
    """A connection over such clients, and what came of it."""

    def __init__(self, *ends: BaseException, closes: bool = True) -> None:
        self.ends = list(ends)
        self._closes = closes
        self.clients: list[Client] = []
        self.refusals: list[tuple[str, Message]] = []
        self.connection = Connection(
            self._make, "token", on_refused=lambda *told: self.refusals.append(told)
        )

    def _make(self) -> Pegasus:
        self.clients.append(Client(self.ends, closes=self._closes))
        return cast("Pegasus", self.clients[-1])


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of which lasts."""
    made: list[float] = []

    async def sleep(seconds: float) -> None:
        made.append(seconds)

    monkeypatch.setattr(connection, "asyncio", SimpleNamespace(**vars(asyncio) | {"sleep": sleep}))
    return made


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013, 4014])
async def test_refusal_is_told_once_and_not_retried(code: int) -> None:
    case = Case(closed(code))
    await case.connection.run()
    assert [told for told, _ in case.refusals] == [str(code)]
    assert len(case.clients) == 1
    assert case.clients[0].closed


async def test_refusal_is_told_before_the_connection_is_tidied_up() -> None:
    told: list[str] = []

    class Slow(Client):
        async def close(self) -> None:
            told.append("closed")

    client = cast("Pegasus", Slow([closed(4004)]))
    await Connection(lambda: client, "token", on_refused=lambda code, _: told.append(code)).run()
    assert told == ["4004", "closed"]


async def test_refused_login_and_intents_say_what_to_change() -> None:
    token = refusal_of(discord.LoginFailure("no"))
    intents = refusal_of(discord.PrivilegedIntentsRequired(0))
    assert token is not None
    assert intents is not None
    assert "DISCORD_TOKEN" in str(token[1])
    assert "members_intent" in str(intents[1])


@pytest.mark.parametrize("error", [closed(4000), closed(1000), OSError("gone"), TimeoutError()])
def test_passing_failure_is_no_refusal(error: BaseException) -> None:
    assert refusal_of(error) is None


async def test_passing_failures_are_retried_with_longer_pauses(pauses: list[float]) -> None:
    case = Case(*[OSError("gone")] * 9, closed(4004))
    await case.connection.run()
    assert len(case.clients) == 10
    assert all(client.closed for client in case.clients)
    plain = [1, 2, 4, 8, 12, 12, 12, 12, 12]
    assert all(abs(made / want - 1) <= 0.25 for made, want in zip(pauses, plain, strict=True))


def test_sessions_begun_in_vain_are_spent_sparingly() -> None:
    reconnects = Reconnects()
    reconnects.note(closed(4000))
    assert [reconnects.delay() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 64, 120]


def test_the_next_outage_is_tried_soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(monotonic=lambda: now)
    now = 1000.0
    monkeypatch.setattr("bot.reconnects.time", clock)
    reconnects = Reconnects()
    for _ in range(9):
        now += 60
        assert reconnects.delay() <= 15
    now += 301
    assert reconnects.delay() <= 1.25


def test_failed_attempt_is_one_line_and_a_fault_keeps_its_traceback() -> None:
    def record(error: Exception) -> logging.LogRecord:
        info = (type(error), error, None)
        told = logging.LogRecord("discord.shard", 40, "", 1, "Again in %.1fs", (2.0,), info)
        assert in_one_line(told)
        return told

    away = record(aiohttp.ClientOSError(111, "Connect call failed"))
    assert away.getMessage().startswith("Again in 2.0s (ClientOSError: ")
    assert (away.exc_info, away.levelname) == (None, "WARNING")
    assert record(KeyError("url")).exc_info is not None


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no JSON"),
        RecursionError(),
        KeyError("url"),
        RuntimeError("odd"),
        asyncio.CancelledError(),
    ],
)
async def test_no_failure_ends_it_for_good(pauses: list[float], error: BaseException) -> None:
    case = Case(error, closed(4004))
    await case.connection.run()
    assert len(case.clients) == 2
    assert case.clients[0].closed
    assert pauses == [1.0]


async def test_stop_is_no_failure(pauses: list[float]) -> None:
    reached = asyncio.Event()

    class Lasting(Client):
        async def connect(self) -> None:
            reached.set()
            await asyncio.Event().wait()

    lasting = Lasting([])
    running = asyncio.create_task(
        Connection(lambda: cast("Pegasus", lasting), "token", on_refused=lambda *_: None).run()
    )
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert lasting.closed
    assert pauses == []


async def test_client_that_does_not_close_makes_no_refusal_forgotten() -> None:
    case = Case(OSError("gone"), closed(4014), closes=False)
    await case.connection.run()
    assert [told for told, _ in case.refusals] == ["4014"]
    assert len(case.clients) == 2


async def test_used_up_sessions_are_waited_for(pauses: list[float]) -> None:
    case = Case(SessionsUsedUp(3600.0), closed(4004))
    await case.connection.run()
    assert pauses == [3600.0]


async def test_close_ends_it() -> None:
    case = Case(OSError("gone"))
    await case.connection.close()
    await case.connection.run()
    assert case.clients == []


class Api:
    """Discord's answer about the gateway."""

    def __init__(
        self, remaining: int, max_concurrency: int = 1, *, reset_after: int = 90_000
    ) -> None:
        self.asked = 0
        self.limits = {
            "total": 1000,
            "remaining": remaining,
            "reset_after": reset_after,
            "max_concurrency": max_concurrency,
        }

    async def get_bot_gateway(self) -> Any:
        self.asked += 1
        return 3, "ws://127.0.0.1:1/gateway", self.limits


async def test_sessions_are_counted_down(monkeypatch: pytest.MonkeyPatch) -> None:
    address = connection.discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", address)
    told: list[int] = []
    sessions = Sessions(told.append)
    assert await sessions.look_up(cast("Any", Api(remaining=7))) == 3
    assert str(discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY) == "ws://127.0.0.1:1/gateway"
    await sessions.wait_turn(0)
    assert told == [7, 6]


async def test_no_session_is_begun_when_none_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    address = discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", address)
    with pytest.raises(SessionsUsedUp) as caught:
        await Sessions().look_up(cast("Any", Api(remaining=0)))
    assert caught.value.after == 90.0


@pytest.mark.parametrize(
    ("found", "told"), [(0, [1, 0, 0, 1000, 999]), (7, [1, 0, 7, 6])], ids=["none", "renewed"]
)
async def test_after_the_last_session_discord_is_asked_before_the_next(
    monkeypatch: pytest.MonkeyPatch, found: int, told: list[int]
) -> None:
    address = discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", address)
    monkeypatch.setattr("bot.sessions.IDENTIFY_SECONDS", 0.0)
    monkeypatch.setattr("bot.sessions.SHORTEST_WAIT", 0.0)
    heard: list[int] = []
    sessions, api = Sessions(heard.append), Api(remaining=1)
    await sessions.look_up(cast("Any", api))
    await sessions.wait_turn(0)
    api.limits |= {"remaining": found, "reset_after": 100}
    started = asyncio.get_running_loop().time()
    await sessions.wait_turn(0)
    assert (asyncio.get_running_loop().time() - started >= 0.1) == (found == 0)
    assert (heard, api.asked) == (told, 2)


async def test_sessions_are_renewed_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    address = discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", address)
    renewed = asyncio.Event()
    sessions = Sessions(lambda remaining: renewed.set() if remaining == 1000 else None)
    await sessions.look_up(cast("Any", Api(remaining=7, reset_after=50)))
    assert not renewed.is_set()
    await asyncio.wait_for(renewed.wait(), 30)


async def test_shards_take_turns_within_their_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    address = discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", address)
    monkeypatch.setattr("bot.sessions.IDENTIFY_SECONDS", 0.1)
    sessions = Sessions()
    await sessions.look_up(cast("Any", Api(remaining=9, max_concurrency=2)))
    loop = asyncio.get_running_loop()
    started = loop.time()
    await sessions.wait_turn(0)
    await sessions.wait_turn(1)
    assert loop.time() - started < 0.1
    await sessions.wait_turn(2)
    assert loop.time() - started >= 0.1
