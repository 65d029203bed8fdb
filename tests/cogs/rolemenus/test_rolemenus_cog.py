"""Role menus as admins make them and members press them, in simcord."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import discord
import pytest

from bot.core.contracts import SYSTEM
from cogs.rolemenus.editing import with_conditions, with_texts, without_roles
from cogs.rolemenus.rules import Menu
from db.engine import Database
from tests.cogs.moderation.world import text_of
from tests.simcord_env import Bench, running_bench

BUTTON, SELECT, TEXT = 2, 3, 10
BAN = discord.Permissions(ban_members=True).value


@dataclass
class Square:
    """A guild with an admin, a member and roles, and menus switched on."""

    bench: Bench
    guild: Any
    channel: Any
    boss: Any
    ada: Any
    roles: dict[str, Any]

    async def create(self, *roles: Any, title: str = "Colours", **options: Any) -> Any:
        """Make a menu by command and form; gives what is answered at last."""
        form = await self.boss.slash(self.channel, "rolemenu create", **options)
        chosen = {"title": title, "text": "Pick one", "roles": list(roles)}
        return await self.boss.submit_modal(form, chosen)

    async def post(self, title: str = "Colours") -> Any:
        """Post a menu and return its message."""
        done = await self.boss.slash(self.channel, "rolemenu post", menu=title)
        assert "Done: see" in text_of(done)
        await self.bench.deliver()
        await self.bench.run_jobs()
        return self.channel.last_message

    @property
    def backend(self) -> Any:
        return self.bench.env.backend

    @property
    def cog(self) -> Any:
        return self.bench.bot.get_cog("RoleMenus")

    async def menu(self) -> Menu:
        ((menu, _posts),) = await self.cog.desk.list(self.guild.id)
        return menu

    async def problems(self) -> list[str]:
        found = await self.bench.kernel.problems.list(self.guild.id)
        return sorted(one.problem.cause for one in found)

    def own_reactions(self, message: Any) -> list[str]:
        """Return the emoji under a message, in order; the bot is the first with each."""
        stored = self.backend.get_message(self.channel.id, message.id)
        return [one.emoji for one in stored.reactions]

    async def has(self, who: Any) -> set[str]:
        """Return the names of the roles that somebody has once the queue has been worked off."""
        await self.bench.kernel.roles.run_due()
        await self.bench.env.settle()
        guild = self.backend.get_guild(self.guild.id)
        held = guild.members[who.id].role_ids
        return {one.name for one in guild.roles.values() if one.id in held}


def walk(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every component of a message, a result or a part of one, outer ones first."""
    if isinstance(node, list | tuple):
        for one in node:
            yield from walk(one)
    elif isinstance(node, dict):
        yield node
        for part in ("components", "component", "accessory"):
            yield from walk(node.get(part))
    elif hasattr(node, "to_dict"):
        yield from walk(node.to_dict())


def parts(message: Any, kind: int) -> list[dict[str, Any]]:
    return [one for one in walk(message.components) if one["type"] == kind]


def shown_in(panel: Any) -> str:
    """Return all texts that a panel shows."""
    return "\n".join(one["content"] for one in parts(panel, TEXT))


@pytest.fixture
async def square(sqlite_database: Database) -> AsyncIterator[Square]:
    async with running_bench(sqlite_database) as bench:
        guild = bench.env.create_guild("Harbour")
        rights = discord.Permissions(manage_guild=True, manage_roles=True)
        roles = {
            name: guild.create_role(name, permissions=permissions)
            for name, permissions in (
                ("Boss", rights),
                ("Red", discord.Permissions.none()),
                ("Blue", discord.Permissions.none()),
                ("Guard", discord.Permissions(ban_members=True)),
            )
        }
        square = Square(
            bench,
            guild,
            guild.create_text_channel("general"),
            guild.add_member(bench.env.create_user("boss"), roles=[roles["Boss"]]),
            guild.add_member(bench.env.create_user("ada")),
            roles,
        )
        await bench.kernel.settings.change(guild.id, "rolemenus", {}, enabled=True, actor=SYSTEM)
        await bench.env.settle()
        yield square


async def test_menu_is_made_posted_and_pressed(square: Square) -> None:
    made = await square.create(square.roles["Red"], square.roles["Blue"], mode="unique")
    assert "Colours" in shown_in(made.response)

    message = await square.post()
    assert message.embeds[0].title == "Colours"
    assert [one["label"] for one in parts(message, BUTTON)] == ["Red", "Blue"]

    pressed = await square.ada.click(message, label="Red")
    assert pressed.response.ephemeral
    assert text_of(pressed) == f"✅ You have <@&{square.roles['Red'].id}> now."
    assert await square.has(square.ada) == {"Red"}

    switched = await square.ada.click(message, label="Blue")
    assert "and no longer" in text_of(switched)
    assert await square.has(square.ada) == {"Blue"}


