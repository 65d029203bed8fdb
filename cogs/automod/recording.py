"""Writes down what rules hit: the incident, its members and messages, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.jobs import JobService
from cogs.automod.batches import Batch, gather, values_of
from cogs.automod.deletions import is_since
from cogs.automod.logbook import Logbook
from cogs.automod.planning import (
    Json,
    Occasion,
    effects_of,
    merged_effects,
    merged_findings,
)
from cogs.automod.plans import Asked, asked_of, ban_window, raised, steps_after
from cogs.automod.repeats import merged_judged, what_is_new
from cogs.automod.rules.outcomes import merge_actions, severity_of
from cogs.automod.rules.values import Action
from db import automod as table
from db import automod_messages as message_table
from db import automod_strikes as strike_table
from db.engine import Database

if TYPE_CHECKING:
    from bot.core.clock import Clock

SETTLE_JOB = "automod.settle"
# Hits closer together than this are one incident.
BURST = timedelta(seconds=10)
# When the job looks whether all has been done: later than this process takes for it.
SETTLE_AFTER = timedelta(seconds=15)
# Of an incident's messages the content of so many is kept, to be shown when it is undone.
MOST_CONTENTS = 25

Count = Callable[[str, str], None]


class Recorder:
    """Makes one incident of what comes close together; decides what is wanted of each member."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        jobs: JobService,
        logbook: Logbook,
        *,
        acted: Count,
        happened: Callable[[str], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._logbook = logbook
        self._acted = acted
        self._happened = happened

    async def write_down(
        self, occasions: Sequence[Occasion]
    ) -> tuple[int | None, dict[int, list[int]]]:
        """Write occasions of one key down as one incident, with the job that sees to it.

        Returns the incident and what is to be deleted at once, by channel; no incident where
        nothing is new.
        """
        channel_id = await self._logbook.channel_of(occasions[0].guild_id)
        now = self._clock.now()
        async with self._database.write() as session:
            # Two processes that both find something new make the same of it: one incident.
            occasions, judged = await _leave_out_repeats(session, occasions)
            if not occasions:
                return None, {}
            batch = gather(occasions)
            first = batch.first
            incident, is_new = await table.open_incident(
                session,
                open_key=first.open_key,
                now=now,
                window=BURST,
                values=values_of(first, channel_id),
                lasts=first.scope == "name",
            )
            if first.scope == "name" and not is_new:
                return incident.id, {}
            if first.scope == "campaign":
                await _leave_out_known(session, incident, batch, is_new=is_new)
            findings: Json = {} if is_new else incident.findings
            for one in occasions:
                findings = merged_findings(findings, one)
            incident.findings = findings
            actions = await self._want(session, incident, batch)
            _grow(incident, first, actions, is_new=is_new)
            deletes = not first.shadow and (
                any(one.type == "delete" for one in actions) or not all(o.rules for o in occasions)
            )
            await self._add_messages(session, incident, batch, deletes=deletes, is_new=is_new)
            await _remember(session, incident.id, batch, judged)
            await session.flush()
            if is_new:
                await self._logbook.open(session, incident, actions)
            await self._see_to_it(session, incident)
            pending = await self._pending_now(session, incident.id, batch)
        self._count(batch, actions, is_new=is_new)
        return incident.id, pending

    async def _want(
        self, session: AsyncSession, incident: table.Incident, batch: Batch
    ) -> tuple[Action, ...]:
        """Write down what is wanted of each member; return all that is asked for."""
        known = await table.get_members(session, incident.id, batch.rules)
        if batch.first.shadow:
            user_id = batch.first.person.id
            await self._raise(session, incident, user_id, batch, (), known.get(user_id))
            return ()
        wanted: dict[str, Action] = {}
        for user_id, rules in batch.rules.items():
            strikes = {
                rule.name: await strike_table.add_strike(
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
            asked = asked_of(rules.values(), strikes)
            merged = merge_actions(action for _rule, found in asked for action in found)
            wanted |= {repr(one): one for one in merged}
            await self._raise(session, incident, user_id, batch, asked, known.get(user_id))
        return tuple(wanted.values())

    async def _raise(  # noqa: PLR0917 - what of whom, where
        self,
        session: AsyncSession,
        incident: table.Incident,
        user_id: int,
        batch: Batch,
        asked: Asked,
        known: table.IncidentMember | None,
    ) -> None:
        """Want what is asked for of a member, too: the harsher of each."""
        rules = batch.rules[user_id]
        before: Json = known.steps if known is not None else {}
        version = known.version if known is not None else 0
        plan = raised(before, asked, version + 1)
        is_more = known is None or plan["steps"] != before.get("steps")
        named = dict.fromkeys([*before.get("rules", ()), *rules])
        plan |= {
            "rules": list(named)[:10],
            "is_bot": batch.first.person.is_bot and user_id == batch.first.person.id,
        }
        if plan != before:
            await table.put_member(
                session,
                incident_id=incident.id,
                user_id=user_id,
                name=batch.names.get(user_id, ""),
                version=version + 1 if is_more else version,
                steps=plan,
            )

    async def _add_messages(
        self,
        session: AsyncSession,
        incident: table.Incident,
        batch: Batch,
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
            state = message_table.PENDING if wanted else message_table.KEPT
            rows.append({**row, "incident_id": incident.id, "state": state})
        if rows:
            await message_table.add_messages(session, rows)

    async def _pending_now(
        self, session: AsyncSession, incident_id: int, batch: Batch
    ) -> dict[int, list[int]]:
        """Return what of these is to be deleted at once: not what a ban is about to take along."""
        members = await table.list_unfinished(session, incident_id)
        now = self._clock.now()
        # What is older than a ban reaches back has to be deleted by itself.
        since = {
            one.user_id: now - window
            for one in members
            if (window := ban_window(steps_after(one.steps, one.carried_out)))
        }
        found: dict[int, list[int]] = defaultdict(list)
        for message in await message_table.list_pending(session, incident_id):
            if message.message_id not in batch.messages:
                continue
            start = since.get(message.user_id or 0)
            if start is None or not is_since(message.message_id, start):
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

    def _count(self, batch: Batch, actions: Sequence[Action], *, is_new: bool) -> None:
        if not is_new:
            return
        self._happened("shadow_hit" if batch.first.shadow else "incident")
        trigger = next((hit.trigger for hit in batch.first.hits), "rule")
        for action in actions:
            self._acted(trigger, action.type)


def _grow(
    incident: table.Incident, first: Occasion, actions: tuple[Action, ...], *, is_new: bool
) -> None:
    """Add to an incident what is wanted besides."""
    known = incident.effects.get("list", [])
    effects = merged_effects(known, effects_of(actions, first.channel_id))
    if effects != known:
        incident.effects = {"list": effects}
    severity = 0 if first.shadow else severity_of(actions).rank
    incident.severity = max(incident.severity, severity)
    if not is_new:
        incident.revision += 1


async def _leave_out_repeats(
    session: AsyncSession, occasions: Sequence[Occasion]
) -> tuple[Sequence[Occasion], Sequence[message_table.JudgedMessage]]:
    """Return what is new of occasions of one key, and what was found in their messages before."""
    first = occasions[0]
    if first.scope != "member" or first.shadow:
        return occasions, ()
    ids = {one.message_id for one in occasions if one.message_id is not None}
    known = await message_table.list_judged(session, ids)
    by_message: dict[int | None, list[message_table.JudgedMessage]] = defaultdict(list)
    for one in known:
        by_message[one.message_id].append(one)
    new = [what_is_new(one, by_message.get(one.message_id, ())) for one in occasions]
    return [one for one in new if one is not None], known


async def _remember(
    session: AsyncSession,
    incident_id: int,
    batch: Batch,
    known: Sequence[message_table.JudgedMessage],
) -> None:
    """Remember what has been found by now in messages that the incident has held before."""
    await message_table.note_judged(
        session,
        incident_id,
        {
            one.message_id: merged_judged(one.judged, row["judged"])
            for one in known
            if one.incident_id == incident_id and (row := batch.messages.get(one.message_id))
        },
    )


async def _leave_out_known(
    session: AsyncSession, incident: table.Incident, batch: Batch, *, is_new: bool
) -> None:
    """Have what a campaign holds already happen once: it goes on naming its earlier messages."""
    if incident.shadow:
        return
    earlier = await message_table.list_in_campaigns(session, incident.id, list(batch.messages))
    judged: dict[int, set[str]] = defaultdict(set)
    for one in earlier:
        judged[one.message_id] |= one.rules
    batch.leave_out_judged(judged)
    for one in earlier:
        if one.state in (message_table.PENDING, message_table.DELETED):
            batch.messages.pop(one.message_id, None)
    if is_new:
        return
    for member in await table.list_members(session, incident.id):
        # Who writes again is looked at again: the harsher of both holds.
        if member.user_id in batch.rules and member.user_id not in batch.authors:
            batch.leave_out(member.user_id, member.steps.get("rules", ()))
