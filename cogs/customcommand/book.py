"""The guilds' commands: added, changed and removed in one transaction each, and read from memory.

Every change also orders the registration with Discord, which `cogs.customcommand.sync` carries out
in the process that serves the guild; it drops there what is remembered here.
"""

from __future__ import annotations

import difflib
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.core.errors import Conflict, NotFound
from bot.core.fields.text import quote
from bot.core.i18n import _
from cogs.customcommand.rules import Command, Draft, Response, check_among, check_draft
from db import custom_commands as table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.contracts import Actor
    from bot.core.jobs import JobService
    from db.engine import Database

KEY = "customcommand"
SYNC = f"{KEY}.sync"
# Guilds whose commands are kept in memory: at 100 commands of a kilobyte each, 50 MB at most.
MOST_GUILDS = 500


class CommandBook:
    """Keeps the commands; `builtin` gives the names that the bot has itself."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        audit: AuditLog,
        jobs: JobService,
        builtin: Callable[[], Collection[str]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._jobs = jobs
        self._builtin = builtin
        self._remembered: OrderedDict[int, tuple[Command, ...]] = OrderedDict()
        self._forgotten = 0

    async def commands(self, guild_id: int) -> tuple[Command, ...]:
        """Return a guild's commands by name, from memory where they are known."""
        if (known := self._remembered.get(guild_id)) is not None:
            self._remembered.move_to_end(guild_id)
            return known
        forgotten = self._forgotten
        async with self._database.read() as session:
            found = tuple(map(_command, await table.list_commands(session, guild_id)))
        # What was read before a change that came meanwhile must not be kept.
        if forgotten == self._forgotten:
            self._remembered[guild_id] = found
            while len(self._remembered) > MOST_GUILDS:
                self._remembered.popitem(last=False)
        return found

    async def commands_of(self, guild_ids: Collection[int]) -> dict[int, tuple[Command, ...]]:
        """Return the commands of several guilds with one query, and remember none."""
        found: dict[int, list[Command]] = {guild_id: [] for guild_id in guild_ids}
        async with self._database.read() as session:
            for row in await table.list_commands_of_guilds(session, guild_ids):
                found[row.guild_id].append(_command(row))
        return {guild_id: tuple(commands) for guild_id, commands in found.items()}

    def forget(self, guild_id: int) -> None:
        """Have the guild's commands read anew."""
        self._forgotten += 1
        self._remembered.pop(guild_id, None)

    async def find(self, guild_id: int, name: str) -> Command:
        """Return the command of a name or alias; raises `NotFound` with the nearest."""
        return find_command(await self.commands(guild_id), name)

    async def add(self, guild_id: int, draft: Draft, actor: Actor) -> Command:
        """Add a command; raises `InvalidInput`, or `Conflict` when there is no room for it."""
        draft = check_draft(draft)
        now = self._clock.now()
        async with self._database.write() as session:
            await table.lock_guild(session, guild_id)
            others = list(map(_command, await table.list_commands(session, guild_id)))
            check_among(draft, others, self._builtin())
            values = _values(draft, actor, now) | {
                "guild_id": guild_id,
                "created_at": now,
                "created_by": actor.user_id,
            }
            row = await table.add_command(session, values)
            command = _command(row)
            await self._changed(session, guild_id, actor, f"{KEY}.add", draft.name)
        self.forget(guild_id)
        return command

    async def change(self, seen: Command, draft: Draft, actor: Actor) -> Command:
        """Change a command that is as it was seen.

        Raises as `add` does, `Conflict` when somebody changed it meanwhile and `NotFound` when
        somebody removed it.
        """
        draft = check_draft(draft)
        guild_id = seen.guild_id
        async with self._database.write() as session:
            await table.lock_guild(session, guild_id)
            rows = await table.list_commands(session, guild_id)
            if all(row.id != seen.id for row in rows):
                raise _removed(seen)
            others = [_command(row) for row in rows if row.id != seen.id]
            check_among(draft, others, self._builtin())
            values = _values(draft, actor, self._clock.now())
            row = await table.change_command(session, guild_id, seen.id, seen.revision, values)
            if row is None:
                raise self.changed_meanwhile()
            command = _command(row)
            await self._changed(session, guild_id, actor, f"{KEY}.edit", draft.name)
        self.forget(guild_id)
        return command

    async def remove(self, seen: Command, actor: Actor, *, exactly: bool = False) -> None:
        """Remove a command; raises `NotFound` when somebody else was first.

        With `exactly` one that was changed since it was seen stays, for a `Conflict`.
        """
        guild_id = seen.guild_id
        async with self._database.write() as session:
            await table.lock_guild(session, guild_id)
            rows = await table.list_commands(session, guild_id) if exactly else ()
            if any(row.id == seen.id and row.revision != seen.revision for row in rows):
                raise self.changed_meanwhile()
            if not await table.remove_command(session, guild_id, seen.id):
                raise _removed(seen)
            await self._changed(session, guild_id, actor, f"{KEY}.remove", seen.draft.name)
        self.forget(guild_id)

    @staticmethod
    def changed_meanwhile() -> Conflict:
        """Return the refusal of a change to a command that is not as it was seen."""
        return Conflict(
            _("Somebody else has changed this command meanwhile."),
            hint=_("Look at it again, then repeat your change."),
        )

    async def order_sync(self, session: AsyncSession, guild_id: int) -> None:
        """Have the guild's commands registered with Discord when the session commits."""
        await self._jobs.schedule(
            session,
            SYNC,
            self._clock.now(),
            dedupe_key=f"{SYNC}:{guild_id}",
            guild_id=guild_id,
        )

    async def _changed(
        self, session: AsyncSession, guild_id: int, actor: Actor, action: str, name: str
    ) -> None:
        details = {"feature": KEY, "name": name}
        await self._audit.record(session, actor, guild_id, action, "settings", details)
        await self.order_sync(session, guild_id)


