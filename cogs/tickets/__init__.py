"""Tickets: members talk to the staff in rooms of their own, and every word is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.features import Category, Feature, Gauge
from bot.core.i18n import N_
from cogs.tickets.quality_resources import BLOCKS, TAGS
from cogs.tickets.resource import RESOURCE
from cogs.tickets.settings import KEY, TicketSettings
from cogs.tickets.ticket_actions import TICKETS
from db.ticket_panels import delete_expired
from db.tickets import count_open

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.client import Pegasus


async def _purge(session: AsyncSession, now: datetime) -> None:
    # Old transcripts are seen to by a job of the feature's own: each guild says how long they stay.
    await delete_expired(session, now)


FEATURE = Feature(
    key=KEY,
    title=N_("Tickets"),
    description=N_("Members open a room with the staff; forms, deadlines, transcripts, ratings."),
    category=Category.SUPPORT,
    settings=TicketSettings,
    group="ticket",
    default_enabled=True,
    tables=(
        "tickets",
        "ticket_members",
        "ticket_events",
        "ticket_blocks",
        "ticket_drafts",
        "ticket_messages",
        "ticket_versions",
        "ticket_files",
        "ticket_words",
        "ticket_ratings",
        "ticket_tags",
    ),
    intents={
        "members": N_(
            "I can't see who leaves, nor who is in a thread: tickets stay open, and former staff "
            "stay in their threads."
        )
    },
    purge=_purge,
    resources=(TICKETS, RESOURCE, TAGS, BLOCKS),
    counters={"open_tickets": count_open},
    gauges=(Gauge("tickets_open", "Tickets that are open", count_open),),
)


async def setup(bot: Pegasus) -> None:
    """Add the feature to the bot."""
    from cogs.tickets.cog import Tickets
    from cogs.tickets.tag_commands import ticket_menus

    await bot.add_feature(FEATURE, Tickets(bot), *ticket_menus())
