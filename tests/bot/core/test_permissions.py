"""Grants on both databases."""

from __future__ import annotations

import pytest

from bot.core.audit import AuditLog
from bot.core.contracts import Actor
from bot.core.errors import NotFound
from bot.core.events import EventBus
from bot.core.features import Category, Feature, FeatureRegistry
from bot.core.permissions import EVERY_FEATURE, REMEMBERED_SECONDS, PermissionService
from bot.core.settings import FeatureSettings
from bot.core.supervisor import TaskSupervisor
from db.audit import list_audit_entries
from db.engine import Database
from db.permissions import grant_permission, revoke_permission
from tests.fakes import FakeClock

GUILD, ADA, BERT = 7, 20, 21
BOSS = Actor(1, "command", "boss")


@pytest.fixture
def permissions(database: Database, clock: FakeClock) -> PermissionService:
    features = [
        Feature(key=k, title=k, description=k, category=Category.FUN, settings=FeatureSettings)
        for k in ("pond", "lake")
    ]
    audit = AuditLog(clock, EventBus(), TaskSupervisor())
    return PermissionService(database, clock, FeatureRegistry(features), audit)


async def test_grant_is_for_one_member_feature_and_guild(permissions: PermissionService) -> None:
    await permissions.grant(GUILD, ADA, "pond", actor=BOSS)
    await permissions.grant(GUILD, ADA, "pond", actor=BOSS)

    assert await permissions.has(GUILD, ADA, "pond")
    assert not await permissions.has(GUILD, ADA, "lake")
    assert not await permissions.has(GUILD, BERT, "pond")
    assert not await permissions.has(8, ADA, "pond")
    [grant] = await permissions.list(GUILD)
    assert (grant.user_id, grant.feature, grant.granted_by) == (ADA, "pond", 1)


async def test_grant_of_everything_covers_every_feature(permissions: PermissionService) -> None:
    await permissions.grant(GUILD, ADA, EVERY_FEATURE, actor=BOSS)

    assert await permissions.has(GUILD, ADA, "lake")
    assert await permissions.managed_features(GUILD, ADA) == {"pond", "lake"}


async def test_denial_of_one_goes_before_grant_of_all(
    permissions: PermissionService, database: Database, clock: FakeClock
) -> None:
    await permissions.grant(GUILD, ADA, EVERY_FEATURE, actor=BOSS)
    async with database.write() as session:
        await grant_permission(
            session,
            guild_id=GUILD,
            user_id=ADA,
            permission="manage:pond",
            granted_by=1,
            now=clock.now(),
            allowed=False,
        )

    assert not await permissions.has(GUILD, ADA, "pond")
    assert await permissions.has(GUILD, ADA, "lake")


async def test_revoke_ends_the_grant_and_is_audited(
    permissions: PermissionService, database: Database
) -> None:
    await permissions.grant(GUILD, ADA, "pond", actor=BOSS)
    await permissions.revoke(GUILD, ADA, "pond", actor=BOSS)

    assert not await permissions.has(GUILD, ADA, "pond")
    async with database.read() as session:
        entries = await list_audit_entries(session, category="permissions")
    assert {entry.action for entry in entries} == {"permission.grant", "permission.revoke"}


async def test_revoke_of_nothing_is_not_found(permissions: PermissionService) -> None:
    with pytest.raises(NotFound, match="not granted"):
        await permissions.revoke(GUILD, ADA, "pond", actor=BOSS)


async def test_grant_of_unknown_feature_is_not_found(permissions: PermissionService) -> None:
    with pytest.raises(NotFound, match="no feature"):
        await permissions.grant(GUILD, ADA, "sea", actor=BOSS)


async def test_answer_is_remembered_and_changes_count_at_once(
    permissions: PermissionService, database: Database, clock: FakeClock
) -> None:
    assert not await permissions.has(GUILD, ADA, "pond")
    await permissions.grant(GUILD, ADA, "pond", actor=BOSS)
    assert await permissions.has(GUILD, ADA, "pond")
    # Another process takes it back.
    async with database.write() as session:
        await revoke_permission(session, guild_id=GUILD, user_id=ADA, permission="manage:pond")

    assert await permissions.has(GUILD, ADA, "pond")
    clock.advance(REMEMBERED_SECONDS)
    assert not await permissions.has(GUILD, ADA, "pond")


async def test_memory_of_grants_is_bounded(
    permissions: PermissionService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.core.permissions.MOST_REMEMBERED", 2)
    for user_id in range(1, 6):
        await permissions.has(GUILD, user_id, "pond")

    assert len(permissions._remembered) == 2
