"""Anti-nuke as staff meet it in Discord: /antinuke, and the button that gives roles back."""

from __future__ import annotations

from typing import Any

import discord
from simcord.actors import MemberActor

from bot.core.contracts import SYSTEM
from tests.cogs.antinuke.staffworld import set_up
from tests.cogs.moderation.world import Place, text_of


async def nuke(place: Place, who: Any, times: int = 4) -> None:
    """Have somebody delete channels in Discord's own client."""
    counting = place.bench.bot.get_cog("Antinuke").counting  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
    for number in range(times):
        at = place.bench.kernel.clock.now()
        payload = {
            "id": str(discord.utils.time_snowflake(at) + number),
            "guild_id": str(place.guild.id),
            "user_id": str(who.id),
            "target_id": "1",
            "action_type": 12,
        }
        await counting.note_entry(payload, place.bench.bot.user.id)  # pyright: ignore[reportOptionalMemberAccess]
    await place.bench.run_jobs()
    await place.bench.deliver()
    await place.bench.deliver()


def roles_of(place: Place, who: Any) -> set[int]:
    member = place.backend.get_guild(place.guild.id).members[who.id]
    return {one for one in member.role_ids if one != place.guild.id}


def owner_of(place: Place) -> MemberActor:
    """Return the guild's owner as one who can use commands and buttons."""
    return MemberActor(place.bench.env, place.guild, place.guild.owner)


async def test_roles_are_taken_and_the_owner_gives_them_back(place: Place) -> None:
    await set_up(place, response="strip")
    before = roles_of(place, place.mod)
    await nuke(place, place.mod)

    assert roles_of(place, place.mod) == set()
    (alert,) = (one for one in place.log.history() if one.components)
    assert "Roles taken" in str(alert.embeds[0].to_dict())
    refused = await place.ada.click(alert, label="Give the roles back")
    assert "Manage Server" in text_of(refused)
    owner = owner_of(place)
    asked = await owner.click(alert, label="Give the roles back")
    assert f"<@&{next(iter(before))}>" in text_of(asked)
    assert asked.response is not None
    await owner.click(asked.response, label="Yes, go ahead")
    await place.bench.run_jobs()

    assert roles_of(place, place.mod) == before


async def test_nobody_gives_themselves_the_roles_back(place: Place) -> None:
    await set_up(place, response="strip")
    await nuke(place, place.boss)
    kernel = place.bench.kernel
    await kernel.permissions.grant(place.guild.id, place.boss.id, "antinuke", actor=SYSTEM)
    await kernel.permissions.grant(place.guild.id, place.mod.id, "antinuke", actor=SYSTEM)

    (alert,) = (one for one in place.log.history() if one.components)
    own = await place.boss.click(alert, label="Give the roles back")
    lower = await place.mod.click(alert, label="Give the roles back")

    assert "can't give yourself" in text_of(own)
    assert "need the permission" in text_of(lower)
    assert roles_of(place, place.boss) == set()


async def test_status_and_restore_by_command(place: Place) -> None:
    owner = owner_of(place)
    await set_up(place, response="strip", approve_from=5)
    said = await place.say(owner, "antinuke status")
    assert "I take their dangerous roles." in said
    assert "5 people or more" in said
    assert "Nobody went past a limit" in said
    assert "hold no roles" in await place.say(owner, "antinuke restore", member=place.mod)
    await nuke(place, place.mod)

    assert "dealt with" in await place.say(owner, "antinuke status")
    asked = await place.run(owner, "antinuke restore", member=place.mod)
    await owner.click(asked.response, label="Yes, go ahead")
    await place.bench.run_jobs()
    assert roles_of(place, place.mod) == {place.roles["Mod"].id}
