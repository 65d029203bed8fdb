"""How long incidents are kept, and what erasing a person leaves of them."""

from __future__ import annotations

from sqlalchemy import select

from cogs.automod.retention import CONTENTS_KEPT, INCIDENTS_KEPT, purge_incidents
from db import automod as table
from db import automod_messages as message_table
from db import automod_strikes as strike_table
from db.people import erase_person
from tests.cogs.automod.world import ANN, World, rule, words

WARN = {"type": "warn", "points": 2}


async def test_contents_and_incidents_are_forgotten_in_time(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", WARN))
    await world.say("nitro")
    async with world.database.write() as session:
        await purge_incidents(session, world.clock.now() + CONTENTS_KEPT * 2)
    assert [one.content for one in await world.rows(message_table.IncidentMessage)] == [None]
    async with world.database.write() as session:
        await purge_incidents(session, world.clock.now() + INCIDENTS_KEPT * 2)

    for kind in (
        table.Incident,
        table.IncidentMember,
        message_table.IncidentMessage,
        strike_table.Strike,
    ):
        assert await world.rows(kind) == []


async def test_erased_person_leaves_no_word_in_incidents(world: World) -> None:
    await world.start(rule("scam", words("nitro"), "delete", WARN))
    await world.say("free nitro")
    async with world.database.write() as session:
        await erase_person(session, ANN.id)
        (incident,) = (await session.scalars(select(table.Incident))).all()
        (message,) = (await session.scalars(select(message_table.IncidentMessage))).all()

    assert (incident.user_id, incident.excerpt, incident.user_name) == (None, None, None)
    assert incident.findings == {}
    assert (message.user_id, message.content) == (None, None)
    assert await world.rows(table.IncidentMember) == []
