"""Somebody of the staff turns on the guild in Discord's own client, and is stopped, on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from bot.sandbox import Actor, NotPossibleError, Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.permissions import Permission
from tests.wire.running import Bot, config_for, running, until

POWERS = Permission.MANAGE_CHANNELS | Permission.BAN_MEMBERS | Permission.MANAGE_ROLES
REMOVALS = "/guilds/*/members/*/roles/*"


async def set_up(bot: Bot, guild: Guild, **changes: Any) -> None:
    await until(lambda: bot.kernel.state().guild(guild.id), what="the guild")
    values = {"log_channel_id": str(guild.channel("staff").id)} | changes
    await bot.kernel.settings.change(guild.id, "antinuke", values, actor=SYSTEM)


def raise_bot(sandbox: Sandbox, guild: Guild) -> None:
    """Put the bot's role above all others."""
    role = next(one for one in guild.roles.values() if one.bot_id == sandbox.application.user.id)
    guild.update_role(role, position=90)


@pytest.fixture
def rogue(sandbox: Sandbox, guild: Guild) -> Actor:
    """Somebody with a dangerous role, another one, and one that is none."""
    actor = sandbox.join(guild, "rogue")
    roles = (
        guild.add_role("Admin", permissions=POWERS),
        guild.add_role("Webmaster", permissions=Permission.MANAGE_WEBHOOKS),
        guild.add_role("Friend", color=0xFF0000),
    )
    for role in roles:
        guild.add_member_role(actor.member, role)
    return actor


async def test_rogue_is_stripped_once_told_of_once_and_restored_exactly(
    sandbox: Sandbox, guild: Guild, rogue: Actor, sqlite_url: str
) -> None:
    raise_bot(sandbox, guild)
    before = set(rogue.member.roles)
    staff = guild.channel("staff")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    rooms = [guild.add_channel(f"room-{number}") for number in range(12)]
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot, guild, response="strip")
        for room in rooms[:4]:
            rogue.delete_channel(room)
        await until(lambda: set(rogue.member.roles) == {guild.role("Friend").id}, within=20)
        with pytest.raises(NotPossibleError):
            rogue.delete_channel(rooms[5])
        alert = await until(
            lambda: next((one for one in staff.messages.values() if one.components), None)
        )
        assert alert is not None
        assert "room-3" in alert.text()
        assert "Roles taken: `Admin`, `Webmaster`" in alert.text()

        asked = await owner.click(alert, "antinuke:restore:1")
        await owner.click(asked, "Yes, go ahead")
        await until(lambda: set(rogue.member.roles) == before, within=20)
        await until(lambda: "Roles given back" in alert.text(), within=20)

    posted = sandbox.recorder.calls_to("POST", f"/channels/{staff.id}/messages")
    assert len(posted) == 1
    assert len(sandbox.recorder.calls_to("DELETE", REMOVALS)) == 2
    assert len(sandbox.recorder.calls_to("PUT", REMOVALS)) == 2
    assert not [call for call in sandbox.recorder.calls if call.status in (400, 403, 429)]


async def test_bot_that_bans_is_kicked(sandbox: Sandbox, guild: Guild, sqlite_url: str) -> None:
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    other = sandbox.world.add_application("Nuker", "another.token")
    owner.add_bot(other, permissions=Permission.BAN_MEMBERS)
    raise_bot(sandbox, guild)
    nuker = sandbox.actor(other.user, guild)
    victims = [sandbox.join(guild, f"victim{number}") for number in range(3)]
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot, guild, response="strip", max_bans=2)
        for one in victims:
            nuker.ban(one)
        await until(lambda: other.user.id not in guild.members, within=20)


async def test_approved_mass_ban_is_carried_out_by_a_later_process(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    role = guild.add_role("Mod", permissions=Permission.BAN_MEMBERS)
    mona, nils = sandbox.join(guild, "mona"), sandbox.join(guild, "nils")
    for one in (mona, nils):
        guild.add_member_role(one.member, role)
    raise_bot(sandbox, guild)
    raiders = [sandbox.join(guild, f"raider{number}") for number in range(3)]
    general, staff = guild.channel("general"), guild.channel("staff")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await until(lambda: sandbox.application.commands)
        await set_up(bot, guild, approve_from=3)
        users = " ".join(str(one.id) for one in raiders)
        asked = await mona.slash(general, "massban", users=users, reason="Raid")
        await mona.click(asked, "Yes, go ahead")
        await until(lambda: staff.messages)
    (card,) = staff.messages.values()
    assert guild.bans == {}
    async with running(config_for(sandbox, sqlite_url)):
        done = await nils.click(card, "Approve")
        assert done.response is not None
        assert "I carry it out" in done.response.text()
        await until(lambda: len(guild.bans) == 3, within=20)
        await until(lambda: "3 people are banned" in card.text(), within=20)

    assert len(sandbox.recorder.calls_to("POST", "*/bulk-ban")) == 1
