"""Messages that are still to be sent call nobody who must not be called any more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bot.core.outbox import Calls, Delayed, Delivery, Entry, NotPermitted
from tests.bot.core.outbox.world import CHANNEL, OTHER, World

ANN, BEN, CREW, MATES = 1, 2, 11, 12
BEN_AND_CREW = Calls(frozenset({BEN}), frozenset({CREW}))


async def call(
    world: World,
    key: str,
    channel_id: int = CHANNEL,
    users: Sequence[int] = (ANN, BEN),
    roles: Sequence[int] = (CREW, MATES),
) -> None:
    allowed: dict[str, Any] = {"parse": []}
    allowed |= {"users": [str(one) for one in users], "roles": [str(one) for one in roles]}
    payload = {"content": key, "allowed_mentions": allowed}
    await world.send(Delivery.message(channel_id, payload, dedupe_key=key))


async def hush(world: World, unwanted: Calls = BEN_AND_CREW) -> Calls:
    async with world.database.write() as session:
        return await world.outbox.hush(session, CHANNEL, unwanted)


def called(world: World) -> dict[str, tuple[list[str], list[str]]]:
    found = {}
    for _id, entry, _at in world.discord.messages:
        allowed = entry.payload.get("allowed_mentions", {})
        found[entry.payload["content"]] = (allowed.get("users", []), allowed.get("roles", []))
    return found


async def test_what_waits_calls_the_others_alone(world: World):
    await call(world, "here")
    await call(world, "others", users=[ANN], roles=[MATES])
    await call(world, "elsewhere", OTHER)
    await world.say("plain")
    assert await hush(world) == Calls()
    await world.outbox.run_due()

    everybody = ["1", "2"], ["11", "12"]
    assert called(world) == {
        "here": (["1"], ["12"]),
        "others": (["1"], ["12"]),
        "elsewhere": everybody,
        "plain": ([], []),
    }


async def test_whom_a_message_calls_that_is_under_way_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    deliver, entered, go_on = world.discord.deliver, asyncio.Event(), asyncio.Event()

    async def slowly(entry: Entry) -> int | None:
        entered.set()
        await go_on.wait()
        return await deliver(entry)

    monkeypatch.setattr(world.discord, "deliver", slowly)
    await call(world, "first", roles=[])
    delivering = asyncio.create_task(world.outbox.run_due())
    await entered.wait()
    await call(world, "second")
    assert await hush(world) == Calls(frozenset({BEN}))
    go_on.set()
    await delivering

    assert called(world) == {"first": (["1", "2"], []), "second": (["1"], ["12"])}
    assert await hush(world) == Calls()


@pytest.mark.parametrize("may_be_sent", [True, False])
async def test_whether_it_may_have_been_sent_before_decides(world: World, may_be_sent: bool):
    world.discord.answers = [Delayed("discord_error", maybe_sent=may_be_sent)]
    await call(world, "first")
    await world.outbox.run_due()
    assert await hush(world) == (BEN_AND_CREW if may_be_sent else Calls())
    world.clock.advance(60)
    await world.outbox.run_due()
    assert called(world)["first"][0] == (["1", "2"] if may_be_sent else ["1"])


async def test_what_is_set_aside_is_hushed_too(world: World):
    world.discord.answers = [NotPermitted("send_messages")]
    await call(world, "first")
    await world.outbox.run_due()
    assert (await world.row("first")).state == "parked"
    assert await hush(world) == Calls()
    await world.outbox.resume_parked(channel_id=CHANNEL)
    await world.outbox.run_due()
    assert called(world) == {"first": (["1"], ["12"])}
