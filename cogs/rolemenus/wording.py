"""Puts menus into Discord's messages, and what a press led to into words; pure.

Titles and texts are an admin's own and keep their formatting; nobody is mentioned by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bot.core.fields.text import shorten
from bot.core.i18n import N_, Message, _, ngettext
from cogs.rolemenus.emoji import emoji_of_component, show_emoji
from cogs.rolemenus.mentions import RoleList
from cogs.rolemenus.pressing import Outcome
from cogs.rolemenus.rules import PAGE, Menu, Mode, Option, Style

# Discord's limits: https://discord.com/developers/docs/resources/message#embed-object
_LONGEST_DESCRIPTION = 4096
_LONGEST_LABEL = 80
_LONGEST_OPTION = 100
_LONGEST_ANSWER = 2000
_ROW = 5
_COLOUR = 0x5865F2
_SECONDARY = 2
_PRIMARY = 1

MODE_TITLES = {
    Mode.NORMAL: N_("Give and take"),
    Mode.UNIQUE: N_("One role at a time"),
    Mode.ADD: N_("Only give"),
    Mode.REMOVE: N_("Only take away"),
}
STYLE_TITLES = {
    Style.BUTTONS: N_("Buttons"),
    Style.SELECT: N_("Select"),
    Style.REACTIONS: N_("Reactions"),
}
_HINTS = {
    Mode.UNIQUE: _("One at a time: choosing another takes the place of the first."),
    Mode.ADD: _("What you take here stays yours."),
    Mode.REMOVE: _("Here you can put roles off."),
}

# The name of a role, `None` when there is none any more.
NameOf = Callable[[int], str | None]


def menu_message(menu: Menu, name_of: NameOf, locale: str | None) -> dict[str, Any]:
    """Return the message that members press, as Discord's API takes it."""
    present = [one for one in menu.options if name_of(one.role_id) is not None]
    embed = {
        "title": menu.title,
        "description": _description(menu, present, locale),
        "color": _COLOUR,
    }
    rows: list[dict[str, Any]] = []
    if menu.style is Style.BUTTONS:
        buttons = [_button(menu, one, label_of(one, name_of)) for one in present]
        rows = [_row(buttons[at : at + _ROW]) for at in range(0, len(buttons), _ROW)]
    elif menu.style is Style.SELECT:
        label = _("Choose roles").render(locale)
        rows = [_row([_plain_button(label, f"rolemenus:open:{menu.id}", _PRIMARY)])]
    return {"embeds": [embed], "components": rows}


def label_of(option: Option, name_of: NameOf) -> str:
    """Return what an option is called."""
    return option.label or name_of(option.role_id) or str(option.role_id)


def _description(menu: Menu, present: Sequence[Option], locale: str | None) -> str:
    hints = _hints(menu, locale)
    ends = [hints] if hints else []
    parts = [menu.text] if menu.text else []
    if menu.style is not Style.SELECT:
        named = [one for one in present if menu.style is Style.REACTIONS or one.description]
        for full in (True, False):
            lines = [_line(one, full=full) for one in named]
            text = "\n\n".join(filter(None, [*parts, "\n".join(lines), *ends]))
            if len(text) <= _LONGEST_DESCRIPTION:
                return text
    return shorten("\n\n".join([*parts, *ends]), _LONGEST_DESCRIPTION)


def _line(option: Option, *, full: bool) -> str:
    emoji = f"{show_emoji(option.emoji)} " if option.emoji else ""
    described = f" · {option.description}" if full and option.description else ""
    return f"{emoji}<@&{option.role_id}>{described}"


def _hints(menu: Menu, locale: str | None) -> str:
    """Return as lines what members have to know: the mode, the limit, for whom the menu is."""
    return "\n".join(f"-# {one.render(locale)}" for one in _rules_of(menu))


def _rules_of(menu: Menu) -> Iterator[Message]:
    if menu.mode in _HINTS:
        yield _HINTS[menu.mode]
    if menu.mode in (Mode.NORMAL, Mode.ADD) and menu.most is not None:
        yield ngettext(
            "You can have {count} of these.", "You can have {count} of these at once.", menu.most
        )
    yield from conditions_of(menu)


def conditions_of(menu: Menu) -> Iterator[Message]:
    """Yield for whom a menu is."""
    if menu.required:
        yield _("Only with {roles}", roles=RoleList(sorted(menu.required), either=True))
    if menu.forbidden:
        yield _("Not with {roles}", roles=RoleList(sorted(menu.forbidden), either=True))


