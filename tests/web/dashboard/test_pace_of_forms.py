"""Forms that come too soon: nothing is done, and nothing that was typed is lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import OpenWorld
from tests.web.pages import Form, Page, submit, visit
from tests.web.support import GUILD, World
from web.pacing import UNSENT

FORM = f"/guilds/{GUILD}/settings/welcome"
TYPED = '<b>one</b>\r\n---\r\ntwo "quoted"'


async def tired(open_web: OpenWorld) -> tuple[World, Form]:
    """Return a world in which no more pages may be asked for, and a form filled in before."""
    world = await open_web(per_minute=1)
    form = (await visit(world, FORM)).form(FORM).sets("join_texts", TYPED)
    for _ in range(3):
        await visit(world, FORM)
    return world, form


async def saved(world: World) -> Any:
    async with world.services.database.read():
        state = await world.services.settings.get(GUILD, "welcome")
    return state.settings.to_json()["join_texts"]


async def test_form_that_comes_too_soon_is_kept_and_sent_again(open_web: OpenWorld) -> None:
    world, form = await tired(open_web)
    before = await saved(world)
    answer = await submit(world, form)
    text = await answer.text()
    assert answer.status == 429
    wait = int(answer.headers["Retry-After"])
    assert f"Try again in {wait} s." in text
    assert "nothing of it was saved yet" in text
    assert "<b>one</b>" not in text
    again = Page(text).form(FORM)
    typed = [(name, value.replace("\r\n", "\n")) for name, value in form.pairs]
    assert sorted(again.pairs) == sorted(typed)
    assert await saved(world) == before

    # Too soon once more, it is still there.
    again = Page(await (await submit(world, again)).text()).form(FORM)
    world.clock.advance(wait)
    answer = await submit(world, again)
    assert answer.headers["Location"] == f"{FORM}?done=saved"
    assert await saved(world) == ["<b>one</b>", 'two "quoted"']


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Accept": "application/json"},
        {"Content-Type": "application/json"},
        {"Content-Encoding": "gzip"},
    ],
    ids=["another site", "a program", "another type", "compressed"],
)
async def test_form_of_somebody_else_is_not_shown(
    open_web: OpenWorld, headers: dict[str, str]
) -> None:
    world, form = await tired(open_web)
    answer = await submit(world, form, **headers)
    text = await answer.text()
    assert (answer.status, "one" in text, "<form" in text) == (429, False, False)


@pytest.mark.parametrize("body", [b"", b"x", b"\xff=1", b"a=1&" * 6000, b"a" * 700_000])
async def test_form_that_is_none_is_refused_all_the_same(open_web: OpenWorld, body: bytes) -> None:
    world, _form = await tired(open_web)
    headers = {
        "Sec-Fetch-Site": "same-origin",
        "Accept": "text/html",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = await world.client.post(FORM, data=body, headers=headers)
    assert answer.status == 429
    assert "<form" not in await answer.text()
    assert world.webhooks.reports == []


async def test_flood_of_forms_is_not_read(open_web: OpenWorld) -> None:
    world, form = await tired(open_web)
    shown = ["<form" in await (await submit(world, form)).text() for _ in range(UNSENT + 2)]
    assert shown == [True] * UNSENT + [False] * 2
