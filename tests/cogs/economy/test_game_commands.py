"""The games in a running bot: commands, buttons, answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import discord
import pytest

from bot.core.contracts import SYSTEM
from bot.core.ledger import Entry, Holder, Move, TransactionKind, post
from cogs.economy import hands
from cogs.economy.games import odds
from cogs.economy.settings import KEY
from db import economy as books
from db.engine import Database
from tests.cogs.economy.gametable import cards
from tests.simcord_env import Bench, running_bench, speaking


@dataclass
class Hall:
    """A guild with two members, of whom Ada has 1,000."""

    bench: Bench
    guild: Any
    channel: Any
    ada: Any
    bob: Any
    draws: list[int]

    def below(self, bound: int) -> int:
        return min(self.draws.pop(0), bound - 1) if self.draws else 0

    async def play(self, command: str, *drawn: int, who: Any = None, **options: Any) -> Any:
        """Run a command for which these numbers fall; return the message of the answer."""
        self.draws[:] = drawn
        result = await (who or self.ada).slash(self.channel, command, **options)
        await self.bench.env.settle()
        return result.response

    async def press(self, message: Any, label: str, *drawn: int, who: Any = None) -> Any:
        self.draws[:] = drawn
        result = await (who or self.ada).click(message, label=label)
        await self.bench.env.settle()
        return result

    async def give(self, member: Any, amount: int) -> None:
        entry = Entry(
            guild_id=self.guild.id,
            kind=TransactionKind.GIVE,
            key=f"gift:{member.id}:{amount}",
            actor_id=1,
            moves=(Move(Holder.MINT, Holder.user(member.id), amount),),
        )
        async with self.bench.kernel.database.write() as session:
            await post(session, entry, self.bench.kernel.clock.now())

    async def balance(self, member: Any) -> int:
        async with self.bench.kernel.database.read() as session:
            return await books.get_balance(session, self.guild.id, member.id)

    async def set(self, **changes: Any) -> None:
        await self.bench.kernel.settings.change(self.guild.id, KEY, changes, actor=SYSTEM)

    def shown(self, message: Any) -> str:
        """Return the embed of a message of the channel as it is now."""
        stored = self.bench.env.backend.get_message(self.channel.id, message.id)
        return text_in(stored.embeds[0])


def text_in(embed: Any) -> str:
    data = embed if isinstance(embed, dict) else embed.to_dict()
    return f"{data.get('title', '')}\n{data.get('description', '')}"


def shown_in(message: Any) -> str:
    return "\n".join([message.content or "", *map(text_in, message.embeds)])


def labels(message: Any) -> list[str]:
    """Return what the buttons of a message say, of an answer as of a message in the channel."""
    rows = [one if isinstance(one, dict) else one.to_dict() for one in message.components]
    return [one["label"] for row in rows for one in row["components"]]


@pytest.fixture
async def hall(sqlite_database: Database) -> AsyncIterator[Hall]:
    async with running_bench(sqlite_database) as bench:
        guild = bench.env.create_guild("Harbour")
        channel = guild.create_text_channel("games")
        ada = guild.add_member(bench.env.create_user("ada"))
        bob = guild.add_member(bench.env.create_user("bob"))
        await bench.env.settle()
        hall = Hall(bench, guild, channel, ada, bob, [])
        cog: Any = bench.bot.get_cog("Games")
        cog.gaming._below = cog.hands._below = hall.below
        await hall.give(ada, 1000)
        yield hall


async def test_coinflip_pays_the_side_that_was_called(hall: Hall) -> None:
    won = await hall.play("coinflip", 0, amount="100", side="heads")
    assert not won.ephemeral
    assert shown_in(won).strip() == (
        f"🪙 Heads!\n<@{hall.ada.id}> called heads.\n"
        f"<@{hall.ada.id}> staked 🪙 100 and wins **🪙 100**.\n-# Balance: 🪙 1,100"
    )
    lost = await hall.play("coinflip", 98, amount="half", side="tails")
    assert "On its edge!" in shown_in(lost)
    assert "The edge is the house's.\n" in shown_in(lost)
    assert "staked 🪙 550 and loses it." in shown_in(lost)
    assert await hall.balance(hall.ada) == 550


async def test_dice_against_the_house_and_for_a_number(hall: Hall) -> None:
    duel = await hall.play("dice", 5, 0, 3, 2, amount="1k")
    assert f"<@{hall.ada.id}>: 6️⃣ 1️⃣ = **7**\nThe house: 4️⃣ 3️⃣ = **7**" in shown_in(duel)
    assert "Two sevens are the house's." in shown_in(duel)
    assert await hall.balance(hall.ada) == 0

    await hall.give(hall.ada, 20)
    lucky = await hall.play("dice", 1, 1, 1, amount="all", number=2)
    assert "🎲 2️⃣ 2️⃣ 2️⃣" in shown_in(lucky)
    assert f"<@{hall.ada.id}> bet on 2️⃣." in shown_in(lucky)
    assert await hall.balance(hall.ada) == 220


async def test_slots_show_their_reels(hall: Hall) -> None:
    message = await hall.play("slots", 0, 6, 0, amount="10")

    assert "# 🍒 ┃ 🍋 ┃ 🍒" in shown_in(message)
    assert "wins **🪙 10**" in shown_in(message)


async def test_refusals_are_for_the_player_alone(hall: Hall) -> None:
    for amount, said in (
        ("-5", "can't be negative"),
        ("0", "at least 1"),
        ("1.5", "only whole amounts"),
        ("9223372036854775808", "more than can be moved"),
        ("5", "A stake is from 🪙 10 to 🪙 5,000 here."),
        ("2000", "You have 🪙 1,000; 🪙 2,000 are needed."),
    ):
        for command, options in (("slots", {}), ("blackjack", {}), ("coinflip", {"side": "heads"})):
            message = await hall.play(command, amount=amount, **options)
            assert message.ephemeral
            assert said in shown_in(message)
    assert await hall.balance(hall.ada) == 1000


async def test_games_are_played_where_and_while_they_may_be(hall: Hall) -> None:
    other = hall.guild.create_text_channel("casino")
    await hall.set(game_channel_ids=[other.id])
    assert f"Games are played in <#{other.id}> only." in shown_in(
        await hall.play("slots", amount="10")
    )
    await hall.set(game_channel_ids=[], games_enabled=False)
    assert "Games are switched off" in shown_in(await hall.play("dice", amount="10"))


async def test_hand_is_played_by_its_buttons(hall: Hall) -> None:
    message = await hall.play("blackjack", *cards("56T8"), amount="100")
    assert shown_in(message).startswith("\n🃏 Blackjack for 🪙 100\nDealer: `10♠` `??`\n")
    assert f"<@{hall.ada.id}>: `5♠` `6♠` = **11**" in shown_in(message)
    assert labels(message) == ["Hit", "Stand", "Double", "Odds"]
    assert await hall.balance(hall.ada) == 900

    await hall.press(message, "Hit", *cards("2"))
    assert "`5♠` `6♠` `2♠` = **13**" in hall.shown(message)
    message = hall.channel.last_message
    assert labels(message) == ["Hit", "Stand", "Odds"]
    await hall.press(message, "Hit", *cards("8"))
    said = hall.shown(message)
    assert "Dealer: `10♠` `8♠` = **18**" in said
    assert "= **21**" in said
    assert "wins **🪙 100**" in said
    assert labels(hall.channel.last_message) == ["Odds"]
    assert await hall.balance(hall.ada) == 1100


async def test_press_on_what_was_before_shows_what_is_now(hall: Hall) -> None:
    message = await hall.play("blackjack", *cards("22T8"), amount="100")
    copy = await hall.play("blackjack", amount="100")
    await hall.press(message, "Hit", *cards("2"))
    # As a second click that is on its way: the button is the one from before the move.
    late = await hall.press(copy, "Hit", *cards("K"))

    assert "`2♠` `2♠` `2♠` = **6**" in hall.shown(message)
    assert late.acknowledged
    assert labels(hall.channel.last_message) == ["Hit", "Stand", "Odds"]


async def test_doubling_beyond_the_balance_is_refused_in_words(hall: Hall) -> None:
    message = await hall.play("blackjack", *cards("56T8"), amount="600")
    refused = await hall.press(message, "Double", *cards("T"))
    assert "You have 🪙 400; 🪙 600 are needed." in refused.response.content
    assert refused.response.ephemeral
    assert labels(hall.channel.last_message) == ["Hit", "Stand", "Double", "Odds"]
    await hall.press(message, "Stand")
    assert await hall.balance(hall.ada) == 400


async def test_only_the_player_may_press(hall: Hall) -> None:
    message = await hall.play("blackjack", *cards("56T8"), amount="100")
    refused = await hall.press(message, "Stand", who=hall.bob)

    assert refused.response.ephemeral
    assert f"This is the hand of <@{hall.ada.id}>." in refused.response.content
    assert labels(hall.channel.last_message) == ["Hit", "Stand", "Double", "Odds"]


async def test_open_hand_is_linked_and_shown_again(hall: Hall) -> None:
    message = await hall.play("blackjack", *cards("56T8"), amount="100")
    again = await hall.play("blackjack", amount="100")

    assert again.ephemeral
    link = f"https://discord.com/channels/{hall.guild.id}/{hall.channel.id}/{message.id}"
    assert f"You have a hand open: {link}" in shown_in(again)
    assert "`5♠` `6♠` = **11**" in shown_in(again)
    # It can be finished here, also while games are off.
    await hall.set(games_enabled=False)
    await hall.press(again, "Stand")
    assert await hall.balance(hall.ada) == 900
    # The message that everybody sees shows the end as soon as somebody presses it.
    await hall.press(message, "Hit")
    assert "loses it" in hall.shown(message)


async def test_hand_that_is_left_is_refunded_on_its_message(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Jobs run beside the simulated world, whose time can't be put forward for them.
    monkeypatch.setattr(hands, "HAND_LASTS", timedelta())
    message = await hall.play("blackjack", *cards("56T8"), amount="100")
    await hall.bench.run_jobs()
    await hall.bench.deliver()

    assert await hall.balance(hall.ada) == 1000
    assert f"<@{hall.ada.id}> left this hand: 🪙 100 went back." in hall.shown(message)
    assert hall.channel.last_message.components == []


async def test_blackjack_and_bust_are_named(hall: Hall) -> None:
    natural = await hall.play("blackjack", *cards("AKT8"), amount="100")
    assert "Blackjack!\n" in shown_in(natural)
    assert labels(natural) == ["Odds"]
    message = await hall.play("blackjack", *cards("T6T8"), amount="100")
    await hall.press(message, "Hit", *cards("K"))
    assert "Over 21.\n" in hall.shown(message)
    assert await hall.balance(hall.ada) == 1050


async def test_soft_hand_shows_both_totals(hall: Hall) -> None:
    message = await hall.play("blackjack", *cards("A6T8"), amount="100")
    assert "= **7 or 17**" in shown_in(message)


async def test_odds_are_told_as_they_are_published(hall: Hall) -> None:
    for command, shares in (
        ("slots", ("95.92 %", "18.9 %")),
        ("dice", ("97.22 %", "95.37 %")),
        ("blackjack", ("98.91 %", "4.5 %")),
    ):
        message = await hall.play(command, *cards("T6T8"), amount="10")
        told = await hall.press(message, "Odds", who=hall.bob)
        assert told.response.ephemeral
        said = shown_in(told.response)
        assert all(one in said for one in shares)
        for one in odds.odds_of(command):
            assert one.title in said
            assert all(chance.text in said for chance in one.chances)


async def test_everybody_sees_the_guild_s_language(hall: Hall) -> None:
    async with speaking("es-ES", "es-ES"):
        message = await hall.play("coinflip", 0, amount="100", side="heads")
        told = await hall.press(message, "Odds")
    assert "Heads" in shown_in(message)
    assert "Cuáles son las probabilidades" in shown_in(told.response)
    await hall.bench.kernel.settings.change(
        hall.guild.id, "general", {"language": "es"}, actor=SYSTEM
    )
    message = await hall.play("coinflip", 0, amount="100", side="heads")
    assert "¡Cara!" in shown_in(message)


def test_buttons_of_old_messages_fit_discord() -> None:
    longest = f"economy:blackjack:double:{10**18 - 1}:{10**6 - 1}"
    assert len(longest) <= 100
    assert discord.ui.Button(custom_id=longest).custom_id == longest
