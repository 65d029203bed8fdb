"""A person sees and erases what is stored about them, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from db.engine import Database
from db.guilds import get_member
from db.people import export_person
from db.usage import CommandUse
from tests.simcord_env import Bench, running_bench


@pytest.fixture
async def bench(database: Database) -> AsyncIterator[Bench]:
    async with running_bench(database) as bench:
        yield bench


async def test_export_holds_what_was_noted_a_moment_ago(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    channel = guild.create_text_channel("general")
    ada = guild.add_member(bench.env.create_user("ada"))
    await ada.slash(channel, "ping")
    result = await ada.slash(channel, "mydata export")
    assert result.response.ephemeral
    document = json.loads(await result.response.attachments[0].read())
    assert document["user_id"] == str(ada.id)
    assert [row["command"] for row in document["data"]["command_usage"]] == ["ping"]


async def test_delete_erases_after_a_yes_and_only_the_person(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    channel = guild.create_text_channel("general")
    ada = guild.add_member(bench.env.create_user("ada"))
    bea = guild.add_member(bench.env.create_user("bea"))
    await bench.kernel.roster.flush()
    question = await ada.slash(channel, "mydata delete")
    assert "for good" in question.response.content
    await ada.click(question.response, label="Delete my data")
    async with bench.kernel.database.read() as session:
        assert await get_member(session, guild.id, ada.id) is None
        assert await get_member(session, guild.id, bea.id) is not None


async def test_delete_leaves_nothing_that_names_the_person_not_even_itself(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    channel = guild.create_text_channel("general")
    ada = guild.add_member(bench.env.create_user("ada"))
    await ada.slash(channel, "ping")
    question = await ada.slash(channel, "mydata delete")
    await ada.click(question.response, label="Delete my data")
    await bench.kernel.usage.flush()
    await bench.kernel.roster.flush()
    async with bench.kernel.database.read() as session:
        assert await export_person(session, ada.id) == {}
        uses = list(await session.scalars(select(CommandUse.command)))
    assert sorted(uses) == ["mydata delete", "ping"]


async def test_delete_does_nothing_without_a_yes(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    channel = guild.create_text_channel("general")
    ada = guild.add_member(bench.env.create_user("ada"))
    question = await ada.slash(channel, "mydata delete")
    await ada.click(question.response, label="Cancel")
    await bench.kernel.roster.flush()
    async with bench.kernel.database.read() as session:
        assert await get_member(session, guild.id, ada.id) is not None


async def test_delete_is_no_way_out_of_a_block(database: Database) -> None:
    limits = {"default": "10/60", "heavy": "1/300", "block_after": 2}
    async with running_bench(database, settings={"limits": limits}) as bench:
        guild = bench.env.create_guild("Harbour")
        channel = guild.create_text_channel("general")
        ada = guild.add_member(bench.env.create_user("ada"))
        for _number in range(3):
            blocked = await ada.slash(channel, "mydata export")
        assert "blocked" in (blocked.response.content or "")
        question = await ada.slash(channel, "mydata delete")
        await ada.click(question.response, label="Delete my data")
        again = await ada.slash(channel, "mydata export")
        assert "blocked" in (again.response.content or "")
        await bench.kernel.limits.load()
        assert bench.kernel.limits.snapshot()["blacklistedCount"] == 1
