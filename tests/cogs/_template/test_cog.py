"""The feature in a running bot: what a member sees."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import pytest

from bot.core.contracts import SYSTEM
from bot.core.features import FeatureRegistry
from cogs import _template, general
from db.engine import Database
from tests.simcord_env import Bench, running_bench


@pytest.fixture
async def bench(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    # The bot imports a feature by its key, which a folder that is never loaded does not bear.
    monkeypatch.setitem(sys.modules, "cogs.template", _template)
    registry = FeatureRegistry([general.FEATURE, _template.FEATURE])
    options = {"discord": {"shard_count": 1}}
    async with running_bench(sqlite_database, registry=registry, settings=options) as bench:
        yield bench


async def test_give_posts_the_thanks_where_the_admins_want_them(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    talk, wall = guild.create_text_channel("talk"), guild.create_text_channel("wall")
    ada = guild.add_member(bench.env.create_user("ada"))
    bob = guild.add_member(bench.env.create_user("bob"))
    await bench.kernel.settings.change(
        guild.id, "template", {"channel_id": wall.id}, enabled=True, actor=SYSTEM
    )

    result = await ada.slash(talk, "template give", member=bob, reason="the tea")
    await bench.deliver()

    assert result.response.content == f"Done: see <#{wall.id}>."
    assert wall.last_message.content == f"<@{ada.id}> thanks <@{bob.id}>: the tea"


async def test_give_without_a_channel_says_what_to_do(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    ada = guild.add_member(bench.env.create_user("ada"))
    bob = guild.add_member(bench.env.create_user("bob"))
    await bench.kernel.settings.change(guild.id, "template", {}, enabled=True, actor=SYSTEM)

    result = await ada.slash(
        guild.create_text_channel("talk"), "template give", member=bob, reason="the tea"
    )

    assert "There is no channel for thanks yet." in result.response.content
    assert result.response.ephemeral
