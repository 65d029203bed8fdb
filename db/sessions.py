"""Who is logged in to the web, and the links that log people in; secrets are kept as hashes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_ROW, Base, Snowflake, UtcDateTime, person
from db.guilds import User
from db.statements import count_changed

IDLE = timedelta(hours=8)
ABSOLUTE = timedelta(days=7)
LINK_LIFETIME = timedelta(minutes=5)
# How many characters are kept of what a browser says of itself.
AGENT_LENGTH = 200
# Nobody is logged in in more places than this; beyond it the least recently used are not listed.
_MOST_LISTED = 100
_HANDLE_LENGTH = 16


class WebSession(Base):
    """A browser that is logged in; the row is the login, so deleting it logs out."""

    __tablename__ = "web_sessions"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    user_agent: Mapped[str | None] = mapped_column(String(AGENT_LENGTH))


class LoginLink(Base):
    """A link that logs one person in once; `used_at` is set by whoever was first."""

    __tablename__ = "login_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_ROW))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True, slots=True)
class Login:
    """A session that is valid now; `name` is the person's, where the bot has met them."""

    id_hash: str
    user_id: int
    created_at: datetime
    seen_at: datetime
    user_agent: str | None = None
    name: str | None = None

    @property
    def handle(self) -> str:
        """What names the session among the person's own; it opens nothing."""
        return self.id_hash[:_HANDLE_LENGTH]


async def add_session(
    session: AsyncSession,
    *,
    id_hash: str,
    user_id: int,
    now: datetime,
    user_agent: str | None = None,
) -> None:
    """Log a person in; of `user_agent` 200 characters fit."""
    row = WebSession(id_hash=id_hash, user_id=user_id, created_at=now, seen_at=now)
    row.user_agent = user_agent
    session.add(row)
    await session.flush()


async def get_login(session: AsyncSession, id_hash: str, now: datetime) -> Login | None:
    """Return the session unless it was idle for 8 hours or is older than 7 days."""
    query = (
        select(WebSession, User.global_name)
        .outerjoin(User, User.id == WebSession.user_id)
        .where(WebSession.id_hash == id_hash, *_valid(now))
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else _login(found[0], found[1])


async def list_logins(session: AsyncSession, user_id: int, now: datetime) -> list[Login]:
    """Return a person's valid sessions, the last seen first; at most 100."""
    query = (
        select(WebSession)
        .where(WebSession.user_id == user_id, *_valid(now))
        .order_by(WebSession.seen_at.desc(), WebSession.id_hash)
        .limit(_MOST_LISTED)
    )
    return [_login(row) for row in await session.scalars(query)]


def _valid(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return (WebSession.seen_at > now - IDLE, WebSession.created_at > now - ABSOLUTE)


def _login(row: WebSession, name: str | None = None) -> Login:
    return Login(row.id_hash, row.user_id, row.created_at, row.seen_at, row.user_agent, name)


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


async def delete_login(session: AsyncSession, user_id: int, handle: str) -> bool:
    """Log one of a person's browsers out; False when no session of theirs has the handle."""
    named = func.substr(WebSession.id_hash, 1, _HANDLE_LENGTH) == handle
    statement = delete(WebSession).where(WebSession.user_id == user_id, named)
    return await count_changed(session, statement) > 0


async def delete_other_sessions(session: AsyncSession, user_id: int, id_hash: str) -> int:
    """Log a person out everywhere but in one session; return how many browsers that were."""
    statement = delete(WebSession).where(
        WebSession.user_id == user_id, WebSession.id_hash != id_hash
    )
    return await count_changed(session, statement)


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


async def get_login_link(session: AsyncSession, token_hash: str) -> LoginLink | None:
    """Return a link, whether or not it can still be used."""
    return await session.get(LoginLink, token_hash)


async def delete_expired_sessions(session: AsyncSession, now: datetime) -> int:
    """Delete sessions and links that can't be used any more; return how many."""
    sessions = delete(WebSession).where(
        or_(WebSession.seen_at <= now - IDLE, WebSession.created_at <= now - ABSOLUTE)
    )
    links = delete(LoginLink).where(LoginLink.expires_at <= now)
    return await count_changed(session, sessions) + await count_changed(session, links)
