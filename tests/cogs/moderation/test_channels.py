"""Commands on channels in a running bot: /slowmode, /lock, /unlock."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from cogs.moderation.channels import Channels
from tests.cogs.moderation.world import Place


def overwrites(place: Place) -> dict[int, tuple[int, int]]:
    channel = place.bench.bot.get_channel(place.channel.id)
    assert isinstance(channel, discord.TextChannel)
    found = {}
    for target, one in channel.overwrites.items():
        allow, deny = one.pair()
        found[target.id] = (allow.value, deny.value)
    return found


async def test_lock_keeps_members_from_writing_and_unlock_restores(place: Place) -> None:
    before = overwrites(place)

    assert "is locked" in await place.say(place.mod, "lock", reason="Storm")
    with pytest.raises(Exception, match="Missing Permissions"):
        await place.ada.send(place.channel, "hello?")
    await place.mod.send(place.channel, "Staff can")
    assert "locked already" in await place.say(place.mod, "lock")

    assert "open again" in await place.say(place.mod, "unlock")
    assert overwrites(place) == before
    await place.ada.send(place.channel, "hello!")
    assert "have not locked" in await place.say(place.mod, "unlock")


async def test_lock_for_a_while_says_when_it_opens(place: Place) -> None:
    assert "it opens <t:" in await place.say(place.mod, "lock", duration="30m")


@pytest.mark.parametrize("command", ["lock", "unlock", "slowmode"])
async def test_command_without_the_bots_permission_names_the_place(
    place: Place, command: str
) -> None:
    await place.limit_bot()
    options: dict[str, Any] = {"duration": "5s"} if command == "slowmode" else {}

    said = await place.say(place.mod, command, **options)

    assert "in #general" in said
    assert "Permissions" in said


async def test_slowmode_is_set_and_switched_off(place: Place) -> None:
    assert "30 seconds" in await place.say(place.mod, "slowmode", duration="30s")
    channel = place.bench.bot.get_channel(place.channel.id)
    assert isinstance(channel, discord.TextChannel)
    assert channel.slowmode_delay == 30

    assert "is off" in await place.say(place.mod, "slowmode", duration="0")
    assert channel.slowmode_delay == 0


async def test_slowmode_too_long_is_refused(place: Place) -> None:
    assert "At most 6 hours" in await place.say(place.mod, "slowmode", duration="7h")


async def test_slowmode_of_another_channel(place: Place) -> None:
    said = await place.say(place.mod, "slowmode", duration="10s", channel=place.log)

    assert f"<#{place.log.id}>" in said


async def test_forum_is_locked_for_posts_and_answers_and_put_back(place: Place) -> None:
    forum = place.guild.create_forum_channel("help")
    await place.bench.env.settle()

    assert "is locked" in await place.say(place.mod, "lock", channel=forum)
    channel = place.bench.bot.get_channel(forum.id)
    assert isinstance(channel, discord.ForumChannel)
    everyone = channel.overwrites_for(channel.guild.default_role)
    assert (everyone.send_messages, everyone.send_messages_in_threads) == (False, False)

    assert "open again" in await place.say(place.mod, "unlock", channel=forum)
    assert channel.overwrites == {}


async def test_slowmode_of_a_forum(place: Place) -> None:
    forum = place.guild.create_forum_channel("help")
    await place.bench.env.settle()

    assert "10 seconds" in await place.say(place.mod, "slowmode", duration="10s", channel=forum)

    (call,) = place.calls("PATCH", f"/channels/{forum.id}")
    assert call.json["rate_limit_per_user"] == 10


@pytest.mark.parametrize("command", ["slowmode", "lock", "unlock"])
def test_commands_offer_every_kind_of_channel_that_people_write_in(command: str) -> None:
    (option,) = (one for one in getattr(Channels, command).parameters if one.name == "channel")
    kinds = {one.name for one in option.channel_types}
    assert kinds == {"text", "news", "voice", "stage_voice", "forum"}
