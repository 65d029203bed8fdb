"""The service for cases: what features, automod and the web call.

It joins the parts; what each does is in its module: opening, enforcement, sanctions, undoing,
editing, evidence, bulk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.core.cases.announcing import Announcer, direct_key
from bot.core.cases.bulk import MassOrders, Progress
from bot.core.cases.calls import Caller
from bot.core.cases.desk import Desk, Follower, read_case, read_sanction
from bot.core.cases.editing import Editor, read_note
from bot.core.cases.enforcement import Enforcement
from bot.core.cases.evidence import EvidenceLocker
from bot.core.cases.explaining import explain
from bot.core.cases.opening import Opener
from bot.core.cases.outcomes import Delayed, EnforcementError
from bot.core.cases.parking import ParkedSanctions
from bot.core.cases.policy import CasePolicy
from bot.core.cases.rules import COUNTING, check_order, is_own_reason
from bot.core.cases.sanctions import SanctionKeeper
from bot.core.cases.undoing import Undoer
from bot.core.cases.values import (
    UNCHANGED,
    Case,
    CaseEdit,
    CaseKind,
    CaseNote,
    CaseOpened,
    CaseState,
    Enforcer,
    Evidence,
    Order,
    Sanction,
    SanctionKind,
    Told,
    Unchanged,
)
from bot.core.contracts import Actor, BotState
from bot.core.errors import AppError, NotFound
from bot.core.i18n import _
from db import cases as table
from db import sanctions as sanction_table
from db.sanctions import HOLDING

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.events import EventBus
    from bot.core.jobs import JobService
    from bot.core.outbox import OutboxService
    from bot.core.problems import ProblemService
    from bot.core.settings import SettingsStore
    from bot.core.supervisor import TaskSupervisor
    from db.engine import Database

# What an order may take while somebody waits; a job takes over from there.
PATIENCE_SECONDS = 25.0
# Discord said to come back; sooner than this is not worth a try.
SOON = timedelta(seconds=10)


class CaseService:
    """Orders, records, changes and reads cases, of all guilds; one per process."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        settings: SettingsStore,
        *,
        bus: EventBus,
        jobs: JobService,
        outbox: OutboxService,
        problems: ProblemService,
        supervisor: TaskSupervisor,
        state: Callable[[], BotState],
        farewell_seconds: float = 5.0,
    ) -> None:
        self._desk = Desk(
            database=database,
            clock=clock,
            jobs=jobs,
            outbox=outbox,
            bus=bus,
            supervisor=supervisor,
            settings=settings,
            state=state,
            dm_seconds=farewell_seconds,
        )
        self._caller = Caller(self._desk)
        announcer = Announcer(self._desk)
        self._opener = Opener(self._desk, announcer)
        self._enforcement = Enforcement(self._desk, self._caller, announcer, self._opener)
        self._keeper = SanctionKeeper(self._desk, self._caller, announcer)
        self._parked = ParkedSanctions(self._desk, problems, supervisor, self._caller)
        self._undoer = Undoer(self._desk, self._caller, announcer, self._keeper)
        self._editor = Editor(self._desk, announcer)
        self._evidence = EvidenceLocker(self._desk)
        self._mass = MassOrders(self._desk, self._caller, announcer, self._opener, self.order)

    # --- wiring ------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take up the work of earlier runs; before this nothing that waits is done."""
        self._enforcement.start()
        self._keeper.start()
        self._undoer.start()
        await self._parked.start()

    def use(self, enforcer: Enforcer) -> None:
        """Carry cases out with this from now on; until there is one they wait."""
        self._desk.enforcer = enforcer

    def leave(self, enforcer: Enforcer) -> None:
        """Carry cases out with this no more; one that has been replaced is no matter."""
        if self._desk.enforcer is enforcer:
            self._desk.enforcer = None

    async def mute_role_id(self, guild_id: int) -> int | None:
        """Return the role by which a guild mutes people, `None` where there is none."""
        return await self._desk.policy.mute_role_id(guild_id)

    def use_policy(self, policy: CasePolicy) -> None:
        """Ask this from now on what guilds have decided."""
        self._desk.policy = policy

    def follow_with(self, name: str, follower: Follower) -> None:
        """Show this every new case in the transaction that opens it, beside the policy.

        It takes the place of an earlier follower of the same name.
        """
        self._desk.followers[name] = follower

    def look_again(self, guild_id: int) -> None:
        """Go on with what waited for a permission, if that is there now; returns at once."""
        self._parked.look_again(guild_id)

    async def take_up(self, session: AsyncSession, guild_id: int) -> None:
        """Go on with a guild's cases after the bot had left it: its jobs were dropped then."""
        await self._keeper.take_up(session, guild_id)

    # --- ordering ----------------------------------------------------------------------------

    async def order(self, order: Order) -> Case:
        """Record a case and carry it out; returns it applied, or planned when Discord is late.

        What was ordered under the same `dedupe_key` before is returned as it is and not repeated.
        Raises `InvalidInput` for an order that makes no sense, and `Denied`, `NotFound` or
        `DiscordFailed` when Discord refuses for good: the case is then on record as failed.
        """
        order = await self._opener.complete(check_order(order))
        async with self._desk.turn(order.guild_id, [order.target.id]):
            async with self._desk.database.write() as session:
                opened = await self._opener.open(session, [order])
            case = read_case(opened.cases[0])
            is_new = case.id in opened.new
            if is_new:
                self._desk.spread(CaseOpened(at=self._desk.clock.now(), case=case))
            if case.state is not CaseState.PLANNED:
                return case
            return await self._carry_out(case, is_repeat=not is_new)

    async def _carry_out(self, case: Case, *, is_repeat: bool) -> Case:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._enforcement.carry_out(case.id, is_repeat=is_repeat)
        except Delayed as error:
            return await self._enforcement.postpone(case.id, max(error.after, SOON))
        except TimeoutError:
            return await self._enforcement.postpone(case.id, SOON)
        except EnforcementError as error:
            raise explain(self._caller, case, error) from error

    async def order_many(
        self, orders: Sequence[Order], progress: Progress | None = None
    ) -> list[Case | AppError]:
        """Carry out many orders of one guild; each has its case or its error, in their order.

        Bans that are alike go through Discord's bulk endpoint and write to nobody.
        """
        return await self._mass.order(orders, progress) if orders else []

    async def record(self, order: Order) -> Case | None:
        """Record what has happened on Discord already; `None` when its key is known."""
        order = await self._opener.complete(check_order(order))
        async with (
            self._desk.turn(order.guild_id, [order.target.id]),
            self._desk.database.write() as session,
        ):
            opened = await self._opener.open(session, [order], happened=True)
        case = read_case(opened.cases[0])
        if case.id not in opened.new:
            return None
        self._desk.spread(CaseOpened(at=self._desk.clock.now(), case=case))
        return case

    async def undo(
        self,
        guild_id: int,
        number: int,
        actor: Actor,
        reason: str | None = None,
        *,
        notify: bool = False,
    ) -> Case:
        """Take a case back: its points, and what it did if that still holds.

        With `notify` the member is told of what is lifted, if they were told that it held them.
        Raises `NotFound`, `Conflict` for a case that stands no more, and `Denied` when Discord does
        not allow it: the case then stands as before.
        """
        row = await self._row(guild_id, number)
        try:
            return await self._undoer.undo(row, actor, reason, notify=notify)
        except EnforcementError as error:
            raise explain(self._caller, read_case(row), error) from error

    async def on_member_joined(self, guild_id: int, user_id: int) -> None:
        """Put someone who comes back under what still holds them.

        One who is here although a ban was made was freed in Discord itself: the ban is over.
        """
        await self._keeper.on_member_joined(guild_id, user_id)

    @staticmethod
    def is_own_reason(text: str | None) -> bool:
        """Tell whether an audit log reason is one that cases write; who acted is not judged."""
        return is_own_reason(text)

    # --- changing ----------------------------------------------------------------------------

    async def edit(
        self,
        guild_id: int,
        number: int,
        *,
        actor: Actor,
        reason: str | Unchanged | None = UNCHANGED,
        duration: timedelta | Unchanged | None = UNCHANGED,
    ) -> Case:
        """Change reason or duration, counted from the case's beginning; `None` is for good.

        Raises `NotFound`, `InvalidInput`, and `Conflict` for a duration of what is over.
        """
        row = await self._row(guild_id, number)
        return await self._editor.edit(row, actor, reason=reason, duration=duration)

    async def delete(self, guild_id: int, number: int, actor: Actor) -> Case:
        """Hide a case and take its points back; its number is never given again.

        What it did on Discord stays: `undo` lifts that.
        """
        return await self._editor.delete(await self._row(guild_id, number), actor)

    async def add_note(self, guild_id: int, number: int, text: str, actor: Actor) -> CaseNote:
        """Add a note under a case; raises `NotFound` or `InvalidInput`."""
        return await self._editor.add_note(await self._row(guild_id, number), text, actor)

    async def add_evidence(  # noqa: PLR0917 - the case, the file, who: the order of a sentence
        self,
        guild_id: int,
        number: int,
        filename: str,
        content_type: str,
        data: bytes,
        actor: Actor,
    ) -> Evidence:
        """Keep a file with a case; raises `InvalidInput` when it is too large or one too many."""
        row = await self._row(guild_id, number)
        return await self._evidence.add(row, filename, content_type, data, actor)

    # --- reading -----------------------------------------------------------------------------

    async def get(self, guild_id: int, number: int) -> Case:
        """Return a case, deleted or not; raises `NotFound`."""
        return read_case(await self._row(guild_id, number))

    async def _row(self, guild_id: int, number: int) -> table.Case:
        async with self._desk.database.read() as session:
            row = await table.get_case(session, guild_id, number)
        if row is None:
            raise NotFound(_("There is no case {number} here.", number=number))
        return row

    async def get_by_id(self, case_id: int) -> Case:
        """Return a case by its id in the database; raises `NotFound`."""
        async with self._desk.database.read() as session:
            row = await table.get_case_by_id(session, case_id)
        if row is None:
            raise NotFound(_("That case is gone."))
        return read_case(row)

    async def points(self, guild_id: int, user_id: int, now: datetime) -> int:
        """Return a member's points that count: not undone, deleted or expired."""
        async with self._desk.database.read() as session:
            return await table.sum_points(session, guild_id, user_id, now, COUNTING)

    async def count(
        self, guild_id: int, *, moderator_id: int | None = None, since: datetime
    ) -> dict[tuple[int, CaseKind], int]:
        """Return how many cases there are since an instant, by moderator and kind."""
        async with self._desk.database.read() as session:
            counts = await table.count_by_kind(
                session, guild_id, moderator_id=moderator_id, since=since
            )
        return {(who, CaseKind(kind)): count for (who, kind), count in counts.items()}

    async def sanction_of(self, guild_id: int, user_id: int, kind: SanctionKind) -> Sanction | None:
        """Return what holds a member, or `None`."""
        async with self._desk.database.read() as session:
            row = await sanction_table.get_sanction(session, guild_id, user_id, kind)
        return read_sanction(row) if row is not None and row.state == HOLDING else None

    async def history(self, case: Case) -> Sequence[CaseEdit]:
        """Return the changes to a case, oldest first."""
        async with self._desk.database.read() as session:
            rows = await table.list_edits(session, case.id)
        return [
            CaseEdit(row.field, row.before, row.after, row.editor_id, row.edited_at) for row in rows
        ]

    async def told(self, case: Case) -> Told:
        """Return whether the member was written to, waiting for Discord as a farewell does."""
        receipt = await self._desk.outbox.wait_for(direct_key(case.id), self._desk.dm_seconds)
        if receipt is None:
            return Told.NOT_MEANT
        if receipt.message_id is not None:
            return Told.WRITTEN
        return Told.WAITING if receipt.is_open else Told.REFUSED

    async def list_notes(self, case: Case) -> Sequence[CaseNote]:
        """Return the notes of a case, oldest first."""
        async with self._desk.database.read() as session:
            return [read_note(row) for row in await table.list_notes(session, case.id)]

    async def list_evidence(self, case: Case) -> Sequence[Evidence]:
        """Return what is kept with a case, oldest first."""
        return await self._evidence.list(case.id)

    async def read_evidence(self, guild_id: int, evidence_id: int) -> tuple[Evidence, bytes]:
        """Return a file that is kept with a case of the guild; raises `NotFound`."""
        return await self._evidence.read(guild_id, evidence_id)

    async def list(
        self,
        guild_id: int,
        *,
        target_id: int | None = None,
        moderator_id: int | None = None,
        kinds: Collection[CaseKind] | None = None,
        or_points: bool = False,
        before_number: int | None = None,
        limit: int = 25,
        include_deleted: bool = False,
    ) -> Sequence[Case]:
        """Return a guild's cases, newest first; the last one's number gets the next page.

        With `or_points`, of a member's those of other kinds, too, that gave them warn points.
        """
        async with self._desk.database.read() as session:
            rows = await table.list_cases(
                session,
                guild_id,
                target_id=target_id,
                moderator_id=moderator_id,
                kinds=kinds,
                or_points=or_points,
                before_number=before_number,
                limit=limit,
                include_deleted=include_deleted,
            )
        return [read_case(row) for row in rows]
