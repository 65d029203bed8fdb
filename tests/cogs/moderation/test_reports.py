"""Reports: one card for all who report a thing, whose names stay with the staff."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest

from bot.core.cases import Target
from bot.core.errors import Conflict, InvalidInput, NotFound, RateLimited
from cogs.moderation.reportcards import report_card, reporters_text
from cogs.moderation.reporting import MOST_PER_HOUR, ReportService, Subject, Taken, purge_reports
from db.engine import Database
from db.people import erase_person, export_person
from db.reports import DISMISSED, RESOLVED, Report
from tests.bot.core.cases.world import ANN, GUILD
from tests.cogs.moderation.feature_world import ModeratedWorld
from tests.fakes import FakeClock

STAFF, MIA, TOM = 600, 2001, 2002
MOD, OTHER = 9, 10
MESSAGE = Subject(
    guild_id=GUILD, target=ANN, channel_id=500, message_id=7000, excerpt="*hi* @everyone"
)


class Reported(ModeratedWorld):
    def __init__(self, database: Database, clock: FakeClock) -> None:
        super().__init__(database, clock)
        self.reports = ReportService(database, clock, self.settings, self.outbox, lambda: self.view)

    async def only(self) -> Report:
        return await self.reports.get(GUILD, 1)

    async def payloads(self) -> list[str]:
        return [json.dumps(row.payload) for row in await self.queued()]


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> Reported:
    world = Reported(database, clock)
    await world.start(log=False)
    await world.set(report_channel_id=str(STAFF))
    return world


async def test_first_report_makes_a_card_and_others_are_added(world: Reported) -> None:
    assert await world.reports.report(MESSAGE, MIA, "rude") is Taken.NEW
    assert await world.reports.report(MESSAGE, TOM, "very rude") is Taken.ADDED
    assert await world.reports.report(MESSAGE, TOM, "again") is Taken.KNOWN

    reporters = await world.reports.reporters(await world.only())
    assert [(one.user_id, one.reason) for one in reporters] == [(MIA, "rude"), (TOM, "very rude")]
    await world.outbox.run_due()
    assert {entry.channel_id for entry in world.courier.delivered} == {STAFF}
    last = json.dumps(world.courier.delivered[-1].payload)
    assert "2 people" in last
    assert "/7000" in last


async def test_many_report_at_once_and_there_is_one_card(world: Reported, clock: FakeClock) -> None:
    other = Reported(world.database, clock)

    taken = await asyncio.gather(
        *(
            one.reports.report(MESSAGE, 3000 + number, "rude")
            for number, one in enumerate((world, other) * 3)
        )
    )

    assert sorted(one.value for one in taken) == ["added"] * 5 + ["new"]
    assert len(await world.reports.reporters(await world.only())) == 6


async def test_card_names_no_reporter_and_escapes_what_was_said(world: Reported) -> None:
    await world.reports.report(MESSAGE, MIA, "rude **x**")

    (card,) = await world.payloads()
    assert str(MIA) not in card
    assert "rude" not in card
    assert "\\*hi\\*" in json.loads(card)["embeds"][0]["description"]
    text = reporters_text(await world.reports.reporters(await world.only()), "en")
    assert f"<@{MIA}>" in text
    assert "\\*\\*x" in text


async def test_one_of_two_moderators_claims_and_one_closes(world: Reported) -> None:
    await world.reports.report(MESSAGE, MIA, "rude")

    claims = await asyncio.gather(
        world.reports.claim(GUILD, 1, MOD),
        world.reports.claim(GUILD, 1, OTHER),
        return_exceptions=True,
    )
    closes = await asyncio.gather(
        world.reports.close(GUILD, 1, MOD, RESOLVED),
        world.reports.close(GUILD, 1, OTHER, DISMISSED),
        return_exceptions=True,
    )

    for outcomes in (claims, closes):
        assert len([one for one in outcomes if isinstance(one, Conflict)]) == 1
    report = await world.only()
    assert report.claimed_by in (MOD, OTHER)
    buttons = [
        button["label"]
        for row in report_card(report, 1, "en")["components"]
        for button in row["components"]
    ]
    assert buttons == ["Who and why"]


async def test_what_was_closed_can_be_reported_anew(world: Reported) -> None:
    await world.reports.report(MESSAGE, MIA, "rude")
    await world.reports.close(GUILD, 1, MOD, DISMISSED)
    assert await world.reports.report(MESSAGE, MIA, "still rude") is Taken.NEW


async def test_reports_of_one_person_are_limited(world: Reported) -> None:
    for number in range(MOST_PER_HOUR):
        subject = Subject(guild_id=GUILD, target=Target(5000 + number, "x"))
        await world.reports.report(subject, MIA, "rude")
    with pytest.raises(RateLimited):
        await world.reports.report(MESSAGE, MIA, "rude")
    world.clock.advance(timedelta(hours=2))
    assert await world.reports.report(MESSAGE, MIA, "rude") is Taken.NEW


async def test_nobody_reports_themselves(world: Reported) -> None:
    with pytest.raises(InvalidInput):
        await world.reports.report(MESSAGE, ANN.id, "rude")


async def test_without_a_channel_no_reports_are_taken(world: Reported) -> None:
    await world.set(report_channel_id=None)
    with pytest.raises(NotFound):
        await world.reports.report(MESSAGE, MIA, "rude")


async def test_report_of_another_guild_is_not_found(world: Reported) -> None:
    await world.reports.report(MESSAGE, MIA, "rude")
    with pytest.raises(NotFound):
        await world.reports.claim(GUILD + 1, 1, MOD)


async def test_data_of_reported_and_reporters_is_kept_apart_and_erased(world: Reported) -> None:
    await world.reports.report(MESSAGE, MIA, "rude")
    async with world.database.write() as session:
        assert str(MIA) not in json.dumps(await export_person(session, ANN.id))
        assert "rude" in json.dumps(await export_person(session, MIA))
        await erase_person(session, ANN.id)
        await erase_person(session, MIA)

    report = await world.only()
    assert (report.target_id, report.target_name, report.excerpt) == (0, None, None)
    assert await world.reports.reporters(report) == []


async def test_closed_reports_are_deleted_after_a_while(world: Reported) -> None:
    await world.reports.report(MESSAGE, MIA, "rude")
    await world.reports.close(GUILD, 1, MOD, RESOLVED)
    async with world.database.write() as session:
        assert await purge_reports(session, world.clock.now() + timedelta(days=179)) == 0
        assert await purge_reports(session, world.clock.now() + timedelta(days=181)) == 1
    with pytest.raises(NotFound):
        await world.only()
