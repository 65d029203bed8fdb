"""The operator's webhooks against a real loopback server: payloads, limits, retries, shutdown."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.core.audit import AuditRecorded
from bot.core.clock import SystemClock
from bot.core.config import Config
from bot.core.contracts import Actor
from bot.core.log.redaction import Redactor
from bot.core.webhooks import WebhookSender, mailbox
from bot.core.webhooks.payloads import audit_payload, error_payload
from tests.fakes import FakeClock

AT = datetime(2024, 1, 1, tzinfo=UTC)
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.abcdefghijklmnopqrstuvwxyz0123456789AB"


def failure(text: str = "no such table") -> Exception:
    try:
        raise LookupError(text)
    except LookupError as error:
        return error


def entry(action: str = "ban_user", user_id: int = 123456789012345678) -> AuditRecorded:
    return AuditRecorded(
        at=AT,
        id=uuid.uuid4(),
        actor=Actor(user_id, "command"),
        guild_id=1,
        action=action,
        category="moderation",
    )


# --- payloads ---------------------------------------------------------------------------------


def test_error_payload_is_that_of_the_api_document() -> None:
    payload = error_payload("/giveaway", failure(), AT, Redactor())
    (embed,) = payload["embeds"]
    kind, trace = embed.pop("fields")
    assert embed == {
        "title": "Critical Error",
        "description": "/giveaway: no such table",
        "color": 16711680,
        "timestamp": "2024-01-01T00:00:00.000Z",
    }
    assert kind == {"name": "Error Type", "value": "LookupError", "inline": True}
    assert (trace["name"], trace["inline"]) == ("Stack Trace", False)
    assert "LookupError: no such table" in trace["value"]
    assert payload["allowed_mentions"] == {"parse": []}


def test_audit_payload_is_that_of_the_api_document() -> None:
    assert audit_payload(entry(), Redactor()) == {
        "embeds": [
            {
                "title": "Audit Log Entry",
                "color": 39423,
                "fields": [
                    {"name": "Action", "value": "ban_user", "inline": True},
                    {"name": "User ID", "value": "123456789012345678", "inline": True},
                ],
                "timestamp": "2024-01-01T00:00:00.000Z",
            }
        ],
        "allowed_mentions": {"parse": []},
    }


@given(where=st.text(max_size=300), text=st.text(max_size=6000), repeats=st.integers(0, 10**6))
def test_payload_stays_within_discords_limits(where: str, text: str, repeats: int) -> None:
    payload = error_payload(where, failure(text), AT, Redactor(), repeats=repeats)
    (embed,) = payload["embeds"]
    assert len(embed["description"]) <= 4096
    assert all(1 <= len(one["value"]) <= 1024 for one in embed["fields"])
    texts = [embed["title"], embed["description"]]
    texts += [part for one in embed["fields"] for part in (one["name"], one["value"])]
    assert sum(map(len, texts)) <= 6000
    assert embed["fields"][1]["value"].count("```") == 2


@given(before=st.integers(0, 1200))
def test_secret_is_redacted_before_the_trace_is_cut(before: int) -> None:
    payload = error_payload("x", failure("x" * before + " " + TOKEN), AT, Redactor())
    assert TOKEN[-20:] not in str(payload)
    assert TOKEN[:20] not in str(payload)


# --- delivery ---------------------------------------------------------------------------------


@dataclass
class Discord:
    """A loopback stand-in that answers as told and notes what it was sent."""

    answers: list[web.Response] = field(default_factory=list)
    received: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    base: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        self.received.append((request.path, await request.json()))
        await self.hold.wait()
        return self.answers.pop(0) if self.answers else web.Response(status=204)


@pytest.fixture
async def discord() -> AsyncIterator[Discord]:
    discord = Discord()
    discord.hold.set()
    app = web.Application()
    app.router.add_post("/api/webhooks/{id}/{token}", discord.handle)
    async with TestServer(app) as server:
        discord.base = str(server.make_url("/api"))
        yield discord
        discord.hold.set()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def outcomes() -> Counter[tuple[str, str]]:
    return Counter()


@pytest.fixture
def sender(
    discord: Discord, session: aiohttp.ClientSession, outcomes: Counter[tuple[str, str]]
) -> WebhookSender:
    def count(kind: str, outcome: str) -> None:
        outcomes[kind, outcome] += 1

    return WebhookSender(config(discord), session, SystemClock(), on_delivery=count)


def config(discord: Discord) -> Config:
    hooks = {name: f"{discord.base}/webhooks/1/{name}" for name in ("error_url", "audit_url")}
    return Config.model_validate(
        {"discord": {"api_base_url": f"{discord.base}/v10"}, "webhooks": hooks}
    )


def limited(seconds: float) -> web.Response:
    return web.json_response({"retry_after": seconds, "message": "slow down"}, status=429)


async def test_messages_go_to_their_webhook(
    sender: WebhookSender, discord: Discord, outcomes: Counter[tuple[str, str]]
) -> None:
    sender.error("/help", failure())
    sender.audit(entry())
    await sender.hear(entry("unban_user"))
    await sender.flush()
    assert Counter(path.rpartition("/")[2] for path, _ in discord.received) == {
        "error_url": 1,
        "audit_url": 2,
    }
    assert outcomes == {("error", "delivered"): 1, ("audit", "delivered"): 2}
    assert sender.pending == 0


async def test_without_webhooks_nothing_is_queued(session: aiohttp.ClientSession) -> None:
    sender = WebhookSender(Config(), session, SystemClock())
    sender.error("/help", failure())
    sender.audit(entry())
    assert sender.pending == 0


async def test_run_delivers_what_comes_later(sender: WebhookSender, discord: Discord) -> None:
    task = asyncio.create_task(sender.run())
    for number in range(3):
        sender.audit(entry(f"action_{number}"))
        async with asyncio.timeout(30):
            while len(discord.received) <= number:
                await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_rate_limit_is_waited_out(
    sender: WebhookSender, discord: Discord, outcomes: Counter[tuple[str, str]]
) -> None:
    discord.answers = [limited(0.05), web.Response(status=429, headers={"Retry-After": "0"})]
    sender.audit(entry())
    started = asyncio.get_running_loop().time()
    await sender.flush(10)
    assert asyncio.get_running_loop().time() - started >= 0.05
    assert len(discord.received) == 3
    assert outcomes == {("audit", "delivered"): 1}


async def test_server_error_is_retried_then_given_up(
    sender: WebhookSender,
    discord: Discord,
    outcomes: Counter[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mailbox, "FIRST_PAUSE", 0.001)
    discord.answers = [web.Response(status=502), web.Response(status=500)]
    sender.audit(entry())
    await sender.flush(10)
    assert outcomes == {("audit", "delivered"): 1}
    discord.answers = [web.Response(status=500) for _number in range(5)]
    sender.audit(entry())
    sender.audit(entry("next"))
    await sender.flush(10)
    assert outcomes == {("audit", "delivered"): 2, ("audit", "failed"): 1}


async def test_lost_connection_is_retried(
    session: aiohttp.ClientSession, discord: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "FIRST_PAUSE", 0.001)
    outcomes: list[str] = []
    away = config(discord).model_dump() | {
        "discord": {"api_base_url": "http://127.0.0.1:1/api"},
        "webhooks": {"audit_url": "http://127.0.0.1:1/api/webhooks/1/x"},
    }
    sender = WebhookSender(
        Config.model_validate({key: away[key] for key in ("discord", "webhooks")}),
        session,
        SystemClock(),
        on_delivery=lambda _kind, outcome: outcomes.append(outcome),
    )
    sender.audit(entry())
    await sender.flush(10)
    assert outcomes == ["failed"]


async def test_deleted_webhook_is_not_asked_again(
    sender: WebhookSender, discord: Discord, outcomes: Counter[tuple[str, str]]
) -> None:
    discord.answers = [web.Response(status=404)]
    sender.audit(entry())
    sender.audit(entry())
    await sender.flush()
    sender.audit(entry())
    sender.error("/help", failure())
    await sender.flush()
    assert [path.rpartition("/")[2] for path, _ in discord.received] == ["audit_url", "error_url"]
    assert outcomes == {("audit", "failed"): 2, ("error", "delivered"): 1}


async def test_redirect_is_not_followed(
    sender: WebhookSender, discord: Discord, outcomes: Counter[tuple[str, str]]
) -> None:
    discord.answers = [web.Response(status=307, headers={"Location": "/api/webhooks/1/elsewhere"})]
    sender.audit(entry())
    await sender.flush()
    assert len(discord.received) == 1
    assert outcomes == {("audit", "failed"): 1}


async def test_full_queue_drops_the_oldest(
    sender: WebhookSender, discord: Discord, outcomes: Counter[tuple[str, str]]
) -> None:
    for number in range(mailbox.MOST_QUEUED + 3):
        sender.audit(entry(f"action_{number}"))
    assert sender.pending == mailbox.MOST_QUEUED
    assert outcomes == {("audit", "dropped"): 3}


async def test_storm_of_errors_takes_no_place_from_the_audit_log(
    sender: WebhookSender, discord: Discord, outcomes: Counter[tuple[str, str]]
) -> None:
    sender.audit(entry())
    for number in range(mailbox.MOST_QUEUED + 5):
        sender.error(f"/command{number}", failure())
    await sender.flush(1)
    assert outcomes["audit", "delivered"] == 1
    assert outcomes["audit", "dropped"] == 0


async def test_kinds_do_not_wait_for_each_other(sender: WebhookSender, discord: Discord) -> None:
    discord.answers = [limited(60)]
    sender.error("/help", failure())
    running = asyncio.create_task(sender.run())
    async with asyncio.timeout(30):
        while not discord.received:
            await asyncio.sleep(0.005)
        sender.audit(entry())
        while len(discord.received) < 2:
            await asyncio.sleep(0.005)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_same_error_with_another_reference_is_a_repeat(
    sender: WebhookSender, discord: Discord, outcomes: Counter[tuple[str, str]]
) -> None:
    for reference in ("aaaa", "bbbb"):
        sender.error("GET /api/stats", failure(), reference=reference)
    await sender.flush()
    [(_path, body)] = discord.received
    assert "aaaa" in body["embeds"][0]["description"]
    assert outcomes == {("error", "delivered"): 1, ("error", "coalesced"): 1}


async def test_queue_that_overflows_during_a_delivery_loses_no_other_message(
    sender: WebhookSender, discord: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "MOST_QUEUED", 2)
    discord.hold.clear()
    sender.audit(entry("first"))
    flushing = asyncio.create_task(sender.flush(10))
    async with asyncio.timeout(30):
        while not discord.received:
            await asyncio.sleep(0.005)
    sender.audit(entry("second"))
    sender.audit(entry("third"))
    discord.hold.set()
    await flushing
    sent = [body["embeds"][0]["fields"][0]["value"] for _, body in discord.received]
    assert sent == ["first", "second", "third"]


async def test_thirty_messages_a_minute_are_not_exceeded(
    discord: Discord, session: aiohttp.ClientSession, outcomes: Counter[tuple[str, str]]
) -> None:
    sender = WebhookSender(config(discord), session, SystemClock())
    for number in range(35):
        sender.audit(entry(f"action_{number}"))
    sender.error("/help", failure())
    await sender.flush(1)
    kinds = Counter(path.rpartition("/")[2] for path, _ in discord.received)
    assert kinds["audit_url"] == 30


async def test_same_error_is_told_once_a_minute_with_its_count(
    discord: Discord,
    session: aiohttp.ClientSession,
    clock: FakeClock,
    outcomes: Counter[tuple[str, str]],
) -> None:
    def count(kind: str, outcome: str) -> None:
        outcomes[kind, outcome] += 1

    sender = WebhookSender(config(discord), session, clock, on_delivery=count)
    for number in range(4):
        sender.error("/help", failure(f"guild {number}"))
    sender.error("/ping", failure())
    clock.advance(60)
    sender.error("/help", failure())
    await sender.flush()
    described = [body["embeds"][0]["description"] for _, body in discord.received]
    assert described == [
        "/help: guild 0",
        "/ping: no such table",
        "/help: no such table\nIt happened 3 times more before.",
    ]
    assert outcomes["error", "coalesced"] == 3


async def test_flush_gives_up_at_its_deadline(
    sender: WebhookSender, discord: Discord, outcomes: Counter[tuple[str, str]]
) -> None:
    discord.hold.clear()
    sender.audit(entry())
    sender.error("/help", failure())
    await sender.flush(0.05)
    assert sender.pending == 0
    assert outcomes == {("audit", "dropped"): 1, ("error", "dropped"): 1}


async def test_webhook_url_is_in_no_log_line(
    sender: WebhookSender, discord: Discord, monkeypatch: pytest.MonkeyPatch
) -> None:
    discord.answers = [web.Response(status=400)]
    sender.audit(entry())
    # Whatever another test has set up the log for.
    with capture_logs() as lines:
        monkeypatch.setattr("bot.core.webhooks.mailbox.log", structlog.get_logger("test"))
        await sender.flush()
    assert [line["event"] for line in lines] == ["webhook_refused"]
    assert "audit_url" not in str(lines)
