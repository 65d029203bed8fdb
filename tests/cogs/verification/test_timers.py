"""What time does to members who don't verify, on each database."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.core.cases import CaseKind, NotPermitted
from cogs.verification.rules import MOST_REMINDERS
from db import verification as table
from tests.bot.core.cases.world import GUILD
from tests.cogs.verification.gateworld import ANN, BOB, MOD, UNVERIFIED, VERIFIED, GateWorld

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REMIND, KICK = HOUR, DAY


@pytest.fixture
async def timed(world: GateWorld) -> GateWorld:
    """The gate with a reminder after an hour and a kick after a day."""
    await world.set(method="captcha", **times())
    return world


def times(**changes: Any) -> dict[str, Any]:
    return {
        "remind_after": REMIND,
        "kick_after": KICK,
        "kick_confirmation": "kick",
    } | changes


async def test_member_is_reminded_once_then_kicked_once_with_a_farewell(timed: GateWorld) -> None:
    await timed.join()
    await timed.wait(REMIND)
    await timed.wait(HOUR)
    (reminder,) = await timed.reminders()
    assert f"<@{ANN}>, please verify" in reminder
    assert timed.discord.kicked == 0

    await timed.wait(DAY)
    await timed.wait(DAY)

    assert timed.discord.kicked == 1
    (case,) = await timed.cases.list(GUILD)
    assert (case.kind, case.target.id) == (CaseKind.KICK, ANN)
    assert case.reason is not None
    assert case.reason.startswith("Not verified within 1 day")
    assert case.reason in (await timed.written())[0]
    assert timed.counted == ["reminded", "kicked"]


async def test_kick_is_off_until_it_is_confirmed(world: GateWorld) -> None:
    await world.set(method="captcha", **times(kick_confirmation=None))
    await world.join()

    await world.wait(REMIND)
    await world.wait(14 * DAY)

    assert len(await world.reminders()) == 1
    assert world.discord.kicked == 0


async def test_whoever_passes_is_left_alone_and_the_mention_taken_back(timed: GateWorld) -> None:
    await timed.join()
    await timed.wait(REMIND)
    await timed.outbox.run_due()

    await timed.answer(await timed.ask())
    await timed.wait(2 * DAY)

    assert timed.discord.kicked == 0
    assert (await timed.reminders())[-1] == "message.delete"


async def test_whoever_leaves_is_left_alone(timed: GateWorld) -> None:
    await timed.join()
    timed.discord.leave(ANN)
    await timed.timers.member_left(GUILD, ANN)

    await timed.wait(2 * DAY)

    assert await timed.reminders() == []
    assert timed.discord.looks == []


async def test_whoever_left_unheard_is_not_reminded(timed: GateWorld) -> None:
    await timed.join()
    timed.discord.leave(ANN)

    await timed.wait(REMIND)
    await timed.wait(2 * DAY)

    assert await timed.reminders() == []
    assert (await timed.row()).state == table.LEFT


@pytest.mark.parametrize("how", ["role", "staff"])
async def test_member_who_needs_no_verification_is_left_alone(timed: GateWorld, how: str) -> None:
    await timed.join()
    if how == "role":
        timed.discord.roles[ANN] = {VERIFIED}
    else:
        timed.discord.powers[ANN] = frozenset({"kick_members"})

    await timed.wait(REMIND)
    await timed.wait(2 * DAY)

    assert await timed.reminders() == []
    assert timed.discord.kicked == 0


async def test_join_that_is_told_twice_gives_no_time_anew(timed: GateWorld) -> None:
    joined_at = timed.clock.now()
    await timed.join(joined_at=joined_at)
    await timed.wait(REMIND)
    await timed.join(joined_at=joined_at)

    await timed.wait(KICK - REMIND)

    assert len(await timed.reminders()) == 1
    assert timed.discord.kicked == 1


async def test_coming_back_gives_the_whole_time_anew(timed: GateWorld) -> None:
    await timed.join()
    await timed.timers.member_left(GUILD, ANN)
    await timed.wait(KICK - HOUR)
    await timed.join()

    await timed.wait(2 * HOUR)

    assert timed.discord.kicked == 0
    assert len(await timed.reminders()) == 1


async def test_departure_and_join_are_taken_in_their_order(timed: GateWorld) -> None:
    await timed.join()
    timed.clock.advance(1)
    later = timed.clock.now()

    await asyncio.gather(
        timed.timers.member_left(GUILD, ANN), timed.timers.member_joined(timed.person(), later)
    )

    row = await timed.row()
    assert (row.state, row.joined_at) == (table.WAITING, later)


async def test_kick_and_pass_at_once_have_one_winner(timed: GateWorld) -> None:
    await timed.set(method="button", **times(remind_after=None))
    await timed.join()
    timed.clock.advance(KICK)

    await asyncio.gather(timed.jobs.run_due(), timed.press())

    passed = bool(await timed.wishes())
    assert timed.discord.kicked == (0 if passed else 1)


async def test_answers_that_staff_have_not_read_keep_a_member(timed: GateWorld) -> None:
    await timed.set(method="form", questions=["Why?"], **times(remind_after=None))
    await timed.join()
    asked: Any = await timed.press()
    await timed.gate.answer_form(timed.person(), asked.token, ["to talk"])

    await timed.wait(2 * DAY)
    assert timed.discord.kicked == 0

    await timed.staff.decide(timed.person(), await timed.card(), let_in=False, actor=MOD)
    await timed.wait(2 * HOUR)
    assert timed.discord.kicked == 1


async def test_refused_kick_gives_the_time_back_and_works_later(timed: GateWorld) -> None:
    await timed.set(method="captcha", **times(remind_after=None))
    await timed.join()
    timed.discord.before = [NotPermitted("missing_permissions")]
    await timed.wait(KICK)
    assert timed.discord.kicked == 0
    assert (await timed.row()).state == table.WAITING

    await timed.wait(HOUR)

    assert timed.discord.kicked == 1


async def test_kick_that_the_bot_may_not_do_is_not_tried(timed: GateWorld) -> None:
    await timed.set(method="captcha", **times(remind_after=None))
    await timed.join()
    timed.view.permissions = frozenset()
    await timed.wait(KICK)
    assert await timed.cases.list(GUILD) == []

    timed.view.permissions = type(timed.view).permissions
    await timed.wait(HOUR)

    assert timed.discord.kicked == 1


@pytest.mark.parametrize("way", ["role", "form"])
async def test_nobody_is_reminded_or_kicked_while_nobody_can_pass(
    timed: GateWorld, way: str
) -> None:
    if way == "role":
        timed.view.role_ids.clear()
    else:
        await timed.set(method="form", questions=["Why?"], log_channel_id=None, **times())
    await timed.join()

    await timed.wait(REMIND)
    for _ in range(3):
        await timed.wait(KICK)
    assert (timed.discord.kicked, await timed.reminders()) == (0, [])

    timed.view.role_ids = {VERIFIED, UNVERIFIED}
    await timed.set(method="captcha", **times())
    await timed.wait(REMIND)
    await timed.wait(KICK - REMIND - HOUR)
    assert (timed.discord.kicked, len(await timed.reminders())) == (0, 1)
    await timed.wait(2 * HOUR)
    assert timed.discord.kicked == 1


async def test_kick_that_a_process_died_over_waits_until_somebody_can_pass(
    timed: GateWorld,
) -> None:
    await timed.join()
    async with timed.database.write() as session:
        await table.change_member(session, GUILD, ANN, state=table.KICKING)
    timed.view.role_ids.clear()

    await timed.wait(2 * DAY)

    assert timed.discord.kicked == 0
    assert (await timed.row()).state == table.WAITING


async def test_many_are_reminded_a_few_at_a_time(timed: GateWorld) -> None:
    people = range(5000, 5000 + MOST_REMINDERS + 3)
    for user_id in people:
        await timed.join(user_id)

    await timed.wait(REMIND)
    while len(timed.discord.looks) < len(people):
        await timed.jobs.run_due()
    assert len(await timed.reminders()) == MOST_REMINDERS

    await timed.wait(timedelta(minutes=11))
    assert len(await timed.reminders()) == len(people)


async def test_nothing_happens_while_the_feature_is_off(timed: GateWorld) -> None:
    await timed.join()
    await timed.set(enabled=False, method="captcha", **times())
    await timed.join(BOB)

    await timed.wait(2 * DAY)

    assert await timed.reminders() == []
    assert timed.discord.kicked == 0


@pytest.mark.parametrize("changes", [{"enabled": False}, {"kick_confirmation": None}])
async def test_kick_that_a_process_died_over_is_dropped_if_nobody_wants_it_any_more(
    timed: GateWorld, changes: dict[str, Any]
) -> None:
    await timed.join()
    async with timed.database.write() as session:
        await table.change_member(session, GUILD, ANN, state=table.KICKING)
    await timed.set(**(times(method="button") | changes))

    await timed.wait(2 * DAY)

    assert timed.discord.kicked == 0
    assert (await timed.row()).state == table.WAITING
