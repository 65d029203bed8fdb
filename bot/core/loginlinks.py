"""One-time links that log a person in to the web, made where Discord has proved who asks."""

from __future__ import annotations

import hashlib
import secrets
from enum import Enum

from bot.core.clock import Clock
from db.engine import Database
from db.sessions import add_login_link, claim_login_link, get_login_link


def hash_secret(secret: str) -> str:
    """Return what is stored of a random secret.

    Plain SHA-256 is enough: 256 random bits can't be guessed, so nothing has to be made slow.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


class LinkState(Enum):
    """Whether a link can be used; `GONE` is too old, unknown, or replaced by a newer one."""

    OPEN = "open"
    USED = "used"
    GONE = "gone"


class LoginLinks:
    """Makes links that work once, for five minutes; `base_url` is where the web is reached."""

    def __init__(self, database: Database, clock: Clock, base_url: str) -> None:
        self._database = database
        self._clock = clock
        self.base_url = base_url.rstrip("/")

    async def create(self, user_id: int) -> str:
        """Return a fresh link for a person; it ends the links made for them before."""
        token = secrets.token_urlsafe(32)
        async with self._database.write() as session:
            await add_login_link(
                session, token_hash=hash_secret(token), user_id=user_id, now=self._clock.now()
            )
        return f"{self.base_url}/login/{token}"

    async def look(self, token: str) -> LinkState:
        """Return whether a link can be used, and changes nothing."""
        async with self._database.read() as session:
            link = await get_login_link(session, hash_secret(token))
        if link is None:
            return LinkState.GONE
        if link.used_at is not None:
            return LinkState.USED
        return LinkState.GONE if link.expires_at <= self._clock.now() else LinkState.OPEN

    async def redeem(self, token: str) -> int | None:
        """Use a token up and return the person's id; `None` when it is unknown, used or too old."""
        async with self._database.write() as session:
            return await claim_login_link(session, hash_secret(token), self._clock.now())
