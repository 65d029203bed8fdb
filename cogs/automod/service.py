"""Deals with what rules hit: one incident per burst, carried out once, logged once, undone whole.

An occasion is written down in one transaction, with a job that sees to all that follows should
this process die; then messages are deleted and cases ordered at once. Free of discord.py.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases import CaseService, CaseState, Order, Target
from bot.core.contracts import BotState
from bot.core.errors import AppError, Conflict, Denied, NotFound
from bot.core.i18n import _
from bot.core.jobs import Job, JobService, Retry
from bot.core.message_json import message_to_json
from bot.core.outbox import OutboxService
from cogs.automod.calls import CallError, Gone, NotAllowed, TryAgain
from cogs.automod.deletions import GATHER_SECONDS, DeletionQueue, Remover, Settled
from cogs.automod.effects import Changer, Effects
from cogs.automod.logbook import Logbook
from cogs.automod.planning import (
    AUTOMOD,
    LONGEST_EXCERPT,
    Json,
    Occasion,
    actions_of,
    deletes_by_ban,
    effects_of,
    merged_effects,
    merged_findings,
    orders_of,
    reason_of,
    steps_of,
)
from cogs.automod.problems import Troubles
from cogs.automod.rules.outcomes import severity_of
from cogs.automod.rules.values import Action
from cogs.automod.settings import Rule
from db import automod as table
from db.engine import Database

if TYPE_CHECKING:
    from bot.core.clock import Clock
    from bot.core.problems import ProblemService
    from bot.core.settings import SettingsStore
    from bot.core.supervisor import TaskSupervisor

log = structlog.get_logger(__name__)

SETTLE_JOB = "automod.settle"
UNDO_JOB = "automod.undo"
ROLE_JOB = "automod.role_end"
# Hits closer together than this are one incident.
BURST = timedelta(seconds=10)
# When the job looks whether all has been done: later than this process takes for it.
SETTLE_AFTER = timedelta(seconds=15)
UNDO_AFTER = timedelta(seconds=40)
# What Discord has not let through by then is left as it is.
GIVE_UP = timedelta(hours=6)
# Of an incident's messages the content of so many is kept, to be shown when it is undone.
MOST_CONTENTS = 25
MOST_WAITING = 1_000
# Discord allows a bot 50 requests a second in all; members are dealt with more slowly than that.
ACTS_PER_SECOND = 12.0
# Between attempts to write down what happened, in seconds.
PAUSES = (0.05, 0.5, 2.0, 5.0, 10.0)
AT_ONCE = 4
# More people than this are not written to: Discord takes that for spam.
MOST_NOTIFIED = 5

Count = Callable[[str, str], None]


def _ignore(_first: str, _second: str) -> None:
    """Count nothing."""


@dataclass(slots=True)
class _Batch:
    """What occasions of one key come to together."""

    first: Occasion
    rules: dict[int, dict[str, Rule]] = field(default_factory=lambda: defaultdict(dict))
    names: dict[int, str] = field(default_factory=dict)
    messages: dict[int, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of undoing: the incident, and what could not be lifted, in words."""

    incident: table.Incident
    shown: Sequence[table.IncidentMessage]
    failures: tuple[AppError, ...] = ()


