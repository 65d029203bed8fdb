"""Problems on both databases: found from declarations, told once, solved when gone."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, NoReturn

import pytest
from sqlalchemy import event
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.core.audit import AuditLog
from bot.core.contracts import Actor, ChannelSummary, GuildSummary, MemberFacts, RoleSummary
from bot.core.errors import FieldError
from bot.core.events import EventBus
from bot.core.features import Category, Feature, FeatureRegistry
from bot.core.fields import channel, role
from bot.core.i18n import _
from bot.core.nullstate import NullState
from bot.core.preflight import role_above_bot
from bot.core.problems import (
    Problem,
    ProblemFound,
    ProblemService,
    ProblemSolved,
    find_problems,
)
from bot.core.problems.news import news_of
from bot.core.settings import FeatureSettings, FeatureState, SettingsStore, setting
from bot.core.supervisor import TaskSupervisor
from db.engine import Database
from tests.fakes import FakeClock

GUILD = 7
ANNA = Actor(1, "command")


class PondSettings(FeatureSettings):
    channel_id: Annotated[int, channel(needs=("view_channel", "send_messages"))] | None = setting(
        None, "Channel", "Where ducks land."
    )
    role_id: Annotated[int, role(assignable=True)] | None = setting(None, "Role", "For ducks.")


POND = Feature(
    key="pond",
    title="Pond",
    description="Ducks.",
    category=Category.FUN,
    settings=PondSettings,
    default_enabled=True,
    intents={"members": "Nobody hears of new ducks."},
)
GOOD_CHANNEL = ChannelSummary(
    50, GUILD, "pond", "text", bot_permissions=frozenset({"view_channel", "send_messages"})
)
GOOD_ROLE = RoleSummary(60, GUILD, "Duck", 3)


class Guild(NullState):
    """A guild whose channels and roles a test may change."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[int, ChannelSummary] = {50: GOOD_CHANNEL}
        self.ranks: dict[int, RoleSummary] = {60: GOOD_ROLE}
        self.permissions = frozenset({"manage_roles"})
        self.known = True

    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Home", 1, 10) if self.known else None

    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return self.places.get(channel_id)

    def role(self, guild_id: int, role_id: int) -> RoleSummary | None:
        return self.ranks.get(role_id)

    def me(self, guild_id: int) -> MemberFacts | None:
        return MemberFacts(99, guild_id, "Pegasus", 5, self.permissions)


def state_with(**values: Any) -> FeatureState:
    return FeatureState(GUILD, "pond", enabled=True, settings=PondSettings(**values))


class Spy:
    """A teller that keeps what it was to tell."""

    def __init__(self) -> None:
        self.channel: int | None = 50
        self.told: list[list[str]] = []

    async def find_channel(self, guild_id: int) -> int | None:
        return self.channel

    async def tell(
        self, session: AsyncSession, guild_id: int, channel_id: int, problems: Sequence[Problem]
    ) -> None:
        self.told.append([one.cause for one in problems])


class Bench:
    """A problem service with everything around it, and what it published."""

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self.clock = clock
        self.database = database
        self.guild = Guild()
        self.teller = Spy()
        self.bus = EventBus()
        self.news: list[tuple[str, str]] = []
        registry = FeatureRegistry([POND])
        audit = AuditLog(clock, self.bus, TaskSupervisor())
        self.settings = SettingsStore(
            database, clock, self.bus, registry, audit, state=lambda: self.guild
        )
        self.problems = ProblemService(
            database,
            clock,
            self.bus,
            registry,
            self.settings,
            state=lambda: self.guild,
            teller=self.teller,
        )
        self.bus.subscribe(ProblemFound, self._hear)
        self.bus.subscribe(ProblemSolved, self._hear)

    async def _hear(self, event: ProblemFound | ProblemSolved) -> None:
        self.news.append((type(event).__name__, event.problem.cause))


@pytest.fixture
def bench(database: Database, clock: FakeClock) -> Bench:
    return Bench(database, clock)


@pytest.mark.parametrize(
    ("values", "change", "cause", "words"),
    [
        ({"channel_id": 51}, {}, "channel_gone", "“Channel” is gone"),
        (
            {"channel_id": 50},
            {"places": {50: replace(GOOD_CHANNEL, bot_permissions=frozenset({"view_channel"}))}},
            "channel_permission",
            "Channel: I lack the permission Send Messages in #pond.",
        ),
        ({"role_id": 61}, {}, "role_gone", "“Role” is gone"),
        (
            {"role_id": 60},
            {"ranks": {60: replace(GOOD_ROLE, assignable=False)}},
            "role_above_bot",
            "The role Duck is not below my highest role.",
        ),
        (
            {"role_id": 60},
            {"permissions": frozenset()},
            "role_permission",
            "I lack the permission Manage Roles",
        ),
    ],
)
def test_declaration_finds_problem(
    values: dict[str, Any], change: Mapping[str, Any], cause: str, words: str
) -> None:
    guild = Guild()
    for name, value in change.items():
        setattr(guild, name, value)

    [problem] = find_problems(POND, state_with(**values), guild, GUILD)

    assert problem.cause == cause
    assert words in str(problem.message)
    assert str(problem.fix)


