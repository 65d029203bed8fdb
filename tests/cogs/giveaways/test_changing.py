"""What may be changed of a giveaway that goes on, whatever was changed before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.core.errors import Conflict, InvalidInput
from cogs.giveaways.columns import plan_of
from cogs.giveaways.eligibility import Facts, House, obstacles
from cogs.giveaways.plan import Plan, Requirements
from cogs.giveaways.rules import checked_plan
from cogs.giveaways.wording import requirement_lines
from db.audit import AuditEntry
from db.engine import Database
from db.giveaways import Giveaway
from tests.cogs.giveaways.rows import make_giveaway
from tests.cogs.giveaways.world import HOST, HostWorld
from tests.fakes import FakeClock

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PLAN = Plan(prize="A keyboard", duration=DAY)


@pytest.fixture
def world(sqlite_database: Database, clock: FakeClock) -> HostWorld:
    """A process that holds giveaways."""
    return HostWorld(sqlite_database, clock)


async def test_what_was_put_off_for_more_than_a_year_can_still_be_changed(
    world: HostWorld,
) -> None:
    giveaway = await world.open(replace(PLAN, duration=300 * DAY))
    await world.pass_time(200 * DAY)
    later = await world.opening.change(
        await world.get(giveaway), HOST, plan_of(giveaway), ends_at=world.clock.now() + 300 * DAY
    )

    changed = await world.opening.change(later, HOST, replace(plan_of(later), prize="Two"))
    assert changed.prize == "Two"
    assert changed.ends_at == later.ends_at
    # What is kept of it as a template can be held, too.
    assert checked_plan(plan_of(changed)).duration == 365 * DAY


@pytest.mark.parametrize("is_paused", [False, True])
async def test_end_by_time_is_taken_away(world: HostWorld, *, is_paused: bool) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time()
    giveaway = await world.get(giveaway)
    if is_paused:
        giveaway = await world.opening.pause(giveaway, HOST)
    changed = await world.opening.change(giveaway, HOST, plan_of(giveaway), is_untimed=True)
    if is_paused:
        changed = await world.opening.resume(changed, HOST)

    assert (changed.status, changed.ends_at, changed.remaining) == ("active", None, None)
    await world.pass_time(2 * DAY)
    assert world.ended == []
    assert "**Ends** when the host says so" in world.seen()[-1][2]["description"]


async def test_messages_count_from_when_they_were_asked_for(world: HostWorld) -> None:
    """Nobody has counted before, so nobody may be told that they count since it began."""
    needs = Requirements(messages=3)
    asked = await world.open(replace(PLAN, requirements=needs))
    assert "3 messages here since it began" in said_of(asked)
    giveaway = await world.open(PLAN)
    await world.pass_time(timedelta(hours=5))
    since = world.clock.now().replace(microsecond=0)
    giveaway = await world.opening.change(
        await world.get(giveaway), HOST, replace(plan_of(giveaway), requirements=needs)
    )

    shown = f"<t:{int(since.timestamp())}:f>"
    assert f"3 messages here since {shown}" in said_of(giveaway)
    await world.pass_time(timedelta(hours=1))
    giveaway = await world.get(giveaway)
    # As the API sends it, which does not know since when.
    more = replace(plan_of(giveaway), requirements=Requirements(messages=4))
    giveaway = await world.opening.change(giveaway, HOST, more)
    assert f"4 messages here since {shown}" in said_of(giveaway)
    facts = Facts(role_ids=frozenset(), created_at=since - DAY, messages=1)
    stored = plan_of(giveaway).requirements
    [obstacle] = obstacles(stored, House(), facts, world.clock.now())
    assert f"4 messages written here since {shown}; you have 1" in obstacle.render("en")

    # What is made like it counts from its own beginning.
    another = await world.open(plan_of(giveaway))
    assert "4 messages here since it began" in said_of(another)


def said_of(giveaway: Giveaway) -> str:
    needs = plan_of(giveaway).requirements
    return "\n".join(one.render("en") for one in requirement_lines(needs))


async def test_messages_count_before_the_giveaways_own_is_sent(world: HostWorld) -> None:
    heard: list[Giveaway] = []
    world.board.listeners.append(heard.append)
    giveaway = await world.open(replace(PLAN, requirements=Requirements(messages=3)))
    await world.jobs.run_due()

    assert [one.id for one in heard] == [giveaway.id]


async def test_guild_has_its_own_emoji_on_button_and_title(world: HostWorld) -> None:
    await world.set(emoji="🎁")
    await world.open(PLAN)
    await world.pass_time()

    payload = world.courier.delivered[0].payload
    assert payload["embeds"][0]["title"] == "🎁 A keyboard"
    assert payload["components"][0]["components"][0]["emoji"] == {"name": "🎁"}


@pytest.mark.parametrize("emoji", ["", "gift", "🎁🎁", "<:gift:123456789012345678>"])
async def test_what_discord_may_refuse_is_no_emoji_of_giveaways(
    world: HostWorld, emoji: str
) -> None:
    """One of the server's own would take every message with it on the day it is deleted."""
    with pytest.raises(InvalidInput):
        await world.set(emoji=emoji)


