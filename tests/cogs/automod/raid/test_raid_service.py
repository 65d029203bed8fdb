"""Raids from the first join to the end, on both databases, with two processes and late news."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from bot.core.cases.outcomes import Delayed, NotPermitted
from bot.core.contracts import Actor
from bot.core.errors import NotFound
from bot.core.fields.text import escape_markdown
from cogs.automod.raid import service
from cogs.automod.raid.approving import outcome_text
from cogs.automod.raid.rules import Trigger
from db.raids import MemberState, RaidState
from tests.cogs.automod.raid.raidworld import GUILD, LOG, World, raider

STAFF = Actor(5, "command", "Grace")
ALL_DOORS = {"raid_pause_invites": True, "raid_lockdown": True, "raid_verification": True}


async def test_joins_at_once_open_one_raid_that_ends_when_it_is_quiet(world: World) -> None:
    await world.set_log()
    await world.joins(50)
    await world.pass_time()
    (raid,) = await world.list_raids()

    assert (raid.state, raid.trigger, raid.joins) == (RaidState.OPEN, Trigger.FRESH, 50)
    await world.pass_time(601)
    (raid,) = await world.list_raids()
    assert raid.state == RaidState.ENDED
    kinds = [row.kind for row in await world.queued()]
    assert kinds.count("message.send") == 1
    assert len(kinds) < 8


async def test_few_joins_and_a_feature_that_is_off_open_none(world: World) -> None:
    await world.joins(5, days=900, avatar="x")
    await world.set(raid_enabled=False)
    await world.joins(50)

    assert await world.list_raids() == []


async def test_two_processes_that_see_a_raid_make_one(world: World) -> None:
    other = World(world.database, world.clock, world.guild)
    await other.start()
    for number in range(40):
        (world if number % 2 else other).join(number)
    await world.rest()
    await other.rest()
    (raid,) = await world.list_raids()

    assert raid.joins == 40
    report = await world.raids.report(GUILD)
    assert len(report.suspicions) == 40
    assert all(one.is_suspicious for one in report.suspicions)


async def test_measures_are_taken_and_all_is_as_before_afterwards(world: World) -> None:
    await world.set(**ALL_DOORS)
    before = copy.deepcopy(world.guild.channels)
    await world.joins(20)
    await world.pass_time()

    assert world.guild.level == 4
    assert world.guild.invites_until is not None
    assert world.guild.channels != before
    await world.raids.end(GUILD, STAFF)
    await world.pass_time()
    assert (world.guild.level, world.guild.invites_until) == (1, None)
    assert world.guild.channels == before
    (raid,) = await world.list_raids()
    assert (raid.state, raid.ended_by) == (RaidState.ENDED, STAFF.user_id)
    with pytest.raises(NotFound):
        await world.raids.end(GUILD, STAFF)


async def test_what_staff_set_meanwhile_stays(world: World) -> None:
    await world.set(**ALL_DOORS)
    await world.joins(20)
    await world.pass_time()
    world.guild.level = 2
    by_hand = (world.clock.now() + timedelta(hours=5)).isoformat()
    world.guild.invites_until = by_hand
    await world.raids.end(GUILD, STAFF)
    await world.pass_time()

    assert (world.guild.level, world.guild.invites_until) == (2, by_hand)


async def test_pause_that_was_there_before_comes_back(world: World) -> None:
    await world.set(raid_pause_invites=True)
    before = (world.clock.now() + timedelta(hours=5)).isoformat()
    world.guild.invites_until = before
    await world.joins(20)
    await world.pass_time()
    assert world.guild.invites_until != before
    await world.raids.end(GUILD, STAFF)
    await world.pass_time()

    assert world.guild.invites_until == before


async def test_pause_is_renewed_within_discords_limit_while_a_raid_lasts(world: World) -> None:
    await world.set(raid_pause_invites=True, raid_quiet=12 * 3600)
    await world.joins(20)
    for hour in range(60):
        await world.pass_time(3600, times=2)
        if hour % 6 == 0:
            await world.joins(1, start=1_000 + hour)
            await world.pass_time()
        paused = [one[1] for one in world.guild.calls if one[0] == "invites"]
        assert paused[-1] > world.clock.now()
        assert paused[-1] - world.clock.now() <= timedelta(hours=24)
    await world.pass_time(13 * 3600)

    assert world.guild.invites_until is None
    assert len([one for one in world.guild.calls if one[0] == "invites"]) == 5


@pytest.mark.parametrize(
    ("action", "more"),
    [
        ("ban", {}),
        ("kick", {}),
        ("timeout", {}),
        ("role", {"raid_role_id": 903}),
    ],
)
async def test_suspicious_joiners_are_acted_on_once(
    world: World, action: str, more: dict[str, Any]
) -> None:
    await world.set(raid_action=action, **more)
    for number in range(3):
        world.join(500 + number, name=f"{'abc'[number] * 5}", days=900 + number, avatar=str(number))
    await world.joins(30)
    await world.pass_time()
    await world.joins(10, start=30)
    await world.pass_time(10)

    assert sorted(world.enforcer.done) == [(action, 10_000 + one) for one in range(40)]
    cases = await world.cases.list(GUILD, limit=100)
    assert len(cases) == 40
    assert not [row for row in await world.queued() if row.kind == "dm.send"]


async def test_refused_action_is_told_once(world: World) -> None:
    await world.set(raid_action="kick", raid_pause_invites=True)
    world.enforcer.refuse = NotPermitted("missing_permissions")
    await world.joins(20)
    await world.pass_time(20)

    assert world.guild.invites_until is not None
    assert (await world.causes()).count("raid_members_refused") == 1


async def test_refused_measure_is_told_once_and_the_rest_goes_on(world: World) -> None:
    await world.set(**ALL_DOORS)
    world.guild.failing[GUILD] = NotPermitted("missing_permissions")
    await world.joins(20)
    await world.pass_time(20)

    assert world.guild.level == 4
    assert (await world.causes()).count("raid_refused") == 1
    world.guild.failing.clear()
    await world.raids.end(GUILD, STAFF)
    await world.pass_time()
    assert world.guild.level == 1
    assert (await world.list_raids())[0].state == RaidState.ENDED


async def test_discord_out_of_order_delays_the_measures(world: World) -> None:
    await world.set(**ALL_DOORS)
    world.guild.failing[GUILD] = Delayed("discord_error", after=timedelta(seconds=30))
    await world.joins(20)
    await world.pass_time()
    world.guild.failing.clear()
    await world.pass_time(60)

    assert (world.guild.level, world.guild.invites_until is None) == (4, False)


async def test_raid_that_flares_up_again_while_it_ends_goes_on(world: World) -> None:
    await world.set(**ALL_DOORS)
    await world.joins(20)
    await world.pass_time()
    await world.raids.end(GUILD, STAFF)
    await world.joins(20, start=100)
    await world.pass_time()
    (raid,) = await world.list_raids()

    assert (raid.state, raid.joins) == (RaidState.OPEN, 40)
    assert (world.guild.level, world.guild.invites_until is None) == (4, False)
    await world.raids.end(GUILD, STAFF)
    await world.pass_time(10)
    assert (world.guild.level, world.guild.invites_until) == (1, None)


async def test_single_joins_after_the_end_open_none(world: World) -> None:
    await world.joins(20)
    await world.raids.end(GUILD, STAFF)
    await world.pass_time()
    await world.joins(3, start=100, days=900, avatar="x")

    assert len(await world.list_raids()) == 1


async def test_members_on_record_are_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_MEMBERS", 30)
    await world.joins(60)

    assert len((await world.raids.report(GUILD)).suspicions) == 30


async def test_restarted_process_goes_on_with_the_raid(world: World) -> None:
    await world.set(raid_pause_invites=True)
    await world.joins(20)
    await world.pass_time()
    restarted = World(world.database, world.clock, world.guild)
    await restarted.start()
    await restarted.joins(1, start=300)
    assert (await world.list_raids())[0].joins == 21
    await restarted.pass_time(601)

    assert world.guild.invites_until is None
    assert (await world.list_raids())[0].state == RaidState.ENDED


async def test_bulk_ban_spares_whom_staff_excluded_and_bans_nobody_twice(world: World) -> None:
    await world.set_log()
    await world.joins(30)
    await world.pass_time()
    report = await world.raids.report(GUILD)
    joiners = [one.joiner for one in report.suspicions]
    heard: list[tuple[int, int]] = []

    async def progress(done: int, total: int) -> None:
        heard.append((done, total))

    spared = {10_003, 10_004}
    for _again in range(2):
        result = await world.raids.reaction.ban(report.raid, joiners, spared, STAFF, progress)
        assert (result.banned, result.failed) == (28, 0)
    await world.raids.tell(report.raid.id)

    assert world.enforcer.bulk == [28]
    assert heard[-1] == (28, 28)
    assert len(await world.cases.list(GUILD, limit=100)) == 28
    states = (await world.raids.report(GUILD)).states
    assert {one for one, state in states.items() if state == MemberState.SPARED} == spared
    bulk = [row.dedupe_key for row in await world.queued() if row.dedupe_key.endswith(":bulk")]
    assert len(bulk) == 1


async def test_bulk_ban_names_and_leaves_alone_who_was_promoted_meanwhile(world: World) -> None:
    await world.joins(30)
    await world.pass_time()
    report = await world.raids.report(GUILD)
    joiners = [one.joiner for one in report.suspicions]
    world.promoted = {10_007}

    result = await world.raids.reaction.ban(report.raid, joiners, (), STAFF)

    assert ("ban", 10_007) not in world.enforcer.done
    assert (result.banned, result.failed, len(result.skipped)) == (29, 0, 1)
    text = outcome_text(result).render("en")
    assert "29 members are banned. Left alone" in text
    assert escape_markdown(result.skipped[0]) in text
    assert (await world.raids.report(GUILD)).states[10_007] == MemberState.SPARED


async def test_alert_is_one_message_in_the_log_channel(world: World) -> None:
    await world.set_log()
    await world.joins(20)
    for number in range(20):
        await world.joins(2, start=100 + 2 * number)
        await world.pass_time(1, times=1)
    await world.pass_time(10)
    await world.outbox.run_due()

    sent = [one for one in world.courier.delivered if one.kind == "message.send"]
    edits = [one for one in world.courier.delivered if one.kind == "message.edit"]
    assert [one.channel_id for one in sent] == [LOG]
    assert 1 <= len(edits) <= 14
    assert "60 members joined" in edits[-1].payload["embeds"][0]["description"]


async def test_raid_without_a_log_channel_is_a_problem(world: World) -> None:
    await world.joins(20)

    assert await world.causes() == ["raid_untold"]


async def test_exempt_members_count_for_nothing(world: World) -> None:
    await world.set(exempt_members=[str(10_000 + one) for one in range(20)])
    await world.joins(20)

    assert await world.list_raids() == []


async def test_joins_below_the_number_are_no_raid(world: World) -> None:
    await world.set(raid_joins=200, raid_share=0)
    joiners = [
        raider(one, world.clock.now(), name=f"{one:x}q{one:b}", avatar=str(one))
        for one in range(150)
    ]
    for one in joiners:
        world.raids.note_join(GUILD, one)
    await world.rest()

    assert await world.list_raids() == []
