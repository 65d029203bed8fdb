"""Staff act in Discord's own client, and the audit log tells who did what to whom, and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import discord
import pytest

from bot.sandbox import NotPossibleError, Sandbox
from bot.sandbox.actor import Actor
from bot.sandbox.audit import AuditAction
from bot.sandbox.guild import Guild
from bot.sandbox.models import MemberFlag
from bot.sandbox.permissions import Permission
from tests.sandbox.conftest import Client, connected

POWERS = (
    Permission.KICK_MEMBERS
    | Permission.BAN_MEMBERS
    | Permission.MODERATE_MEMBERS
    | Permission.MANAGE_NICKNAMES
    | Permission.MANAGE_ROLES
    | Permission.MANAGE_CHANNELS
    | Permission.MANAGE_MESSAGES
    | Permission.MANAGE_WEBHOOKS
    | Permission.MANAGE_GUILD
)


@pytest.fixture
def mod(sandbox: Sandbox, guild: Guild) -> Actor:
    """A moderator, above plain members and the role `low`."""
    actor = sandbox.join(guild, "mod")
    guild.add_member_role(actor.member, guild.add_role("staff", permissions=POWERS, position=5))
    guild.add_role("low")
    guild.audit_log.clear()
    return actor


@pytest.fixture
def ada(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.join(guild, "ada")


def last(guild: Guild) -> tuple[int, str, str | None, str | None]:
    entry = guild.audit_log[-1]
    return entry["action_type"], entry["user_id"], entry["target_id"], entry.get("reason")


@pytest.mark.parametrize(
    ("deed", "action"),
    [
        (lambda mod, ada: mod.kick(ada, reason="why"), AuditAction.MEMBER_KICK),
        (lambda mod, ada: mod.ban(ada, reason="why"), AuditAction.BAN_ADD),
        (
            lambda mod, ada: mod.time_out(ada, timedelta(hours=1), reason="why"),
            AuditAction.MEMBER_UPDATE,
        ),
        (lambda mod, ada: mod.nickname(ada, "tamed", reason="why"), AuditAction.MEMBER_UPDATE),
    ],
)
def test_deed_is_logged_with_its_reason(
    guild: Guild, mod: Actor, ada: Actor, deed: Callable[[Actor, Actor], None], action: AuditAction
) -> None:
    deed(mod, ada)
    assert last(guild) == (action, str(mod.id), str(ada.id), "why")


def test_ban_takes_recent_messages_and_unban_lets_them_return(
    guild: Guild, mod: Actor, ada: Actor
) -> None:
    general = guild.channel("general")
    ada.send(general, "spam")
    old = general.backdate_message(
        ada.user, "long ago", sent_at=datetime.now(UTC) - timedelta(days=2)
    )
    mod.ban(ada, delete_messages=timedelta(hours=1))
    assert list(general.messages.values()) == [old]
    with pytest.raises(NotPossibleError):
        ada.join()
    mod.unban(ada, reason="appeal")
    assert last(guild) == (AuditAction.BAN_REMOVE, str(mod.id), str(ada.id), "appeal")
    assert ada.join().flags & MemberFlag.DID_REJOIN


def test_timeout_waits_for_who_leaves_and_returns(guild: Guild, mod: Actor, ada: Actor) -> None:
    mod.time_out(ada, timedelta(hours=1))
    until = ada.member.timed_out_until
    ada.leave()
    ada.join()
    assert ada.member.timed_out_until == until
    mod.time_out(ada, None)
    (change,) = guild.audit_log[-1]["changes"]
    assert change["key"] == "communication_disabled_until"
    assert "new_value" not in change


def test_rank_and_permission_are_needed(sandbox: Sandbox, guild: Guild, mod: Actor) -> None:
    high = sandbox.join(guild, "high")
    admin = guild.add_role("admin", permissions=Permission.ADMINISTRATOR, position=50)
    guild.add_member_role(high.member, admin)
    owner = sandbox.world.users[guild.owner_id]
    plain = sandbox.join(guild, "plain")
    for deed in (
        lambda: mod.kick(high),
        lambda: mod.ban(owner),
        lambda: mod.time_out(high, timedelta(minutes=1)),
        lambda: mod.give_role(plain, admin),
        lambda: mod.delete_role(admin),
        lambda: mod.create_role("god", permissions=Permission.ADMINISTRATOR),
        lambda: mod.time_out(plain, timedelta(days=29)),
        lambda: mod.unban(plain),
        lambda: plain.kick(mod),
        lambda: plain.prune(7),
        lambda: plain.delete_channel(guild.channel("general")),
    ):
        with pytest.raises(NotPossibleError):
            deed()
    assert not guild.audit_log


def test_roles_given_and_taken_are_named(guild: Guild, mod: Actor, ada: Actor) -> None:
    low = guild.role("low")
    mod.give_role(ada, low)
    mod.take_role(ada, low)
    given, taken = guild.audit_log
    named = [{"id": str(low.id), "name": "low"}]
    assert given["changes"] == [{"key": "$add", "new_value": named}]
    assert taken["changes"] == [{"key": "$remove", "new_value": named}]


async def test_deleted_messages_of_one_author_are_counted_together(
    client: Client, sandbox: Sandbox, guild: Guild, mod: Actor, ada: Actor
) -> None:
    general = guild.channel("general")
    mod.delete(mod.send(general, "mine"))
    for text in ("one", "two", "three"):
        mod.delete(ada.send(general, text))
    mod.delete(ada.send(guild.channel("welcome"), "elsewhere"))
    first, second = guild.audit_log
    assert first["options"] == {"channel_id": str(general.id), "count": "3"}
    assert second["options"]["count"] == "1"
    await client.until("GUILD_AUDIT_LOG_ENTRY_CREATE", times=2)
    found = client.get_channel(general.id)
    assert isinstance(found, discord.TextChannel)
    await (await found.fetch_message(ada.send(general, "by a bot").id)).delete()
    assert len(guild.audit_log) == 2
    assert client.seen.count("GUILD_AUDIT_LOG_ENTRY_CREATE") == 2


def test_building_and_wrecking_is_logged(guild: Guild, mod: Actor, ada: Actor) -> None:
    channel = mod.create_channel("plans")
    mod.edit_channel(channel, name="secret-plans")
    mod.set_overwrite(channel, guild.default_role, deny=Permission.ADD_REACTIONS)
    mod.set_overwrite(channel, guild.default_role, deny=Permission.SEND_MESSAGES)
    mod.set_overwrite(channel, ada.member, allow=Permission.ADD_REACTIONS)
    mod.set_overwrite(channel, guild.default_role)
    role = mod.create_role("new")
    mod.edit_role(role, permissions=Permission.KICK_MEMBERS)
    mod.delete_role(role)
    webhook = mod.create_webhook(channel, "hook")
    mod.delete_webhook(webhook)
    mod.invite(channel, max_uses=1)
    mod.edit_guild(verification_level=3)
    mod.delete_channel(channel)
    kinds = [entry["action_type"] for entry in guild.audit_log]
    assert kinds == [10, 11, 13, 14, 13, 15, 30, 31, 32, 50, 52, 40, 1, 12]
    renamed = guild.audit_log[1]["changes"]
    assert renamed == [{"key": "name", "old_value": "plans", "new_value": "secret-plans"}]
    assert guild.audit_log[8]["changes"][0] == {"key": "name", "old_value": "new"}


def test_prune_has_one_entry(sandbox: Sandbox, guild: Guild, mod: Actor, ada: Actor) -> None:
    idle = [sandbox.world.add_user(f"idle-{number}") for number in range(3)]
    guild.fill_members(idle)
    assert mod.prune(7) == 3
    assert ada.member
    (entry,) = guild.audit_log
    assert entry["options"] == {"delete_member_days": "7", "members_removed": "3"}


async def test_foreign_bot_is_added(client: Client, sandbox: Sandbox, guild: Guild) -> None:
    owner = sandbox.actor(sandbox.world.users[guild.owner_id], guild)
    other = sandbox.world.add_application("Nuker", "another.token")
    owner.add_bot(other, permissions=Permission.ADMINISTRATOR)
    assert last(guild)[:3] == (AuditAction.BOT_ADD, str(owner.id), str(other.user.id))
    await client.until("GUILD_MEMBER_ADD")


async def test_log_reaches_bots_that_may_read_it(
    wire: Sandbox, client: Client, guild: Guild, mod: Actor, ada: Actor
) -> None:
    entries: list[discord.AuditLogEntry] = []

    async def note(entry: discord.AuditLogEntry) -> None:
        entries.append(entry)

    client.add_listener(note, "on_audit_log_entry_create")
    mod.time_out(ada, timedelta(minutes=5), reason="calm")
    mod.ban(ada, reason="spam")
    await client.until("GUILD_AUDIT_LOG_ENTRY_CREATE", times=2)
    timeout, ban = entries
    assert timeout.after.timed_out_until is not None
    assert timeout.before.timed_out_until is None
    assert (ban.action, ban.user_id, ban.reason) == (discord.AuditLogAction.ban, mod.id, "spam")


async def test_log_is_hidden_from_bots_without_the_permission(wire: Sandbox) -> None:
    guild = wire.add_guild("Closed", permissions=Permission.BAN_MEMBERS)
    owner = wire.actor(wire.world.users[guild.owner_id], guild)
    async with connected(wire, Client()) as client:
        owner.ban(wire.join(guild, "ada"))
        await client.until("GUILD_BAN_ADD")
        owner.send(guild.channel("general"), "done")
        await client.until("MESSAGE_CREATE")
        assert "GUILD_AUDIT_LOG_ENTRY_CREATE" not in client.seen


async def test_bots_deeds_are_logged_with_before_and_after(
    client: Client, sandbox: Sandbox, guild: Guild
) -> None:
    found = client.get_guild(guild.id)
    assert found is not None
    ada = await found.fetch_member(sandbox.join(guild, "ada").id)
    low = guild.add_role("low")
    await ada.edit(nick="A", roles=[discord.Object(low.id)], reason="both")
    channel = found.text_channels[0]
    everyone = found.default_role
    await channel.set_permissions(everyone, send_messages=False, reason="lock")
    await channel.set_permissions(everyone, send_messages=True, reason="unlock")
    await channel.set_permissions(everyone, overwrite=None, reason="restore")
    thread = await channel.create_thread(name="talk", type=discord.ChannelType.public_thread)
    await thread.edit(locked=True, archived=True, reason="enough")
    webhook = await channel.create_webhook(name="hook")
    await webhook.edit(name="renamed")
    await webhook.delete(reason="gone")
    entries = [entry async for entry in found.audit_logs(oldest_first=True, limit=50)]
    shown = [(entry.action.name, entry.reason) for entry in entries]
    assert shown == [
        ("member_update", "both"),
        ("member_role_update", "both"),
        ("overwrite_create", "lock"),
        ("overwrite_update", "unlock"),
        ("overwrite_delete", "restore"),
        ("thread_create", None),
        ("thread_update", "enough"),
        ("webhook_create", None),
        ("webhook_update", None),
        ("webhook_delete", "gone"),
    ]
    assert entries[1].after.roles[0].id == low.id
    assert entries[6].after.locked
    assert (entries[8].before.name, entries[8].after.name) == ("hook", "renamed")


async def test_bot_prunes(client: Client, sandbox: Sandbox, guild: Guild) -> None:
    guild.fill_members([sandbox.world.add_user(f"idle-{number}") for number in range(3)])
    found = client.get_guild(guild.id)
    assert found is not None
    assert await found.estimate_pruned_members(days=7) == 3
    assert await found.prune_members(days=7, compute_prune_count=True, reason="quiet") == 3
    assert last(guild)[0] == AuditAction.MEMBER_PRUNE
