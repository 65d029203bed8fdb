"""Decides what a press on a role menu gives and takes, or why it does nothing; pure.

A press says which of the menu's roles the member wants and which not. What it means is made of the
mode, the limit, the roles that a member must or must not have, and the places that are left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.core.errors import Conflict, Denied, InvalidInput
from bot.core.i18n import _, ngettext
from cogs.rolemenus.mentions import RoleList

# Discord's limits: buttons of a message, reactions on a message, options of a select.
MOST_BUTTONS = 25
MOST_REACTIONS = 20
PAGE = 25
# A guild has at most 250 roles.
MOST_ROLES = 250


class Style(StrEnum):
    """What members press."""

    BUTTONS = "buttons"
    SELECT = "select"
    REACTIONS = "reactions"


class Mode(StrEnum):
    """What a press may do: give and take, keep to one role, only give, only take."""

    NORMAL = "normal"
    UNIQUE = "unique"
    ADD = "add"
    REMOVE = "remove"


MOST_OF = {Style.BUTTONS: MOST_BUTTONS, Style.SELECT: MOST_ROLES, Style.REACTIONS: MOST_REACTIONS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A role on offer; `cap` is how many members may have it from this menu.

    Without a label it bears the role's name. `trusted`: offered in spite of what it allows.
    """

    role_id: int
    label: str | None = None
    emoji: str | None = None
    description: str | None = None
    cap: int | None = None
    trusted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Menu:
    """A menu; `most` bounds how many of its roles a member may have."""

    id: int
    guild_id: int
    title: str
    text: str = ""
    style: Style = Style.BUTTONS
    mode: Mode = Mode.NORMAL
    most: int | None = None
    required: frozenset[int] = frozenset()
    forbidden: frozenset[int] = frozenset()
    options: tuple[Option, ...] = ()
    revision: int = 1

    @property
    def role_ids(self) -> tuple[int, ...]:
        """The roles on offer, in their order."""
        return tuple(one.role_id for one in self.options)

    @property
    def limit(self) -> int | None:
        """How many of its roles a member may have at once."""
        return 1 if self.mode is Mode.UNIQUE else self.most

    def option(self, role_id: int) -> Option | None:
        """Return what is on offer for a role."""
        return next((one for one in self.options if one.role_id == role_id), None)


@dataclass(frozen=True, slots=True)
class Press:
    """Which roles the member wants to have, and which not; of others nothing is said."""

    wanted: frozenset[int] = frozenset()
    unwanted: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Ruling:
    """Which roles the member gets and loses, in the menu's order."""

    added: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()


def toggled(held: Collection[int], role_id: int) -> Press:
    """Return what the press of a role's button says."""
    one = frozenset({role_id})
    return Press(unwanted=one) if role_id in held else Press(wanted=one)


def chosen(shown: Iterable[int], selected: Iterable[int]) -> Press:
    """Return what is said by leaving `selected` of the roles shown in a select."""
    wanted = frozenset(selected)
    return Press(wanted, frozenset(shown) - wanted)


def reacted(mode: Mode, role_id: int, *, on: bool) -> Press:
    """Return what a reaction that was put there, or taken back, says."""
    one = frozenset({role_id})
    if mode is Mode.REMOVE:
        return Press(unwanted=one) if on else Press()
    if on:
        return Press(wanted=one)
    return Press() if mode is Mode.ADD else Press(unwanted=one)


def decide(menu: Menu, held: Collection[int], taken: Mapping[int, int], press: Press) -> Ruling:
    """Return what follows from a press of a member who has the roles `held`.

    `taken` is how many others have a place of each role with a cap. All or nothing is done. Raises
    `Denied` for what the member may not, `Conflict` where no place is left.
    """
    own = [one for one in menu.role_ids if one in held]
    adds = [one for one in menu.role_ids if one in press.wanted and one not in held]
    drops = [one for one in own if one in press.unwanted]
    if menu.mode is Mode.UNIQUE:
        drops = _switched(menu, own, press, drops)
    elif menu.mode is Mode.ADD:
        drops = _nothing_taken(adds, drops)
    elif menu.mode is Mode.REMOVE:
        adds = _nothing_given(adds, drops)
    if adds or (drops and menu.mode is Mode.REMOVE):
        _check_member(menu, held)
    if adds:
        _check_limit(menu, own, adds, drops)
        _check_places(menu, adds, taken)
    return Ruling(tuple(adds), tuple(drops))


def _switched(menu: Menu, own: list[int], press: Press, drops: list[int]) -> list[int]:
    wanted = [one for one in menu.role_ids if one in press.wanted]
    if len(wanted) > 1:
        raise InvalidInput(_("You can have one of these roles at a time."))
    return [one for one in own if one not in wanted] if wanted else drops


def _nothing_taken(adds: list[int], drops: list[int]) -> list[int]:
    if drops and not adds:
        raise Denied(
            _("You have {roles} already; this menu only gives roles.", roles=RoleList(drops)),
            hint=_("Ask the staff to take it from you."),
        )
    return []


def _nothing_given(adds: list[int], drops: list[int]) -> list[int]:
    if adds and not drops:
        raise Denied(
            _("You don't have {roles}; this menu only takes roles away.", roles=RoleList(adds))
        )
    return []


def _check_member(menu: Menu, held: Collection[int]) -> None:
    if menu.required and menu.required.isdisjoint(held):
        needed = RoleList(sorted(menu.required), either=True)
        raise Denied(_("This menu is for members with {roles}.", roles=needed))
    barring = [one for one in sorted(menu.forbidden) if one in held]
    if barring:
        raise Denied(_("This menu is not for members with {roles}.", roles=RoleList(barring)))


def _check_limit(menu: Menu, own: list[int], adds: list[int], drops: list[int]) -> None:
    kept = [one for one in own if one not in drops]
    limit = menu.limit
    if limit is None or len(kept) + len(adds) <= limit:
        return
    message = ngettext(
        "You can have {count} role of this menu.",
        "You can have {count} roles of this menu at once.",
        limit,
    )
    hint = _("Choose fewer.")
    if kept and menu.mode is Mode.ADD:
        hint = _("You have {roles}, which only the staff can take from you.", roles=RoleList(kept))
    elif kept:
        hint = _("You have {roles}; put one off first.", roles=RoleList(kept))
    raise Denied(message, hint=hint)


def _check_places(menu: Menu, adds: list[int], taken: Mapping[int, int]) -> None:
    for role_id in adds:
        option = menu.option(role_id)
        if option is None or option.cap is None or taken.get(role_id, 0) < option.cap:
            continue
        message = ngettext(
            "{role} is full: its only place is taken.",
            "{role} is full: all {count} places are taken.",
            option.cap,
            role=RoleList([role_id]),
        )
        hint = _("Nothing was changed. Try again when a place is free.")
        raise Conflict(message, hint=hint, full_role_id=role_id)
