"""Problems are told in the guild's log channel, once and in the guild's language."""

from __future__ import annotations

from bot.core.contracts import Actor
from db.engine import Database
from tests.simcord_env import running_bench

ROOT = Actor(9, "web", "root")


async def test_problem_is_told_once_in_the_log_channel(sqlite_database: Database) -> None:
    async with running_bench(sqlite_database, settings={"discord": {"shard_count": 1}}) as bench:
        guild = bench.env.create_guild("Harbour")
        log, gone = guild.create_text_channel("log"), guild.create_text_channel("old")
        settings, problems = bench.kernel.settings, bench.kernel.problems
        basics = {"log_channel_id": log.id, "language": "es"}
        await settings.change(guild.id, "general", basics, actor=ROOT)
        changes = {"join_channel_id": gone.id}
        await settings.change(guild.id, "welcome", changes, actor=ROOT, enabled=True)
        await bench.bot.get_channel(gone.id).delete()
        await bench.env.settle()

        for _look in range(2):
            await problems.check(guild.id)
            await bench.deliver()

        told = [message.content for message in log.history()]
        assert len(told) == 1
        assert "ya no existe, o no puedo verlo" in told[0]
        assert "**Bienvenida**" in told[0]
