"""Server-side sessions: the browser holds a random id, the database its hash and the person.

aiohttp-session carries them through a request; deleting the row logs out, wherever the cookie went.
"""

from __future__ import annotations

import secrets
import warnings
from datetime import timedelta

from aiohttp import web
from aiohttp_session import AbstractStorage, Session

from bot.core.clock import Clock
from bot.core.loginlinks import hash_secret
from db.engine import Database
from db.sessions import ABSOLUTE, add_session, delete_session, get_login, mark_session_seen
from web.browsers import clean_agent

USER_ID = "user_id"
NAME = "name"
# The idle time of eight hours needs no finer grain, and a write per request would be felt.
SEEN_EVERY = timedelta(minutes=1)

# aiohttp-session keeps its own two values under string keys, which newer aiohttp warns of.
warnings.filterwarnings("ignore", category=web.NotAppKeyWarning, module="aiohttp_session")


class DatabaseStorage(AbstractStorage):
    """Keeps sessions in the database; over TLS the cookie is bound to the host by its name."""

    def __init__(self, database: Database, clock: Clock, *, is_https: bool) -> None:
        super().__init__(
            cookie_name="__Host-pegasus" if is_https else "pegasus",
            max_age=int(ABSOLUTE.total_seconds()),
            secure=is_https,
            httponly=True,
            # Strict would lose the session on the way back from another site's link.
            samesite="Lax",
        )
        self._is_https = is_https
        self._database = database
        self._clock = clock

    async def load_session(self, request: web.Request) -> Session:
        """Return the session that the cookie names, an empty one when it names none."""
        cookie = self.load_cookie(request)
        if not cookie:
            return await self.new_session()
        now = self._clock.now()
        async with self._database.read() as session:
            login = await get_login(session, hash_secret(cookie), now)
        if login is None:
            return await self.new_session()
        if now - login.seen_at > SEEN_EVERY:
            async with self._database.write() as session:
                await mark_session_seen(session, login.id_hash, now)
        created = int(login.created_at.timestamp())
        # The age limit is the database's business: aiohttp-session would count by its own clock.
        return Session(
            login.id_hash,
            data={"created": created, "session": {USER_ID: login.user_id, NAME: login.name}},
            new=False,
        )

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Write a login or a logout down; a login always gets an id that nobody has seen before."""
        async with self._database.write() as transaction:
            if old := self.load_cookie(request):
                await delete_session(transaction, hash_secret(old))
            if session.empty:
                self._delete_cookie(response)
                return
            fresh = secrets.token_urlsafe(32)
            await add_session(
                transaction,
                id_hash=hash_secret(fresh),
                user_id=session[USER_ID],
                now=self._clock.now(),
                user_agent=clean_agent(request.headers.get("User-Agent", "")),
            )
        self.save_cookie(response, fresh, max_age=self.max_age)

    def _delete_cookie(self, response: web.StreamResponse) -> None:
        # Browsers ignore a deletion of a __Host- cookie that does not carry the same attributes.
        response.set_cookie(
            self.cookie_name,
            "",
            max_age=0,
            path="/",
            secure=self._is_https,
            httponly=True,
            samesite="Lax",
        )
