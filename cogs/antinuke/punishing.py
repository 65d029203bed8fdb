"""What an incident brings besides lost roles: a timeout, a kick or a ban, and always a case."""

from __future__ import annotations

from datetime import timedelta

from bot.core.cases import CaseKind, CaseState, Order, Target
from bot.core.contracts import SYSTEM
from bot.core.errors import AppError, Conflict, Denied, DiscordFailed, InvalidInput, NotFound
from bot.core.i18n import Message, _
from bot.core.problems.rules import Problem
from cogs.antinuke.desk import FEATURE, StaffDesk
from cogs.antinuke.settings import Response
from db.antinuke import NukeIncident

CANNOT_ACT = "cannot_act"
REASON = _("Too many staff actions in a short time")
_REFUSALS = (Conflict, Denied, DiscordFailed, InvalidInput, NotFound)
_KINDS = {
    Response.TIMEOUT: CaseKind.TIMEOUT,
    Response.KICK: CaseKind.KICK,
    Response.BAN: CaseKind.BAN,
}
_DONE = {
    CaseKind.TIMEOUT: _("Timed out."),
    CaseKind.KICK: _("Kicked."),
    CaseKind.BAN: _("Banned."),
}
_LATER = _("Discord does not answer; I keep trying.")
_BOT = _("Nobody can take a bot's own role from it, so it has to go.")


class Punisher:
    """Orders and records cases, each once however often it is asked."""

    def __init__(self, desk: StaffDesk) -> None:
        self._desk = desk

    async def punish(self, incident: NukeIncident, *, has_power: bool) -> tuple[int, list[Message]]:
        """Do what the response asks for; returns the case's number and what came of it.

        `has_power` says that they have a dangerous role that could not be taken.
        """
        kind = _KINDS.get(Response(incident.response))
        notes: list[Message] = []
        strips = incident.response in (Response.STRIP, Response.TIMEOUT)
        if incident.is_bot and strips and has_power:
            kind, notes = CaseKind.KICK, [_BOT]
        # Who left before they were looked at has no name here; a ban finds them all the same.
        if kind is None or (kind is CaseKind.KICK and incident.user_name is None):
            return await self._note(incident), notes
        try:
            case = await self._desk.cases.order(await self._order(incident, kind))
        except _REFUSALS as error:
            await self._report(incident.guild_id, kind, error)
            return await self._note(incident), [*notes, error.message]
        await self._desk.problems.solve(incident.guild_id, FEATURE, CANNOT_ACT, str(kind))
        is_late = case.state is CaseState.PLANNED
        return case.number, [*notes, _LATER if is_late else _DONE[kind]]

    async def _note(self, incident: NukeIncident) -> int:
        order = await self._order(incident, CaseKind.NOTE)
        return (await self._desk.cases.order(order)).number

    async def _order(self, incident: NukeIncident, kind: CaseKind) -> Order:
        duration = None
        if kind is CaseKind.TIMEOUT:
            settings = await self._desk.settings_of(incident.guild_id)
            duration = settings.timeout_length if settings else timedelta(days=1)
        locale = await self._desk.locale(incident.guild_id)
        return Order(
            guild_id=incident.guild_id,
            kind=kind,
            target=Target(incident.user_id or 0, incident.user_name or "", incident.is_bot),
            moderator=SYSTEM,
            source="system",
            dedupe_key=f"antinuke:{incident.id}:{kind}",
            reason=REASON.render(locale),
            duration=duration,
            points=0,
            # The alert tells of it.
            details={"log": False, "antinuke": incident.id},
        )

    async def _report(self, guild_id: int, kind: CaseKind, error: AppError) -> None:
        fix = error.hint or _("Check my permissions and the place of my role.")
        problem = Problem(FEATURE, CANNOT_ACT, str(kind), error.message, fix)
        await self._desk.problems.report(guild_id, problem)