async def test_select_shows_what_one_has_on_pages(square: Square) -> None:
    many = [square.guild.create_role(f"R{number:02}") for number in range(30)]
    made = await square.create(*many[:25], style="select")
    form = await square.boss.click(made.response, custom_id="rolemenus:panel:add")
    await square.boss.submit_modal(form, {"roles": many[25:]})
    message = await square.post()

    opened = (await square.ada.click(message, label="Choose roles")).response
    assert opened.ephemeral
    await square.ada.select(opened, [str(many[0].id), str(many[1].id)])
    assert "✅ You have" in opened.content
    assert await square.has(square.ada) == {"R00", "R01"}

    await square.ada.click(opened, label="Next")
    (last,) = parts(opened, SELECT)
    assert [one["label"] for one in last["options"]] == ["R25", "R26", "R27", "R28", "R29"]
    await square.ada.select(opened, [str(many[29].id)])
    await square.ada.click(opened, label="Back")
    (first,) = parts(opened, SELECT)
    assert [one["label"] for one in first["options"] if one.get("default")] == ["R00", "R01"]
    assert await square.has(square.ada) == {"R00", "R01", "R29"}


async def test_select_that_is_refused_goes_back_to_what_one_has(square: Square) -> None:
    await square.create(square.roles["Red"], square.roles["Blue"], style="select", limit=2)
    menu = await square.menu()
    gate = square.guild.create_role("Gate")
    await square.cog.desk.change(menu, lambda one: with_conditions(one, [gate.id], []))
    message = await square.post()

    opened = (await square.ada.click(message, label="Choose roles")).response
    await square.ada.select(opened, [str(square.roles["Red"].id)])

    assert f"⚠️ This menu is for members with <@&{gate.id}>." in opened.content
    (select,) = parts(opened, SELECT)
    assert not any(one.get("default") for one in select["options"])
    assert await square.has(square.ada) == set()


async def test_dangerous_role_is_only_offered_after_a_yes(square: Square) -> None:
    asked = await square.create(square.roles["Guard"])
    assert "gets power over this server: Ban Members" in text_of(asked)
    await square.boss.click(asked.response, label="Cancel")
    assert await square.cog.desk.list(square.guild.id) == []

    asked = await square.create(square.roles["Guard"])
    await square.boss.click(asked.response, label="Offer it")
    assert [one.trusted for one in (await square.menu()).options] == [True]


async def test_yes_of_who_may_no_longer_offer_roles_counts_for_nothing(square: Square) -> None:
    asked = await square.create(square.roles["Guard"])
    square.backend.remove_member_role(square.guild.id, square.boss.id, square.roles["Boss"].id)
    await square.bench.env.settle()

    refused = await square.boss.click(asked.response, label="Offer it")

    assert "Manage Server" in text_of(asked) + text_of(refused)
    assert await square.cog.desk.list(square.guild.id) == []


async def test_mute_role_is_not_offered(square: Square) -> None:
    changes = {"mute_role_id": str(square.roles["Blue"].id)}
    await square.bench.kernel.settings.change(square.guild.id, "moderation", changes, actor=SYSTEM)

    refused = await square.create(square.roles["Red"], square.roles["Blue"])

    assert "That is the mute role." in text_of(refused)
    assert await square.cog.desk.list(square.guild.id) == []


async def test_role_that_gets_power_later_is_not_given_until_an_admin_agrees(
    square: Square,
) -> None:
    red = square.roles["Red"]
    await square.create(red, square.roles["Blue"])
    message = await square.post()

    square.backend.edit_role(square.guild.id, red.id, {"permissions": BAN})
    await square.bench.env.settle()
    refused = await square.ada.click(message, label="Red")

    assert "gives power over this server" in text_of(refused)
    assert await square.has(square.ada) == set()
    assert await square.problems() == ["role_dangerous"]

    panel = (await square.boss.slash(square.channel, "rolemenu edit", menu="Colours")).response
    form = await square.boss.click(panel, custom_id="rolemenus:panel:add")
    asked = await square.boss.submit_modal(form, {"roles": [red, square.roles["Blue"]]})
    await square.boss.click(asked.followups[0], label="Offer it")
    trusted = {one.role_id: one.trusted for one in (await square.menu()).options}
    assert trusted == {red.id: True, square.roles["Blue"].id: False}


async def test_role_above_the_admin_is_refused_and_the_form_kept(square: Square) -> None:
    refused = await square.create(square.roles["Boss"])
    assert "is not below your highest role" in text_of(refused)

    form = await square.boss.click(refused.response, label="Correct it")
    values = {"title": "Colours", "text": "", "roles": [square.roles["Red"]]}
    await square.boss.submit_modal(form, values)

    assert (await square.menu()).role_ids == (square.roles["Red"].id,)


