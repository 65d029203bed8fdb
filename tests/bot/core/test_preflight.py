"""Preflight: every way an action can be refused, and that nothing else refuses it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.contracts import ChannelSummary, MemberFacts, RoleSummary
from bot.core.preflight import Action, Cause, can_act, can_post

EVERYTHING = frozenset(
    {
        "ban_members",
        "kick_members",
        "manage_channels",
        "manage_messages",
        "manage_nicknames",
        "manage_roles",
        "moderate_members",
        "read_message_history",
        "send_messages",
        "view_channel",
    }
)
BOT = MemberFacts(1, 7, "Pegasus", 50, EVERYTHING, is_bot=True)
STAFF = MemberFacts(2, 7, "Anna", 40, EVERYTHING)
MEMBER = MemberFacts(3, 7, "Bert", 10)
ROLE = RoleSummary(9, 7, "Fish", 20)
PLACE = ChannelSummary(5, 7, "pond", "text", bot_permissions=EVERYTHING)
ON_MEMBERS = [Action.WARN, Action.TIMEOUT, Action.KICK, Action.BAN]


@pytest.mark.parametrize("action", Action)
def test_nothing_speaks_against_staff_acting_on_a_member(action: Action) -> None:
    role = ROLE if action in (Action.ADD_ROLE, Action.REMOVE_ROLE) else None
    assert can_act(action, bot=BOT, actor=STAFF, target=MEMBER, role=role, channel=PLACE) is None


@pytest.mark.parametrize(
    ("action", "changes", "cause"),
    [
        (Action.KICK, {"target": None}, Cause.MISSING_TARGET),
        (Action.KICK, {"target": STAFF}, Cause.SELF),
        (Action.KICK, {"target": BOT}, Cause.BOT_ITSELF),
        (Action.KICK, {"actor": replace(STAFF, permissions=frozenset())}, Cause.ACTOR_PERMISSION),
        (Action.KICK, {"target": replace(MEMBER, top_role_position=40)}, Cause.ACTOR_HIERARCHY),
        (Action.KICK, {"bot": replace(BOT, permissions=frozenset())}, Cause.BOT_PERMISSION),
        (Action.KICK, {"bot": replace(BOT, top_role_position=10)}, Cause.BOT_HIERARCHY),
        (Action.KICK, {"target": replace(MEMBER, is_guild_owner=True)}, Cause.OWNER),
        (
            Action.TIMEOUT,
            {"target": replace(MEMBER, permissions=frozenset({"administrator"}))},
            Cause.ADMINISTRATOR,
        ),
        (Action.ADD_ROLE, {"role": replace(ROLE, managed=True)}, Cause.MANAGED_ROLE),
        (Action.ADD_ROLE, {"role": replace(ROLE, position=45)}, Cause.ACTOR_HIERARCHY),
        (Action.ADD_ROLE, {"role": replace(ROLE, position=50), "actor": None}, Cause.BOT_HIERARCHY),
        (
            Action.PURGE,
            {"channel": replace(PLACE, bot_permissions=frozenset({"view_channel"}))},
            Cause.BOT_PERMISSION,
        ),
    ],
)
def test_refusal_has_its_cause(action: Action, changes: dict[str, object], cause: Cause) -> None:
    case: dict[str, object] = {"bot": BOT, "actor": STAFF, "target": MEMBER, **changes}
    refusal = can_act(action, **case)  # pyright: ignore[reportArgumentType]
    assert refusal is not None
    assert refusal.cause is cause
    for locale in ("en", "es"):
        assert "{" not in refusal.message.render(locale) + refusal.fix.render(locale)


def test_refusal_names_permission_place_and_fix_as_the_client_does() -> None:
    channel = replace(PLACE, bot_permissions=frozenset({"view_channel"}))
    refusal = can_post(channel, ("embed_links",))
    assert refusal is not None
    assert refusal.message.render("en") == (
        "I lack the permissions Send Messages and Embed Links in #pond."
    )
    assert "Insertar enlaces" in refusal.fix.render("es-ES")


def test_refusal_in_a_channel_names_what_its_settings_show() -> None:
    rights = EVERYTHING - {"manage_roles"}
    lounge = ChannelSummary(5, 7, "Lounge", "voice", bot_permissions=rights)
    refusal = can_act(Action.LOCK, bot=BOT, actor=STAFF, channel=lounge)
    assert refusal is not None
    assert str(refusal.message) == "I lack the permission Manage Permissions in 🔊 Lounge."
    assert "Open the settings of 🔊 Lounge" in str(refusal.fix)


def test_ban_of_someone_who_left_is_allowed() -> None:
    assert can_act(Action.BAN, bot=BOT, actor=STAFF, target=None) is None


def test_record_about_someone_who_left_is_kept_by_those_who_may() -> None:
    assert can_act(Action.RECORD, bot=BOT, actor=STAFF, target=None) is None
    plain = replace(STAFF, permissions=frozenset())
    refusal = can_act(Action.RECORD, bot=BOT, actor=plain, target=None)
    assert refusal is not None
    assert refusal.cause is Cause.ACTOR_PERMISSION


def test_owner_may_act_on_anyone_below_the_bot() -> None:
    owner = MemberFacts(4, 7, "Olga", 0, is_guild_owner=True)
    assert can_act(Action.BAN, bot=BOT, actor=owner, target=STAFF) is None


def test_administrator_bot_needs_no_other_permission() -> None:
    bot = replace(BOT, permissions=frozenset({"administrator"}))
    assert can_act(Action.KICK, bot=bot, actor=STAFF, target=MEMBER) is None


positions = st.integers(0, 100)


@given(st.sampled_from(ON_MEMBERS), positions, positions, positions, st.booleans())
def test_nobody_acts_on_someone_who_is_not_below_them(
    action: Action, bot: int, actor: int, target: int, owner: bool
) -> None:
    refusal = can_act(
        action,
        bot=replace(BOT, top_role_position=bot),
        actor=replace(STAFF, top_role_position=actor, is_guild_owner=owner),
        target=replace(MEMBER, top_role_position=target),
    )
    actor_may = owner or target < actor
    bot_may = target < bot or action is Action.WARN
    assert (refusal is None) is (actor_may and bot_may)


@given(st.sampled_from(Action), st.sets(st.sampled_from(sorted(EVERYTHING))))
def test_bot_permission_taken_away_is_named(action: Action, kept: set[str]) -> None:
    bot = replace(BOT, permissions=frozenset(kept))
    refusal = can_act(action, bot=bot, target=MEMBER)
    if refusal is not None:
        assert refusal.cause is Cause.BOT_PERMISSION
        missing = refusal.message.values["names"].values["permissions"]
        assert not kept & set(missing)
        assert can_act(action, bot=replace(BOT, permissions=EVERYTHING), target=MEMBER) is None
