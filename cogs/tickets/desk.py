"""Makes, changes, posts and deletes panels; free of discord.py.

A change and the edits of the messages that show the panel are one transaction.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bot.core.audit import AuditLog
from bot.core.contracts import Actor
from bot.core.errors import Conflict, InvalidInput, NotFound
from bot.core.fields.text import quote
from bot.core.i18n import _
from bot.core.jobs import Job, Retry
from bot.core.outbox import Delivery, OutboxFailed, Receipt
from bot.core.settings.validation import invalid_input
from cogs.tickets.emoji import custom_id_of, is_emoji
from cogs.tickets.logplace import check_log_channel
from cogs.tickets.office import Office
from cogs.tickets.panel import MOST_PANELS, Panel, name_key
from cogs.tickets.preflight import called_roles, check_calls, check_channel, check_place
from cogs.tickets.settings import KEY, TicketSettings
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
        recheck: Callable[[int], None] = lambda _guild_id: None,
        knows_emoji: KnowsEmoji = _any_emoji,
        patience: float = SENDING_SECONDS,
    ) -> None:
        self._office = office
        self._audit = audit
        self._changed = changed
        self._recheck = recheck
        self._knows_emoji = knows_emoji
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
        self._check_rooms(guild_id, panel, await self._office.set_by(guild_id))
        check_log_channel(self._office.state(), guild_id, panel)
        await self._check_emoji(guild_id, panel.emoji)
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
        if panel.emoji != before.emoji:
            await self._check_emoji(row.guild_id, panel.emoji)
        async with self._office.database.write() as session:
            current = await self._get(session, row.guild_id, row.id, lock=True)
            if current.revision != row.revision:
                raise changed_meanwhile()
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
            await self._record(session, row.guild_id, actor, "edit", panel)
            await self._refresh_posts(session, row.guild_id, row.id)
            changed = await self._get(session, row.guild_id, row.id)
        self._recheck(row.guild_id)
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
        self._recheck(row.guild_id)

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
        await self._check_showing(guild_id, channel_id, rows)
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
        self._recheck(guild_id)
        return post

    async def wait_for(self, post: TicketPost) -> Receipt | None:
        """Return what became of a message that was to be posted, as far as a few seconds tell."""
        return await self._office.outbox.wait_for(post_key(post.id), self._patience)

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


def _places_of(panel: Panel) -> tuple[Any, ...]:
    return panel.room, panel.parent_id, panel.overflow_ids


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