def _row(components: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": 1, "components": components}


def _button(menu: Menu, option: Option, label: str) -> dict[str, Any]:
    button = _plain_button(label, f"rolemenus:role:{menu.id}:{option.role_id}", _SECONDARY)
    return button | ({"emoji": emoji_of_component(option.emoji)} if option.emoji else {})


def _plain_button(label: str, custom_id: str, style: int, **more: Any) -> dict[str, Any]:
    text = shorten(label, _LONGEST_LABEL)
    return {"type": 2, "style": style, "label": text, "custom_id": custom_id, **more}


# --- the select, which only the member sees -------------------------------------------------------


def pages_of(options: Sequence[Option]) -> int:
    """Return how many pages options take, at least one."""
    return max(1, -(-len(options) // PAGE))


def page_rows(
    menu: Menu, held: frozenset[int], page: int, name_of: NameOf, locale: str | None
) -> list[dict[str, Any]]:
    """Return the select of a page, in which what the member has is chosen, and buttons to leaf."""
    present = [one for one in menu.options if name_of(one.role_id) is not None]
    if not present:
        return []
    last = pages_of(present) - 1
    page = min(page, last)
    shown = present[page * PAGE : (page + 1) * PAGE]
    chosen = sum(one.role_id in held for one in shown)
    most = min(len(shown), max(menu.limit or PAGE, chosen))
    select = {
        "type": 3,
        "custom_id": f"rolemenus:choose:{menu.id}:{page}",
        "placeholder": _("No role chosen").render(locale),
        "min_values": 0,
        "max_values": most,
        "options": [_select_option(one, held, name_of) for one in shown],
    }
    rows = [_row([select])]
    if last:
        back, on = _("Back").render(locale), _("Next").render(locale)
        leaf = f"rolemenus:page:{menu.id}"
        # An id stands once in a message, so these differ also on the first and last page.
        rows.append(
            _row(
                [
                    _plain_button(back, f"{leaf}:{max(page, 1) - 1}", 2, disabled=page == 0),
                    _plain_button(on, f"{leaf}:{page + 1}", 2, disabled=page == last),
                ]
            )
        )
    return rows


def _select_option(option: Option, held: frozenset[int], name_of: NameOf) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "label": shorten(label_of(option, name_of), _LONGEST_OPTION),
        "value": str(option.role_id),
        "default": option.role_id in held,
    }
    if option.description:
        shown["description"] = option.description
    if option.emoji:
        shown["emoji"] = emoji_of_component(option.emoji)
    return shown


def page_text(menu: Menu, held: frozenset[int], locale: str | None) -> str:
    """Return what stands above the select: the menu's title and what the member has of it."""
    own = [one for one in menu.role_ids if one in held]
    have = _("You have {roles}.", roles=RoleList(own)) if own else _("You have none of them.")
    lines = [f"**{menu.title}**", have.render(locale), _hints(menu, locale)]
    return "\n".join(filter(None, lines))


# --- answers --------------------------------------------------------------------------------------


def outcome_text(outcome: Outcome, locale: str | None) -> str:
    """Return in words what a press led to, and what has to wait for what."""
    waiting = {role_id for role_id, _refusal in outcome.blocked}
    if outcome.pending:
        waiting |= set(outcome.ruling.added)
    added = [one for one in outcome.ruling.added if one not in waiting]
    removed = [one for one in outcome.ruling.removed if one not in waiting]
    lines = [one.render(locale) for one in _done(added, removed)]
    gained = (*outcome.ruling.added, *outcome.coming)
    if outcome.pending and gained:
        roles = RoleList(gained)
        text = _("⏳ You get {roles} once you have accepted this server's rules.", roles=roles)
        lines.append(text.render(locale))
    lines += [
        _("⏳ {role} is still on its way to you.", role=RoleList([one])).render(locale)
        for one in outcome.coming
        if one not in waiting and not outcome.pending
    ]
    lines += [_waiting(role_id, refusal).render(locale) for role_id, refusal in outcome.blocked]
    if not lines:
        lines = [_("Nothing has changed.").render(locale)]
    return shorten("\n".join(lines), _LONGEST_ANSWER)


def _done(added: Sequence[int], removed: Sequence[int]) -> list[Message]:
    gained, lost = RoleList(added), RoleList(removed)
    if added and removed:
        return [_("✅ You have {added} now, and no longer {removed}.", added=gained, removed=lost)]
    if added:
        return [_("✅ You have {added} now.", added=gained)]
    return [_("✅ You no longer have {removed}.", removed=lost)] if removed else []


def _waiting(role_id: int, refusal: Any) -> Message:
    return _(
        "⏳ {role} has to wait: {problem} It is done as soon as the staff have put that right: "
        "{fix}",
        role=RoleList([role_id]),
        problem=refusal.message,
        fix=refusal.fix,
    )
