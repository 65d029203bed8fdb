"""The client loads features one by one, and counts what they do."""

from __future__ import annotations

import discord

from bot.core.contracts import SYSTEM
from bot.core.features import Category, Feature, FeatureRegistry
from bot.core.settings import FeatureSettings
from cogs import general, welcome
from db.engine import Database
from tests.simcord_env import running_bench


class NoSettings(FeatureSettings):
    """Nothing to set."""


# There is no folder of this name.
LOST = Feature(
    key="lost",
    title="Lost",
    description="Can't be loaded.",
    category=Category.FUN,
    settings=NoSettings,
)


async def test_feature_that_cannot_be_loaded_leaves_the_others_standing(
    sqlite_database: Database,
) -> None:
    registry = FeatureRegistry([general.FEATURE, LOST])
    async with running_bench(sqlite_database, registry=registry) as bench:
        guild = bench.env.create_guild("Harbour")
        ada = guild.add_member(bench.env.create_user("ada"))
        answer = await ada.slash(guild.create_text_channel("general"), "ping")
        assert "database" in answer.response.content
        report = await bench.kernel.health.sample()
    assert registry.failed == {"lost"}
    assert report.vitals.failed_features == ("lost",)


async def test_what_a_feature_does_is_counted(sqlite_database: Database) -> None:
    registry = FeatureRegistry([general.FEATURE, welcome.FEATURE])
    async with running_bench(sqlite_database, registry=registry) as bench:
        guild = bench.env.create_guild("Harbour")
        channel = guild.create_text_channel("welcome")
        await bench.kernel.settings.change(
            guild.id, "welcome", {"join_channel_id": channel.id}, actor=SYSTEM, enabled=True
        )
        guild.add_member(bench.env.create_user("ada"))
        await bench.env.settle()
        counted = bench.kernel.metrics.registry.get_sample_value(
            "pegasus_bot_feature_events_total", {"feature": "welcome", "event": "join"}
        )
    assert counted == 1


async def test_commands_are_registered_with_their_translations(sqlite_database: Database) -> None:
    registry = FeatureRegistry([general.FEATURE])
    async with running_bench(sqlite_database, registry=registry, translated=True) as bench:
        await bench.env.settle()
        registered = await bench.bot.tree.fetch_commands()
        spanish = {
            command.name: command.description_localizations.get(discord.Locale.spain_spanish)
            for command in registered
        }
    assert spanish
    assert None not in spanish.values()
