"""What openers think of how their tickets were seen to, and the log channel's word of it.

Free of discord.py. The stars are kept at once and a comment when its form is sent. The log channel
is told of both by a durable job: with the form, or a while after stars that nobody explained. The
first rating can earn experience, for the opener and for whoever had the ticket.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.core.errors import Conflict, Denied
from bot.core.fields.text import shorten
from bot.core.i18n import _
from bot.core.leveling import XpGift, are_levels_on, give_experience
from bot.core.outbox import Delivery
from cogs.tickets import wording
from cogs.tickets.logplace import log_channel_of
from cogs.tickets.machine import TABLE, Action
from cogs.tickets.settings import KEY, TicketSettings
from db import ticket_quality as table
from db import tickets
from db.tickets import Ticket

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.jobs import Job
    from cogs.tickets.office import Office
    from db.ticket_quality import TicketRating

TELL_JOB = "tickets.rating"
LONGEST_COMMENT = 1000
# For so long a comment is waited for: stars and words are told in one line.
FORM_TIME = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Rated:
    """A ticket that was rated, and how much experience its opener gets for it."""

    ticket: Ticket
    xp: int = 0


class Ratings:
    """Keeps ratings and has the log channel told of them."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self._office.jobs.register(TELL_JOB, self._tell, effect=self._get_ready)

    async def rate(self, ticket_id: int, user_id: int, stars: int) -> Rated:
        """Keep how many stars an opener gives; raises `Denied` for somebody else's ticket.

        Other stars than before take the comment with them: it was about those. They earn nothing.
        """
        now, gifts = self._office.clock.now(), list[XpGift]()
        settings = await self._settings_for(ticket_id)
        async with self._office.database.write() as session:
            ticket = await tickets.get_ticket(session, ticket_id, lock=True)
            if ticket is None or ticket.user_id != user_id:
                raise Denied(_("Only whoever opened a ticket can rate it."))
            if ticket.status not in TABLE[Action.RATE].sources:
                raise Conflict(_("This ticket is open again; rate it when it is closed."))
            # The ticket is held: of two presses one is the first.
            is_first = await table.get_rating(session, ticket.id) is None
            if await self._put(session, ticket, user_id, stars):
                await self._plan(session, ticket, user_id, now + FORM_TIME)
            if settings is not None and is_first:
                gifts = gifts_for(ticket, stars, settings)
                await give_experience(session, self._office.jobs, gifts, now)
        return Rated(ticket, sum(one.amount for one in gifts if one.user_id == user_id))

    async def _settings_for(self, ticket_id: int) -> TicketSettings | None:
        """Return what a ticket's guild has set where ratings earn something there.

        So that nobody needs a second connection in the transaction.
        """
        async with self._office.database.read() as session:
            ticket = await tickets.get_ticket(session, ticket_id)
        settings = await self._office.set_by(ticket.guild_id) if ticket else None
        if ticket is None or settings is None or not (settings.rating_xp or settings.stars_xp):
            return None
        is_on = await are_levels_on(self._office.settings, ticket.guild_id)
        return settings if is_on else None

    async def comment(self, ticket: Ticket, user_id: int, stars: int, text: str) -> None:
        """Keep a word with the stars of its form, and tell the log channel of both."""
        comment = shorten(text.strip(), LONGEST_COMMENT) or None
        async with self._office.database.write() as session:
            # Whoever gave other stars meanwhile has sent these last.
            await self._put(session, ticket, user_id, stars)
            await table.put_comment(session, ticket.id, user_id, comment)
            await self._plan(session, ticket, user_id, self._office.clock.now())

    async def _put(self, session: AsyncSession, ticket: Ticket, user_id: int, stars: int) -> bool:
        now = self._office.clock.now()
        if not await table.put_rating(session, ticket, user_id, stars, now):
            return False
        await tickets.add_event(
            session, ticket, Action.RATE, now, actor_id=user_id, details={"value": stars}
        )
        return True

    async def _plan(
        self, session: AsyncSession, ticket: Ticket, user_id: int, at: datetime
    ) -> None:
        await self._office.jobs.schedule(
            session,
            TELL_JOB,
            at,
            {"ticket_id": ticket.id, "user_id": user_id},
            dedupe_key=f"{TELL_JOB}:{ticket.id}:{user_id}",
            guild_id=ticket.guild_id,
            subject_id=user_id,
        )

    async def _get_ready(self, job: Job) -> None:
        # So that nobody needs a second connection in the transaction.
        await self._office.set_by(job.guild_id or 0)

    async def _tell(self, job: Job, session: AsyncSession) -> None:
        """Tell the log channel of a rating as it stands."""
        ticket_id, user_id = job.payload["ticket_id"], job.payload["user_id"]
        ticket = await tickets.get_ticket(session, ticket_id)
        rating = await table.find_rating(session, ticket_id, user_id)
        if ticket is None or rating is None:
            return
        settings = await self._office.set_by(ticket.guild_id)
        panel = await self._office.panel_of(session, ticket)
        channel_id = log_channel_of(panel, settings)
        if channel_id is None:
            return
        locale = await self._office.locale(ticket.guild_id)
        # Each time the job runs is due to a change of its own.
        moment = f"{job.due_at.timestamp():.6f}"
        delivery = Delivery.message(
            channel_id,
            _payload(ticket, rating, locale),
            dedupe_key=f"{KEY}:rating:{ticket.id}:{user_id}:{moment}",
            guild_id=ticket.guild_id,
            subject_id=user_id,
        )
        await self._office.outbox.send(session, delivery)


def gifts_for(ticket: Ticket, stars: int, settings: TicketSettings) -> list[XpGift]:
    """Return what the first rating of a ticket earns: nothing where the staff never answered it.

    Whoever has a ticket of their own earns nothing for its stars.
    """
    if ticket.first_reply_at is None:
        return []
    number, staff_id = ticket.number, ticket.claimed_by
    earned = [
        ("rating", ticket.user_id, settings.rating_xp, _("Rated ticket {number}", number=number))
    ]
    if staff_id is not None and staff_id != ticket.user_id:
        reason = _("Ticket {number} was rated", number=number)
        earned.append(("stars", staff_id, stars * settings.stars_xp, reason))
    return [
        XpGift(
            key=f"ticket:{ticket.id}:{what}",
            guild_id=ticket.guild_id,
            user_id=user_id,
            amount=amount,
            reason=reason,
        )
        for what, user_id, amount, reason in earned
        if amount
    ]


def _payload(ticket: Ticket, rating: TicketRating, locale: str | None) -> dict[str, object]:
    line = _(
        "{stars} for ticket {number} from {member}",
        stars="★" * rating.stars + "☆" * (5 - rating.stars),
        number=ticket.number,
        member=f"<@{rating.user_id}>",
    )
    return wording.line_payload(line, locale, reason=rating.comment)
