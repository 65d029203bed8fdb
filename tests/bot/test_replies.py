"""Answers: where they go, who may press what, and what a question does until it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.core.errors import Denied
from bot.core.i18n import Message
from bot.replies import answer, confirm, paginate
from db.engine import Database
from tests.simcord_env import Bench, running_bench, speaking


@app_commands.command(description="Ask")
async def ask(interaction: discord.Interaction) -> None:
    if await confirm(interaction, Message("Sink the ship?"), accept=Message("Sink it")):
        await answer(interaction, Message("It is sunk."))


@app_commands.command(description="Ask what one may not do any more")
async def ask_again(interaction: discord.Interaction) -> None:
    async def refuse(_pressed: discord.Interaction) -> None:
        raise Denied(Message("Not any more."))

    if await confirm(interaction, Message("Sink the ship?"), recheck=refuse):
        await answer(interaction, Message("It is sunk."))


@app_commands.command(description="Leaf")
async def leaf(interaction: discord.Interaction) -> None:
    await paginate(interaction, [discord.Embed(title=f"Page {n}") for n in (1, 2, 3)])


@app_commands.command(description="Speak twice")
async def twice(interaction: discord.Interaction) -> None:
    await answer(interaction, "@everyone one")
    await answer(interaction, "two")


@dataclass
class Place:
    bench: Bench
    channel: Any
    ada: Any
    bea: Any


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    async with running_bench(sqlite_database) as bench:
        for command in (ask, ask_again, leaf, twice):
            bench.bot.tree.add_command(command)
        await bench.bot.tree.sync()
        guild = bench.env.create_guild("Harbour")
        ada, bea = (guild.add_member(bench.env.create_user(name)) for name in ("ada", "bea"))
        yield Place(bench, guild.create_text_channel("general"), ada, bea)


async def test_answer_is_for_one_persons_eyes_and_pings_nobody(place: Place) -> None:
    result = await place.ada.slash(place.channel, "twice")
    assert result.response.ephemeral
    assert not result.response.message.mention_everyone
    assert [message.content for message in result.followups] == ["two"]


async def test_question_accepted_goes_on(place: Place) -> None:
    asked = await place.ada.slash(place.channel, "ask")
    await place.ada.click(asked.response, label="Sink it")
    assert asked.followups[-1].content == "It is sunk."


async def test_question_refused_changes_nothing(place: Place) -> None:
    asked = await place.ada.slash(place.channel, "ask")
    await place.ada.click(asked.response, label="Cancel")
    assert asked.followups[-1].content == "Nothing was changed."


async def test_question_unanswered_says_so(place: Place) -> None:
    asked = await place.ada.slash(place.channel, "ask")
    await place.bench.env.advance_time(130)
    assert "not answered in time" in asked.followups[-1].content


async def test_question_speaks_the_persons_language(place: Place) -> None:
    async with speaking("es-ES"):
        asked = await place.ada.slash(place.channel, "ask")
        await place.ada.click(asked.response, label="Cancelar")
    assert asked.followups[-1].content == "No se ha cambiado nada."


async def test_pages_turn_and_stop_at_the_ends(place: Place) -> None:
    shown = await place.ada.slash(place.channel, "leaf")
    assert shown.response.embeds[0].title == "Page 1"
    for expected in ("Page 2", "Page 3"):
        await place.ada.click(shown.response, label="Next")
        assert shown.response.embeds[0].title == expected
    await place.ada.click(shown.response, label="Back")
    assert shown.response.embeds[0].title == "Page 2"


async def test_question_shows_how_it_ended(place: Place) -> None:
    for label in ("Sink it", "Cancel"):
        asked = await place.ada.slash(place.channel, "ask")
        question = asked.response
        await place.ada.click(question, label=label)
        assert question.content == f"Sink the ship?\n-# ➜ {label}"
        assert question.components == []

    asked = await place.ada.slash(place.channel, "ask")
    await place.bench.env.advance_time(130)
    assert asked.response.content == "Sink the ship?\n-# ➜ Not answered in time."


async def test_question_is_rechecked_when_it_is_accepted(place: Place) -> None:
    asked = await place.ada.slash(place.channel, "ask_again")
    await place.ada.click(asked.response, label="Yes, go ahead")
    assert asked.followups[-1].content == "Not any more."
    assert asked.response.components == []