def test_good_settings_have_no_problem() -> None:
    state = state_with(channel_id=50, role_id=60)
    assert find_problems(POND, state, Guild(), GUILD, ["members"]) == []


def test_disabled_feature_has_no_problem() -> None:
    state = replace(state_with(channel_id=51), enabled=False)
    assert find_problems(POND, state, Guild(), GUILD) == []


def test_missing_intent_says_what_is_off_and_who_can_help() -> None:
    [problem] = find_problems(POND, state_with(), Guild(), GUILD, [])
    assert (problem.cause, str(problem.message)) == ("intent_off", "Nobody hears of new ducks.")
    assert "members" in str(problem.fix)


def test_intent_that_the_settings_do_not_need_is_not_missed() -> None:
    shy = replace(POND, needs_intents=lambda settings: settings.channel_id is not None)
    assert find_problems(shy, state_with(), Guild(), GUILD, []) == []
    [problem] = find_problems(shy, state_with(channel_id=50), Guild(), GUILD, [])
    assert problem.cause == "intent_off"


def test_invalid_stored_value_is_a_problem() -> None:
    state = replace(state_with(), invalid=(FieldError("/channel_id", _("Is odd.")),))
    [problem] = find_problems(POND, state, Guild(), GUILD)
    assert problem.cause == "invalid_setting"
    assert "“Channel” can't be used" in str(problem.message)


async def test_problem_is_told_once_and_solved_when_gone(bench: Bench) -> None:
    await bench.settings.change(GUILD, "pond", {"channel_id": 50}, actor=ANNA)
    del bench.guild.places[50]
    for _look in range(3):
        await bench.problems.check(GUILD)

    assert bench.teller.told == [["channel_gone"]]
    [known] = await bench.problems.list(GUILD)
    assert (known.problem.subject, known.told_at) == ("channel_id:50", bench.clock.now())
    assert "“Channel” is gone" in str(known.problem.message)

    bench.guild.places[50] = GOOD_CHANNEL
    await bench.problems.check(GUILD)

    assert await bench.problems.list(GUILD) == []
    assert bench.news == [("ProblemFound", "channel_gone"), ("ProblemSolved", "channel_gone")]


async def test_problem_is_told_once_by_two_processes(
    bench: Bench, database: Database, clock: FakeClock
) -> None:
    other = Bench(database, clock)
    await bench.settings.change(GUILD, "pond", {"role_id": 60}, actor=ANNA)
    bench.guild.ranks.clear()
    other.guild.ranks.clear()

    await asyncio.gather(bench.problems.check(GUILD), other.problems.check(GUILD))

    assert bench.teller.told + other.teller.told == [["role_gone"]]
    assert len(bench.news + other.news) == 1


async def test_problem_that_comes_back_is_told_again_after_a_day(bench: Bench) -> None:
    await bench.settings.change(GUILD, "pond", {"channel_id": 50}, actor=ANNA)
    for hours in (0, 1, 30):
        bench.clock.advance(timedelta(hours=hours))
        bench.guild.places.clear()
        await bench.problems.check(GUILD)
        bench.guild.places[50] = GOOD_CHANNEL
        await bench.problems.check(GUILD)

    assert bench.teller.told == [["channel_gone"], ["channel_gone"]]


async def test_problem_is_told_as_soon_as_there_is_a_channel_for_it(bench: Bench) -> None:
    bench.teller.channel = None
    await bench.settings.change(GUILD, "pond", {"channel_id": 50}, actor=ANNA)
    bench.guild.places.clear()
    await bench.problems.check(GUILD)
    assert bench.teller.told == []

    bench.teller.channel = 50
    await bench.problems.check(GUILD)
    assert bench.teller.told == [["channel_gone"]]


async def test_reported_problem_stays_until_its_reporter_solves_it(bench: Bench) -> None:
    problem = Problem("pond", "refused", "50", _("Discord refused a duck."), _("Feed it."))
    await bench.problems.report(GUILD, problem)
    await bench.problems.report(GUILD, problem)
    await bench.problems.check(GUILD)

    assert [one.problem for one in await bench.problems.list(GUILD)] == [problem]
    assert bench.teller.told == [["refused"]]
    await bench.problems.solve(GUILD, "pond", "refused", "50")
    assert await bench.problems.list(GUILD) == []


async def test_reported_problems_are_told_together(bench: Bench) -> None:
    texts = _("Discord refused a duck."), _("Feed it.")
    for number in range(3):
        await bench.problems.report(GUILD, Problem("pond", "refused", str(number), *texts))
    assert bench.teller.told == []
    running = asyncio.create_task(bench.problems.run(debounce=0))
    async with asyncio.timeout(30):
        while not bench.teller.told:
            await asyncio.sleep(0.01)
    running.cancel()
    assert bench.teller.told == [["refused"] * 3]


