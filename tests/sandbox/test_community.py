"""The demo's people: enough of them, never the same twice, and the same again for a seed."""

from __future__ import annotations

from random import Random

from bot.sandbox import Sandbox
from bot.sandbox.community import Community
from bot.sandbox.community.phrases import Voice
from bot.sandbox.models import ChannelType


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
    said = [voice.remark("en") for _ in range(2000)] + [voice.reply("es", "Ada") for _ in range(90)]
    assert len(set(said)) == len(said)
    assert max(map(len, said)) < 2000


async def test_same_seed_makes_the_same_people() -> None:
    names: list[list[str]] = []
    for _ in range(2):
        async with Sandbox() as sandbox:
            Community(sandbox, seed=7)
            names.append([user.name for user in sandbox.world.users.values()])
    assert names[0] == names[1]
