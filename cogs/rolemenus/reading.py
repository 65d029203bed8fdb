"""Menus as the rules see them, made from their stored rows, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from cogs.rolemenus.rules import Menu, Mode, Option, Style
from db.role_menus import StoredMenu

KEY = "rolemenus"


def read_menu(stored: StoredMenu) -> Menu:
    """Return the menu that a row and its options say."""
    row = stored.menu
    return Menu(
        id=row.id,
        guild_id=row.guild_id,
        title=row.title,
        text=row.text,
        style=Style(row.style),
        mode=Mode(row.mode),
        most=row.most,
        required=frozenset(map(int, row.required)),
        forbidden=frozenset(map(int, row.forbidden)),
        options=tuple(
            Option(
                role_id=one.role_id,
                label=one.label,
                emoji=one.emoji,
                description=one.description,
                cap=one.cap,
                trusted=one.trusted,
            )
            for one in stored.options
        ),
        revision=row.revision,
    )


def menu_values(menu: Menu) -> dict[str, Any]:
    """Return a menu's columns, but for its id, guild and revision."""
    return {
        "title": menu.title,
        "title_key": title_key(menu.title),
        "text": menu.text,
        "style": menu.style.value,
        "mode": menu.mode.value,
        "most": menu.most,
        "required": ids(menu.required),
        "forbidden": ids(menu.forbidden),
    }


def option_rows(menu: Menu) -> list[dict[str, Any]]:
    """Return the columns of a menu's options, in their order."""
    return [asdict(one) for one in menu.options]


def title_key(title: str) -> str:
    """Return a title so that titles that differ only in case are equal."""
    return title.casefold()[:200]


def ids(role_ids: Iterable[int]) -> list[str]:
    """Return ids as JSON holds them."""
    return [str(one) for one in sorted(role_ids)]
