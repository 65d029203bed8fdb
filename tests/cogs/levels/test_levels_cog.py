"""Levels in a running bot: members write and talk, commands answer, roles appear."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import discord
import pytest

from bot.core.batches import JOB
from bot.core.contracts import SYSTEM
from bot.core.i18n import _
from bot.core.leveling import XpGift, give_experience
from cogs.levels import counting
from cogs.levels.settings import KEY
from cogs.privacy.service import PrivacyService
from db.engine import Database
from db.role_menus import RoleMenu, RoleMenuOption
from tests.cogs.moderation.world import text_of
from tests.simcord_env import Bench, running_bench, speaking

RIGHTS = discord.Permissions(manage_guild=True, manage_roles=True)


@dataclass
class Place:
    """A guild with an admin and two members, levels switched on."""

    bench: Bench
    guild: Any
    channel: Any
    hall: Any
    boss: Any
    ada: Any
    bob: Any
    roles: dict[str, Any]

    @property
    def office(self) -> Any:
        cog: Any = self.bench.bot.get_cog("Levels")
        return cog.office

    async def say(self, command: str, *, who: Any = None, press: str = "", **options: Any) -> str:
        """Run a command, press a button if there is a question, return all texts."""
        who = who or self.boss
        result = await who.slash(self.channel, command, **options)
        if press:
            await who.click(result.response, label=press)
        await self.rest()
        return text_of(result)

    async def rest(self) -> None:
        await self.bench.env.settle()
        await self.bench.kernel.roles.run_due()
        await self.bench.env.settle()

    async def set(self, **changes: Any) -> None:
        await self.bench.kernel.settings.change(
            self.guild.id, KEY, changes, enabled=True, actor=SYSTEM
        )

    def has(self, member: Any) -> set[str]:
        found = self.bench.env.backend.get_guild(self.guild.id).members[member.id]
        return {name for name, role in self.roles.items() if role.id in found.role_ids}


@pytest.fixture
async def place(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    # A task that sleeps would keep simcord from seeing that the bot rests.
    monkeypatch.setattr(counting, "FLUSH_SECONDS", 0)
    async with running_bench(sqlite_database) as bench:
        guild = bench.env.create_guild("Harbour")
        roles = {
            name: guild.create_role(name, permissions=rights)
            for name, rights in (
                ("Boss", RIGHTS),
                ("Mod", discord.Permissions(kick_members=True)),
                ("Sailor", discord.Permissions.none()),
            )
        }
        channel = guild.create_text_channel("general")
        hall = guild.create_voice_channel("hall")
        boss = guild.add_member(bench.env.create_user("boss"), roles=[roles["Boss"]])
        ada = guild.add_member(bench.env.create_user("ada"))
        bob = guild.add_member(bench.env.create_user("bob"))
        await bench.env.settle()
        found = Place(bench, guild, channel, hall, boss, ada, bob, roles)
        await found.set()
        _work_at_once(bench, monkeypatch)
        yield found


def _work_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have batches done as soon as they are begun: whoever follows one would wait for a worker."""
    service = bench.kernel.batches
    begin = service.begin

    async def begin_and_work(order: Any) -> Any:
        batch = await begin(order)
        while (await service.get_open(batch.guild_id, batch.kind)) is not None:
            await bench.kernel.jobs.run_due()
            await bench.kernel.roles.run_due()
            async with bench.kernel.database.write() as session:
                key, now = f"{JOB}:{batch.id}", bench.kernel.clock.now()
                await bench.kernel.jobs.hasten(session, key, now)
        return batch

    monkeypatch.setattr(service, "begin", begin_and_work)


async def test_members_write_rise_and_see_it(place: Place) -> None:
    await place.set(text_least=200, text_most=200)
    await place.ada.send(place.channel, "who wants to sail tonight?")
    result = await place.ada.slash(place.channel, "rank")
    await place.rest()
    await place.bench.deliver()

    # Counted, written for the command, and drawn.
    [file] = result.response.attachments
    assert file.filename == "rank.png"
    assert "has reached level 1" in place.channel.last_message.content
    assert place.channel.last_message.content.startswith(f"🎉 <@{place.ada.id}>")
    board = await place.say("levels leaderboard", who=place.bob)
    assert f"**1.** <@{place.ada.id}> · level 1 · 200" in board
    assert f"<@{place.ada.id}>" in await place.say("levels leaderboard", period="week")


async def test_board_says_how_the_reader_stands_on_it(place: Place) -> None:
    await place.say("xp give", member=place.bob, amount="9000")
    await place.set(text_least=200, text_most=200)
    await place.ada.send(place.channel, "who wants to sail tonight?")
    await place.office.counter.flush()

    async def foot(who: Any, period: str) -> str:
        result = await who.slash(place.channel, "levels leaderboard", period=period)
        return result.response.embeds[0].footer.text

    assert await foot(place.ada, "all") == "You: rank 2 · Page 1 of 1"
    assert await foot(place.ada, "week") == "You: rank 1 · Page 1 of 1"
    assert await foot(place.bob, "week") == "Page 1 of 1"


