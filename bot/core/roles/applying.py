"""Makes the calls for one member's claimed role wishes; settles nothing.

Roles are always given and taken one by one, never by setting a member's whole list: that list would
have to be read first, and a role that staff, another bot, onboarding or a mute gives between the
reading and the writing would be lost. One call more costs less than that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.core.cases.outcomes import Delayed, EnforcementError, Gone
from bot.core.clock import Clock
from bot.core.message_json import message_from_json
from bot.core.roles.rules import aim
from bot.core.roles.values import RoleChanger
from db import role_wishes as table
from db.engine import Database
from db.role_wishes import RoleWish

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)
# One call, with discord.py's own waits for a rate limit. Well below what is left of a kept lease.
CALL_SECONDS = 40.0
MAX_REASON = 512


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What was claimed of a guild: the wishes of some of its members, whose id is `id`."""

    id: int
    claim: int
    due_at: datetime
    members: Sequence[Sequence[RoleWish]]


@dataclass(slots=True)
class Result:
    """What became of one member's wishes; those in none of the lists are given back as they are."""

    # With what was done: whether the role was given.
    done: list[tuple[RoleWish, bool]] = field(default_factory=list)
    dropped: list[RoleWish] = field(default_factory=list)
    screening: list[RoleWish] = field(default_factory=list)
    delayed: list[RoleWish] = field(default_factory=list)
    after: timedelta = timedelta()
    refused: list[RoleWish] = field(default_factory=list)
    roles_gone: list[RoleWish] = field(default_factory=list)


class GuildGone(Exception):
    """The bot is not in the guild any more."""


class Lease:
    """Keeps a batch's claim for as long as it is worked on."""

    def __init__(self, database: Database, clock: Clock, batch: Batch) -> None:
        self._database = database
        self._clock = clock
        self._batch = batch
        self._kept_at = clock.now()

    async def keep(self) -> bool:
        """Keep the claim when its time runs out; False when it is lost."""
        now = self._clock.now()
        if now - self._kept_at < LEASE / 3:
            return True
        async with self._database.write() as session:
            kept = await table.extend_claim(session, self._batch.id, self._batch.claim, now + LEASE)
        self._kept_at = now
        return kept


class MemberWork:
    """The calls for one member, one after another."""

    def __init__(
        self,
        changer: RoleChanger,
        lease: Lease,
        wishes: Sequence[RoleWish],
        *,
        held: int | None,
        locale: str | None,
    ) -> None:
        self._changer = changer
        self._lease = lease
        self._held = held
        self._locale = locale
        self._left = list(wishes)

    async def run(self) -> Result | None:
        """Make the calls; `None` when the claim was lost. Raises `GuildGone`."""
        result = Result()
        with self._ending(result):
            await self._look_for_screening(result)
            while self._left:
                if not await self._lease.keep():
                    return None
                wish = self._left.pop(0)
                await self._change(wish, result)
        return result

    @contextmanager
    def _ending(self, result: Result) -> Iterator[None]:
        """Take what ends the work on a member as a result."""
        try:
            yield
        except Gone as error:
            if error.reason == "guild_gone":
                raise GuildGone from error
            # Whoever comes back comes without roles, and gets anew what they are to have.
            result.dropped += [*self._left, *result.screening]
            result.screening = []
        except Delayed as error:
            result.delayed += self._left
            result.after = error.after

    async def _look_for_screening(self, result: Result) -> None:
        gated = [wish for wish in self._left if wish.after_screening]
        if not gated:
            return
        first = gated[0]
        async with _limited():
            if await self._changer.is_pending(first.guild_id, first.user_id):
                result.screening = gated
                self._left = [wish for wish in self._left if not wish.after_screening]

    async def _change(self, wish: RoleWish, result: Result) -> None:
        """Make one call; raises what keeps from all others of the member, too."""
        give = aim(wish.source, want=wish.want, held=wish.role_id == self._held)
        call = self._changer.add_role if give else self._changer.remove_role
        try:
            async with _limited():
                await call(
                    wish.guild_id, wish.user_id, wish.role_id, reason=_reason(wish, self._locale)
                )
        except Gone as error:
            if error.reason != "role_gone":
                self._left.insert(0, wish)
                raise
            result.roles_gone.append(wish)
        except Delayed:
            self._left.insert(0, wish)
            raise
        except EnforcementError as error:
            log.info("role_change_refused", role_id=wish.role_id, reason=str(error))
            result.refused.append(wish)
        else:
            result.done.append((wish, give))


@asynccontextmanager
async def _limited() -> AsyncIterator[None]:
    """Give a call its time; what takes longer is to be tried again."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            yield
    except TimeoutError as error:
        raise Delayed("timeout") from error


def _reason(wish: RoleWish, locale: str | None) -> str:
    """Return a wish's reason for the audit log, at most as long as Discord takes it."""
    stored = wish.reason
    if stored is None:
        return ""
    text = stored["text"] if "text" in stored else message_from_json(stored).render(locale)
    return " ".join(text.split())[:MAX_REASON]
