"""Ratings and figures, and how open tickets follow what is set."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.contracts import SYSTEM
from bot.core.errors import Conflict, Denied, InvalidInput
from bot.core.settings import SettingsChanged
from cogs.tickets import quality, rating
from cogs.tickets.desk import PanelDesk
from cogs.tickets.figures import count_up
from cogs.tickets.watch import Writer
from db import ticket_quality
from db.engine import Database
from db.ticket_quality import TicketTag
from db.tickets import Ticket
from tests.cogs.tickets.stage import CHANNEL, GUILD, LOG, OPENER, OTHER, STAFF, Stage
from tests.cogs.tickets.talk import opened, say
from tests.fakes import FakeClock


async def closed(database: Database) -> tuple[Stage, Ticket]:
    stage = await Stage.make(database, FakeClock())
    await stage.set(log_channel_id=str(LOG))
    ticket = await stage.open()
    await stage.service.life.claim(ticket.id, STAFF)
    stage.clock.advance(60)
    await stage.service.watch.note_writing(ticket.id, [(Writer.STAFF, stage.clock.now())])
    stage.clock.advance(600)
    await stage.service.life.close(ticket.id, STAFF)
    await stage.wait(1)
    return stage, await stage.get(ticket.id)


async def test_only_the_opener_rates_and_may_think_again(database: Database) -> None:
    stage, ticket = await closed(database)
    ratings = stage.service.ratings
    with pytest.raises(Denied, match="Only whoever opened"):
        await ratings.rate(ticket.id, OTHER, 1)
    await ratings.rate(ticket.id, OPENER, 2)
    await ratings.rate(ticket.id, OPENER, 5)
    await ratings.comment(ticket, OPENER, 5, " Fast @everyone ")
    async with database.read() as session:
        kept = await ticket_quality.get_rating(session, ticket.id)
    assert kept is not None
    assert (kept.stars, kept.comment) == (5, "Fast @everyone")
    await stage.settle()
    told = stage.courier.delivered[-1]
    assert told.channel_id == LOG
    assert "★★★★★ for ticket 1" in told.payload["content"]
    assert told.payload["allowed_mentions"] == {"parse": [], "users": []}


async def test_limit_of_ready_texts_holds_for_those_who_add_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "MOST_TAGS", 2)
    stage = await Stage.make(database, FakeClock())
    list_tags = ticket_quality.list_tags

    async def list_slowly(session: AsyncSession, guild_id: int) -> Sequence[TicketTag]:
        found = await list_tags(session, guild_id)
        await asyncio.sleep(0.05)
        return found

    monkeypatch.setattr(ticket_quality, "list_tags", list_slowly)
    came = await asyncio.gather(
        *(
            stage.service.quality.save_tag(GUILD, f"t{n}", "x", None, SYSTEM, new=True)
            for n in range(5)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, InvalidInput) for one in came) == 3
    assert len(await stage.service.quality.list_tags(GUILD)) == 2
    # Tickets are numbered from one all the same.
    assert (await stage.open()).number == 1


async def test_each_rating_is_told_as_it_stands(database: Database) -> None:
    stage, ticket = await closed(database)
    ratings = stage.service.ratings
    before = len(stage.courier.delivered)

    def told() -> list[str]:
        return [str(one.payload["content"]) for one in stage.courier.delivered[before:]]

    # Stars alone are told when nobody has explained them for a while.
    await ratings.rate(ticket.id, OPENER, 1)
    await stage.settle()
    assert told() == []
    await stage.wait(rating.FORM_TIME)
    assert [one[:5] for one in told()] == ["★☆☆☆☆"]
    # The same again is no news; a word is, at once, and twice in a second too.
    await ratings.rate(ticket.id, OPENER, 1)
    await stage.wait(rating.FORM_TIME)
    assert len(told()) == 1
    for word in ("Slow.", "Too slow."):
        await ratings.comment(ticket, OPENER, 1, word)
        await stage.settle()
        stage.clock.advance(0.1)
    assert [one.partition("> ")[2] for one in told()[1:]] == ["Slow.", "Too slow."]
    # Other stars come without the word that was about the former.
    await ratings.rate(ticket.id, OPENER, 5)
    await stage.wait(rating.FORM_TIME)
    assert told()[3:] == [f"★★★★★ for ticket 1 from <@{OPENER}>"]
    # A form that was still open says which stars it is about.
    await ratings.comment(ticket, OPENER, 1, "No, one.")
    await stage.settle()
    assert told()[4] == f"★☆☆☆☆ for ticket 1 from <@{OPENER}>\n> No, one."


async def test_an_open_ticket_is_not_rated(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    with pytest.raises(Conflict, match="open again"):
        await stage.service.ratings.rate(ticket.id, OPENER, 5)


async def test_figures_are_medians_by_staff_and_hour(sqlite_database: Database) -> None:
    stage, ticket = await closed(sqlite_database)
    await stage.service.ratings.rate(ticket.id, OPENER, 4)
    figures = await stage.service.quality.figures(GUILD, 30)
    assert (figures.opened, figures.closed, figures.unanswered) == (1, 1, 0)
    assert (figures.first_answer, figures.resolution) == (
        timedelta(seconds=60),
        timedelta(seconds=660),
    )
    (share,) = figures.staff
    assert (share.user_id, share.tickets, share.stars) == (STAFF, 1, 4.0)
    assert figures.hours[12] == 1


async def test_who_answers_without_claiming_is_among_the_staff(database: Database) -> None:
    stage, ticket = await opened(database)
    await say(stage, ticket, 1, "Hello?", author=OPENER)
    stage.clock.advance(60)
    await say(stage, ticket, 2, "A bot", author=99, webhook_id="5")
    await say(stage, ticket, 3, "Here!", author=STAFF)
    await say(stage, ticket, 4, "And I.", author=OTHER)
    figures = await stage.service.quality.figures(GUILD, 30)
    assert [(one.user_id, one.tickets) for one in figures.staff] == [(STAFF, 1)]
    assert figures.staff[0].first_answer == figures.first_answer
    # Whose ticket it is counts besides; how soon another wrote is not theirs.
    await stage.service.life.claim(ticket.id, OTHER)
    shares = {one.user_id: one for one in (await stage.service.quality.figures(GUILD, 30)).staff}
    assert shares[STAFF].first_answer is not None
    assert (shares[OTHER].tickets, shares[OTHER].first_answer) == (1, None)


async def test_figures_are_read_in_pages(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = await Stage.make(database, FakeClock())
    panel = await stage.panel()
    for number in range(5):
        ticket = await stage.open(panel, 100 + number)
        await stage.service.life.close(ticket.id, STAFF)
        await stage.wait(2)
        await stage.service.ratings.rate(ticket.id, 100 + number, number + 1)
    quality = stage.service.quality
    whole = await quality.figures(GUILD, 30)
    assert (whole.opened, whole.ratings, whole.stars, whole.is_cut) == (5, 5, 3.0, False)
    monkeypatch.setattr("cogs.tickets.summary._PAGE", 2)
    assert await quality.figures(GUILD, 30) == whole
    monkeypatch.setattr("cogs.tickets.summary.MOST_COUNTED", 3)
    cut = await quality.figures(GUILD, 30)
    assert (cut.opened, cut.is_cut) == (3, True)


def test_figures_of_nothing() -> None:
    figures = count_up([], [], "UTC")
    assert (figures.first_answer, figures.stars, list(figures.staff)) == (None, None, [])


async def test_open_tickets_follow_their_panel_and_the_settings(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    row = await stage.panel(room="channel")
    ticket = await stage.open(row)
    following = stage.service.following
    stage.bus.subscribe(SettingsChanged, following.settings_changed)
    desk = PanelDesk(stage.service.office, stage.audit, changed=following.follow)

    def shorter(panel: Any) -> Any:
        closing = panel.closing.model_copy(update={"inactive_after": timedelta(hours=1)})
        return panel.model_copy(update={"staff_roles": (70,), "closing": closing})

    await desk.change(row, shorter, stage.request(row).actor)
    await stage.wait(1)
    await stage.set(staff_roles=["71"])
    await stage.wait(1)
    assert (await stage.get(ticket.id)).room_state["roles"] == ["70", "71"]
    await stage.wait(timedelta(minutes=50))
    assert "warn_inactive" in await stage.events(ticket.id)


async def test_threads_are_lost_with_their_channel(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    ticket = await stage.open()
    await stage.service.losses.room_deleted(CHANNEL)
    lost = await stage.get(ticket.id)
    assert (lost.status, lost.channel_id, lost.room_lost) == ("closed", None, True)
    assert stage.service.capture.room(ticket.channel_id or 0) is None
