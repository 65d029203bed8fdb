"""Kills a process at a named step of a job and its delivery, then lets another take over.

For a feature's own test: write a `register(jobs, outbox)` that gives its kinds a handler, schedule
its job, then `await survive(..., "my.module:register", STEPS[...])` and look at what is left.
What it returns, if anything, is an async function that acts in the `Scene` while the work goes on.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import tempfile
from pathlib import Path

from tests.kill import victim
from tests.kill.victim import Step

GIVE_UP_SECONDS = 60.0
# Past every lease, yet within the time for which Discord knows a nonce.
AFTER_LEASES = 120.0

# Each victim is a process of its own, forked from one that has imported everything already.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "tests.kill.victim",
        "tests.kill.test_kill_absence",
        "tests.kill.test_kill_antinuke",
        "tests.kill.test_kill_automod",
        "tests.kill.test_kill_autorole",
        "tests.kill.test_kill_batches",
        "tests.kill.test_kill_cases",
        "tests.kill.test_kill_games",
        "tests.kill.test_kill_giveaways",
        "tests.kill.test_kill_levels",
        "tests.kill.test_kill_lockdown",
        "tests.kill.test_kill_redraws",
        "tests.kill.test_kill_roles",
        "tests.kill.test_kill_ticket_channels",
        "tests.kill.test_kill_tickets",
        "tests.kill.test_kill_verification",
        "tests.kill.readied",
    ]
)


JOB_CLAIM = r"UPDATE jobs SET.* lease_token=\("
JOB_DONE = r"UPDATE jobs SET.* finished_at="
DELIVERY_CLAIM = r"UPDATE outbox SET.* lease_token=\("
DELIVERY_SENT = r"UPDATE outbox SET.* sent_at="

STEPS = {
    "job claim not committed": Step("committing", JOB_CLAIM),
    "job claimed": Step("committed", JOB_CLAIM),
    "outbox row added": Step("executed", "INSERT INTO outbox"),
    "job marked done": Step("committing", JOB_DONE),
    "job done": Step("committed", JOB_DONE),
    "delivery claim not committed": Step("committing", DELIVERY_CLAIM),
    "delivery claimed": Step("committed", DELIVERY_CLAIM),
    "about to send": Step("sending"),
    "sent": Step("sent"),
    "message id not committed": Step("committing", DELIVERY_SENT),
    "message id stored": Step("committed", DELIVERY_SENT),
}


async def survive(
    database_url: str,
    discord_url: str,
    scenario: str,
    step: Step,
    *,
    later: float = AFTER_LEASES,
) -> None:
    """Run a process that dies at the step, then another that many seconds later, to the end."""
    status, output = await run_victim(database_url, discord_url, scenario, step)
    assert status == -signal.SIGKILL, f"{step} was not reached: {output}"
    status, output = await run_victim(database_url, discord_url, scenario, later=later)
    assert status == 0, output


async def run_victim(
    database_url: str,
    discord_url: str,
    scenario: str,
    step: Step | None = None,
    *,
    later: float = 0.0,
) -> tuple[int | None, str]:
    """Run one process over the database; returns its exit status and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        arguments = (database_url, discord_url, scenario, step or Step(""), later, output)
        process = _CONTEXT.Process(target=victim.main, args=arguments)
        process.start()
        try:
            await asyncio.to_thread(process.join, GIVE_UP_SECONDS)
        finally:
            process.kill()
            process.join()
        status = process.exitcode
        process.close()
        return status, output.read_text(errors="replace")
