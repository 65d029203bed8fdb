"""Giveaways are found by number, title and prize, whatever the script and its capitals."""

from __future__ import annotations

import uuid

import pytest

from cogs.giveaways.plan import Plan
from db.engine import Database
from db.giveaway_search import find_giveaways
from tests.cogs.giveaways.rows import GUILD, make_giveaway
from tests.cogs.giveaways.test_opening import PLAN
from tests.cogs.giveaways.world import GUILD as OPEN_GUILD
from tests.cogs.giveaways.world import HOST, HostWorld
from tests.fakes import FakeClock


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("árbol", [1]),
        ("ÁRBOL", [1]),
        ("lámpara", [2]),
        ("ЛАМПА", [3]),
        ("straße", [3]),
        ("STRASSE", [3]),
        ("100%", [4]),
        ("_", [4]),
        ("#2", [2]),
        ("", [4, 3, 2, 1]),
        ("nothing", []),
    ],
)
async def test_giveaways_are_found(database: Database, text: str, numbers: list[int]) -> None:
    names = (("ÁRBOL", "x"), ("x", "LÁMPARA"), ("лампа", "Straße"), ("x", "100% of _"))
    async with database.write() as session:
        for number, (title, prize) in enumerate(names, 1):
            session.add(make_giveaway(id=uuid.uuid4(), number=number, title=title, prize=prize))
    async with database.read() as session:
        found = await find_giveaways(session, GUILD, text)

    assert [one.number for one in found] == numbers


async def test_giveaway_is_found_by_its_new_name(database: Database, clock: FakeClock) -> None:
    world = HostWorld(database, clock)
    giveaway = await world.open(PLAN)
    await world.opening.change(giveaway, HOST, Plan(prize="Ópera", title="ÉL"))
    async with database.read() as session:
        for text, count in (("keyboard", 0), ("ópera", 1), ("él", 1)):
            assert len(await find_giveaways(session, OPEN_GUILD, text)) == count, text
