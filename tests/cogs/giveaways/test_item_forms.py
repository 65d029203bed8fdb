"""Items of the shop in forms, messages and buttons of giveaways."""

from __future__ import annotations

from typing import Any

from bot.core.contracts import SYSTEM
from cogs.giveaways.columns import plan_of
from cogs.giveaways.plan import ItemBonus, LevelBonus
from cogs.giveaways.wording import bonus_lines
from db.economy_inventory import NEVER, Pieces, add_pieces, list_holdings
from db.economy_shop import ShopItem, add_item, change_item
from tests.cogs.giveaways.test_hosting import desk as desk
from tests.cogs.giveaways.test_hosting import say_yes, start, stored
from tests.cogs.giveaways.test_proving import Desk

TICKET = {"item": "lucky *TICKET*", "entries": "2", "most": "3"}


async def stock(desk: Desk, name: str = "Lucky *ticket*", **values: Any) -> ShopItem:
    given: dict[str, Any] = {
        "guild_id": desk.guild.id,
        "name": name,
        "name_key": name.casefold(),
        "description": "",
        "emoji": "🎟️",
        "price": 10,
        "kind": "keep",
        "role_id": None,
        "trusted": False,
        "created_at": desk.bench.kernel.clock.now(),
    }
    async with desk.bench.kernel.database.write() as session:
        item = await add_item(session, given | values)
    assert item is not None
    return item


async def send(desk: Desk, panel: Any, **changes: str) -> str:
    form = await desk.host.click(panel, label="Items of the shop")
    sent = await desk.host.submit_modal(form, TICKET | changes)
    return (sent.followups[-1] if sent.followups else sent.response).content


async def archive(desk: Desk, item: ShopItem) -> None:
    now = desk.bench.kernel.clock.now()
    async with desk.bench.kernel.database.write() as session:
        await change_item(session, desk.guild.id, item.id, item.revision, {"archived_at": now})


async def held(desk: Desk) -> list[int]:
    kernel = desk.bench.kernel
    async with kernel.database.read() as session:
        found = await list_holdings(session, desk.guild.id, desk.ada.id, kernel.clock.now())
    return [one.quantity for one in found]


async def test_form_names_an_item_by_its_name(desk: Desk) -> None:
    await start(desk)
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1")
    assert "There is no `lucky *TICKET*` in the shop" in await send(desk, panel)
    item = await stock(desk)
    await stock(desk, "At once", kind="role_at_once", role_id=1)

    settings = desk.bench.kernel.settings
    await settings.change(desk.guild.id, "economy", {}, enabled=False, actor=SYSTEM)
    assert "economy is switched off" in await send(desk, panel)
    await settings.change(desk.guild.id, "economy", {}, enabled=True, actor=SYSTEM)
    assert "never in an inventory" in await send(desk, panel, item="at once")
    assert "1 to 10 pieces" in await send(desk, panel, most="11")
    # A number out of bounds is one all the same: its bounds are said.
    for number in ("-1", "1234567890"):
        assert "1 to 10 pieces" in await send(desk, panel, most=number)
        assert "1 to 100 bonus entries" in await send(desk, panel, entries=number)
    assert plan_of((await stored(desk))[0]).bonuses == ()

    await send(desk, panel)
    assert plan_of((await stored(desk))[0]).bonuses == (ItemBonus(item.id, 2, 3),)
    # It is not sold any more: what was promised stays, changes, and can be taken away.
    await archive(desk, item)
    await send(desk, panel, entries="5")
    assert plan_of((await stored(desk))[0]).bonuses == (ItemBonus(item.id, 5, 3),)
    # Another that is sold under its name is meant from now on; both are taken away by it.
    other = await stock(desk)
    await send(desk, panel, entries="1")
    bonuses = plan_of((await stored(desk))[0]).bonuses
    assert bonuses == (ItemBonus(item.id, 5, 3), ItemBonus(other.id, 1, 3))
    await send(desk, panel, entries="0")
    assert plan_of((await stored(desk))[0]).bonuses == ()


async def test_template_with_an_item_that_is_not_sold_any_more_says_which(desk: Desk) -> None:
    await start(desk)
    item = await stock(desk)
    await send(desk, await desk.ask(desk.host, "giveaway edit", giveaway="1"))
    await desk.ask(desk.host, "giveaway template save", giveaway="1", name="Monthly")
    await archive(desk, item)
    answer = await desk.ask(desk.host, "giveaway template use", name="Monthly")
    assert "🎟️ **Lucky \\*ticket\\*** is not in the shop any more." in answer.content


