"""Words that the guild's own automod would delete are not repeated by the bot, either."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from bot.core.errors import InvalidInput
from cogs.customcommand.book import KEY
from cogs.customcommand.cog import CustomCommands
from cogs.customcommand.invocations import facts_of
from cogs.customcommand.registrations import registrations
from cogs.customcommand.rules import Draft, EmbedTexts, Invocation, Response
from db.automod import Incident
from db.engine import Database
from tests.cogs.automod.world import rule, words
from tests.cogs.customcommand.world import GUILD, ROOT, World, draft, invocation
from tests.simcord_env import Bench, running_bench


class Ears:
    """Objects to one word and notes what it was asked."""

    def __init__(self, forbidden: str = "") -> None:
        self.forbidden = forbidden
        self.heard: list[str] = []

    async def __call__(self, said: Invocation, text: str) -> bool:
        self.heard.append(text)
        return not self.forbidden or self.forbidden not in text


async def test_only_the_members_own_words_are_looked_at(world: World) -> None:
    world.use._screen = ears = Ears()
    embed = EmbedTexts("Title {2}", "by {user.name}")
    response = Response(("Hear, hear: {1}{2} {3}",), embed)
    await world.book.add(GUILD, Draft("say", response), ROOT)
    await world.book.add(GUILD, draft("plain", "nothing of theirs"), ROOT)
    await world.use.answer(invocation("say", "one two three"))
    await world.use.answer(invocation("plain", "one"))
    assert ears.heard == ["onetwo three\ntwo"]


async def test_refusal_is_kind_and_starts_no_cooldown(world: World) -> None:
    world.use._screen = Ears("nitro")
    await world.book.add(GUILD, draft("say", "{args}"), ROOT)
    with pytest.raises(InvalidInput, match="can't repeat these words"):
        await world.use.answer(invocation("say", "free nitro"))
    assert (await world.use.answer(invocation("say", "hello")))["content"] == "hello"


def test_facts_name_who_speaks_where_and_whom_they_mention() -> None:
    role, user = "333333333333333333", "222222222222222222"
    said = invocation(role_ids=[7])
    facts = facts_of(said, f"<@{user}> <@{user}> <@&{role}>")
    assert (facts.author_id, facts.role_ids) == (said.user_id, frozenset({7}))
    assert facts.raw["mentions"] == [{"id": user}]
    assert facts.raw["mention_roles"] == [role]


@pytest.fixture
async def bench(sqlite_database: Database) -> AsyncIterator[Bench]:
    async with running_bench(sqlite_database) as bench:
        yield bench


async def test_automod_of_the_guild_decides_and_punishes_nobody(bench: Bench) -> None:
    guild = bench.env.create_guild("Harbour")
    crew = guild.create_role("Crew")
    ada = guild.add_member(bench.env.create_user("ada"))
    bob = guild.add_member(bench.env.create_user("bob"), roles=[crew])
    room = guild.create_text_channel("general")
    settings = bench.kernel.settings
    rules = [rule("scam", words("nitro"), "delete", exempt_roles=[str(crew.id)])]
    await settings.change(guild.id, "automod", {"rules": rules}, enabled=True, actor=SYSTEM)
    await settings.change(guild.id, KEY, {}, enabled=True, actor=SYSTEM)
    cog = bench.bot.get_cog("CustomCommands")
    assert isinstance(cog, CustomCommands)
    await cog.book.add(guild.id, draft("say", "{args}"), ROOT)
    bodies: Any = registrations(await cog.book.commands(guild.id), (), "en")
    assert bench.bot.application_id is not None
    await bench.bot.http.bulk_upsert_guild_commands(bench.bot.application_id, guild.id, bodies)

    async def say(member: Any, text: str) -> str:
        return (await member.slash(room, "say", text=text)).response.content

    assert "can't repeat these words" in await say(ada, "free nitro")
    assert await say(ada, "hello") == "hello"
    assert await say(bob, "free nitro") == "free nitro"
    async with bench.kernel.database.read() as session:
        assert (await session.scalars(select(Incident))).all() == []
