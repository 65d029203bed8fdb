"""What a press gives and takes: each mode by example, and what holds for any mode and presses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import AppError, Conflict, Denied, InvalidInput
from cogs.rolemenus.rules import (
    Menu,
    Mode,
    Option,
    Press,
    Ruling,
    chosen,
    decide,
    reacted,
    toggled,
)

RED, BLUE, GREEN, CREW, GUEST = 1, 2, 3, 10, 11


def menu(mode: Mode = Mode.NORMAL, caps: dict[int, int] | None = None, **values: Any) -> Menu:
    options = tuple(Option(role_id=one, cap=(caps or {}).get(one)) for one in (RED, BLUE, GREEN))
    return Menu(id=1, guild_id=1, title="Colours", mode=mode, options=options, **values)


def press(of: Menu, held: set[int], role_id: int, taken: dict[int, int] | None = None) -> Ruling:
    return decide(of, held, taken or {}, toggled(held, role_id))


def test_normal_gives_and_takes() -> None:
    assert press(menu(), {GREEN}, RED) == Ruling(added=(RED,))
    assert press(menu(), {RED, GREEN}, RED) == Ruling(removed=(RED,))


def test_unique_switches_and_takes_off() -> None:
    unique = menu(Mode.UNIQUE)

    assert press(unique, {RED, CREW}, BLUE) == Ruling((BLUE,), (RED,))
    assert press(unique, {RED, CREW}, RED) == Ruling(removed=(RED,))
    # Staff have given somebody two of them: what is wanted stays, the other goes.
    assert decide(unique, {RED, BLUE}, {}, reacted(Mode.UNIQUE, RED, on=True)) == Ruling(
        (), (BLUE,)
    )


def test_unique_switch_to_a_full_role_keeps_the_old_one() -> None:
    with pytest.raises(Conflict, match="is full: all 2 places"):
        press(menu(Mode.UNIQUE, caps={BLUE: 2}), {RED}, BLUE, {BLUE: 2})


def test_unique_takes_no_two() -> None:
    with pytest.raises(InvalidInput):
        decide(menu(Mode.UNIQUE), set(), {}, chosen((RED, BLUE), (RED, BLUE)))


def test_add_only_never_takes() -> None:
    assert press(menu(Mode.ADD), set(), RED) == Ruling(added=(RED,))
    with pytest.raises(Denied, match="only gives"):
        press(menu(Mode.ADD), {RED}, RED)
    # A select says both: what it may do is done.
    assert decide(menu(Mode.ADD), {RED}, {}, chosen((RED, BLUE), (BLUE,))) == Ruling((BLUE,))


def test_remove_only_never_gives() -> None:
    assert press(menu(Mode.REMOVE), {RED}, RED) == Ruling(removed=(RED,))
    with pytest.raises(Denied, match="only takes"):
        press(menu(Mode.REMOVE), set(), RED)


def test_limit_counts_what_stays() -> None:
    two = menu(most=2)

    with pytest.raises(Denied, match="2 roles of this menu at once"):
        press(two, {RED, BLUE}, GREEN)
    # Nobody can put a role off where roles are only given.
    with pytest.raises(Denied) as refused:
        press(menu(Mode.ADD, most=2), {RED, BLUE}, GREEN)
    said = refused.value.render("en")
    assert "put one off" not in said
    assert "You have <@&1> and <@&2>, which only the staff can take from you." in said
    assert decide(two, {RED, BLUE}, {}, chosen((RED, BLUE, GREEN), (BLUE, GREEN))) == Ruling(
        (GREEN,), (RED,)
    )
    # Whoever has more of them may still put one off.
    assert press(two, {RED, BLUE, GREEN}, RED) == Ruling(removed=(RED,))


def test_required_and_forbidden_roles_keep_from_getting_not_from_putting_off() -> None:
    gated = menu(required=frozenset({CREW}), forbidden=frozenset({GUEST}))

    with pytest.raises(Denied, match="is for members with"):
        press(gated, set(), RED)
    with pytest.raises(Denied, match="is not for members with"):
        press(gated, {CREW, GUEST}, RED)
    assert press(gated, {CREW}, RED) == Ruling(added=(RED,))
    assert press(gated, {RED, GUEST}, RED) == Ruling(removed=(RED,))


def test_reactions_say_what_the_mode_makes_of_them() -> None:
    one = frozenset({RED})

    assert reacted(Mode.NORMAL, RED, on=False) == Press(unwanted=one)
    assert reacted(Mode.ADD, RED, on=False) == Press()
    assert reacted(Mode.REMOVE, RED, on=True) == Press(unwanted=one)
    assert reacted(Mode.REMOVE, RED, on=False) == Press()


def test_refusals_are_in_both_languages() -> None:
    with pytest.raises(Denied) as refused:
        press(menu(most=2), {RED, BLUE}, GREEN)

    assert refused.value.render("es") == (
        "Puedes tener 2 roles de este menú a la vez. Tienes <@&1> y <@&2>; quítate uno antes."
    )


ROLES = (RED, BLUE, GREEN)
some = st.frozensets(st.sampled_from(ROLES))
menus = st.builds(
    menu,
    st.sampled_from(Mode),
    caps=st.dictionaries(st.sampled_from(ROLES), st.integers(1, 3)),
    most=st.none() | st.integers(1, 3),
    required=st.sampled_from([frozenset[int](), frozenset({CREW})]),
    forbidden=st.sampled_from([frozenset[int](), frozenset({GUEST})]),
)
members = st.frozensets(st.sampled_from((*ROLES, CREW, GUEST)))
presses = st.builds(chosen, some, some) | st.tuples(members, st.sampled_from(ROLES)).map(
    lambda one: toggled(*one)
)
takings = st.dictionaries(st.sampled_from(ROLES), st.integers(0, 3))


@given(menus, members, takings, presses)
def test_no_press_breaks_a_rule(
    of: Menu, held: frozenset[int], taken: dict[int, int], said: Press
) -> None:
    try:
        ruling = decide(of, held, taken, said)
    except AppError:
        return
    added, removed = set(ruling.added), set(ruling.removed)
    after = (held - removed) | added

    assert added <= said.wanted - held
    assert removed <= held & set(ROLES)
    assert not removed & said.wanted
    # In this mode what is wanted takes the place of what one has.
    assert removed <= said.unwanted or (of.mode is Mode.UNIQUE and said.wanted)
    if added:
        assert of.limit is None or len(after & set(ROLES)) <= of.limit
        assert not of.required or of.required & held
        assert not of.forbidden & held
        assert all(
            taken.get(one, 0) < option.cap
            for option in of.options
            if (one := option.role_id) in added and option.cap is not None
        )
        assert of.mode is not Mode.REMOVE
    if removed:
        assert of.mode is not Mode.ADD


@given(menus, st.lists(presses, max_size=8))
def test_presses_one_after_another_never_exceed_the_limit(of: Menu, said: list[Press]) -> None:
    held = frozenset({CREW})
    for one in said:
        try:
            ruling = decide(of, held, {}, one)
        except AppError:
            continue
        held = (held - frozenset(ruling.removed)) | frozenset(ruling.added)
        assert of.limit is None or len(held & set(ROLES)) <= of.limit
