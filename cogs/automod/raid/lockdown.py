"""Lockdowns: closing channels so that they can be opened exactly as they were, whatever happens.

What was there is stored before anything is changed. One job per lockdown makes every call to
Discord, so no two hands are ever at work; it can be killed between any two of them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.cases.outcomes import Delayed, EnforcementError, Gone
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, DiscordFailed, InvalidInput, NotFound
from bot.core.i18n import _
from bot.core.jobs import Job, Retry
from bot.core.outbox.deliveries import Delivery
from bot.core.problems.rules import Problem
from cogs.automod.raid.desk import FEATURE, RaidDesk
from cogs.automod.raid.overwrites import (
    Bits,
    Bot,
    Change,
    close,
    plan_changes,
    read_overwrites,
    reopen,
)
from cogs.automod.raid.wording import lockdown_text
from db import lockdowns as table
from db.lockdowns import ChangeState, Lockdown, LockdownChange, LockdownState

LOCKDOWN_JOB = "automod.lockdown"
REFUSED = "lockdown_refused"
# Read anew after so many changes, so that nothing set by hand meanwhile is overlooked.
BATCH = 25
RETRY = timedelta(minutes=5)
SOON = timedelta(seconds=5)
MAX_REASON = 300
_OPENABLE = (ChangeState.PLANNED, ChangeState.SET, ChangeState.REFUSED)
_RUNNING = (LockdownState.CLOSING, LockdownState.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockdownOrder:
    """What is to be closed: the public channels, or the chosen ones, for a time or until ended."""

    guild_id: int
    actor: Actor
    channel_ids: frozenset[int] | None = None
    duration: timedelta | None = None
    reason: str | None = None
    raid_id: int | None = None


@dataclass(slots=True)
class _Turn:
    """One run over the changes: what could not be done in it."""

    refused: set[int] = field(default_factory=set)
    refused_channels: set[int] = field(default_factory=set)


class LockdownService:
    """Starts, carries out and ends lockdowns, at most one per guild at a time."""

    def __init__(self, desk: RaidDesk) -> None:
        self._desk = desk

    def start(self) -> None:
        """Take up lockdowns, also those of earlier runs."""
        self._desk.jobs.register(
            LOCKDOWN_JOB,
            self.settle,
            effect=self.work,
            timeout=timedelta(minutes=30),
            max_attempts=1_000,
        )

    async def begin(self, order: LockdownOrder) -> Lockdown:
        """Store what is to be closed and have it done; returns at once.

        Raises `Conflict` while there is a lockdown, `InvalidInput` when nothing is to be closed,
        and `Denied` or `DiscordFailed` when the channels can't be read or changed.
        """
        changes = await self._plan(order)
        now = self._desk.clock.now()
        async with self._desk.database.write() as session:
            lockdown = await table.open_lockdown(
                session,
                guild_id=order.guild_id,
                raid_id=order.raid_id,
                started_by=order.actor.user_id or None,
                reason=(order.reason or "")[:MAX_REASON] or None,
                now=now,
                ends_at=now + order.duration if order.duration else None,
            )
            if lockdown is None:
                raise Conflict(
                    _("There is a lockdown already."),
                    hint=_("End it with /automod lockdown end first."),
                )
            rows = [_row(lockdown.id, place, one) for place, one in enumerate(changes)]
            await table.add_changes(session, rows)
            await self._desk.jobs.schedule(
                session,
                LOCKDOWN_JOB,
                now,
                {"lockdown_id": lockdown.id},
                dedupe_key=_key(lockdown.id),
                guild_id=order.guild_id,
            )
            await self._tell(session, lockdown, planned=len({one.channel_id for one in changes}))
        self._desk.count("lockdown")
        return lockdown

    async def _plan(self, order: LockdownOrder) -> list[Change]:
        me = self._desk.state().me(order.guild_id)
        if me is None:
            raise NotFound(_("I am not in this server any more."))
        controls = self._desk.controls
        try:
            guild = await controls.read_guild(order.guild_id)
            channels = await controls.read_channels(order.guild_id)
        except EnforcementError as error:
            raise DiscordFailed(
                _("Discord does not show me this server's channels at the moment."),
                hint=_("Please try again in a minute."),
            ) from error
        bot = Bot(me.id, me.permissions)
        if not {"manage_roles", "send_messages"} <= me.permissions:
            raise Denied(
                _("I can't close channels here."),
                hint=_("Give me the Manage Roles and Send Messages permissions."),
            )
        changes = plan_changes(guild, channels, bot, order.channel_ids)
        if not changes:
            raise InvalidInput(_("There is nothing to close: nobody can write in these channels."))
        return changes

    async def end(self, guild_id: int) -> Lockdown:
        """Have the guild's channels opened again; raises `NotFound` when none are closed."""
        async with self._desk.database.write() as session:
            lockdown = await table.get_open_lockdown(session, guild_id)
            if lockdown is None:
                raise NotFound(_("There is no lockdown here."))
            await self._end(session, lockdown.id, guild_id)
        return lockdown

    async def end_of_raid(self, guild_id: int, raid_id: int) -> None:
        """End the lockdown that a raid brought, if it is still on."""
        async with self._desk.database.write() as session:
            lockdown = await table.get_open_lockdown(session, guild_id)
            if lockdown is not None and lockdown.raid_id == raid_id:
                await self._end(session, lockdown.id, guild_id)

    async def current(self, guild_id: int) -> tuple[Lockdown, Mapping[str, int]] | None:
        """Return the guild's lockdown and how many channels are how far, or `None`."""
        async with self._desk.database.read() as session:
            lockdown = await table.get_open_lockdown(session, guild_id)
            if lockdown is None:
                return None
            return lockdown, await table.count_changes(session, lockdown.id)

    async def _end(self, session: AsyncSession, lockdown_id: int, guild_id: int) -> None:
        now = self._desk.clock.now()
        if not await table.move_lockdown(
            session, lockdown_id, expected=_RUNNING, state=LockdownState.OPENING, now=now
        ):
            return
        key = _key(lockdown_id)
        # One that runs at this moment sees the new state when it is through.
        if not await self._desk.jobs.hasten(session, key, now) and not (
            await self._desk.jobs.is_open(session, key)
        ):
            await self._desk.jobs.schedule(
                session,
                LOCKDOWN_JOB,
                now,
                {"lockdown_id": lockdown_id},
                dedupe_key=key,
                guild_id=guild_id,
            )

    # --- the job -----------------------------------------------------------------------------

    async def work(self, job: Job) -> None:
        """Close or open what is left of it; the effect of `LOCKDOWN_JOB`, which may be repeated."""
        lockdown_id = job.payload["lockdown_id"]
        turn = _Turn()
        while True:
            async with self._desk.database.read() as session:
                lockdown = await table.get_lockdown(session, lockdown_id)
                if lockdown is None or lockdown.state not in (
                    LockdownState.CLOSING,
                    LockdownState.OPENING,
                ):
                    break
                closing = lockdown.state == LockdownState.CLOSING
                states = (ChangeState.PLANNED,) if closing else _OPENABLE
                limit = BATCH + len(turn.refused)
                rows = await table.list_changes(session, lockdown_id, states=states, limit=limit)
            left = [row for row in rows if closing or row.position not in turn.refused]
            if not left:
                break
            await self._take(lockdown, left[:BATCH], turn, closing=closing)
        if lockdown is not None:
            await self._tell_refusals(lockdown, turn)

    async def _take(
        self, lockdown: Lockdown, rows: Sequence[LockdownChange], turn: _Turn, *, closing: bool
    ) -> None:
        """Work on some changes; raises `Retry` when Discord wants to be asked later."""
        outcome: dict[ChangeState, list[int]] = {}
        delay: Delayed | None = None
        try:
            channels = await self._desk.controls.read_channels(lockdown.guild_id)
        except EnforcementError as error:
            raise Retry(getattr(error, "after", None) or RETRY, error.reason) from error
        current = {int(one["id"]): read_overwrites(one) for one in channels}
        for row in rows:
            try:
                state = await self._apply(row, current.get(row.channel_id), closing=closing)
            except Delayed as error:
                delay = error
                break
            except Gone:
                state = ChangeState.GONE
            except EnforcementError:
                state = ChangeState.REFUSED
                turn.refused.add(row.position)
                turn.refused_channels.add(row.channel_id)
            outcome.setdefault(state, []).append(row.position)
        async with self._desk.database.write() as session:
            for state, positions in outcome.items():
                await table.mark_changes(session, lockdown.id, positions, state)
        if delay is not None:
            raise Retry(max(delay.after, SOON), delay.reason)

    async def _apply(
        self, row: LockdownChange, overwrites: Mapping[int, Bits] | None, *, closing: bool
    ) -> ChangeState:
        if overwrites is None:
            return ChangeState.GONE
        change, current = _change(row), overwrites.get(row.overwrite_id)
        wanted = close(change, current) if closing else reopen(change, current)
        if wanted != current:
            await self._set(change, wanted)
        return ChangeState.SET if closing else ChangeState.RESTORED

    async def _set(self, change: Change, wanted: Bits | None) -> None:
        controls, reason = self._desk.controls, "Lockdown"
        if wanted is None:
            await controls.delete_overwrite(change.channel_id, change.overwrite_id, reason)
        else:
            await controls.set_overwrite(
                change.channel_id,
                change.overwrite_id,
                change.kind,
                wanted.allow,
                wanted.deny,
                reason,
            )

    async def settle(self, job: Job, session: AsyncSession) -> datetime | None:
        """Note that all is closed or open, and return when to look again."""
        lockdown_id, now = job.payload["lockdown_id"], self._desk.clock.now()
        lockdown = await table.lock_lockdown(session, lockdown_id)
        if lockdown is None or lockdown.state == LockdownState.ENDED:
            return None
        if lockdown.state == LockdownState.CLOSING:
            left = await self._is_left(session, lockdown_id, ChangeState.PLANNED)
            return now if left else await self._note_closed(session, lockdown, now)
        if lockdown.state == LockdownState.OPENING:
            # All of them are left when it was ended just now.
            if await self._is_left(session, lockdown_id, ChangeState.PLANNED, ChangeState.SET):
                return now
            if await self._is_left(session, lockdown_id, ChangeState.REFUSED):
                return now + RETRY
            await self._move(session, lockdown, LockdownState.ENDED, now)
            return None
        return await self._look_at_end(session, lockdown, now)

    @staticmethod
    async def _is_left(session: AsyncSession, lockdown_id: int, *states: ChangeState) -> bool:
        return bool(await table.list_changes(session, lockdown_id, states=states, limit=1))

    async def _note_closed(
        self, session: AsyncSession, lockdown: Lockdown, now: datetime
    ) -> datetime | None:
        await self._move(session, lockdown, LockdownState.CLOSED, now)
        return lockdown.ends_at

    async def _look_at_end(
        self, session: AsyncSession, lockdown: Lockdown, now: datetime
    ) -> datetime | None:
        if lockdown.ends_at is None or lockdown.ends_at > now:
            return lockdown.ends_at
        await table.move_lockdown(
            session, lockdown.id, expected=_RUNNING, state=LockdownState.OPENING, now=now
        )
        return now

    async def _move(
        self, session: AsyncSession, lockdown: Lockdown, state: LockdownState, now: datetime
    ) -> None:
        await table.move_lockdown(
            session, lockdown.id, expected=(lockdown.state,), state=state, now=now
        )
        await self._tell(session, lockdown, state=state)

    # --- telling -----------------------------------------------------------------------------

    async def _tell(
        self,
        session: AsyncSession,
        lockdown: Lockdown,
        *,
        state: str = LockdownState.CLOSING,
        planned: int | None = None,
    ) -> None:
        """Post or edit the lockdown's one message; a raid's own alert tells of its lockdown."""
        if lockdown.raid_id is not None:
            return
        channel_id = await self._desk.log_channel(lockdown.guild_id)
        if channel_id is None:
            return
        locale = await self._desk.locale(lockdown.guild_id)
        counts = await table.count_changes(session, lockdown.id)
        text = lockdown_text(lockdown, state, counts, planned).render(locale)
        key = f"lockdown:{lockdown.id}:log"
        payload = {"content": text}
        if state == LockdownState.CLOSING:
            delivery = Delivery.message(
                channel_id, payload, dedupe_key=key, guild_id=lockdown.guild_id
            )
        else:
            delivery = Delivery.edit(
                channel_id, key, payload, dedupe_key=f"{key}:{state}", guild_id=lockdown.guild_id
            )
        await self._desk.outbox.send(session, delivery)

    async def _tell_refusals(self, lockdown: Lockdown, turn: _Turn) -> None:
        if not turn.refused_channels:
            if lockdown.state == LockdownState.OPENING:
                await self._desk.problems.solve(lockdown.guild_id, FEATURE, REFUSED, "")
            return
        await self._desk.problems.report(
            lockdown.guild_id,
            Problem(
                FEATURE,
                REFUSED,
                "",
                _(
                    "Discord did not let me close or open {channels}.",
                    channels=_mention(turn.refused_channels),
                ),
                _("Give me the View Channel and Manage Roles permissions there."),
            ),
        )


def _mention(channel_ids: Collection[int]) -> str:
    shown = [f"<#{one}>" for one in sorted(channel_ids)[:10]]
    return ", ".join(shown) + (" …" if len(channel_ids) > len(shown) else "")


def _key(lockdown_id: int) -> str:
    return f"{LOCKDOWN_JOB}:{lockdown_id}"


def _row(lockdown_id: int, position: int, change: Change) -> dict[str, Any]:
    original = change.original
    return {
        "lockdown_id": lockdown_id,
        "channel_id": change.channel_id,
        "overwrite_id": change.overwrite_id,
        "overwrite_type": change.kind,
        "position": position,
        "original": (
            {"allow": str(original.allow), "deny": str(original.deny)} if original else None
        ),
        "allowed": change.allowed,
        "denied": change.denied,
        "cleared": change.cleared,
        "state": ChangeState.PLANNED,
    }


def _change(row: LockdownChange) -> Change:
    stored = row.original
    return Change(
        row.channel_id,
        row.overwrite_id,
        row.overwrite_type,
        Bits(int(stored["allow"]), int(stored["deny"])) if stored is not None else None,
        row.allowed,
        row.denied,
        row.cleared,
    )
