"""The messages that show panels: posted, changed, renewed, known when they are lost.

A base of the desk that keeps the panels; free of discord.py.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.core.audit import AuditLog
from bot.core.contracts import Actor
from bot.core.errors import InvalidInput, NotFound
from bot.core.i18n import _
from bot.core.jobs import Job, Retry
from bot.core.outbox import Delivery, OutboxFailed, Receipt
from cogs.tickets.office import Office
from cogs.tickets.panel import Panel
from cogs.tickets.settings import KEY
from cogs.tickets.showcase import post_payload
from db import ticket_panels as table
from db.ticket_panels import TicketPanel, TicketPost

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

MOST_POSTS = 25
NOTE_JOB, RENEW_JOB = "tickets.post", "tickets.renew"
# How long a message may take to be sent before its id is asked for again.
SENDING_SECONDS, _LOOK_AGAIN = 5.0, timedelta(seconds=10)
_GATHER = timedelta(seconds=1)
_LOST = frozenset({"message_gone", "channel_gone"})


def post_key(post_id: int) -> str:
    """Return the outbox's key of the message that a post is."""
    return f"{KEY}:post:{post_id}"


class Posting:
    """Keeps the messages that show panels."""

    def __init__(
        self,
        office: Office,
        audit: AuditLog,
        *,
        recheck: Callable[[int], None],
        patience: float,
    ) -> None:
        self._office = office
        self._audit = audit
        self._recheck = recheck
        self._patience = patience
        # The messages that show panels: every deletion in all guilds is looked up here.
        self.posted: set[int] = set()

    async def start(self) -> None:
        """Know the messages of earlier runs, and take up the jobs that note later ones."""
        async with self._office.database.read() as session:
            self.posted = set(await table.list_posted(session))
        self._office.jobs.register(NOTE_JOB, effect=self._note_posted)
        self._office.jobs.register(RENEW_JOB, self._renew, outlasts_absence=True)

    @abstractmethod
    async def _check_showing(
        self, guild_id: int, channel_id: int, rows: Sequence[TicketPanel]
    ) -> None:
        """Raise when the panels can't be shown in a channel, or not work there."""

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
        colour: int | None = None,
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
                colour=colour,
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
            await self._record_post(session, post, rows, actor)
        self._recheck(guild_id)
        return post

    async def change_post(
        self,
        guild_id: int,
        message_id: int,
        rows: Sequence[TicketPanel] | None,
        actor: Actor,
        **changes: Any,
    ) -> TicketPost:
        """Change a message that shows panels: which, or its `style`, `title`, `text`, `colour`.

        Raises `NotFound` for a message that is none of them, and as `post` does.
        """
        known = {one.message_id: one for one in await self.list_posts(guild_id)}.get(message_id)
        if known is None:
            raise _no_post()
        if rows is not None:
            await self._check_showing(guild_id, known.channel_id, rows)
            changes["panel_ids"] = [one.id for one in rows]
        async with self._office.database.write() as session:
            post = await table.find_post(session, known.id)
            if post is None or post.gone:
                raise _no_post()
            for name, value in changes.items():
                setattr(post, name, value)
            await self._refresh(session, post)
            await self._record_post(session, post, rows or (), actor)
        self._recheck(guild_id)
        return post

    async def _record_post(
        self, session: AsyncSession, post: TicketPost, rows: Sequence[TicketPanel], actor: Actor
    ) -> None:
        details = {
            "feature": KEY,
            "panels": [one.name for one in rows],
            "channel": str(post.channel_id),
        }
        await self._audit.record(
            session, actor, post.guild_id, f"{KEY}.panel_post", "settings", details
        )

    async def wait_for(self, post: TicketPost) -> Receipt | None:
        """Return what became of a message that was to be posted, as far as a few seconds tell."""
        key = post_key(post.id)
        occasion = key if post.revision == 1 else f"{key}:{post.revision}"
        return await self._office.outbox.wait_for(occasion, self._patience)

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


def _no_post() -> NotFound:
    return NotFound(
        _("That is no message of mine with panels."),
        hint=_("/ticket panel list shows where they are."),
    )
