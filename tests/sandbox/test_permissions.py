"""Discord's permission algorithm, on the world alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.sandbox.guild import Guild
from bot.sandbox.models import Member
from bot.sandbox.permissions import (
    DEFAULT_PERMISSIONS,
    Permission,
    can_manage_role,
    channel_permissions,
    guild_permissions,
    outranks,
    permission_names,
)
from bot.sandbox.world import World

VIEW, SEND = Permission.VIEW_CHANNEL, Permission.SEND_MESSAGES


@pytest.fixture
def guild() -> Guild:
    found = World().add_guild("Harbour")
    found.add_channel("general")
    return found


@pytest.fixture
def ada(guild: Guild) -> Member:
    return guild.add_member(guild.world.add_user("ada"))


def test_owner_may_everything(guild: Guild) -> None:
    owner = guild.members[guild.owner_id]
    assert channel_permissions(owner, guild.channel("general")) == Permission.ALL


def test_administrator_ignores_overwrites(guild: Guild, ada: Member) -> None:
    guild.add_member_role(ada, guild.add_role("boss", permissions=Permission.ADMINISTRATOR))
    guild.channel("general").set_overwrite(ada.id, 1, deny=VIEW)
    assert channel_permissions(ada, guild.channel("general")) == Permission.ALL


def test_overwrites_apply_from_everyone_over_roles_to_the_member(guild: Guild, ada: Member) -> None:
    channel = guild.channel("general")
    crew, muted = guild.add_role("crew"), guild.add_role("muted")
    channel.set_overwrite(guild.id, 0, deny=SEND)
    assert not channel_permissions(ada, channel) & SEND
    channel.set_overwrite(muted.id, 0, deny=SEND)
    channel.set_overwrite(crew.id, 0, allow=SEND)
    guild.update_member(ada, roles=(crew.id, muted.id))
    assert channel_permissions(ada, channel) & SEND
    channel.set_overwrite(ada.id, 1, deny=SEND)
    assert not channel_permissions(ada, channel) & SEND


def test_nothing_is_left_without_view(guild: Guild, ada: Member) -> None:
    guild.channel("general").set_overwrite(guild.id, 0, deny=VIEW)
    assert channel_permissions(ada, guild.channel("general")) == 0


def test_without_send_there_are_no_files_and_links(guild: Guild, ada: Member) -> None:
    guild.channel("general").set_overwrite(guild.id, 0, deny=SEND)
    bits = channel_permissions(ada, guild.channel("general"))
    assert not bits & (Permission.ATTACH_FILES | Permission.EMBED_LINKS)
    assert bits & Permission.ADD_REACTIONS


def test_timeout_leaves_only_reading(guild: Guild, ada: Member) -> None:
    guild.update_member(ada, timed_out_until=datetime.now(UTC) + timedelta(minutes=5))
    reading = VIEW | Permission.READ_MESSAGE_HISTORY
    assert channel_permissions(ada, guild.channel("general")) == reading
    guild.update_member(ada, timed_out_until=datetime.now(UTC) - timedelta(seconds=1))
    assert guild_permissions(ada) == DEFAULT_PERMISSIONS


def test_private_thread_is_for_its_members(guild: Guild, ada: Member) -> None:
    owner = guild.members[guild.owner_id]
    thread = guild.channel("general").add_thread(owner.user, "secret", private=True)
    assert channel_permissions(ada, thread) == 0
    thread.add_thread_member(ada.id)
    assert channel_permissions(ada, thread) & VIEW


def test_rank_decides_by_position_then_age(guild: Guild, ada: Member) -> None:
    bob = guild.add_member(guild.world.add_user("bob"))
    older, newer = guild.add_role("older", position=5), guild.add_role("newer", position=9)
    guild.update_role(newer, position=5)
    guild.update_role(older, position=5)
    guild.update_member(ada, roles=(older.id,))
    guild.update_member(bob, roles=(newer.id,))
    assert outranks(ada, bob)
    assert not outranks(bob, ada)
    assert not can_manage_role(bob, older)
    assert not outranks(ada, guild.members[guild.owner_id])
    assert outranks(guild.members[guild.owner_id], ada)


def test_names_of_permissions() -> None:
    assert permission_names(VIEW | SEND) == ["VIEW_CHANNEL", "SEND_MESSAGES"]
