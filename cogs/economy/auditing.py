"""Whether the books balance: asked each night and by `/economy audit`; free of discord.py.

Every account has to hold what was posted to it, every transaction has to sum to zero, and escrow
has to hold what games and offers say is in it. Where one of them is not so, it becomes a problem of
the guild, a metric and an error in the log: nothing is put right by guessing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from bot.core.i18n import _, ngettext
from bot.core.ledger import let_lapse
from bot.core.problems import Problem
from cogs.economy.settings import KEY
from db import economy_books as books
from db.economy import AccountKind

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.jobs import Job, JobService
    from bot.core.problems import ProblemService
    from db.engine import Database

    # Returns how much of a guild's escrow belongs to somebody's games or offers.
    Claims = Callable[[AsyncSession, int], Awaitable[int]]

log = structlog.get_logger(__name__)

JOB = "economy.audit"
# After the night's clean-up, which may leave accounts without owners.
RULE = "47 3 * * *"
UNEVEN = "books_uneven"
MOST_FINDINGS = 50
MOST_LAPSES = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it has to be; `number` is an account's or a transaction's."""

    guild_id: int
    what: str
    number: int
    held: int
    expected: int


class Auditing:
    """Goes through the books of one guild, or of all."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        jobs: JobService,
        problems: ProblemService,
        audited: Callable[[int], None],
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = jobs
        self._problems = problems
        self._audited = audited
        # Those who put money into escrow say how much of it is theirs.
        self.claims: list[Claims] = []

    async def start(self) -> None:
        """Have the books looked at each night."""
        self._jobs.register(JOB, effect=self._nightly, timeout=timedelta(minutes=10))
        async with self._database.write() as session:
            await self._jobs.schedule(
                session, JOB, None, dedupe_key=JOB, recurrence=RULE, replace=False
            )

    async def audit(self, guild_id: int) -> list[Finding]:
        """Return what is wrong in a guild, at most so many of each kind; nothing is changed."""
        # One state of the books: a payment that is made meanwhile is in all of it or in none.
        async with self._database.snapshot() as session:
            wrong = await books.list_wrong_balances(session, guild_id, limit=MOST_FINDINGS)
            uneven = await books.list_uneven(session, guild_id, limit=MOST_FINDINGS)
            held = (await books.list_own_balances(session, guild_id))[AccountKind.ESCROW]
            claimed = sum([await claims(session, guild_id) for claims in self.claims])
        findings = [
            *(Finding(guild_id, "balance", id_, held_, due) for id_, held_, due in wrong),
            *(Finding(guild_id, "transaction", id_, total, 0) for id_, total in uneven),
        ]
        if held != claimed:
            findings.append(Finding(guild_id, "escrow", 0, held, claimed))
        return findings

    async def _nightly(self, _job: Job) -> None:
        await self._let_lapse()
        async with self._database.read() as session:
            guild_ids = await books.list_guilds_with_accounts(session)
        count = 0
        # One guild after the other: no transaction has to see all books at once.
        for guild_id in guild_ids:
            findings = await self.audit(guild_id)
            await self.tell(guild_id, findings)
            count += len(findings)
        self._audited(count)
        log.info("books_audited", guilds=len(guild_ids), findings=count)

    async def tell(self, guild_id: int, findings: list[Finding]) -> None:
        """Note what an audit of a guild has found, in the log and as a problem of the guild."""
        for one in findings:
            log.error(
                "books_uneven",
                guild=one.guild_id,
                what=one.what,
                number=one.number,
                held=one.held,
                expected=one.expected,
            )
        if findings:
            await self._problems.report(guild_id, _problem(len(findings)))
        elif any(one.problem.cause == UNEVEN for one in await self._problems.list(guild_id)):
            await self._problems.solve(guild_id, KEY, UNEVEN, "")

    async def _let_lapse(self) -> None:
        """Put away what erased people have left behind: it belongs to nobody any more."""
        async with self._database.write() as session:
            for one in await books.list_abandoned(session, limit=MOST_LAPSES):
                await let_lapse(session, one, self._clock.now())


def _problem(count: int) -> Problem:
    message = ngettext(
        "The books of the economy don't balance: {count} thing is wrong.",
        "The books of the economy don't balance: {count} things are wrong.",
        count,
    )
    fix = _(
        "/economy audit shows what. Whoever runs the bot can compare with a backup; money was "
        "changed past the bot, or the database was damaged."
    )
    return Problem(KEY, UNEVEN, "", message, fix)
