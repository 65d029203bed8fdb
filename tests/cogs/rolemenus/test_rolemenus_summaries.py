"""What admins see of a menu is what the posted message shows."""

from __future__ import annotations

import pytest

from cogs.rolemenus.rules import Menu, Option, Style
from cogs.rolemenus.summaries import menu_summary


def summary(text: str = "", *, style: Style = Style.BUTTONS, description: str = "**warm**") -> str:
    options = (Option(role_id=701, description=description),)
    menu = Menu(id=1, guild_id=2, title="*Colours*", text=text, style=style, options=options)
    return menu_summary(menu, lambda _role: "Red", "en")


def test_formatting_is_shown_as_the_message_has_it() -> None:
    shown = summary("Choose **one** of [these](https://example.org)")
    assert "### *Colours*\nChoose **one** of [these](https://example.org)\n" in shown
    assert "<@&701> · **warm**" in shown


def test_what_a_select_shows_plain_is_shown_plain() -> None:
    assert r"<@&701> · \*\*warm\*\*" in summary(style=Style.SELECT)


@pytest.mark.parametrize("text", ["```\ncode", "```\n" + "x" * 600 + "\n```"])
def test_open_code_does_not_swallow_what_follows(text: str) -> None:
    before, _mark, _after = summary(text).partition("\n- ")
    assert before.count("```") == 2
