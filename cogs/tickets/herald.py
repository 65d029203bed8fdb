"""Says what happens to tickets, through the outbox, in the transaction that decides on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.core.errors import AppError
from bot.core.i18n import Message
from bot.core.jobs import Retry
from bot.core.outbox import Delivery
from cogs.tickets import wording
from cogs.tickets.logplace import log_channel_of
from cogs.tickets.machine import Action
from cogs.tickets.office import Office
from cogs.tickets.panel import Room
from cogs.tickets.settings import KEY
from cogs.tickets.wording import Scene
from db import tickets as table
from db.tickets import Ticket

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

TRANSCRIPT_RENDERER = "ticket_transcript"
_SOON = timedelta(seconds=1)


def control_key(ticket: Ticket) -> str:
    """Return the key of the delivery that posts the first message of a ticket's present room."""
    return f"{KEY}:{ticket.id}:control:{ticket.channel_id}"


def closing_key(ticket: Ticket) -> str:
    """Return the key of the last message before a room is locked; closed again, it is another."""
    closed = int(ticket.closed_at.timestamp()) if ticket.closed_at else 0
    return f"{KEY}:{ticket.id}:closing:{closed}"


def transcript_of(ticket: Ticket, locale: str | None) -> tuple[str, dict[str, Any]]:
    """Return the name of a transcript's file, and what has it made when it is sent."""
    args = {"ticket_id": ticket.id, "locale": locale}
    return f"ticket-{ticket.number:04}.html", {"renderer": TRANSCRIPT_RENDERER, "args": args}


