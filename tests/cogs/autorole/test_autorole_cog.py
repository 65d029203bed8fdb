"""Autorole in a running bot: members join, commands answer, roles appear."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import discord
import pytest
from simcord.builders import UserHandle

from bot.core.batches import JOB, BatchService
from bot.core.contracts import SYSTEM, Actor
from cogs.autorole.backfill import KIND, order_backfill
from cogs.autorole.settings import JoinRole
from db.engine import Database
from tests.cogs.moderation.world import text_of
from tests.simcord_env import Bench, running_bench, speaking

RIGHTS = discord.Permissions(manage_guild=True, manage_roles=True)


@dataclass
class Place:
    """A guild with an admin, somebody who may only give roles, and a plain member."""

    bench: Bench
    guild: Any
    channel: Any
    boss: Any
    mod: Any
    ada: Any
    roles: dict[str, Any]

    async def say(self, command: str, *, who: Any = None, press: str = "", **options: Any) -> str:
        """Run a command, press a button if there is a question, return all texts."""
        who = who or self.boss
        result = await who.slash(self.channel, command, **options)
        if press:
            await who.click(result.response, label=press)
        await self.rest()
        return text_of(result)

    async def join(self, name: str, *, bot: bool = False) -> Any:
        member = self.guild.add_member(self.bench.env.create_user(name, bot=bot))
        await self.rest()
        return member

    async def rest(self) -> None:
        await self.bench.env.settle()
        await self.bench.kernel.roles.run_due()
        await self.bench.env.settle()

    def has(self, member: Any) -> set[str]:
        found = self.bench.env.backend.get_guild(self.guild.id).members[member.id]
        return {name for name, role in self.roles.items() if role.id in found.role_ids}


@pytest.fixture
async def place(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    async with running_bench(sqlite_database) as bench:
        guild = bench.env.create_guild("Harbour")
        roles = {
            name: guild.create_role(name, permissions=rights)
            for name, rights in (
                ("Boss", RIGHTS),
                ("Mod", discord.Permissions(manage_roles=True, kick_members=True)),
                ("Sailor", discord.Permissions.none()),
                ("Guest", discord.Permissions.none()),
            )
        }
        channel = guild.create_text_channel("general")
        boss = guild.add_member(bench.env.create_user("boss"), roles=[roles["Boss"]])
        mod = guild.add_member(bench.env.create_user("mod"), roles=[roles["Mod"]])
        ada = guild.add_member(bench.env.create_user("ada"), roles=[roles["Guest"]])
        await bench.env.settle()
        await bench.kernel.settings.get(guild.id, "autorole")
        _work_at_once(bench, monkeypatch)
        yield Place(bench, guild, channel, boss, mod, ada, roles)


def _work_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have batches done as soon as they are begun: whoever follows one would wait for a worker."""
    service = bench.kernel.batches
    begin = service.begin

    async def begin_and_work(order: Any) -> Any:
        batch = await begin(order)
        while (await service.get_open(batch.guild_id, batch.kind)) is not None:
            await bench.kernel.jobs.run_due()
            await bench.kernel.roles.run_due()
            # What waits for the queue of role changes looks again at once.
            async with bench.kernel.database.write() as session:
                key, now = f"{JOB}:{batch.id}", bench.kernel.clock.now()
                await bench.kernel.jobs.hasten(session, key, now)
        return batch

    monkeypatch.setattr(service, "begin", begin_and_work)


async def test_reward_of_a_level_is_no_join_role(place: Place) -> None:
    sailor = place.roles["Sailor"]
    rewards = [{"level": 3, "role_id": str(sailor.id), "action": "give"}]
    kernel, guild_id = place.bench.kernel, place.guild.id
    await kernel.settings.change(guild_id, "levels", {"rewards": rewards}, actor=SYSTEM)
    assert "is the reward of level 3" in await place.say("autorole add", role=sailor)

    # What a level takes is what newcomers have until then.
    rewards[0]["action"] = "take"
    await kernel.settings.change(guild_id, "levels", {"rewards": rewards}, actor=SYSTEM)
    assert f"✅ <@&{sailor.id}>" in await place.say("autorole add", role=sailor)