class AutomodService:
    """Incidents of all guilds; one per process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        jobs: JobService,
        outbox: OutboxService,
        cases: CaseService,
        problems: ProblemService,
        supervisor: TaskSupervisor,
        state: Callable[[], BotState],
        remover: Remover,
        changer: Changer,
        acted: Count = _ignore,
        happened: Callable[[str], None] = lambda _what: None,
        gather_seconds: float = GATHER_SECONDS,
        log_pause: float = 2.0,
        acts_per_second: float = ACTS_PER_SECOND,
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._jobs = jobs
        self._cases = cases
        self._acted = acted
        self._happened = happened
        self._pause = 1.0 / acts_per_second
        self._next_act = 0.0
        self.effects = Effects(database, clock, jobs, changer)
        self.logbook = Logbook(
            database, settings, outbox, supervisor=supervisor, state=state, pause=log_pause
        )
        self.deletions = DeletionQueue(
            remover, clock, supervisor, self._on_deletion, gather_seconds=gather_seconds
        )
        self.troubles = Troubles(problems, state)
        self._waiting: dict[str, list[Occasion]] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def start(self) -> None:
        """Take up the work of earlier runs."""
        self.effects.start()
        long = timedelta(minutes=5)
        self._jobs.register(SETTLE_JOB, effect=self._settle, timeout=long, max_attempts=30)
        self._jobs.register(UNDO_JOB, effect=self._undo_again, timeout=long, max_attempts=30)
        self._jobs.register(ROLE_JOB, effect=self._end_role, max_attempts=30)

    @asynccontextmanager
    async def _turn(self, key: str) -> AsyncIterator[None]:
        lock = self._turns.setdefault(key, asyncio.Lock())
        async with lock:
            yield

    # --- hits --------------------------------------------------------------------------------

    async def handle(self, occasion: Occasion) -> int | None:
        """Deal with what rules hit; returns the incident it became part of.

        What comes while an earlier occasion of the same key is written down is written together.
        """
        key = occasion.open_key
        waiting = self._waiting.setdefault(key, [])
        if len(waiting) < MOST_WAITING:
            waiting.append(occasion)
        async with self._turn(key):
            batch = self._waiting.pop(key, [])
            if not batch:
                return None
            incident_id, pending = await self._write_down_surely(batch)
        self.deletions.add(occasion.guild_id, pending)
        await self._carry_out(incident_id)
        return incident_id

    async def _write_down_surely(
        self, batch: Sequence[Occasion]
    ) -> tuple[int, dict[int, list[int]]]:
        """Write occasions down, also past a database that is away for a while."""
        for pause in PAUSES:
            try:
                return await self._write_down(batch)
            except DBAPIError as error:
                log.warning("automod_not_written_yet", error=type(error.orig).__name__)
                # The messages go all the same.
                self._delete(batch)
                await asyncio.sleep(pause)
        return await self._write_down(batch)

    def _delete(self, batch: Sequence[Occasion]) -> None:
        for one in batch:
            if one.judgement.delete and not one.shadow:
                for ref in one.judgement.messages:
                    self.deletions.add(one.guild_id, {ref.channel_id: [ref.message_id]})

    async def _write_down(self, occasions: Sequence[Occasion]) -> tuple[int, dict[int, list[int]]]:
        batch = _gather(occasions)
        first = batch.first
        channel_id = await self.logbook.channel_of(first.guild_id)
        now = self._clock.now()
        async with self._database.write() as session:
            incident, is_new = await table.open_incident(
                session,
                open_key=first.open_key,
                now=now,
                window=BURST,
                values=_values_of(first, channel_id),
                lasts=first.scope == "name",
            )
            if first.scope == "name" and not is_new:
                return incident.id, {}
            findings: Json = {} if is_new else incident.findings
            for one in occasions:
                findings = merged_findings(findings, one)
            incident.findings = findings
            actions = await self._want(session, incident, batch)
            known = incident.effects.get("list", [])
            effects = merged_effects(known, effects_of(actions, first.channel_id))
            if effects != known:
                incident.effects = {"list": effects}
            severity = 0 if first.shadow else severity_of(actions).rank
            incident.severity = max(incident.severity, severity)
            if not is_new:
                incident.revision += 1
            deletes = not first.shadow and any(one.type == "delete" for one in actions)
            await self._add_messages(session, incident, batch, deletes=deletes, is_new=is_new)
            await session.flush()
            if is_new:
                await self.logbook.open(session, incident, actions)
            await self._see_to_it(session, incident)
            pending = await self._pending_now(session, incident.id, batch)
        self._count(batch, actions, is_new=is_new)
        return incident.id, pending

    async def _want(
        self, session: AsyncSession, incident: table.Incident, batch: _Batch
    ) -> tuple[Action, ...]:
        """Write down what is wanted of each member; return all that is asked for."""
        if batch.first.shadow:
            await self._raise(session, incident, batch.first.person.id, batch, ())
            return ()
        asked: dict[str, Action] = {}
        for user_id, rules in batch.rules.items():
            strikes = {
                rule.name: await table.add_strike(
                    session,
                    guild_id=incident.guild_id,
                    user_id=user_id,
                    rule=rule.name,
                    incident_id=incident.id,
                    now=self._clock.now(),
                    since=self._clock.now() - rule.strikes_window,
                )
                for rule in rules.values()
                if rule.escalation
            }
            actions = actions_of(rules.values(), strikes)
            asked |= {repr(one): one for one in actions}
            await self._raise(session, incident, user_id, batch, actions)
        return tuple(asked.values())

    async def _raise(
        self,
        session: AsyncSession,
        incident: table.Incident,
        user_id: int,
        batch: _Batch,
        actions: Sequence[Action],
    ) -> None:
        rules = batch.rules[user_id]
        plan = {
            "steps": steps_of(actions),
            "reason": reason_of(rules.values())[:500],
            "rules": list(rules)[:10],
            "is_bot": batch.first.person.is_bot and user_id == batch.first.person.id,
        }
        await table.raise_member(
            session,
            incident_id=incident.id,
            user_id=user_id,
            name=batch.names.get(user_id, ""),
            severity=severity_of(actions).rank,
            steps=plan,
        )

    async def _add_messages(
        self,
        session: AsyncSession,
        incident: table.Incident,
        batch: _Batch,
        *,
        deletes: bool,
        is_new: bool,
    ) -> None:
        rows = []
        for number, row in enumerate(batch.messages.values()):
            wanted = deletes and row.pop("delete")
            row.pop("delete", None)
            if not is_new or number >= MOST_CONTENTS:
                row["content"] = None
            state = table.PENDING if wanted else table.KEPT
            rows.append({**row, "incident_id": incident.id, "state": state})
        if rows:
            await table.add_messages(session, rows)

    async def _pending_now(
        self, session: AsyncSession, incident_id: int, batch: _Batch
    ) -> dict[int, list[int]]:
        """Return what of these is to be deleted at once: not what a ban is about to take along."""
        members = await table.list_unfinished(session, incident_id)
        banned = {one.user_id for one in members if deletes_by_ban(one.steps)}
        found: dict[int, list[int]] = defaultdict(list)
        for message in await table.list_pending(session, incident_id):
            if message.message_id in batch.messages and message.user_id not in banned:
                found[message.channel_id].append(message.message_id)
        return found

    async def _see_to_it(self, session: AsyncSession, incident: table.Incident) -> None:
        await self._jobs.schedule(
            session,
            SETTLE_JOB,
            self._clock.now() + SETTLE_AFTER,
            {"incident_id": incident.id},
            dedupe_key=f"{SETTLE_JOB}:{incident.id}",
            guild_id=incident.guild_id,
        )

    def _count(self, batch: _Batch, actions: Sequence[Action], *, is_new: bool) -> None:
        if not is_new:
            return
        self._happened("shadow_hit" if batch.first.shadow else "incident")
        trigger = next((hit.trigger for hit in batch.first.hits), "rule")
        for action in actions:
            self._acted(trigger, action.type)

    # --- carrying out ------------------------------------------------------------------------

    async def _carry_out(self, incident_id: int) -> None:
        """Do to members and channels what is wanted and not done yet."""
        async with self._turn(f"incident:{incident_id}"):
            async with self._database.read() as session:
                incident = await table.get_incident(session, incident_id)
                members = await table.list_unfinished(session, incident_id)
                many = await table.count_members(session, incident_id) > MOST_NOTIFIED
            if incident is None or incident.state == table.UNDONE:
                return
            slots = asyncio.Semaphore(AT_ONCE)

            async def one(member: table.IncidentMember) -> None:
                async with slots:
                    await self._punish(incident, member, notify=not many)

            async with asyncio.TaskGroup() as group:
                for member in members:
                    group.create_task(one(member))
            await self._bring_about(incident)
        self.logbook.refresh(incident_id)

    async def _punish(
        self, incident: table.Incident, member: table.IncidentMember, *, notify: bool
    ) -> None:
        done = list(member.outcome.get("list", ()))
        given = sum(one.get("points", 0) for one in done)
        target = Target(member.user_id, member.name, bool(member.steps.get("is_bot")))
        orders = orders_of(
            incident.id,
            incident.guild_id,
            target,
            member.severity,
            member.steps,
            given=given,
            notify=notify,
        )
        done += [await self._order(order) for order in orders]
        async with self._database.write() as session:
            # Locked before its members, as by everybody.
            await table.get_incident(session, incident.id, lock=True)
            await table.finish_member(
                session,
                incident.id,
                member.user_id,
                severity=member.severity,
                outcome={"list": done},
            )
            if orders:
                await table.touch(session, incident.id)
            await self._end_roles(session, incident, member)
        if deletes_by_ban(member.steps):
            await self._after_ban(incident, member.user_id, banned="error" not in done[-1])

    async def _order(self, order: Order) -> Json:
        """Carry one order out; returns what is told of it. What Discord refuses is no crash."""
        outcome: Json = {"kind": str(order.kind), "points": order.points or 0}
        await self._pace()
        try:
            case = await self._cases.order(order)
        except AppError as error:
            if isinstance(error, Denied):
                await self.troubles.cannot_punish(order, error)
            return outcome | {"error": message_to_json(error.message), "points": 0}
        if case.state is CaseState.APPLIED:
            await self.troubles.could_punish(order)
        return outcome | {"case": case.number}

    async def _pace(self) -> None:
        """Wait for this process's turn to act on a member."""
        now = self._clock.monotonic()
        turn = max(self._next_act, now)
        self._next_act = turn + self._pause
        # Some at once are as good as none.
        if turn - now > AT_ONCE * self._pause:
            await asyncio.sleep(turn - now - AT_ONCE * self._pause)

    async def _after_ban(self, incident: table.Incident, user_id: int, *, banned: bool) -> None:
        """Count what the ban deleted as gone; without the ban it has to be deleted yet."""
        async with self._database.write() as session:
            rows = await table.list_pending(session, incident.id, user_id=user_id)
            if banned:
                await table.mark_messages(session, [r.message_id for r in rows], table.DELETED)
        for row in rows:
            if banned:
                self.deletions.discard(row.channel_id, [row.message_id])
            else:
                self.deletions.add(incident.guild_id, {row.channel_id: [row.message_id]})

    async def _end_roles(
        self, session: AsyncSession, incident: table.Incident, member: table.IncidentMember
    ) -> None:
        for step in member.steps.get("steps", ()):
            if step["kind"] == "add_role" and step.get("duration"):
                role_id = step["role_id"]
                await self._jobs.schedule(
                    session,
                    ROLE_JOB,
                    self._clock.now() + timedelta(seconds=step["duration"]),
                    {
                        "incident_id": incident.id,
                        "user_id": str(member.user_id),
                        "role_id": role_id,
                    },
                    dedupe_key=f"{ROLE_JOB}:{incident.guild_id}:{member.user_id}:{role_id}",
                    guild_id=incident.guild_id,
                    subject_id=member.user_id,
                )

    async def _end_role(self, job: Job) -> None:
        """Take back a role that was given for a time, unless it was taken back already."""
        incident_id, user_id = job.payload["incident_id"], int(job.payload["user_id"])
        role_id = int(job.payload["role_id"])
        async with self._database.read() as session:
            incident = await table.get_incident(session, incident_id)
        if incident is not None and incident.state == table.UNDONE:
            return
        plan = {"steps": [{"kind": "remove_role", "role_id": str(role_id)}]}
        for order in orders_of(
            incident_id, job.guild_id or 0, Target(user_id, ""), -1, plan, notify=False
        ):
            try:
                await self._cases.order(order)
            except AppError as error:
                log.info("automod_role_not_taken", code=error.code)

    async def _bring_about(self, incident: table.Incident) -> None:
        """Do to channels what is wanted; each is marked once it is done."""
        async with self._database.read() as session:
            current = await table.get_incident(session, incident.id)
        if current is None:
            return
        for number, effect in enumerate(current.effects.get("list", ())):
            if effect.get("done") or "error" in effect:
                continue
            result: Json = {"done": True}
            try:
                await self.effects.begin(incident.id, incident.guild_id, effect)
            except NotAllowed:
                refusal = await self.troubles.cannot_change(incident.guild_id, effect)
                result = {"error": message_to_json(refusal)}
            except Gone:
                result = {"error": message_to_json(_("It is not there any more."))}
            except TryAgain:
                continue
            async with self._database.write() as session:
                await _mark_effect(session, incident.id, number, effect, result)

    # --- deletions ---------------------------------------------------------------------------

    async def _on_deletion(self, settled: Settled) -> None:
        state = table.DELETED if settled.deleted else table.FAILED
        async with self._database.write() as session:
            incidents = await table.mark_messages(session, settled.message_ids, state)
        for incident_id in incidents:
            self.logbook.refresh(incident_id)
        if settled.deleted:
            await self.troubles.could_delete(settled.guild_id, settled.channel_id)
        else:
            await self.troubles.cannot_delete(settled.guild_id, settled.channel_id)

    async def note_deleted(self, message_ids: Sequence[int]) -> None:
        """Take note that messages which were to be deleted are gone by whatever hand."""
        async with self._database.write() as session:
            incidents = await table.mark_messages(session, message_ids, table.DELETED)
        for incident_id in incidents:
            self.logbook.refresh(incident_id)

    # --- making sure -------------------------------------------------------------------------

    async def _settle(self, job: Job) -> None:
        """Bring an incident to its end, whoever began it; runs until all is done."""
        incident_id = int(job.payload["incident_id"])
        await self._carry_out(incident_id)
        async with self._database.read() as session:
            incident = await table.get_incident(session, incident_id)
            pending = await table.list_pending(session, incident_id)
        if incident is None:
            return
        if pending and incident.state != table.UNDONE:
            await self._delete_again(incident, pending)
        await self.logbook.write(incident_id)
        now = self._clock.now()
        async with self._database.write() as session:
            await table.close_incident(session, incident_id, now)
            left = await table.list_pending(session, incident_id)
            effects = incident.effects.get("list", ())
            if (left or any(_is_open(one) for one in effects)) and (
                now - incident.opened_at < GIVE_UP
            ):
                raise Retry(timedelta(seconds=30), "messages or channels are left")
            if left:
                await table.mark_messages(session, [one.message_id for one in left], table.FAILED)
        if now < incident.open_until:
            raise Retry(incident.open_until - now, "still open")

    async def _delete_again(
        self, incident: table.Incident, pending: Sequence[table.IncidentMessage]
    ) -> None:
        waiting: dict[int, list[int]] = defaultdict(list)
        for message in pending:
            waiting[message.channel_id].append(message.message_id)
        self.deletions.add(incident.guild_id, waiting)
        await self.deletions.drain(waiting, 60.0)

    # --- undoing -----------------------------------------------------------------------------

    async def get(self, guild_id: int, incident_id: int) -> table.Incident:
        """Return an incident of the guild; raises `NotFound`."""
        async with self._database.read() as session:
            incident = await table.get_incident(session, incident_id)
        if incident is None or incident.guild_id != guild_id:
            raise NotFound(_("This incident is not on record any more."))
        return incident

    async def undo(
        self, guild_id: int, incident_id: int, *, user_id: int, pardon: bool = False
    ) -> Undone:
        """Take back all that an incident did, strikes included; with `pardon` it was none.

        Of two who undo it one does; the other gets `Conflict`. Where Discord refuses to lift
        something the incident stands again, so that it can be tried once more.
        """
        await self.get(guild_id, incident_id)
        async with self._database.write() as session:
            incident = await table.claim_undo(
                session, incident_id, user_id=user_id, now=self._clock.now()
            )
            if incident is None:
                raise Conflict(_("This incident is undone already."))
            await self._jobs.schedule(
                session,
                UNDO_JOB,
                self._clock.now() + UNDO_AFTER,
                {"incident_id": incident_id},
                dedupe_key=f"{UNDO_JOB}:{incident_id}",
                guild_id=guild_id,
            )
            if pardon:
                await self._record_false_positive(session, incident, user_id)
            shown = await table.list_shown(session, incident_id, MOST_CONTENTS)
        self._happened("false_positive" if pardon else "undone")
        failures = await self._take_back(incident)
        self.logbook.refresh(incident_id)
        return Undone(incident, shown, failures)

    async def _record_false_positive(
        self, session: AsyncSession, incident: table.Incident, user_id: int
    ) -> None:
        rules = list(incident.findings.get("rules", {}))
        await table.add_false_positive(
            session,
            incident_id=incident.id,
            guild_id=incident.guild_id,
            user_id=incident.user_id,
            rules={"list": rules},
            text=incident.excerpt,
            marked_by=user_id,
            marked_at=self._clock.now(),
        )

    async def _take_back(self, incident: table.Incident) -> tuple[AppError, ...]:
        """Lift what an undone incident did; returns what Discord did not let through."""
        async with self._turn(f"incident:{incident.id}"):
            async with self._database.read() as session:
                members = await table.list_members(session, incident.id)
            await self._spare(incident.id)
            failures = [
                failure
                for member in members
                for one in member.outcome.get("list", ())
                if "case" in one
                and (failure := await self._undo_case(incident, one["case"])) is not None
            ]
            try:
                await self.effects.end_of(incident.id)
            except CallError:
                failures.append(Denied(_("Discord did not let me change the channel back.")))
            async with self._database.write() as session:
                if failures:
                    await table.give_back_undo(session, incident.id)
                else:
                    await table.take_back_strikes(session, incident.id)
                await self._jobs.cancel(session, f"{UNDO_JOB}:{incident.id}")
        return tuple(failures)

    async def _spare(self, incident_id: int) -> None:
        """Leave alone what is still to be deleted."""
        async with self._database.write() as session:
            pending = await table.list_pending(session, incident_id)
            await table.mark_messages(session, [one.message_id for one in pending], table.KEPT)
        for one in pending:
            self.deletions.discard(one.channel_id, [one.message_id])

    async def _undo_case(self, incident: table.Incident, number: int) -> AppError | None:
        await self._pace()
        try:
            await self._cases.undo(incident.guild_id, number, AUTOMOD)
        except (Conflict, NotFound):
            # Somebody has undone or deleted it already, or it never took effect.
            return None
        except AppError as error:
            return error
        return None

    async def _undo_again(self, job: Job) -> None:
        """Go on with an undo whose process died."""
        async with self._database.read() as session:
            incident = await table.get_incident(session, int(job.payload["incident_id"]))
        if incident is not None and incident.state == table.UNDONE:
            await self._take_back(incident)
            await self.logbook.write(incident.id)


