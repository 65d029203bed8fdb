"""The economy in a running bot: commands, answers, balances."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

import discord
import pytest

from bot.core.contracts import SYSTEM
from cogs.economy.browsing import Browser
from cogs.economy.settings import KEY
from db import economy as table
from db.engine import Database
from tests.cogs.moderation.world import text_of
from tests.simcord_env import Bench, running_bench

RIGHTS = discord.Permissions(manage_guild=True)


@dataclass
class Place:
    """A guild with an admin and two members."""

    bench: Bench
    guild: Any
    channel: Any
    boss: Any
    ada: Any
    bob: Any

    async def say(self, command: str, *, who: Any = None, press: str = "", **options: Any) -> str:
        """Run a command, press a button if there is a question, return all texts."""
        who = who or self.ada
        result = await who.slash(self.channel, command, **options)
        if press:
            await who.click(result.response, label=press)
        await self.bench.env.settle()
        return text_of(result)

    async def balance(self, member: Any) -> int:
        async with self.bench.kernel.database.read() as session:
            return await table.get_balance(session, self.guild.id, member.id)

    async def set(self, **changes: Any) -> None:
        await self.bench.kernel.settings.change(self.guild.id, KEY, changes, actor=SYSTEM)


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    async with running_bench(sqlite_database) as bench:
        guild = bench.env.create_guild("Harbour")
        role = guild.create_role("Boss", permissions=RIGHTS)
        channel = guild.create_text_channel("general")
        boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
        ada = guild.add_member(bench.env.create_user("ada"))
        bob = guild.add_member(bench.env.create_user("bob"))
        await bench.env.settle()
        yield Place(bench, guild, channel, boss, ada, bob)


async def test_members_earn_look_and_pay(place: Place) -> None:
    await place.set(work_maximum=40)
    assert "Here is 🪙 200" in await place.say("daily")
    assert "You have had today's gift" in await place.say("daily")
    assert "earned 🪙" in await place.say("work")
    assert "You need a rest" in await place.say("work")
    before = await place.balance(place.ada)

    said = await place.say("pay", member=place.bob, amount="150")
    assert f"<@{place.ada.id}> has paid 🪙 150 to <@{place.bob.id}>" in said
    assert await place.balance(place.bob) == 150
    assert await place.balance(place.ada) == before - 150

    assert f"<@{place.bob.id}> has 🪙 150, place 1" in await place.say("balance", member=place.bob)
    said = await place.say("leaderboard")
    assert f"🥇 <@{place.bob.id}> · 🪙 150" in said
    line = f"Payment **\N{MINUS SIGN}🪙 150** · <@{place.bob.id}>"
    assert line in await place.say("transactions")


async def test_large_payment_is_asked_about(place: Place) -> None:
    await place.say("economy give", who=place.boss, member=place.ada, amount="5k")
    said = await place.say("pay", member=place.bob, amount="half", press="Cancel")
    assert "Pay 🪙 2,500" in said
    assert await place.balance(place.bob) == 0
    await place.set(pay_tax=10)
    said = await place.say("pay", member=place.bob, amount="half", press="Yes, go ahead")
    assert "🪙 250 is tax" in said
    assert "You have 🪙 2,500 left" in said
    assert await place.balance(place.bob) == 2250


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "at least 1"),
        ("-3", "negative"),
        ("1.5", "fractions"),
        ("9223372036854775808", "more than can be moved"),
        ("201", "You have 🪙 200; 🪙 201 are needed"),
    ],
)
async def test_wrong_amounts_are_told_and_nothing_moves(
    place: Place, amount: str, words: str
) -> None:
    await place.say("daily")
    assert words in await place.say("pay", member=place.bob, amount=amount)
    assert await place.balance(place.ada) == 200


async def test_nobody_pays_themselves_or_a_bot(place: Place) -> None:
    await place.say("daily")
    robot = place.guild.add_member(place.bench.env.create_user("robot", bot=True))
    assert "pay yourself" in await place.say("pay", member=place.ada, amount="5")
    assert "Bots have no use" in await place.say("pay", member=robot, amount="5")
    assert "Bots have no use" in await place.say(
        "economy give", who=place.boss, member=robot, amount="5"
    )


async def test_staff_give_take_set_and_undo(place: Place) -> None:
    boss = place.boss
    said = await place.say("economy give", who=boss, member=place.ada, amount="100", reason="art")
    assert "+🪙 100, now 🪙 100" in said
    assert "only 🪙 100" in await place.say(
        "economy take", who=boss, member=place.ada, amount="101"
    )
    await place.say("economy take", who=boss, member=place.ada, amount="30%")
    await place.say("economy set", who=boss, member=place.ada, amount="500")
    assert "exactly that" in await place.say(
        "economy set", who=boss, member=place.ada, amount="500"
    )
    assert "art" in await place.say("transactions")
    said = await place.say("economy undo", who=boss, transaction=3)
    assert f"<@{place.ada.id}>: \N{MINUS SIGN}🪙 430" in said
    assert await place.balance(place.ada) == 70
    assert "The books balance" in await place.say("economy audit", who=boss)
    assert "There is 🪙 70" in await place.say("economy stats", who=boss)
    await place.say("economy set", who=boss, member=place.ada, amount="0")
    assert await place.balance(place.ada) == 0


async def test_members_may_not_do_what_staff_do(place: Place) -> None:
    said = await place.say("economy give", member=place.ada, amount="100")
    assert "Manage Server" in said
    assert await place.balance(place.ada) == 0
    assert "only see your own" in await place.say("transactions", member=place.bob)


async def test_leaving_members_are_hidden_until_they_return(place: Place) -> None:
    await place.say("economy give", who=place.boss, member=place.bob, amount="100")
    await place.say("daily")
    place.guild.remove_member(place.bob)
    await place.bench.env.settle()
    await place.bench.kernel.roster.flush()
    assert f"<@{place.bob.id}>" not in await place.say("leaderboard")
    assert "place 1" in await place.say("balance")
    place.guild.add_member(place.bob)
    await place.bench.env.settle()
    await place.bench.kernel.roster.flush()
    assert f"<@{place.bob.id}>" in await place.say("leaderboard")


async def test_bounds_that_cross_are_told(place: Place) -> None:
    await place.set(work_minimum=500, stake_minimum=6000)
    problems = await place.bench.kernel.problems.find(place.guild.id, KEY)
    assert {one.cause for one in problems} == {"wages", "stakes"}
    assert "earned 🪙 500" in await place.say("work")


async def test_what_everybody_sees_is_in_the_guild_s_language(place: Place) -> None:
    kernel = place.bench.kernel
    await kernel.settings.change(place.guild.id, "general", {"language": "es"}, actor=SYSTEM)
    await place.say("economy give", who=place.boss, member=place.ada, amount="50")
    assert "ha pagado" in await place.say("pay", member=place.bob, amount="10")
    assert "más ricos" in await place.say("leaderboard")


async def test_symbol_is_written_without_marks_where_discord_shows_none(place: Place) -> None:
    await place.set(currency_symbol="*_")
    await place.say("economy give", who=place.boss, member=place.ada, amount="50")
    for command, words in (("transactions", "Balance: *_ 50"), ("leaderboard", "You: *_ 50,")):
        shown = (await place.ada.slash(place.channel, command)).response.embeds[0]
        assert shown.footer.text.startswith(words)


class _Press:
    """A press of a button as far as turning a page needs one."""

    def __init__(self) -> None:
        self.response = self
        self.shown: list[str | None] = []

    async def defer(self) -> None:
        """Gain time."""

    async def edit_original_response(self, *, embed: discord.Embed, view: Browser) -> None:
        del view
        self.shown.append(embed.description)


async def test_page_after_the_last_one_is_never_read() -> None:
    """Of two presses the second may come when the first has shown the last page."""
    pages = [["a", "b"], ["c"]]

    async def read(page: int) -> tuple[discord.Embed, bool]:
        return discord.Embed(description=" ".join(pages[page])), page + 1 < len(pages)

    view, press = Browser(1, read, locale="en"), _Press()
    await view.load(0)
    on = cast("discord.ui.Button[Browser]", view.children[1])
    for _ in range(2):
        await on.callback(cast("discord.Interaction", press))
    assert press.shown == ["c", "c"]


@pytest.mark.parametrize(
    ("changes", "enabled", "words"),
    [
        ({"pay_enabled": False}, None, "Payments are switched off"),
        ({}, False, "was switched off meanwhile"),
    ],
)
async def test_payment_that_was_switched_off_while_asked_about_is_not_made(
    place: Place, changes: dict[str, Any], enabled: bool | None, words: str
) -> None:
    await place.say("economy give", who=place.boss, member=place.ada, amount="5k")
    asked = await place.ada.slash(place.channel, "pay", member=place.bob, amount="2k")
    await place.bench.kernel.settings.change(
        place.guild.id, KEY, changes, enabled=enabled, actor=SYSTEM
    )
    await place.ada.click(asked.response, label="Yes, go ahead")
    await place.bench.env.settle()
    assert words in text_of(asked)
    assert await place.balance(place.bob) == 0
