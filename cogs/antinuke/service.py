"""Answers incidents: takes dangerous roles, tells staff, gives the roles back exactly.

Which roles go is stored before the first is taken. One job per incident makes every call to
Discord, so no two hands are ever at work; it can be killed between any two of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from bot.core.cases.outcomes import Delayed, EnforcementError, Gone, NotPermitted
from bot.core.contracts import Actor, RoleSummary
from bot.core.errors import Conflict, NotFound
from bot.core.i18n import _
from bot.core.jobs import Job, Retry
from bot.core.message_json import message_to_json
from cogs.antinuke.controls import StaffMember
from cogs.antinuke.desk import JOB, StaffDesk
from cogs.antinuke.news import ROLE_REFUSED, UNTOLD, News
from cogs.antinuke.punishing import Punisher
from cogs.antinuke.rules import RolePlan, plan_roles
from cogs.antinuke.settings import Response
from cogs.antinuke.wording import Report
from db import antinuke as table
from db.antinuke import (
    ACTING,
    DONE,
    GONE,
    OPEN,
    PLANNED,
    REFUSED,
    RESTORED,
    RESTORING,
    RETURNED,
    SPARED,
    TAKEN,
    NukeIncident,
)
from db.approvals import delete_old_approvals

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

log = structlog.get_logger(__name__)

KEPT_FOR = timedelta(days=365)
DEEDS_KEPT_FOR = timedelta(days=2)
APPROVALS_KEPT_FOR = timedelta(days=90)
SOON = timedelta(seconds=2)
RETRY = timedelta(minutes=1)
_REASON = "Anti-nuke: too many staff actions"
_RETURN_REASON = "Anti-nuke: roles given back"
_STRIPPING = (Response.STRIP, Response.TIMEOUT)

_LEFT = _("They are not in this server any more.")
_AWAY = _("They are not in this server now, so no role was given back. Try again when they are.")
_ALERT_ONLY = _("Nothing but telling you, as the settings say.")
_NO_ROLES = _("They have no role of their own that is dangerous.")


class AntinukeService:
    """Brings incidents of all guilds to their end, and takes that back."""

    def __init__(self, desk: StaffDesk) -> None:
        self._desk = desk
        self._news = News(desk)
        self._punisher = Punisher(desk)

    def start(self) -> None:
        """Take up incidents, also those of earlier runs."""
        self._desk.jobs.register(
            JOB, self.settle, effect=self.work, timeout=timedelta(minutes=5), max_attempts=1_000
        )

    # --- for staff ---------------------------------------------------------------------------

    async def recent(self, guild_id: int, limit: int = 5) -> Sequence[NukeIncident]:
        """Return a guild's latest incidents, newest first."""
        async with self._desk.database.read() as session:
            return await table.list_incidents(session, guild_id, limit=limit)

    async def report(self, guild_id: int, incident_id: int) -> Report:
        """Return an incident with what was done; raises `NotFound`."""
        async with self._desk.database.read() as session:
            incident = await table.get_incident(session, incident_id)
            if incident is None or incident.guild_id != guild_id:
                raise NotFound(_("That incident is gone."))
            return await self._news.report(session, incident)

    async def restorable(self, guild_id: int, user_id: int) -> Report:
        """Return somebody's latest incident that took roles which they have not back."""
        async with self._desk.database.read() as session:
            incident = await table.find_restorable(session, guild_id, user_id)
            if incident is None:
                raise NotFound(
                    _("I hold no roles of theirs."),
                    hint=_("/antinuke status shows what happened lately."),
                )
            return await self._news.report(session, incident)

    async def restore(self, guild_id: int, incident_id: int, actor: Actor) -> None:
        """Have the roles given back that an incident took; raises `NotFound` or `Conflict`."""
        report = await self.report(guild_id, incident_id)
        if not any(one.state == TAKEN for one in report.roles):
            raise Conflict(_("There is no role to give back."))
        async with self._desk.database.write() as session:
            changed = await table.change_incident(
                session,
                incident_id,
                expected=(DONE,),
                state=RESTORING,
                restored_by=actor.user_id,
                notes=[],
            )
            if changed is None:
                raise Conflict(_("The roles are being given back already."))
            await self._desk.wake(session, guild_id, incident_id)
            await self._desk.audit.record(
                session,
                actor,
                guild_id,
                "antinuke.restore",
                "moderation",
                {"incident_id": incident_id},
                target_id=changed.user_id,
            )

    # --- the job -----------------------------------------------------------------------------

    async def work(self, job: Job) -> None:
        """Do what is left of an incident; the effect of `JOB`, which may be repeated."""
        incident = await self._read(job.payload["incident_id"])
        if incident is not None and incident.state == OPEN:
            incident = await self._decide(incident)
        if incident is not None and incident.state == ACTING:
            await self._act(incident)
        elif incident is not None and incident.state == RESTORING:
            await self._give_back(incident)

    async def settle(self, job: Job, session: AsyncSession) -> datetime | None:
        """Return when to look again: at once for a new order, else at the window's end."""
        incident = await table.get_incident(session, job.payload["incident_id"])
        if incident is None:
            return None
        now = self._desk.clock.now()
        if incident.state in (OPEN, ACTING, RESTORING):
            return now
        if incident.open_key is None:
            return None
        if incident.open_until > now:
            return incident.open_until
        closed = await table.change_incident(
            session, incident.id, expected=(incident.state,), open_key=None
        )
        if closed is not None and closed.state != SPARED:
            # What came after the first of it belongs to the sum.
            await self._news.edit(session, closed)
        return None

    async def _read(self, incident_id: int) -> NukeIncident | None:
        async with self._desk.database.read() as session:
            return await table.get_incident(session, incident_id)

    # --- deciding ----------------------------------------------------------------------------

    async def _decide(self, incident: NukeIncident) -> NukeIncident | None:
        """Find out who it is, store what is to be done, and tell staff."""
        settings = await self._desk.settings_of(incident.guild_id)
        try:
            member = await self._ask(incident)
        except Gone:
            member = None
        trusted = settings.trusted_role_ids if settings is not None else ()
        if member is not None and not member.role_ids.isdisjoint(trusted):
            async with self._desk.database.write() as session:
                return await table.change_incident(
                    session, incident.id, expected=(OPEN,), state=SPARED
                )
        return await self._store(incident, member)

    async def _ask(self, incident: NukeIncident) -> StaffMember:
        try:
            return await self._desk.controls.read_member(incident.guild_id, incident.user_id or 0)
        except Gone:
            raise
        except EnforcementError as error:
            after = error.after if isinstance(error, Delayed) else RETRY
            raise Retry(max(after, SOON), error.reason) from error

    async def _store(
        self, incident: NukeIncident, member: StaffMember | None
    ) -> NukeIncident | None:
        plans: tuple[RolePlan, ...] = ()
        if member is not None and incident.response in _STRIPPING:
            plans = self._plan(incident, member)
        is_alert = incident.response == Response.ALERT
        notes = [_ALERT_ONLY] if is_alert else []
        if member is None and not is_alert:
            notes.append(_LEFT)
        if member is not None and incident.response in _STRIPPING and not plans:
            notes.append(_NO_ROLES)
        notes += [one.refusal.message for one in plans if one.refusal is not None]
        async with self._desk.database.write() as session:
            changed = await table.change_incident(
                session,
                incident.id,
                expected=(OPEN,),
                state=ACTING,
                user_name=member.name[:100] if member else None,
                is_bot=member.is_bot if member else False,
                notes=[message_to_json(one) for one in notes],
            )
            if changed is None:
                return await table.get_incident(session, incident.id)
            await table.add_roles(session, [_row(incident.id, one) for one in plans])
            await self._news.send(session, changed)
        log.warning("antinuke_incident", guild_id=incident.guild_id, incident=incident.id)
        if changed.log_channel_id is None:
            await self._news.report_untold(changed.guild_id)
        else:
            await self._news.solve(changed.guild_id, UNTOLD)
        await self._report_refusals(changed.guild_id, plans)
        return changed

    def _plan(self, incident: NukeIncident, member: StaffMember) -> tuple[RolePlan, ...]:
        state = self._desk.state()
        me = state.me(incident.guild_id)
        if me is None:
            raise Retry(SOON, "guild not seen yet")
        roles: Sequence[RoleSummary] = state.roles(incident.guild_id)
        return plan_roles(member.role_ids, roles, me)

    async def _report_refusals(self, guild_id: int, plans: Sequence[RolePlan]) -> None:
        for one in plans:
            if one.refusal is not None:
                subject = str(one.role.id)
                await self._news.report_refusal(
                    guild_id, subject, one.refusal.message, one.refusal.fix
                )

    # --- acting ------------------------------------------------------------------------------

    async def _act(self, incident: NukeIncident) -> None:
        left = await self._take(incident)
        case_number, notes = await self._punisher.punish(incident, has_power=left)
        async with self._desk.database.write() as session:
            done = await table.change_incident(
                session,
                incident.id,
                expected=(ACTING,),
                state=DONE,
                case_number=case_number,
                notes=[*incident.notes, *(message_to_json(one) for one in notes)],
            )
            if done is not None:
                await self._news.edit(session, done)

    async def _take(self, incident: NukeIncident) -> bool:
        """Take what is stored; returns whether something dangerous could not be taken."""
        async with self._desk.database.read() as session:
            roles = await table.list_roles(session, incident.id)
        refused = any(one.state == REFUSED for one in roles)
        for role in roles:
            if role.state != PLANNED:
                continue
            state = await self._change(incident, role.role_id, take=True)
            refused |= state == REFUSED
            async with self._desk.database.write() as session:
                await table.mark_role(session, incident.id, role.role_id, state)
        return refused

    async def _change(self, incident: NukeIncident, role_id: int, *, take: bool) -> str:
        """Take or give one role and return its state; raises `Retry`, and `Gone` for the member."""
        controls, guild_id = self._desk.controls, incident.guild_id
        change = controls.remove_role if take else controls.add_role
        reason = _REASON if take else _RETURN_REASON
        try:
            await change(guild_id, incident.user_id or 0, role_id, reason=reason)
        except Delayed as error:
            raise Retry(max(error.after, SOON), error.reason) from error
        except Gone as error:
            if take:
                # Whoever leaves takes no role along.
                return TAKEN if error.reason == "member_gone" else GONE
            if error.reason == "member_gone":
                raise
            return GONE
        except NotPermitted:
            await self._news.report_refusal(
                guild_id,
                str(role_id),
                _("Discord did not let me give or take the role {role}.", role=f"<@&{role_id}>"),
                _("Give me Manage Roles, and drag my role above it in Server Settings > Roles."),
            )
            return REFUSED if take else TAKEN
        except EnforcementError:
            return REFUSED if take else TAKEN
        await self._news.solve(guild_id, ROLE_REFUSED, str(role_id))
        return TAKEN if take else RETURNED

    # --- giving back -------------------------------------------------------------------------

    async def _give_back(self, incident: NukeIncident) -> None:
        """Give back what was taken; what can't be given now stays stored."""
        async with self._desk.database.read() as session:
            roles = await table.list_roles(session, incident.id)
        notes, complete = [], True
        for role in roles:
            if role.state != TAKEN:
                continue
            try:
                state = await self._change(incident, role.role_id, take=False)
            except Gone:
                notes, complete = [_AWAY], False
                break
            complete &= state != TAKEN
            async with self._desk.database.write() as session:
                await table.mark_role(session, incident.id, role.role_id, state)
        async with self._desk.database.write() as session:
            changed = await table.change_incident(
                session,
                incident.id,
                expected=(RESTORING,),
                state=RESTORED if complete else DONE,
                notes=[message_to_json(one) for one in notes],
            )
            if changed is not None:
                await self._news.edit(session, changed)


def _row(incident_id: int, plan: RolePlan) -> dict[str, Any]:
    return {
        "incident_id": incident_id,
        "role_id": plan.role.id,
        "name": plan.role.name[:100],
        "state": REFUSED if plan.refusal is not None else PLANNED,
    }


async def purge_antinuke(session: AsyncSession, now: datetime) -> None:
    """Delete deeds that count no more, and incidents and approvals that are old enough."""
    await table.delete_old_deeds(session, now - DEEDS_KEPT_FOR)
    await table.delete_old_incidents(session, now - KEPT_FOR)
    await delete_old_approvals(session, now - APPROVALS_KEPT_FOR)
