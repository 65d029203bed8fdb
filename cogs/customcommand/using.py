"""What happens when a member uses a command: may they, what is answered, and who counts it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.core.errors import Denied, InvalidInput, NotFound, RateLimited
from bot.core.fields.text import quote
from bot.core.i18n import _
from cogs.customcommand.book import KEY
from cogs.customcommand.rules import Command, Invocation, answer_of, check_may_use
from db import custom_commands as table

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.messages import Spawn
    from bot.core.settings import SettingsStore
    from cogs.customcommand.book import CommandBook
    from cogs.customcommand.evaluation import Choose
    from db.engine import Database

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 5.0

# Returns whether a member may have the bot say these words of theirs.
Screen = Callable[[Invocation, str], Awaitable[bool]]


async def pass_all(_invocation: Invocation, _words: str) -> bool:
    """Object to no words."""
    return True


def exists_always(_guild_id: int, _role_or_channel_id: int) -> bool:
    """Take any role or channel of a guild to be there."""
    return True


class UseCounter:
    """Counts uses in memory and writes the sums behind; a command never waits for it.

    A use after a pause is written at once, the uses that follow it within seconds together: a
    process that is killed loses those of the last few seconds.
    """

    def __init__(self, database: Database, clock: Clock, spawn: Spawn) -> None:
        self._database = database
        self._clock = clock
        self._spawn = spawn
        self._pending: dict[int, tuple[int, datetime]] = {}
        self._written_at = -FLUSH_SECONDS
        self._is_planned = False
        self._writing = asyncio.Lock()

    def count(self, command_id: int) -> None:
        """Count one use; returns at once."""
        self._add(command_id, 1, self._clock.now())
        if not self._is_planned:
            self._is_planned = True
            wait = self._written_at + FLUSH_SECONDS - self._clock.monotonic()
            self._spawn("custom command uses", self._flush_after(max(0.0, wait)))

    async def _flush_after(self, seconds: float) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            # What is counted from here on needs another turn.
            self._is_planned = False
        self._written_at = self._clock.monotonic()
        await self.flush()

    async def flush(self) -> None:
        """Write what was counted until now; returns when it is read by whoever reads next.

        While the database is away it is kept for the next time.
        """
        async with self._writing:
            await self._write()

    async def _write(self) -> None:
        uses, self._pending = self._pending, {}
        if not uses:
            return
        try:
            async with self._database.write() as session:
                await table.add_uses(session, uses)
        except (SQLAlchemyError, OSError) as error:
            log.warning("custom_command_uses_not_written", error=type(error).__name__)
            for command_id, (count, at) in uses.items():
                self._add(command_id, count, at)

    def _add(self, command_id: int, count: int, at: datetime) -> None:
        known, latest = self._pending.get(command_id, (0, at))
        self._pending[command_id] = (known + count, max(latest, at))


class CommandUse:
    """Answers uses of commands."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        settings: SettingsStore,
        book: CommandBook,
        counter: UseCounter,
        choose: Choose = secrets.randbelow,
        screen: Screen = pass_all,
        exists: Callable[[int, int], bool] = exists_always,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._book = book
        self._counter = counter
        self._choose = choose
        self._screen = screen
        self._exists = exists

    async def answer(self, invocation: Invocation) -> dict[str, Any]:
        """Return the body of the message that answers a use, and count it.

        Raises `NotFound` for no command, `Denied` for who may not, `RateLimited` while the member's
        cooldown runs, and `InvalidInput` when the command has nothing to say to these words or
        would repeat some that the guild's rules forbid.
        """
        state = await self._settings.get(invocation.guild_id, KEY)
        if not state.enabled:
            raise Denied(
                _("Custom commands are switched off here."),
                hint=_("An admin can switch them on with /feature enable."),
            )
        command = await self._find(invocation)
        if not command.draft.enabled:
            raise Denied(_("/{name} is switched off.", name=command.draft.name))
        check_may_use(command.draft, invocation, lambda one: self._exists(invocation.guild_id, one))
        said = answer_of(command.draft.response, invocation.occasion, self._choose)
        if said is None:
            raise InvalidInput(_("/{name} has no answer to that.", name=command.draft.name))
        if said.echo and not await self._screen(invocation, said.echo):
            raise InvalidInput(
                _("I can't repeat these words: this server's rules don't allow them."),
                hint=_("Try it in other words."),
            )
        await self._begin_cooldown(command, invocation, state.settings.cooldown)
        self._counter.count(command.id)
        return said.payload

    async def _find(self, invocation: Invocation) -> Command:
        name = invocation.occasion.command
        for command in await self._book.commands(invocation.guild_id):
            if name in command.draft.names:
                return command
        raise NotFound(
            _("There is no command called {name}.", name=quote(f"/{name}")),
            hint=_("It was removed just now; Discord will stop showing it."),
        )

    async def _begin_cooldown(
        self, command: Command, invocation: Invocation, least: timedelta
    ) -> None:
        cooldown = max(command.draft.cooldown, least)
        if not cooldown:
            return
        now = self._clock.now()
        async with self._database.write() as session:
            ready_at = await table.claim_use(
                session, command.id, invocation.user_id, now=now, ready_at=now + cooldown
            )
        if ready_at is not None:
            left = max(ready_at - now, timedelta(seconds=1))
            raise RateLimited(
                _(
                    "You can use /{name} again <t:{when}:R>.",
                    name=command.draft.name,
                    when=round(ready_at.timestamp()),
                ),
                retry_after=left.total_seconds(),
            )


async def purge_cooldowns(session: AsyncSession, now: datetime) -> None:
    """Delete the cooldowns that are over."""
    await table.delete_cooldowns(session, now)