async def test_join_role_is_added_listed_given_and_removed(place: Place) -> None:
    sailor = place.roles["Sailor"]
    said = await place.say("autorole add", role=sailor)
    assert f"✅ <@&{sailor.id}>: for people · after screening" in said
    assert "/autorole backfill" in said

    grace = await place.join("grace")
    robot = await place.join("robot", bot=True)
    assert (place.has(grace), place.has(robot)) == ({"Sailor"}, set())

    said = await place.say("autorole list")
    assert f"- <@&{sailor.id}>: for people" in said
    said = await place.say("autorole remove", role=str(sailor.id))
    assert "Who has it keeps it" in said
    assert "gets no role" in await place.say("autorole list")
    assert place.has(await place.join("linus")) == set()


async def test_change_keeps_what_is_not_named(place: Place) -> None:
    sailor, guest = place.roles["Sailor"], place.roles["Guest"]
    await place.say(
        "autorole add",
        role=sailor,
        delay="1h",
        recipients="everyone",
        screening="before",
        after_role=guest,
    )
    said = await place.say("autorole add", role=sailor, account_age="7 days")
    for words in ("people and bots", "before screening", "1 hour after", "7 days old", "once they"):
        assert words in said

    everyone = place.guild.default_role
    said = await place.say("autorole add", role=sailor, delay="0", after_role=everyone)
    assert "7 days old" in said
    assert "after joining" not in said
    assert "once they have" not in said


async def test_what_is_not_given_any_more_is_said(place: Place) -> None:
    sailor = place.roles["Sailor"]
    await place.say("autorole add", role=sailor, delay="1h")
    await place.join("grace")

    said = await place.say("autorole remove", role=str(sailor.id))
    assert "1 member who was still to get it does not get it any more." in said
    assert "wait for their time" not in await place.say("autorole list")

    said = await place.say("feature disable", feature="autorole")
    assert "Roles that were not given yet are not given any more." in said


async def test_every_option_is_told_in_words(place: Place) -> None:
    said = await place.say(
        "autorole add",
        role=place.roles["Sailor"],
        delay="1h 30m",
        recipients="everyone",
        screening="before",
        account_age="7 days",
        after_role=place.roles["Guest"],
    )
    guest = place.roles["Guest"].id
    for words in (
        "for people and bots",
        "also before screening",
        "1 hour and 30 minutes after joining",
        "once the account is 7 days old",
        f"once they have <@&{guest}>",
    ):
        assert words in said


async def test_powerful_role_is_added_after_a_question(place: Place) -> None:
    helper = place.guild.create_role("Helper", permissions=discord.Permissions(ban_members=True))
    said = await place.say("autorole add", role=helper, press="Cancel")
    assert "rights of staff" in said
    assert "gets no role" in await place.say("autorole list")
    await place.say("autorole add", role=helper, press="Yes, go ahead")
    assert f"<@&{helper.id}>" in await place.say("autorole list")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"delay": "soon"}, "not a duration"),
        ({"delay": "31 days"}, "At most"),
        ({"account_age": "2 years"}, "At most"),
    ],
)
async def test_wrong_input_is_told_and_nothing_is_stored(
    place: Place, options: dict[str, str], words: str
) -> None:
    assert words in await place.say("autorole add", role=place.roles["Sailor"], **options)
    assert "gets no role" in await place.say("autorole list")


async def test_role_that_waits_for_itself_or_stands_above_is_refused(place: Place) -> None:
    sailor = place.roles["Sailor"]
    assert "wait for itself" in await place.say("autorole add", role=sailor, after_role=sailor)
    # Nobody can have others given what they could not give themselves.
    said = await place.say("autorole add", role=place.roles["Boss"])
    assert "not below your highest role" in said
    assert "gets no role" in await place.say("autorole list")


async def test_what_is_no_join_role_can_not_be_removed(place: Place) -> None:
    assert "is no join role" in await place.say("autorole remove", role="pirate")


async def test_deleted_role_is_told_in_the_list(place: Place) -> None:
    sailor = place.roles.pop("Sailor")
    await place.say("autorole add", role=sailor)
    place.bench.env.backend.delete_role(place.guild.id, sailor.id)
    await place.rest()
    said = await place.say("autorole list")
    assert f"<@&{sailor.id}>" not in said
    assert f"⚠️ A role that is gone (its ID was {sailor.id}): for people" in said
    assert f"Remove it with `/autorole remove role:{sailor.id}`" in said
    # The line says all that the problem would.
    assert said.count("gone") == 1
    assert "is gone" in await place.say("autorole backfill")
    await place.say("autorole remove", role=str(sailor.id))
    assert "gets no role" in await place.say("autorole list")


