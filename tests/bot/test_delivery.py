from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import discord
import pytest

from bot.core.outbox.deliveries import (
    Delayed,
    DeliveryError,
    DeliveryKind,
    Entry,
    NotPermitted,
    Refused,
    Undeliverable,
)
from bot.delivery import DiscordCourier, RenderedFile, Renderer
from tests.fakes import FakeClock
from tests.loopback_discord import Answer, LoopbackDiscord, log_in, serve_discord

CHANNEL, PERSON = 100, 300


@dataclass
class Wire:
    courier: DiscordCourier
    discord: LoopbackDiscord
    clock: FakeClock
    renderers: dict[str, Renderer]
    client: discord.Client


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    clock = FakeClock(datetime.now(UTC))
    renderers: dict[str, Renderer] = {}
    async with serve_discord() as server, log_in(server.url) as client:
        yield Wire(DiscordCourier(client, clock, renderers), server, clock, renderers, client)


def entry(kind: DeliveryKind = DeliveryKind.SEND, payload: Any = None, **values: Any) -> Entry:
    values = {"channel_id": CHANNEL} | values
    body = {"content": "hello"} if payload is None else payload
    return Entry(kind=kind, dedupe_key="key", nonce="nonce", payload=body, **values)


def direct() -> Entry:
    return entry(DeliveryKind.DIRECT, channel_id=None, user_id=PERSON)


def refusal(code: int, status: int = 400, **headers: str) -> Answer:
    # discord.py takes a 429 without this header for one of Cloudflare.
    return Answer(status, {"code": code, "message": "no"}, {"Via": "1.1 loopback", **headers})