class Herald:
    """Sends what the wording makes; everything here joins the caller's transaction."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def scene(
        self, session: AsyncSession, ticket: Ticket, opens_at: datetime | None = None
    ) -> Scene:
        """Return what messages about the ticket are made of."""
        guild = self._office.state().guild(ticket.guild_id)
        return Scene(
            ticket=ticket,
            panel=await self._office.panel_of(session, ticket),
            guild_name=guild.name if guild else "",
            locale=await self._office.locale(ticket.guild_id),
            opens_at=opens_at,
        )

    async def welcome(
        self, session: AsyncSession, ticket: Ticket, opens_at: datetime | None
    ) -> bool:
        """Post the first message of a room; False when the room has one already."""
        scene = await self.scene(session, ticket, opens_at)
        called = set(scene.panel.ping_roles)
        if scene.panel.room is Room.THREAD or ticket.mode == Room.THREAD:
            # Being mentioned is what takes the members of a role into a private thread.
            called |= await self._office.staff_of(ticket, scene.panel)
        first, rest = _split(called)
        payload = wording.welcome_payload(scene, roles=first)
        key = control_key(ticket)
        is_new = await self._post(session, ticket, payload, key)
        await self._call_rest(session, ticket, rest, key, scene.locale)
        return is_new

    async def refresh(
        self, session: AsyncSession, ticket: Ticket, opens_at: datetime | None = None
    ) -> None:
        """Have the first message of the room say how the ticket stands now."""
        if ticket.channel_id is None:
            return
        scene = await self.scene(session, ticket, opens_at)
        key = control_key(ticket)
        delivery = Delivery.edit(
            ticket.channel_id,
            key,
            wording.control_payload(scene),
            dedupe_key=f"{key}:{ticket.revision}",
            guild_id=ticket.guild_id,
        )
        await self._office.outbox.send(session, delivery)

    async def say(
        self,
        session: AsyncSession,
        ticket: Ticket,
        text: Message,
        *,
        key: str,
        reason: str | None = None,
        users: Collection[int] = (),
        can_keep: bool = False,
    ) -> None:
        """Post a line in the room; one that says when it ends has a button that takes it back."""
        locale = await self._office.locale(ticket.guild_id)
        payload = wording.line_payload(text, locale, reason=reason, users=users)
        if can_keep:
            payload["components"] = wording.keep_row(ticket.id, locale)
        await self._post(session, ticket, payload, f"{KEY}:{ticket.id}:{key}")

    async def call(
        self,
        session: AsyncSession,
        ticket: Ticket,
        text: Message,
        *,
        key: str,
        roles: Collection[int],
    ) -> None:
        """Post a line that calls roles, and whoever sees to the ticket."""
        locale = await self._office.locale(ticket.guild_id)
        users = {ticket.claimed_by} if ticket.claimed_by else set[int]()
        first, rest = _split(roles)
        payload = wording.call_payload(text, locale, roles=first, users=users)
        key = f"{KEY}:{ticket.id}:{key}"
        await self._post(session, ticket, payload, key)
        await self._call_rest(session, ticket, rest, key, locale)

    async def call_in(
        self, session: AsyncSession, ticket: Ticket, roles: Collection[int], *, number: int
    ) -> None:
        """Let roles know of a ticket that they see now; `number` says for the how manieth time."""
        locale = await self._office.locale(ticket.guild_id)
        key = f"{KEY}:{ticket.id}:called:{ticket.channel_id}:{number}"
        await self._call_rest(session, ticket, sorted(roles), key, locale)

    async def reopened(self, session: AsyncSession, ticket: Ticket, *, with_record: bool) -> None:
        """Say who opened a ticket again; `with_record`, a new room shows what was said before."""
        scene = await self.scene(session, ticket)
        asked = await table.list_events(session, ticket.id, kinds=[Action.REOPEN])
        text = wording.line_of(Action.REOPEN, actor_id=asked[-1].actor_id if asked else None)
        payload = wording.line_payload(text, scene.locale, users=[ticket.user_id])
        if with_record:
            filename, renderer = transcript_of(ticket, scene.locale)
            payload["attachments"] = [{"filename": filename, **renderer}]
        await self._post(session, ticket, payload, f"{KEY}:{ticket.id}:reopened:{ticket.revision}")

    async def ask_to_close(
        self,
        session: AsyncSession,
        ticket: Ticket,
        *,
        by: int | None,
        reason: str | None,
        calls: bool = True,
    ) -> None:
        """Ask the opener whether the ticket can be closed; `calls` notifies them of it."""
        scene = await self.scene(session, ticket)
        payload = wording.request_payload(scene, by=by, reason=reason, calls=calls)
        await self._post(session, ticket, payload, _question_key(ticket, ticket.revision))

    async def take_back_question(self, session: AsyncSession, ticket: Ticket) -> None:
        """Take the buttons off the last question whether the ticket can be closed."""
        asked = await table.list_events(session, ticket.id, kinds=[Action.REQUEST_CLOSE])
        revision = asked[-1].details.get("question") if asked else None
        # The room of before a reopening may be gone.
        is_here = asked and (ticket.reopened_at is None or asked[-1].at >= ticket.reopened_at)
        if revision is None or ticket.channel_id is None or not is_here:
            return
        key = _question_key(ticket, int(revision))
        delivery = Delivery.edit(
            ticket.channel_id,
            key,
            {"components": []},
            dedupe_key=f"{key}:done",
            guild_id=ticket.guild_id,
        )
        await self._office.outbox.send(session, delivery)

    async def closing(self, session: AsyncSession, ticket: Ticket, text: Message) -> None:
        """Say in the room that the ticket is closed; the room is locked after it."""
        locale = await self._office.locale(ticket.guild_id)
        payload = wording.line_payload(text, locale, reason=ticket.close_reason)
        await self._post(session, ticket, payload, closing_key(ticket))

    async def await_last_words(self, ticket: Ticket) -> None:
        """Raise `Retry` while the closing message is on its way: a locked thread takes none."""
        async with self._office.database.read() as session:
            receipt = await self._office.outbox.get_receipt(session, closing_key(ticket))
        if receipt is not None and receipt.is_open and not receipt.is_parked:
            raise Retry(_SOON, "the last message is on its way")

    async def closed(self, session: AsyncSession, ticket: Ticket) -> None:
        """Send the transcript to the log channel and to the opener."""
        scene = await self.scene(session, ticket)
        settings = await self._office.set_by(ticket.guild_id)
        filename, renderer = transcript_of(ticket, scene.locale)
        key = closing_key(ticket)
        log_channel_id = log_channel_of(scene.panel, settings)
        if log_channel_id is not None:
            delivery = Delivery.message(
                log_channel_id,
                wording.log_payload(scene, filename=filename, renderer=renderer),
                dedupe_key=f"{KEY}:log:{key}",
                guild_id=ticket.guild_id,
                subject_id=ticket.user_id or None,
            )
            await self._office.outbox.send(session, delivery)
        if ticket.user_id and (settings.send_transcript or scene.panel.rating):
            sent = filename if settings.send_transcript else None
            payload = wording.farewell_payload(scene, filename=sent, renderer=renderer)
            await self._write(session, ticket, payload, f"{key}:farewell")

    async def failed(self, session: AsyncSession, ticket: Ticket, error: AppError) -> None:
        """Write to whoever asked for a ticket that could not be opened."""
        scene = await self.scene(session, ticket)
        payload = wording.failed_payload(scene, error.render(scene.locale))
        await self._write(session, ticket, payload, f"{KEY}:{ticket.id}:failed")

    async def _call_rest(
        self,
        session: AsyncSession,
        ticket: Ticket,
        roles: Sequence[int],
        key: str,
        locale: str | None,
    ) -> None:
        """Call roles in as many messages as it takes."""
        for start in range(0, len(roles), wording.MOST_CALLED):
            part = roles[start : start + wording.MOST_CALLED]
            payload = wording.call_payload(Message("👋"), locale, roles=part)
            await self._post(session, ticket, payload, f"{key}:roles:{start}")

    async def _post(
        self, session: AsyncSession, ticket: Ticket, payload: Mapping[str, Any], key: str
    ) -> bool:
        if ticket.channel_id is None:
            return False
        delivery = Delivery.message(
            ticket.channel_id,
            payload,
            dedupe_key=key,
            guild_id=ticket.guild_id,
        )
        # Without a subject: whose ticket is open stays named in it, and edits find this message.
        return await self._office.outbox.send(session, delivery)

    async def _write(
        self, session: AsyncSession, ticket: Ticket, payload: Mapping[str, Any], key: str
    ) -> None:
        delivery = Delivery.direct(
            ticket.user_id, payload, dedupe_key=key, guild_id=ticket.guild_id
        )
        await self._office.outbox.send(session, delivery)


def _split(roles: Collection[int]) -> tuple[Sequence[int], Sequence[int]]:
    """Return the roles that one message calls, and the rest."""
    known = sorted(roles)
    return known[: wording.MOST_CALLED], known[wording.MOST_CALLED :]


def _question_key(ticket: Ticket, revision: int) -> str:
    return f"{KEY}:{ticket.id}:request:{revision}"
