"""A guild in trouble: paused invites and messages, bans in bulk, and what Discord refuses then."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import discord
import pytest

from bot.sandbox import NotPossibleError, Sandbox
from bot.sandbox.guild import Guild
from tests.sandbox.conftest import Client


@pytest.fixture
def found(client: Client, guild: Guild) -> discord.Guild:
    found = client.get_guild(guild.id)
    assert found is not None
    return found


async def _code(awaitable: Awaitable[object]) -> int:
    with pytest.raises(discord.HTTPException) as failure:
        await awaitable
    return failure.value.code


async def test_paused_invites_let_nobody_in(
    client: Client, found: discord.Guild, sandbox: Sandbox, guild: Guild
) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    await found.edit(invites_disabled_until=until)
    await client.until("GUILD_UPDATE")
    assert found.invites_paused_until is not None
    with pytest.raises(NotPossibleError):
        sandbox.join(guild, "late")
    await found.edit(invites_disabled_until=None)
    sandbox.join(guild, "welcome")
    assert await _code(found.edit(invites_disabled_until=until + timedelta(days=1))) == 50035


async def test_feature_disables_invites(
    found: discord.Guild, sandbox: Sandbox, guild: Guild
) -> None:
    guild.update(features=["COMMUNITY"])
    guild.update(features=["INVITES_DISABLED"])
    with pytest.raises(NotPossibleError):
        sandbox.join(guild, "late")


async def test_paused_direct_messages_do_not_arrive(
    client: Client, found: discord.Guild, sandbox: Sandbox, guild: Guild
) -> None:
    ada, bob = sandbox.join(guild, "ada"), sandbox.join(guild, "bob")
    user = await client.fetch_user(ada.id)
    await user.send("hello")
    bob.send_dm("hello", ada.user)
    await found.edit(dms_disabled_until=datetime.now(UTC) + timedelta(hours=1))
    assert await _code(user.send("again")) == 50007
    with pytest.raises(NotPossibleError):
        bob.send_dm("again", ada.user)
    elsewhere = sandbox.add_guild("Elsewhere")
    elsewhere.add_member(ada.user)
    await user.send("we meet elsewhere too")


async def test_strangers_get_no_direct_messages(
    client: Client, sandbox: Sandbox, guild: Guild
) -> None:
    ada = sandbox.join(guild, "ada")
    user = await client.fetch_user(ada.id)
    await user.send("you will be banned")
    guild.ban(ada.user)
    assert await _code(user.send("you were banned")) == 50278


async def test_bulk_ban_lists_whom_it_could_not_ban(
    found: discord.Guild, sandbox: Sandbox, guild: Guild
) -> None:
    people = [sandbox.join(guild, f"raider-{number}") for number in range(5)]
    owner = discord.Object(guild.owner_id)
    result = await found.bulk_ban(
        [*(discord.Object(actor.id) for actor in people), owner, discord.Object(99)], reason="raid"
    )
    assert {user.id for user in result.banned} == {actor.id for actor in people}
    assert {user.id for user in result.failed} == {guild.owner_id, 99}
    assert [entry.get("reason") for entry in guild.audit_log] == ["raid"] * 5
    assert await _code(found.bulk_ban([owner])) == 500000
    many = [discord.Object(number) for number in range(1, 202)]
    assert await _code(found.bulk_ban(many)) == 50035


async def test_bans_of_strangers_are_capped(
    found: discord.Guild, sandbox: Sandbox, guild: Guild
) -> None:
    guild.non_member_ban_cap = 1
    strangers = [sandbox.world.add_user(f"stranger-{number}") for number in range(3)]
    await found.ban(discord.Object(strangers[0].id))
    assert await _code(found.ban(discord.Object(strangers[1].id))) == 30035
    ada = sandbox.join(guild, "ada")
    result = await found.bulk_ban([discord.Object(strangers[2].id), discord.Object(ada.id)])
    assert [user.id for user in result.failed] == [strangers[2].id]


@pytest.mark.parametrize("fault", ["one", "many", "twice", "old"])
async def test_bulk_delete_is_strict(
    found: discord.Guild, sandbox: Sandbox, guild: Guild, fault: str
) -> None:
    general = guild.channel("general")
    ada = sandbox.join(guild, "ada")
    ids = [ada.send(general, str(number)).id for number in range(3)]
    sent_at = datetime.now(UTC) - timedelta(days=15)
    old = general.backdate_message(ada.user, "old", sent_at=sent_at)
    chosen = {
        "one": (ids[:1], 50016),
        "many": (list(range(101)), 50016),
        "twice": ([*ids, ids[0]], 50035),
        "old": ([*ids, old.id], 50034),
    }
    listed, code = chosen[fault]
    channel = found.text_channels[0]
    assert await _code(found._state.http.delete_messages(channel.id, listed)) == code
    assert len(general.messages) == 4


async def test_past_messages_lie_in_their_place(
    found: discord.Guild, sandbox: Sandbox, guild: Guild
) -> None:
    general = guild.channel("general")
    ada = sandbox.join(guild, "ada")
    ada.send(general, "now")
    now = datetime.now(UTC)
    for days in (1, 20):
        general.backdate_message(ada.user, f"{days} days ago", sent_at=now - timedelta(days=days))
    texts = [message.content async for message in found.text_channels[0].history()]
    assert texts == ["now", "1 days ago", "20 days ago"]


async def test_invites_tell_of_other_guilds(client: Client, sandbox: Sandbox, guild: Guild) -> None:
    theirs = sandbox.invite_elsewhere("Rivals", code="rivals", members=30)
    invite = await client.fetch_invite("https://discord.gg/rivals")
    assert invite.guild is not None
    assert (invite.guild.id, invite.guild.name) == (theirs.channel.home.id, "Rivals")
    assert invite.approximate_member_count == 30
    owner = sandbox.actor(sandbox.world.users[guild.owner_id], guild)
    once = owner.invite(guild.channel("general"), max_uses=1)
    ada = sandbox.actor(sandbox.world.add_user("ada"), guild)
    ada.join(invite=once)
    assert await _code(client.fetch_invite(once.code)) == 10006
    with pytest.raises(NotPossibleError):
        sandbox.actor(sandbox.world.add_user("bob"), guild).join(invite=once)


async def test_accounts_have_an_age_and_maybe_a_picture(
    client: Client, found: discord.Guild, sandbox: Sandbox, guild: Guild
) -> None:
    born = datetime.now(UTC) - timedelta(hours=3)
    fresh = sandbox.join(guild, "fresh", created_at=born)
    member = await found.fetch_member(fresh.id)
    assert abs(member.created_at - born) < timedelta(milliseconds=2)
    assert member.avatar is None
    assert (await client.fetch_user(sandbox.join(guild, "old", avatar=True).id)).avatar is not None
