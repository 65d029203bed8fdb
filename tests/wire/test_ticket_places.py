"""Tickets over the wire whose place is gone before the bot hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.models import ChannelType
from tests.wire.running import config_for, running
from tests.wire.test_tickets import change_panel, ready, said_in


@pytest.mark.parametrize(
    ("kind", "values", "path"),
    [
        (ChannelType.TEXT, {}, "/channels/*/threads"),
        (ChannelType.CATEGORY, {"room": "channel"}, "/guilds/*/channels"),
    ],
)
async def test_a_room_whose_place_is_gone_is_refused_in_words_and_asked_for_once(
    sandbox: Sandbox,
    guild: Guild,
    sqlite_url: str,
    kind: ChannelType,
    values: dict[str, Any],
    path: str,
) -> None:
    ann, general = sandbox.join(guild, "ann"), guild.channel("general")
    place = guild.add_channel("Tickets", kind)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        owner = await ready(sandbox, guild, bot)
        await owner.slash(general, "ticket panel create", name="Support")
        await change_panel(bot, guild, parent_id=str(place.id), **values)
        # Nobody is told.
        del guild.channels[place.id], sandbox.world.channels[place.id]
        refused = said_in(await ann.slash(general, "ticket open"))
        assert "for these tickets does not exist any more" in refused
        assert len(sandbox.recorder.calls_to("POST", path)) == 1
