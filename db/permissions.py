"""Permissions that a guild's admins hand to single members, beyond what Discord's roles say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Boolean, String, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, FORGET_PERSON, Base, Snowflake, UtcDateTime, person
from db.statements import count_changed, insert_for


class UserPermission(Base):
    """One permission of one member, such as the management of one feature."""

    __tablename__ = "user_permissions"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    user_id: Mapped[int] = mapped_column(
        Snowflake, primary_key=True, index=True, info=person(DELETE_ROW)
    )
    permission: Mapped[str] = mapped_column(String(100), primary_key=True)
    allowed: Mapped[bool] = mapped_column(Boolean, default=True)
    granted_by: Mapped[int | None] = mapped_column(Snowflake, info=person(FORGET_PERSON))
    granted_at: Mapped[datetime] = mapped_column(UtcDateTime)


async def grant_permission(
    session: AsyncSession,
    *,
    guild_id: int,
    user_id: int,
    permission: str,
    granted_by: int | None,
    now: datetime,
    allowed: bool = True,
) -> bool:
    """Allow a member something, or forbid it; False when that was decided already, and by whom."""
    decision = {"allowed": allowed, "granted_by": granted_by, "granted_at": now}
    insert = insert_for(session, UserPermission).values(
        guild_id=guild_id, user_id=user_id, permission=permission, **decision
    )
    key = ["guild_id", "user_id", "permission"]
    decide = insert.on_conflict_do_update(
        index_elements=key, set_=decision, where=UserPermission.allowed != allowed
    )
    return await count_changed(session, decide) == 1


async def revoke_permission(
    session: AsyncSession, *, guild_id: int, user_id: int, permission: str
) -> bool:
    """Take a decision back; False when there was none."""
    statement = delete(UserPermission).where(
        UserPermission.guild_id == guild_id,
        UserPermission.user_id == user_id,
        UserPermission.permission == permission,
    )
    return await count_changed(session, statement) == 1


async def list_permissions(
    session: AsyncSession, guild_id: int, *, user_id: int | None = None
) -> Sequence[UserPermission]:
    """Return a guild's decisions, or those about one member, by member and permission."""
    query = select(UserPermission).where(UserPermission.guild_id == guild_id)
    if user_id is not None:
        query = query.where(UserPermission.user_id == user_id)
    query = query.order_by(UserPermission.user_id, UserPermission.permission)
    return (await session.scalars(query)).all()
