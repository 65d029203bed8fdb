"""Tickets that are opened for members over the API, with and without their panel's form."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cogs.tickets.machine import Action as Deed
from db.engine import Database
from tests.cogs.tickets.stage import CHANNEL, GUILD, OPENER, OTHER, STAFF_ROLE, refusal
from tests.fakes import FakeClock
from tests.web.api.ticket_world import BOT, PATH, Office, open_office
from tests.web.support import OWNER
from tests.web.test_error_shape import assert_problem


@pytest.fixture
async def office(database: Database, clock: FakeClock) -> AsyncIterator[Office]:
    async with open_office(database, clock) as found:
        yield found


FORM: Any = [
    {
        "title": "",
        "questions": [
            {
                "key": "kind",
                "label": "Kind",
                "kind": "radio",
                "choices": [{"value": "bug", "label": "Bug"}, {"value": "idea", "label": "Idea"}],
            },
            {"key": "shot", "label": "Screenshot", "kind": "file"},
        ],
    },
    {
        "title": "",
        "questions": [
            {
                "key": "steps",
                "label": "Steps",
                "kind": "paragraph",
                "longest": 20,
                "when": {"question": "kind", "values": ["bug"]},
            },
            {"key": "who", "label": "Who", "kind": "user", "required": False, "most": 2},
        ],
    },
]


async def asked_for(office: Office, panel: int, **body: Any) -> Any:
    sent = {"panel_id": str(panel), "member_id": str(OPENER)} | body
    return await office.post(PATH, sent)


async def test_a_ticket_is_opened_for_a_member(office: Office) -> None:
    panel = await office.stage.panel(required_roles=[99], pages=FORM)
    office.stage.view.lost = {0}
    made = await asked_for(office, panel.id)
    shown = await made.json()
    assert (made.status, made.headers["Location"]) == (201, f"{PATH}/1")
    assert (shown["status"], shown["opener_id"], shown["priority"]) == (
        "opening",
        str(OPENER),
        "normal",
    )
    await office.stage.settle()
    ticket = await office.stage.get(1)
    assert (ticket.status, ticket.opened_by, ticket.answers) == ("open", None, [])
    assert (ticket.name, ticket.parent_id) == ("Help-0001", None)
    (entry,) = await office.audited()
    assert (entry.action, entry.target_id) == ("tickets.open", OPENER)
    # The limits bind what is opened for somebody, as they do by command.
    again = await asked_for(office, panel.id)
    await assert_problem(again, 403, "E005")
    assert f"<@{OPENER}> has 1 open ticket" in (await again.json())["detail"]
    assert len(await office.audited()) == 1


async def test_a_person_who_opens_their_own_ticket_is_bound_as_by_command(office: Office) -> None:
    panel = await office.stage.panel(required_roles=[99])
    await office.world.log_in()
    known = office.people.known
    known[OWNER] = type(known[OPENER])(OWNER, GUILD, "owner")
    own = await asked_for(office, panel.id, member_id=str(OWNER))
    await assert_problem(own, 403, "E005")
    assert "<@&99>" in (await own.json())["detail"]
    theirs = await asked_for(office, panel.id)
    assert theirs.status == 201
    assert (await office.stage.get(1)).opened_by == OWNER


async def test_the_form_is_read_as_it_is_filled_in(office: Office) -> None:
    routes = [{"when": {"question": "kind", "values": ["bug"]}, "priority": "urgent"}]
    panel = await office.stage.panel(pages=FORM, routes=routes, staff_roles=[STAFF_ROLE])
    given = {"kind": "bug", "steps": "Press it.", "who": [str(OTHER)]}
    made = await asked_for(office, panel.id, answers=given, channel_id=str(CHANNEL))
    assert (made.status, (await made.json())["priority"]) == (201, "urgent")
    ticket = await office.stage.get(1)
    assert {one["key"]: one["shown"] for one in ticket.answers} == {
        "kind": ["Bug"],
        "steps": ["Press it."],
        "who": [f"<@{OTHER}>"],
    }
    assert ticket.parent_id == CHANNEL


@pytest.mark.parametrize(
    ("answers", "pointers"),
    [
        ({}, ["/answers/kind"]),
        ({"kind": "joke"}, ["/answers/kind"]),
        ({"kind": "bug"}, ["/answers/steps"]),
        ({"kind": "bug", "steps": "x" * 21}, ["/answers/steps"]),
        ({"kind": "bug", "steps": ["x"]}, ["/answers/steps"]),
        ({"kind": "idea", "steps": "x"}, ["/answers/steps"]),
        ({"kind": "idea", "shot": "file.png", "a/b": "x"}, ["/answers/shot", "/answers/a~1b"]),
        ({"kind": "idea", "who": "> @everyone"}, ["/answers/who"]),
        ({"kind": "idea", "who": ["1", "2", "3"]}, ["/answers/who"]),
    ],
)
async def test_wrong_answers_are_named_and_open_nothing(
    office: Office, answers: Any, pointers: list[str]
) -> None:
    panel = await office.stage.panel(pages=FORM)
    await assert_problem(await asked_for(office, panel.id, answers=answers), 400, "E004", *pointers)
    assert await (await office.client.get(PATH)).json() == []


async def test_who_and_where_have_to_be_there(office: Office) -> None:
    panel = await office.stage.panel()
    bad = (
        ({"member_id": "4"}, "/member_id"),
        ({"panel_id": "77"}, "/panel_id"),
        ({"channel_id": "502"}, "/channel_id"),
        ({"answers": {"x": 5}}, "/answers"),
        ({"sneaky": 1}, "/sneaky"),
    )
    office.stage.view.lost = {502}
    for change, pointer in bad:
        answer = await asked_for(office, panel.id, **change)
        assert answer.status == 400
        assert (await answer.json())["errors"][0]["pointer"].startswith(pointer)
    await assert_problem(await asked_for(office, panel.id, member_id=str(BOT)), 403, "E005")
    await office.stage.set(enabled=False)
    off = await asked_for(office, panel.id)
    assert (off.status, (await off.json())["detail"]) == (
        403,
        "Tickets are switched off in this server.",
    )


async def test_a_room_that_cannot_be_made_is_told_in_words(office: Office) -> None:
    panel = await office.stage.panel()
    office.stage.rooms.refusing = refusal("No room for that.")
    office.resource._patience = 5.0
    asking = asyncio.create_task(asked_for(office, panel.id))
    for _ in range(100):
        await asyncio.sleep(0.02)
        await office.stage.jobs.run_due()
        if asking.done():
            break
    refused = await asking
    await assert_problem(refused, 403, "E005")
    assert (await refused.json())["detail"] == "No room for that."
    assert (await office.shown(1))["status"] == "failed"
    for action in ("close", "reopen", "note"):
        body = {"text": "x"} if action == "note" else {} if action == "close" else None
        await assert_problem(await office.do(1, action, body), 409, "E004")


async def test_of_two_who_open_at_once_the_limit_lets_one(office: Office) -> None:
    panel = await office.stage.panel()
    answers = await asyncio.gather(*(asked_for(office, panel.id) for _ in range(3)))
    assert sorted(one.status for one in answers) == [201, 403, 403]
    await office.stage.settle()
    assert await office.stage.events(1) == [Deed.OPEN, Deed.ROOM_READY]
