"""The shop in a running bot: lists, buttons, inventories, trades, and those who manage it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import discord
import pytest
from sqlalchemy import func, select

from bot.core.contracts import SYSTEM
from cogs.economy.settings import KEY
from db import economy as table
from db.economy_inventory import list_holdings
from db.engine import Database
from tests.cogs.moderation.world import text_of
from tests.simcord_env import Bench, running_bench

RIGHTS = discord.Permissions(manage_guild=True, manage_roles=True)


@dataclass
class Place:
    """A guild with an admin, two members, a harmless role, one of staff and one above the admin."""

    bench: Bench
    guild: Any
    channel: Any
    boss: Any
    ada: Any
    bob: Any
    vip: Any
    staff: Any
    high: Any

    async def say(self, command: str, *, who: Any = None, press: str = "", **options: Any) -> str:
        """Run a command, press a button if there is a question, return all texts."""
        who = who or self.ada
        result = await who.slash(self.channel, command, **options)
        if press:
            await who.click(result.response, label=press)
        await self.bench.env.settle()
        return text_of(result)

    async def add(self, name: str = "Sword", price: str = "10", **options: Any) -> str:
        """Put an item into the shop, as the admin."""
        return await self.say("economy item add", who=self.boss, name=name, price=price, **options)

    async def give(self, amount: int, *members: Any) -> None:
        for member in members:
            await self.say("economy give", who=self.boss, member=member, amount=str(amount))

    async def item(self, name: str = "Sword") -> Any:
        cog: Any = self.bench.bot.get_cog("Shop")
        return await cog.store.shop.find(self.guild.id, name)

    async def pick(self, name: str = "Sword") -> str:
        """Return what an option stands for that shows the item's price as it is now."""
        item = await self.item(name)
        return f"#{item.id}@{item.price}"

    async def later(self, span: timedelta) -> None:
        """Let time pass, and do the jobs that are due then."""
        clock: Any = self.bench.kernel.clock
        clock.now = lambda: discord.utils.utcnow() + span
        await self.bench.run_jobs()

    def roles_of(self, member: Any) -> set[int]:
        return set(self.bench.env.backend.get_guild(self.guild.id).members[member.id].role_ids)

    async def balance(self, member: Any) -> int:
        async with self.bench.kernel.database.read() as session:
            return await table.get_balance(session, self.guild.id, member.id)

    async def holds(self, member: Any) -> dict[str, int]:
        kernel = self.bench.kernel
        async with kernel.database.read() as session:
            now = kernel.clock.now()
            found = await list_holdings(session, self.guild.id, member.id, now)
        return {one.item.name: one.quantity for one in found}


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    limits = dict.fromkeys(("default", "admin", "economy"), "1000/60")
    async with running_bench(sqlite_database, settings={"limits": limits}) as bench:
        guild = bench.env.create_guild("Harbour")
        channel = guild.create_text_channel("general")
        # Each new role is put below those that were made before it.
        # With power: what is refused anyway is not asked about first.
        high = guild.create_role("High", permissions=discord.Permissions(ban_members=True))
        role = guild.create_role("Boss", permissions=RIGHTS)
        staff = guild.create_role("Staff", permissions=discord.Permissions(ban_members=True))
        vip = guild.create_role("VIP")
        boss = guild.add_member(bench.env.create_user("boss"), roles=[role])
        ada = guild.add_member(bench.env.create_user("ada"))
        bob = guild.add_member(bench.env.create_user("bob"))
        await bench.env.settle()
        yield Place(bench, guild, channel, boss, ada, bob, vip, staff, high)


async def test_item_is_added_seen_chosen_and_bought_once(place: Place) -> None:
    assert "**Sword** is in the shop" in await place.add(stock=3, description="Very *sharp*")
    await place.give(100, place.ada)
    shop = await place.ada.slash(place.channel, "shop")
    assert "**Sword** · 🪙 10 · 3 left" in text_of(shop)
    card = await place.ada.select(shop.response, [await place.pick()], custom_id="economy:choose:0")
    assert "Very \\*sharp\\*" in text_of(card)
    bought = await place.ada.click(card.response, label="Buy 1 for 🪙 10")
    assert "You have bought **Sword** for 🪙 10" in text_of(bought)
    assert not bought.response.components
    assert (await place.balance(place.ada), await place.holds(place.ada)) == (90, {"Sword": 1})
    assert "**1** × **Sword**" in await place.say("inventory view")


async def test_price_that_changed_since_is_told_and_not_charged(place: Place) -> None:
    await place.add()
    await place.give(100, place.ada)
    pick = await place.pick()
    card = await place.ada.slash(place.channel, "buy", item="sword", quantity=2)
    await place.say("economy item edit", who=place.boss, item="Sword", price="11")
    said = text_of(await place.ada.click(card.response, label="Buy 2 for 🪙 20"))
    assert "costs 🪙 11 now, not 🪙 10" in said
    assert "costs 🪙 11 now, not 🪙 10" in await place.say("buy", item=pick)
    assert (await place.balance(place.ada), await place.holds(place.ada)) == (100, {})
    assert "You have bought 2 × **Sword** for 🪙 22" in await place.say(
        "buy", item=await place.pick(), quantity=2
    )


