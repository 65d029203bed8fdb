"""The commands of tickets in a running bot: panels and their editor, tags, figures, refusals."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from bot.core.contracts import Actor
from cogs.tickets.asking import DRAFT_KEPT
from cogs.tickets.panel import Panel
from cogs.tickets.ports import Applicant, Request
from cogs.tickets.questions import Page, Question
from db.ticket_messages import TicketMessage
from db.ticket_panels import TicketPanel, put_draft
from db.tickets import Ticket, get_ticket
from tests.cogs.moderation.world import text_of
from tests.cogs.tickets.harbour import Desk, made
from tests.cogs.tickets.talk import message
from tests.fakes import FakeClock


async def ticket_in(desk: Desk) -> Ticket:
    """Have a ticket whose room is the channel."""
    row = await desk.panel()
    actor = Actor(desk.ada.id, "command")
    request = Request(
        guild_id=desk.guild.id,
        panel_id=row.id,
        applicant=Applicant(user_id=desk.ada.id, name="ada"),
        actor=actor,
        channel_id=desk.channel.id,
        request_id=5,
    )
    ticket = await desk.cog.service.opening.open(request)
    async with desk.bench.kernel.database.write() as session:
        values = {"status": "open", "channel_id": desk.channel.id}
        await session.execute(update(Ticket).values(**values))
    return ticket


async def kept(desk: Desk, ticket: Ticket) -> Ticket:
    """Return the ticket as it is kept now."""
    async with desk.bench.kernel.database.read() as session:
        found = await get_ticket(session, ticket.id)
    assert found is not None
    return found


async def test_a_panel_is_made_posted_listed_and_deleted(desk: Desk) -> None:
    await made(desk)
    desk.cog.desk._patience = 0
    assert "on its way" in await desk.ask(desk.boss, "ticket panel post", title="Need help?")
    await desk.bench.deliver()
    await desk.bench.run_jobs()
    message = desk.channel.last_message
    assert message.embeds[0].title == "Need help?"
    assert message.components[0].children[0].custom_id == "tickets:open:1"
    assert "Support" in await desk.ask(desk.boss, "ticket panel list")
    asked = await desk.boss.slash(desk.channel, "ticket panel delete", panel="support")
    await desk.boss.click(asked.response, label="Yes, go ahead")
    assert await desk.cog.desk.list(desk.guild.id) == []
    assert "no panels yet" in await desk.ask(desk.boss, "ticket panel list")


async def test_a_name_is_given_once(desk: Desk) -> None:
    await made(desk)
    said = await desk.ask(desk.boss, "ticket panel create", name="SUPPORT")
    assert "a panel called" in said


async def test_parts_of_a_panel_are_edited_and_refused_in_words(desk: Desk) -> None:
    await made(desk)
    editor = await desk.boss.slash(desk.channel, "ticket panel edit", panel="Support")
    form = await desk.boss.select(editor.response, ["hours"], custom_id="tickets:panel:parts")
    values = {"hours": "Mon-Fri 9-17", "zone": "Europe/Madrid", "outside": ["refuse"]}
    await desk.boss.submit_modal(form, values)
    panel = Panel.model_validate((await desk.panel()).config)
    assert (len(panel.hours), panel.zone, panel.outside_hours) == (5, "Europe/Madrid", "refuse")
    form = await desk.boss.select(editor.response, ["hours"], custom_id="tickets:panel:parts")
    refused = await desk.boss.submit_modal(form, values | {"hours": "whenever"})
    assert "I can't read these hours: whenever" in text_of(refused)
    assert len(Panel.model_validate((await desk.panel()).config).hours) == 5
    place = await desk.boss.select(editor.response, ["place"], custom_id="tickets:panel:parts")
    rooms = {"room": ["thread"], "parent": [], "overflow": [], "naming": "{number}"}
    await desk.boss.submit_modal(place, rooms | {"log": [desk.channel]})
    panel = Panel.model_validate((await desk.panel()).config)
    assert (panel.naming, panel.log_channel_id) == ("{number}", desk.channel.id)
    assert f"Transcripts go to <#{desk.channel.id}>" in str(editor.response.components)


async def test_questions_and_routes_are_edited(desk: Desk) -> None:
    await made(desk)
    editor = await desk.boss.slash(desk.channel, "ticket panel edit", panel="Support")
    form = await desk.boss.select(editor.response, ["new"], custom_id="tickets:panel:form")
    await desk.boss.submit_modal(
        form,
        {
            "kind": ["radio"],
            "label": "Kind",
            "description": "",
            "choices": "Bug | Broken\nOther",
            "required": ["yes"],
        },
    )
    (question,) = Panel.model_validate((await desk.panel()).config).questions
    assert (question.key, [one.value for one in question.choices]) == ("kind", ["bug", "other"])
    form = await desk.boss.select(editor.response, ["route"], custom_id="tickets:panel:routes")
    await desk.boss.submit_modal(
        form, {"when": "Kind: Bug", "roles": [], "priority": ["high"], "labels": "bug, new"}
    )
    form = await desk.boss.select(editor.response, ["route"], custom_id="tickets:panel:routes")
    nothing = {"when": "Kind: Bug", "roles": [], "priority": [], "labels": " , "}
    refused = await desk.boss.submit_modal(form, nothing)
    assert "leads to nothing" in text_of(refused)
    (route,) = Panel.model_validate((await desk.panel()).config).routes
    assert (route.priority, route.labels) == ("high", ("bug", "new"))


async def test_members_are_refused_what_is_the_staffs(desk: Desk) -> None:
    await made(desk)
    for command in ("ticket panel list", "ticket blocklist list"):
        assert "Manage Server" in await desk.ask(desk.ada, command)
    for command, options in (
        ("ticket stats", {}),
        ("ticket tag list", {}),
        ("ticket search", {"words": "x"}),
    ):
        assert "Only the staff" in await desk.ask(desk.ada, command, **options)
    assert "not the room of a ticket" in await desk.ask(desk.sam, "ticket claim")
    said = await desk.ask(desk.ada, "ticket open", panel="Support", member=desk.sam)
    assert "Only the staff can open tickets for others" in said


async def test_a_form_that_was_left_is_offered_as_it_was_filled_in(desk: Desk) -> None:
    await made(desk)
    row = await desk.panel()
    asked = [
        Question(key="what", label="What?"),
        Question(key="where", label="Where?"),
    ]
    pages = tuple(Page(questions=(one,)) for one in asked)
    panel = Panel.model_validate(row.config).model_copy(update={"pages": pages})
    async with desk.bench.kernel.database.write() as session:
        await session.execute(update(TicketPanel).values(config=panel.to_json()))
        ada = {"user_id": str(desk.ada.id), "name": "ada", "role_ids": [], "is_bot": False}
        await put_draft(
            session,
            panel_id=row.id,
            user_id=desk.ada.id,
            guild_id=desk.guild.id,
            answers={"what": "It leaks", "gone": "Not asked any more"},
            context={"applicant": ada, "origin": {}, "channel_id": str(desk.channel.id)},
            expires_at=desk.bench.kernel.clock.now() + DRAFT_KEPT,
        )
    # The answer with its buttons is gone once the client is started anew.
    again = await desk.ada.slash(desk.channel, "ticket open")
    assert "It leaks" in str(again.modal)


async def test_members_are_not_told_to_do_what_admins_do(desk: Desk) -> None:
    await made(desk)
    row = await desk.panel()
    form = {"parent_id": "999", "pages": [Page(questions=(Question(key="why", label="Why"),))]}
    config = Panel.model_validate({**row.config, **form}).to_json()
    async with desk.bench.kernel.database.write() as session:
        await session.execute(update(TicketPanel).values(config=config))
    said = await desk.ask(desk.ada, "ticket open")
    assert "does not exist any more. The admins are told what to do" in said
    assert "An admin can choose another" in await desk.ask(desk.boss, "ticket open")


async def test_staff_hand_tickets_to_staff_alone(desk: Desk) -> None:
    await made(desk)
    ticket = await ticket_in(desk)
    assert "not of the staff" in await desk.ask(desk.sam, "ticket transfer", member=desk.ada)
    assert (await kept(desk, ticket)).claimed_by is None
    assert "sees to" in await desk.ask(desk.boss, "ticket transfer", member=desk.sam)
    assert (await kept(desk, ticket)).claimed_by == desk.sam.id


async def test_tickets_of_a_deleted_panel_are_offered_to_who_sees_all(desk: Desk) -> None:
    await made(desk)
    await ticket_in(desk)
    await desk.cog.desk.delete(await desk.panel(), Actor(desk.boss.id, "command"))
    offered = await desk.boss.autocomplete(desk.channel, "ticket transcript", "ticket", "")
    assert [one["value"] for one in offered] == ["1"]


async def test_a_closed_ticket_asks_nobody_why_it_is_closed(desk: Desk) -> None:
    await made(desk)
    ticket = await ticket_in(desk)
    await desk.cog.service.life.close(ticket.id, desk.sam.id)
    assert "This ticket is closed" in await desk.ask(desk.sam, "ticket close")


async def test_members_are_shown_a_way_that_is_theirs(desk: Desk) -> None:
    await made(desk)
    ticket = await ticket_in(desk)
    await desk.cog.service.life.close(ticket.id, desk.sam.id)
    refused = await desk.ask(desk.ada, "ticket close")
    assert "The staff can open it again" in refused
    refused = await desk.ask(desk.ada, "ticket reopen")
    assert "Only the staff can open a ticket again. /ticket open opens another one" in refused
    assert "Only the staff who see to tickets" in await desk.ask(desk.ada, "ticket stats")
    eve = desk.guild.add_member(desk.bench.env.create_user("eve"))
    assert "You have no open tickets" in await desk.ask(eve, "ticket list")


async def test_nobody_is_asked_about_a_message_that_is_not_on_record(desk: Desk) -> None:
    await made(desk)
    ticket = await ticket_in(desk)
    asked = {"message": "123456789012345678"}
    assert "no such message" in await desk.ask(desk.sam, "ticket redact", **asked)
    capture = desk.cog.service.capture
    async with desk.bench.kernel.database.read() as session:
        await capture.note(session, await get_ticket(session, ticket.id))
    sent = message(desk.channel.id, int(asked["message"]), "my address", FakeClock().now())
    capture.take_message(sent | {"guild_id": str(desk.guild.id)})
    assert "Remove this message" in await desk.ask(desk.sam, "ticket redact", **asked)


async def test_who_is_no_more_of_the_staff_can_finish_nothing(desk: Desk) -> None:
    await made(desk)
    ticket = await ticket_in(desk)
    capture = desk.cog.service.capture
    async with desk.bench.kernel.database.read() as session:
        await capture.note(session, await get_ticket(session, ticket.id))
    sent = message(desk.channel.id, 1 << 60, "my address", FakeClock().now())
    capture.take_message(sent | {"guild_id": str(desk.guild.id)})
    form = await desk.sam.slash(desk.channel, "ticket close")
    asked = await desk.sam.slash(desk.channel, "ticket redact", message=str(1 << 60))

    def without_staff(panel: Panel) -> Panel:
        return panel.model_copy(update={"staff_roles": ()})

    await desk.cog.desk.change(await desk.panel(), without_staff, Actor(desk.boss.id, "command"))
    closed = text_of(await desk.sam.submit_modal(form, {"reason": "Mine"}))
    assert "Only the staff of this ticket can do that" in closed
    await desk.sam.click(asked.response, label="Yes, go ahead")
    assert (await kept(desk, ticket)).status == "open"
    async with desk.bench.kernel.database.read() as session:
        assert await session.scalar(select(TicketMessage.content)) == "my address"


@pytest.mark.parametrize("number", ["9" * 19, "9" * 20, "9223372036854775808"])
async def test_a_number_that_is_no_messages_id_is_no_link(desk: Desk, number: str) -> None:
    await made(desk)
    await ticket_in(desk)
    assert "no link to a message" in await desk.ask(desk.sam, "ticket redact", message=number)


async def test_tags_are_kept_and_sent(desk: Desk) -> None:
    await made(desk)
    form = await desk.boss.slash(desk.channel, "ticket tag add")
    await desk.boss.submit_modal(
        form, {"name": "Rules", "content": "Read #rules", "trigger": "which rules"}
    )
    assert "not sent yet" in await desk.ask(desk.sam, "ticket tag list")
    assert await desk.ask(desk.sam, "ticket tag send", tag="rules") == "Read #rules"
    assert "sent 1 time" in await desk.ask(desk.sam, "ticket tag list")
    assert "no tag called" in await desk.ask(desk.sam, "ticket tag send", tag="nothing")
    assert "deleted" in await desk.ask(desk.boss, "ticket tag remove", tag="rules")
    assert "no tags yet" in await desk.ask(desk.sam, "ticket tag list")


async def test_the_blocked_are_told(desk: Desk) -> None:
    await made(desk)
    said = await desk.ask(desk.boss, "ticket blocklist add", member=desk.ada, reason="spam")
    assert "can't open tickets any more" in said
    assert "spam" in await desk.ask(desk.boss, "ticket blocklist list")
    assert "blocked you" in await desk.ask(desk.ada, "ticket open")
    await desk.ask(desk.boss, "ticket blocklist remove", member=desk.ada)
    assert "is not blocked" in await desk.ask(desk.boss, "ticket blocklist remove", member=desk.ada)


async def test_figures_and_lists_are_shown(desk: Desk) -> None:
    await made(desk)
    await ticket_in(desk)
    assert "#1" in await desk.ask(desk.sam, "ticket list")
    figures = await desk.sam.slash(desk.channel, "ticket stats")
    (embed,) = figures.response.embeds
    shown = {one.name: one.value for one in embed.fields}
    assert shown["Opened"] == "1"
    assert shown["Answered late"] == "reminders: 0, others called: 0, the lead: 0"
    assert "Only the staff can read it" in await desk.ask(desk.sam, "ticket note", text="hm")
    assert "hm" in await desk.ask(desk.sam, "ticket note")
    assert "labels are: a, b" in await desk.ask(desk.sam, "ticket label", labels="a, b")
    assert "Only the staff" in await desk.ask(desk.ada, "ticket note")


async def test_what_was_written_a_moment_ago_is_erased_as_well(desk: Desk) -> None:
    await made(desk)
    ticket = await ticket_in(desk)
    async with desk.bench.kernel.database.write() as session:
        await session.execute(update(Ticket).values(user_id=desk.sam.id))
        ticket = await get_ticket(session, ticket.id)
        assert ticket is not None
        await desk.cog.service.capture.note(session, ticket)
    desk.cog.service.capture.take_message(
        message(desk.channel.id, 1, "my address", FakeClock().now(), author=desk.ada.id)
    )
    question = await desk.ada.slash(desk.channel, "mydata delete")
    await desk.ada.click(question.response, label="Delete my data")
    await desk.cog.service.capture.flush()
    async with desk.bench.kernel.database.read() as session:
        (kept,) = await session.scalars(select(TicketMessage).where(TicketMessage.message_id == 1))
    assert (kept.author_id, kept.author_name, kept.content) == (0, None, None)


async def test_files_are_for_the_opener_and_the_staff_of_the_panel(desk: Desk) -> None:
    await made(desk)
    await ticket_in(desk)
    other = desk.guild.create_role("Others")
    await desk.boss.slash(desk.channel, "ticket panel create", name="Other", staff=other)
    eve = desk.guild.add_member(desk.bench.env.create_user("eve"), roles=[other])
    for person in (desk.ada, desk.sam):
        assert "There is no file" in await desk.ask(person, "ticket file", file="x", ticket="1")
    assert "no such ticket" in await desk.ask(eve, "ticket file", file="x", ticket="1")


async def test_ready_texts_are_offered_to_who_may_send_them(desk: Desk) -> None:
    await made(desk)
    actor = Actor(desk.boss.id, "command")
    quality = desk.cog.service.quality
    await quality.save_tag(desk.guild.id, "refund", "Within a week.", None, actor, new=True)
    for person, names in ((desk.ada, []), (desk.sam, ["refund"]), (desk.boss, ["refund"])):
        offered = await person.autocomplete(desk.channel, "ticket tag send", "tag", "")
        assert [one["value"] for one in offered] == names


@pytest.mark.parametrize(
    ("closing", "said"),
    [
        ({"on_leave": False}, "don't close by themselves: it stays open"),
        ({}, "It closes when whoever opened it leaves the server."),
        ({"inactive_after": 3600, "on_leave": False}, "closes by itself <t:"),
        ({"unanswered_after": 7200}, "leaves the staff without an answer for 2 hours"),
    ],
)
async def test_who_no_longer_keeps_a_ticket_open_is_told_what_closes_it(
    desk: Desk, closing: dict[str, object], said: str
) -> None:
    await made(desk)
    row = await desk.panel()
    async with desk.bench.kernel.database.write() as session:
        config = {**row.config, "closing": {**row.config["closing"], **closing}}
        await session.execute(update(TicketPanel).values(config=config))
    ticket = await ticket_in(desk)
    kept_open = await desk.ask(desk.sam, "ticket keep")
    assert kept_open == "The ticket stays open until somebody closes it."
    assert (await kept(desk, ticket)).exempt
    told = await desk.ask(desk.sam, "ticket keep", off=True)
    assert said in told
    assert ("leaves the server" in told) is closing.get("on_leave", True)
    assert not (await kept(desk, ticket)).exempt
