"""Makes, changes, posts and deletes panels; free of discord.py.

A change and the edits of the messages that show the panel are one transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bot.core.audit import AuditLog
from bot.core.contracts import Actor
from bot.core.emoji import custom_id_of, is_emoji
from bot.core.errors import Conflict, FieldError, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.i18n import Message, _
from bot.core.settings.validation import invalid_input
from cogs.tickets.doubles import refuse_doubles
from cogs.tickets.form_editing import leads_to, lost_targets, with_target, without_target
from cogs.tickets.logplace import check_log_channel
from cogs.tickets.office import Office
from cogs.tickets.panel import MOST_PANELS, Panel, name_key
from cogs.tickets.posting import SENDING_SECONDS, Posting
from cogs.tickets.preflight import (
    called_roles,
    check_calls,
    check_channel,
    check_place,
    staff_of_panel,
    unstaffed,
)
from cogs.tickets.settings import KEY, TicketSettings
from cogs.tickets.showcase import MOST_SHOWN
from db import ticket_panels as table
from db.ticket_panels import TicketPanel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncSession

# Told of a panel that has changed, by guild and id.
Changed = Callable[[int, int], Awaitable[None]]
# Tells whether an emoji is a guild's own.
KnowsEmoji = Callable[[int, int], Awaitable[bool]]


async def _any_emoji(_guild_id: int, _emoji_id: int) -> bool:
    return True


def read_panel(values: Mapping[str, Any]) -> Panel:
    """Return the panel that the values describe; raises `InvalidInput` by field."""
    try:
        panel = Panel.model_validate(dict(values))
    except ValidationError as error:
        raise invalid_input(error, {}) from error
    if panel.emoji and not is_emoji(panel.emoji):
        message = _("{emoji} is no emoji.", emoji=quote(panel.emoji))
        raise InvalidInput(
            message,
            errors=(FieldError("/emoji", message),),
            hint=_("Choose one from Discord's list of emoji."),
        )
    return panel


class PanelDesk(Posting):
    """Keeps the panels of all guilds, and has their messages follow."""

    def __init__(
        self,
        office: Office,
        audit: AuditLog,
        *,
        changed: Changed | None = None,
        recheck: Callable[[int], None] = lambda _guild_id: None,
        knows_emoji: KnowsEmoji = _any_emoji,
        patience: float = SENDING_SECONDS,
    ) -> None:
        super().__init__(office, audit, recheck=recheck, patience=patience)
        self._changed = changed
        self._knows_emoji = knows_emoji

    async def list(self, guild_id: int) -> Sequence[TicketPanel]:
        """Return a guild's panels by name."""
        async with self._office.database.read() as session:
            return await table.list_panels(session, guild_id)

    async def get(self, guild_id: int, panel_id: int) -> TicketPanel:
        """Return a panel; raises `NotFound`."""
        async with self._office.database.read() as session:
            return await self._get(session, guild_id, panel_id)

    async def create(self, guild_id: int, panel: Panel, actor: Actor) -> TicketPanel:
        """Keep a new panel; raises `Conflict` for a name that is taken, `Denied` for its place."""
        refuse_doubles(panel)
        self._check_rooms(guild_id, panel, await self._office.set_by(guild_id))
        check_log_channel(self._office.state(), guild_id, panel)
        await self._check_emoji(guild_id, panel.emoji)
        now = self._office.clock.now()
        async with self._office.database.write() as session:
            await table.hold_guild(session, guild_id)
            await table.hold_panels(session, guild_id)
            others = await table.list_panels(session, guild_id)
            _check_targets(panel, others)
            if len(others) >= MOST_PANELS:
                raise InvalidInput(
                    _("A server has at most {count} ticket panels.", count=MOST_PANELS),
                    hint=_("Delete one with /ticket panel delete first."),
                )
            values = {
                "guild_id": guild_id,
                "name": panel.name,
                "name_key": name_key(panel.name),
                "config": panel.to_json(),
                "created_at": now,
            }
            panel_id = await table.add_panel(session, values)
            if panel_id is None:
                raise _name_taken(panel)
            await self._record(session, guild_id, actor, "create", panel)
            made = await self._get(session, guild_id, panel_id)
        self._recheck(guild_id)
        return made

    async def change(
        self, row: TicketPanel, make: Callable[[Panel], Panel], actor: Actor
    ) -> TicketPanel:
        """Change a panel that still is as given, and the messages that show it.

        Raises `Conflict` when somebody else has changed it or has its name, and what `make` raises.
        """
        settings = await self._office.set_by(row.guild_id)
        before = Panel.model_validate(row.config)
        panel = read_panel(make(before).to_json())
        if panel.name != before.name:
            panel = with_target(panel, before.name, panel.name)
        refuse_doubles(panel, before)
        if panel.emoji != before.emoji:
            await self._check_emoji(row.guild_id, panel.emoji)
        async with self._office.database.write() as session:
            if panel.name != before.name or panel.routes != before.routes:
                # All at once and in one order: two that are renamed don't wait for each other, and
                # what a route leads to is not deleted meanwhile.
                await table.hold_panels(session, row.guild_id)
            current = await self._get(session, row.guild_id, row.id, lock=True)
            if current.revision != row.revision:
                raise changed_meanwhile()
            if panel.routes != before.routes:
                rows = await table.list_panels(session, row.guild_id)
                _check_targets(panel, [one for one in rows if one.id != row.id], before)
            self._check_rooms(row.guild_id, panel, settings, before)
            if panel.log_channel_id != before.log_channel_id:
                check_log_channel(self._office.state(), row.guild_id, panel)
            named = await table.get_panel_named(session, row.guild_id, name_key(panel.name))
            if named is not None and named.id != row.id:
                raise _name_taken(panel)
            await table.change_panel(
                session,
                row.id,
                row.revision,
                name=panel.name,
                name_key=name_key(panel.name),
                config=panel.to_json(),
            )
            if panel.name != before.name:
                await self._follow_name(session, row, before.name, panel.name)
            await self._record(session, row.guild_id, actor, "edit", panel)
            await self._refresh_posts(session, row.guild_id, row.id)
            changed = await self._get(session, row.guild_id, row.id)
        self._recheck(row.guild_id)
        if self._changed is not None:
            await self._changed(row.guild_id, row.id)
        return changed

    async def delete(self, row: TicketPanel, actor: Actor, *, exactly: bool = False) -> None:
        """Delete a panel; its tickets stay, and it disappears from the messages that show it.

        Answers that lead to it lead there no more.
        """
        async with self._office.database.write() as session:
            await table.hold_panels(session, row.guild_id)
            current = await self._get(session, row.guild_id, row.id, lock=True)
            if exactly and current.revision != row.revision:
                raise changed_meanwhile()
            await table.delete_panel(session, row.id)
            await self._follow_name(session, row, current.name, None)
            await self._record(
                session, row.guild_id, actor, "delete", Panel.model_validate(current.config)
            )
            for post in await table.list_posts(session, row.guild_id, panel_id=row.id):
                rest = [one for one in post.panel_ids if one != row.id]
                if rest:
                    post.panel_ids = rest
                    await self._refresh(session, post)
                else:
                    await self._take_down(session, post)
        self._recheck(row.guild_id)

    def staff_of(self, guild_id: int, panel: Panel) -> Sequence[int]:
        """Return the roles that see to a panel's tickets and exist, as far as is known at once."""
        settings = self._office.settings.peek(guild_id, KEY).settings
        return staff_of_panel(self._office.state(), guild_id, panel, settings)

    def warn_of_staff(self, guild_id: int, panel: Panel) -> Message | None:
        """Return what follows when no role sees to a panel's tickets, and what helps."""
        settings = self._office.settings.peek(guild_id, KEY).settings
        return unstaffed(self._office.state(), guild_id, panel, settings)

    # --- in a transaction ----------------------------------------------------------------------

    async def _get(
        self, session: AsyncSession, guild_id: int, panel_id: int, *, lock: bool = False
    ) -> TicketPanel:
        row = await table.get_panel(session, guild_id, panel_id, lock=lock)
        if row is None:
            raise NotFound(_("This panel has been deleted."))
        return row

    async def _follow_name(
        self, session: AsyncSession, row: TicketPanel, old: str, new: str | None
    ) -> None:
        """Have the routes of other panels lead to one that is called otherwise now, or is gone."""
        for other in await table.list_panels(session, row.guild_id):
            panel = Panel.model_validate(other.config)
            if other.id == row.id or not leads_to(panel, old):
                continue
            led = without_target(panel, old) if new is None else with_target(panel, old, new)
            await table.change_panel(session, other.id, other.revision, config=led.to_json())

    async def _record(
        self, session: AsyncSession, guild_id: int, actor: Actor, what: str, panel: Panel
    ) -> None:
        details = {"feature": KEY, "panel": panel.name}
        await self._audit.record(
            session, actor, guild_id, f"{KEY}.panel_{what}", "settings", details
        )

    async def _check_emoji(self, guild_id: int, emoji: str) -> None:
        """Raise for an emoji that Discord would refuse the message for."""
        emoji_id = custom_id_of(emoji)
        if emoji_id is not None and not await self._knows_emoji(guild_id, emoji_id):
            raise InvalidInput(
                _("{emoji} is no emoji of this server.", emoji=quote(emoji)),
                hint=_("Choose one of this server, or one that is everywhere."),
            )

    async def _check_showing(
        self, guild_id: int, channel_id: int, rows: Sequence[TicketPanel]
    ) -> None:
        """Raise when the panels can't be shown in a channel, or not work there."""
        check_channel(self._office.state(), guild_id, channel_id)
        if len(rows) > MOST_SHOWN:
            raise InvalidInput(_("A message shows at most {count} panels.", count=MOST_SHOWN))
        settings = await self._office.set_by(guild_id)
        for row in rows:
            panel = Panel.model_validate(row.config)
            self._check_rooms(guild_id, panel, settings, here=channel_id)

    def _check_rooms(
        self,
        guild_id: int,
        panel: Panel,
        settings: TicketSettings,
        before: Panel | None = None,
        *,
        here: int | None = None,
    ) -> None:
        """Raise when a panel's rooms can't be made, or who is called there can't be.

        What was so `before` is a problem of the guild's, and no reason to refuse a change.
        """
        state = self._office.state()
        if before is None or _places_of(panel) != _places_of(before):
            check_place(state, guild_id, panel, here)
        elif called_roles(panel, settings) <= called_roles(before, settings):
            return
        check_calls(state, guild_id, panel, settings, here)