async def test_back_fill_counts_asks_and_gives(place: Place) -> None:
    await place.say("autorole add", role=place.roles["Sailor"])
    said = await place.say("autorole backfill", press="Cancel")
    assert "4 of 5 members would get roles" in said
    assert place.has(place.ada) == {"Guest"}

    await place.say("autorole backfill", press="Yes, go ahead")
    assert place.has(place.ada) == {"Guest", "Sailor"}
    assert "have the roles that are for them" in await place.say("autorole backfill")


async def test_back_fill_of_somebody_else_can_be_stopped(place: Place) -> None:
    service = place.bench.kernel.batches
    role = JoinRole(role_id=place.roles["Sailor"].id)
    order = order_backfill(
        place.guild.id,
        place.channel.id,
        [role],
        Actor(place.mod.id, "command", "mod"),
        locale="en",
        members=4,
    )
    batch = await BatchService.begin(service, order)
    said = await place.say("autorole backfill", press="Cancel")
    assert f"<@{place.mod.id}> has begun a back-fill that goes on. Looked at 0 of 4" in said
    said = await place.say("autorole backfill", press="Yes, go ahead")
    assert "I stop after what is under way" in said
    await place.bench.run_jobs()
    assert (await service.get_open(place.guild.id, KIND)) is None
    ended = await service.get(batch.id)
    assert ended is not None
    assert ended.outcome == {"stopped": True, "withdrawn": 0}
    assert place.has(place.ada) == {"Guest"}


async def test_back_fill_without_join_roles_says_what_to_do(place: Place) -> None:
    assert "/autorole add" in await place.say("autorole backfill")


async def test_role_for_a_time(place: Place) -> None:
    sailor = place.roles["Sailor"]
    said = await place.say("role temp", who=place.mod, member=place.ada, role=sailor, duration="2h")
    assert "for 2 hours" in said
    assert place.has(place.ada) == {"Guest", "Sailor"}
    assert f"<@{place.ada.id}> <@&{sailor.id}>" in await place.say("role list", who=place.mod)

    said = await place.say("role temp", who=place.mod, member=place.ada, role=sailor, duration="3h")
    assert "now has" in said
    await place.say("role end", who=place.mod, member=place.ada, role=sailor)
    assert place.has(place.ada) == {"Guest"}
    said = await place.say("role end", who=place.mod, member=place.ada, role=sailor)
    assert "for a time" in said
    assert "Nobody has a role" in await place.say("role list", who=place.mod)


async def test_bot_is_lent_no_role_by_itself(place: Place) -> None:
    env = place.bench.env
    assert env.bot.user is not None
    me = UserHandle(env, env.backend.users[env.bot.user.id])
    said = await place.say(
        "role temp", who=place.mod, member=me, role=place.roles["Sailor"], duration="1h"
    )
    assert "to myself" in said
    assert "Nobody has a role" in await place.say("role list", who=place.mod)


async def test_lent_role_that_was_deleted_is_not_listed(place: Place) -> None:
    sailor = place.roles.pop("Sailor")
    await place.say("role temp", who=place.mod, member=place.ada, role=sailor, duration="2h")
    await place.say(
        "role temp", who=place.mod, member=place.ada, role=place.roles["Guest"], duration="2h"
    )
    place.bench.env.backend.delete_role(place.guild.id, sailor.id)
    await place.rest()
    said = await place.say("role list", who=place.mod)
    assert str(place.roles["Guest"].id) in said
    assert str(sailor.id) not in said


async def test_role_that_they_have_already_is_told(place: Place) -> None:
    said = await place.say(
        "role temp", who=place.mod, member=place.ada, role=place.roles["Guest"], duration="1h"
    )
    assert "already; I take it from them on" in said


async def test_role_above_whoever_asks_is_refused(place: Place) -> None:
    for name in ("Boss", "Mod"):
        said = await place.say(
            "role temp", who=place.mod, member=place.ada, role=place.roles[name], duration="1h"
        )
        assert "not below your highest role" in said
    assert place.has(place.ada) == {"Guest"}


async def test_spanish(place: Place) -> None:
    async with speaking("es-ES", "es-ES"):
        said = await place.say("autorole add", role=place.roles["Sailor"], delay="2 días")
        assert "para personas · tras el filtro de miembros · 2 días después de entrar" in said
        await place.bench.kernel.settings.change(
            place.guild.id, "autorole", {}, enabled=False, actor=SYSTEM
        )
        assert "/función activar" in await place.say("autorole add", role=place.roles["Guest"])
