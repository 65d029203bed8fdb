"""What the API does with tickets in a running bot: its members, its rooms, its lines."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.contracts import Actor
from bot.core.errors import Denied, InvalidInput
from bot.core.fields.bodies import describe_body
from bot.core.i18n import Message
from cogs.tickets.ticket_bodies import (
    BlockDetail,
    ClaimBody,
    CloseBody,
    MemberBody,
    OpenBody,
    TagBody,
    TicketDetail,
)
from tests.cogs.tickets.harbour import Desk, made

KEYED = Actor(0, "api")


def resource(desk: Desk, name: str = "tickets") -> Any:
    return desk.bench.kernel.resources.get(name)


async def opened(desk: Desk) -> Any:
    await made(desk)
    panel = await desk.panel()
    body = OpenBody(
        panel_id=str(panel.id), member_id=str(desk.ada.id), channel_id=str(desk.channel.id)
    )
    resource(desk)._patience = 0.0
    await resource(desk).add(desk.guild.id, body, KEYED)
    await desk.bench.run_jobs()
    await desk.bench.deliver()
    return await resource(desk).get(desk.guild.id, 1)


async def test_a_ticket_is_opened_claimed_and_closed_without_a_command(desk: Desk) -> None:
    item = await opened(desk)
    assert (item.body.status, item.body.opener_id) == ("open", str(desk.ada.id))
    act, guild_id = resource(desk).act, desk.guild.id
    item = await act(guild_id, item, "claim", ClaimBody(member_id=str(desk.sam.id)), KEYED)
    assert item.body.claimer_id == str(desk.sam.id)
    item = await act(guild_id, item, "close", CloseBody(reason="Done"), KEYED)
    await desk.bench.run_jobs()
    await desk.bench.deliver()
    await desk.bench.run_jobs()
    ended = await resource(desk).get(guild_id, 1)
    assert (ended.body.status, ended.body.close_reason) == ("closed", "Done")


async def test_only_members_and_staff_are_taken(desk: Desk) -> None:
    item = await opened(desk)
    act, guild_id = resource(desk).act, desk.guild.id
    with pytest.raises(Denied, match="not of the staff"):
        await act(guild_id, item, "claim", ClaimBody(member_id=str(desk.ada.id)), KEYED)
    with pytest.raises(InvalidInput, match="no member"):
        await act(guild_id, item, "add-member", MemberBody(member_id="12345"), KEYED)
    # Whoever manages the server sees to every ticket.
    item = await act(guild_id, item, "claim", ClaimBody(member_id=str(desk.boss.id)), KEYED)
    assert item.body.claimer_id == str(desk.boss.id)


async def test_blocks_and_tags_are_those_of_the_commands(desk: Desk) -> None:
    await desk.ask(desk.boss, "ticket blocklist add", member=desk.ada)
    blocks = resource(desk, "ticket-blocks")
    (blocked,) = await blocks.list_page(desk.guild.id, before=None, limit=5)
    assert (blocked.id, blocked.body.blocked_by) == (desk.ada.id, str(desk.boss.id))
    await resource(desk, "ticket-blocks").remove(desk.guild.id, blocked.id, blocked.revision, KEYED)
    assert "Nobody is blocked" in await desk.ask(desk.boss, "ticket blocklist list")


def test_what_happened_once_is_not_called_as_several_are() -> None:
    # Figures count tickets that were opened and closed: "Abiertos".
    for model, name in (
        (TicketDetail, "created_at"),
        (TicketDetail, "closed_at"),
        (BlockDetail, "blocked_at"),
    ):
        title = model.model_fields[name].title
        assert title is not None
        assert not Message(title).render("es").endswith("os")


def test_a_new_ready_text_is_asked_for_by_its_name_first() -> None:
    assert [one.name for one in describe_body(TagBody)] == ["name", "content", "trigger"]