def _no_panel(name: str) -> Message:
    return _("There is no kind of ticket called {name}.", name=quote(name))


def _check_targets(
    panel: Panel, others: Sequence[TicketPanel], before: Panel | None = None
) -> None:
    """Raise for a route to a panel that there is not, unless it led there `before`."""
    names = [one.name for one in others]
    known = {name for _number, name in lost_targets(before, names)} if before else set[str]()
    errors = [
        FieldError(f"/routes/{number}/panel", _no_panel(name))
        for number, name in lost_targets(panel, names)
        if name not in known
    ]
    if errors:
        hint = _("/ticket panel list shows them all.")
        raise InvalidInput(errors[0].message, errors=tuple(errors), hint=hint)


def _places_of(panel: Panel) -> tuple[Any, ...]:
    return panel.room, panel.parent_id, panel.overflow_ids


def changed_meanwhile() -> Conflict:
    """Return the refusal of a change to a panel that is not as it was seen."""
    return Conflict(
        _("Somebody else has changed this panel meanwhile."),
        hint=_("Open it again with /ticket panel edit."),
    )


def _name_taken(panel: Panel) -> Conflict:
    message = _("There is a panel called {name} already.", name=quote(panel.name))
    return Conflict(
        message,
        errors=(FieldError("/name", message),),
        hint=_("Give this one another name."),
    )