async def test_board_without_anybody_says_so(place: Place) -> None:
    assert "Nobody has earned" in await place.say("levels leaderboard")


async def test_bots_have_no_rank(place: Place) -> None:
    robot = place.guild.add_member(place.bench.env.create_user("robot", bot=True))
    assert "Bots earn nothing" in await place.say("rank", member=robot)
    assert "Bots earn nothing" in await place.say("xp give", member=robot, amount="5")


async def test_why_says_what_holds(place: Place) -> None:
    said = await place.say("levels why", who=place.ada)
    assert "✅ The next message earns 15 to 25, then none for 1 minute." in said
    assert "In voice with somebody else" in said

    await place.ada.send(place.channel, "hello there, everybody")
    said = await place.say("levels why", who=place.ada)
    assert "⏳ The next message counts in" in said

    await place.ada.join_voice(place.hall)
    said = await place.say("levels why", who=place.ada)
    assert "it takes two" in said
    await place.bob.join_voice(place.hall)
    assert "Talking now earns 10 a minute" in await place.say("levels why", who=place.ada)
    await place.ada.set_voice(self_mute=True)
    assert "muted or deafened" in await place.say("levels why", who=place.ada)


async def test_why_names_what_is_in_the_way(place: Place) -> None:
    sailor = place.roles["Sailor"]
    cyd = place.guild.add_member(place.bench.env.create_user("cyd"), roles=[sailor])
    await place.set(excluded_roles=[str(sailor.id)], excluded_channels=[str(place.channel.id)])
    said = await place.say("levels why", who=place.ada, member=cyd)
    assert f"❌ Nothing is earned with <@&{sailor.id}>." in said
    assert f"❌ Nothing is earned in <#{place.channel.id}>." in said

    await place.say("xp boost", multiplier=2.0, duration="2h")
    assert "🚀 Included for a boost: 200 %" in await place.say("levels why", who=place.ada)


async def test_why_tells_only_oneself_what_one_was_given_for(place: Place) -> None:
    kernel, ids = place.bench.kernel, {"guild_id": place.guild.id, "user_id": place.ada.id}
    gift = XpGift(key="test", **ids, amount=1500, reason=_("Won giveaway {number}", number=3))
    async with kernel.database.write() as session:
        await give_experience(session, kernel.jobs, [gift], kernel.clock.now())
    await kernel.jobs.run_due()

    said = await place.say("levels why", who=place.ada)
    assert re.search(r"🎁 Given: 1,500 experience, <t:\d+:d>. Won giveaway 3\.", said)
    assert "🎁" not in await place.say("levels why", who=place.bob, member=place.ada)


async def test_minutes_of_talking_are_counted(place: Place) -> None:
    await place.ada.join_voice(place.hall)
    await place.bob.join_voice(place.hall)
    await place.office.talk.tick()
    rank = await place.office.standings.rank(place.guild.id, place.ada.id)
    assert rank.xp == 10

    await place.bob.leave_voice()
    await place.bench.env.advance_time(60)
    await place.office.talk.tick()
    rank = await place.office.standings.rank(place.guild.id, place.ada.id)
    assert rank.xp == 10


async def test_member_chooses_to_be_told_nothing(place: Place) -> None:
    await place.set(text_least=200, text_most=200)
    assert "don't tell anybody" in await place.say("levels notify", who=place.ada, where="off")
    await place.ada.send(place.channel, "who wants to sail tonight?")
    await place.office.counter.flush()
    await place.bench.deliver()

    assert "reached" not in place.channel.last_message.content


async def test_experience_by_hand(place: Place) -> None:
    said = await place.say("xp give", member=place.ada, amount="1,000")
    assert f"✅ <@{place.ada.id}>: 0 → 1,000 experience, level 4." in said
    assert "1,000 → 900" in await place.say("xp take", member=place.ada, amount="100")
    assert "900 → 0 experience, level 0" in await place.say("xp set", member=place.ada, amount="0")


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("-5", "can't be negative"),
        ("0", "At least 1"),
        ("1.5", "no whole number"),
        ("9223372036854775808", "too much"),
    ],
)
async def test_amount_that_is_none_is_answered_in_words(
    place: Place, amount: str, words: str
) -> None:
    assert words in await place.say("xp give", member=place.ada, amount=amount)


