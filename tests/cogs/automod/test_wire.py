"""Automod over the wire: the whole process against the simulated Discord, bursts as they come."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from discord.http import Route
from sqlalchemy import select

from bot.application import stop_in_order
from bot.core.config import Config
from bot.core.contracts import SYSTEM
from bot.runtime import Runtime
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from db.automod import Incident
from db.cases import Case
from tests.cogs.automod.world import rule, words

TIMEOUT = {"type": "timeout", "duration": 600}
BURST = 200


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def guild(sandbox: Sandbox) -> Guild:
    return sandbox.add_guild("Harbour", channels=("general", "log"))


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(Route, "BASE", Route.BASE)
    return database_url


@asynccontextmanager
async def running(sandbox: Sandbox, url: str) -> AsyncIterator[Runtime]:
    config = Config.model_validate(
        {
            "discord": {
                "token": sandbox.token,
                "api_base_url": sandbox.api_base_url,
                "cdn_base_url": sandbox.cdn_url,
            },
            "database": {"url": url},
            "web": {"port": 0},
        }
    )
    async with aiohttp.ClientSession() as http:
        runtime = Runtime(config, http)
        try:
            await runtime.start()
            await sandbox.wait_for_connection()
            yield runtime
        finally:
            await stop_in_order(runtime.stop_steps())


async def switch_on(runtime: Runtime, guild: Guild, *rules: dict[str, Any]) -> None:
    async with asyncio.timeout(30):
        while runtime.kernel.state().guild(guild.id) is None:
            await asyncio.sleep(0.01)
    values = {"rules": list(rules), "log_channel_id": str(guild.channel("log").id)}
    await runtime.kernel.settings.change(guild.id, "automod", values, enabled=True, actor=SYSTEM)


async def read(runtime: Runtime, kind: Any) -> list[Any]:
    async with runtime.kernel.database.read() as session:
        return list((await session.scalars(select(kind).order_by("id"))).all())


async def until(met: Any, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await met():
            await asyncio.sleep(0.05)


def assert_within_limits(sandbox: Sandbox) -> None:
    """No call was refused as too many, and none asked for what Discord would not do."""
    for call in sandbox.recorder.calls_to():
        assert call.status < 400, f"{call.method} {call.path}: {call.status} {call.response}"
    bulk = sandbox.recorder.calls_to("POST", "/channels/*/messages/bulk-delete")
    for call in bulk:
        assert 2 <= len(call.body["messages"]) <= 100
    ids = [one for call in bulk for one in call.body["messages"]]
    ids += [call.path.rsplit("/", 1)[1] for call in sandbox.recorder.calls_to("DELETE")]
    assert [one for one, count in Counter(ids).items() if count > 1] == []


async def test_burst_of_one_member_is_one_incident(
    sandbox: Sandbox, guild: Guild, url: str
) -> None:
    general, log = guild.channel("general"), guild.channel("log")
    ada = sandbox.join(guild, "ada")
    async with running(sandbox, url) as runtime:
        await switch_on(runtime, guild, rule("scam", words("nitro"), "delete", TIMEOUT))
        member = guild.member(ada.user.id)
        for number in range(BURST):
            # Straight into the channel: the burst was on its way when the timeout came.
            general.add_message(ada.user, f"free nitro {number}")

        async def is_done() -> bool:
            cases = await read(runtime, Case)
            return not general.messages and [case.state for case in cases] == ["applied"]

        await until(is_done)
        await until(lambda: _says(log, f"{BURST} messages deleted"))
        incidents, cases = await read(runtime, Incident), await read(runtime, Case)

    assert len(incidents) == 1
    assert [(case.kind, case.target_id) for case in cases] == [("timeout", ada.user.id)]
    assert member.timed_out_until is not None
    assert len(log.messages) == 1
    timeouts = sandbox.recorder.calls_to("PATCH", f"/guilds/{guild.id}/members/{ada.user.id}")
    assert len(timeouts) == 1
    assert_within_limits(sandbox)


async def test_campaign_of_200_members_is_one_incident(
    sandbox: Sandbox, guild: Guild, url: str
) -> None:
    general, log = guild.channel("general"), guild.channel("log")
    raiders = [sandbox.join(guild, f"raider{number}") for number in range(BURST)]
    async with running(sandbox, url) as runtime:
        when = {"type": "campaign", "members": 5, "window": 60, "min_length": 10}
        await switch_on(runtime, guild, rule("wave", when, "delete", TIMEOUT))
        for one in raiders:
            general.add_message(one.user, "come and join my great new server")

        async def is_done() -> bool:
            cases = await read(runtime, Case)
            applied = [case for case in cases if case.state == "applied"]
            return not general.messages and len(applied) == BURST

        await until(is_done, 120)
        await until(lambda: _says(log, f"{BURST} members"))
        incidents, cases = await read(runtime, Incident), await read(runtime, Case)

    assert [one.scope for one in incidents] == ["campaign"]
    assert sorted(case.target_id for case in cases) == sorted(one.user.id for one in raiders)
    assert all(guild.member(one.user.id).timed_out_until for one in raiders)
    assert len(log.messages) == 1
    assert_within_limits(sandbox)


async def _says(log: Any, text: str) -> bool:
    return any(text in str(message.embeds) for message in log.messages.values())


async def test_undo_button_works_after_a_restart(sandbox: Sandbox, guild: Guild, url: str) -> None:
    general, log = guild.channel("general"), guild.channel("log")
    ada = sandbox.join(guild, "ada")
    async with running(sandbox, url) as runtime:
        await switch_on(runtime, guild, rule("scam", words("nitro"), "delete", TIMEOUT))
        ada.send(general, "free nitro")
        await until(lambda: _says(log, "case 1"))
    owner = sandbox.actor(sandbox.world.users[guild.owner_id], guild)
    (message,) = log.messages.values()
    (incident_id,) = {
        one["custom_id"].rsplit(":", 1)[1] for one in message.components[0]["components"]
    }
    async with running(sandbox, url) as runtime:
        async with asyncio.timeout(30):
            while runtime.kernel.state().guild(guild.id) is None:
                await asyncio.sleep(0.01)
        await owner.click(message, f"automod:undo:{incident_id}")
        await until(lambda: _is_free(guild, ada.user.id))
        await until(lambda: _says(log, "**Undone** by"))

    assert_within_limits(sandbox)


async def _is_free(guild: Guild, user_id: int) -> bool:
    return guild.member(user_id).timed_out_until is None
