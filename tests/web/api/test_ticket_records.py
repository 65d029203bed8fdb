"""What was written in tickets, over the API and on the pages: found, and read in the transcript."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from db.engine import Database
from db.guilds import User
from tests.cogs.tickets.stage import GUILD, OPENER, OTHER, STAFF, STAFF_ROLE
from tests.cogs.tickets.talk import say
from tests.fakes import FakeClock
from tests.web.api.ticket_world import ELSEWHERE, PATH, Office, open_office, person
from tests.web.support import OWNER
from tests.web.test_error_shape import assert_problem

PAGE = f"/guilds/{GUILD}/kept/tickets"


class NoPanels:
    """What forms would offer to choose from."""

    async def get(self, guild_id: int, item_id: int) -> Any:
        raise AssertionError("nothing is asked for")

    async def list(self, guild_id: int) -> list[Any]:
        return []


@pytest.fixture
async def office(database: Database, clock: FakeClock) -> AsyncIterator[Office]:
    async with open_office(database, clock) as found:
        panel = await found.stage.panel(staff_roles=[STAFF_ROLE], per_member=10)
        for number, text in enumerate(("The lamp <b>broke</b>", "A new lamp, please", "Thanks")):
            await say(found.stage, await found.stage.open(panel), number + 1, text)
        found.world.services.resources.register("ticket-panels", NoPanels())
        await found.world.log_in()
        found.people.known[OWNER] = person(OWNER, role_ids=frozenset({STAFF_ROLE}))
        yield found


async def found_by(office: Office, words: str) -> list[str]:
    answer = await office.client.get(PATH, params={"q": words})
    assert answer.status == 200
    return [one["id"] for one in await answer.json()]


async def test_tickets_are_found_by_what_was_written(office: Office) -> None:
    assert await found_by(office, "lamp") == ["2", "1"]
    assert await found_by(office, "BROKE lam") == ["1"]
    assert await found_by(office, "candle") == []
    await assert_problem(await office.client.get(PATH, params={"q": "…!"}), 400, "E004")
    await assert_problem(await office.client.get(PATH, params={"q": "x" * 201}), 400, "E004", "/q")
    elsewhere = await office.client.get(f"{ELSEWHERE}/tickets", params={"q": "lamp"})
    await assert_problem(elsewhere, 403, "E005")


async def test_pages_look_for_words_too(office: Office) -> None:
    text = await (await office.client.get(PAGE, params={"q": "lamp"})).text()
    assert (f"{PAGE}/1" in text, f"{PAGE}/2" in text, f"{PAGE}/3" in text) == (True, True, False)
    assert 'value="lamp"' in text
    text = await (await office.client.get(PAGE, params={"q": '"><script>'})).text()
    assert "Nothing was found." in text
    assert "<script>" not in text
    refused = await office.client.get(PAGE, params={"q": "…!"})
    assert refused.status == 400
    assert "Write at least one word to look for." in await refused.text()


async def test_what_was_written_is_for_the_staff_of_the_panel_alone(office: Office) -> None:
    """Also where somebody may manage the server's settings, or the whole bot."""
    other = await office.stage.panel(name="Payments", staff_roles=[STAFF_ROLE + 1])
    await say(office.stage, await office.stage.open(other, user_id=OTHER), 9, "My lamp, too")
    assert await found_by(office, "lamp") == ["2", "1"]
    await assert_problem(await office.client.get(f"{PATH}/4/transcript"), 403, "E005")

    office.people.known[OWNER] = person(OWNER, permissions=frozenset({"manage_guild"}))
    assert await found_by(office, "lamp") == ["4", "2", "1"]
    for nobody in (person(OWNER), None):
        office.people.known.pop(OWNER)
        if nobody is not None:
            office.people.known[OWNER] = nobody
        await assert_problem(await office.client.get(PATH, params={"q": "lamp"}), 403, "E005")
        await assert_problem(await office.client.get(f"{PATH}/1/transcript"), 403, "E005")
        page = await office.client.get(PAGE, params={"q": "lamp"})
        assert page.status == 403
        assert "for the staff of their panels alone" in await page.text()


async def test_transcript_is_a_file_with_everything_the_staff_get(office: Office) -> None:
    await office.stage.service.life.add_note(1, STAFF, "Kind, but hasty")
    for address in (f"{PATH}/1/transcript", f"{PAGE}/1/document"):
        answer = await office.client.get(address)
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html")
        kept_as = 'attachment; filename="ticket-0001.html"'
        assert answer.headers["Content-Disposition"] == kept_as
        assert "Kind, but hasty" in text
        assert "The lamp &lt;b&gt;broke&lt;/b&gt;" in text
    await assert_problem(await office.client.get(f"{PATH}/9/transcript"), 404, "E006")
    elsewhere = await office.client.get(f"{ELSEWHERE}/tickets/1/transcript")
    await assert_problem(elsewhere, 404, "E006")


async def test_pages_call_people_by_the_names_they_were_met_by(office: Office) -> None:
    met = User(id=OPENER, global_name="<i>Ann", created_at=office.stage.clock.now())
    async with office.stage.database.write() as session:
        session.add(met)
    for address in (PAGE, f"{PAGE}/1"):
        assert f"&lt;i&gt;Ann ({OPENER})" in await (await office.client.get(address)).text()