async def test_unseen_guild_solves_nothing(bench: Bench) -> None:
    await bench.settings.change(GUILD, "pond", {"channel_id": 50}, actor=ANNA)
    bench.guild.places.clear()
    await bench.problems.check(GUILD)
    bench.guild.known = False

    await bench.problems.check(GUILD)

    assert len(await bench.problems.list(GUILD)) == 1


async def test_changed_settings_are_looked_at_again(bench: Bench) -> None:
    bench.guild.known = False  # so that the store takes an id that it can't check
    task = asyncio.create_task(bench.problems.run(debounce=0))
    try:
        await bench.settings.change(GUILD, "pond", {"channel_id": 51}, actor=ANNA)
        bench.guild.known = True
        bench.problems.recheck(GUILD)
        async with asyncio.timeout(30):
            while not bench.news:
                await asyncio.sleep(0)
    finally:
        task.cancel()
        # It must be out of the database before the database is closed.
        await asyncio.gather(task, return_exceptions=True)
    assert bench.news == [("ProblemFound", "channel_gone")]


async def test_guild_that_can_not_be_looked_at_keeps_no_other_from_its_news(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = GUILD, GUILD + 1
    looks: list[int] = []

    def find_channel(guild_id: int, channel_id: int) -> ChannelSummary | None:
        looks.append(guild_id)
        if guild_id == bad:
            raise ValueError("a mistake in a feature")
        return None

    for guild_id in (bad, good):
        await bench.settings.change(guild_id, "pond", {"channel_id": 50}, actor=ANNA)
    monkeypatch.setattr(bench.guild, "channel", find_channel)
    task = asyncio.create_task(bench.problems.run(debounce=0))
    try:
        async with asyncio.timeout(30):
            while not bench.news:
                await asyncio.sleep(0)
            # The first of these may still belong to the first look at both.
            for _round in range(3):
                looks.clear()
                bench.problems.recheck(good)
                while good not in looks:
                    await asyncio.sleep(0)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert bench.news == [("ProblemFound", "channel_gone")]
    # The bad one is looked at again when something of it changes, not for ever.
    assert bad not in looks


async def test_guilds_stay_due_while_the_database_is_away(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.settings.change(GUILD, "pond", {"channel_id": 50}, actor=ANNA)
    bench.guild.places.clear()

    def away() -> NoReturn:
        raise PoolTimeoutError

    with monkeypatch.context() as outage:
        outage.setattr(bench.database, "read", away)
        with pytest.raises(PoolTimeoutError):
            await asyncio.wait_for(bench.problems.run(debounce=0), 30)
    bench.problems.recheck(GUILD + 1)
    task = asyncio.create_task(bench.problems.run(debounce=0))
    try:
        async with asyncio.timeout(30):
            while not bench.news:
                await asyncio.sleep(0)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_news_fit_a_message_and_show_hostile_names_as_text() -> None:
    registry = FeatureRegistry([POND])
    hostile = _("The role {role} is gone.", role="**@everyone** [x](http://x)")
    problems = [Problem("pond", "c", str(n), hostile, _("Choose another.")) for n in range(60)]

    text = news_of(problems, registry, "en")

    assert len(text) <= 2000
    assert "60 problems" in text
    assert "more, see /settings show" in text
    assert "@everyone" not in text.replace("\\@", "")
    assert "](http" not in text


async def test_check_of_many_sound_guilds_costs_two_queries(bench: Bench) -> None:
    statements: list[str] = []
    engine = bench.database.engine.sync_engine

    def note(_connection: Any, _cursor: Any, statement: str, *_others: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        await bench.problems.check(*range(1, 301))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    queries = [one for one in statements if one.lstrip().upper().startswith("SELECT")]
    assert len(queries) == 2
    assert bench.news == []


async def test_check_of_many_guilds_lets_others_run_after_each(bench: Bench) -> None:
    # Settings in memory are answered without a pause, so nothing else in the look gives way.
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    guilds = range(1, 11)
    for guild_id in guilds:
        await bench.settings.change(guild_id, "pond", {"channel_id": 50}, actor=ANNA)
    looked: list[int] = []

    def channel(guild_id: int, channel_id: int) -> ChannelSummary:
        looked.append(turns)
        return replace(GOOD_CHANNEL, id=channel_id, guild_id=guild_id)

    bench.guild.channel = channel
    rival = asyncio.create_task(others())
    await bench.problems.check(*guilds)
    rival.cancel()

    assert len(set(looked)) == len(looked) == len(guilds)


async def test_what_was_told_of_a_setting_is_not_told_again_of_what_waits_for_it(
    bench: Bench,
) -> None:
    await bench.settings.change(GUILD, "pond", {"role_id": 60}, actor=ANNA)
    high = bench.guild.ranks[60] = replace(GOOD_ROLE, assignable=False)
    await bench.problems.check(GUILD)
    refusal = role_above_bot(high)
    parked = Problem("general", "parked", "high:60", refusal.message, refusal.fix)
    await bench.problems.report(GUILD, parked)
    await bench.problems.check(GUILD)

    assert bench.teller.told == [["role_above_bot"]]
    assert len(await bench.problems.list(GUILD)) == 2
