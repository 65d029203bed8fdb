"""Tickets over the API, by the services that Discord's commands use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cogs.tickets.machine import TABLE, Status
from cogs.tickets.machine import Action as Deed
from cogs.tickets.ticket_actions import TICKETS
from cogs.tickets.ticket_bodies import TicketDetail
from cogs.tickets.watch import Writer
from db.engine import Database
from db.tickets import Ticket, TicketEvent
from tests.cogs.tickets.stage import OPENER, OTHER, STAFF, STAFF_ROLE
from tests.fakes import FakeClock
from tests.web.api.ticket_world import ADMIN, BOT, ELSEWHERE, HERE, PATH, Office, open_office
from tests.web.support import OWNER
from tests.web.test_error_shape import assert_problem

HOSTILE = "@everyone <script>*x*</script> <@1> \N{RIGHT-TO-LEFT OVERRIDE}"


@pytest.fixture
async def office(database: Database, clock: FakeClock) -> AsyncIterator[Office]:
    async with open_office(database, clock) as found:
        yield found


async def opened(office: Office, **values: Any) -> Ticket:
    panel = await office.stage.panel(staff_roles=[STAFF_ROLE], **values)
    return await office.stage.open(panel)


async def events(office: Office, ticket: Ticket, kind: str) -> list[TicketEvent]:
    async with office.stage.database.read() as session:
        found = select(TicketEvent).where(
            TicketEvent.ticket_id == ticket.id, TicketEvent.kind == kind
        )
        return list((await session.scalars(found)).all())


async def test_a_ticket_is_shown_without_what_was_written(office: Office) -> None:
    asked = {
        "title": "",
        "questions": [{"key": "why", "label": "Why?", "kind": "line"}],
    }
    panel = await office.stage.panel(staff_roles=[STAFF_ROLE], pages=[asked])
    ticket = await office.stage.open(panel, answers={"why": "a secret"})
    await office.stage.service.life.add_note(ticket.id, STAFF, "a secret note")
    answer = await office.client.get(f"{PATH}/1")
    text = await answer.text()
    shown = await answer.json()
    assert (answer.status, "secret" in text) == (200, False)
    assert (shown["id"], shown["status"], shown["panel"]) == ("1", "open", "Help")
    assert (shown["opener_id"], shown["claimer_id"]) == (str(OPENER), None)
    assert (shown["priority"], shown["labels"], shown["exempt"]) == ("normal", [], False)
    assert shown["channel_id"] == str(ticket.channel_id)
    assert shown["panel_id"] == str(panel.id)
    for strange in ("2", "x", "9" * 18, "-1"):
        await assert_problem(await office.client.get(f"{PATH}/{strange}"), 404, "E006")


async def test_tickets_come_in_pages_with_the_newest_first(office: Office) -> None:
    panel = await office.stage.panel()
    for user_id in (11, 12, 13):
        await office.stage.open(panel, user_id)
    await office.stage.service.life.add(2, None, OTHER)
    first = await office.client.get(f"{PATH}?limit=2")
    assert [one["id"] for one in await first.json()] == ["3", "2"]
    assert (await first.json())[1]["member_ids"] == [str(OTHER)]
    rest = await office.client.get(first.headers["Link"].split(">")[0].lstrip("<"))
    assert ([one["id"] for one in await rest.json()], "Link" in rest.headers) == (["1"], False)
    far = await office.client.get(f"{PATH}?before={2**63 - 1}")
    assert len(await far.json()) == 3


async def test_marks_are_changed_together_or_not_at_all(office: Office) -> None:
    ticket = await opened(office)
    tag = await office.tag(1)
    body = {"name": "boats", "priority": "high", "labels": ["sea", "sea", " "], "exempt": True}
    changed = await office.client.put(f"{PATH}/1", json=body, headers=HERE | {"If-Match": tag})
    shown = await changed.json()
    assert (changed.status, shown["name"], shown["priority"]) == (200, "boats", "high")
    assert (shown["labels"], shown["exempt"]) == (["sea"], True)
    assert changed.headers["ETag"] == await office.tag(1) != tag
    kinds = await office.stage.events(ticket.id)
    assert kinds[2:] == ["rename", "priority", "label", "exempt"]
    (entry,) = await office.audited()
    assert (entry.action, entry.details["ticket"]) == ("tickets.edit", 1)
    assert entry.details["changed"] == ["name", "priority", "labels", "exempt"]

    # What is as it was is not done again, and leaves no trace.
    tag = await office.tag(1)
    same = await office.client.put(f"{PATH}/1", json=shown_marks(shown), headers=tagged(tag))
    assert (same.status, same.headers["ETag"]) == (200, tag)
    assert await office.stage.events(ticket.id) == kinds
    # One wrong thing keeps all others from being done.
    wrong = shown_marks(shown) | {"priority": "low", "name": "\N{ZERO WIDTH SPACE}"}
    refused = await office.client.put(f"{PATH}/1", json=wrong, headers=tagged(tag))
    await assert_problem(refused, 400, "E004", "/name")
    assert (await office.shown(1))["priority"] == "high"


def shown_marks(shown: Any) -> dict[str, Any]:
    return {name: shown[name] for name in ("name", "priority", "labels", "exempt")}


def tagged(tag: str) -> dict[str, str]:
    return HERE | {"If-Match": tag}


async def test_a_stale_version_changes_nothing(office: Office) -> None:
    ticket = await opened(office)
    tag, marks = await office.tag(1), shown_marks(await office.shown(1))
    await office.stage.service.life.claim(ticket.id, STAFF)
    for call in (
        office.client.put(f"{PATH}/1", json=marks | {"priority": "low"}, headers=tagged(tag)),
        office.do(1, "close", {}, **{"If-Match": tag}),
        office.do(1, "note", {"text": "x"}, **{"If-Match": tag}),
    ):
        await assert_problem(await call, 412, "E004")
    missing = await office.client.put(f"{PATH}/1", json=marks, headers=HERE)
    await assert_problem(missing, 428, "E004")
    assert (await office.audited()) == []
    assert (await office.shown(1))["status"] == "open"


async def test_the_version_tells_all_that_is_shown_and_nothing_else(office: Office) -> None:
    ticket = await opened(office)
    tags = [await office.tag(1)]
    now = office.stage.clock.now()
    watch = office.stage.service.watch
    await watch.note_writing(ticket.id, [(Writer.OPENER, now)])
    assert await office.tag(1) == tags[0]
    await watch.note_writing(ticket.id, [(Writer.STAFF, now + timedelta(seconds=1))])
    tags.append(await office.tag(1))
    await office.stage.service.life.add(ticket.id, None, OTHER)
    tags.append(await office.tag(1))
    await office.stage.service.losses.room_deleted(ticket.channel_id or 0)
    tags.append(await office.tag(1))
    assert len(set(tags)) == 4


async def test_a_ticket_is_closed_and_opened_again(office: Office) -> None:
    ticket = await opened(office)
    closed = await office.do(1, "close", {"reason": HOSTILE})
    shown = await closed.json()
    assert (closed.status, shown["status"], shown["closed_by"]) == (200, "closing", None)
    assert shown["close_reason"] == HOSTILE.strip()
    await office.stage.wait(1)
    said = office.stage.said(ticket.channel_id)[-1]
    assert said.startswith("Pegasus closed the ticket.")
    assert "\\*x\\*" in said
    assert office.stage.courier.delivered[-1].payload["allowed_mentions"]["parse"] == []
    (event,) = await events(office, ticket, Deed.CLOSE)
    assert event.actor_id is None
    await assert_problem(await office.do(1, "close", {}), 409, "E004")
    again = await office.do(1, "reopen")
    assert (again.status, (await again.json())["status"]) == (200, "reopening")
    await office.stage.settle()
    assert (await office.shown(1))["status"] == "open"
    await assert_problem(await office.do(1, "reopen"), 409, "E004")
    assert {one.action for one in await office.audited()} == {"tickets.reopen", "tickets.close"}
    assert HOSTILE.strip() not in str([one.details for one in await office.audited()])


async def test_of_two_who_close_at_once_one_does(office: Office) -> None:
    ticket = await opened(office)
    answers = await asyncio.gather(*(office.do(1, "close", {}) for _ in range(4)))
    assert sorted(one.status for one in answers) == [200, 409, 409, 409]
    assert len(await events(office, ticket, Deed.CLOSE)) == 1
    assert len(await office.audited()) == 1


async def test_of_changes_that_were_meant_for_one_version_one_is_made(office: Office) -> None:
    ticket = await opened(office)
    tag, marks = await office.tag(1), shown_marks(await office.shown(1))
    bodies = [marks | {"labels": [name]} for name in ("a", "b", "c")]
    answers = await asyncio.gather(
        *(office.client.put(f"{PATH}/1", json=one, headers=tagged(tag)) for one in bodies)
    )
    assert sorted(one.status for one in answers)[0] == 200
    assert {one.status for one in answers} <= {200, 409, 412}
    assert [one.status for one in answers].count(200) == 1
    assert len(await events(office, ticket, Deed.LABEL)) == 1


async def test_an_end_is_planned_asked_about_and_taken_back(office: Office) -> None:
    ticket = await opened(office)
    planned = await office.do(1, "close", {"after": 3600, "reason": "quiet"})
    shown = await planned.json()
    assert (shown["status"], shown["closes_at"] is not None) == ("open", True)
    kept = await (await office.do(1, "keep-open")).json()
    assert (kept["closes_at"], kept["close_reason"]) == (None, None)
    await assert_problem(await office.do(1, "keep-open"), 409, "E004")
    asked = await office.do(1, "close-request", {"reason": "done?", "after": 7200})
    assert (await asked.json())["close_requested"]
    await office.stage.settle()
    assert f"<@{OPENER}>, Pegasus thinks" in office.stage.said(ticket.channel_id)[-1]
    # Asked again, the question takes the place of the other; the opener answers it.
    assert (await office.do(1, "close-request", {})).status == 200
    await office.stage.service.life.decline_close(ticket.id, OPENER)
    assert not (await office.shown(1))["close_requested"]
    for after in (1, 10**9, -5, "soon"):
        await assert_problem(await office.do(1, "close", {"after": after}), 400, "E004", "/after")


async def test_who_sees_to_a_ticket_is_named(office: Office) -> None:
    ticket = await opened(office)
    nobody = await office.do(1, "claim", {})
    await assert_problem(nobody, 400, "E004", "/member_id")
    await assert_problem(await office.do(1, "claim", {"member_id": str(OTHER)}), 403, "E005")
    await assert_problem(await office.do(1, "claim", {"member_id": "4"}), 400, "E004", "/member_id")
    claimed = await office.do(1, "claim", {"member_id": str(STAFF)})
    assert (claimed.status, (await claimed.json())["claimer_id"]) == (200, str(STAFF))
    again = await office.do(1, "claim", {"member_id": str(ADMIN)})
    await assert_problem(again, 409, "E004")
    moved = await office.do(1, "transfer", {"member_id": str(ADMIN)})
    assert (await moved.json())["claimer_id"] == str(ADMIN)
    for member_id, status in ((OTHER, 403), (BOT, 400)):
        answer = await office.do(1, "transfer", {"member_id": str(member_id)})
        await assert_problem(answer, status, "E005" if status == 403 else "E004")
    (event,) = await events(office, ticket, Deed.TRANSFER)
    assert (event.actor_id, event.subject_id) == (None, ADMIN)
    freed = await office.do(1, "unclaim")
    assert (await freed.json())["claimer_id"] is None
    await assert_problem(await office.do(1, "unclaim"), 409, "E004")
    assert {(one.action, one.target_id) for one in await office.audited()} == {
        ("tickets.claim", STAFF),
        ("tickets.transfer", ADMIN),
        ("tickets.unclaim", None),
    }


async def test_who_is_logged_in_claims_for_themselves(office: Office) -> None:
    ticket = await opened(office)
    await office.world.log_in()
    await assert_problem(await office.do(1, "claim", {}), 400, "E004", "/member_id")
    facts = office.people.known[ADMIN]
    office.people.known[OWNER] = type(facts)(
        OWNER, facts.guild_id, "owner", permissions=facts.permissions
    )
    claimed = await office.do(1, "claim", {})
    assert (claimed.status, (await claimed.json())["claimer_id"]) == (200, str(OWNER))
    await office.do(1, "note", {"text": "mine"})
    (note,) = await events(office, ticket, Deed.NOTE)
    assert (note.actor_id, note.text) == (OWNER, "mine")
    assert {one.user_id for one in await office.audited()} == {OWNER}


async def test_members_come_and_go_and_a_ticket_changes_hands(office: Office) -> None:
    ticket = await opened(office)
    added = await office.do(1, "add-member", {"member_id": str(OTHER)})
    assert (await added.json())["member_ids"] == [str(OTHER)]
    again = await office.do(1, "add-member", {"member_id": str(OTHER)})
    await assert_problem(again, 409, "E004")
    stranger = await office.do(1, "add-member", {"member_id": "4"})
    await assert_problem(stranger, 400, "E004", "/member_id")
    for text in ("x", "9" * 19, "0", "-1", ""):
        odd = await office.do(1, "add-member", {"member_id": text})
        await assert_problem(odd, 400, "E004", "/member_id")
    del office.people.known[OTHER]
    left = await office.do(1, "remove-member", {"member_id": str(OTHER)})
    assert (left.status, (await left.json())["member_ids"]) == (200, [])
    gone = await office.do(1, "remove-member", {"member_id": str(OTHER)})
    await assert_problem(gone, 409, "E004")
    given = await (await office.do(1, "give", {"member_id": str(ADMIN)})).json()
    assert (given["opener_id"], given["member_ids"]) == (str(ADMIN), [str(OPENER)])
    await assert_problem(await office.do(1, "give", {"member_id": str(BOT)}), 400, "E004")
    await office.stage.wait(1)
    assert office.stage.room_of(ticket).viewers == {OPENER, ADMIN}


async def test_a_ticket_is_moved_and_noted_about(office: Office) -> None:
    ticket = await opened(office)
    other = await office.stage.panel("Bills")
    moved = await (await office.do(1, "move", {"panel_id": str(other.id)})).json()
    assert (moved["panel_id"], moved["panel"]) == (str(other.id), "Bills")
    await assert_problem(await office.do(1, "move", {"panel_id": str(other.id)}), 409, "E004")
    lost = await office.do(1, "move", {"panel_id": "77"})
    await assert_problem(lost, 400, "E004", "/panel_id")
    tag = await office.tag(1)
    noted = await office.do(1, "note", {"text": HOSTILE})
    assert (noted.status, HOSTILE in await noted.text()) == (200, False)
    assert noted.headers["ETag"] == tag
    (note,) = await events(office, ticket, Deed.NOTE)
    assert (note.actor_id, note.text) == (None, HOSTILE)
    for text in ("", "x" * 2001, "a\x00b", 5):
        await assert_problem(await office.do(1, "note", {"text": text}), 400, "E004", "/text")
    await assert_problem(await office.do(1, "note", {"text": "  "}), 400, "E004")
    assert len(await events(office, ticket, Deed.NOTE)) == 1


async def test_tickets_of_another_guild_are_not_there(office: Office) -> None:
    await opened(office)
    place = f"{ELSEWHERE}/tickets"
    assert await (await office.client.get(place)).json() == []
    await assert_problem(await office.client.get(f"{place}/1"), 404, "E006")
    closing = await office.post(f"{place}/1/close", {})
    await assert_problem(closing, 404, "E006")
    panel = (await office.shown(1))["panel_id"]
    made = await office.post(place, {"panel_id": panel, "member_id": str(OTHER)})
    await assert_problem(made, 400, "E004", "/panel_id")
    assert (await office.shown(1))["status"] == "open"


@pytest.mark.parametrize("status", list(Status))
def test_what_the_machine_takes_is_offered_and_nothing_else(
    status: Status, clock: FakeClock
) -> None:
    shown = TicketDetail.model_construct(
        status=status,
        opener_id="8",
        claimer_id=None,
        member_ids=["9"],
        close_requested=True,
        closes_at=None,
        created_at=clock.now(),
    )
    offered = {one.name for one in TICKETS.actions if one.is_offered(shown)}
    deeds = {
        "close": Deed.CLOSE,
        "close-request": Deed.REQUEST_CLOSE,
        "keep-open": Deed.KEEP_OPEN,
        "reopen": Deed.REOPEN,
        "claim": Deed.CLAIM,
        "transfer": Deed.TRANSFER,
        "give": Deed.GIVE_TO,
        "add-member": Deed.ADD,
        "remove-member": Deed.REMOVE,
        "move": Deed.MOVE,
        "note": Deed.NOTE,
    }
    assert offered == {name for name, deed in deeds.items() if status in TABLE[deed].sources}
