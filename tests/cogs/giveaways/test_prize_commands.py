"""Hosts promise currency and roles only as far as they may, and everybody sees what is promised."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import discord
import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from bot.core.leveling import LEVELS
from bot.core.money import ECONOMY
from cogs.giveaways.manifest import KEY
from cogs.giveaways.plan import Plan
from db.economy import get_balance
from db.engine import Database
from db.giveaways import Giveaway
from tests.cogs.giveaways.test_proving import Desk
from tests.cogs.giveaways.test_running import say_yes, work
from tests.simcord_env import running_bench

STAFF = discord.Permissions(manage_roles=True)
POWER = discord.Permissions(ban_members=True)


@dataclass
class PrizeDesk(Desk):
    """A desk with roles that can be won, or not."""

    roles: dict[str, Any]


@pytest.fixture
async def desk(sqlite_database: Database) -> AsyncIterator[PrizeDesk]:
    """A guild whose host may give roles, and no currency until they are let."""
    async with running_bench(sqlite_database) as bench:
        guild = bench.env.create_guild("Harbour")
        # New roles go to the bottom.
        role = guild.create_role("Hosts", permissions=STAFF)
        low = guild.create_role("Sailor")
        strong = guild.create_role("Boss", permissions=POWER)
        host = guild.add_member(bench.env.create_user("host"), roles=[role])
        ada = guild.add_member(bench.env.create_user("ada"))
        changes = {"host_roles": [str(role.id)]}
        await bench.kernel.settings.change(guild.id, KEY, changes, actor=SYSTEM)
        cog: Any = bench.bot.get_cog("Giveaways")
        cog.runner.drawing.patience = 10.0
        channel = guild.create_text_channel("general")
        yield PrizeDesk(bench, guild, channel, host, ada, {"low": low, "strong": strong})


async def let_give(desk: PrizeDesk) -> None:
    """Have the host manage the economy."""
    permissions = desk.bench.kernel.permissions
    await permissions.grant(desk.guild.id, desk.host.id, ECONOMY, actor=SYSTEM)


async def start(desk: PrizeDesk, **options: Any) -> str:
    given = {"prize": "A keyboard", "duration": "2 days", "winners": 1} | options
    return (await desk.ask(desk.host, "giveaway start", **given)).content


async def stored(desk: PrizeDesk) -> list[Giveaway]:
    async with desk.bench.kernel.database.read() as session:
        return list(await session.scalars(select(Giveaway).order_by(Giveaway.number)))


async def test_prize_is_promised_shown_and_given(desk: PrizeDesk) -> None:
    await let_give(desk)
    role = desk.roles["low"]
    said = await start(desk, currency=1250, role_prize=role, role_time="7 days")
    assert "is on its way" in said
    await work(desk)
    message = desk.channel.last_message
    shown = f"**Each winner gets:** 🪙 1,250 and <@&{role.id}> for 7 days"
    assert shown in (message.embeds[0].description or "")
    info = await desk.ask(desk.ada, "giveaway info", giveaway="1")
    assert "Each winner gets: 🪙 1,250 and" in info.content

    await desk.ada.click(message, label="Enter")
    await say_yes(desk, "giveaway end", giveaway="1")
    async with desk.bench.kernel.database.read() as session:
        assert await get_balance(session, desk.guild.id, desk.ada.id) == 1250


async def test_host_without_the_economy_gives_no_currency(desk: PrizeDesk) -> None:
    assert "Only whoever manages the economy" in await start(desk, currency=5)
    options = {"prize": "x", "start": "2h", "duration": "1h", "winners": 1, "currency": 5}
    for more in ({}, {"repeat": "daily"}):
        said = (await desk.ask(desk.host, "giveaway schedule", **options, **more)).content
        assert "Only whoever manages the economy" in said
    cog: Any = desk.bench.bot.get_cog("Giveaways")
    plan = Plan(prize="Money", duration=timedelta(hours=1), prize_amount=5)
    await cog.templates.save(desk.guild.id, "Money", plan, SYSTEM)
    said = (await desk.ask(desk.host, "giveaway template use", name="Money")).content
    assert "Only whoever manages the economy" in said
    assert await stored(desk) == []


async def test_host_without_the_economy_raises_no_promise_of_others(desk: PrizeDesk) -> None:
    await let_give(desk)
    await start(desk, currency=5, winners=2)
    permissions = desk.bench.kernel.permissions
    await permissions.revoke(desk.guild.id, desk.host.id, ECONOMY, actor=SYSTEM)
    for more in ({"winners": 50}, {"currency": 6}):
        said = (await desk.ask(desk.host, "giveaway edit", giveaway="1", **more)).content
        assert "Only whoever manages the economy" in said
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1", prize="A mug", winners=1)
    form = await desk.host.click(panel, label="Currency, experience and role")
    refused = await desk.host.submit_modal(
        form, {"amount": "11", "experience": "", "reward": [], "time": ""}
    )
    text = refused.followups[-1] if refused.followups else refused.response
    assert "Only whoever manages the economy" in text.content
    [giveaway] = await stored(desk)
    assert (giveaway.prize, giveaway.winner_count, giveaway.prize_amount) == ("A mug", 1, 5)

    await desk.ask(desk.host, "giveaway edit", giveaway="1", currency=0)
    [giveaway] = await stored(desk)
    assert giveaway.prize_amount is None


async def test_draw_again_that_pays_needs_the_economy(desk: PrizeDesk) -> None:
    await let_give(desk)
    await start(desk, currency=5)
    await work(desk)
    await desk.ada.click(desk.channel.last_message, label="Enter")
    await say_yes(desk, "giveaway end", giveaway="1")
    permissions = desk.bench.kernel.permissions
    await permissions.revoke(desk.guild.id, desk.host.id, ECONOMY, actor=SYSTEM)
    said = (await desk.ask(desk.host, "giveaway reroll", giveaway="1", count=50)).content
    assert "Only whoever manages the economy" in said


async def test_economy_that_is_off_is_told_and_nothing_is_made(desk: PrizeDesk) -> None:
    await let_give(desk)
    settings = desk.bench.kernel.settings
    await settings.change(desk.guild.id, ECONOMY, {}, enabled=False, actor=SYSTEM)
    assert "economy is switched off" in await start(desk, currency=5)
    assert await stored(desk) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"currency": 0}, "1 to 1,000,000,000,000"),
        ({"currency": 10**12 + 1}, "1 to 1,000,000,000,000"),
        ({"role_time": "7 days"}, "Name the role"),
        ({"role_prize": "low", "role_time": "1s"}, "at least 10 minutes"),
        ({"role_prize": "strong"}, "gives power over this server"),
    ],
)
async def test_what_cant_be_given_is_refused_in_words(
    desk: PrizeDesk, options: dict[str, Any], said: str
) -> None:
    await let_give(desk)
    if "role_prize" in options:
        options = options | {"role_prize": desk.roles[options["role_prize"]]}
    assert said in await start(desk, **options)
    assert await stored(desk) == []


async def test_draft_promises_in_its_form(desk: PrizeDesk) -> None:
    await let_give(desk)
    kernel = desk.bench.kernel
    await kernel.permissions.grant(desk.guild.id, desk.host.id, LEVELS, actor=SYSTEM)
    await kernel.settings.change(desk.guild.id, LEVELS, {}, enabled=True, actor=SYSTEM)
    form = await desk.host.slash(desk.channel, "giveaway create")
    values = {"prize": "A mug", "duration": "1h", "winners": "2", "description": ""}
    draft = (await desk.host.submit_modal(form, values)).response
    form = await desk.host.click(draft, label="Currency, experience and role")
    role = desk.roles["low"]
    given = {"amount": "1,000", "experience": "2,500", "reward": [role], "time": "30 days"}
    await desk.host.submit_modal(form, given)
    await desk.host.click(draft, label="Start it")
    [giveaway] = await stored(desk)
    assert (giveaway.prize_amount, giveaway.prize_xp) == (1000, 2500)
    assert giveaway.reward_role_id == role.id
    assert giveaway.reward_role_seconds == 30 * 86400
