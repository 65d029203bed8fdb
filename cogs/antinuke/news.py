"""Tells staff of incidents: one message each, edited from then on, and problems with their fix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.core.i18n import Message, _
from bot.core.outbox import Delivery
from bot.core.problems.rules import Problem
from cogs.antinuke.desk import FEATURE, StaffDesk
from cogs.antinuke.wording import MOST_SHOWN, Report, alert_body
from db import antinuke as table
from db.antinuke import NukeIncident

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

UNTOLD, ROLE_REFUSED = "incident_untold", "role_refused"


class News:
    """Writes and edits alerts in the transactions that decide on them."""

    def __init__(self, desk: StaffDesk) -> None:
        self._desk = desk

    async def report(self, session: AsyncSession, incident: NukeIncident) -> Report:
        """Return an incident with all that is told of it."""
        return Report(
            incident,
            await table.count_incident(session, incident.id),
            await table.list_deeds(session, incident.id, limit=MOST_SHOWN),
            await table.list_roles(session, incident.id),
        )

    async def send(self, session: AsyncSession, incident: NukeIncident) -> None:
        """Tell of an incident, once."""
        if incident.log_channel_id is None:
            return
        body = alert_body(
            await self.report(session, incident), await self._desk.locale(incident.guild_id)
        )
        await self._desk.outbox.send(
            session,
            Delivery.message(
                incident.log_channel_id,
                body,
                dedupe_key=_key(incident),
                guild_id=incident.guild_id,
                subject_id=incident.user_id,
            ),
        )

    async def edit(self, session: AsyncSession, incident: NukeIncident) -> None:
        """Have the message about an incident say how it stands now."""
        if incident.log_channel_id is None:
            return
        body = alert_body(
            await self.report(session, incident), await self._desk.locale(incident.guild_id)
        )
        await self._desk.outbox.send(
            session,
            Delivery.edit(
                incident.log_channel_id,
                _key(incident),
                body,
                dedupe_key=f"{_key(incident)}:{incident.revision}",
                guild_id=incident.guild_id,
                subject_id=incident.user_id,
            ),
        )

    async def report_untold(self, guild_id: int) -> None:
        """Report that there is no channel to tell of an incident."""
        problem = Problem(
            FEATURE,
            UNTOLD,
            "",
            _("Somebody of the staff went past a limit, and there is no channel to tell of it."),
            _("Choose a channel for alerts in /antinuke settings; /antinuke status shows it."),
        )
        await self._desk.problems.report(guild_id, problem)

    async def report_refusal(
        self, guild_id: int, subject: str, message: Message, fix: Message
    ) -> None:
        """Report that something about somebody could not be done."""
        await self._desk.problems.report(
            guild_id, Problem(FEATURE, ROLE_REFUSED, subject, message, fix)
        )

    async def solve(self, guild_id: int, cause: str, subject: str = "") -> None:
        """Take a report back: it works now."""
        await self._desk.problems.solve(guild_id, FEATURE, cause, subject)


def _key(incident: NukeIncident) -> str:
    return f"antinuke:{incident.id}:alert"