async def test_only_who_manages_levels_may(place: Place) -> None:
    said = await place.say("xp give", who=place.ada, member=place.ada, amount="5")
    assert "Manage Server" in said
    said = await place.say("xp reward add", who=place.ada, level=1, role=place.roles["Sailor"])
    assert "Manage Server" in said


async def test_reward_is_shown_before_it_reaches_anybody(place: Place) -> None:
    sailor = place.roles["Sailor"]
    await place.say("xp give", member=place.ada, amount="300")
    said = await place.say("xp reward add", level=2, role=sailor, press="Cancel")
    assert "1 of 1 members would change:" in said
    assert f"<@&{sailor.id}>: +1" in said
    assert "give no roles yet" in await place.say("xp reward list")

    said = await place.say("xp reward add", level=2, role=sailor, press="Yes, go ahead")
    assert f"✅ Level 2 gives <@&{sailor.id}>" in said
    assert place.has(place.ada) == set()
    said = await place.say("xp reward sync", press="Yes, go ahead")
    assert "1 role was changed" in said
    assert place.has(place.ada) == {"Sailor"}
    assert "have the roles of their levels" in await place.say("xp reward sync")

    assert f"Level 2 gives <@&{sailor.id}>" in await place.say("xp reward list")
    assert "is no reward any more" in await place.say("xp reward remove", role=str(sailor.id))
    assert place.has(place.ada) == {"Sailor"}
    assert "“9” is no reward" in await place.say("xp reward remove", role="9")


async def test_role_above_the_bot_is_answered_in_words(place: Place) -> None:
    high = place.guild.create_role("High")
    backend = place.bench.env.backend.get_guild(place.guild.id)
    backend.roles[high.id].position = 99
    await place.bench.env.settle()
    for role in place.bench.bot.get_guild(place.guild.id).roles:  # pyright: ignore[reportOptionalMemberAccess]
        if role.id == high.id:
            role.position = 99
    said = await place.say("xp reward add", level=1, role=high)

    assert "High" in said
    assert "✅" not in said


async def test_role_of_staff_needs_a_second_yes(place: Place) -> None:
    mod = place.roles["Mod"]
    said = await place.say("xp reward add", level=1, role=mod, press="Cancel")
    assert "has rights of staff" in said
    assert "give no roles yet" in await place.say("xp reward list")

    await place.say("xp reward add", level=1, role=mod, press="Yes, go ahead")
    state = await place.bench.kernel.settings.get(place.guild.id, KEY)
    assert [one.trusted for one in state.settings.rewards] == [True]


async def test_role_that_comes_by_other_ways_is_no_reward(place: Place) -> None:
    kernel, sailor = place.bench.kernel, place.roles["Sailor"]
    joins = [{"role_id": str(sailor.id)}]
    await kernel.settings.change(place.guild.id, "autorole", {"join_roles": joins}, actor=SYSTEM)
    assert "is a join role" in await place.say("xp reward add", level=1, role=sailor)
    # Who is no newcomer any more may lose what newcomers have.
    assert "Level 3 takes" in await place.say("xp reward add", level=3, role=sailor, action="take")

    await kernel.settings.change(place.guild.id, "autorole", {"join_roles": []}, actor=SYSTEM)
    gate = {"verified_role_id": str(sailor.id)}
    await kernel.settings.change(place.guild.id, "verification", gate, actor=SYSTEM)
    assert "is a role of verification" in await place.say("xp reward add", level=1, role=sailor)

    gate = {"verified_role_id": None}
    await kernel.settings.change(place.guild.id, "verification", gate, actor=SYSTEM)
    await offer_in_menu(place, sailor.id)
    assert "in the role menu “Ships”" in await place.say("xp reward add", level=1, role=sailor)


async def offer_in_menu(place: Place, role_id: int) -> None:
    menu = {"title": "Ships", "title_key": "ships", "text": "", "style": "buttons", "mode": "any"}
    rest = {"most": None, "required": [], "forbidden": [], "revision": 1}
    async with place.bench.kernel.database.write() as session:
        found = RoleMenu(guild_id=place.guild.id, **menu, **rest)
        session.add(found)
        await session.flush()
        session.add(RoleMenuOption(menu_id=found.id, role_id=role_id, position=0, trusted=False))


async def test_why_tells_what_is_earned_with_everything(place: Place) -> None:
    await place.say("xp multiplier", percent=200, role=place.roles["Sailor"])
    await place.say("xp boost", multiplier=3.0, duration="3h")
    said = await place.say("levels why", who=place.ada)
    assert "earns 45 to 75" in said
    assert "🚀 Included for a boost: 300 %" in said

    await place.say("xp multiplier", percent=150, channel=place.hall)
    await place.ada.join_voice(place.hall)
    await place.bob.join_voice(place.hall)
    said = await place.say("levels why", who=place.ada)
    assert "Talking now earns 45 a minute" in said
    assert f"✖️ Included for <#{place.hall.id}>: 150 %" in said


