"""The demo's people: enough of them, never the same twice, and the same again for a seed."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import discord
import pytest

from bot.sandbox import Sandbox
from bot.sandbox.command_data import NotPossibleError
from bot.sandbox.community import Community
from bot.sandbox.community.ladder import MOST_SEATED, Ladder, lounge_of
from bot.sandbox.community.mischief import Mischief
from bot.sandbox.community.phrases import Voice
from bot.sandbox.community.scenes import SCENES, WORDS
from bot.sandbox.community.talk import Talk
from bot.sandbox.events import Dispatch
from bot.sandbox.models import ChannelType, Message
from bot.sandbox.page.visitors import Visitor
from bot.sandbox.permissions import Permission, channel_permissions
from bot.sandbox.snowflake import snowflake_time
from tests.sandbox.conftest import Client


def test_three_guilds_hold_over_two_hundred_people(sandbox: Sandbox) -> None:
    community = Community(sandbox)
    assert len(community.towns) == 3
    people = {user for town in community.towns for user in town.guild.members}
    assert len(people) > 200
    for town in community.towns:
        assert sandbox.application.user.id in town.guild.members
        assert town.owner.member
        assert town.guild.extra["system_channel_id"] == town.welcome.id
        kinds = {channel.type for channel in town.guild.channels.values()}
        assert {ChannelType.TEXT, ChannelType.VOICE} <= kinds


def test_only_staff_sees_what_staff_is_told(sandbox: Sandbox) -> None:
    for town in Community(sandbox).towns:
        seeing = {
            member_id
            for member_id, member in town.guild.members.items()
            if channel_permissions(member, town.log) & Permission.VIEW_CHANNEL
        }
        staff = {actor.id for actor in town.staff}
        assert seeing == {town.owner.id, sandbox.application.user.id} | staff
        visitor = Visitor(sandbox.world, "token", sandbox.world.add_user("visitor"))
        town.guild.add_member(visitor.account)
        assert visitor.viewer_of(town.log) is None
        visitor.admin = True
        assert visitor.viewer_of(town.log) is town.owner.user


async def test_founders_own_the_bot(sandbox: Sandbox, client: Client) -> None:
    community = Community(sandbox)
    team = (await client.application_info()).team
    assert team is not None
    assert {one.id for one in team.members} == {town.owner.id for town in community.towns}
    assert {one.role for one in team.members} == {discord.TeamMemberRole.admin}


def test_guilds_speak_more_than_one_language(sandbox: Sandbox) -> None:
    assert {town.plan.language for town in Community(sandbox).towns} == {"en", "es"}


def test_some_wait_for_screening(sandbox: Sandbox) -> None:
    assert any(town.plan.screening for town in Community(sandbox).towns)


def test_names_are_of_many_scripts(sandbox: Sandbox) -> None:
    Community(sandbox)
    names = [user.global_name or "" for user in sandbox.world.users.values()]
    assert any(not name.isascii() for name in names)
    assert any("@everyone" in name for name in names)
    assert all(0 < len(user.name) <= 32 for user in sandbox.world.users.values())


def test_nothing_is_said_twice() -> None:
    voice = Voice(Random(1))
    said = [voice.remark("en") for _ in range(2000)]
    assert len(set(said)) == len(said)
    assert max(map(len, said)) < 2000


def test_exchanges_are_of_people_who_answer_each_other(sandbox: Sandbox) -> None:
    town = Community(sandbox).towns[0]
    talk = Talk(Random(1), Voice(Random(1)))
    texts: list[str] = []
    for channel in town.talk:
        for _ in range(30):
            said: list[Message] = []
            is_over = False
            while not is_over:
                message, is_over = talk.go_on(town, channel)
                said.append(message)
            assert len(said) >= 3
            assert said[0].reference is None
            assert said[1].author is not said[0].author
            for before, message in pairwise(said):
                if message.reference is not None:
                    assert message.reference["message_id"] == str(before.id)
                    assert message.author is not before.author
            texts += [message.content for message in said]
    assert len(set(texts)) == len(texts)
    assert not any("{" in text or "|" in text for text in texts)


def test_nobody_answers_to_what_is_gone(sandbox: Sandbox) -> None:
    town = Community(sandbox).towns[0]
    channel, talk = town.talk[0], Talk(Random(1), Voice(Random(1)))
    opening, _ = talk.go_on(town, channel)
    channel.delete_message(opening)
    with pytest.raises(NotPossibleError):
        talk.go_on(town, channel)
    again, _ = talk.go_on(town, channel)
    assert again.reference is None
    town.guild.remove_member(again.author.id)
    for _ in range(2):
        with contextlib.suppress(NotPossibleError):
            latest, _ = talk.go_on(town, channel)
            assert latest.author is not again.author


@pytest.mark.parametrize("language", ["en", "es"])
def test_scenes_are_well_formed(language: str) -> None:
    values = dict.fromkeys(WORDS[language], "x") | {"n": "3", "m": "4", "few": "2"}
    for scenes in SCENES[language].values():
        assert len(scenes) > 1
        for scene in scenes:
            speakers = [line.split(": ", maxsplit=1)[0] for line in scene]
            assert speakers[:2] == ["a", "b"]
            assert all(len(one) == 1 for one in speakers)
            for line in scene:
                for text in line.split(": ", maxsplit=1)[1].split("|"):
                    assert text.strip().format_map(values | dict.fromkeys(speakers, "Ada"))


async def test_guild_keeps_its_size_with_ever_new_people(sandbox: Sandbox) -> None:
    community = Community(sandbox, pace=1000)
    town = community.towns[0]
    first, joined = set(town.guild.members), set[int]()
    for _ in range(1500):
        await community._come_or_go(town)
        joined |= set(town.guild.members)
        assert abs(len(town.members) - town.plan.members) < 0.35 * town.plan.members
    assert len(joined - first) > 300
    assert len(first & set(town.guild.members)) > len(first) / 2
    assert len(sandbox.world.users) < 400
    assert {actor.id for actor in town.members} <= set(sandbox.world.users)


async def test_same_seed_makes_the_same_people() -> None:
    names: list[list[str]] = []
    for _ in range(2):
        async with Sandbox() as sandbox:
            Community(sandbox, seed=7)
            names.append([user.name for user in sandbox.world.users.values()])
    assert names[0] == names[1]


def test_rules_are_broken_in_ever_new_ways() -> None:
    mischief = Mischief(Random(1), Voice(Random(1)))
    made = [
        text
        for _ in range(60)
        for language in ("en", "es")
        for text in (
            mischief.scam(language),
            mischief.advert(language, "abc"),
            mischief.shout(language),
            mischief.zalgo(language),
            mischief.emoji(),
            mischief.lines(language),
            mischief.slogan(language),
            *mischief.burst(),
        )
    ]
    assert len(set(made)) == len(made)
    assert max(map(len, made)) <= 2000
    assert "example" in mischief.scam("en")


async def test_troublemakers_act_and_who_was_thrown_out_is_missed(sandbox: Sandbox) -> None:
    community = Community(sandbox, pace=1000)
    town = community.towns[0]
    for _ in range(60):
        await community._misbehave(town)
    written = [message for channel in town.talk for message in channel.messages.values()]
    assert any("discord" in message.content for message in written)
    assert any(message.attachments for message in written)
    staff = {actor.id for actor in town.staff}
    assert not {message.author.id for message in written} & staff
    banned = town.members[1]
    town.guild.ban(banned.user)
    await community._campaign(town)
    assert banned not in town.members


async def test_raid_is_of_new_accounts_and_ends(sandbox: Sandbox) -> None:
    community = Community(sandbox, pace=1000)
    town = community.towns[0]
    before = set(town.guild.members)
    raid = asyncio.create_task(community._trouble.raid(town))
    joined = await _first_to_join(sandbox)
    assert datetime.now(UTC) - snowflake_time(joined) < timedelta(hours=11)
    assert sandbox.world.users[joined].avatar is None
    await raid
    assert set(town.guild.members) == before


async def _first_to_join(sandbox: Sandbox) -> int:
    joined: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def note(dispatch: Dispatch) -> None:
        if dispatch.event == "GUILD_MEMBER_ADD" and not joined.done():
            joined.set_result(int(dispatch.data["user"]["id"]))

    sandbox.world.listeners.append(note)
    return await joined


async def test_people_enter_the_lounge_and_leave_it(sandbox: Sandbox) -> None:
    town = Community(sandbox).towns[0]
    ladder = Ladder(sandbox, Random(1))
    seats = []
    for _ in range(60):
        ladder.talk(town)
        seats.append(len(town.guild.voice_states))

    assert max(seats) <= MOST_SEATED
    assert min(seats[10:]) >= 1
    assert any(after < before for before, after in pairwise(seats))
    assert {state["channel_id"] for state in town.guild.voice_states.values()} == {
        str(lounge_of(town).id)
    }
