"""What may be made of a menu: checks and changes as functions from menu to menu. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from bot.core.errors import InvalidInput, NotFound
from bot.core.i18n import Message, _
from cogs.rolemenus.emoji import plain, reaction_of, read_emoji
from cogs.rolemenus.rules import MOST_OF, MOST_ROLES, Menu, Option, Style

LONGEST_TITLE = 100
LONGEST_TEXT = 1500
LONGEST_LABEL = 80
LONGEST_DESCRIPTION = 100
MOST_PLACES = 1_000_000
MOST_CONDITIONS = 25

# For roles of a menu with reactions that nobody has chosen an emoji for yet; twenty of them.
_DEFAULT_EMOJI = (
    *("🔴", "🟠", "🟡", "🟢", "🔵", "🟣", "🟤", "⚫", "⚪"),
    *("🟥", "🟧", "🟨", "🟩", "🟦", "🟪", "🟫", "⬛", "⬜", "🔶", "🔷"),
)

_TOO_MANY = {
    Style.BUTTONS: _(
        "A message holds at most {limit} buttons, and this menu would have {count} roles."
    ),
    Style.REACTIONS: _(
        "A message takes at most {limit} reactions, and this menu would have {count} roles."
    ),
    Style.SELECT: _("A menu has at most {limit} roles, and this one would have {count}."),
}


def with_texts(menu: Menu, title: str, text: str) -> Menu:
    """Return the menu with another title and text; raises `InvalidInput`."""
    title = " ".join(title.split())
    if not 0 < len(title) <= LONGEST_TITLE:
        raise InvalidInput(_("A title has 1 to {count} characters.", count=LONGEST_TITLE))
    if len(text.strip()) > LONGEST_TEXT:
        raise InvalidInput(_("The text has at most {count} characters.", count=LONGEST_TEXT))
    return replace(menu, title=title, text=text.strip())


def with_conditions(menu: Menu, required: Iterable[int], forbidden: Iterable[int]) -> Menu:
    """Return the menu with other roles that members must or must not have."""
    needed, barred = frozenset(required), frozenset(forbidden)
    if needed & barred:
        raise InvalidInput(_("A role can't be required and forbidden at once."))
    return replace(menu, required=needed, forbidden=barred)


def read_count(text: str, highest: int) -> int | None:
    """Return the number that was typed, `None` for nothing; raises `InvalidInput`."""
    typed = text.strip()
    if not typed:
        return None
    if not typed.isdecimal() or len(typed) > 9 or not 1 <= int(typed) <= highest:
        raise InvalidInput(
            _("Give a number from 1 to {highest}, or leave it empty.", highest=highest)
        )
    return int(typed)


def with_roles(menu: Menu, role_ids: Sequence[int], trusted: Collection[int] = ()) -> Menu:
    """Return the menu with these roles added at its end, as far as it does not offer them yet.

    Those `trusted` are offered in spite of what they allow, also ones that were there before.
    """
    options = [replace(one, trusted=one.trusted or one.role_id in trusted) for one in menu.options]
    known = set(menu.role_ids)
    options += [
        Option(role_id=one, trusted=one in trusted)
        for one in dict.fromkeys(role_ids)
        if one not in known
    ]
    return checked(replace(menu, options=tuple(options)))


def without_roles(menu: Menu, role_ids: Collection[int]) -> Menu:
    """Return the menu without these roles."""
    kept = tuple(one for one in menu.options if one.role_id not in role_ids)
    return replace(menu, options=kept)


def with_option(
    menu: Menu, role_id: int, *, label: str, emoji: str, description: str, cap: str
) -> Menu:
    """Return the menu with a role shown and bounded as typed; raises `InvalidInput`, `NotFound`."""
    option = menu.option(role_id)
    if option is None:
        raise NotFound(_("The menu does not offer that role any more."))
    changed = replace(
        option,
        label=_line(label, LONGEST_LABEL),
        emoji=read_emoji(emoji),
        description=_line(description, LONGEST_DESCRIPTION),
        cap=read_count(cap, MOST_PLACES),
    )
    options = tuple(changed if one.role_id == role_id else one for one in menu.options)
    return checked(replace(menu, options=options))


def _line(text: str, longest: int) -> str | None:
    line = " ".join(text.split())
    if len(line) > longest:
        raise InvalidInput(_("That is longer than {count} characters.", count=longest))
    return line or None


def checked(menu: Menu) -> Menu:
    """Return the menu, with an emoji for each reaction; raises `InvalidInput` if it can't be."""
    limit = MOST_OF[menu.style]
    if len(menu.options) > limit:
        text = _TOO_MANY[menu.style]
        message = Message(text.msgid, {"limit": limit, "count": len(menu.options)})
        hint = _("Take roles out, or give it the style Select, which shows them on pages.")
        raise InvalidInput(message, hint=hint if limit < MOST_ROLES else None)
    return _with_reactions(menu) if menu.style is Style.REACTIONS else menu


def _with_reactions(menu: Menu) -> Menu:
    used: set[str] = set()
    for option in menu.options:
        if option.emoji is None:
            continue
        name = plain(reaction_of(option.emoji))
        if name in used:
            raise InvalidInput(
                _("Two roles of a menu with reactions can't have the same emoji."),
                hint=_("Choose another emoji for one of them."),
            )
        used.add(name)
    free = iter([one for one in _DEFAULT_EMOJI if plain(one) not in used])
    options = tuple(
        one if one.emoji is not None else replace(one, emoji=next(free)) for one in menu.options
    )
    return replace(menu, options=options)