async def test_items_are_offered_while_typing(place: Place) -> None:
    await place.add("Sword", "1200")
    await place.add("Shield")
    await place.give(2000, place.ada)
    (offered,) = await place.ada.autocomplete(place.channel, "buy", "item", "SWO")
    assert (offered["name"], offered["value"]) == ("Sword · 🪙 1,200", await place.pick())
    await place.say("buy", item=offered["value"])
    (held,) = await place.ada.autocomplete(place.channel, "inventory gift", "item", "")
    assert held["name"] == "Sword (1)"
    await place.say("inventory gift", member=place.bob, item=held["value"])
    assert await place.holds(place.bob) == {"Sword": 1}
    find = place.ada.autocomplete
    assert await find(place.channel, "trade", "for_item", "") == []
    (wanted,) = await find(place.channel, "trade", "for_item", "", member=place.bob)
    assert wanted["value"] == held["value"]
    # What is on offer is shown with its number only to those who manage it.
    assert await find(place.channel, "economy item remove", "item", "") == []
    listed = await place.boss.autocomplete(place.channel, "economy item remove", "item", "")
    assert [one["name"] for one in listed] == ["Shield", "Sword"]


async def test_what_sold_out_since_is_told(place: Place) -> None:
    await place.add(stock=1)
    await place.give(100, place.ada, place.bob)
    card = await place.ada.slash(place.channel, "buy", item="Sword")
    await place.say("buy", who=place.bob, item=await place.pick())
    assert "is sold out" in text_of(await place.ada.click(card.response, label="Buy 1 for 🪙 10"))
    assert "is sold out" in await place.say("buy", item=await place.pick())
    assert await place.balance(place.ada) == 100
    # The card says so as well, and has no button.
    seen = await place.ada.slash(place.channel, "buy", item="Sword")
    assert "is sold out" in text_of(seen)
    assert not seen.response.components


async def test_shop_has_pages_of_25(place: Place) -> None:
    for number in range(1, 28):
        await place.add(f"Thing {number:02}", str(number))
    shop = await place.ada.slash(place.channel, "shop")
    assert "Thing 25" in text_of(shop)
    assert "Thing 26" not in text_of(shop)
    turned = await place.ada.click(shop.response, label="Next")
    assert "Thing 26" in text_of(turned)
    assert "Page 2 of 2" in str(turned.response.embeds[0].footer.text)


async def test_empty_shop_and_unknown_item(place: Place) -> None:
    assert "nothing in the shop yet" in await place.say("shop")
    assert "There is no `Sword` in the shop" in await place.say("buy", item="Sword")
    assert "no such item" in await place.say("buy", item="#5@7")
    assert "Nothing yet" in await place.say("inventory view")


async def test_role_is_bought_given_and_taken_after_its_time(place: Place) -> None:
    assert "is in the shop" in await place.add("Fame", "50", role=place.vip, lasts="1h")
    await place.give(100, place.ada)
    assert "is on its way to you, until" in await place.say("buy", item=await place.pick("Fame"))
    await place.bench.kernel.roles.run_due()
    await place.bench.env.settle()
    assert place.vip.id in place.roles_of(place.ada)
    await place.later(timedelta(hours=1))
    await place.bench.kernel.roles.run_due()
    await place.bench.env.settle()
    assert place.vip.id not in place.roles_of(place.ada)


async def test_role_above_whoever_sells_it_is_no_item(place: Place) -> None:
    said = await place.add("Crown", "50", role=place.high)
    assert "not below your highest role" in said
    assert "nothing in the shop yet" in await place.say("shop")


async def test_role_with_power_is_sold_after_a_yes_only(place: Place) -> None:
    said = await place.add("Badge", "50", role=place.staff, press="Cancel")
    assert "gets power over this server" in said
    assert "nothing in the shop yet" in await place.say("shop")
    await place.add("Badge", "50", role=place.staff, press="Sell it")
    assert (await place.item("Badge")).trusted


async def test_item_is_edited_cleared_restocked_listed_and_removed(place: Place) -> None:
    await place.add(stock=5, limit=2, until="2 days", lasts="7 days", emoji="🗡️")
    assert "is changed" in await place.say(
        "economy item edit", who=place.boss, item="Sword", name="Blade", price="1.5k"
    )
    await place.say("economy item edit", who=place.boss, item="Blade", clear="per_member")
    assert "There are 12 of" in await place.say(
        "economy item restock", who=place.boss, item="blade", quantity=7
    )
    item = await place.item("Blade")
    assert (item.price, item.stock, item.per_member, item.lasts) == (1500, 12, None, 604800)
    assert f"#{item.id}, sold 0" in await place.say("economy item list", who=place.boss)
    await place.say("economy item remove", who=place.boss, item="Blade", press="Cancel")
    assert (await place.item("Blade")).archived_at is None
    await place.say("economy item remove", who=place.boss, item="Blade", press="Yes, go ahead")
    assert "nothing in the shop yet" in await place.say("shop")


