"""Staff who go past a limit: counted once, stripped once, told of once, given all back exactly."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.cases import CaseKind, CaseState, Delayed, NotPermitted
from bot.core.contracts import Actor
from bot.core.errors import Conflict, NotFound
from cogs.antinuke.service import purge_antinuke
from db.people import erase_person
from tests.bot.core.cases.world import ANN, BOB, BOT, GUILD, LOG, MOD
from tests.cogs.antinuke.staffworld import (
    ADMIN,
    BANNER,
    BOTS,
    HELPER,
    HIGH,
    OWNER,
    PLAIN,
    ROGUE,
    StaffWorld,
)
from tests.fakes import FakeClock

BOSS = Actor(9, "command", "boss")


async def test_by_default_staff_are_told_and_nothing_else_is_done(world: StaffWorld) -> None:
    await world.nuke()

    (alert,) = await world.alerts()
    assert "Deleted channels: 4**, fine are 3 in 10 minutes" in alert
    assert "gen'eral" in alert
    assert "Nothing but telling you" in alert
    assert world.discord.roles[ROGUE] == {ADMIN, BANNER, PLAIN}
    assert world.discord.calls == []
    (case,) = await world.cases.list(GUILD)
    assert (case.kind, case.target.id) == (CaseKind.NOTE, ROGUE)


async def test_what_is_within_the_limits_is_nobodys_business(world: StaffWorld) -> None:
    await world.nuke(3)
    world.clock.advance(timedelta(minutes=11))
    await world.nuke(3)

    assert await world.incidents() == []
    assert await world.alerts() == []


async def test_dangerous_roles_are_taken_and_given_back_exactly(world: StaffWorld) -> None:
    await world.set(response="strip")
    await world.nuke()

    assert world.discord.roles[ROGUE] == {PLAIN}
    (alert,) = await world.alerts()
    assert "Roles taken: `Admin`, `Ban*ner`" in alert
    assert "Give the roles back" in alert
    await world.service.restore(GUILD, 1, BOSS)
    await world.jobs.run_due()

    assert world.discord.roles[ROGUE] == {ADMIN, BANNER, PLAIN}
    (alert,) = await world.alerts()
    assert "Roles given back: `Admin`, `Ban*ner`" in alert
    assert "Give the roles back" not in alert
    with pytest.raises(Conflict):
        await world.service.restore(GUILD, 1, BOSS)


async def test_what_goes_on_in_the_window_belongs_to_the_one_incident(world: StaffWorld) -> None:
    await world.set(response="strip")
    await world.nuke()
    calls = len(world.discord.calls)
    await world.nuke(6)
    await world.pass_time(timedelta(minutes=11))

    assert len(await world.incidents()) == 1
    assert len(world.discord.calls) == calls
    (alert,) = await world.alerts()
    assert "Deleted channels: 10**" in alert
    await world.nuke(3)
    assert len(await world.incidents()) == 1
    await world.nuke(1)
    assert len(await world.incidents()) == 2


async def test_entry_heard_of_twice_counts_once(world: StaffWorld) -> None:
    same = str(world.entry_id())
    for _ in range(6):
        await world.hear(id=same)

    assert await world.incidents() == []


async def test_several_processes_make_one_incident(world: StaffWorld, clock: FakeClock) -> None:
    await world.set(response="strip")
    other = StaffWorld(world.database, clock, world.discord)
    ids = [str(world.entry_id()) for _ in range(4)]

    await asyncio.gather(*(one.hear(id=entry) for entry in ids for one in (world, other)))
    await asyncio.gather(world.jobs.run_due(), other.jobs.run_due())

    assert len(await world.incidents()) == 1
    assert world.discord.roles[ROGUE] == {PLAIN}
    assert len([call for call in world.discord.calls if call[0] == "remove_role"]) == 2


async def test_trusted_people_are_left_alone(world: StaffWorld) -> None:
    await world.set(response="strip", trusted_member_ids=[str(ROGUE)])
    await world.nuke(9)
    await world.nuke(9, who=OWNER)
    await world.nuke(9, who=BOT)
    assert await world.incidents() == []

    await world.set(trusted_member_ids=[], trusted_role_ids=[str(PLAIN)])
    await world.nuke(9)
    assert [one.state for one in await world.incidents()] == ["spared"]
    assert world.discord.calls == []
    assert await world.alerts() == []


async def test_bans_and_kicks_through_the_bot_count(world: StaffWorld) -> None:
    await world.set(max_bans=1, response="strip")
    rogue = Actor(ROGUE, "command", "rogue")
    await world.order(CaseKind.BAN, BOB, moderator=rogue)
    await world.order(CaseKind.TEMPBAN, ANN, moderator=MOD, duration=timedelta(days=1))
    assert await world.incidents() == []
    world.discord.members.add(ROGUE)
    await world.hear(22, target_id="5555")
    await world.jobs.run_due()

    (incident,) = await world.incidents()
    assert incident.user_id == ROGUE


async def test_mass_ban_that_was_approved_is_nobodys_deed(world: StaffWorld) -> None:
    await world.set(max_bans=1)
    rogue = Actor(ROGUE, "command", "rogue")
    for target in (ANN, BOB):
        await world.order(CaseKind.BAN, target, moderator=rogue, details={"approval": 1})

    assert await world.incidents() == []


async def test_roles_out_of_reach_are_told_with_the_fix(world: StaffWorld) -> None:
    await world.set(response="strip")
    world.discord.roles[ROGUE] = {ADMIN, HIGH}
    await world.nuke()

    assert world.discord.roles[ROGUE] == {HIGH}
    (alert,) = await world.alerts()
    assert "High is not below my highest role" in alert
    assert await world.causes() == ["role_refused"]


async def test_bot_that_keeps_its_own_role_is_kicked(world: StaffWorld) -> None:
    await world.set(response="strip")
    world.discord.bots = frozenset({HELPER})
    world.discord.roles[HELPER] = {BOTS, PLAIN}
    await world.nuke(who=HELPER)

    assert HELPER not in world.discord.members
    (case,) = await world.cases.list(GUILD)
    assert (case.kind, case.state, case.target.is_bot) == (CaseKind.KICK, CaseState.APPLIED, True)
    (alert,) = await world.alerts()
    assert "it has to go" in alert


@pytest.mark.parametrize(
    ("response", "kind"),
    [("timeout", CaseKind.TIMEOUT), ("kick", CaseKind.KICK), ("ban", CaseKind.BAN)],
)
async def test_response_is_carried_out_once(
    world: StaffWorld, response: str, kind: CaseKind
) -> None:
    await world.set(response=response)
    await world.nuke(7)

    (case,) = await world.cases.list(GUILD)
    assert (case.kind, case.state) == (kind, CaseState.APPLIED)
    if response == "timeout":
        assert world.discord.roles[ROGUE] == {PLAIN}
        assert world.discord.is_timed_out(ROGUE)


async def test_refused_kick_is_told_with_the_fix(world: StaffWorld) -> None:
    await world.set(response="kick")
    world.discord.before = [NotPermitted("missing_permissions")]
    await world.nuke()

    assert await world.causes() == ["cannot_act"]
    assert ROGUE in world.discord.members
    kinds = {case.kind: case.state for case in await world.cases.list(GUILD)}
    assert kinds == {CaseKind.KICK: CaseState.FAILED, CaseKind.NOTE: CaseState.APPLIED}
    await world.nuke(who=HELPER)
    assert HELPER not in world.discord.members
    assert await world.causes() == []


@pytest.mark.parametrize("response", ["strip", "kick", "ban"])
async def test_who_left_at_once_is_only_banned(world: StaffWorld, response: str) -> None:
    await world.set(response=response)
    world.discord.leave(ROGUE)
    await world.nuke()

    (alert,) = await world.alerts()
    assert "not in this server any more" in alert
    assert world.discord.bans == ({ROGUE} if response == "ban" else set())
    assert len(world.discord.calls) == len(world.discord.bans)
    assert await world.causes() == []


async def test_discord_out_of_order_delays_and_loses_nothing(world: StaffWorld) -> None:
    await world.set(response="strip")
    world.discord.before = [None, Delayed("discord_error", after=timedelta(seconds=30))]
    await world.nuke()
    assert len(world.discord.roles[ROGUE]) == 2
    await world.pass_time(60)

    assert world.discord.roles[ROGUE] == {PLAIN}


async def test_roles_of_who_is_away_stay_stored(world: StaffWorld) -> None:
    await world.set(response="strip")
    await world.nuke()
    world.discord.leave(ROGUE)
    await world.service.restore(GUILD, 1, BOSS)
    await world.jobs.run_due()
    (alert,) = await world.alerts()
    assert "not in this server now" in alert
    world.discord.members.add(ROGUE)
    report = await world.service.restorable(GUILD, ROGUE)
    await world.service.restore(GUILD, report.incident.id, BOSS)
    await world.jobs.run_due()

    assert world.discord.roles[ROGUE] == {ADMIN, BANNER}


async def test_role_that_can_not_be_given_back_now_stays_stored(world: StaffWorld) -> None:
    await world.set(response="strip")
    await world.nuke()
    world.discord.before = [NotPermitted("missing_permissions")]
    await world.service.restore(GUILD, 1, BOSS)
    await world.jobs.run_due()

    assert len(world.discord.roles[ROGUE]) == 2
    assert await world.causes() == ["role_refused"]
    await world.service.restore(GUILD, 1, BOSS)
    await world.jobs.run_due()
    assert world.discord.roles[ROGUE] == {ADMIN, BANNER, PLAIN}
    assert await world.causes() == []


async def test_two_who_restore_at_once_do_it_once(world: StaffWorld) -> None:
    await world.set(response="strip")
    await world.nuke()
    outcomes = await asyncio.gather(
        *(world.service.restore(GUILD, 1, BOSS) for _ in range(3)), return_exceptions=True
    )

    assert [one for one in outcomes if one is None] == [None]
    with pytest.raises(NotFound):
        await world.service.report(GUILD + 1, 1)


async def test_without_a_channel_that_is_a_problem(world: StaffWorld) -> None:
    await world.settings.change(GUILD, "general", {"log_channel_id": None}, actor=BOSS)
    await world.nuke()

    assert await world.causes() == ["incident_untold"]
    await world.set(log_channel_id=str(LOG))
    await world.nuke(who=HELPER)
    assert await world.causes() == []


async def test_erasing_is_no_way_to_begin_anew(world: StaffWorld) -> None:
    await world.set(response="strip")
    await world.nuke(3)
    async with world.database.write() as session:
        await erase_person(session, ROGUE)
    await world.nuke(1)
    async with world.database.write() as session:
        await erase_person(session, ROGUE)
    await world.service.restore(GUILD, 1, BOSS)
    await world.jobs.run_due()

    assert world.discord.roles[ROGUE] == {ADMIN, BANNER, PLAIN}


async def test_what_is_old_is_deleted(world: StaffWorld) -> None:
    await world.nuke()
    async with world.database.write() as session:
        await purge_antinuke(session, world.clock.now() + timedelta(days=364))
    assert len(await world.incidents()) == 1
    async with world.database.write() as session:
        await purge_antinuke(session, world.clock.now() + timedelta(days=366))
    assert await world.incidents() == []


async def test_while_it_is_off_nothing_is_counted(world: StaffWorld) -> None:
    await world.settings.change(GUILD, "antinuke", {}, enabled=False, actor=BOSS)
    await world.nuke(9)

    assert await world.incidents() == []
