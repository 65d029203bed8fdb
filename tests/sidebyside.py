"""Jobs and outbox beside each other, as in the bot: a job may wait for what it has put in."""

from __future__ import annotations

import asyncio

from bot.core.jobs import JobService
from bot.core.outbox import OutboxService


async def work(jobs: JobService, outbox: OutboxService) -> None:
    """Run the jobs that are due while what they say is delivered, and then what is left of it."""
    working = asyncio.create_task(jobs.run_due())
    while not working.done():
        await outbox.run_due()
        await asyncio.sleep(0.002)
    await working
    await outbox.run_due()