async def test_members_change_nothing_in_the_shop(place: Place) -> None:
    await place.add()
    for command, options in (
        ("economy item add", {"name": "Free", "price": "1"}),
        ("economy item edit", {"item": "Sword", "price": "1"}),
        ("economy item remove", {"item": "Sword"}),
        ("economy item restock", {"item": "Sword", "quantity": 5}),
        ("economy item list", {}),
    ):
        assert "Manage Server" in await place.say(command, **options)


async def test_bad_amounts_are_told(place: Place) -> None:
    for price in ("0", "-5", "1.5", str(2**63), "lots"):
        assert "is in the shop" not in await place.add(price=price)
    assert "nothing in the shop yet" in await place.say("shop")


async def test_item_is_used_and_given_away(place: Place) -> None:
    await place.add("Ticket", "10", kind="role_on_use", role=place.vip)
    await place.add("Sword", "10")
    await place.give(100, place.ada)
    await place.say("buy", item=await place.pick("Ticket"), quantity=2)
    await place.say("buy", item=await place.pick("Sword"), quantity=3)
    assert "for keeping" in await place.say("inventory use", item="Sword")
    assert "is on its way to you" in await place.say("inventory use", item="ticket")
    said = await place.say("inventory gift", member=place.bob, item="sword", quantity=2)
    assert f"<@{place.ada.id}> has given 2 × **Sword** to <@{place.bob.id}>" in said
    assert await place.holds(place.ada) == {"Sword": 1, "Ticket": 1}
    assert await place.holds(place.bob) == {"Sword": 2}
    assert "That is you" in await place.say("inventory gift", member=place.ada, item="sword")
    assert "You have no `Shield`" in await place.say("inventory use", item="Shield")


async def traded(place: Place) -> Any:
    """Have Ada offer Bob a sword and some coins for a shield."""
    await place.add("Sword")
    await place.add("Shield")
    await place.give(100, place.ada, place.bob)
    await place.say("buy", item=await place.pick("Sword"), quantity=2)
    await place.say("buy", who=place.bob, item=await place.pick("Shield"))
    return await place.ada.slash(
        place.channel, "trade", member=place.bob, item="Sword", coins="5", for_item="shield"
    )


async def test_trade_is_offered_accepted_and_shown(place: Place) -> None:
    offer = await traded(place)
    assert "offers 1 × **Sword** and 🪙 5" in text_of(offer)
    assert (await place.balance(place.ada), await place.holds(place.ada)) == (75, {"Sword": 1})
    assert "balance" in await place.say("economy audit", who=place.boss)
    said = text_of(await place.ada.click(offer.response, label="Accept"))
    assert "for the other one of you to decide" in said
    await place.bob.click(offer.response, label="Accept")
    assert "has given 1 × **Sword** and 🪙 5" in place.channel.last_message.content
    assert not place.channel.last_message.components
    assert await place.holds(place.ada) == {"Sword": 1, "Shield": 1}
    assert (await place.balance(place.bob), await place.holds(place.bob)) == (95, {"Sword": 1})


async def test_trade_is_taken_back_from_the_inventory(place: Place) -> None:
    offer = await traded(place)
    again = await place.say("trade", member=place.bob, item="Sword", for_coins="5")
    assert "You have an open offer" in again
    seen = await place.ada.slash(place.channel, "inventory view")
    assert "offers 1 × **Sword**" in text_of(seen)
    await place.ada.click(seen.followups[-1], label="Take it back")
    assert (await place.balance(place.ada), await place.holds(place.ada)) == (80, {"Sword": 2})
    # The message in the channel is brought in line by whoever presses it.
    await place.bob.click(offer.response, label="Accept")
    assert "Taken back" in place.channel.last_message.content
    assert await place.holds(place.ada) == {"Sword": 2}


async def test_trade_expires(place: Place) -> None:
    offer = await traded(place)
    await place.later(timedelta(days=1))
    assert (await place.balance(place.ada), await place.holds(place.ada)) == (80, {"Sword": 2})
    await place.bob.click(offer.response, label="Decline")
    assert "Not answered in time" in place.channel.last_message.content


async def test_buttons_say_when_the_economy_is_off(place: Place) -> None:
    await place.add()
    await place.give(100, place.ada)
    card = await place.ada.slash(place.channel, "buy", item="Sword")
    settings = place.bench.kernel.settings
    await settings.change(place.guild.id, KEY, {}, enabled=False, actor=SYSTEM)
    said = text_of(await place.ada.click(card.response, label="Buy 1 for 🪙 10"))
    assert "switched off" in said
    assert await place.balance(place.ada) == 100


async def test_purchase_is_undone_by_staff(place: Place) -> None:
    await place.add(stock=3)
    await place.give(100, place.ada)
    await place.say("buy", item=await place.pick(), quantity=2)
    await place.say("inventory gift", member=place.bob, item="sword")
    async with place.bench.kernel.database.read() as session:
        number = await session.scalar(select(func.max(table.Transaction.id)))
    said = await place.say("economy undo", who=place.boss, transaction=number)
    assert "1 piece of **Sword** could not be taken back" in said
    assert (await place.balance(place.ada), await place.holds(place.ada)) == (100, {})
    assert (await place.item()).stock == 2
