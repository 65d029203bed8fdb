"""Ordering cases: recorded, carried out once, told; and what happens when Discord refuses."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.cases import (
    CaseKind,
    CaseOpened,
    CaseState,
    DefaultPolicy,
    Delayed,
    Gone,
    NotPermitted,
    SanctionKind,
    Target,
    Told,
)
from bot.core.errors import Conflict, Denied, DiscordFailed, InvalidInput, NotFound
from bot.core.outbox import Refused
from db.engine import Database
from tests.bot.core.cases.world import ANN, BOB, GUILD, MOD, MUTED, World
from tests.fakes import FakeClock

HOUR = timedelta(hours=1)


async def test_ban_is_recorded_made_and_held(world: World):
    case = await world.order(CaseKind.BAN, reason="  spam ")

    assert (case.number, case.state, case.reason) == (1, CaseState.APPLIED, "spam")
    assert world.discord.calls == [("ban", ANN.id)]
    assert world.discord.reasons == ["spam [case 1]"]
    sanction = await world.cases.sanction_of(GUILD, ANN.id, SanctionKind.BAN)
    assert sanction is not None
    assert (sanction.case_id, sanction.ends_at) == (case.id, None)
    assert await world.cases.get(GUILD, 1) == case


async def test_same_occasion_is_done_once(world: World):
    first = await world.order(CaseKind.KICK, key="interaction:1")
    second = await world.order(CaseKind.KICK, key="interaction:1")

    assert first == second
    assert len(world.discord.calls) == 1


async def test_same_occasion_ordered_at_once_from_two_processes_is_one_case(
    database: Database, clock: FakeClock
):
    worlds = [await World(database, clock).start(log=False) for _ in range(2)]
    cases = await asyncio.gather(*(one.order(CaseKind.WARN, key="twice") for one in worlds))

    assert {case.number for case in cases} == {1}
    assert len(await worlds[0].cases.list(GUILD)) == 1


async def test_numbers_are_dense_in_each_guild(world: World):
    targets = [Target(2000 + number, "x") for number in range(10)]
    await asyncio.gather(*(world.order(CaseKind.WARN, target) for target in targets))
    other = await world.order(CaseKind.WARN, guild_id=GUILD + 1)

    assert [case.number for case in await world.cases.list(GUILD)] == list(range(10, 0, -1))
    assert other.number == 1


@pytest.mark.parametrize(
    "values",
    [
        {"kind": CaseKind.TIMEOUT},
        {"kind": CaseKind.TEMPBAN},
        {"kind": CaseKind.WARN, "reason": "x" * 1001},
        {"kind": CaseKind.TIMEOUT, "duration": timedelta(seconds=1)},
        {"kind": CaseKind.TIMEOUT, "duration": timedelta(days=4000)},
        {"kind": CaseKind.BAN, "delete_window": timedelta(days=8)},
        {"kind": CaseKind.ADD_ROLE},
        {"kind": CaseKind.WARN, "points": -1},
    ],
)
async def test_order_that_makes_no_sense_leaves_nothing(world: World, values: dict[str, object]):
    with pytest.raises(InvalidInput):
        await world.order(**values)  # pyright: ignore[reportArgumentType]

    assert await world.cases.list(GUILD) == []


async def test_ban_with_a_duration_is_temporary(world: World):
    case = await world.order(CaseKind.BAN, duration=HOUR)

    assert case.kind is CaseKind.TEMPBAN
    assert case.expires_at == world.clock.now() + HOUR


async def test_warning_gives_the_guilds_points_until_they_expire(world: World):
    await world.order(CaseKind.WARN)
    await world.order(CaseKind.WARN, points=3, duration=timedelta(days=1))
    await world.order(CaseKind.WARN, BOB)
    now = world.clock.now()

    assert await world.cases.points(GUILD, ANN.id, now) == 4
    assert await world.cases.points(GUILD, ANN.id, now + timedelta(days=2)) == 1
    assert await world.cases.points(GUILD, ANN.id, now + timedelta(days=91)) == 0


async def test_refusal_fails_the_case_and_says_what_to_do(world: World):
    world.discord.before = [NotPermitted("missing_permissions")]

    with pytest.raises(Denied) as caught:
        await world.order(CaseKind.BAN, BOB)

    assert "Case 1 about bob\\_\\* was not carried out" in caught.value.render("en")
    assert caught.value.hint is not None
    case = await world.cases.get(GUILD, 1)
    assert (case.state, case.failure) == (CaseState.FAILED, "missing_permissions")
    assert await world.sanctions() == []
    await world.pass_time(HOUR)
    assert len(world.discord.calls) == 1


async def test_absent_member_can_not_be_kicked(world: World):
    world.discord.members.clear()

    with pytest.raises(NotFound):
        await world.order(CaseKind.KICK)

    assert (await world.cases.get(GUILD, 1)).state is CaseState.FAILED


async def test_other_refusals_are_discords_fault(world: World):
    world.discord.before = [Gone("guild_gone")]

    with pytest.raises(DiscordFailed):
        await world.order(CaseKind.KICK)


async def test_timeout_of_one_who_left_takes_hold_when_they_come_back(world: World):
    world.discord.members.discard(ANN.id)
    case = await world.order(CaseKind.TIMEOUT, duration=HOUR)
    assert case.details["absent"] is True
    assert not world.discord.is_timed_out(ANN.id)

    world.discord.members.add(ANN.id)
    await world.cases.on_member_joined(GUILD, ANN.id)
    await world.pass_time()

    assert world.discord.is_timed_out(ANN.id)


@pytest.mark.parametrize("kind", [CaseKind.KICK, CaseKind.SOFTBAN])
async def test_member_who_is_back_is_not_removed_again_for_an_answer_that_was_lost(
    world: World, kind: CaseKind
):
    world.discord.after = [Delayed("connection", after=timedelta(seconds=30))]
    assert (await world.order(kind)).state is CaseState.PLANNED
    calls = len(world.discord.calls)
    world.discord.bans.clear()
    world.discord.join(ANN.id)

    await world.pass_time(60)

    assert (await world.cases.get(GUILD, 1)).state is CaseState.APPLIED
    assert len(world.discord.calls) == calls


async def test_order_while_discord_is_down_is_carried_out_later_once(world: World):
    world.discord.before = [Delayed("discord_error", after=timedelta(seconds=30))]
    case = await world.order(CaseKind.BAN)
    assert case.state is CaseState.PLANNED

    await world.pass_time(20)
    assert len(world.discord.calls) == 1
    await world.pass_time(20)

    assert world.discord.bans == {ANN.id}
    assert (await world.cases.get(GUILD, 1)).state is CaseState.APPLIED
    await world.pass_time(HOUR)
    assert len(world.discord.calls) == 2


async def test_order_that_discord_never_takes_fails_after_a_day(world: World):
    world.discord.before = [Delayed("discord_error")] * 10_000
    await world.order(CaseKind.BAN)

    for _ in range(30):
        await world.pass_time(HOUR)

    case = await world.cases.get(GUILD, 1)
    assert (case.state, case.failure) == (CaseState.FAILED, "too_late")
    assert await world.sanctions() == []


async def test_order_without_a_connection_waits_for_one(database: Database, clock: FakeClock):
    world = await World(database, clock).start()
    world.cases.leave(world.discord)
    case = await world.order(CaseKind.BAN)
    assert case.state is CaseState.PLANNED

    world.cases.use(world.discord)
    await world.pass_time(60)

    assert world.discord.bans == {ANN.id}


async def test_failure_gives_back_what_held_before(world: World):
    first = await world.order(CaseKind.TEMPBAN, duration=HOUR)
    world.discord.before = [NotPermitted("missing_permissions")]
    with pytest.raises(Denied):
        await world.order(CaseKind.BAN)

    sanction = await world.cases.sanction_of(GUILD, ANN.id, SanctionKind.BAN)
    assert sanction is not None
    assert (sanction.case_id, sanction.ends_at) == (first.id, first.expires_at)
    await world.pass_time(HOUR)
    assert world.discord.bans == set()


async def test_softban_removes_and_lets_back(world: World):
    await world.order(CaseKind.SOFTBAN)

    assert [call[0] for call in world.discord.calls] == ["ban", "unban"]
    assert world.discord.bans == set()


async def test_softban_of_a_banned_person_would_lift_the_ban(world: World):
    await world.order(CaseKind.BAN)

    with pytest.raises(Conflict):
        await world.order(CaseKind.SOFTBAN)

    assert world.discord.bans == {ANN.id}
    assert [case.number for case in await world.cases.list(GUILD)] == [1]


async def test_mute_uses_the_guilds_role_and_unmute_takes_it(world: World):
    await world.order(CaseKind.MUTE)
    assert world.discord.roles[ANN.id] == {MUTED}

    await world.order(CaseKind.UNMUTE)

    assert world.discord.roles[ANN.id] == set()
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED
    assert await world.sanctions() == []


async def test_unban_of_one_who_is_not_banned_is_no_success(world: World):
    with pytest.raises(NotFound):
        await world.order(CaseKind.UNBAN)


async def test_unban_of_one_whom_others_have_unbanned_ends_the_ban(world: World):
    await world.order(CaseKind.BAN)
    world.discord.bans.clear()

    case = await world.order(CaseKind.UNBAN)

    assert case.state is CaseState.APPLIED
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED


async def test_failed_unban_leaves_the_ban_with_its_end(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    world.discord.before = [NotPermitted("missing_permissions")]
    with pytest.raises(Denied):
        await world.order(CaseKind.UNBAN)
    assert world.discord.bans == {ANN.id}

    await world.pass_time(HOUR)

    assert world.discord.bans == set()
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED


# --- what people are told ---------------------------------------------------------------------


async def test_farewell_is_read_before_the_ban(database: Database, clock: FakeClock):
    world = await World(database, clock, farewell_seconds=30).start()
    running = asyncio.ensure_future(world.outbox.run())
    await world.order(CaseKind.TEMPBAN, duration=HOUR, reason="*spam*")
    async with asyncio.timeout(30):
        while len(world.courier.delivered) < 2:
            await asyncio.sleep(0.01)
    await world.outbox.stop()
    await running

    told, logged = world.courier.delivered
    assert told.user_id == ANN.id
    assert "You were banned from **Garden** until <t:" in told.payload["content"]
    assert "\\*spam\\*" in told.payload["content"]
    assert world.courier.seen_before == [0, 1]
    assert logged.payload["embeds"][0]["title"] == "Case 1: Temporary ban"


async def test_farewell_that_is_refused_holds_nothing_up(database: Database, clock: FakeClock):
    world = await World(database, clock, farewell_seconds=30).start()
    world.courier.refused = [Refused("dms_closed")]
    running = asyncio.ensure_future(world.outbox.run())
    case = await world.order(CaseKind.KICK)
    await world.outbox.stop()
    await running

    assert case.state is CaseState.APPLIED
    assert ANN.id not in world.discord.members


async def test_farewell_that_was_wrong_is_corrected(world: World):
    world.discord.before = [NotPermitted("missing_permissions")]
    # It is delivered while the ban is tried.
    world.cases._desk.dm_seconds = 30
    running = asyncio.ensure_future(world.outbox.run())
    with pytest.raises(Denied):
        await world.order(CaseKind.BAN)
    await world.until_told(2)
    await world.outbox.stop()
    await running

    direct = [entry for entry in world.courier.delivered if entry.user_id == ANN.id]
    assert [entry.message_id for entry in direct] == [None, 9001]
    assert "did not happen" in direct[1].payload["content"]


async def test_farewell_that_nobody_read_is_taken_back(world: World):
    world.discord.before = [NotPermitted("missing_permissions")]
    with pytest.raises(Denied):
        await world.order(CaseKind.BAN)
    await world.outbox.run_due()

    assert [entry for entry in world.courier.delivered if entry.user_id] == []


async def test_timeout_is_told_after_it_was_made_only(world: World):
    world.discord.before = [NotPermitted("missing_permissions")]
    with pytest.raises(Denied):
        await world.order(CaseKind.TIMEOUT, duration=HOUR)
    assert await world.written() == []

    await world.order(CaseKind.TIMEOUT, duration=HOUR)
    assert len(await world.written()) == 1


async def test_nobody_is_told_who_must_not_be(world: World):
    await world.order(CaseKind.WARN, notify=False)
    await world.order(CaseKind.WARN, Target(77, "robot", is_bot=True))
    await world.order(CaseKind.NOTE)

    assert await world.written() == []


async def test_log_message_is_one_and_edited(world: World):
    await world.order(CaseKind.MUTE, notify=False)
    await world.outbox.run_due()
    await world.cases.edit(GUILD, 1, actor=MOD, reason="other")
    await world.order(CaseKind.UNMUTE, notify=False)
    await world.outbox.run_due()

    sent = [entry for entry in world.courier.delivered if entry.channel_id]
    assert [(entry.kind, entry.message_id) for entry in sent] == [
        ("message.send", None),
        ("message.edit", 9001),
        ("message.edit", 9001),
        ("message.send", None),
    ]
    assert "other" in sent[1].payload["embeds"][0]["description"]
    assert "Ended" in sent[2].payload["embeds"][0]["description"]


async def test_log_message_that_the_outbox_forgot_is_written_anew(world: World):
    await world.order(CaseKind.WARN, notify=False)
    await world.outbox.run_due()
    async with world.database.write() as session:
        for row in await world.queued():
            await session.delete(row)

    await world.cases.edit(GUILD, 1, actor=MOD, reason="other")
    await world.cases.edit(GUILD, 1, actor=MOD, reason="another")
    await world.outbox.run_due()

    kinds = [entry.kind for entry in world.courier.delivered]
    assert kinds == ["message.send", "message.send", "message.edit"]


async def test_case_that_logs_elsewhere_is_not_logged_here(world: World):
    await world.order(CaseKind.WARN, notify=False, details={"log": False})

    assert await world.queued() == []


async def test_news_of_cases_may_order_cases_about_the_same_member(world: World):
    async def escalate(event: object) -> None:
        await world.order(CaseKind.TIMEOUT, key="escalation", duration=HOUR)

    world.bus.subscribe(CaseOpened, escalate)
    async with asyncio.timeout(30):
        await world.order(CaseKind.WARN)
        while len(await world.cases.list(GUILD)) < 2:
            await asyncio.sleep(0.01)


async def test_told_says_whether_the_member_was_written_to(world: World):
    noted = await world.order(CaseKind.NOTE)
    warned = await world.order(CaseKind.WARN)
    assert await world.cases.told(noted) is Told.NOT_MEANT
    assert await world.cases.told(warned) is Told.WAITING

    world.outbox.use(world.courier)
    await world.outbox.run_due()
    assert await world.cases.told(warned) is Told.WRITTEN

    # The message in the log, and the one to the member.
    world.courier.refused = [Refused("no"), Refused("dms_closed")]
    again = await world.order(CaseKind.WARN, BOB)
    await world.outbox.run_due()
    assert await world.cases.told(again) is Told.REFUSED


async def test_closing_words_end_what_the_member_is_told(world: World):
    class Closing(DefaultPolicy):
        async def closing_words(self, guild_id: int, kind: CaseKind) -> str | None:
            return "Appeal here" if kind is CaseKind.WARN else None

    world.cases.use_policy(Closing())
    await world.order(CaseKind.WARN)
    await world.order(CaseKind.KICK, BOB)

    assert [text.endswith("Appeal here") for text in await world.written()] == [True, False]