def find_command(commands: Sequence[Command], name: str) -> Command:
    """Return the command of a name or alias; raises `NotFound` with the nearest that exists."""
    wanted = name.strip().removeprefix("/").lower()
    for command in commands:
        if wanted in command.draft.names:
            return command
    known = [one for command in commands for one in command.draft.names]
    nearest = difflib.get_close_matches(wanted[:60], known, n=1)
    if nearest:
        hint = _("Did you mean {nearest}?", nearest=f"/{nearest[0]}")
    elif known:
        hint = _("See them all with /customcommand list.")
    else:
        hint = _("Add one with /customcommand add.")
    raise NotFound(_("There is no custom command {name}.", name=quote(name, 60)), hint=hint)


def _removed(seen: Command) -> NotFound:
    return NotFound(
        _("Somebody has removed /{name} meanwhile.", name=seen.draft.name),
        hint=_("See them all with /customcommand list."),
    )


def _values(draft: Draft, actor: Actor, now: datetime) -> dict[str, Any]:
    return {
        "name": draft.name,
        "response": draft.response.to_json(),
        "description": draft.description,
        "cooldown": round(draft.cooldown.total_seconds()),
        "aliases": list(draft.aliases),
        "enabled": draft.enabled,
        "restricted_channels": [str(one) for one in draft.channel_ids],
        "restricted_roles": [str(one) for one in draft.role_ids],
        "updated_at": now,
        "updated_by": actor.user_id,
    }


def _command(row: table.CustomCommand) -> Command:
    draft = Draft(
        row.name,
        Response.read(row.response),
        row.description,
        timedelta(seconds=row.cooldown),
        tuple(row.aliases),
        row.enabled,
        tuple(map(int, row.restricted_channels)),
        tuple(map(int, row.restricted_roles)),
    )
    return Command(
        row.id,
        row.guild_id,
        row.revision,
        draft,
        row.created_at,
        row.created_by,
        row.updated_at,
        row.updated_by,
        row.uses,
        row.last_used_at,
    )
