"""The enforcer against the simulated Discord: what it asks for, and what refusals mean."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import discord
import pytest

from bot.core.cases import Delayed, EnforcementError, Gone, NotPermitted
from bot.enforcement import DiscordEnforcer
from bot.sandbox import RestFault, Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.models import Member
from tests.loopback_discord import log_in

WINDOW = timedelta(days=1)


@dataclass
class Wire:
    sandbox: Sandbox
    guild: Guild
    enforcer: DiscordEnforcer
    ann: Member
    client: discord.Client


@pytest.fixture
async def wire(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Wire]:
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    async with Sandbox() as sandbox:
        guild = sandbox.add_guild("Harbour")
        ann = sandbox.join(guild, "ann").member
        async with log_in(sandbox.api_base_url, sandbox.token) as client:
            yield Wire(sandbox, guild, DiscordEnforcer(client), ann, client)


async def test_bans_are_made_and_lifted_by_id(wire: Wire):
    ann, guild = wire.ann, wire.guild
    await wire.enforcer.ban(guild.id, ann.id, reason="spam [case 1]", delete_window=WINDOW)
    assert guild.bans[ann.id].reason == "spam [case 1]"
    await wire.enforcer.ban(guild.id, ann.id, reason="again", delete_window=timedelta())

    await wire.enforcer.unban(guild.id, ann.id, reason="over")
    assert not guild.bans
    with pytest.raises(Gone, match="not_banned"):
        await wire.enforcer.unban(guild.id, ann.id, reason="over")


async def test_joining_is_dated_by_discord(wire: Wire):
    joined_at = await wire.enforcer.joined_at(wire.guild.id, wire.ann.id)
    assert joined_at == wire.ann.joined_at

    await wire.enforcer.kick(wire.guild.id, wire.ann.id, reason="spam")
    with pytest.raises(Gone, match="member_gone"):
        await wire.enforcer.joined_at(wire.guild.id, wire.ann.id)


async def test_closed_client_is_waited_for(wire: Wire):
    await wire.client.close()
    with pytest.raises(Delayed, match="not_connected"):
        await wire.enforcer.kick(wire.guild.id, wire.ann.id, reason="spam")


async def test_many_are_banned_at_once_and_who_could_not_be_is_told(wire: Wire):
    others = [wire.sandbox.join(wire.guild, f"raider{number}").id for number in range(3)]
    owner = wire.guild.owner_id
    failed = await wire.enforcer.ban_many(
        wire.guild.id, [*others, owner], reason="raid", delete_window=timedelta()
    )

    assert failed == {owner}
    assert set(wire.guild.bans) == set(others)
    again = await wire.enforcer.ban_many(
        wire.guild.id, others, reason="raid", delete_window=timedelta()
    )
    assert again == set(others)


async def test_timeouts_roles_and_kicks(wire: Wire):
    ann, guild, enforcer = wire.ann, wire.guild, wire.enforcer
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    await enforcer.time_out(guild.id, ann.id, until=until, reason="r")
    assert ann.timed_out_until == until
    await enforcer.time_out(guild.id, ann.id, until=None, reason="r")
    assert ann.timed_out_until is None

    role = guild.add_role("Muted")
    await enforcer.add_role(guild.id, ann.id, role.id, reason="r")
    assert role.id in ann.roles
    await enforcer.remove_role(guild.id, ann.id, role.id, reason="r")
    assert role.id not in ann.roles

    await enforcer.kick(guild.id, ann.id, reason="r")
    assert ann.id not in guild.members
    with pytest.raises(Gone, match="member_gone"):
        await enforcer.kick(guild.id, ann.id, reason="r")
    with pytest.raises(Gone, match="role_gone"):
        await enforcer.add_role(guild.id, guild.owner_id, 12345, reason="r")


async def test_owner_is_out_of_reach(wire: Wire):
    with pytest.raises(NotPermitted, match="missing_permissions"):
        await wire.enforcer.kick(wire.guild.id, wire.guild.owner_id, reason="r")


@pytest.mark.parametrize(
    ("status", "code", "kind", "reason"),
    [
        (403, 50013, NotPermitted, "missing_permissions"),
        (403, 50001, NotPermitted, "missing_access"),
        (403, 0, Delayed, "refused_at_the_door"),
        (404, 10013, Gone, "user_gone"),
        (400, 30035, EnforcementError, "ban_cap"),
        (400, 50035, EnforcementError, "rejected_50035"),
    ],
)
async def test_refusals_become_outcomes(
    wire: Wire, status: int, code: int, kind: type[EnforcementError], reason: str
):
    wire.sandbox.faults.add(RestFault(status, "PUT", "*/bans/*", code=code))

    with pytest.raises(EnforcementError) as caught:
        await wire.enforcer.ban(wire.guild.id, wire.ann.id, reason="r", delete_window=WINDOW)

    assert type(caught.value) is kind
    assert caught.value.reason == reason


async def test_long_rate_limit_is_waited_for_elsewhere(wire: Wire):
    wire.sandbox.faults.add(RestFault(429, "PUT", "*/bans/*", retry_after=3600))

    with pytest.raises(Delayed) as caught:
        await wire.enforcer.ban(wire.guild.id, wire.ann.id, reason="r", delete_window=WINDOW)

    assert caught.value.after >= timedelta(minutes=30)
