"""The registrar against the simulated Discord: what it asks for, and what refusals mean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import discord
import pytest

from bot.sandbox import RestFault, Sandbox
from bot.sandbox.guild import Guild
from cogs.customcommand.registrar import DiscordRegistrar
from cogs.customcommand.registrations import Registered, plan_registration, registrations
from cogs.customcommand.rules import Command
from cogs.customcommand.sync import DailyLimit, NoAccess, NotNow, Refused, RegistrarError
from tests.cogs.customcommand.world import draft
from tests.fakes import FakeClock
from tests.loopback_discord import log_in

BODY = {"name": "hug", "type": 1, "description": "Hug"}
COMMANDS = "*/guilds/*/commands*"


@dataclass
class Wire:
    sandbox: Sandbox
    guild: Guild
    registrar: DiscordRegistrar
    client: discord.Client


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with Sandbox() as sandbox:
        guild = sandbox.add_guild("Harbour")
        async with log_in(sandbox.api_base_url, sandbox.token) as client:
            yield Wire(sandbox, guild, DiscordRegistrar(client), client)


async def test_commands_are_put_listed_and_deleted(wire: Wire) -> None:
    guild_id = wire.guild.id
    await wire.registrar.put(guild_id, BODY)
    await wire.registrar.put(guild_id, BODY | {"description": "Hugs"})
    [found] = await wire.registrar.commands(guild_id)
    assert found == Registered(found.id, "hug", "Hugs")
    await wire.registrar.delete(guild_id, found.id)
    await wire.registrar.delete(guild_id, found.id)
    assert await wire.registrar.commands(guild_id) == []


async def test_what_discord_gives_back_is_the_same_as_what_was_put(wire: Wire) -> None:
    commands = [
        Command(1, wire.guild.id, 1, draft("hug", "hugs {1}"), FakeClock().now()),
        Command(2, wire.guild.id, 1, draft("rules", description="All ¿rules?"), FakeClock().now()),
    ]
    bodies = registrations(commands, (), "es")
    for body in bodies:
        await wire.registrar.put(wire.guild.id, body)
    plan = plan_registration(bodies, await wire.registrar.commands(wire.guild.id))
    assert (plan.put, plan.delete) == ((), ())


async def test_command_that_discord_refuses_is_told_with_its_words(wire: Wire) -> None:
    with pytest.raises(Refused, match="name"):
        await wire.registrar.put(wire.guild.id, BODY | {"name": "Two Words"})


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, 50001, NoAccess),
        (400, 30034, DailyLimit),
        (401, 0, NotNow),
        (403, 0, NotNow),
        (400, 50035, Refused),
    ],
)
async def test_refusals_and_what_they_mean(
    wire: Wire, status: int, code: int, error: type[RegistrarError]
) -> None:
    wire.sandbox.faults.add(RestFault(status, "POST", COMMANDS, code=code))
    with pytest.raises(error):
        await wire.registrar.put(wire.guild.id, BODY)


async def test_long_wait_is_left_to_the_job(wire: Wire) -> None:
    wire.client.http.max_ratelimit_timeout = 30.0
    wire.sandbox.faults.add(RestFault(429, "POST", COMMANDS, retry_after=3600))
    with pytest.raises(NotNow) as caught:
        await wire.registrar.put(wire.guild.id, BODY)
    assert caught.value.after >= timedelta(seconds=3500)


async def test_client_that_is_closed_asks_for_patience(wire: Wire) -> None:
    await wire.client.close()
    with pytest.raises(NotNow) as caught:
        await wire.registrar.commands(wire.guild.id)
    assert caught.value.after == timedelta(seconds=30)
