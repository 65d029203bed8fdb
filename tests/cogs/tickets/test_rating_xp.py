"""Experience for ratings: once per ticket, for the opener and for whoever had it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.contracts import SYSTEM
from bot.core.leveling import LEVELS
from cogs.tickets.watch import Writer
from db.engine import Database
from db.level_gifts import LevelGift
from db.people import erase_person
from db.tickets import Ticket
from tests.cogs.tickets.stage import GUILD, OPENER, OTHER, STAFF, STAFF_ROLE, Stage
from tests.cogs.tickets.talk import message
from tests.fakes import FakeClock

EARNED = {"rating_xp": 50, "stars_xp": 10}


async def closed(
    database: Database, *, answered: bool = True, claimed_by: int | None = STAFF, **settings: Any
) -> tuple[Stage, Ticket]:
    """Return a ticket that waits to be rated, where that earns something unless it is set so."""
    stage = await Stage.make(database, FakeClock())
    await stage.set(**(EARNED | settings))
    await stage.settings.change(GUILD, LEVELS, {}, enabled=True, actor=SYSTEM)
    ticket = await stage.open()
    if claimed_by is not None:
        await stage.service.life.claim(ticket.id, claimed_by)
    if answered:
        stage.clock.advance(60)
        await stage.service.watch.note_writing(ticket.id, [(Writer.STAFF, stage.clock.now())])
    await close(stage, ticket)
    return stage, await stage.get(ticket.id)


async def close(stage: Stage, ticket: Ticket) -> None:
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)


async def given(stage: Stage) -> dict[int, int]:
    """Return what everybody was promised, by person."""
    async with stage.database.read() as session:
        rows = (await session.scalars(select(LevelGift))).all()
    assert len({one.user_id for one in rows}) == len(rows)
    return {one.user_id: one.xp for one in rows}


async def test_rating_earns_for_the_opener_and_for_whoever_had_the_ticket(
    database: Database,
) -> None:
    stage, ticket = await closed(database)
    rated = await stage.service.ratings.rate(ticket.id, OPENER, 4)

    assert rated.xp == 50
    assert await given(stage) == {OPENER: 50, STAFF: 40}


@pytest.mark.parametrize("is_asked", [False, True])
async def test_an_answer_right_before_the_end_is_one(database: Database, is_asked: bool) -> None:
    stage = await Stage.make(database, FakeClock())
    await stage.set(**EARNED)
    await stage.settings.change(GUILD, LEVELS, {}, enabled=True, actor=SYSTEM)
    ticket = await stage.open(await stage.panel(staff_roles=[str(STAFF_ROLE)]))
    await stage.wait(1)
    ticket = await stage.get(ticket.id)
    if is_asked:
        await stage.service.life.request_close(ticket.id, STAFF, None, None)
    stage.clock.advance(60)
    sent = message(
        ticket.channel_id, 5, "Solved!", stage.clock.now(), author=STAFF, roles=(STAFF_ROLE,)
    )
    stage.service.capture.take_message(sent)
    if is_asked:
        await stage.service.life.accept_close(ticket.id, OPENER)
    else:
        await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)

    assert (await stage.get(ticket.id)).first_reply_at is not None
    assert (await stage.service.ratings.rate(ticket.id, OPENER, 4)).xp == 50


async def test_other_stars_earn_nothing_anew(database: Database) -> None:
    stage, ticket = await closed(database)
    await stage.service.ratings.rate(ticket.id, OPENER, 1)
    async with stage.database.write() as session:
        # What was given is forgotten after a while.
        await session.execute(LevelGift.__table__.delete())
    for stars in (5, 5, 2):
        assert (await stage.service.ratings.rate(ticket.id, OPENER, stars)).xp == 0
    await stage.service.ratings.comment(ticket, OPENER, 3, "Hm.")

    assert await given(stage) == {}


async def test_presses_at_once_earn_once(database: Database) -> None:
    stage, ticket = await closed(database)
    rated = await asyncio.gather(
        *(stage.service.ratings.rate(ticket.id, OPENER, stars) for stars in (1, 2, 3, 4, 5))
    )

    assert sorted(one.xp for one in rated) == [0, 0, 0, 0, 50]
    found = await given(stage)
    assert found[OPENER] == 50
    assert found[STAFF] in {10, 20, 30, 40, 50}


async def test_ticket_that_is_opened_again_and_given_away_earns_no_second_time(
    database: Database,
) -> None:
    stage, ticket = await closed(database)
    await stage.service.ratings.rate(ticket.id, OPENER, 2)
    await stage.service.life.reopen(ticket.id, STAFF)
    await stage.settle()
    await stage.service.life.give_to(ticket.id, STAFF, OTHER)
    await close(stage, ticket)
    await stage.service.ratings.rate(ticket.id, OTHER, 5)

    assert await given(stage) == {OPENER: 50, STAFF: 20}


@pytest.mark.parametrize(
    ("options", "earned"),
    [
        # Whoever opens and closes tickets by themselves earns nothing.
        ({"answered": False}, {}),
        ({"claimed_by": None}, {OPENER: 50}),
        ({"claimed_by": OPENER}, {OPENER: 50}),
        ({"rating_xp": 0}, {STAFF: 50}),
        ({"stars_xp": 0}, {OPENER: 50}),
        ({"rating_xp": 0, "stars_xp": 0}, {}),
    ],
)
async def test_who_earns_what(
    sqlite_database: Database, options: dict[str, Any], earned: dict[int, int]
) -> None:
    stage, ticket = await closed(sqlite_database, **options)
    await stage.service.ratings.rate(ticket.id, OPENER, 5)

    assert await given(stage) == earned


async def test_while_levels_are_off_a_rating_earns_nothing(sqlite_database: Database) -> None:
    stage, ticket = await closed(sqlite_database)
    await stage.settings.change(GUILD, LEVELS, {}, enabled=False, actor=SYSTEM)
    assert (await stage.service.ratings.rate(ticket.id, OPENER, 5)).xp == 0
    assert await given(stage) == {}


async def test_ratings_earn_nothing_unless_it_is_set(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    settings = await stage.service.office.set_by(GUILD)
    assert (settings.rating_xp, settings.stars_xp) == (0, 0)


async def test_staff_whose_data_was_erased_earn_nothing(database: Database) -> None:
    stage, ticket = await closed(database)
    async with database.write() as session:
        await erase_person(session, STAFF)
    await stage.service.ratings.rate(ticket.id, OPENER, 5)

    assert await given(stage) == {OPENER: 50}
