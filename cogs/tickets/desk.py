"""Makes, changes, posts and deletes panels; free of discord.py.

A change and the edits of the messages that show the panel are one transaction.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bot.core.audit import AuditLog
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.i18n import _
from bot.core.jobs import Job, Retry
from bot.core.outbox import Delivery, OutboxFailed
from bot.core.preflight import can_post, missing_permissions
from bot.core.settings.validation import invalid_input
from cogs.tickets.logplace import check_log_channel
from cogs.tickets.office import Office
from cogs.tickets.panel import MOST_PANELS, Panel, Room, name_key
from cogs.tickets.settings import KEY
from cogs.tickets.showcase import MOST_SHOWN, post_payload
from db import ticket_panels as table
from db.ticket_panels import TicketPanel, TicketPost

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.ext.asyncio import AsyncSession

MOST_POSTS = 25
NOTE_JOB, RENEW_JOB = "tickets.post", "tickets.renew"
# How long a message may take to be sent before its id is asked for again.
SENDING_SECONDS, _LOOK_AGAIN = 5.0, timedelta(seconds=10)
_GATHER = timedelta(seconds=1)
_LOST = frozenset({"message_gone", "channel_gone"})
_FOR_THREADS = (
    "view_channel",
    "create_private_threads",
    "send_messages_in_threads",
    "manage_threads",
)
_FOR_CHANNELS = ("view_channel", "manage_channels", "manage_roles")
# A custom emoji as Discord writes it, or one character of Unicode with what belongs to it.
_EMOJI = re.compile(
    r"<a?:\w{2,32}:\d{15,20}>|[0-9#*]\ufe0f?\u20e3|(?=[^\x00-\xff])[^\w\s<>:@#]{1,16}|[©®]\ufe0f?"
)


# Told of a panel that has changed, by guild and id.
Changed = Callable[[int, int], Awaitable[None]]


def read_panel(values: Mapping[str, Any]) -> Panel:
    """Return the panel that the values describe; raises `InvalidInput` by field."""
    try:
        panel = Panel.model_validate(dict(values))
    except ValidationError as error:
        raise invalid_input(error, {}) from error
    if panel.emoji and not _EMOJI.fullmatch(panel.emoji):
        raise InvalidInput(
            _("{emoji} is no emoji.", emoji=quote(panel.emoji)),
            hint=_("Choose one from Discord's list of emoji."),
        )
    return panel


def post_key(post_id: int) -> str:
    """Return the outbox's key of the message that a post is."""
    return f"{KEY}:post:{post_id}"


