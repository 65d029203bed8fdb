"""Which roles somebody gets by themselves: every rule for every kind of member."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.core.contracts import RoleSummary
from bot.core.errors import Conflict, InvalidInput, NotFound
from bot.core.power import DANGEROUS_NAMES
from cogs.autorole.editing import find_role, with_role, without_role
from cogs.autorole.rules import Newcomer, decide, gated_gift, kept_roles
from cogs.autorole.settings import MOST_ROLES, AutoroleSettings, JoinRole

NOW = datetime.fromisoformat("2026-06-01T12:00:00+00:00")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

spans = st.integers(0, 30 * 86_400).map(lambda one: timedelta(seconds=one))
ids = st.integers(1, 6)
entries = st.builds(
    JoinRole,
    role_id=ids,
    delay=spans,
    recipients=st.sampled_from(["people", "bots", "everyone"]),
    after_screening=st.booleans(),
    account_age=spans,
    after_role_id=st.none() | st.integers(11, 13),
)
members = st.builds(
    Newcomer,
    st.just(1),
    st.just(2),
    st.datetimes(datetime(2026, 5, 1), datetime(2026, 6, 1)).map(  # noqa: DTZ001 - made aware
        lambda one: one.replace(tzinfo=NOW.tzinfo)
    ),
    st.datetimes(datetime(2026, 4, 1), datetime(2026, 6, 1)).map(  # noqa: DTZ001 - made aware
        lambda one: one.replace(tzinfo=NOW.tzinfo)
    ),
    is_bot=st.booleans(),
    pending=st.booleans(),
    role_ids=st.frozensets(ids | st.integers(11, 13)),
)
levels = st.integers(0, 4)
lists = st.lists(entries, max_size=6, unique_by=lambda one: one.role_id)


@given(lists, members, levels)
def test_everybody_gets_each_role_that_is_for_them_once_or_waits_for_it(
    roles: list[JoinRole], member: Newcomer, level: int
) -> None:
    decision = decide(roles, member, level=level, now=NOW)
    given_ids = [one.role_id for one in decision.gifts]
    waiting_ids = [role_id for role_id, _ in decision.waits]
    assert sorted(given_ids + waiting_ids) == sorted(
        one.role_id
        for one in roles
        if one.role_id not in member.role_ids
        and one.recipients in ("everyone", "bots" if member.is_bot else "people")
    )
    for role_id, for_role_id in decision.waits:
        assert for_role_id not in member.role_ids
        assert next(one for one in roles if one.role_id == role_id).after_role_id == for_role_id


@given(lists, members, levels)
def test_nobody_is_let_past_screening_or_verification_unless_it_was_chosen(
    roles: list[JoinRole], member: Newcomer, level: int
) -> None:
    by_id = {one.role_id: one for one in roles}
    for gift in decide(roles, member, level=level, now=NOW).gifts:
        entry = by_id[gift.role_id]
        assert gift.not_before >= NOW
        assert gift.not_before >= member.joined_at + entry.delay
        assert gift.not_before >= member.created_at + entry.account_age
        if not entry.after_screening or member.is_bot:
            assert not gift.after_screening
            continue
        assert gift.after_screening == member.pending
        if level >= 2:
            assert gift.not_before >= member.created_at + 5 * MINUTE
        if level >= 3:
            assert gift.not_before >= member.joined_at + 10 * MINUTE


def test_role_before_screening_comes_at_once_at_any_level() -> None:
    entry = JoinRole(role_id=1, after_screening=False)
    member = Newcomer(1, 2, NOW, NOW, pending=True)
    (gift,) = decide([entry], member, level=4, now=NOW).gifts
    assert (gift.not_before, gift.after_screening) == (NOW, False)


def test_kept_role_waits_like_a_join_role() -> None:
    gift = gated_gift(1, Newcomer(1, 2, NOW, NOW, pending=True), level=3, now=NOW)
    assert (gift.not_before, gift.after_screening) == (NOW + 10 * MINUTE, True)


# --- roles that are kept ------------------------------------------------------------------------

rights = st.frozensets(st.sampled_from([*sorted(DANGEROUS_NAMES), "send_messages", "connect"]))
guild_roles = st.lists(
    st.builds(
        RoleSummary, ids, st.just(1), st.just("r"), ids, managed=st.booleans(), permissions=rights
    ),
    unique_by=lambda one: one.id,
).map(lambda found: {one.id: one for one in found})


@given(st.sets(ids), guild_roles, st.sets(ids), st.sets(ids), st.none() | ids)
def test_kept_roles_are_those_that_can_do_no_harm(
    had: set[int],
    roles: dict[int, RoleSummary],
    denied: set[int],
    allowed: set[int],
    muted: int | None,
) -> None:
    kept = kept_roles(had, roles, denied=denied, allowed=allowed, muted=muted)
    assert kept <= had & roles.keys()
    assert kept.isdisjoint(denied | {muted})
    for one in kept:
        assert not roles[one].managed
        assert one in allowed or not roles[one].permissions & DANGEROUS_NAMES
    for one in had & roles.keys() - kept:
        role = roles[one]
        assert (
            role.managed
            or one in denied
            or one == muted
            or (one not in allowed and role.permissions & DANGEROUS_NAMES)
        )


# --- the list -----------------------------------------------------------------------------------


def test_role_that_is_added_again_takes_its_own_place() -> None:
    first, second = JoinRole(role_id=1), JoinRole(role_id=2)
    changed = JoinRole(role_id=1, delay=DAY)
    assert with_role((first, second), changed) == (changed, second)
    assert without_role((changed, second), 1) == (second,)


def test_there_are_at_most_so_many_join_roles() -> None:
    full = tuple(JoinRole(role_id=one + 1) for one in range(MOST_ROLES))
    with pytest.raises(Conflict):
        with_role(full, JoinRole(role_id=99))
    assert len(with_role(full, JoinRole(role_id=1, delay=DAY))) == MOST_ROLES


@pytest.mark.parametrize(
    "text", ["123456789012345678", "<@&123456789012345678>", "@sailor", "Sailor"]
)
def test_join_role_is_found_by_id_mention_or_name(text: str) -> None:
    entry = JoinRole(role_id=123456789012345678)
    assert find_role([entry], text, {entry.role_id: "Sailor"}) == entry


def test_what_is_no_join_role_is_told() -> None:
    with pytest.raises(NotFound, match="pirate"):
        find_role([JoinRole(role_id=1)], "pirate", {1: "Sailor"})


def test_settings_refuse_what_can_never_be() -> None:
    with pytest.raises(ValidationError, match="wait for itself"):
        JoinRole(role_id=1, after_role_id=1)
    with pytest.raises(InvalidInput):
        AutoroleSettings.read({"join_roles": [{"role_id": "1"}, {"role_id": "1"}]})
    with pytest.raises(InvalidInput):
        AutoroleSettings.read({"join_roles": [{"role_id": "1", "delay": 31 * 86_400}]})
