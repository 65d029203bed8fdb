"""Opening tickets: numbers, limits and refusals, also when a hundred press at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bot.core.contracts import Actor, ChannelSummary
from bot.core.errors import Denied, NotFound
from cogs.tickets.ports import Applicant
from db import ticket_panels
from db.engine import Database
from tests.cogs.tickets.stage import GUILD, OPENER, OTHER, STAFF, FakeRooms, Stage, View, refusal
from tests.fakes import FakeClock


async def test_a_hundred_at_once_get_a_hundred_numbers(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    panel = await stage.panel()
    tickets = await asyncio.gather(
        *(stage.service.opening.open(stage.request(panel, 1000 + one)) for one in range(100))
    )
    assert sorted(one.number for one in tickets) == list(range(1, 101))


async def test_no_one_exceeds_a_limit_by_pressing_fast(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    panel = await stage.panel(per_member=2, at_most=7)
    presses = [stage.request(panel, 1000 + one % 5) for one in range(50)]
    came = await asyncio.gather(
        *(stage.service.opening.open(one) for one in presses), return_exceptions=True
    )
    opened: list[Any] = [one for one in came if not isinstance(one, BaseException)]
    assert all(isinstance(one, Denied) for one in came if isinstance(one, BaseException))
    assert len(opened) == 7
    assert max(Counter(one.user_id for one in opened).values()) <= 2
    assert sorted(one.number for one in opened) == list(range(1, 8))


async def test_the_same_request_opens_one_ticket(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    request = stage.request(await stage.panel(per_member=5))
    tickets = await asyncio.gather(*(stage.service.opening.open(request) for _ in range(5)))
    assert len({one.id for one in tickets}) == 1


@pytest.mark.parametrize(
    ("values", "applicant", "words"),
    [
        ({"enabled": False}, {}, "can't be opened at the moment"),
        ({"required_roles": ["5"]}, {}, "need one of these roles: <@&5>"),
        ({"blocked_roles": ["6"]}, {"role_ids": frozenset({6})}, "With <@&6> you can't"),
        ({}, {"is_bot": True}, "A bot can't"),
        (
            {
                "hours": [{"day": 0, "opens": "09:00", "closes": "09:01"}],
                "outside_hours": "refuse",
            },
            {},
            "while the staff are there",
        ),
    ],
)
async def test_what_is_in_the_way_is_said(
    sqlite_database: Database, values: dict[str, Any], applicant: dict[str, Any], words: str
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel(**values)
    request = stage.request(
        panel, applicant=Applicant(**{"user_id": OPENER, "name": "ada"} | applicant)
    )
    with pytest.raises(Denied, match=words):
        await stage.service.opening.admit(request)
    with pytest.raises(Denied, match=words):
        await stage.service.opening.open(request)


async def test_everything_in_the_way_is_said_at_once(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel(required_roles=["5"])
    await stage.service.quality.block(GUILD, OPENER, Actor(STAFF, "command"), None)
    with pytest.raises(Denied) as caught:
        await stage.service.opening.admit(stage.request(panel))
    said = str(caught.value)
    assert "blocked you" in said
    assert "<@&5>" in said


async def test_who_has_a_ticket_already_is_led_to_it(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    await stage.set(open_per_member=2)
    panel, other, third = [await stage.panel(one) for one in ("Help", "Billing", "Else")]
    first, second = await stage.open(panel), await stage.open(other)
    await stage.open(panel, OTHER)

    with pytest.raises(Denied) as caught:
        await stage.service.opening.admit(stage.request(panel))
    said = str(caught.value)
    assert f"<#{first.channel_id}>" in said
    assert f"<#{second.channel_id}>" not in said
    with pytest.raises(Denied) as caught:
        await stage.service.opening.admit(stage.request(third))
    assert f"go on in <#{first.channel_id}>, <#{second.channel_id}>" in str(caught.value)


async def test_a_ticket_without_a_room_yet_counts(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel()
    await stage.service.opening.open(stage.request(panel))
    with pytest.raises(Denied, match="go on there"):
        await stage.service.opening.admit(stage.request(panel))


async def test_who_comes_outside_hours_is_told_day_and_time(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    hours = [{"day": 0, "opens": "09:00", "closes": "09:01"}]
    panel = await stage.panel(hours=hours, outside_hours="refuse")
    with pytest.raises(Denied, match=r"again <t:\d+:f> \(<t:\d+:R>\)"):
        await stage.service.opening.admit(stage.request(panel))


async def test_a_form_whose_room_could_not_be_made_is_kept(database: Database) -> None:
    rooms = FakeRooms(refusing=refusal())
    stage = await Stage.make(database, FakeClock(), rooms)
    question = {"key": "why", "label": "Why"}
    panel = await stage.panel(pages=[{"questions": [question]}])
    ticket = await stage.open(panel, answers={"why": "It is dark."})
    assert ticket.status == "failed"
    async with database.read() as session:
        draft = await ticket_panels.get_draft(session, panel.id, OPENER, stage.clock.now())
    assert draft is not None
    assert draft.answers == {"why": "It is dark."}


class Places(View):
    """Text channels, a channel for announcements, and a thread in the first."""

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        kind: Any = {700: "news", 701: "thread"}.get(channel_id, "text")
        parent = 500 if kind == "thread" else 600
        return ChannelSummary(channel_id, guild_id, "place", kind, parent_id=parent)


@pytest.mark.parametrize(
    ("posted", "asked_in", "made_in"),
    [([], 502, 502), ([501], 502, 501), ([501, 502], 502, 502), ([], 701, 500), ([], 700, None)],
)
async def test_rooms_are_made_where_the_panel_is_posted(
    sqlite_database: Database, posted: list[int], asked_in: int, made_in: int | None
) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    stage.view = Places()
    panel = await stage.panel()
    async with sqlite_database.write() as session:
        for channel_id in posted:
            looks: dict[str, Any] = {"style": "buttons", "title": "", "text": "", "colour": None}
            await ticket_panels.add_post(
                session, guild_id=GUILD, channel_id=channel_id, panel_ids=[panel.id], **looks
            )
    ticket = await stage.service.opening.open(stage.request(panel, channel_id=asked_in))
    assert ticket.parent_id == made_in


async def test_a_cooldown_ends(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel(cooldown=3600, per_member=5)
    await stage.open(panel)
    with pytest.raises(Denied, match="open the next one"):
        await stage.open(panel)
    stage.clock.advance(timedelta(hours=1))
    assert (await stage.open(panel)).number == 2


async def test_staff_open_for_others_whatever_the_roles(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel(required_roles=["5"])
    ticket = await stage.open(panel, OTHER, actor=Actor(STAFF, "command"))
    assert (ticket.user_id, ticket.opened_by, ticket.status) == (OTHER, STAFF, "open")


async def test_answers_route_to_another_panel(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    choices = [{"value": "bug", "label": "Bug"}, {"value": "b", "label": "B"}]
    question = {"key": "kind", "label": "Kind", "kind": "radio", "choices": choices}
    when = {"question": "kind", "values": ["bug"]}
    asked = await stage.panel(
        pages=[{"questions": [question]}],
        routes=[{"when": when, "panel": "bugs", "priority": "urgent", "labels": ["bug"]}],
    )
    bugs = await stage.panel("Bugs", naming="bug {opener}")
    ticket = await stage.open(asked, answers={"kind": ["bug"]})
    assert (ticket.panel_id, ticket.category, ticket.priority) == (bugs.id, "Bugs", "urgent")
    assert (ticket.labels, ticket.name) == (["bug"], "bug user8-0001")
    assert ticket.answers[0]["shown"] == ["Bug"]


async def test_a_draft_is_forgotten_once_its_ticket_is_open(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel()
    async with stage.database.write() as session:
        await ticket_panels.put_draft(
            session,
            panel_id=panel.id,
            user_id=OPENER,
            guild_id=GUILD,
            answers={},
            context={},
            expires_at=stage.clock.now() + timedelta(hours=1),
        )
    await stage.open(panel)
    async with stage.database.read() as session:
        found = await ticket_panels.get_draft(session, panel.id, OPENER, stage.clock.now())
    assert found is None


async def test_a_panel_that_is_gone_says_so(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    request = stage.request(await stage.panel(), panel_id=999)
    with pytest.raises(NotFound, match="can't be opened any more"):
        await stage.service.opening.open(request)


async def test_switched_off_nothing_is_opened(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel()
    await stage.set(enabled=False)
    with pytest.raises(Denied, match="switched off"):
        await stage.open(panel)


async def test_a_place_that_is_gone_is_said_before_the_form(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    panel = await stage.panel(parent_id="501")
    stage.view.lost = {501}
    with pytest.raises(Denied, match="does not exist any more"):
        await stage.service.opening.admit(stage.request(panel))
    (problem,) = await stage.problems.list(GUILD)
    assert problem.problem.subject == str(panel.id)
