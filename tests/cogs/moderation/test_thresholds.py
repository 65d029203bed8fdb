"""Warn points reach thresholds: what is read, which warning reaches one, and what follows once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.core.cases import CaseKind, CaseState
from bot.core.cases.values import FollowUp
from bot.core.cases.wording import follow_up_words
from bot.core.errors import InvalidInput
from bot.core.settings.model import FeatureState
from cogs.moderation.pointlines import Threshold, reached, read_threshold, read_thresholds
from cogs.moderation.problems import find_moderation_problems
from cogs.moderation.settings import ModerationSettings
from db.engine import Database
from tests.bot.core.cases.world import ANN, BOB, GUILD, MOD, View
from tests.cogs.moderation.feature_world import ModeratedWorld
from tests.cogs.moderation.world import Place
from tests.fakes import FakeClock


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> ModeratedWorld:
    world = ModeratedWorld(database, clock)
    await world.start(log=False)
    await world.set(point_thresholds=["3 timeout 1h", "5 kick", "6 ban"])
    return world


def test_several_thresholds_may_stand_in_one_line() -> None:
    settings = ModerationSettings.read(
        {"point_thresholds": ["3 timeout 1h, 5 mute 1 day, 10 ban", "12 kick"]}
    )

    assert settings.point_thresholds == ("3 timeout 1h", "5 mute 1 day", "10 ban", "12 kick")


async def follow_ups(world: ModeratedWorld) -> list[tuple[CaseKind, CaseState]]:
    await world.jobs.run_due()
    cases = await world.cases.list(GUILD)
    return [(one.kind, one.state) for one in reversed(cases) if one.source == "system"]


@pytest.mark.parametrize(
    ("line", "threshold"),
    [
        ("3 timeout 1h", Threshold(3, CaseKind.TIMEOUT, timedelta(hours=1))),
        (" 5: Silenciar 2 días ", Threshold(5, CaseKind.MUTE, timedelta(days=2))),
        ("5=mute", Threshold(5, CaseKind.MUTE)),
        ("8 kick", Threshold(8, CaseKind.KICK)),
        ("10 ban", Threshold(10, CaseKind.BAN)),
        ("10 ban 7 days", Threshold(10, CaseKind.TEMPBAN, timedelta(days=7))),
    ],
)
def test_threshold_is_read_as_people_write_it(line: str, threshold: Threshold) -> None:
    assert read_threshold(line) == threshold


@pytest.mark.parametrize(
    "line",
    ["", "ban", "0 ban", "3 hug", "3 timeout", "3 kick 1h", "1001 ban", "3 tempban", "3 mute 5"],
)
def test_other_lines_are_refused(line: str) -> None:
    with pytest.raises(InvalidInput):
        read_threshold(line)


def test_two_thresholds_with_the_same_points_are_refused() -> None:
    with pytest.raises(InvalidInput):
        read_thresholds(["3 ban", "3 kick"])


def test_highest_threshold_that_was_crossed_counts() -> None:
    thresholds = read_thresholds(["5 kick", "3 timeout 1h"])
    assert reached(thresholds, 0, 2) is None
    assert reached(thresholds, 2, 3) == thresholds[0]
    assert reached(thresholds, 2, 7) == thresholds[1]
    assert reached(thresholds, 3, 4) is None


async def test_setting_refuses_what_is_no_threshold(world: ModeratedWorld) -> None:
    with pytest.raises(InvalidInput) as caught:
        await world.set(point_thresholds=["3 hug"])
    assert caught.value.errors[0].pointer.startswith("/point_thresholds")
    assert "3 hug" in caught.value.errors[0].message.render("en")


async def test_warning_that_reaches_a_threshold_is_followed_once(world: ModeratedWorld) -> None:
    await world.order(CaseKind.WARN, points=2)
    assert await follow_ups(world) == []
    warning = await world.order(CaseKind.WARN, points=1, source="automod")
    assert await follow_ups(world) == [(CaseKind.TIMEOUT, CaseState.APPLIED)]
    expected = FollowUp(3, CaseKind.TIMEOUT, timedelta(hours=1))
    assert warning.follow_up == expected
    assert follow_up_words(expected).render("en") == "Timeout, 1 hour"
    case = (await world.cases.list(GUILD))[0]
    assert case.follow_up is None
    assert case.expires_at == world.clock.now() + timedelta(hours=1)
    assert case.reason == f"3 warn points reached, with case {warning.number}"
    assert world.discord.is_timed_out(ANN.id)

    await world.order(CaseKind.WARN, points=1)
    assert len(await follow_ups(world)) == 1


async def test_one_of_several_warnings_at_once_reaches_it(
    world: ModeratedWorld, database: Database, clock: FakeClock
) -> None:
    other = ModeratedWorld(database, clock, world.discord)
    await other.start(log=False)

    await asyncio.gather(
        *(one.order(CaseKind.WARN, points=1) for one in (world, other, world, other))
    )
    await asyncio.gather(world.jobs.run_due(), other.jobs.run_due())

    assert await follow_ups(world) == [(CaseKind.TIMEOUT, CaseState.APPLIED)]
    assert [call[0] for call in world.discord.calls] == ["time_out"]


async def test_expired_and_undone_points_do_not_count(world: ModeratedWorld) -> None:
    await world.order(CaseKind.WARN, points=2, duration=timedelta(days=1))
    undone = await world.order(CaseKind.WARN, BOB, points=2)
    await world.cases.undo(GUILD, undone.number, MOD)
    await world.pass_time(timedelta(days=2))

    await world.order(CaseKind.WARN, points=2)
    await world.order(CaseKind.WARN, BOB, points=2)

    assert await follow_ups(world) == []


async def test_threshold_fires_again_when_it_is_crossed_again(world: ModeratedWorld) -> None:
    first = await world.order(CaseKind.WARN, points=3)
    await follow_ups(world)
    await world.cases.undo(GUILD, first.number, MOD)
    await world.pass_time(timedelta(hours=2))

    await world.order(CaseKind.WARN, points=3)

    assert len(await follow_ups(world)) == 2


async def test_warning_undone_in_time_has_no_consequence(world: ModeratedWorld) -> None:
    warning = await world.order(CaseKind.WARN, points=3)
    await world.cases.undo(GUILD, warning.number, MOD)
    assert await follow_ups(world) == []


async def test_longer_timeout_is_left_alone(world: ModeratedWorld) -> None:
    await world.order(CaseKind.TIMEOUT, duration=timedelta(days=2), points=0)
    await world.order(CaseKind.WARN, points=3)
    assert await follow_ups(world) == []


async def test_refusal_is_on_record(world: ModeratedWorld) -> None:
    world.discord.members.clear()
    await world.order(CaseKind.WARN, points=5)
    assert await follow_ups(world) == [(CaseKind.KICK, CaseState.FAILED)]


def test_mute_without_a_role_is_a_problem() -> None:
    settings = ModerationSettings(point_thresholds=("3 mute",), record_native=False)
    state = FeatureState(GUILD, "moderation", True, settings)
    (problem,) = find_moderation_problems(state, View(), GUILD)
    assert problem.cause == "no_mute_role"


async def test_warn_command_reaches_a_threshold(place: Place) -> None:
    await place.set(point_thresholds=["2 kick"])
    first = await place.say(place.mod, "warn", member=place.ada, reason="x", points=1)
    said = await place.say(place.mod, "warn", member=place.ada, reason="x", points=1)
    await place.bench.deliver()
    assert "What follows" not in first
    assert "reaches the threshold of 2 points. What follows: Kick." in said
    letters = place.dms(place.ada)
    assert "What follows" not in letters[0]
    assert "You have reached 2 warn points. What follows: Kick." in letters[1]
    await place.bench.run_jobs()
    assert place.ada.id not in place.backend.get_guild(place.guild.id).members
