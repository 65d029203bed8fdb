"""What was to be done in a guild ends or waits as the bot leaves, also when it was away then."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.jobs import Job
from bot.core.outbox import Delivery
from bot.core.roles import RoleChange, RoleSource
from db.engine import Database
from db.guilds import SeenGuild
from db.jobs import Job as JobRow
from db.outbox import OutboxMessage
from db.role_wishes import list_wishes
from tests.commandtree import resting_kernel

LEFT, STAYED = 1 << 40, 2 << 40


async def test_work_in_a_guild_left_while_away_ends_or_waits_until_the_bot_is_back(
    database: Database,
) -> None:
    async def handle(_job: Job, _session: AsyncSession) -> None:
        """Never called."""

    async with resting_kernel(database) as (kernel, _intake):
        now = kernel.clock.now()
        kernel.jobs.register("feed", handle)
        kernel.jobs.register("give back", handle, outlasts_absence=True)
        for guild_id in (LEFT, STAYED):
            kernel.roster.guild_seen(SeenGuild(guild_id, "Pond", now))
            async with database.write() as session:
                for kind in ("feed", "give back"):
                    key, due = f"{kind}:{guild_id}", now + timedelta(days=1)
                    await kernel.jobs.schedule(
                        session, kind, due, dedupe_key=key, guild_id=guild_id
                    )
                delivery = Delivery.message(
                    500, {"content": "Quack"}, dedupe_key=f"quack:{guild_id}", guild_id=guild_id
                )
                await kernel.outbox.send(session, delivery)
        await kernel.roster.flush()

        await kernel.roster.compare([STAYED], now)
        await kernel.roster.flush()
        assert await states(database, STAYED) == ["pending"] * 3
        assert await states(database, LEFT) == ["cancelled", "suspended", "suspended"]

        kernel.roster.guild_seen(SeenGuild(LEFT, "Pond", now))
        await kernel.roster.flush()
        assert await states(database, LEFT) == ["cancelled", "pending", "pending"]


async def states(database: Database, guild_id: int) -> list[str]:
    """Return how the jobs and messages of a guild stand, in their order."""
    async with database.read() as session:
        return [
            state
            for table in (JobRow, OutboxMessage)
            for state in await session.scalars(
                select(table.state).where(table.guild_id == guild_id).order_by(table.id)
            )
        ]


async def test_role_that_staff_gave_waits_for_the_bot_to_be_back(database: Database) -> None:
    async with resting_kernel(database) as (kernel, _intake):
        now = kernel.clock.now()
        kernel.roster.guild_seen(SeenGuild(LEFT, "Pond", now))
        await kernel.roster.flush()
        async with database.write() as session:
            for source in (RoleSource.COMMAND, RoleSource.AUTOMATIC):
                change = RoleChange(
                    guild_id=LEFT, user_id=9, role_id=len(source), want=True, source=source
                )
                await kernel.roles.want(session, [change])
        kernel.roster.guild_left(LEFT, now)
        await kernel.roster.flush()
        assert await wishes(database) == [("command", "suspended")]

        kernel.roster.guild_seen(SeenGuild(LEFT, "Pond", now))
        await kernel.roster.flush()
        assert await wishes(database) == [("command", "waiting")]


async def wishes(database: Database) -> list[tuple[str, str]]:
    """Return who wants roles in the guild that was left, and how that stands."""
    async with database.read() as session:
        return [(one.source, one.state) for one in await list_wishes(session, LEFT)]
