"""Plans of giveaways that are kept for later, by name; free of discord.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.core.contracts import Actor
from bot.core.errors import Conflict, FieldError, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.i18n import _
from bot.core.settings.validation import from_field_errors
from cogs.giveaways.plan import Plan
from cogs.giveaways.settings import KEY
from db import giveaway_hosting as table
from db.giveaways import GiveawayTemplate

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from db.engine import Database

MOST_TEMPLATES = 25
LONGEST_NAME = 50


class Templates:
    """Keeps a guild's plans; each change goes to the audit log with it."""

    def __init__(self, database: Database, clock: Clock, audit: AuditLog) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit

    async def save(
        self, guild_id: int, name: str, plan: Plan, actor: Actor, *, number: int | None = None
    ) -> str:
        """Store a plan under a name, in the place of one that had it; return the name.

        `number` is the giveaway whose plan it is. Raises `InvalidInput` for a name that is none,
        `Conflict` when there are too many.
        """
        name = _read_name(name)
        async with self._database.write() as session:
            await table.hold_guild(session, guild_id)
            known = await table.list_templates(session, guild_id)
            if name.casefold() not in {one.name_key for one in known}:
                _ensure_room(known)
            await table.put_template(session, self._row_of(guild_id, name, plan, actor))
            told = {} if number is None else {"giveaway": number}
            await self._note(session, guild_id, actor, "save", {"template": name, **told})
        return name

    async def add(self, guild_id: int, name: str, plan: Plan, actor: Actor) -> GiveawayTemplate:
        """Store a plan under a name that no other has.

        Raises `InvalidInput` for a name that is none or taken, `Conflict` when there are too many.
        """
        name = _read_name(name)
        async with self._database.write() as session:
            await table.hold_guild(session, guild_id)
            known = await table.list_templates(session, guild_id)
            _ensure_free(name, known)
            _ensure_room(known)
            row = self._row_of(guild_id, name, plan, actor)
            added = await table.put_template(session, row)
            await self._note(session, guild_id, actor, "save", {"template": name})
        return added

    async def change(
        self, seen: GiveawayTemplate, name: str, plan: Plan, actor: Actor
    ) -> GiveawayTemplate:
        """Have a template be called so and say this.

        Raises `InvalidInput` for a name that is none or taken, `Conflict` for one that was changed
        or deleted since it was `seen`.
        """
        name, guild_id = _read_name(name), seen.guild_id
        values = {"name": name, "name_key": name.casefold(), "plan": plan.to_json()}
        async with self._database.write() as session:
            # Held, so that nobody takes the name meanwhile.
            await table.hold_guild(session, guild_id)
            known = await table.list_templates(session, guild_id)
            _ensure_free(name, [one for one in known if one.id != seen.id])
            changed = await table.change_template(session, seen, values)
            if changed is None:
                raise _not_as_seen()
            await self._note(session, guild_id, actor, "save", {"template": name})
        return changed

    async def find(self, guild_id: int, template_id: int) -> GiveawayTemplate:
        """Return a template by its id; raises `NotFound`."""
        found = {one.id: one for one in await self.list(guild_id)}.get(template_id)
        if found is None:
            raise NotFound(_("This template is not there any more."))
        return found

    async def get(self, guild_id: int, name: str) -> GiveawayTemplate:
        """Return a template by name; raises `NotFound`."""
        async with self._database.read() as session:
            found = await table.get_template(session, guild_id, " ".join(name.split()).casefold())
        if found is None:
            raise NotFound(
                _("There is no template called {name}.", name=quote(name)),
                hint=_("/giveaway template list shows those that there are."),
            )
        return found

    async def list(self, guild_id: int) -> Sequence[GiveawayTemplate]:
        """Return a guild's templates by name."""
        async with self._database.read() as session:
            return await table.list_templates(session, guild_id)

    async def delete(self, seen: GiveawayTemplate, actor: Actor, *, exactly: bool = False) -> None:
        """Delete a template; raises `NotFound` for one that is gone.

        With `exactly` it has to be as it was seen, else `Conflict` is raised.
        """
        async with self._database.write() as session:
            if not await table.delete_template(session, seen, exactly=exactly):
                if exactly:
                    raise _not_as_seen()
                raise NotFound(_("This template is not there any more."))
            await self._note(session, seen.guild_id, actor, "delete", {"template": seen.name})

    def _row_of(self, guild_id: int, name: str, plan: Plan, actor: Actor) -> dict[str, Any]:
        return {
            "guild_id": guild_id,
            "name": name,
            "name_key": name.casefold(),
            "plan": plan.to_json(),
            "created_by": actor.user_id or None,
            "created_at": self._clock.now(),
        }

    async def _note(
        self,
        session: AsyncSession,
        guild_id: int,
        actor: Actor,
        action: str,
        details: Mapping[str, Any],
    ) -> None:
        action = f"{KEY}.template_{action}"
        await self._audit.record(session, actor, guild_id, action, "user_action", details)


def _read_name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidInput(_("A name has 1 to {most} characters.", most=LONGEST_NAME))
    return name


def _ensure_free(name: str, others: Sequence[GiveawayTemplate]) -> None:
    if name.casefold() in {one.name_key for one in others}:
        message = _("There is a template called {name} already.", name=quote(name))
        raise from_field_errors([FieldError("/name", message)], {"name": "name"})


def _ensure_room(known: Sequence[GiveawayTemplate]) -> None:
    if len(known) >= MOST_TEMPLATES:
        raise Conflict(
            _("There are {most} templates here, as many as may be.", most=MOST_TEMPLATES),
            hint=_("Delete one with /giveaway template delete."),
        )


def _not_as_seen() -> Conflict:
    return Conflict(
        _("This template was changed or deleted meanwhile."),
        hint=_("Read it again, then repeat your change."),
    )