async def test_what_is_to_begin_while_giveaways_are_off_waits_for_them(world: HostWorld) -> None:
    """Nobody could enter it, and it would end with nobody in it."""
    hour = timedelta(hours=1)
    giveaway = await world.open(PLAN, starts_at=world.clock.now() + hour)
    await world.set(enabled=False)
    await world.pass_time(2 * hour)
    assert (await world.get(giveaway)).status == "scheduled"
    assert not world.seen()

    await world.set(enabled=True)
    await world.pass_time(hour)
    current = await world.get(giveaway)
    assert (current.status, current.ends_at) == ("active", giveaway.ends_at)


async def test_start_of_what_has_not_begun_is_moved_with_its_end(world: HostWorld) -> None:
    hour = timedelta(hours=1)
    begins = world.clock.now() + hour
    giveaway = await world.open(PLAN, starts_at=begins)
    moved = await world.opening.change(
        giveaway, HOST, plan_of(giveaway), starts_at=begins + 3 * hour
    )
    assert (moved.starts_at, moved.ends_at) == (begins + 3 * hour, begins + 3 * hour + DAY)

    await world.pass_time(2 * hour)
    assert (await world.get(giveaway)).status == "scheduled"
    moved = await world.opening.change(moved, HOST, plan_of(moved), starts_at=begins + 2 * hour)
    await world.pass_time(hour)
    assert (await world.get(giveaway)).status == "active"
    with pytest.raises(Conflict, match="has begun already"):
        await world.opening.change(
            await world.get(giveaway), HOST, plan_of(moved), starts_at=begins + DAY
        )
    await world.pass_time(DAY)
    assert world.ended == [giveaway.id]


async def test_start_is_moved_within_a_year_and_before_its_end(world: HostWorld) -> None:
    begins = world.clock.now() + timedelta(hours=1)
    giveaway = await world.open(PLAN, starts_at=begins)
    for times, said in (
        ({"starts_at": begins + 400 * DAY}, "begins within"),
        ({"starts_at": begins + DAY, "ends_at": begins}, "end after it begins"),
    ):
        with pytest.raises(InvalidInput, match=said):
            await world.opening.change(giveaway, HOST, plan_of(giveaway), **times)
    assert (await world.get(giveaway)).starts_at == begins


async def test_host_is_changed_and_the_message_says_so(world: HostWorld) -> None:
    giveaway = await world.open(PLAN)
    await world.pass_time()
    giveaway = await world.get(giveaway)
    changed = await world.opening.change(giveaway, HOST, plan_of(giveaway), host_id=88)
    await world.pass_time()

    assert changed.host_id == 88
    assert "<@88>" in world.seen()[-1][2]["description"]
    async with world.database.read() as session:
        query = select(AuditEntry).where(AuditEntry.action == "giveaways.edit")
        entry = (await session.scalars(query)).one()
    # Who is named there is erased by it when their data is.
    assert (entry.target_id, entry.details["host_id"]) == (88, "88")


@pytest.mark.parametrize("after", ["pause", "resume", "cancel"])
async def test_paused_giveaway_is_planned_for_as_long_as_before(
    world: HostWorld, after: str
) -> None:
    """Else a template of it would not say when it ends."""
    giveaway = await world.open(Plan(prize="A mug", duration=DAY))
    await world.pass_time(HOUR)
    paused = await world.opening.pause(giveaway, HOST)
    await world.pass_time(5 * HOUR)
    if after != "pause":
        await getattr(world.opening, after)(paused, HOST)
    assert plan_of(await world.get(giveaway)).duration == DAY


async def test_new_end_is_planned_from_the_beginning(world: HostWorld) -> None:
    giveaway = await world.open(Plan(prize="A mug", duration=DAY))
    await world.pass_time(HOUR)
    paused = await world.opening.pause(giveaway, HOST)
    ends_at = giveaway.starts_at + 3 * DAY
    put_off = await world.opening.change(paused, HOST, plan_of(paused), ends_at=ends_at)
    assert plan_of(put_off).duration == 3 * DAY
    endless = await world.opening.change(put_off, HOST, plan_of(put_off), is_untimed=True)
    assert plan_of(endless).duration is None


def test_giveaway_that_was_paused_before_that_was_kept_lasts_what_was_left() -> None:
    paused = make_giveaway(status="paused", ends_at=None, remaining=3600)
    assert plan_of(paused).duration == HOUR