async def test_multipliers_are_set_shown_and_removed(place: Place) -> None:
    sailor = place.roles["Sailor"]
    assert "earn alike" in await place.say("xp multiplier")
    assert "one role or one channel" in await place.say("xp multiplier", percent=50)
    said = await place.say("xp multiplier", percent=150, role=sailor)
    assert f"<@&{sailor.id}>: 150 %" in said
    said = await place.say("xp multiplier", percent=50, channel=place.channel)
    assert f"<#{place.channel.id}>: 50 %" in said
    said = await place.say("xp multiplier", percent=100, role=sailor)
    assert f"<@&{sailor.id}>" not in said


async def test_boost_begins_and_ends(place: Place) -> None:
    assert "no boost" in await place.say("xp boost")
    assert "For how long?" in await place.say("xp boost", multiplier=2.0)
    assert "At least" in await place.say("xp boost", multiplier=2.0, duration="1s")
    assert "Everything earns 250 %" in await place.say("xp boost", multiplier=2.5, duration="3h")
    assert "Everything earns 250 %" in await place.say("xp boost")
    assert "has ended" in await place.say("xp boost", multiplier=1.0)


async def test_file_is_shown_then_imported(place: Place) -> None:
    data = f"id,xp\n{place.ada.id},300\n{place.bob.id},x\n".encode()
    said = await _import(place, data, press="Cancel")
    assert f"<@{place.ada.id}>: 300" in said
    assert "⚠️ 1 line can't be imported:" in said
    assert "Line 3" in said
    rank = await place.office.standings.rank(place.guild.id, place.ada.id)
    assert rank.xp == 0

    said = await _import(place, data, press="Yes, go ahead")
    assert "✅ Imported 1 line." in said
    rank = await place.office.standings.rank(place.guild.id, place.ada.id)
    assert (rank.xp, rank.progress.level) == (300, 2)


async def test_what_is_erased_does_not_come_back(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.office.counter, "_flush_later", _never)
    kernel = place.bench.kernel
    service = PrivacyService(kernel.database, kernel.clock, kernel.unwritten, kernel.limits)
    await place.ada.send(place.channel, "who wants to sail tonight?")
    assert place.office.counter.pending((place.guild.id, place.ada.id))

    document = json.load(await service.export(place.ada.id))
    assert document["data"]["levels_days"]
    await place.ada.join_voice(place.hall)
    await place.bob.join_voice(place.hall)
    with monkeypatch.context() as away:
        away.setattr(place.office.talk, "_store", _fail)
        with pytest.raises(OSError, match="away"):
            await place.office.talk.tick()
    await service.erase(place.ada.id)
    await place.office.counter.flush()
    await place.office.talk.flush()

    rank = await place.office.standings.rank(place.guild.id, place.ada.id)
    assert rank.xp == 0


async def _never() -> None:
    """Leave what was counted in memory."""


async def _fail(_minute: Any) -> None:
    raise OSError("away")


async def _import(place: Place, data: bytes, press: str) -> str:
    return await place.say("xp import", file=("levels.csv", data), press=press)


async def test_import_asks_with_what_becomes_of_what_there_is(place: Place) -> None:
    data = f"{place.ada.id},300".encode()
    for mode, words in (
        ("replace", "takes the place of what they have"),
        ("add", "is added to what they have"),
        ("higher", "has more already keeps that"),
    ):
        file = ("levels.csv", data)
        said = await place.say("xp import", file=file, mode=mode, press="Cancel")
        assert words in said


async def test_returning_member_gets_the_reward_again(place: Place) -> None:
    sailor = place.roles["Sailor"]
    await place.say("xp give", member=place.ada, amount="300")
    await place.set(rewards=[{"level": 2, "role_id": str(sailor.id)}])
    again = place.guild.add_member(place.bench.env.create_user("dan"))
    await place.say("xp give", member=again, amount="300")
    payload = {"guild_id": str(place.guild.id), "user": {"id": str(place.ada.id)}, "roles": []}
    place.office.returning.joined(payload)
    await place.office.returning.flush()
    await place.rest()

    assert place.has(place.ada) == {"Sailor"}


async def test_everything_speaks_spanish(place: Place) -> None:
    async with speaking("es-ES", "es-ES"):
        said = await place.say("levels why", who=place.ada)
        assert "El próximo mensaje da de 15 a 25" in said
        said = await place.say("xp give", member=place.ada, amount="1500")
        assert "0 → 1.500 de experiencia, nivel 5" in said
        for amount in ("9007199254740991", "9223372036854775808"):
            said = await place.say("xp give", member=place.ada, amount=amount)
            assert "como mucho 9.007.199.254.740.991" in said