class PanelDesk:
    """Keeps the panels of all guilds, and has their messages follow."""

    def __init__(
        self,
        office: Office,
        audit: AuditLog,
        *,
        changed: Changed | None = None,
        patience: float = SENDING_SECONDS,
    ) -> None:
        self._office = office
        self._audit = audit
        self._changed = changed
        self._patience = patience
        # The messages that show panels: every deletion in all guilds is looked up here.
        self.posted: set[int] = set()

    async def start(self) -> None:
        """Know the messages of earlier runs, and take up the jobs that note later ones."""
        async with self._office.database.read() as session:
            self.posted = set(await table.list_posted(session))
        self._office.jobs.register(NOTE_JOB, effect=self._note_posted)
        self._office.jobs.register(RENEW_JOB, self._renew)

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
        self._check_place(guild_id, panel)
        check_log_channel(self._office.state(), guild_id, panel)
        now = self._office.clock.now()
        async with self._office.database.write() as session:
            if len(await table.list_panels(session, guild_id)) >= MOST_PANELS:
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
            return await self._get(session, guild_id, panel_id)

    async def change(
        self, row: TicketPanel, make: Callable[[Panel], Panel], actor: Actor
    ) -> TicketPanel:
        """Change a panel that still is as given, and the messages that show it.

        Raises `Conflict` when somebody else has changed it or has its name, and what `make` raises.
        """
        async with self._office.database.write() as session:
            current = await self._get(session, row.guild_id, row.id, lock=True)
            if current.revision != row.revision:
                raise changed_meanwhile()
            before = Panel.model_validate(current.config)
            panel = read_panel(make(before).to_json())
            if (panel.room, panel.parent_id) != (before.room, before.parent_id):
                self._check_place(row.guild_id, panel)
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
            await self._record(session, row.guild_id, actor, "edit", panel)
            await self._refresh_posts(session, row.guild_id, row.id)
            changed = await self._get(session, row.guild_id, row.id)
        if self._changed is not None:
            await self._changed(row.guild_id, row.id)
        return changed

    async def delete(self, row: TicketPanel, actor: Actor, *, exactly: bool = False) -> None:
        """Delete a panel; its tickets stay, and it disappears from the messages that show it."""
        async with self._office.database.write() as session:
            current = await self._get(session, row.guild_id, row.id, lock=True)
            if exactly and current.revision != row.revision:
                raise changed_meanwhile()
            await table.delete_panel(session, row.id)
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

    async def post(
        self,
        guild_id: int,
        channel_id: int,
        rows: Sequence[TicketPanel],
        actor: Actor,
        *,
        style: str,
        title: str,
        text: str,
    ) -> TicketPost:
        """Have a message posted that shows panels; raises `Denied` with the fix."""
        self._check_showing(guild_id, channel_id, rows)
        async with self._office.database.write() as session:
            if len(await table.list_posts(session, guild_id)) >= MOST_POSTS:
                raise InvalidInput(
                    _("A server has at most {count} messages with panels.", count=MOST_POSTS),
                    hint=_("Delete one of them in Discord first; /ticket panel list shows where."),
                )
            post = await table.add_post(
                session,
                guild_id=guild_id,
                channel_id=channel_id,
                style=style,
                title=title,
                text=text,
                colour=None,
                panel_ids=[one.id for one in rows],
            )
            delivery = Delivery.message(
                channel_id,
                await self._payload(session, post),
                dedupe_key=post_key(post.id),
                guild_id=guild_id,
            )
            await self._office.outbox.send(session, delivery)
            await self._note_later(session, post)
            details = {
                "feature": KEY,
                "panels": [one.name for one in rows],
                "channel": str(channel_id),
            }
            await self._audit.record(
                session, actor, guild_id, f"{KEY}.panel_post", "settings", details
            )
        return post

    async def list_posts(self, guild_id: int) -> Sequence[TicketPost]:
        """Return the messages that show panels."""
        async with self._office.database.read() as session:
            return await table.list_posts(session, guild_id)

    async def note_deleted(self, message_ids: Sequence[int]) -> None:
        """Note that messages were deleted, which may have shown panels."""
        self.posted.difference_update(message_ids)
        async with self._office.database.write() as session:
            await table.mark_gone(session, message_ids)

    async def _note_later(self, session: AsyncSession, post: TicketPost) -> None:
        await self._office.jobs.schedule(
            session,
            NOTE_JOB,
            self._office.clock.now(),
            {"post_id": post.id},
            dedupe_key=f"{NOTE_JOB}:{post.id}",
            guild_id=post.guild_id,
        )

    async def renew(self, post_id: int) -> None:
        """Have a message's present content sent again: so its select shows nothing as chosen."""
        now = self._office.clock.now()
        async with self._office.database.write() as session:
            # Once for all who choose within a few seconds.
            await self._office.jobs.ensure(
                session,
                RENEW_JOB,
                now + _GATHER,
                {"post_id": post_id},
                dedupe_key=f"{RENEW_JOB}:{post_id}",
            )

    async def _renew(self, job: Job, session: AsyncSession) -> None:
        post = await table.find_post(session, int(job.payload["post_id"]))
        if post is not None and not post.gone:
            await self._edit(session, post, f"renewed:{self._office.clock.now().isoformat()}")

    async def delivery_failed(self, event: OutboxFailed) -> None:
        """Note that a message was deleted while nobody listened: it can't be edited."""
        subject, _colon, rest = event.dedupe_key.partition(":post:")
        post_id = rest.partition(":")[0]
        if subject == KEY and post_id.isdecimal() and event.reason in _LOST:
            async with self._office.database.write() as session:
                await table.mark_post_gone(session, int(post_id))

    async def channel_deleted(self, channel_id: int) -> None:
        """Note that messages went with their channel."""
        async with self._office.database.write() as session:
            lost = await table.mark_channel_gone(session, channel_id)
        self.posted.difference_update(lost)

    async def _note_posted(self, job: Job) -> None:
        """Note the id of a message that was sent, by which its deletion is known."""
        post_id = int(job.payload["post_id"])
        receipt = await self._office.outbox.wait_for(post_key(post_id), self._patience)
        if receipt is not None and receipt.is_open:
            raise Retry(_LOOK_AGAIN, "the message is not sent yet")
        message_id = receipt.message_id if receipt is not None else None
        async with self._office.database.write() as session:
            await table.note_message(session, post_id, message_id)
        if message_id is not None:
            self.posted.add(message_id)

    # --- in a transaction ----------------------------------------------------------------------

    async def _get(
        self, session: AsyncSession, guild_id: int, panel_id: int, *, lock: bool = False
    ) -> TicketPanel:
        row = await table.get_panel(session, guild_id, panel_id, lock=lock)
        if row is None:
            raise NotFound(_("This panel has been deleted."))
        return row

    async def _record(
        self, session: AsyncSession, guild_id: int, actor: Actor, what: str, panel: Panel
    ) -> None:
        details = {"feature": KEY, "panel": panel.name}
        await self._audit.record(
            session, actor, guild_id, f"{KEY}.panel_{what}", "settings", details
        )

    async def _refresh_posts(self, session: AsyncSession, guild_id: int, panel_id: int) -> None:
        for post in await table.list_posts(session, guild_id, panel_id=panel_id):
            await self._refresh(session, post)

    async def _refresh(self, session: AsyncSession, post: TicketPost) -> None:
        post.revision += 1
        await session.flush()
        await self._edit(session, post, str(post.revision))

    async def _edit(self, session: AsyncSession, post: TicketPost, occasion: str) -> None:
        key = post_key(post.id)
        delivery = Delivery.edit(
            post.channel_id,
            post.message_id or key,
            await self._payload(session, post),
            dedupe_key=f"{key}:{occasion}",
            guild_id=post.guild_id,
        )
        await self._office.outbox.send(session, delivery)

    async def _take_down(self, session: AsyncSession, post: TicketPost) -> None:
        key = post_key(post.id)
        post.gone = True
        await session.flush()
        delivery = Delivery.delete(
            post.channel_id,
            post.message_id or key,
            dedupe_key=f"{key}:deleted",
            guild_id=post.guild_id,
        )
        await self._office.outbox.send(session, delivery)

    async def _payload(self, session: AsyncSession, post: TicketPost) -> dict[str, Any]:
        rows = {one.id: one for one in await table.list_panels(session, post.guild_id)}
        shown = [
            (one, Panel.model_validate(rows[one].config)) for one in post.panel_ids if one in rows
        ]
        return post_payload(post, shown, await self._office.locale(post.guild_id))

    # --- Discord's side --------------------------------------------------------------------------

    def _check_showing(self, guild_id: int, channel_id: int, rows: Sequence[TicketPanel]) -> None:
        """Raise when the panels can't be shown in a channel, or their rooms not be made there."""
        self._check_channel(guild_id, channel_id)
        if len(rows) > MOST_SHOWN:
            raise InvalidInput(_("A message shows at most {count} panels.", count=MOST_SHOWN))
        for row in rows:
            panel = Panel.model_validate(row.config)
            self._check_place(guild_id, panel)
            if panel.parent_id is None and panel.room is Room.THREAD:
                self._check_needs(guild_id, channel_id, _FOR_THREADS)

    def _check_channel(self, guild_id: int, channel_id: int) -> None:
        channel = self._office.state().channel(guild_id, channel_id)
        if channel is None:
            raise NotFound(_("I can't see that channel."))
        refusal = can_post(channel, ("embed_links",))
        if refusal is not None:
            raise Denied(refusal.message, hint=refusal.fix)

    def _check_place(self, guild_id: int, panel: Panel) -> None:
        """Raise when no room could be made where the panel's are to be."""
        if panel.parent_id is None:
            return
        place = self._office.state().channel(guild_id, panel.parent_id)
        if place is None:
            raise NotFound(_("I can't see the place for the rooms of these tickets."))
        if panel.room is Room.THREAD and place.kind != "text":
            raise InvalidInput(
                _("Threads need a text channel to be in."), hint=_("Choose one as the place.")
            )
        if panel.room is Room.CHANNEL and place.kind != "category":
            raise InvalidInput(
                _("Channels need a category to be in."), hint=_("Choose one as the place.")
            )
        needs = _FOR_THREADS if panel.room is Room.THREAD else _FOR_CHANNELS
        self._check_needs(guild_id, panel.parent_id, needs)

    def _check_needs(self, guild_id: int, channel_id: int, needs: Sequence[str]) -> None:
        place = self._office.state().channel(guild_id, channel_id)
        if place is None:
            return
        refusal = missing_permissions(needs, place.bot_permissions, place)
        if refusal is not None:
            raise Denied(refusal.message, hint=refusal.fix)


def changed_meanwhile() -> Conflict:
    """Return the refusal of a change to a panel that is not as it was seen."""
    return Conflict(
        _("Somebody else has changed this panel meanwhile."),
        hint=_("Open it again with /ticket panel edit."),
    )


def _name_taken(panel: Panel) -> Conflict:
    return Conflict(
        _("There is a panel called {name} already.", name=quote(panel.name)),
        hint=_("Give this one another name."),
    )
