"""Everything that is long can be seen and chosen, and nothing exceeds Discord's limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.contracts import Actor
from cogs.tickets.paging import LONGEST_PAGE, pack
from cogs.tickets.panel import Panel
from tests.cogs.moderation.world import text_of
from tests.cogs.tickets.harbour import Desk, made
from tests.cogs.tickets.test_commands import ticket_in

_BOSS = Actor(1, "command", "boss")


@given(
    st.lists(
        st.builds(lambda one, count: one * count, st.sampled_from("a*é"), st.integers(1, 9000))
    ),
    st.integers(1, 25),
)
def test_pages_hold_all_lines_and_fit(lines: list[str], most: int) -> None:
    pages = pack(lines, most)
    assert all(0 < len(one) <= LONGEST_PAGE for one in pages)
    assert all(one.count("\n") < most for one in pages)
    assert [len(one) for one in "\n".join(pages).split("\n") if one] == [
        min(len(one), LONGEST_PAGE) for one in lines
    ]


def question(number: int) -> dict[str, Any]:
    choices = [{"value": one, "label": one * 45} for one in ("aa", "bb")]
    return {"key": f"q{number}", "label": f"Q{number}", "kind": "radio", "choices": choices}


async def test_every_question_and_route_can_be_chosen(desk: Desk) -> None:
    await made(desk)
    pages = [{"questions": [question(5 * at + one) for one in range(5)]} for at in range(5)]
    when = {"question": "q0", "values": ["aa", "bb"]}
    routes = [{"when": when, "labels": [f"l{one}"]} for one in range(20)]
    values = Panel(name="Support").to_json() | {"pages": pages, "routes": routes}
    await desk.cog.desk.change(await desk.panel(), lambda _one: Panel.model_validate(values), _BOSS)
    editor = await desk.boss.slash(desk.channel, "ticket panel edit", panel="Support")
    texts, menus = _parts(editor.response)
    assert len(texts[0]) <= 4000
    assert "more lines: the menus below have everything" in texts[0]
    assert menus["tickets:panel:form"] == [f"q:q{one}" for one in range(25)]
    assert menus["tickets:panel:routes"] == [f"r:{one}" for one in range(20)]
    chosen = await desk.boss.select(editor.response, ["r:19"], custom_id="tickets:panel:routes")
    await desk.boss.click(chosen.response or editor.response, label="Remove")
    panel = Panel.model_validate((await desk.panel()).config)
    assert len(panel.routes) == 19


async def test_with_fifty_panels_each_can_be_reached(desk: Desk) -> None:
    desk.cog.desk._patience = 0
    for number in range(50):
        await desk.cog.desk.create(desk.guild.id, Panel(name=f"P{number:02}", enabled=False), _BOSS)
    said = await desk.ask(desk.boss, "ticket panel post")
    assert "25 more are not in it" in said
    message = await desk.ada.send(desk.channel, "hm")
    menu = "Open a ticket about this"
    choice = await desk.ada.context_menu(desk.channel, menu, message)
    _texts, menus = _parts(choice.response)
    names = [one for them in menus.values() for one in them]
    assert len(names) == len(set(names)) == 50
    second = [*menus][1]
    refused = await desk.ada.select(choice.response, [names[49]], custom_id=second)
    assert "can't be opened at the moment" in text_of(refused)


@pytest.mark.parametrize("count", [3, 7])
async def test_long_notes_are_shown_whole(desk: Desk, count: int) -> None:
    await made(desk)
    await ticket_in(desk)
    for _note in range(count):
        await desk.ask(desk.sam, "ticket note", text="*" * 1900)
    shown = await desk.sam.slash(desk.channel, "ticket note")
    assert text_of(shown).count("\\*") == 1900
    assert f"{count} more" not in text_of(shown)


async def test_long_lists_are_shown(desk: Desk) -> None:
    await made(desk)
    for number in range(25):
        await desk.cog.service.quality.block(desk.guild.id, 1 << 60 | number, _BOSS, "*" * 512)
    assert "\\*" in await desk.ask(desk.boss, "ticket blocklist list")


def _parts(message: Any) -> tuple[list[str], dict[str, list[str]]]:
    """Return the texts of a message's components, and the values of its menus."""
    texts: list[str] = []
    menus: dict[str, list[str]] = {}
    todo = list(message.components)
    while todo:
        one = todo.pop(0)
        todo += one.get("components", [])
        if "content" in one:
            texts.append(one["content"])
        if "options" in one:
            menus[one["custom_id"]] = [it["value"] for it in one["options"]]
    return texts, menus
