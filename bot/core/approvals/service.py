"""The service for second approvals: asks, decides once, has it done once, tells who asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bot.core.approvals.values import (
    ApprovalKind,
    ApprovalOrder,
    ApprovalPolicy,
    Approved,
    DefaultApprovals,
)
from bot.core.approvals.wording import MOST_SHOWN, approval_card, told_text
from bot.core.contracts import Actor, BotState
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.guild_locale import locale_of_guild
from bot.core.i18n import Message, _
from bot.core.jobs import Job, JobFailed, Park
from bot.core.message_json import message_to_json
from bot.core.outbox import Delivery
from db import approvals as table
from db.approvals import APPROVED, DONE, EXPIRED, OPEN, REFUSED, Approval

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.audit import AuditLog
    from bot.core.clock import Clock
    from bot.core.events import EventBus
    from bot.core.jobs import JobService
    from bot.core.outbox import OutboxService
    from bot.core.settings import SettingsStore
    from db.engine import Database

log = structlog.get_logger(__name__)

EXECUTE_JOB, EXPIRE_JOB = "approvals.execute", "approvals.expire"
# Who asks for more at once is not read any more.
MOST_OPEN = 10
_BROKEN = _("Something went wrong; it may be done in part.")


class ApprovalService:
    """Requests of all guilds; one per process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        jobs: JobService,
        outbox: OutboxService,
        audit: AuditLog,
        bus: EventBus,
        state: Callable[[], BotState],
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._outbox = outbox
        self._audit = audit
        self._state = state
        self._policy: ApprovalPolicy = DefaultApprovals()
        self._kinds: dict[str, ApprovalKind] = {}
        jobs.register(EXECUTE_JOB, effect=self._execute, timeout=timedelta(minutes=15))
        jobs.register(EXPIRE_JOB, self._expire)
        bus.subscribe(JobFailed, self._on_job_failed)

    # --- wiring ------------------------------------------------------------------------------

    def use_policy(self, policy: ApprovalPolicy) -> None:
        """Ask this from now on what guilds have decided."""
        self._policy = policy

    def register(self, name: str, kind: ApprovalKind) -> None:
        """Say what a kind of request does; a kind registered again is replaced."""
        self._kinds[name] = kind

    def kind_of(self, approval: Approval) -> ApprovalKind:
        """Return the kind of a request; raises `NotFound` while its feature is not loaded."""
        found = self._kinds.get(approval.kind)
        if found is None:
            raise NotFound(_("I can't do that at the moment."))
        return found

    # --- asking ------------------------------------------------------------------------------

    async def is_needed(self, guild_id: int, count: int) -> bool:
        """Tell whether something done to so many people needs a second yes."""
        limit = await self._policy.approve_from(guild_id)
        return 0 < limit <= count

    async def ask(self, order: ApprovalOrder) -> Approval:
        """Store a request and show it to staff; asked again it is the one that is there.

        Raises `NotFound` when there is no channel to show it in, and `Conflict` while too many
        wait for a decision.
        """
        channel_id = await self._policy.channel_id(order.guild_id)
        if channel_id is None:
            raise NotFound(
                _("This needs a second person's yes, and there is no channel to ask for it."),
                hint=_("An admin can choose one in /antinuke settings."),
            )
        patience = await self._policy.patience(order.guild_id)
        locale = await self._locale(order.guild_id)
        now = self._clock.now()
        async with self._database.write() as session:
            if await table.count_open(session, order.guild_id) >= MOST_OPEN:
                raise Conflict(
                    _("Many requests wait for a decision already."),
                    hint=_("Have them decided first."),
                )
            approval = await table.open_approval(
                session,
                guild_id=order.guild_id,
                kind=order.kind,
                dedupe_key=order.dedupe_key,
                requested_by=order.requester.user_id,
                requester_name=order.requester.name[:100],
                reason=order.reason,
                payload=dict(order.payload),
                count=len(order.people),
                made_at=now,
                expires_at=now + patience,
                card_channel_id=channel_id,
            )
            if approval is None:
                raise Conflict(_("That is asked for already."))
            await table.add_subjects(session, approval.id, order.people)
            await self._show(session, approval, locale, is_new=True)
            await self._schedule(session, EXPIRE_JOB, approval, approval.expires_at)
            await self._record(session, order.requester, approval, "approval.ask")
        return approval

    # --- deciding ----------------------------------------------------------------------------

    async def get(self, guild_id: int, approval_id: int) -> Approval:
        """Return a request; raises `NotFound`."""
        async with self._database.read() as session:
            approval = await table.get_approval(session, approval_id, guild_id=guild_id)
        if approval is None:
            raise NotFound(_("That request is gone."))
        return approval

    async def approve(self, guild_id: int, approval_id: int, actor: Actor) -> None:
        """Have a request done; the caller has seen that the actor may.

        Raises `Denied` for who asked for it, `Conflict` when it is decided or expired.
        """
        approval = await self.get(guild_id, approval_id)
        if approval.requested_by == actor.user_id:
            raise Denied(
                _("You asked for it: somebody else has to approve it."),
                hint=_("You can take it back with Refuse."),
            )
        await self._decide(approval, actor, APPROVED)

    async def refuse(self, guild_id: int, approval_id: int, actor: Actor) -> None:
        """Refuse a request, or take one's own back; raises `Conflict` when it is decided."""
        await self._decide(await self.get(guild_id, approval_id), actor, REFUSED)

    async def _decide(self, approval: Approval, actor: Actor, state: str) -> None:
        locale = await self._locale(approval.guild_id)
        now = self._clock.now()
        if approval.expires_at <= now:
            raise Conflict(_("That request has expired."))
        async with self._database.write() as session:
            changed = await table.change_approval(
                session,
                approval.id,
                expected=(OPEN,),
                state=state,
                decided_by=actor.user_id,
                decided_at=now,
            )
            if changed is None:
                raise Conflict(_("That request is decided already."))
            await self._jobs.cancel(session, _key(EXPIRE_JOB, approval))
            if state == APPROVED:
                await self._schedule(session, EXECUTE_JOB, changed, now)
                await self._show(session, changed, locale)
            else:
                await self._close(session, changed, locale)
            await self._record(session, actor, changed, f"approval.{state}")

    async def _expire(self, job: Job, session: AsyncSession) -> None:
        expired = await table.change_approval(
            session, job.payload["approval_id"], expected=(OPEN,), state=EXPIRED
        )
        if expired is not None:
            await self._close(session, expired, await self._locale(expired.guild_id))

    # --- doing -------------------------------------------------------------------------------

    async def _execute(self, job: Job) -> None:
        async with self._database.read() as session:
            approval = await table.get_approval(session, job.payload["approval_id"])
            if approval is None or approval.state != APPROVED:
                return
            people = await table.list_subjects(session, approval.id)
        kind = self._kinds.get(approval.kind)
        if kind is None:
            raise Park("feature_not_loaded")
        outcome = await kind.execute(
            Approved(
                id=approval.id,
                guild_id=approval.guild_id,
                requester=Actor(
                    approval.requested_by or 0, "command", approval.requester_name or ""
                ),
                approver_id=approval.decided_by or 0,
                people=[(one.user_id, one.name) for one in people],
                reason=approval.reason,
                payload=approval.payload,
            )
        )
        await self._finish(approval, outcome)

    async def _on_job_failed(self, event: JobFailed) -> None:
        if event.job.kind != EXECUTE_JOB:
            return
        async with self._database.read() as session:
            approval = await table.get_approval(session, event.job.payload["approval_id"])
        if approval is not None and approval.state == APPROVED:
            await self._finish(approval, _BROKEN)

    async def _finish(self, approval: Approval, outcome: Message) -> None:
        locale = await self._locale(approval.guild_id)
        async with self._database.write() as session:
            done = await table.change_approval(
                session,
                approval.id,
                expected=(APPROVED,),
                state=DONE,
                outcome=message_to_json(outcome),
            )
            if done is not None:
                await self._close(session, done, locale)
        log.info("approval_carried_out", approval=approval.id, guild_id=approval.guild_id)

    async def _close(self, session: AsyncSession, approval: Approval, locale: str | None) -> None:
        """Show and tell how a request ended, and forget whom it was about."""
        await self._show(session, approval, locale)
        await table.forget_subjects(session, approval.id)
        if not approval.requested_by or approval.requested_by == approval.decided_by:
            return
        guild = self._state().guild(approval.guild_id)
        text = told_text(
            approval, self._title(approval), guild.name if guild else "Discord", locale
        )
        await self._outbox.send(
            session,
            Delivery.direct(
                approval.requested_by,
                {"content": text},
                dedupe_key=f"{_card_key(approval)}:dm",
                guild_id=approval.guild_id,
            ),
        )

    # --- showing -----------------------------------------------------------------------------

    def _title(self, approval: Approval) -> Message:
        kind = self._kinds.get(approval.kind)
        if kind is None:
            return _("Second approval")
        return Message(kind.title.msgid, {"count": approval.count}, kind.title.plural)

    async def _show(
        self,
        session: AsyncSession,
        approval: Approval,
        locale: str | None,
        *,
        is_new: bool = False,
    ) -> None:
        people: Sequence[table.ApprovalSubject] = await table.list_subjects(
            session, approval.id, limit=MOST_SHOWN
        )
        body = approval_card(approval, self._title(approval), people, locale)
        key = _card_key(approval)
        if is_new:
            delivery = Delivery.message(
                approval.card_channel_id,
                body,
                dedupe_key=key,
                guild_id=approval.guild_id,
                subject_id=approval.requested_by,
            )
        else:
            delivery = Delivery.edit(
                approval.card_channel_id,
                key,
                body,
                dedupe_key=f"{key}:{approval.revision}",
                guild_id=approval.guild_id,
                subject_id=approval.requested_by,
            )
        await self._outbox.send(session, delivery)

    async def _schedule(
        self, session: AsyncSession, kind: str, approval: Approval, due_at: datetime
    ) -> None:
        await self._jobs.schedule(
            session,
            kind,
            due_at,
            {"approval_id": approval.id},
            dedupe_key=_key(kind, approval),
            guild_id=approval.guild_id,
            replace=False,
        )

    async def _record(
        self, session: AsyncSession, actor: Actor, approval: Approval, action: str
    ) -> None:
        details = {"approval_id": approval.id, "kind": approval.kind, "count": approval.count}
        await self._audit.record(session, actor, approval.guild_id, action, "moderation", details)

    async def _locale(self, guild_id: int) -> str | None:
        return await locale_of_guild(self._settings, self._state(), guild_id)


def _key(kind: str, approval: Approval) -> str:
    return f"{kind}:{approval.id}"


def _card_key(approval: Approval) -> str:
    return f"approval:{approval.id}"
