"""What was still to be done in a guild ends with the bot's leaving, also when it was away then."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.jobs import Job
from bot.core.outbox import Delivery
from db.engine import Database
from db.guilds import SeenGuild
from db.jobs import Job as JobRow
from db.leases import WorkState
from db.outbox import OutboxMessage
from tests.commandtree import resting_kernel

LEFT, STAYED = 1 << 40, 2 << 40


async def test_work_in_a_guild_left_while_away_is_cancelled(database: Database) -> None:
    async def handle(_job: Job, _session: AsyncSession) -> None:
        """Never called."""

    async with resting_kernel(database) as (kernel, _intake):
        now = kernel.clock.now()
        kernel.jobs.register("feed", handle)
        for guild_id in (LEFT, STAYED):
            kernel.roster.guild_seen(SeenGuild(guild_id, "Pond", now))
            async with database.write() as session:
                await kernel.jobs.schedule(
                    session,
                    "feed",
                    now + timedelta(days=1),
                    {},
                    dedupe_key=f"feed:{guild_id}",
                    guild_id=guild_id,
                )
                delivery = Delivery.message(
                    500, {"content": "Quack"}, dedupe_key=f"quack:{guild_id}", guild_id=guild_id
                )
                await kernel.outbox.send(session, delivery)
        await kernel.roster.flush()

        await kernel.roster.compare([STAYED], now)
        await kernel.roster.flush()

        async with database.read() as session:
            for table in (JobRow, OutboxMessage):
                rows = await session.execute(select(table.guild_id, table.state))
                assert {row.guild_id: row.state for row in rows} == {
                    LEFT: WorkState.CANCELLED,
                    STAYED: WorkState.PENDING,
                }
