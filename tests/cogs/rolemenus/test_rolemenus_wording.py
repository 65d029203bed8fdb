"""Menus as Discord's messages: the largest there can be stay within its limits."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.i18n import Message
from bot.core.preflight import Cause, Refusal
from bot.sandbox.rest.component_rules import check_components
from bot.sandbox.rest.errors import FormCheck
from cogs.rolemenus.editing import (
    LONGEST_DESCRIPTION,
    LONGEST_LABEL,
    LONGEST_TEXT,
    LONGEST_TITLE,
)
from cogs.rolemenus.pressing import Outcome
from cogs.rolemenus.rules import MOST_OF, PAGE, Menu, Mode, Option, Ruling, Style
from cogs.rolemenus.summaries import list_line, menu_summary
from cogs.rolemenus.wording import menu_message, outcome_text, page_rows, page_text

FIRST = 1234567890123456789
OWN_EMOJI = f"a:{'n' * 32}:{FIRST}"


def largest(style: Style, mode: Mode = Mode.NORMAL) -> Menu:
    options = tuple(
        Option(
            role_id=FIRST + number,
            label="L" * LONGEST_LABEL,
            emoji=OWN_EMOJI,
            description="D" * LONGEST_DESCRIPTION,
            cap=1_000_000,
        )
        for number in range(MOST_OF[style])
    )
    return Menu(
        id=10**17,
        guild_id=1,
        title="T" * LONGEST_TITLE,
        text="x" * LONGEST_TEXT,
        style=style,
        mode=mode,
        most=25,
        required=frozenset(range(FIRST, FIRST + 25)),
        options=options,
    )


def name_of(_role_id: int) -> str | None:
    return "N" * 100


def accepted(rows: list[dict[str, Any]]) -> None:
    check = FormCheck()
    check_components(check, rows, v2=False)
    check.finish()


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("style", Style)
def test_largest_menu_fits_a_message(style: Style, locale: str) -> None:
    message = menu_message(largest(style), name_of, locale)

    accepted(message["components"])
    (embed,) = message["embeds"]
    assert len(embed["title"]) <= 256
    assert LONGEST_TEXT < len(embed["description"]) <= 4096
    if style is not Style.SELECT:
        # The roles stay when their descriptions don't fit.
        assert all(f"<@&{one}>" in embed["description"] for one in largest(style).role_ids)


@pytest.mark.parametrize("mode", Mode)
def test_every_page_of_the_largest_select_fits(mode: Mode) -> None:
    menu = largest(Style.SELECT, mode)
    held = frozenset(menu.role_ids)

    for page in range(10):
        rows = page_rows(menu, held, page, name_of, "en")
        accepted(rows)
        assert len(rows[0]["components"][0]["options"]) == PAGE
    assert page_rows(menu, held, 99, name_of, "en") == page_rows(menu, held, 9, name_of, "en")
    assert len(page_text(menu, held, "es")) <= 2000


def test_role_that_is_gone_is_not_shown() -> None:
    menu = largest(Style.BUTTONS)

    shown = menu_message(menu, lambda one: None if one == FIRST else "Red", "en")

    buttons = [one for row in shown["components"] for one in row["components"]]
    assert len(buttons) == 24
    assert page_rows(menu, frozenset(), 0, lambda _one: None, "en") == []
    assert "gone (its ID was" in menu_summary(menu, lambda _one: None, "en")


def test_summary_fits_a_panel_and_the_list_an_embed() -> None:
    menu = largest(Style.SELECT)

    assert len(menu_summary(menu, name_of, "es")) <= 3500
    assert 5 * len(list_line(menu, [], "es")) <= 4096


def test_outcome_of_many_that_wait_fits_an_answer() -> None:
    menu = largest(Style.SELECT)
    refusal = Refusal(Cause.BOT_HIERARCHY, Message("p" * 200), Message("f" * 200))
    roles = menu.role_ids[:PAGE]
    blocked = [(one, refusal) for one in roles]

    text = outcome_text(Outcome(menu, Ruling(added=roles), frozenset(roles), blocked), "en")

    assert len(text) <= 2000
    assert "You have" not in text
    assert outcome_text(Outcome(menu, Ruling(), frozenset()), "en") == "Nothing has changed."


@pytest.mark.parametrize("mode", [Mode.NORMAL, Mode.ADD])
def test_message_says_the_limit_and_for_whom_it_is(mode: Mode) -> None:
    menu = Menu(
        id=1,
        guild_id=1,
        title="Colours",
        mode=mode,
        most=2,
        required=frozenset({7, 8}),
        forbidden=frozenset({9}),
        options=(Option(role_id=1),),
    )
    for said in (
        menu_message(menu, name_of, "en")["embeds"][0]["description"],
        page_text(menu, frozenset(), "en"),
    ):
        assert "-# You can have 2 of these at once." in said
        assert "-# Only with <@&7> or <@&8>" in said
        assert "-# Not with <@&9>" in said
