"""The commands that every member meets first."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import discord
import pytest

from bot import __version__
from bot.core.contracts import SYSTEM, Actor, GatewayStatus, ShardStatus
from bot.core.nullstate import NullState
from cogs.general.help import blocks_of
from db.engine import Database
from tests.simcord_env import Bench, running_bench, speaking


@pytest.fixture
async def bench(sqlite_database: Database) -> AsyncIterator[Bench]:
    async with running_bench(sqlite_database) as bench:
        yield bench


async def test_ping_names_each_latency(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    channel = guild.create_text_channel("general")
    ada = guild.add_member(bench.env.create_user("ada"))
    result = await ada.slash(channel, "ping")
    assert "database" in result.response.content
    assert result.response.ephemeral


async def test_ping_right_after_connecting_has_no_gateway_latency_yet(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class JustConnected(NullState):
        def gateway(self) -> GatewayStatus:
            return GatewayStatus((ShardStatus(0, connected=True, latency=math.inf),))

    guild = bench.env.create_guild("Harbour")
    ada = guild.add_member(bench.env.create_user("ada"))
    monkeypatch.setattr(bench.kernel, "state", JustConnected)
    result = await ada.slash(guild.create_text_channel("general"), "ping")
    assert "Gateway not measured yet" in result.response.content


async def test_about_shows_the_version(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    ada = guild.add_member(bench.env.create_user("ada"))
    result = await ada.slash(guild.create_text_channel("general"), "about")
    embed = result.response.embeds[0]
    assert embed.title == f"Pegasus {__version__}"
    shown = {one.name: one.value for one in embed.fields}
    assert shown["Servers"] == "1"
    assert shown["Started"].startswith("<t:")


async def test_help_speaks_the_readers_language(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    ada = guild.add_member(bench.env.create_user("ada"))
    channel = guild.create_text_channel("general")
    async with speaking("es-ES"):
        result = await ada.slash(channel, "help")
    assert result.response.embeds[0].title == "Lo que sé hacer"


async def test_help_explains_one_command(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    ada = guild.add_member(bench.env.create_user("ada"))
    channel = guild.create_text_channel("general")
    result = await ada.slash(channel, "help", command="/ping")
    assert result.response.embeds[0].title == "/ping"


@pytest.mark.parametrize(
    ("command", "locale", "usage", "users"),
    [
        ("settings set", "en-US", "/settings set feature field value", "granted a feature"),
        ("welcome settings", "en-US", "/welcome settings", "granted this feature"),
        ("permissions grant", "en-US", "/permissions grant member feature", "Manage Server"),
        ("dashboard", "en-US", "/dashboard", "the owners of this bot"),
        ("help", "es-ES", "[", "todos"),
    ],
)
async def test_help_shows_how_a_command_is_used_and_by_whom(
    bench: Bench, command: str, locale: str, usage: str, users: str
) -> None:
    guild = bench.env.create_guild("Harbour")
    role = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
    boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
    async with speaking(locale):
        result = await boss.slash(guild.create_text_channel("general"), "help", command=command)
    embed = result.response.embeds[0]
    assert usage in embed.description
    assert users in next(
        one.value for one in embed.fields if one.name in {"Who may use it", "Quién puede usarlo"}
    )


async def test_help_names_the_feature_whose_settings_a_panel_shows(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    role = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
    boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
    async with speaking("es-ES"):
        result = await boss.slash(
            guild.create_text_channel("general"), "help", command="welcome settings"
        )
    assert "los ajustes de Bienvenida" in result.response.embeds[0].description


async def test_help_lists_the_commands_of_a_group(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    role = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
    boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
    channel = guild.create_text_channel("general")
    embed = (await boss.slash(channel, "help", command="/automod rule")).response.embeds[0]
    assert embed.title == "/automod rule"
    assert "`/automod rule add`" in embed.fields[0].value
    assert "raid" not in embed.fields[0].value
    async with speaking("es-ES"):
        embed = (await boss.slash(channel, "help", command="ajustes")).response.embeds[0]
    assert "`/ajustes" in embed.fields[0].value


async def test_help_says_that_a_command_is_for_others(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    ada = guild.add_member(bench.env.create_user("ada"))
    channel = guild.create_text_channel("general")
    for command in ("automod", "settings set"):
        result = await ada.slash(channel, "help", command=command)
        assert f"/{command} is not for you" in result.response.content
        assert "Manage Server" in result.response.content


async def test_help_unknown_command_says_what_to_do(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    ada = guild.add_member(bench.env.create_user("ada"))
    result = await ada.slash(guild.create_text_channel("general"), "help", command="nonsense")
    assert "nonsense" in result.response.content
    assert "/help" in result.response.content


async def test_dashboard_is_for_owners(sqlite_database: Database) -> None:
    async with running_bench(sqlite_database, settings={"discord": {"owner_ids": [7]}}) as bench:
        guild = bench.env.create_guild("Harbour")
        channel = guild.create_text_channel("general")
        ada = guild.add_member(bench.env.create_user("ada"))
        refused = await ada.slash(channel, "dashboard")
        assert "owners" in refused.response.content
        bench.bot.owner_ids = {ada.id}
        bench.kernel.login_links.base_url = "http://127.0.0.1:1"
        granted = await ada.slash(channel, "dashboard")
        assert "http://127.0.0.1:1/login/" in granted.response.content
        assert granted.response.ephemeral


async def test_help_leaves_out_what_the_person_may_not_use(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    channel = guild.create_text_channel("general")
    role = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
    boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
    ada = guild.add_member(bench.env.create_user("ada"))

    async def explained(who: Any) -> set[str]:
        answers = {one: await who.slash(channel, "help", command=one) for one in managing}
        return {one for one, result in answers.items() if result.response.embeds}

    managing = ("settings set", "feature enable", "welcome settings", "welcome test")
    overview = (await ada.slash(channel, "help")).response.embeds[0]
    assert not any(f"/{one}`" in field.value for field in overview.fields for one in managing)
    assert await explained(ada) == set()
    assert await explained(boss) == set(managing)

    await bench.kernel.permissions.grant(
        guild.id, ada.id, "general", actor=Actor(boss.id, "command", "boss")
    )
    assert await explained(ada) == {"settings set", "feature enable"}


async def test_owners_are_known_from_the_application(bench: Bench) -> None:
    assert bench.bot.application is not None
    assert bench.bot.owner_ids == {bench.bot.application.owner.id}


async def test_owners_of_a_team_are_those_who_may_change_the_application(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    roles = {1: "admin", 2: "developer", 3: "read_only"}
    members = [
        SimpleNamespace(id=one, role=discord.TeamMemberRole(role)) for one, role in roles.items()
    ]
    team = SimpleNamespace(owner_id=4, members=members)
    monkeypatch.setattr(bench.bot, "_application", SimpleNamespace(team=team))
    bench.bot.owner_ids = set()

    bench.bot._take_owners()

    assert bench.bot.owner_ids == {1, 2, 4}


async def test_help_completes_from_what_was_typed(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    ada = guild.add_member(bench.env.create_user("ada"))
    channel = guild.create_text_channel("general")
    choices = await ada.autocomplete(channel, "help", "command", "/PIN")
    assert [choice["value"] for choice in choices] == ["ping"]


async def test_help_does_not_repeat_markup(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    ada = guild.add_member(bench.env.create_user("ada"))
    result = await ada.slash(
        guild.create_text_channel("general"), "help", command="**x** @everyone"
    )
    assert "\\*\\*x\\*\\*" in result.response.content
    assert not result.response.message.mention_everyone


def test_blocks_fit_into_a_field_and_lose_nothing() -> None:
    lines = [f"`/command {number}` " + "x" * 90 for number in range(40)]
    blocks = list(blocks_of(lines))
    assert [line for block in blocks for line in block] == lines
    assert all(len("\n".join(block)) <= 1024 for block in blocks)
    assert list(blocks_of([])) == []


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "!help", "With `!` I answer to help, ping, about"),
        ("es", "!ayuda", "Con `!` respondo a ayuda, ping, acerca-de"),
        ("en", "!ping", "Gateway"),
        ("en", "!about", f"Pegasus {__version__}"),
    ],
)
async def test_common_commands_answer_to_the_guilds_prefix(
    bench: Bench, language: str, written: str, said: str
) -> None:
    guild = bench.env.create_guild("Harbour")
    channel = guild.create_text_channel("general")
    ada = guild.add_member(bench.env.create_user("ada"))
    values = {"prefix": "!", "language": language}
    await bench.kernel.settings.change(guild.id, "general", values, actor=SYSTEM)
    await bench.kernel.settings.warm([guild.id])
    await ada.send(channel, written)
    await bench.deliver()
    reply = channel.last_message
    assert reply is not None
    assert reply.author.bot
    assert said in reply.content or said in str(reply.embeds[0].title)
