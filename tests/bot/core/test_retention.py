"""The nightly clean-up: what features have kept for long enough goes too."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.config import Config
from bot.core.features import FeatureRegistry
from bot.core.jobs import JobService
from bot.core.retention import Retention
from bot.core.supervisor import TaskSupervisor
from cogs import general
from db.engine import Database
from db.giveaways import GiveawayLoan
from db.people import erase_person
from tests.fakes import FakeClock


async def test_clean_erases_what_was_kept_for_a_while(sqlite_database: Database) -> None:
    clock, config = FakeClock(), Config()
    jobs = JobService(sqlite_database, clock, config.jobs, TaskSupervisor())
    retention = Retention(sqlite_database, clock, jobs, config.retention, FeatureRegistry([]))
    job: Any = None
    async with sqlite_database.write() as session:
        given = {"guild_id": 1, "role_id": 2, "ends_at": clock.now(), "state": "given"}
        await session.execute(insert(GiveawayLoan).values(user_id=3, **given))
        await erase_person(session, 3, now=clock.now())
        await retention.clean(job, session)
        assert await session.scalar(select(GiveawayLoan.user_id)) == 3
        await session.execute(update(GiveawayLoan).values(state="over"))
        await retention.clean(job, session)
        assert await session.scalar(select(GiveawayLoan.user_id)) is None


async def test_clean_has_each_feature_purge_what_is_its_own(sqlite_database: Database) -> None:
    clock, purged = FakeClock(), []

    async def purge(session: AsyncSession, now: datetime) -> None:
        purged.append((session.in_transaction(), now))

    registry = FeatureRegistry([replace(general.FEATURE, purge=purge)])
    config = Config()
    jobs = JobService(sqlite_database, clock, config.jobs, TaskSupervisor())
    retention = Retention(sqlite_database, clock, jobs, config.retention, registry)
    job: Any = None
    async with sqlite_database.write() as session:
        await retention.clean(job, session)

    assert purged == [(True, clock.now())]
