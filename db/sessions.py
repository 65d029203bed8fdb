"""Who is logged in to the web, and the links that log people in; secrets are kept as hashes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, Snowflake, UtcDateTime, person
from db.statements import count_changed

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(days=7)
LINK_LIFETIME = timedelta(minutes=5)


class WebSession(Base):
    """A browser that is logged in; the row is the login, so deleting it logs out."""

    __tablename__ = "web_sessions"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class LoginLink(Base):
    """A link that logs one person in once; `used_at` is set by whoever was first."""

    __tablename__ = "login_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Login:
    """A session that is valid now."""

    id_hash: str
    user_id: int
    created_at: datetime
    seen_at: datetime


async def add_session(session: AsyncSession, *, id_hash: str, user_id: int, now: datetime) -> None:
    """Log a person in."""
    session.add(WebSession(id_hash=id_hash, user_id=user_id, created_at=now, seen_at=now))
    await session.flush()


async def get_login(session: AsyncSession, id_hash: str, now: datetime) -> Login | None:
    """Return the session unless it was idle for 8 hours or is older than 7 days."""
    query = select(WebSession).where(
        WebSession.id_hash == id_hash,
        WebSession.seen_at > now - IDLE,
        WebSession.created_at > now - ABSOLUTE,
    )
    row = (await session.scalars(query)).one_or_none()
    return None if row is None else Login(row.id_hash, row.user_id, row.created_at, row.seen_at)


async def mark_session_seen(session: AsyncSession, id_hash: str, now: datetime) -> None:
    """Note that a session was used."""
    await session.execute(
        update(WebSession).where(WebSession.id_hash == id_hash).values(seen_at=now)
    )


async def delete_session(session: AsyncSession, id_hash: str) -> bool:
    """Log one browser out; False when it was not logged in."""
    return (
        await count_changed(session, delete(WebSession).where(WebSession.id_hash == id_hash)) == 1
    )


async def delete_sessions_of(session: AsyncSession, user_id: int) -> int:
    """Log a person out everywhere; return how many browsers that were."""
    return await count_changed(session, delete(WebSession).where(WebSession.user_id == user_id))


async def add_login_link(
    session: AsyncSession, *, token_hash: str, user_id: int, now: datetime
) -> None:
    """Make a link that works for five minutes; the person's earlier links stop working."""
    await session.execute(delete(LoginLink).where(LoginLink.user_id == user_id))
    session.add(LoginLink(token_hash=token_hash, user_id=user_id, expires_at=now + LINK_LIFETIME))
    await session.flush()


async def claim_login_link(session: AsyncSession, token_hash: str, now: datetime) -> int | None:
    """Use a link up and return whose it was; `None` when it is unknown, used or too old.

    Of any number of callers at the same time exactly one gets the person.
    """
    statement = (
        update(LoginLink)
        .where(
            LoginLink.token_hash == token_hash,
            LoginLink.used_at.is_(None),
            LoginLink.expires_at > now,
        )
        .values(used_at=now)
        .returning(LoginLink.user_id)
    )
    return await session.scalar(statement)


async def delete_expired_sessions(session: AsyncSession, now: datetime) -> int:
    """Delete sessions and links that can't be used any more; return how many."""
    sessions = delete(WebSession).where(
        or_(WebSession.seen_at <= now - IDLE, WebSession.created_at <= now - ABSOLUTE)
    )
    links = delete(LoginLink).where(LoginLink.expires_at <= now)
    return await count_changed(session, sessions) + await count_changed(session, links)
