"""Automod in a running bot: messages are judged, the log's buttons work for who may press them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import discord
import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from cogs.automod.cog import Automod
from db.automod import Incident
from db.engine import Database
from tests.cogs.automod.world import rule, words
from tests.simcord_env import Bench, running_bench, speaking

WARN = {"type": "warn", "points": 1}


@dataclass
class Place:
    """A guild with a log channel, an admin, a moderator and two plain members."""

    bench: Bench
    guild: Any
    room: Any
    log: Any
    boss: Any
    mod: Any
    ada: Any
    bob: Any

    @property
    def cog(self) -> Automod:
        found = self.bench.bot.get_cog("Automod")
        assert isinstance(found, Automod)
        return found

    async def set(self, *rules: dict[str, Any]) -> None:
        values = {"rules": list(rules), "log_channel_id": str(self.log.id)}
        await self.bench.kernel.settings.change(
            self.guild.id, "automod", values, enabled=True, actor=SYSTEM
        )

    async def say(self, content: str) -> None:
        await self.ada.send(self.room, content)
        await self.rest()

    async def rest(self) -> None:
        async with asyncio.timeout(20):
            while brief := set(self.bench.kernel.supervisor._brief):
                await asyncio.wait(brief)
        await self.bench.deliver()

    async def press(self, who: Any, label: str) -> str:
        """Press a button of the latest log message; returns the answer."""
        result = await who.click(self.log.history()[-1], label=label)
        await self.rest()
        return result.response.content if result.response else ""

    @property
    def shown(self) -> str:
        return str([embed.to_dict() for embed in self.log.history()[-1].embeds])


@pytest.fixture
async def place(sqlite_database: Database) -> AsyncIterator[Place]:
    async with running_bench(sqlite_database, settings={"discord": {"shard_count": 1}}) as bench:
        guild = bench.env.create_guild("Harbour")
        crew = guild.create_role("Crew", permissions=discord.Permissions(manage_guild=True))
        staff = discord.Permissions(manage_messages=True, moderate_members=True)
        mods = guild.create_role("Mods", permissions=staff)
        room, log = guild.create_text_channel("room"), guild.create_text_channel("log")
        boss = guild.add_member(bench.env.create_user("boss"), roles=[crew])
        mod = guild.add_member(bench.env.create_user("mod"), roles=[mods])
        ada = guild.add_member(bench.env.create_user("ada"))
        bob = guild.add_member(bench.env.create_user("bob"))
        await bench.env.settle()
        place = Place(bench, guild, room, log, boss, mod, ada, bob)
        service = place.cog.service
        service.deletions._gather_seconds = 0.0
        service.logbook._pause = 0.0
        yield place


async def test_hit_is_deleted_and_logged_with_buttons(place: Place) -> None:
    await place.set(rule("scam", words("nitro"), "delete", WARN))
    await place.say("hello")
    await place.say("free nitro")

    assert [message.content for message in place.room.history()] == ["hello"]
    (message,) = place.log.history()
    assert "case 1" in place.shown
    assert [one.label for one in message.components[0].children] == [
        "Explain",
        "Undo",
        "Not a violation",
    ]


async def test_log_is_in_the_guilds_language(place: Place) -> None:
    await place.bench.kernel.settings.change(
        place.guild.id, "general", {"language": "es"}, actor=SYSTEM
    )
    await place.set(rule("scam", words("nitro"), "delete", WARN))
    await place.say("free nitro")

    assert "1 mensaje borrado" in place.shown


async def test_explain_names_rule_view_and_exemptions(place: Place) -> None:
    await place.set(rule("scam", words("nitro"), "delete", exempt_members=["1"]))
    await place.say("free n1tro")
    said = await place.press(place.mod, "Explain")

    assert "**scam** (Words) in the text" in said
    assert "1 members" in said
    async with speaking("es-ES"):
        assert "Exenciones" in await place.press(place.mod, "Explain")
    assert "Manage Server" in await place.press(place.bob, "Explain")


async def test_undo_is_for_those_who_may_do_what_was_done(place: Place) -> None:
    await place.set(rule("scam", words("nitro"), "delete", WARN))
    await place.say("free nitro")
    assert "may not undo" in await place.press(place.bob, "Undo")
    said = await place.press(place.mod, "Undo")

    assert said.startswith("Undone.")
    assert "free nitro" in said
    assert f"**Undone** by <@{place.mod.id}>" in place.shown
    now = place.bench.kernel.clock.now()
    assert await place.bench.kernel.cases.points(place.guild.id, place.ada.id, now) == 0


async def add_member_with(place: Place, **rights: bool) -> Any:
    permissions = discord.Permissions.none()
    permissions.update(**rights)
    role = place.guild.create_role("Helpers", permissions=permissions)
    member = place.guild.add_member(place.bench.env.create_user("kay"), roles=[role])
    await place.bench.env.settle()
    return member


async def test_undo_of_what_was_done_to_oneself_is_for_others(place: Place) -> None:
    kay = await add_member_with(place, moderate_members=True)
    await place.set(rule("scam", words("nitro"), WARN))
    await kay.send(place.room, "free nitro")
    await place.rest()

    assert "done to you" in await place.press(kay, "Undo")
    assert "done to you" in await place.press(kay, "Not a violation")
    assert "Undone" not in place.shown


async def test_undo_of_a_role_takes_a_rank_above_it(place: Place) -> None:
    high = place.guild.create_role("High")
    kay = await add_member_with(place, manage_roles=True)
    await place.set(rule("gate", words("nitro"), {"type": "add_role", "role_id": str(high.id)}))
    await place.say("free nitro")

    assert "may not undo" in await place.press(kay, "Undo")


async def test_second_press_is_told_that_it_is_undone(place: Place) -> None:
    await place.set(rule("scam", words("nitro"), "delete", WARN))
    await place.say("free nitro")
    (incident,) = await read_incidents(place)
    # Somebody else's press, the moment before: the message still shows the button.
    await place.cog.service.undo(place.guild.id, incident.id, user_id=place.boss.id)
    result = await place.mod.click(place.log.history()[-1], label="Undo")

    assert result.response.content.startswith("This incident is undone already.")
    await place.rest()


async def read_incidents(place: Place) -> list[Incident]:
    async with place.bench.kernel.database.read() as session:
        return list((await session.scalars(select(Incident).order_by(Incident.id))).all())


async def test_no_violation_offers_an_exemption(place: Place) -> None:
    await place.set(rule("scam", words("nitro"), "delete", WARN))
    await place.say("free nitro")
    result = await place.boss.click(place.log.history()[-1], label="Not a violation")
    await place.rest()
    assert "no violation" in result.response.content
    await place.boss.click(result.response, label="Spare this member")
    await place.rest()

    state = await place.bench.kernel.settings.get(place.guild.id, "automod")
    assert state.settings.rules[0].exempt_members == (place.ada.id,)
    await place.say("free nitro again")
    assert [message.content for message in place.room.history()] == ["free nitro again"]


async def test_change_of_staff_roles_counts_from_the_next_message(place: Place) -> None:
    await place.set(rule("scam", words("nitro"), "delete"))
    role = place.guild.create_role("Helpers")
    await place.bench.env.settle()
    await place.say("free nitro")
    assert place.room.history() == []
    entry = place.cog.engines.get(place.guild.id)
    assert entry is not None
    assert role.id not in entry.context.staff_role_ids
    place.cog.on_surroundings({"guild_id": str(place.guild.id)})
    assert entry.is_stale