def _values_of(first: Occasion, log_channel_id: int | None) -> Json:
    return {
        "guild_id": first.guild_id,
        "scope": first.scope,
        "user_id": first.person.id,
        "user_name": first.person.name[:100],
        "channel_id": first.channel_id,
        "shadow": first.shadow,
        "state": table.OPEN,
        "severity": 0,
        "findings": {},
        "effects": {},
        "excerpt": _excerpt(first),
        "revision": 1,
        "logged_revision": 0,
        "log_channel_id": log_channel_id,
    }


def _excerpt(first: Occasion) -> str | None:
    # Of a secret that leaked only its beginning is shown: the hits say it already.
    if any(hit.trigger == "leaks" for hit in first.hits):
        return next((hit.text for hit in first.hits if hit.text), None)
    text = first.content or next((hit.text for hit in first.hits if hit.text), "")
    return text[:LONGEST_EXCERPT] or None


def _gather(occasions: Sequence[Occasion]) -> _Batch:
    batch = _Batch(occasions[0])
    for one in occasions:
        named = {hit.rule for hit in one.hits}
        rules = {name: rule for name, rule in one.rules.items() if name in named}
        for user_id in one.user_ids:
            batch.rules[user_id].update(rules)
            if name := one.names.get(user_id):
                batch.names[user_id] = name
        if one.person.name:
            batch.names[one.person.id] = one.person.name
        _gather_messages(batch, one)
    return batch


def _gather_messages(batch: _Batch, one: Occasion) -> None:
    leaks = any(hit.trigger == "leaks" for hit in one.hits)
    for ref in one.judgement.messages:
        is_own = ref.message_id == one.message_id
        row = batch.messages.setdefault(
            ref.message_id,
            {
                "message_id": ref.message_id,
                "channel_id": ref.channel_id,
                "user_id": None if one.scope == "campaign" else one.person.id,
                "content": None,
                "delete": False,
            },
        )
        row["delete"] = row["delete"] or not one.shadow
        if is_own:
            row["user_id"] = one.person.id
            row["content"] = None if leaks else one.content[:LONGEST_EXCERPT] or None


def _is_open(effect: Json) -> bool:
    return not effect.get("done") and "error" not in effect


async def _mark_effect(
    session: AsyncSession, incident_id: int, number: int, effect: Json, result: Json
) -> None:
    """Note what came of an effect, unless another is wanted by now."""
    incident = await table.get_incident(session, incident_id, lock=True)
    if incident is None:
        return
    listed: list[Any] = list(incident.effects.get("list", ()))
    if number < len(listed) and listed[number] == effect:
        listed[number] = {**effect, **result}
        incident.effects = {"list": listed}
        incident.revision += 1