async def test_panel_changes_the_menu_and_its_messages(square: Square) -> None:
    panel = (await square.create(square.roles["Red"], square.roles["Blue"])).response
    message = await square.post()

    form = await square.boss.select(
        panel, [str(square.roles["Red"].id)], custom_id="rolemenus:panel:role"
    )
    shown = {"label": "Crimson", "emoji": "🍒", "description": "Warm", "cap": "1"}
    await square.boss.submit_modal(form, shown)
    form = await square.boss.select(panel, ["working"], custom_id="rolemenus:panel:edit")
    working = {"style": ["buttons"], "mode": ["normal"], "most": "1"}
    await square.boss.submit_modal(form, working)
    await square.bench.deliver()

    assert "✅ Saved." in shown_in(panel)
    assert "1 place" in shown_in(panel)
    message = square.channel.last_message
    assert [one["label"] for one in parts(message, BUTTON)] == ["Crimson", "Blue"]
    assert "You can have 1 of these." in message.embeds[0].description
    mia = square.guild.add_member(square.bench.env.create_user("mia"))
    await square.ada.click(message, label="Crimson")
    full = await mia.click(message, label="Crimson")
    assert "is full: its only place is taken" in text_of(full)


async def test_conditions_can_be_changed_after_a_role_of_theirs_is_gone(square: Square) -> None:
    panel = (await square.create(square.roles["Red"])).response
    gate, member = square.guild.create_role("Gate"), square.guild.create_role("Member")
    await square.cog.desk.change(
        await square.menu(), lambda one: with_conditions(one, [gate.id, member.id], [])
    )
    panel = (await square.boss.slash(square.channel, "rolemenu edit", menu="Colours")).response
    square.backend.delete_role(square.guild.id, gate.id)
    await square.bench.env.settle()

    form = await square.boss.select(panel, ["conditions"], custom_id="rolemenus:panel:edit")

    # Discord would refuse a form that names a role that is gone.
    chosen = [one["default_values"] for one in walk(form.modal) if "default_values" in one]
    assert [[int(one["id"]) for one in menu] for menu in chosen] == [[member.id]]


async def test_panel_that_is_out_of_date_shows_what_is(square: Square) -> None:
    panel = (await square.create(square.roles["Red"])).response
    menu = await square.menu()
    await square.cog.desk.change(menu, lambda one: with_texts(one, "Paints", ""))

    form = await square.boss.click(panel, custom_id="rolemenus:panel:drop")
    await square.boss.submit_modal(form, {"roles": [str(square.roles["Red"].id)]})

    assert "Somebody else has changed this menu meanwhile" in shown_in(panel)
    assert "Paints" in shown_in(panel)
    assert (await square.menu()).role_ids == (square.roles["Red"].id,)


async def test_delete_asks_and_takes_the_message_along(square: Square) -> None:
    await square.create(square.roles["Red"])
    message = await square.post()

    asked = await square.boss.slash(square.channel, "rolemenu delete", menu="colours")
    assert "Members keep the roles they have." in text_of(asked)
    await square.boss.click(asked.response, label="Yes, go ahead")
    await square.bench.deliver()

    assert await square.cog.desk.list(square.guild.id) == []
    assert square.channel.last_message is None or square.channel.last_message.id != message.id
    assert await square.bench.kernel.problems.list(square.guild.id) == []


async def test_deleted_message_and_role_become_problems(square: Square) -> None:
    await square.create(square.roles["Red"], square.roles["Blue"])
    message = await square.post()

    square.backend.delete_message(square.channel.id, message.id)
    square.backend.delete_role(square.guild.id, square.roles["Red"].id)
    await square.bench.env.settle()

    listed = await square.boss.slash(square.channel, "rolemenu list")
    assert "was deleted" in text_of(listed)
    assert await square.problems() == ["message_deleted", "role_gone"]

    await square.post()
    menu = await square.menu()
    await square.cog.desk.change(menu, lambda one: without_roles(one, {square.roles["Red"].id}))
    await square.cog.problems.review(square.guild.id)
    assert await square.problems() == []


async def test_menus_are_offered_by_title_and_missing_ones_said(square: Square) -> None:
    await square.create(square.roles["Red"])
    await square.create(square.roles["Blue"], title="Paints")

    offered = await square.boss.autocomplete(square.channel, "rolemenu edit", "menu", "pai")
    assert [one["name"] for one in offered] == ["Paints"]
    missing = await square.boss.slash(square.channel, "rolemenu post", menu="Nothing")
    assert "There is no menu called `Nothing`." in text_of(missing)
    again = await square.create(square.roles["Red"], title="COLOURS")
    assert "There is a menu called `COLOURS` already." in text_of(again)


async def test_reactions_give_switch_and_take(square: Square) -> None:
    await square.create(square.roles["Red"], square.roles["Blue"], style="reactions", mode="unique")
    message = await square.post()
    assert square.own_reactions(message) == ["🔴", "🟠"]

    await square.ada.react(message, "🔴")
    assert await square.has(square.ada) == {"Red"}
    await square.ada.react(message, "🟠")
    assert await square.has(square.ada) == {"Blue"}
    await square.ada.unreact(message, "🟠")
    assert await square.has(square.ada) == set()


async def test_members_without_the_right_are_turned_away(square: Square) -> None:
    said = await square.ada.slash(square.channel, "rolemenu list")

    assert "Manage Server" in text_of(said)
