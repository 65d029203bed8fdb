"""Registers a guild's commands with Discord: a durable job that makes Discord have the wanted ones.

It asks Discord what there is and puts or deletes only what differs, so it can be repeated at any
point. A mark of what was registered spares a restart from asking at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakValueDictionary

from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import _
from bot.core.jobs import Retry
from bot.core.problems import Problem
from cogs.customcommand.book import KEY, SYNC
from cogs.customcommand.registrations import (
    Plan,
    Registered,
    mark_of,
    plan_registration,
    registrations,
)
from db import custom_commands as table

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.contracts import BotState
    from bot.core.jobs import Job, JobService
    from bot.core.problems import ProblemService
    from bot.core.settings import SettingsStore
    from cogs.customcommand.book import CommandBook
    from cogs.customcommand.rules import Command, Draft
    from db.engine import Database

# https://discord.com/developers/docs/interactions/application-commands#registering-a-command
CREATIONS_PER_DAY = 200
_DAY = timedelta(days=1)
_WAIT = timedelta(hours=1)
_TIMEOUT = timedelta(minutes=10)
_BATCH = 500

REFUSED, NO_ACCESS, DAILY_LIMIT = "command_refused", "no_access", "daily_limit"
UNUSABLE = "command_unusable"
_CAUSES = frozenset({REFUSED, NO_ACCESS, DAILY_LIMIT, UNUSABLE})


class RegistrarError(Exception):
    """Discord did not do what was asked."""


class Refused(RegistrarError):
    """Discord takes this command as little tomorrow as today; the text says why."""


class Gone(RegistrarError):
    """There is no such command, or no such guild."""


class NoAccess(RegistrarError):
    """The bot was added without the right to have commands."""


class DailyLimit(RegistrarError):
    """Discord creates no more commands in this guild today."""


class NotNow(RegistrarError):
    """It may work after `after`."""

    def __init__(self, after: timedelta) -> None:
        super().__init__()
        self.after = after


class Registrar(Protocol):
    """Discord's register of a guild's commands; every call raises a `RegistrarError`."""

    async def commands(self, guild_id: int) -> Sequence[Registered]:
        """Return what is registered."""
        ...

    async def put(self, guild_id: int, body: Mapping[str, Any]) -> None:
        """Create a command, or replace the one of its name."""
        ...

    async def delete(self, guild_id: int, command_id: int) -> None:
        """Delete a command; one that is gone is as good."""
        ...


class CommandSync:
    """Carries the registrations out and tells what Discord refuses as problems."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        settings: SettingsStore,
        problems: ProblemService,
        book: CommandBook,
        registrar: Registrar,
        state: Callable[[], BotState],
        builtin: Callable[[], Collection[str]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._problems = problems
        self._book = book
        self._registrar = registrar
        self._state = state
        self._builtin = builtin
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def register_with(self, jobs: JobService) -> None:
        """Take up the work."""
        jobs.register(SYNC, effect=self._run, timeout=_TIMEOUT)

    async def look(self, guild_ids: Iterable[int]) -> None:
        """Order a registration where what is registered is not what is wanted.

        Guilds without commands cost nothing but their part of a query for five hundred.
        """
        rest = iter(guild_ids)
        while batch := list(islice(rest, _BATCH)):
            async with self._database.read() as session:
                registered = await table.get_registered(session, batch)
            commands = await self._book.commands_of(registered)
            for guild_id, mark in registered.items():
                if mark != mark_of(await self._wanted(guild_id, commands[guild_id])):
                    await self._order(guild_id)

    async def _order(self, guild_id: int) -> None:
        async with self._database.write() as session:
            await self._book.order_sync(session, guild_id)

    async def begin_anew(self, guild_id: int) -> None:
        """Take nothing as registered, such as in a guild that the bot was just added to."""
        async with self._database.write() as session:
            await table.set_registered(session, guild_id, None)
        await self.look([guild_id])

    async def _run(self, job: Job) -> None:
        if job.guild_id is not None:
            await self.sync(job.guild_id)

    async def sync(self, guild_id: int) -> None:
        """Make Discord have the guild's commands as they are now; raises `Retry` for later."""
        self._book.forget(guild_id)
        if self._state().guild(guild_id) is None:
            return
        # A change meanwhile has the job run again, perhaps before this run is over.
        lock = self._locks.setdefault(guild_id, asyncio.Lock())
        async with lock:
            commands = await self._book.commands(guild_id)
            wanted = await self._wanted(guild_id, commands)
            try:
                plan = plan_registration(wanted, await self._registrar.commands(guild_id))
                refused = await self._carry_out(guild_id, plan)
            except NotNow as error:
                raise Retry(error.after, "Discord is not to be reached") from error
            except (NoAccess, DailyLimit) as error:
                problem = _no_access() if isinstance(error, NoAccess) else _daily_limit()
                await self._tell(guild_id, [problem])
                raise Retry(_WAIT, problem.cause) from error
            # What is off keeps nobody from anything.
            unusable = self._unusable(guild_id, commands) if wanted else []
            await self._tell(guild_id, [*refused, *unusable])
            async with self._database.write() as session:
                await table.set_registered(session, guild_id, mark_of(wanted))

    async def _wanted(self, guild_id: int, commands: Sequence[Command]) -> list[dict[str, Any]]:
        if not (await self._settings.get(guild_id, KEY)).enabled:
            return []
        locale = await locale_of_guild(self._settings, self._state(), guild_id)
        return registrations(commands, self._builtin(), locale)

    async def _carry_out(self, guild_id: int, plan: Plan) -> list[Problem]:
        # Deleting first makes room for what is new.
        for command_id in plan.delete:
            await self._registrar.delete(guild_id, command_id)
        problems: list[Problem] = []
        for body in plan.put:
            if body["name"] not in plan.known:
                await self._count_creation(guild_id)
            try:
                await self._registrar.put(guild_id, body)
            except Refused as error:
                problems.append(_refused(body["name"], str(error)))
        return problems

    async def note_gone(self, guild_id: int, gone_id: int) -> None:
        """Look at the guild's commands when a role or channel is gone that one is limited to."""
        for command in await self._book.commands(guild_id):
            if gone_id in (*command.draft.role_ids, *command.draft.channel_ids):
                await self._order(guild_id)
                return

    def _unusable(self, guild_id: int, commands: Sequence[Command]) -> list[Problem]:
        state = self._state()

        def is_lost(draft: Draft) -> bool:
            roles = [state.role(guild_id, one) for one in draft.role_ids]
            channels = [state.channel(guild_id, one) for one in draft.channel_ids]
            return any(found and not any(found) for found in (roles, channels))

        return [
            _unusable(one.draft.name)
            for one in commands
            if one.draft.enabled and is_lost(one.draft)
        ]

    async def _count_creation(self, guild_id: int) -> None:
        now = self._clock.now()
        async with self._database.write() as session:
            is_free = await table.claim_creation(
                session, guild_id, now=now, window_start=now - _DAY, limit=CREATIONS_PER_DAY
            )
        if not is_free:
            raise DailyLimit

    async def _tell(self, guild_id: int, problems: Sequence[Problem]) -> None:
        """Report what is wrong now, and close what no longer is."""
        present = {(one.cause, one.subject) for one in problems}
        for known in await self._problems.list(guild_id):
            found = known.problem
            is_ours = found.feature == KEY and found.cause in _CAUSES
            if is_ours and (found.cause, found.subject) not in present:
                await self._problems.solve(guild_id, KEY, found.cause, found.subject)
        for problem in problems:
            await self._problems.report(guild_id, problem)


def _refused(name: str, why: str) -> Problem:
    return Problem(
        KEY,
        REFUSED,
        name,
        _("Discord did not take the command /{name}: {problem}", name=name, problem=why[:200]),
        _("Give it another name or description with /customcommand edit."),
    )


def _unusable(name: str) -> Problem:
    return Problem(
        KEY,
        UNUSABLE,
        name,
        _(
            "Nobody can use /{name}: the roles or channels that it is limited to are gone, or I "
            "can't see them.",
            name=name,
        ),
        _("Choose others with /customcommand edit."),
    )


def _no_access() -> Problem:
    return Problem(
        KEY,
        NO_ACCESS,
        "",
        _("Discord doesn't let me have commands in this server."),
        _("Add me again with a link that includes “applications.commands”; nothing is lost."),
    )


def _daily_limit() -> Problem:
    return Problem(
        KEY,
        DAILY_LIMIT,
        "",
        _(
            "Discord takes {count} new commands of a server in a day, and they are used up.",
            count=CREATIONS_PER_DAY,
        ),
        _("The rest follows by itself within a day; there is nothing to do."),
    )
