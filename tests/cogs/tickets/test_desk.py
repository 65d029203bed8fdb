"""Panels and the messages that show them: kept, changed, posted, deleted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.core.contracts import SYSTEM, Actor, ChannelSummary
from bot.core.errors import Conflict, Denied, InvalidInput, NotFound
from bot.core.outbox import DeliveryKind, OutboxFailed
from cogs.tickets.desk import PanelDesk, read_panel
from cogs.tickets.panel import Panel
from cogs.tickets.resource import PanelResource
from cogs.tickets.showcase import post_payload
from db import ticket_panels
from db.engine import Database
from db.ticket_panels import TicketPost
from tests.cogs.tickets.stage import CHANNEL, GUILD, LOG, OPENER, STAFF, Stage, View
from tests.fakes import FakeClock

BOSS = Actor(1, "command", "boss")
ALL = frozenset(
    {
        "view_channel",
        "send_messages",
        "embed_links",
        "create_private_threads",
        "send_messages_in_threads",
        "manage_threads",
    }
)


class Seen(View):
    """A channel whose permissions a test chooses."""

    granted = ALL

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        found = super().channel(guild_id, channel_id)
        return replace(found, bot_permissions=self.granted) if found else None


async def opened(database: Database) -> tuple[Stage, PanelDesk]:
    stage = await Stage.make(database, FakeClock())
    stage.view = Seen()
    desk = PanelDesk(stage.service.office, stage.audit, patience=0.01)
    await desk.start()
    return stage, desk


async def test_a_change_is_for_what_was_seen_and_shows_everywhere(database: Database) -> None:
    stage, desk = await opened(database)
    row = await desk.create(GUILD, Panel(name="Help"), BOSS)
    post = await desk.post(GUILD, CHANNEL, [row], BOSS, style="buttons", title="", text="")
    await stage.settle()
    await stage.wait(10)
    changed = await desk.change(row, lambda one: one.model_copy(update={"emoji": "🎫"}), BOSS)
    assert changed.revision == 2
    with pytest.raises(Conflict, match="changed this panel meanwhile"):
        await desk.change(row, lambda one: one, BOSS)
    await stage.settle()
    edit = stage.courier.delivered[-1].payload
    assert edit["components"][0]["components"][0]["emoji"] == {"name": "🎫"}
    assert len(desk.posted) == 1
    await desk.delete(changed, BOSS)
    await stage.settle()
    assert stage.courier.delivered[-1].kind is DeliveryKind.DELETE
    assert await desk.list_posts(GUILD) == []
    assert post.guild_id == GUILD


def routed(name: str, *panels: str | None, **more: Any) -> Panel:
    """Return a panel whose answers lead to others."""
    choices = [{"value": f"v{n}", "label": f"V{n}"} for n in range(max(2, len(panels)))]
    kind = {"key": "kind", "label": "Kind", "kind": "select", "choices": choices}
    routes = [
        {"when": {"question": "kind", "values": [f"v{n}"]}, "panel": one, **more}
        for n, one in enumerate(panels)
    ]
    return read_panel({"name": name, "pages": [{"questions": [kind]}], "routes": routes})


def targets_of(row: Any) -> list[Any]:
    return [one["panel"] for one in row.config["routes"]]


async def test_answers_lead_to_panels_that_there_are(database: Database) -> None:
    _stage, desk = await opened(database)
    await desk.create(GUILD, Panel(name="Bugs"), BOSS)
    with pytest.raises(InvalidInput, match="no kind of ticket called `Gone`") as refused:
        await desk.create(GUILD, routed("Help", "bugs", "Gone"), BOSS)
    assert [one.pointer for one in refused.value.errors] == ["/routes/1/panel"]
    # Its own name is one, too.
    row = await desk.create(GUILD, routed("Help", "BUGS", "help"), BOSS)
    with pytest.raises(InvalidInput, match="no kind of ticket called `Gone`"):
        await desk.change(row, lambda _one: routed("Help", "Gone"), BOSS)
    assert targets_of(await desk.get(GUILD, row.id)) == ["BUGS", "help"]
    renamed = await desk.change(row, lambda one: one.model_copy(update={"name": "Aid"}), BOSS)
    assert targets_of(renamed) == ["BUGS", "Aid"]


async def test_routes_to_a_panel_that_is_deleted_go_with_it(database: Database) -> None:
    _stage, desk = await opened(database)
    bugs = await desk.create(GUILD, Panel(name="Bugs"), BOSS)
    await desk.create(GUILD, Panel(name="Money"), BOSS)
    only = await desk.create(GUILD, routed("Help", "bugs", "money"), BOSS)
    more = await desk.create(GUILD, routed("More", "bugs", labels=["x"]), BOSS)
    await desk.delete(bugs, BOSS)
    only, more = [await desk.get(GUILD, one.id) for one in (only, more)]
    assert (targets_of(only), only.revision) == (["money"], 2)
    # What else an answer does stays.
    assert targets_of(more) == [None]
    assert more.config["routes"][0]["labels"] == ["x"]


async def test_route_that_led_nowhere_before_holds_up_no_other_change(database: Database) -> None:
    _stage, desk = await opened(database)
    row = await desk.create(GUILD, routed("Help", "help"), BOSS)
    async with database.write() as session:
        config = routed("Help", "Gone").to_json()
        await ticket_panels.change_panel(session, row.id, 1, config=config)
    row = await desk.get(GUILD, row.id)
    row = await desk.change(row, lambda one: one.model_copy(update={"rating": False}), BOSS)
    with pytest.raises(InvalidInput, match="no kind of ticket called `Away`"):
        await desk.change(row, lambda _one: routed("Help", "Gone", "Away"), BOSS)


async def test_panel_that_is_deleted_while_a_route_to_it_is_saved(database: Database) -> None:
    _stage, desk = await opened(database)
    for _ in range(5):
        bugs = await desk.create(GUILD, Panel(name="Bugs"), BOSS)
        row = await desk.create(GUILD, routed("Help", "help"), BOSS)
        came = await asyncio.gather(
            desk.change(row, lambda _one: routed("Help", "bugs", "help"), BOSS),
            desk.delete(bugs, BOSS),
            return_exceptions=True,
        )
        assert came[1] is None
        row = await desk.get(GUILD, row.id)
        assert "bugs" not in targets_of(row)
        await desk.delete(row, BOSS)


async def test_limit_of_panels_holds_for_those_who_add_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cogs.tickets.desk.MOST_PANELS", 2)
    _stage, desk = await opened(database)
    came = await asyncio.gather(
        *(desk.create(GUILD, Panel(name=f"P{n}"), BOSS) for n in range(6)), return_exceptions=True
    )
    assert sum(isinstance(one, InvalidInput) for one in came) == 4


async def test_names_are_given_once_whatever_their_case(database: Database) -> None:
    _stage, desk = await opened(database)
    await desk.create(GUILD, Panel(name="Help"), BOSS)
    other = await desk.create(GUILD, Panel(name="Bugs"), BOSS)
    with pytest.raises(Conflict, match="is a panel called"):
        await desk.create(GUILD, Panel(name="HELP"), BOSS)
    with pytest.raises(Conflict):
        await desk.change(other, lambda one: one.model_copy(update={"name": "help"}), BOSS)


async def test_missing_permissions_are_named_with_the_place(sqlite_database: Database) -> None:
    stage, desk = await opened(sqlite_database)
    row = await desk.create(GUILD, Panel(name="Help"), BOSS)
    stage.view.granted = ALL - {"manage_threads"}  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(Denied, match="Manage Threads in #help"):
        await desk.post(GUILD, CHANNEL, [row], BOSS, style="buttons", title="", text="")
    with pytest.raises(Denied, match="Manage Threads in #help"):
        await desk.create(GUILD, Panel(name="Bugs", parent_id=CHANNEL), BOSS)
    wrong = read_panel({"name": "B", "room": "channel", "parent_id": str(CHANNEL)})
    with pytest.raises(InvalidInput, match="need a category"):
        await desk.create(GUILD, wrong, BOSS)


async def test_a_deleted_panel_leaves_the_others_of_its_message(sqlite_database: Database) -> None:
    stage, desk = await opened(sqlite_database)
    rows = [await desk.create(GUILD, Panel(name=one), BOSS) for one in ("A", "B")]
    await desk.post(GUILD, CHANNEL, rows, BOSS, style="select", title="", text="")
    await stage.settle()
    await desk.delete(rows[0], BOSS)
    (post,) = await desk.list_posts(GUILD)
    assert post.panel_ids == [rows[1].id]


async def test_the_api_makes_changes_and_deletes(sqlite_database: Database) -> None:
    _stage, desk = await opened(sqlite_database)
    api = PanelResource(desk)
    made = await api.add(GUILD, Panel(name="Help"), SYSTEM)
    body = Panel(name="Help", per_member=3)
    changed = await api.put(GUILD, made.id, made.revision, body, SYSTEM)
    assert changed.body.model_dump()["per_member"] == 3
    with pytest.raises(Conflict):
        await api.remove(GUILD, made.id, made.revision, SYSTEM)
    await api.remove(GUILD, made.id, changed.revision, SYSTEM)
    with pytest.raises(NotFound):
        await api.get(GUILD, made.id)


@pytest.mark.parametrize(
    "emoji",
    [
        "🎫",
        "1️⃣",
        "❤️",
        "❤",
        "👩‍🚀",
        "👍🏽",
        "🏳️‍🌈",
        "👨‍👩‍👧‍👦",
        "🇪🇸",
        "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
        "©️",
        "<a:dance:123456789012345678>",
    ],
)
def test_emoji_are_taken(emoji: str) -> None:
    assert read_panel({"name": "a", "emoji": emoji}).emoji == emoji


@pytest.mark.parametrize(
    "emoji",
    ["nonsense", "<:a:1>", "@everyone", "!!!", "→", "∑", "★", "🎫🎫", "1", "\ufe0f", "🇪", "€", "✓"],
)
def test_what_is_no_emoji_is_refused(emoji: str) -> None:
    with pytest.raises(InvalidInput, match="no emoji"):
        read_panel({"name": "a", "emoji": emoji})


async def test_a_servers_own_emoji_has_to_be_there(sqlite_database: Database) -> None:
    stage, _desk = await opened(sqlite_database)
    asked: list[int] = []

    async def knows(_guild_id: int, emoji_id: int) -> bool:
        asked.append(emoji_id)
        return emoji_id == 123456789012345678

    desk = PanelDesk(stage.service.office, stage.audit, knows_emoji=knows)
    row = await desk.create(GUILD, Panel(name="Help", emoji="<:a1:123456789012345678>"), BOSS)
    gone = {"emoji": "<:a2:123456789012345679>"}
    with pytest.raises(InvalidInput, match="no emoji of this server"):
        await desk.change(row, lambda one: one.model_copy(update=gone), BOSS)
    row = await desk.change(row, lambda one: one.model_copy(update={"per_member": 2}), BOSS)
    await desk.change(row, lambda one: one.model_copy(update={"emoji": "🎫"}), BOSS)
    assert asked == [123456789012345678, 123456789012345679]


@pytest.mark.parametrize("count", [1, 5, 6, 25])
def test_buttons_stand_in_rows_of_five(count: int) -> None:
    values: dict[str, Any] = {"title": "", "text": "", "colour": None, "style": "buttons"}
    post = TicketPost(id=1, panel_ids=[], **values)
    panels = [
        (one, Panel(name=f"P{one}", emoji="<:a1:123456789012345678>")) for one in range(count)
    ]
    rows = post_payload(post, panels, "en")["components"]
    assert [len(one["components"]) for one in rows] == [5] * (count // 5) + [count % 5] * (
        count % 5 > 0
    )
    assert rows[0]["components"][0]["emoji"]["id"] == "123456789012345678"


def test_panels_that_are_off_are_not_offered() -> None:
    values: dict[str, Any] = {"title": "", "text": "", "colour": None, "style": "select"}
    post = TicketPost(id=1, panel_ids=[], **values)
    assert post_payload(post, [(1, Panel(name="A", enabled=False))], "en")["components"] == []


async def test_messages_that_are_lost_free_their_place(database: Database) -> None:
    stage, desk = await opened(database)
    row = await desk.create(GUILD, Panel(name="Help"), BOSS)
    posts = [
        await desk.post(GUILD, CHANNEL + one, [row], BOSS, style="select", title="", text="")
        for one in range(3)
    ]
    await stage.settle()
    await stage.wait(10)
    await desk.channel_deleted(CHANNEL)
    key = f"tickets:post:{posts[1].id}:2"
    await desk.delivery_failed(
        OutboxFailed(
            at=stage.clock.now(),
            guild_id=GUILD,
            channel_id=CHANNEL + 1,
            user_id=None,
            dedupe_key=key,
            reason="message_gone",
        )
    )
    assert [one.id for one in await desk.list_posts(GUILD)] == [posts[2].id]
    assert len(desk.posted) == 2


async def test_a_select_is_renewed_once_for_all_who_choose(sqlite_database: Database) -> None:
    stage, desk = await opened(sqlite_database)
    row = await desk.create(GUILD, Panel(name="Help"), BOSS)
    post = await desk.post(GUILD, CHANNEL, [row], BOSS, style="select", title="", text="")
    await stage.settle()
    for _press in range(5):
        await desk.renew(post.id)
    await stage.wait(2)
    edits = [one for one in stage.courier.delivered if one.kind is DeliveryKind.EDIT]
    assert len(edits) == 1


async def test_a_panel_has_a_log_channel_of_its_own(database: Database) -> None:
    stage = await Stage.make(database, FakeClock())
    await stage.set(log_channel_id=str(LOG))
    own = await stage.panel("Appeals", log_channel_id="777", rating=True)
    for panel in (own, await stage.panel("Help")):
        ticket = await stage.open(panel)
        await stage.service.life.close(ticket.id, STAFF)
        await stage.wait(2)
        await stage.service.ratings.rate(ticket.id, OPENER, 3)
        await stage.service.ratings.comment(ticket, OPENER, 3, f"{panel.name}'s")
        await stage.settle()
    seen: dict[int, list[str]] = {}
    for one in stage.courier.delivered:
        seen.setdefault(one.channel_id or 0, []).append(str(one.payload))
    assert "Appeals · ticket 1 is closed" in seen[777][0]
    assert "Appeals's" in seen[777][1]
    assert len(seen[777]) == 2
    assert "Appeals" not in str(seen[LOG])
    assert "Help · ticket 2 is closed" in str(seen[LOG])


async def test_a_log_channel_that_is_not_there_is_refused(sqlite_database: Database) -> None:
    stage = await Stage.make(sqlite_database, FakeClock())
    desk = PanelDesk(stage.service.office, stage.audit)
    stage.view.lost = {777}
    with pytest.raises(NotFound, match="can't see that channel"):
        await desk.create(GUILD, Panel(name="Help", log_channel_id=777), SYSTEM)


async def test_a_posted_message_is_changed_where_it_stands(database: Database) -> None:
    stage, desk = await opened(database)
    rows = [await desk.create(GUILD, Panel(name=one), BOSS) for one in ("A", "B")]
    await desk.post(GUILD, CHANNEL, rows[:1], BOSS, style="buttons", title="Old", text="Words")
    await stage.settle()
    await stage.wait(10)
    (post,) = await desk.list_posts(GUILD)
    changes: dict[str, Any] = {"title": "New", "colour": 0xFF0000}
    changed = await desk.change_post(GUILD, post.message_id or 0, rows, BOSS, **changes)
    await stage.settle()
    sent = stage.courier.delivered[-1]
    assert sent.kind is DeliveryKind.EDIT
    (embed,) = sent.payload["embeds"]
    assert (embed["title"], embed["description"], embed["color"]) == ("New", "Words", 0xFF0000)
    assert len(sent.payload["components"][0]["components"]) == 2
    receipt = await desk.wait_for(changed)
    assert receipt is not None
    assert receipt.sent_at is not None
    with pytest.raises(NotFound, match="no message of mine"):
        await desk.change_post(GUILD, 1, None, BOSS)
    await desk.note_deleted([post.message_id or 0])
    with pytest.raises(NotFound, match="no message of mine"):
        await desk.change_post(GUILD, post.message_id or 0, None, BOSS)
