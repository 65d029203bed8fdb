"""What becomes of the messages of giveaways: posted anew, deleted, and those nobody saw go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.core.errors import Conflict
from bot.core.outbox.deliveries import DeliveryKind, Entry, Undeliverable
from cogs.giveaways.plan import Plan
from db.audit import AuditEntry
from db.engine import Database
from tests.cogs.giveaways.rows import make_entry
from tests.cogs.giveaways.world import CHANNEL, GUILD, HOST, OTHER_CHANNEL, HostWorld
from tests.fakes import FakeClock

PLAN = Plan(prize="A keyboard", duration=timedelta(days=1))
SOON = timedelta(seconds=5)


@pytest.fixture
def world(sqlite_database: Database, clock: FakeClock) -> HostWorld:
    """A process that holds giveaways."""
    return HostWorld(sqlite_database, clock)


def refuse_edits(world: HostWorld, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Have Discord say that what is to be edited is not there."""
    deliver = world.courier.deliver

    async def refuse(entry: Entry) -> int | None:
        if entry.kind is DeliveryKind.EDIT:
            raise Undeliverable(reason)
        return await deliver(entry)

    monkeypatch.setattr(world.courier, "deliver", refuse)


def deleted(world: HostWorld) -> list[tuple[int | None, int | None]]:
    """Return which messages were deleted, by channel and id."""
    kind = DeliveryKind.DELETE
    return [(one.channel_id, one.message_id) for one in world.courier.delivered if one.kind is kind]


async def test_message_that_is_posted_anew_leaves_none_behind(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time(SOON)
    await world.opening.change(await world.get(giveaway), HOST, PLAN, channel_id=OTHER_CHANNEL)
    await world.pass_time(SOON)

    assert deleted(world) == [(CHANNEL, 9001)]


async def test_message_that_is_not_sent_yet_never_is_when_it_moves(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.opening.change(giveaway, HOST, PLAN, channel_id=OTHER_CHANNEL)
    await world.pass_time(SOON)

    assert {one.channel_id for one in world.courier.delivered} == {OTHER_CHANNEL}


@pytest.mark.parametrize("reason", ["message_gone", "channel_gone"])
async def test_message_deleted_while_nobody_listened_is_found(
    world: HostWorld, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time(SOON)
    refuse_edits(world, monkeypatch, reason)
    await world.board.look_again({GUILD + 1})
    await world.pass_time(SOON)
    assert not await world.problems.list(GUILD)

    await world.board.look_again({GUILD})
    await world.pass_time(SOON)
    assert [one.problem.cause for one in await world.problems.list(GUILD)] == ["message_gone"]
    assert (await world.get(giveaway)).message_id is None


async def test_edit_of_a_message_that_was_left_is_no_news(
    world: HostWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time(SOON)
    async with world.database.write() as session:
        await world.board.refresh(session, giveaway.id, GUILD, at_once=True)
    await world.jobs.run_due()
    current = await world.get(giveaway)
    await world.opening.change(current, HOST, PLAN, channel_id=CHANNEL)
    refuse_edits(world, monkeypatch, "message_gone")
    await world.outbox.run_due()

    assert not await world.problems.list(GUILD)


@pytest.mark.parametrize(
    "plan", [Plan(prize="Other", end_at_entries=2), Plan(prize="Other", max_entries=1)]
)
async def test_number_of_entries_that_there_are_already_is_refused(
    world: HostWorld, plan: Plan
) -> None:
    giveaway = await world.open(PLAN)
    async with world.database.write() as session:
        session.add_all([make_entry(giveaway, 1), make_entry(giveaway, 2)])

    with pytest.raises(Conflict, match="2 people have entered"):
        await world.opening.change(giveaway, HOST, plan)
    assert (await world.get(giveaway)).prize == "A keyboard"


async def test_edit_is_audited_with_what_it_changed(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.opening.change(
        giveaway,
        HOST,
        Plan(prize="A lamp", duration=PLAN.duration),
        ends_at=world.clock.now() + timedelta(hours=2),
        channel_id=OTHER_CHANNEL,
    )
    query = select(AuditEntry).where(AuditEntry.action == "giveaways.edit")
    async with world.database.read() as session:
        [entry] = (await session.scalars(query)).all()

    assert set(entry.details) == {"giveaway", "prize", "ends_at", "channel_id"}
