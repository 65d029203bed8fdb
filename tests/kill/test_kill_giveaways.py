"""A process killed at any step of a giveaway starts, draws, announces and hands over once."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.core.audit import AuditLog
from bot.core.contracts import Actor, GuildSummary, MemberFacts
from bot.core.events import EventBus
from bot.core.features import FeatureRegistry
from bot.core.nullstate import NullState
from bot.core.outbox import Entry
from bot.core.problems import ProblemService
from bot.core.roles import RoleService
from bot.core.settings import SettingsStore
from bot.delivery import DiscordCourier
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from cogs import economy, general, levels
from cogs.giveaways import board, drawing, finding
from cogs.giveaways.backstage import Backstage
from cogs.giveaways.board import Board
from cogs.giveaways.counting import MessageCounter
from cogs.giveaways.drawing import Drawing
from cogs.giveaways.entering import Entering, Entrant
from cogs.giveaways.manifest import FEATURE
from cogs.giveaways.opening import Opening, Order
from cogs.giveaways.plan import Plan
from cogs.giveaways.proof import Proofs
from cogs.giveaways.rewarding import ROLE_JOB
from cogs.giveaways.upkeep import MessageWatch
from cogs.giveaways.vault import Vault
from cogs.giveaways.winning import Winning
from cogs.levels.book import Book
from cogs.levels.gifts import Gifts
from cogs.levels.plan import Plans
from db.economy import Transaction, get_balance
from db.engine import Database
from db.giveaways import (
    ACTIVE,
    ENDED,
    PENDING,
    WON,
    Giveaway,
    GiveawayEntry,
    GiveawayLoan,
    GiveawayPrize,
    GiveawayRound,
    GiveawayWinner,
)
from db.guilds import GuildMember
from db.role_wishes import list_wishes
from tests.kill.harness import Step, survive
from tests.kill.test_kill_autorole import guild, sandbox  # noqa: F401 - fixtures
from tests.kill.test_kill_roles import start_roles
from tests.kill.victim import Scene, die

PEOPLE = (11, 12, 13)
CODE = "CODE-1"
CLOSED = r"UPDATE giveaways SET.* status="
STEPS = {
    "start not stored": Step("committing", r"INSERT INTO giveaways "),
    "start stored": Step("committed", r"INSERT INTO giveaways "),
    "message sent, not noted": Step("sent"),
    "entry not stored": Step("committing", r"INSERT INTO giveaway_entries"),
    "entry stored": Step("committed", r"INSERT INTO giveaway_entries"),
    "close not stored": Step("committing", CLOSED),
    "closed": Step("committed", CLOSED),
    "draw not stored": Step("committing", r"INSERT INTO giveaway_winners"),
    "drawn": Step("committed", r"INSERT INTO giveaway_winners"),
    "about to announce": Step("announcing"),
    "announced, not noted": Step("announced"),
    "claim not stored": Step("committing", r"UPDATE giveaway_prizes SET.* winner_id="),
    "claimed": Step("committed", r"UPDATE giveaway_prizes SET.* winner_id="),
    "claim not paid": Step("executed", r"INSERT INTO economy_transactions"),
    "claim paid, not stored": Step("committing", r"INSERT INTO economy_postings"),
    "claim paid": Step("committed", r"INSERT INTO economy_postings"),
    "experience promised, not stored": Step("committing", r"INSERT INTO levels_gifts"),
    "experience promised": Step("committed", r"INSERT INTO levels_gifts"),
    "experience not counted": Step("executed", r"UPDATE levels_gifts SET"),
    "experience counted, not stored": Step("committing", r"UPDATE guild_members SET xp="),
    "experience counted": Step("committed", r"UPDATE guild_members SET xp="),
}
# A short list is final with the close; a long one is read after that.
LONG_STEPS = {
    "list not frozen": Step("committing", r"INSERT INTO giveaway_rounds"),
    "list frozen": Step("committed", r"INSERT INTO giveaway_rounds"),
}
# Where winners need not claim they are given all of it with the draw.
DRAW_STEPS = {
    "prize not paid": Step("executed", r"INSERT INTO economy_transactions"),
    "prize paid, not stored": Step("committing", r"INSERT INTO economy_postings"),
    "prize paid": Step("committed", r"INSERT INTO economy_postings"),
    "experience promised, not stored": Step("committing", r"INSERT INTO levels_gifts"),
    "role not lent": Step("executed", r"INSERT INTO giveaway_loans"),
    "about to announce": Step("announcing"),
}
PRIZE, PRIZE_XP, PRIZE_ROLE, ROLE_TIME = 500, 150, "Sailor", timedelta(days=7)


class _Announcer(DiscordCourier):
    """Dies before or after the winners are announced."""

    moment = ""

    async def deliver(self, entry: Entry) -> int | None:
        is_result = ":drawn:" in entry.dedupe_key
        if is_result and self.moment == "announcing":
            die()
        message_id = await super().deliver(entry)
        if is_result and self.moment == "announced":
            die()
        return message_id


class _View(NullState):
    def guild(self, guild_id: int) -> GuildSummary | None:
        return GuildSummary(guild_id, "Harbour", 1, 10)


class _Everybody:
    async def look_up(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, MemberFacts]:
        return {one: MemberFacts(one, guild_id, "") for one in user_ids}

    async def find(self, guild_id: int, user_ids: Collection[int]) -> Mapping[int, frozenset[int]]:
        return dict.fromkeys(user_ids, frozenset())


class House:
    """The services as the bot builds them, around what the process has."""

    def __init__(self, scene: Scene) -> None:
        database, clock, bus, view = scene.database, scene.clock, EventBus(), _View()
        registry = FeatureRegistry([general.FEATURE, economy.FEATURE, levels.FEATURE, FEATURE])
        audit = AuditLog(clock, bus, scene.supervisor)
        settings = SettingsStore(database, clock, bus, registry, audit, state=lambda: view)
        problems = ProblemService(database, clock, bus, registry, settings, state=lambda: view)
        roles = start_roles(scene)
        _start_gifts(scene, settings, roles, bus, view)
        self.vault = Vault(clock, secret="a secret of thirty-two characters", key_file=None)
        messages = Board(
            database,
            clock,
            settings,
            jobs=scene.jobs,
            outbox=scene.outbox,
            state=lambda: view,
            watch=MessageWatch(database, problems),
        )
        stage = Backstage(
            database=database,
            clock=clock,
            settings=settings,
            jobs=scene.jobs,
            outbox=scene.outbox,
            roles=roles,
            state=lambda: view,
            board=messages,
            members=_Everybody(),
            vault=self.vault,
        )
        self.opening = Opening(
            database, clock, settings, jobs=scene.jobs, audit=audit, board=messages
        )
        self.winning = Winning(stage)
        self.drawing = Drawing(stage, self.winning)
        counter = MessageCounter(database, spawn=lambda _name, work: work.close())
        self.entering = Entering(stage, counter, close=self.drawing.close)
        for service in (messages, self.opening, self.winning, self.drawing):
            service.start()


def _start_gifts(
    scene: Scene, settings: SettingsStore, roles: RoleService, bus: EventBus, view: _View
) -> None:
    """Have levels count what is won."""
    book = Book(
        scene.clock,
        settings,
        plans=Plans(),
        outbox=scene.outbox,
        roles=roles,
        bus=bus,
        state=lambda: view,
    )
    gifts = Gifts(
        scene.database,
        scene.clock,
        settings,
        book=book,
        finder=_Everybody(),
        spawn=scene.supervisor.spawn,
    )
    gifts.start(scene.jobs)


def hold(_jobs: Any, _outbox: Any) -> Any:
    """A host starts a giveaway, people enter, it is ended and the prize claimed."""
    return _holding(timedelta(hours=1))


def hold_long(_jobs: Any, _outbox: Any) -> Any:
    """The same, with more entries than are read while it is closed."""
    finding.SHORT_LIST = 0
    return _holding(timedelta(hours=1))


def give(_jobs: Any, _outbox: Any) -> Any:
    """The same, where winners need not claim."""
    return _holding(None)


def _holding(claim_window: timedelta | None) -> Any:
    """Return what is done, and done again by whoever takes over, as people do without an answer."""

    async def act(scene: Scene) -> None:
        # Nobody reads along: the message need not wait for more changes.
        board.GATHER = board._AGAIN = drawing._SOON = timedelta(milliseconds=20)
        courier = _Announcer(scene.client, scene.clock)
        courier.moment = scene.step.moment
        if scene.step.moment in {"announcing", "announced"}:
            scene.outbox.use(courier)
        house = House(scene)
        (found,) = await scene.client.http.get_guilds(1)
        giveaway = await _started(scene, house, int(found["id"]), claim_window)
        if giveaway.status == ACTIVE:
            await _enter(scene, house, giveaway, PEOPLE)
            async with scene.database.write() as session:
                await house.drawing.close(session, giveaway.id, by=1)
        winner = await _winner(scene.database)
        await house.winning.claim(winner.id, winner.user_id or 0)
        await _forget_the_end(scene)

    return act


async def _enter(scene: Scene, house: House, giveaway: Giveaway, people: Collection[int]) -> None:
    now = scene.clock.now()
    for user_id in people:
        who = Entrant(giveaway.guild_id, user_id, frozenset(), now - timedelta(90), now)
        await house.entering.enter(giveaway.id, who)


async def _forget_the_end(scene: Scene) -> None:
    """Have nobody wait a week for the end of the role."""
    async with scene.database.write() as session:
        for loan in await session.scalars(select(GiveawayLoan.id)):
            await scene.jobs.cancel(session, f"{ROLE_JOB}:{loan}")


async def _started(
    scene: Scene, house: House, guild_id: int, claim_window: timedelta | None
) -> Giveaway:
    async with scene.database.read() as session:
        known = (await session.scalars(select(Giveaway))).all()
    if known:
        return known[0]
    channels = await scene.client.http.get_all_guild_channels(guild_id)
    channel_id = next(int(one["id"]) for one in channels if one["type"] == 0)
    roles = await scene.client.http.get_roles(guild_id)
    plan = Plan(
        prize="A boat",
        duration=timedelta(days=1),
        claim_window=claim_window,
        prize_amount=PRIZE,
        prize_xp=PRIZE_XP,
        reward_role_id=next(int(one["id"]) for one in roles if one["name"] == PRIZE_ROLE),
        reward_role_time=ROLE_TIME,
    )
    order = Order(guild_id=guild_id, channel_id=channel_id, host_id=1, plan=plan)
    async with scene.database.write() as session:
        giveaway = await house.opening.open_in(session, order, Actor(1, "command", "host"))
        await house.vault.add(session, giveaway.id, [CODE, "CODE-2"])
    return giveaway


async def _winner(database: Database) -> GiveawayWinner:
    while True:
        async with database.read() as session:
            winner = await session.scalar(
                select(GiveawayWinner).where(GiveawayWinner.state.in_((PENDING, WON)))
            )
        if winner is not None:
            return winner
        await asyncio.sleep(0.02)


_CASES = [
    *(pytest.param("hold", step, id=name) for name, step in STEPS.items()),
    *(pytest.param("hold_long", step, id=f"long, {name}") for name, step in LONG_STEPS.items()),
    *(pytest.param("give", step, id=f"draw, {name}") for name, step in DRAW_STEPS.items()),
]


@pytest.mark.parametrize(("scenario", "step"), _CASES)
async def test_kill_at_each_step_of_a_giveaway(
    database: Database,
    database_url: str,
    sandbox: Sandbox,  # noqa: F811
    guild: Guild,  # noqa: F811
    scenario: str,
    step: Step,
) -> None:
    guild.add_role(PRIZE_ROLE, permissions=0)
    for number in PEOPLE:
        sandbox.join(guild, f"sailor{number}")

    act = f"tests.kill.test_kill_giveaways:{scenario}"
    await survive(database_url, sandbox.api_base_url, act, step)

    async with database.read() as session:
        (giveaway,) = (await session.scalars(select(Giveaway))).all()
        entries = (await session.scalars(select(GiveawayEntry.user_id))).all()
        (round_,) = (await session.scalars(select(GiveawayRound))).all()
        (winner,) = (await session.scalars(select(GiveawayWinner))).all()
        prizes = (await session.scalars(select(GiveawayPrize.winner_id).order_by("position"))).all()
        paid = (await session.scalars(select(Transaction))).all()
        balance = await get_balance(session, giveaway.guild_id, winner.user_id or 0)
        (counted,) = (await session.scalars(select(GuildMember))).all()
        (loan,) = (await session.scalars(select(GiveawayLoan))).all()
        (wish,) = await list_wishes(session, giveaway.guild_id)
    assert ([one.kind for one in paid], balance) == (["prize"], PRIZE)
    assert (counted.user_id, counted.xp, counted.level) == (winner.user_id, PRIZE_XP, 1)
    assert loan.user_id == wish.user_id == winner.user_id
    assert wish.want
    assert giveaway.status == ENDED
    assert sorted(one or 0 for one in entries) == list(PEOPLE)
    assert round_.drawn_at is not None
    assert (winner.state, prizes) == (WON, [winner.id, None])
    (channel,) = (one for one in guild.channels.values() if one.name == "general")
    said = [one.content or "" for one in channel.messages.values()]
    assert len(said) == 3
    assert [text[:1] for text in said[1:]] == ["🔒", "🎉"]
    proof = await Proofs(database).make(giveaway.guild_id, giveaway.id, 1)
    assert proof is not None
    assert (proof.fault, proof.entries) == (None, 3)
