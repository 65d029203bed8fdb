"""What holds a member: lifted in time, renewed, replaced, re-applied, parked and resumed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.cases import CaseKind, CaseService, CaseState, Delayed, NotPermitted, SanctionKind
from bot.core.errors import Conflict, Denied, NotFound
from db.engine import Database
from db.jobs import cancel_jobs
from tests.bot.core.cases.world import ANN, BOB, EVERYTHING, GUILD, MOD, MUTED, World, make_order
from tests.fakes import FakeClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def test_temporary_ban_is_lifted_in_time_and_not_before(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)

    await world.pass_time(HOUR - timedelta(seconds=1))
    assert world.discord.bans == {ANN.id}
    await world.pass_time(1)

    assert world.discord.bans == set()
    case = await world.cases.get(GUILD, 1)
    assert (case.state, case.ended_by, case.ended_at) == (CaseState.ENDED, None, world.clock.now())
    assert world.discord.reasons[-1] == "[case 1]"
    assert await world.sanctions() == []


async def test_permanent_ban_is_never_lifted_by_an_older_temporary_one(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    await world.order(CaseKind.BAN)

    await world.pass_time(DAY)

    assert world.discord.bans == {ANN.id}
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED
    assert (await world.cases.get(GUILD, 2)).state is CaseState.APPLIED


async def test_longer_ban_replaces_the_shorter(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    await world.order(CaseKind.TEMPBAN, duration=DAY)

    await world.pass_time(2 * HOUR)
    assert world.discord.bans == {ANN.id}
    await world.pass_time(DAY)
    assert world.discord.bans == set()


async def test_kinds_do_not_mix(world: World):
    await world.order(CaseKind.MUTE, duration=HOUR)
    await world.order(CaseKind.TIMEOUT, duration=DAY)

    await world.pass_time(HOUR)

    assert world.discord.roles[ANN.id] == set()
    assert world.discord.is_timed_out(ANN.id)


async def test_timeout_ends_by_itself_without_a_call(world: World):
    await world.order(CaseKind.TIMEOUT, duration=HOUR)

    await world.pass_time(HOUR)

    assert len(world.discord.calls) == 1
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED


async def test_timeout_beyond_28_days_is_renewed_without_a_gap(world: World):
    await world.order(CaseKind.TIMEOUT, duration=timedelta(days=60))
    for _ in range(60 * 4):
        assert world.discord.is_timed_out(ANN.id)
        await world.pass_time(DAY / 4)

    assert not world.discord.is_timed_out(ANN.id)
    assert 2 <= len(world.discord.calls) <= 4
    case = await world.cases.get(GUILD, 1)
    assert (case.state, case.ended_at) == (CaseState.ENDED, case.expires_at)


async def test_renewal_of_one_who_left_goes_on_when_they_are_back(world: World):
    await world.order(CaseKind.TIMEOUT, duration=timedelta(days=60))
    world.discord.leave(ANN.id)
    await world.pass_time(timedelta(days=30))
    assert not world.discord.is_timed_out(ANN.id)

    world.discord.members.add(ANN.id)
    await world.cases.on_member_joined(GUILD, ANN.id)
    await world.pass_time()

    assert world.discord.is_timed_out(ANN.id)


async def test_lift_outlasts_an_outage(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    world.discord.before = [Delayed("discord_error", after=timedelta(seconds=30))] * 3

    await world.pass_time(HOUR)
    for _ in range(3):
        assert world.discord.bans == {ANN.id}
        await world.pass_time(31)

    assert world.discord.bans == set()


async def test_lift_waits_for_its_permission_and_goes_on_by_itself(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    await world.order(CaseKind.TEMPBAN, BOB, duration=HOUR)
    world.view.permissions = EVERYTHING - {"ban_members"}

    await world.pass_time(DAY)
    assert world.discord.bans == {ANN.id, BOB.id}
    [problem] = await world.problems.list(GUILD)
    assert "Ban Members" in str(problem.problem.message)
    assert len(world.discord.calls) == 2
    world.cases.look_again(GUILD)
    await world.settle()
    await world.pass_time(DAY)
    assert world.discord.bans == {ANN.id, BOB.id}

    world.view.permissions = EVERYTHING
    await world.cases._parked.solve(GUILD)
    await world.jobs.run_due()

    assert world.discord.bans == set()
    assert await world.problems.list(GUILD) == []
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED


async def test_lift_parked_by_discords_refusal_goes_on_after_a_restart(
    world: World, database: Database, clock: FakeClock
):
    await world.order(CaseKind.MUTE, duration=HOUR)
    world.discord.before = [NotPermitted("missing_permissions")]
    await world.pass_time(HOUR)
    assert world.discord.roles[ANN.id] == {MUTED}

    other = await World(database, clock, world.discord).start(log=False)
    await other.cases._parked.solve(GUILD)
    await other.jobs.run_due()

    assert world.discord.roles[ANN.id] == set()


async def test_muted_member_who_comes_back_is_muted_again(world: World):
    await world.order(CaseKind.MUTE)
    world.discord.leave(ANN.id)
    world.discord.members.add(ANN.id)

    await world.cases.on_member_joined(GUILD, ANN.id)
    await world.pass_time()

    assert world.discord.roles[ANN.id] == {MUTED}
    calls = len(world.discord.calls)
    await world.cases.on_member_joined(GUILD, BOB.id)
    await world.pass_time()
    assert len(world.discord.calls) == calls


async def test_mute_that_ended_while_away_is_not_given_again(world: World):
    await world.order(CaseKind.MUTE, duration=HOUR)
    world.discord.leave(ANN.id)
    await world.pass_time(HOUR)
    world.discord.members.add(ANN.id)

    await world.cases.on_member_joined(GUILD, ANN.id)
    await world.pass_time()

    assert world.discord.roles[ANN.id] == set()


async def test_banned_person_who_is_here_was_freed_by_people(world: World):
    await world.order(CaseKind.BAN)
    world.discord.bans.clear()
    world.discord.members.add(ANN.id)

    await world.cases.on_member_joined(GUILD, ANN.id)
    await world.pass_time()

    assert world.discord.bans == set()
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED
    assert await world.sanctions() == []


async def test_ban_that_discord_was_too_busy_for_meets_who_joins(world: World):
    world.discord.before = [Delayed("discord_error", after=HOUR)]
    await world.order(CaseKind.BAN)

    await world.cases.on_member_joined(GUILD, ANN.id)
    await world.pass_time()
    assert world.discord.bans == set()
    await world.pass_time(HOUR)

    assert world.discord.bans == {ANN.id}


async def test_guild_that_the_bot_comes_back_to_is_taken_up(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    async with world.database.write() as session:
        await cancel_jobs(session, guild_id=GUILD, now=world.clock.now())
    await world.pass_time(DAY)
    assert world.discord.bans == {ANN.id}

    async with world.database.write() as session:
        await world.cases.take_up(session, GUILD)
    await world.pass_time()

    assert world.discord.bans == set()


# --- undoing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [CaseKind.BAN, CaseKind.MUTE, CaseKind.TIMEOUT])
async def test_undo_frees_and_stays(world: World, kind: CaseKind):
    await world.order(kind, duration=DAY, points=2)

    case = await world.cases.undo(GUILD, 1, MOD, "a mistake")

    assert (case.state, case.ended_by) == (CaseState.UNDONE, MOD.user_id)
    assert (world.discord.bans, dict(world.discord.timeouts)) == (set(), {})
    assert MUTED not in world.discord.roles[ANN.id]
    assert await world.cases.points(GUILD, ANN.id, world.clock.now()) == 0
    assert await world.sanctions() == []
    [edit] = await world.cases.history(case)
    assert (edit.field, edit.after) == ("state", "undone: a mistake")
    calls = len(world.discord.calls)
    await world.pass_time(2 * DAY)
    assert len(world.discord.calls) == calls


async def test_undo_of_an_older_case_leaves_what_holds_now(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    await world.order(CaseKind.BAN)

    await world.cases.undo(GUILD, 1, MOD)

    assert world.discord.bans == {ANN.id}


async def test_undo_that_discord_refuses_changes_nothing(world: World):
    before = await world.order(CaseKind.TEMPBAN, duration=HOUR)
    world.discord.before = [NotPermitted("missing_permissions")]

    with pytest.raises(Denied):
        await world.cases.undo(GUILD, 1, MOD)

    assert await world.cases.get(GUILD, 1) == before
    assert await world.cases.sanction_of(GUILD, ANN.id, SanctionKind.BAN) is not None
    await world.pass_time(HOUR)
    assert world.discord.bans == set()


async def test_undo_while_discord_is_down_is_finished_later(world: World):
    await world.order(CaseKind.BAN)
    world.discord.before = [Delayed("discord_error")]
    case = await world.cases.undo(GUILD, 1, MOD)
    assert case.state is CaseState.UNDONE
    assert world.discord.bans == {ANN.id}

    await world.pass_time(60)

    assert world.discord.bans == set()
    assert (await world.cases.get(GUILD, 1)).state is CaseState.UNDONE


async def test_undo_gives_roles_back(world: World):
    await world.order(CaseKind.ADD_ROLE, role_id=5)
    await world.order(CaseKind.ADD_ROLE, role_id=6)
    await world.order(CaseKind.REMOVE_ROLE, role_id=6)

    await world.cases.undo(GUILD, 1, MOD)
    await world.cases.undo(GUILD, 3, MOD)

    assert world.discord.roles[ANN.id] == {6}


async def test_role_is_taken_back_later_when_discord_is_down(world: World):
    await world.order(CaseKind.ADD_ROLE, role_id=5)
    world.discord.before = [Delayed("discord_error")]

    await world.cases.undo(GUILD, 1, MOD)
    await world.pass_time(60)

    assert world.discord.roles[ANN.id] == set()


async def test_what_can_not_be_undone_says_so(world: World):
    world.discord.before = [NotPermitted("missing_permissions")]
    with pytest.raises(Denied):
        await world.order(CaseKind.KICK)
    await world.order(CaseKind.BAN)
    await world.order(CaseKind.UNBAN)
    await world.order(CaseKind.WARN)
    await world.cases.undo(GUILD, 4, MOD)

    for number in (1, 3, 4):
        with pytest.raises(Conflict):
            await world.cases.undo(GUILD, number, MOD)
    with pytest.raises(NotFound):
        await world.cases.undo(GUILD, 99, MOD)


# --- what others did --------------------------------------------------------------------------


async def test_what_happened_in_the_client_is_recorded_once_and_calls_nothing(world: World):
    order = make_order(CaseKind.TIMEOUT, key="audit:1", source="audit_log", duration=HOUR)
    case = await world.cases.record(order)
    assert case is not None
    assert case.state is CaseState.APPLIED
    assert await world.cases.record(order) is None
    assert await world.cases.sanction_of(GUILD, ANN.id, SanctionKind.TIMEOUT) is not None

    await world.pass_time(HOUR)

    assert world.discord.calls == []
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED
    assert await world.written() == []


async def test_ban_made_in_the_client_outlasts_a_temporary_one(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    await world.cases.record(make_order(CaseKind.BAN, source="audit_log"))

    await world.pass_time(DAY)

    assert world.discord.bans == {ANN.id}
    assert (await world.cases.get(GUILD, 1)).state is CaseState.ENDED


async def test_unban_in_the_client_ends_the_ban_for_good(world: World):
    await world.order(CaseKind.TEMPBAN, duration=HOUR)
    world.discord.bans.clear()
    await world.cases.record(make_order(CaseKind.UNBAN, source="audit_log"))

    ended = await world.cases.get(GUILD, 1)
    assert (ended.state, ended.ended_by) == (CaseState.ENDED, MOD.user_id)
    await world.pass_time(DAY)
    assert len(world.discord.calls) == 1


def test_own_reasons_are_known_and_others_not():
    own = CaseService.is_own_reason
    assert own("spam [case 12]")
    assert own("[cases 3-200]")
    assert not own("see [case 12] for more")
    assert not own("[case x]")
    assert not own(None)
    assert not own("")
