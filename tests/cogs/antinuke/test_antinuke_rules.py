"""What counts, when it is too much, and which roles go, on values alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.cases import Case, CaseKind, CaseState, Target
from bot.core.contracts import MemberFacts, RoleSummary
from bot.core.power import DESTRUCTIVE
from bot.core.settings.model import FeatureState
from cogs.antinuke.problems import find_antinuke_problems
from cogs.antinuke.rules import (
    DeedKind,
    exceeded,
    instant_of,
    is_dangerous,
    plan_roles,
    read_case,
    read_entry,
    window_start,
)
from cogs.antinuke.settings import LIMIT_FIELDS, AntinukeSettings
from db.antinuke import KINDS
from tests.bot.core.cases.world import GUILD
from tests.cogs.antinuke.staffworld import ADMIN, StaffView

ADMINISTRATOR, SEND = 1 << 3, 1 << 11
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def entry(action: int, **values: Any) -> dict[str, Any]:
    payload = {"id": "1", "guild_id": "2", "user_id": "3", "target_id": "4", "action_type": action}
    return payload | values


def permissions(new: int, old: int | None = None) -> list[dict[str, Any]]:
    change = {"key": "permissions", "new_value": str(new)}
    return [change if old is None else {**change, "old_value": str(old)}]


@pytest.mark.parametrize(
    ("payload", "kinds"),
    [
        (entry(10), ["channel_create"]),
        (entry(12), ["channel_delete"]),
        (entry(20), ["kick"]),
        (entry(22), ["ban"]),
        (entry(28), ["bot_add"]),
        (entry(32), ["role_delete"]),
        (entry(50), ["webhook_create"]),
        (entry(30, changes=permissions(SEND)), ["role_create"]),
        (entry(30, changes=permissions(ADMINISTRATOR)), ["role_create", "grant"]),
        (entry(31, changes=permissions(ADMINISTRATOR | SEND, SEND)), ["grant"]),
        (entry(31, changes=permissions(ADMINISTRATOR | SEND, ADMINISTRATOR)), []),
        (entry(31, changes=permissions(SEND, ADMINISTRATOR)), []),
        (entry(31, changes=[{"key": "name", "new_value": "x"}]), []),
        (entry(25, changes=[{"key": "$add", "new_value": [{"id": str(ADMIN)}]}]), ["grant"]),
        (entry(25, changes=[{"key": "$remove", "new_value": [{"id": str(ADMIN)}]}]), []),
        (entry(25, changes=[{"key": "$add", "new_value": [{"id": "9"}]}]), []),
        (entry(24), []),
        (entry(12, user_id=None), []),
    ],
)
def test_entry_counts_as(payload: dict[str, Any], kinds: list[str]) -> None:
    deeds = read_entry(payload, {ADMIN})

    assert [one.kind for one in deeds] == kinds
    assert len({one.key for one in deeds}) == len(deeds)


def test_prune_counts_as_often_as_members_were_removed() -> None:
    (deed,) = read_entry(entry(21, target_id=None, options={"members_removed": "12"}), ())

    assert (deed.kind, deed.weight, deed.target_id) == (DeedKind.KICK, 12, None)


def test_time_of_an_entry_is_discords() -> None:
    # The example of https://discord.com/developers/docs/reference#snowflakes
    assert instant_of(175928847299117063).isoformat(timespec="milliseconds") == (
        "2016-04-30T11:18:25.796+00:00"
    )


def make_case(kind: CaseKind, source: Any, **values: Any) -> Case:
    return Case(
        id=7,
        guild_id=2,
        number=1,
        kind=kind,
        state=CaseState.PLANNED,
        target=Target(4, "x"),
        moderator_id=values.pop("moderator_id", 3),
        moderator_name="m",
        source=source,
        reason=None,
        points=0,
        created_at=NOW,
        **values,
    )


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        (make_case(CaseKind.BAN, "command"), DeedKind.BAN),
        (make_case(CaseKind.SOFTBAN, "command"), DeedKind.KICK),
        (make_case(CaseKind.WARN, "command"), None),
        # What comes by the audit log is counted from there.
        (make_case(CaseKind.BAN, "audit_log"), None),
        (make_case(CaseKind.BAN, "automod", moderator_id=0), None),
        (make_case(CaseKind.BAN, "command", details={"approval": 1}), None),
    ],
)
def test_case_counts_as(case: Case, kind: DeedKind | None) -> None:
    deed = read_case(case)

    assert (deed.kind if deed else None) == kind


counts = st.dictionaries(st.sampled_from([kind.value for kind in DeedKind]), st.integers(0, 50))


@given(counts, counts)
def test_limit_is_exceeded_by_more_than_it_allows(
    done: dict[str, int], limits: dict[str, int]
) -> None:
    over = exceeded(done, limits)

    for kind in DeedKind:
        limit = limits.get(kind, 0)
        assert (kind in over) == (limit > 0 and done.get(kind, 0) > limit)


@given(counts, counts, st.sampled_from([*KINDS]))
def test_more_deeds_never_exceed_less(
    done: dict[str, int], limits: dict[str, int], kind: str
) -> None:
    more = {**done, kind: done.get(kind, 0) + 1}

    assert set(exceeded(done, limits)) <= set(exceeded(more, limits))


roles = st.lists(
    st.builds(
        RoleSummary,
        id=st.integers(1, 12),
        guild_id=st.just(2),
        name=st.text(max_size=5),
        position=st.integers(1, 9),
        managed=st.booleans(),
        permissions=st.frozensets(st.sampled_from([*DESTRUCTIVE, "send_messages"]), max_size=3),
    ),
    unique_by=lambda role: role.id,
)


@given(roles, st.frozensets(st.integers(1, 12)), st.booleans(), st.integers(0, 9))
def test_every_dangerous_role_is_taken_unless_something_speaks_against_it(
    there: list[RoleSummary], held: frozenset[int], may: bool, rank: int
) -> None:
    allowed = frozenset({"manage_roles"}) if may else frozenset[str]()
    bot = MemberFacts(1, 2, "bot", rank, allowed)

    plans = plan_roles(held, there, bot)

    expected = {one.id for one in there if one.id in held and is_dangerous(one)}
    assert {one.role.id for one in plans} == expected
    assert len(plans) == len(expected)
    for plan in plans:
        can = may and not plan.role.managed and plan.role.position < rank
        assert (plan.refusal is None) == can


def test_window_begins_before_the_latest_deed() -> None:
    (deed,) = read_entry(entry(12, id=str(175928847299117063)), ())

    assert window_start([deed], timedelta(minutes=10)) == deed.at - timedelta(minutes=10)


def test_every_kind_has_its_limit_and_is_known_to_the_database() -> None:
    assert set(DeedKind) == set(LIMIT_FIELDS) == set(KINDS)
    assert set(AntinukeSettings().limits()) == set(KINDS)


def test_what_is_in_the_way_is_a_problem_only_where_something_is_to_be_done() -> None:
    view = StaffView()
    view.permissions -= {"manage_roles"}
    telling = FeatureState(GUILD, "antinuke", True, AntinukeSettings())
    acting = FeatureState(GUILD, "antinuke", True, AntinukeSettings.read({"response": "strip"}))

    assert find_antinuke_problems(telling, view, GUILD) == []
    missing, above = find_antinuke_problems(acting, view, GUILD)
    assert "Manage Roles" in str(missing.message)
    assert str(above.message).endswith("High.")