async def test_payload_goes_through_unchanged_with_an_enforced_nonce(wire: Wire):
    payload = {
        "content": "hi",
        "embeds": [{"title": "T", "fields": [{"name": "a", "value": "b"}]}],
        "components": [
            {"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "y"}]}
        ],
        "flags": 4,
    }

    message_id = await wire.courier.deliver(entry(payload=payload))

    [(method, path, body)] = wire.discord.requests
    assert (method, path) == ("POST", f"/channels/{CHANNEL}/messages")
    assert body == payload | {
        "nonce": "nonce",
        "enforce_nonce": True,
        "allowed_mentions": {"parse": []},
    }
    assert message_id == int(wire.discord.messages[0]["id"])


async def test_mentions_are_allowed_only_where_the_payload_says_so(wire: Wire):
    await wire.courier.deliver(
        entry(payload={"content": "<@1>", "allowed_mentions": {"users": ["1"]}})
    )

    assert wire.discord.requests[0][2]["allowed_mentions"] == {"users": ["1"]}


async def test_repeat_is_one_message(wire: Wire):
    first = await wire.courier.deliver(entry())
    second = await wire.courier.deliver(entry())

    assert first == second
    assert wire.discord.said() == ["hello"]


async def test_repeat_of_a_message_deleted_meanwhile_counts_as_sent(wire: Wire):
    await wire.courier.deliver(entry())
    wire.discord.messages.clear()

    assert await wire.courier.deliver(entry()) is None
    assert wire.discord.messages == []


async def test_edit_and_delete(wire: Wire):
    message_id = await wire.courier.deliver(entry())
    edit = entry(DeliveryKind.EDIT, {"content": "changed"}, message_id=message_id)
    assert await wire.courier.deliver(edit) == message_id
    assert wire.discord.said() == ["changed"]
    assert "nonce" not in wire.discord.requests[-1][2]

    delete = entry(DeliveryKind.DELETE, {}, message_id=message_id)
    assert await wire.courier.deliver(delete) == message_id
    assert wire.discord.messages == []
    assert await wire.courier.deliver(delete) is None


async def test_edit_of_a_deleted_message_fails_for_good(wire: Wire):
    with pytest.raises(Undeliverable) as caught:
        await wire.courier.deliver(entry(DeliveryKind.EDIT, message_id=1))

    assert caught.value.reason == "message_gone"


async def test_direct_message_opens_the_channel(wire: Wire):
    await wire.courier.deliver(direct())

    assert [path for _, path, _ in wire.discord.requests] == [
        "/users/@me/channels",
        f"/channels/9{PERSON}/messages",
    ]


@pytest.mark.parametrize(
    ("answer", "outcome", "reason", "maybe_sent"),
    [
        (refusal(50013, 403), NotPermitted, "missing_permissions", False),
        (refusal(50001, 403), NotPermitted, "missing_access", False),
        (refusal(10003, 404), Undeliverable, "channel_gone", False),
        (refusal(50035), Undeliverable, "invalid_payload", False),
        (refusal(200000), Undeliverable, "blocked_by_automod", False),
        (refusal(99999), Undeliverable, "rejected_99999", False),
        (refusal(0, 503), Delayed, "discord_error", True),
        (refusal(20028, 429), Delayed, "rate_limited", False),
        (Answer(429, "slow down"), Delayed, "rate_limited", False),
        (Answer(403, "Access denied"), Delayed, "refused_at_the_door", False),
        (refusal(0, 401), Delayed, "refused_at_the_door", False),
        (Answer(after_the_fact=True), Delayed, "connection", True),
    ],
)  # fmt: skip
async def test_answer_of_discord_becomes_an_outcome(
    wire: Wire, answer: Answer, outcome: type[DeliveryError], reason: str, maybe_sent: bool
):
    if answer.status == 429 and answer.headers:
        wire.courier._client.http.max_ratelimit_timeout = 30
        answer.body["retry_after"] = 60.0
    wire.discord.answers = [answer]

    with pytest.raises(outcome) as caught:
        await wire.courier.deliver(entry())

    assert caught.value.reason == reason
    assert getattr(caught.value, "maybe_sent", False) == maybe_sent


async def test_long_rate_limit_is_waited_for_in_the_outbox(wire: Wire):
    wire.courier._client.http.max_ratelimit_timeout = 30
    wire.discord.answers = [
        Answer(429, {"retry_after": 600.0, "message": "slow"}, {"Via": "1.1 loopback"})
    ]

    with pytest.raises(Delayed) as caught:
        await wire.courier.deliver(entry())

    assert caught.value.after == timedelta(minutes=10)


@pytest.mark.parametrize("code", [50007, 50013, 50278])
async def test_closed_dms_are_final(wire: Wire, code: int):
    wire.discord.answers = [Answer(200, {"id": "9300", "type": 1}), refusal(code, 403)]

    with pytest.raises(Undeliverable) as caught:
        await wire.courier.deliver(direct())

    assert caught.value.reason == "dms_closed"


async def test_direct_messages_stop_for_an_hour_once_flagged_as_spam(wire: Wire):
    wire.discord.answers = [refusal(20026)]
    for _ in range(2):
        with pytest.raises(Delayed) as caught:
            await wire.courier.deliver(direct())
        assert caught.value.after == timedelta(hours=1)
    assert len(wire.discord.requests) == 1
    await wire.courier.deliver(entry())

    wire.clock.advance(timedelta(hours=1))
    assert await wire.courier.deliver(direct())


CARD = {
    "content": "Welcome!",
    "embeds": [{"title": "T", "image": {"url": "attachment://card.png"}}],
    "attachments": [{"renderer": "card", "filename": "card.png", "args": {"name": "Ann"}}],
}


async def test_attachment_is_rendered_at_delivery(wire: Wire):
    async def draw(args: Mapping[str, Any]) -> RenderedFile:
        return RenderedFile(f"card of {args['name']}".encode(), description="A card")

    wire.renderers["card"] = draw
    await wire.courier.deliver(entry(payload=CARD))

    body = wire.discord.requests[0][2]
    assert body["attachments"] == [{"id": 0, "filename": "card.png", "description": "A card"}]
    assert body["embeds"] == CARD["embeds"]
    assert body["enforce_nonce"]
    assert wire.discord.files == [("card.png", b"card of Ann")]


async def test_words_are_sent_alone_when_the_picture_fails(wire: Wire):
    async def fail(args: Mapping[str, Any]) -> RenderedFile:
        raise MemoryError("too big")

    for renderers in ({}, {"card": fail}):
        wire.renderers.update(renderers)
        wire.discord.forget_nonces()
        await wire.courier.deliver(entry(payload=CARD))

    for _, _, body in wire.discord.requests:
        assert body["content"] == "Welcome!"
        assert body["embeds"] == [{"title": "T"}]
        assert "attachments" not in body
    assert CARD["attachments"], "the stored payload is left as it is"


async def test_closed_client_is_waited_for_without_doubt(wire: Wire):
    await wire.client.close()
    for kind in (DeliveryKind.SEND, DeliveryKind.DELETE):
        with pytest.raises(Delayed) as caught:
            await wire.courier.deliver(entry(kind, message_id=1))
        assert (caught.value.reason, caught.value.maybe_sent) == ("not_connected", False)
    with pytest.raises(Delayed):
        await wire.courier.find_sent(entry(), datetime.now(UTC))


async def test_client_that_closes_meanwhile_is_waited_for(wire: Wire):
    async def draw(args: Mapping[str, Any]) -> RenderedFile:
        await wire.client.close()
        return RenderedFile(b"card")

    wire.renderers["card"] = draw
    with pytest.raises(Delayed) as caught:
        await wire.courier.deliver(entry(payload=CARD))
    assert caught.value.reason == "not_connected"


async def test_find_sent_finds_own_messages_with_the_same_words(wire: Wire):
    started = datetime.now(UTC)
    stranger = {"id": "7", "username": "ann", "discriminator": "0"}
    wire.discord.add(CHANNEL, {"content": "hello"}, stranger)
    wire.discord.add(CHANNEL, {"content": "something else"})
    wire.discord.add(CHANNEL, {"content": "hello", "interaction_metadata": {"id": "1"}})
    wire.discord.add(CHANNEL + 1, {"content": "hello"})
    ours = wire.discord.add(CHANNEL, {"content": "hello"})

    assert await wire.courier.find_sent(entry(), started) == [int(ours["id"])]
    assert await wire.courier.find_sent(entry(), started + timedelta(minutes=1)) == []


async def test_find_sent_reads_on_in_a_busy_channel_but_not_forever(wire: Wire):
    started = datetime.now(UTC)
    for number in range(250):
        wire.discord.add(CHANNEL, {"content": f"chatter {number}"})
    ours = wire.discord.add(CHANNEL, {"content": "hello"})
    assert await wire.courier.find_sent(entry(), started) == [int(ours["id"])]

    for number in range(600):
        wire.discord.add(CHANNEL, {"content": f"chatter {number}"})
    wire.discord.requests.clear()
    other = entry(payload={"content": "never said"})
    assert await wire.courier.find_sent(other, started) == []
    assert len(wire.discord.requests) == 5


async def test_find_sent_without_access_waits_for_the_permission(wire: Wire):
    wire.discord.answers = [refusal(50001, 403)]

    with pytest.raises(NotPermitted):
        await wire.courier.find_sent(entry(), datetime.now(UTC))


async def test_unreachable_discord_is_a_delay(wire: Wire, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:1")

    with pytest.raises(Delayed) as caught:
        await wire.courier.deliver(entry())

    assert (caught.value.reason, caught.value.maybe_sent) == ("connection", True)
    assert isinstance(caught.value.__cause__, aiohttp.ClientError)
    with suppress(DeliveryError):
        await wire.courier.find_sent(entry(), datetime.now(UTC))


async def test_direct_message_is_edited_and_deleted_by_its_person(wire: Wire):
    message_id = await wire.courier.deliver(direct())
    about = {"channel_id": None, "user_id": PERSON, "message_id": message_id}

    await wire.courier.deliver(entry(DeliveryKind.EDIT, {"content": "no, it failed"}, **about))
    assert wire.discord.said() == ["no, it failed"]

    await wire.courier.deliver(entry(DeliveryKind.DELETE, **about))
    assert wire.discord.said() == []


async def test_direct_message_that_can_not_be_edited_is_no_fault(wire: Wire):
    wire.discord.answers = [refusal(50001, 403)]

    with pytest.raises(Refused):
        await wire.courier.deliver(
            entry(DeliveryKind.EDIT, channel_id=None, user_id=PERSON, message_id=1)
        )