async def test_draft_message_and_info_name_the_item(desk: Desk) -> None:
    await stock(desk)
    form = await desk.host.slash(desk.channel, "giveaway create")
    values = {"prize": "A mug", "duration": "1h", "winners": "2", "description": ""}
    draft = (await desk.host.submit_modal(form, values)).response
    form = await desk.host.click(draft, label="Items of the shop")
    await desk.host.submit_modal(form, TICKET)
    line = "🎟️ **Lucky \\*ticket\\***: 2 more entries for each that you use, 3 at most (/shop)"
    assert draft.embeds[0].fields[0].value == f"- {line}"
    await desk.host.click(draft, label="Start it")
    await desk.bench.deliver()

    [posted] = desk.channel.history()
    assert posted.embeds[0].fields[0].value == f"- {line}"
    assert line in (await desk.ask(desk.ada, "giveaway info", giveaway="1")).content
    # A template keeps it.
    await desk.ask(desk.host, "giveaway template save", name="Mugs", giveaway="1")
    await desk.ask(desk.host, "giveaway template use", name="mugs")
    first, second = await stored(desk)
    assert plan_of(first).bonuses == plan_of(second).bonuses != ()


async def test_button_uses_an_item_and_leaving_gives_it_back(desk: Desk) -> None:
    item = await stock(desk)
    await start(desk)
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1")
    await send(desk, panel)
    async with desk.bench.kernel.database.write() as session:
        await add_pieces(session, desk.guild.id, desk.ada.id, item.id, [Pieces(NEVER, 2)])
    await desk.bench.deliver()
    [posted] = desk.channel.history()

    said = (await desk.ada.click(posted, label="Enter")).response
    assert "You are in. Good luck!" in said.content
    used = (await desk.ada.click(said, label="Use 1 Lucky *ticket*: +2 entries")).response
    assert "used 1 🎟️ **Lucky \\*ticket\\*** and are in with 3 entries" in used.content
    again = (await desk.ada.click(used, label="Use 1 Lucky *ticket*: +2 entries")).response
    assert "with 5 entries" in again.content
    assert await held(desk) == []

    left = (await desk.ada.click(again, label="Leave the giveaway")).response
    assert "2 pieces that you had used are in your inventory again" in left.content
    assert await held(desk) == [2]


async def test_who_has_no_item_is_offered_none(desk: Desk) -> None:
    await stock(desk)
    await start(desk)
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1")
    await send(desk, panel)
    await desk.bench.deliver()
    [posted] = desk.channel.history()

    came = await desk.ada.click(posted, label="Enter")
    assert (came.response.content, came.followups) == ("You are in. Good luck!", [])
    assert came.response.components == []
    said = (await desk.ada.click(posted, label="Enter")).response
    shown = [one["label"] for row in said.components for one in row["components"]]
    assert shown == ["Leave the giveaway"]


async def test_who_could_not_enter_any_more_is_told_why(desk: Desk) -> None:
    item = await stock(desk)
    await start(desk)
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1")
    await send(desk, panel)
    async with desk.bench.kernel.database.write() as session:
        await add_pieces(session, desk.guild.id, desk.ada.id, item.id, [Pieces(NEVER, 1)])
    await desk.bench.deliver()
    [posted] = desk.channel.history()
    said = (await desk.ada.click(posted, label="Enter")).response
    needs = {"account_age": "", "time_in_guild": "", "level": "", "messages": "3"}
    form = await desk.host.click(panel, label="Age and activity")
    await desk.host.submit_modal(form, needs)

    refused = (await desk.ada.click(said, label="Use 1 Lucky *ticket*: +2 entries")).response
    assert refused.content.startswith("You could not enter this giveaway any more")
    assert "3 messages" in refused.content
    assert await held(desk) == [1]


async def test_cancelling_gives_back(desk: Desk) -> None:
    item = await stock(desk)
    await start(desk)
    panel = await desk.ask(desk.host, "giveaway edit", giveaway="1")
    await send(desk, panel)
    async with desk.bench.kernel.database.write() as session:
        await add_pieces(session, desk.guild.id, desk.ada.id, item.id, [Pieces(NEVER, 1)])
    await desk.bench.deliver()
    [posted] = desk.channel.history()
    said = (await desk.ada.click(posted, label="Enter")).response
    await desk.ada.click(said, label="Use 1 Lucky *ticket*: +2 entries")
    assert await held(desk) == []

    await say_yes(desk, "giveaway cancel", giveaway="1")
    await desk.bench.kernel.jobs.run_due()
    assert await held(desk) == [1]


def test_what_items_give_is_said_in_each_language() -> None:
    lines = bonus_lines((LevelBonus(5, 1), ItemBonus(7, 1, 2), ItemBonus(8, 2, 1)), {7: "Ticket"})
    assert [one.render("en") for one in lines][1:3] == [
        "Ticket: 1 more entry for each that you use, 2 at most (/shop)",
        "an item that is gone: 2 more entries for each that you use, 1 at most (/shop)",
    ]
    assert lines[1].render("es").startswith("Ticket: 1 participación más")
