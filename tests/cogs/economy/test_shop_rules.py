"""The shop's rules on values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import InvalidInput
from bot.core.goods import choose_pieces, count_pieces, name_key, title_of
from bot.core.ledger import MAX_AMOUNT
from cogs.economy.shop_rules import (
    LONGEST,
    Buyer,
    ItemPlan,
    pick_of,
    piece_end,
    pieces_from_json,
    pieces_to_json,
    plan_of,
    read_pick,
    role_end,
    why_not_bought,
)
from cogs.economy.stocking import read_plan
from cogs.economy.trade_rules import SHORTEST_OFFER, offer_end
from db.economy_inventory import NEVER, Pieces
from db.economy_shop import ShopItem

NOW = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)
SOON = st.timedeltas(timedelta(days=-90), timedelta(days=900)).map(lambda span: NOW + span)
INSTANTS = SOON | st.just(NEVER)
LOTS = st.lists(st.builds(Pieces, INSTANTS, st.integers(0, 50)), max_size=8)


def item(**values: Any) -> ShopItem:
    plan = ItemPlan.model_validate({"name": "Sword", "price": 10} | values)
    extra = {"id": 7, "guild_id": 1, "sold": 0, "revision": 1, "archived_at": None}
    return ShopItem(**plan.to_row(), **extra)


@given(LOTS, st.integers(1, 200))
def test_pieces_that_expire_soonest_go_first(lots: list[Pieces], quantity: int) -> None:
    chosen = choose_pieces(lots, quantity)
    if count_pieces(lots) < quantity:
        assert chosen is None
        return
    assert chosen is not None
    assert count_pieces(chosen) == quantity
    assert all(one.quantity > 0 for one in chosen)
    ends = [one.expires_at for one in chosen]
    assert ends == sorted(ends)
    # Of what expires before the last that is chosen nothing is left.
    before = [one for one in lots if one.expires_at < ends[-1]]
    assert count_pieces(before) == count_pieces(
        [one for one in chosen if one.expires_at < ends[-1]]
    )


@given(LOTS)
def test_pieces_survive_storing(lots: list[Pieces]) -> None:
    assert list(pieces_from_json(pieces_to_json(lots))) == lots


@given(st.integers(60, 10**8), st.timedeltas(timedelta(days=-9), timedelta(days=9)) | st.none())
def test_role_lasts_what_is_paid_for(lasts: int, rest: timedelta | None) -> None:
    vip = item(kind="role_at_once", role_id="5", lasts=lasts)
    current = None if rest is None else NOW + rest
    end = role_end(vip, NOW, current)
    assert end is not None
    begins = NOW if current is None else max(NOW, current)
    assert end == min(begins + timedelta(seconds=lasts), NOW + LONGEST)


@given(st.integers(60, 10**8), SOON)
def test_pieces_end_in_whole_minutes_and_never_too_soon(lasts: int, now: datetime) -> None:
    end = piece_end(item(lasts=lasts), now)
    assert timedelta(0) <= end - now - timedelta(seconds=lasts) < timedelta(minutes=1)
    assert (end.second, end.microsecond) == (0, 0)


def test_what_does_not_expire() -> None:
    assert piece_end(item(), NOW) == NEVER
    assert piece_end(item(kind="role_on_use", role_id="5", lasts=60), NOW) == NEVER
    assert role_end(item(kind="role_on_use", role_id="5"), NOW, None) is None


@given(st.integers(1, 10**18 - 1), st.integers(1, MAX_AMOUNT))
def test_pick_reads_back(item_id: int, price: int) -> None:
    assert read_pick(pick_of(item_id, price)) == (item_id, price)
    assert read_pick(f" {pick_of(item_id)} ") == (item_id, None)


def test_names_are_no_picks() -> None:
    for text in ("Sword", "#1 fan", "# 5", "#5@", "5@7", ""):
        assert read_pick(text) is None
    with pytest.raises(InvalidInput):
        read_plan({"name": "#5@7", "price": 1})
    assert name_key("  Große   TORTE ") == name_key("GROSSE torte")


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


ROLES = st.integers(1, 2**63 - 1)
PLANS = st.builds(
    lambda gives, **values: ItemPlan.model_validate(values | gives),
    gives=st.just({})
    | st.fixed_dictionaries(
        {"kind": st.sampled_from(["role_on_use", "role_at_once"]), "role_id": ROLES}
    ),
    name=st.text("abcé Ü1", min_size=1, max_size=50).filter(str.strip),
    description=st.text("abc é", max_size=200),
    price=st.integers(1, MAX_AMOUNT),
    trusted=st.booleans(),
    lasts=optional(st.integers(60, 10**8).map(lambda one: timedelta(seconds=one))),
    stock=optional(st.integers(0, 10**9)),
    per_member=optional(st.integers(1, 1000)),
    required_role_id=optional(ROLES),
    required_level=optional(st.integers(1, 1000)),
    offered_until=optional(INSTANTS),
)


@given(PLANS)
def test_plan_survives_json_and_row(plan: ItemPlan) -> None:
    assert ItemPlan.model_validate(plan.to_json()) == plan
    extra = {"id": 7, "guild_id": 1, "sold": 0, "revision": 1, "archived_at": None}
    assert plan_of(ShopItem(**plan.to_row(), **extra)) == plan


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"name": "x" * 51},
        {"price": 0},
        {"price": -1},
        {"price": MAX_AMOUNT + 1},
        {"price": 2**63},
        {"price": 1.5},
        {"price": "5"},
        {"price": True},
        {"stock": -1},
        {"per_member": 0},
        {"emoji": "no emoji"},
        {"lasts": 5},
        {"kind": "role_at_once"},
        {"role_id": "5"},
        {"offered_until": "2026-06-01T12:00:00"},
        {"colour": "red"},
    ],
)
def test_what_is_no_item_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        read_plan({"name": "Sword", "price": 10} | values)


def test_names_are_put_on_one_line_and_made_harmless() -> None:
    plan = read_plan({"name": "  **@everyone**\n x ", "price": 1, "description": "a\nb"})
    assert (plan.name, plan.description) == ("**@everyone** x", "a b")
    assert title_of(item(name=plan.name, emoji="🗡️")) == "🗡️ **\\*\\*\\@everyone\\*\\* x**"


@given(
    st.integers(0, 20) | st.none(),
    st.integers(1, 20) | st.none(),
    st.integers(0, 20),
    st.integers(1, 25),
)
def test_nothing_is_sold_beyond_stock_or_limit(
    stock: int | None, limit: int | None, bought: int, quantity: int
) -> None:
    refused = why_not_bought(
        item(stock=stock, per_member=limit), Buyer(1, bought=bought), quantity, NOW
    )
    is_there = stock is None or quantity <= stock
    is_allowed = limit is None or bought + quantity <= limit
    assert (refused is None) == (is_there and is_allowed)


@given(INSTANTS)
def test_offer_is_open_no_longer_than_its_pieces_last(first: datetime) -> None:
    if first < NOW + SHORTEST_OFFER:
        with pytest.raises(InvalidInput):
            offer_end(NOW, first)
    else:
        assert NOW < offer_end(NOW, first) <= first
