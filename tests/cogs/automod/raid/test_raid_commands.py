"""Raids and lockdowns in a running bot: commands, the alert's buttons, and who may use them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import discord
import pytest

from bot.core.contracts import SYSTEM, Actor
from db.engine import Database
from tests.simcord_env import Bench, running_bench, speaking


@dataclass
class Place:
    """A guild with a log, an admin, and a member who may do nothing."""

    bench: Bench
    guild: Any
    general: Any
    log: Any
    boss: Any
    ada: Any
    raiders: list[Any]

    async def say(self, who: Any, command: str, **options: Any) -> str:
        result = await who.slash(self.general, command, **options)
        assert result.response.ephemeral
        return result.response.content or ""

    async def raid(self, count: int = 20) -> None:
        for number in range(count):
            user = self.bench.env.create_user(f"raider{number}")
            self.raiders.append(self.guild.add_member(user))
            await self.bench.env.settle()
        await self.bench.run_jobs()
        await self.bench.deliver()


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    async with running_bench(sqlite_database, settings={"discord": {"shard_count": 1}}) as bench:
        guild = bench.env.create_guild("Harbour")
        role = guild.create_role(
            "Crew", permissions=discord.Permissions(manage_guild=True, ban_members=True)
        )
        general, log = guild.create_text_channel("general"), guild.create_text_channel("log")
        boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
        ada = guild.add_member(bench.env.create_user("ada"))
        await bench.env.settle()
        changes = {
            "raid_enabled": True,
            "raid_pause_invites": False,
            "log_channel_id": str(log.id),
        }
        await bench.kernel.settings.change(guild.id, "automod", changes, enabled=True, actor=SYSTEM)
        yield Place(bench, guild, general, log, boss, ada, [])


@pytest.mark.parametrize(
    "command",
    ["automod raid status", "automod raid end", "automod raid ban", "automod lockdown end"],
)
async def test_commands_need_the_permission(place: Place, command: str) -> None:
    assert "Manage Server" in await place.say(place.ada, command)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("automod raid status", "no raid here lately"),
        ("automod raid end", "no raid here at the moment"),
        ("automod raid ban", "no raid here lately"),
        ("automod lockdown end", "no lockdown here"),
    ],
)
async def test_commands_without_a_raid_say_so(place: Place, command: str, words: str) -> None:
    assert words in await place.say(place.boss, command)


async def test_raid_is_told_in_the_log_and_shown_by_status(place: Place) -> None:
    await place.raid()
    (alert,) = place.log.history()

    assert "joined" in alert.embeds[0].description
    said = await place.say(place.boss, "automod raid status")
    assert "20 members joined." in said
    assert "new account" in said


async def test_buttons_of_the_alert(place: Place) -> None:
    await place.raid()
    (alert,) = place.log.history()
    ids = {one.label: one.custom_id for row in alert.components for one in row.children}

    explained = await place.boss.click(alert, custom_id=ids["Explain"])
    assert "look like a part of it" in explained.response.content
    refused = await place.ada.click(alert, custom_id=ids["End raid"])
    assert "Manage Server" in refused.response.content
    await place.boss.click(alert, custom_id=ids["End raid"])
    await place.bench.run_jobs()
    await place.bench.deliver()
    (alert,) = place.log.history()
    assert alert.embeds[0].title == "The raid is over"
    again = await place.boss.click(alert, custom_id=ids["Explain"])
    assert "It began" in again.response.content


async def test_button_that_fails_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("broken")

    await place.raid()
    (alert,) = place.log.history()
    ids = {one.label: one.custom_id for row in alert.components for one in row.children}
    cog: Any = place.bench.bot.get_cog("Raids")
    monkeypatch.setattr(cog.raids, "report", fail)
    told = await place.boss.click(alert, custom_id=ids["Explain"])

    assert "reference" in told.response.content


async def test_ban_is_previewed_confirmed_and_spares_who_is_excluded(place: Place) -> None:
    await place.raid(15)
    preview = (await place.boss.slash(place.general, "automod raid ban")).response
    assert "I would ban 15 members" in preview.content
    chosen = await place.boss.select(
        preview, [place.raiders[0], place.raiders[1]], custom_id=_select_id(preview)
    )
    assert "I would ban 13 members" in chosen.response.content
    question = await place.boss.click(preview, label="Ban 13 members")
    assert "Ban 13 members for good" in question.response.content
    await place.boss.click(question.response, label="Yes, go ahead")
    await place.bench.env.settle()

    cases = await place.bench.kernel.cases.list(place.guild.id, limit=50)
    assert {one.target.id for one in cases} == {one.id for one in place.raiders[2:]}
    assert {one.moderator_id for one in cases} == {place.boss.id}


async def test_bulk_ban_waits_for_a_second_yes_where_that_is_set(place: Place) -> None:
    kernel, guild_id = place.bench.kernel, place.guild.id
    values = {"approve_from": 10, "log_channel_id": str(place.log.id)}
    await kernel.settings.change(guild_id, "antinuke", values, actor=SYSTEM)
    await place.raid(15)
    preview = (await place.boss.slash(place.general, "automod raid ban")).response
    chosen = [place.raiders[0], place.raiders[1]]
    await place.boss.select(preview, chosen, custom_id=_select_id(preview))
    question = await place.boss.click(preview, label="Ban 13 members")
    assert "second person's yes" in question.response.content
    await place.boss.click(question.response, label="Yes, go ahead")
    await place.bench.env.settle()
    assert await kernel.cases.list(guild_id) == []

    await kernel.approvals.approve(guild_id, 1, Actor(1, "command", "another"))
    await place.bench.run_jobs()

    cases = await kernel.cases.list(guild_id, limit=50)
    assert {one.target.id for one in cases} == {one.id for one in place.raiders[2:]}
    assert {one.moderator_id for one in cases} == {place.boss.id}


def _select_id(preview: Any) -> str:
    rows = [row if isinstance(row, dict) else row.to_dict() for row in preview.components]
    return next(one["custom_id"] for row in rows for one in row["components"] if one["type"] == 5)


async def test_lockdown_refuses_what_it_does_not_know(place: Place) -> None:
    said = await place.say(place.boss, "automod lockdown start", channels="#nowhere")
    assert "I don't know these channels" in said
    said = await place.say(place.boss, "automod lockdown start", duration="5")
    assert "not a duration" in said
    said = await place.say(place.boss, "automod lockdown start", duration="5s")
    assert "1 minute" in said


async def test_answers_come_in_spanish(place: Place) -> None:
    async with speaking("es-ES"):
        said = await place.say(place.boss, "automod raid status")
    assert "asalto" in said


async def test_lockdown_closes_channels_says_so_and_opens_them_again(place: Place) -> None:
    before = _everyone(place, place.general)
    said = await place.say(
        place.boss, "automod lockdown start", channels=place.general.mention, duration="30m"
    )
    await place.bench.run_jobs()
    await place.bench.env.settle()

    assert "I am closing 1 channel." in said
    assert "They open again" in said
    assert _everyone(place, place.general).send_messages is False
    assert _everyone(place, place.log).send_messages is None
    again = await place.say(place.boss, "automod lockdown start")
    assert "lockdown" in again
    assert "I am opening the channels." in await place.say(place.boss, "automod lockdown end")
    await place.bench.run_jobs()
    await place.bench.env.settle()
    assert _everyone(place, place.general) == before


async def test_lockdown_of_all_public_channels_lasts_until_it_is_ended(place: Place) -> None:
    said = await place.say(place.boss, "automod lockdown start", reason="A raid next door")
    await place.bench.run_jobs()
    await place.bench.env.settle()

    assert "/automod lockdown end opens them again" in said
    for channel in (place.general, place.log):
        assert _everyone(place, channel).send_messages is False


def _everyone(place: Place, channel: Any) -> discord.PermissionOverwrite:
    found = place.bench.bot.get_channel(channel.id)
    assert isinstance(found, discord.TextChannel)
    return found.overwrites_for(found.guild.default_role)
