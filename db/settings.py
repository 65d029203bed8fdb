"""Feature settings per guild, and every revision they ever had.

Stores JSON and knows nothing of its shape; `bot.core.settings` validates and upgrades it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Integer, String, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import FORGET_PERSON, Base, Json, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for


class FeatureSettings(Base):
    """A guild's present settings of one feature.

    `enabled` is NULL while nobody has decided, so that the feature's default applies. `version`
    is the shape of `data`; `revision` counts the changes from 1.
    """

    __tablename__ = "feature_settings"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    feature: Mapped[str] = mapped_column(String(64), primary_key=True)
    enabled: Mapped[bool | None] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_by: Mapped[int | None] = mapped_column(Snowflake, info=person(FORGET_PERSON))


class SettingsRevision(Base):
    """What a feature's settings were after one change, who made it and through which door."""

    __tablename__ = "settings_revisions"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    feature: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    enabled: Mapped[bool | None] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(Integer)
    data: Mapped[dict[str, Any]] = mapped_column(Json)
    diff: Mapped[dict[str, Any]] = mapped_column(Json)
    source: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[int | None] = mapped_column(Snowflake, info=person(FORGET_PERSON))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


async def get_feature_settings(
    session: AsyncSession, guild_id: int, feature: str
) -> FeatureSettings | None:
    """Return a guild's settings of a feature; None while all is default."""
    return await session.get(FeatureSettings, (guild_id, feature), populate_existing=True)


async def list_settings_of_guilds(
    session: AsyncSession, guild_ids: Collection[int]
) -> Sequence[FeatureSettings]:
    """Return the settings of several guilds, in one query; callers bound how many."""
    query = select(FeatureSettings).where(FeatureSettings.guild_id.in_(guild_ids))
    return (await session.scalars(query)).all()


async def save_feature_settings(
    session: AsyncSession,
    *,
    guild_id: int,
    feature: str,
    enabled: bool | None,
    version: int,
    data: dict[str, Any],
    now: datetime,
    actor_id: int | None,
    expected_revision: int,
) -> bool:
    """Store settings as revision `expected_revision + 1`; 0 expects that there are none yet.

    Returns False, and changes nothing, when somebody else's change came first.
    """
    values = {
        "enabled": enabled,
        "version": version,
        "revision": expected_revision + 1,
        "data": data,
        "updated_at": now,
        "updated_by": actor_id,
    }
    if expected_revision == 0:
        insert = insert_for(session, FeatureSettings).values(
            guild_id=guild_id, feature=feature, **values
        )
        return await count_changed(session, insert.on_conflict_do_nothing()) == 1
    change = update(FeatureSettings).where(
        FeatureSettings.guild_id == guild_id,
        FeatureSettings.feature == feature,
        FeatureSettings.revision == expected_revision,
    )
    return await count_changed(session, change.values(**values)) == 1


async def add_revision(
    session: AsyncSession,
    *,
    guild_id: int,
    feature: str,
    revision: int,
    enabled: bool | None,
    version: int,
    data: dict[str, Any],
    diff: dict[str, Any],
    source: str,
    actor_id: int | None,
    now: datetime,
) -> None:
    """Record what the settings are after a change; belongs in the transaction of the change."""
    row = SettingsRevision(
        guild_id=guild_id,
        feature=feature,
        revision=revision,
        enabled=enabled,
        version=version,
        data=data,
        diff=diff,
        source=source,
        actor_id=actor_id,
        created_at=now,
    )
    session.add(row)
    await session.flush()


async def list_revisions(
    session: AsyncSession,
    guild_id: int,
    feature: str,
    *,
    limit: int = 25,
    before: int | None = None,
) -> Sequence[SettingsRevision]:
    """Return the revisions of a feature's settings, newest first, below revision `before`."""
    query = select(SettingsRevision).where(
        SettingsRevision.guild_id == guild_id, SettingsRevision.feature == feature
    )
    if before is not None:
        query = query.where(SettingsRevision.revision < before)
    query = query.order_by(SettingsRevision.revision.desc()).limit(limit)
    return (await session.scalars(query)).all()


async def delete_old_revisions(session: AsyncSession, *, keep: int) -> int:
    """Delete all but the last `keep` revisions of every feature's settings; return how many."""
    kept_from = (
        select(FeatureSettings.revision - keep)
        .where(
            FeatureSettings.guild_id == SettingsRevision.guild_id,
            FeatureSettings.feature == SettingsRevision.feature,
        )
        .scalar_subquery()
    )
    statement = delete(SettingsRevision).where(SettingsRevision.revision <= kept_from)
    return await count_changed(session, statement)


async def get_revision(
    session: AsyncSession, guild_id: int, feature: str, revision: int
) -> SettingsRevision | None:
    """Return one revision, or None."""
    return await session.get(SettingsRevision, (guild_id, feature, revision))
