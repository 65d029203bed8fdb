"""Limits hold for whatever makes a ticket count anew, and for both ends of a route."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.core.errors import Denied
from cogs.tickets.ports import Applicant
from db.engine import Database
from tests.cogs.tickets.stage import OPENER, OTHER, STAFF, Stage
from tests.fakes import FakeClock

KIND = {
    "key": "kind",
    "label": "Kind",
    "kind": "radio",
    "choices": [{"value": "bug", "label": "Bug"}, {"value": "b", "label": "B"}],
}
TO_BUGS = {
    "pages": [{"questions": [KIND]}],
    "routes": [{"when": {"question": "kind", "values": ["bug"]}, "panel": "Bugs"}],
}
BUG: dict[str, Any] = {"answers": {"kind": ["bug"]}}


async def test_opened_again_a_ticket_counts(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    panel = await stage.panel()
    first = await stage.open(panel)
    await stage.service.life.close(first.id, STAFF)
    await stage.wait(1)
    second = await stage.open(panel)
    with pytest.raises(Denied, match=f"<@{OPENER}> has 1 open ticket of this kind"):
        await stage.service.life.reopen(first.id, STAFF)
    await stage.service.life.close(second.id, STAFF)
    await stage.wait(1)
    came = await asyncio.gather(
        *(stage.service.life.reopen(one.id, STAFF) for one in (first, second)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, Denied) for one in came) == 1


async def test_given_to_somebody_a_ticket_counts(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    help_panel, bugs = await stage.panel(per_member=5), await stage.panel("Bugs")
    await stage.set(open_per_member=1, open_at_most=2)
    ticket, theirs = await stage.open(help_panel), await stage.open(bugs, OTHER)
    with pytest.raises(Denied, match=f"<@{OTHER}> has 1 open ticket already"):
        await stage.service.life.give_to(ticket.id, STAFF, OTHER)
    await stage.service.life.close(theirs.id, STAFF)
    await stage.wait(1)
    given = await stage.service.life.give_to(ticket.id, STAFF, OTHER)
    assert given.user_id == OTHER


async def test_moved_to_a_panel_a_ticket_counts(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    await stage.set(open_per_member=2, open_at_most=2)
    full = await stage.panel("Bugs", at_most=1, per_member=5)
    mine = await stage.open(await stage.panel())
    theirs = await stage.open(full, OTHER)
    with pytest.raises(Denied, match="As many tickets"):
        await stage.service.life.move(mine.id, STAFF, full)
    await stage.service.life.close(theirs.id, STAFF)
    await stage.wait(1)
    assert (await stage.service.life.move(mine.id, STAFF, full)).panel_id == full.id


@pytest.mark.parametrize("barring", [{"blocked_roles": ["6"]}, {"required_roles": ["5"]}])
async def test_a_route_does_not_pass_by_what_the_pressed_panel_asks(
    sqlite_database: Database, barring: dict[str, Any]
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    asked = await stage.panel(**TO_BUGS, **barring)
    await stage.panel("Bugs")
    applicant = Applicant(user_id=OPENER, name="ada", role_ids=frozenset({6}))
    with pytest.raises(Denied):
        await stage.service.opening.open(stage.request(asked, applicant=applicant, **BUG))


async def test_a_route_does_not_pass_by_the_pause(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    asked = await stage.panel(**TO_BUGS, cooldown=3600)
    await stage.panel("Bugs", per_member=5)
    await stage.open(asked, **BUG)
    other: dict[str, Any] = {"answers": {"kind": ["b"]}}
    for answers in (BUG, other):
        with pytest.raises(Denied, match="open the next one"):
            await stage.service.opening.open(stage.request(asked, **answers))
    stage.clock.advance(timedelta(hours=1))
    assert (await stage.open(asked, **BUG)).category == "Bugs"


async def test_staff_hear_of_the_member_they_open_for(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel()
    await stage.open(panel, OTHER)
    request = stage.request(panel, applicant=Applicant(user_id=OTHER, name="x"))
    with pytest.raises(Denied, match=f"<@{OTHER}> has 1 open ticket of this kind"):
        await stage.service.opening.open(request)
