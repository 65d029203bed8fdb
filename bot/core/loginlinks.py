"""One-time links that log a person in to the web, made where Discord has proved who asks."""

from __future__ import annotations

import hashlib
import secrets

from bot.core.clock import Clock
from db.engine import Database
from db.sessions import add_login_link, claim_login_link


def hash_secret(secret: str) -> str:
    """Return what is stored of a random secret.

    Plain SHA-256 is enough: 256 random bits can't be guessed, so nothing has to be made slow.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


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

    async def redeem(self, token: str) -> int | None:
        """Use a token up and return the person's id; `None` when it is unknown, used or too old."""
        async with self._database.write() as session:
            return await claim_login_link(session, hash_secret(token), self._clock.now())
