"""Which giveaway a command means, and that nobody is shown one whose channel they can't see."""

from __future__ import annotations

import discord
import pytest

from tests.cogs.giveaways.test_hosting import desk as desk
from tests.cogs.giveaways.test_hosting import start, stored
from tests.cogs.giveaways.test_proving import Desk


async def test_name_that_several_bear_is_asked_about(desk: Desk) -> None:
    await start(desk, prize="Nitro classic")
    await start(desk, prize="Nitro")
    await start(desk, prize="Nitro boost")

    said = await desk.ask(desk.host, "giveaway pause", giveaway="classi")
    assert "is paused" in said.content
    said = await desk.ask(desk.host, "giveaway pause", giveaway="nitro")
    assert "is paused" in said.content
    said = await desk.ask(desk.host, "giveaway pause", giveaway="nitr")
    assert "#3, #2, and #1" in said.content
    assert [one.status for one in await stored(desk)] == ["paused", "paused", "active"]


async def test_the_open_one_of_a_name_is_meant(desk: Desk) -> None:
    for _turn in range(2):
        await start(desk)
    asked = await desk.host.slash(desk.channel, "giveaway cancel", giveaway="1")
    await desk.host.click(asked.response, label="Yes, go ahead")
    await desk.bench.env.settle()

    said = await desk.ask(desk.host, "giveaway info", giveaway="A keyboard")
    assert "**#2**" in said.content


@pytest.mark.parametrize("command", ["info", "entrants"])
async def test_what_has_not_begun_or_is_hidden_is_not_found_by_members(
    desk: Desk, command: str
) -> None:
    outer = desk.guild.create_role("Visitors")
    desk.ada = desk.guild.add_member(desk.bench.env.create_user("cy"), roles=[outer])
    deny = discord.PermissionOverwrite(view_channel=False)
    hidden = desk.guild.create_text_channel("staff", overwrites={outer: deny})
    assert "is on its way" in await start(desk, prize="A secret mug", channel=hidden)
    later = {"prize": "A mug for later", "start": "2h", "duration": "1h", "winners": 1}
    await desk.ask(desk.host, "giveaway schedule", **later)
    await start(desk, prize="A mug")

    for number in ("1", "2"):
        said = await desk.ask(desk.ada, f"giveaway {command}", giveaway=number)
        assert "no such giveaway" in said.content
        assert "mug" not in said.content
        shown = await desk.ask(desk.host, f"giveaway {command}", giveaway=number)
        assert "no such giveaway" not in shown.content
    said = await desk.ask(desk.ada, f"giveaway {command}", giveaway="mug")
    assert "no such giveaway" not in said.content
    listed = (await desk.ask(desk.ada, "giveaway list")).embeds[0].description
    assert listed is not None
    assert "secret" not in listed
