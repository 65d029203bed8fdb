"""Events in a burst, out of order or from long ago: what Welcome makes of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import select, update

from cogs.welcome import FEATURE
from cogs.welcome.rules import Arrival, State
from db.jobs import list_jobs
from db.welcome import WelcomeVisit, get_last_visit
from tests.cogs.welcome.world import ANN, GUILD, World, raider


def digests(said: list[str]) -> list[str]:
    return [text for text in said if "members joined" in text]


async def test_raid_of_joins_at_once_is_greeted_with_one_message(world: World) -> None:
    await world.set(join_texts=["Hi {member}"], raid_size=4)
    await asyncio.gather(*(world.join(raider(number)) for number in range(15)))
    await world.pass_time(60)

    greetings = [text for text in await world.waiting() if text.startswith("Hi")]
    assert len(greetings) == 0
    (digest,) = digests(await world.waiting())
    assert digest.startswith("15 members joined: ")


async def test_departures_at_once_are_not_told_one_by_one(world: World) -> None:
    await world.set(leave_enabled=True, raid_size=4)
    await asyncio.gather(*(world.leave(raider(number)) for number in range(15)))

    assert len(await world.waiting()) == 3


async def test_raid_writes_to_no_crowd_in_private(world: World) -> None:
    await world.set(join_texts=["Hi {member}"], dm_enabled=True, dm_text="Psst", raid_size=4)
    for number in range(15):
        await world.join(raider(number))
        await world.outbox.run_due()
        world.clock.advance(1)
    await world.pass_time(60)
    await world.outbox.run_due()

    kinds = [entry.kind for entry in world.courier.delivered]
    assert kinds.count("dm.send") == 1
    texts = [entry.payload["content"] for entry in world.courier.delivered]
    assert len(digests(texts)) == 1
    for number in range(15):
        mentioned = [
            text for text in texts if f"Raider{number}*" in text or text == f"Hi Raider{number}"
        ]
        assert len(mentioned) == 1


async def test_second_of_two_quick_joins_is_greeted_a_moment_later(world: World) -> None:
    await world.set(join_texts=["Hi {member}"])
    await world.join(raider(1))
    await world.join(raider(2))
    await world.outbox.run_due()
    first = len(world.courier.delivered)
    world.clock.advance(2)
    await world.outbox.run_due()

    assert (first, len(world.courier.delivered)) == (1, 2)


async def test_veterans_who_leave_are_no_arrivals(world: World) -> None:
    await world.set(join_texts=["Hi {member}"], raid_size=3)
    for number in range(5):
        await world.join(raider(number), ago=50)
        world.clock.advance(600)
    for number in range(9):
        await world.leave(raider(number))
    await world.join()

    assert (await world.waiting())[-1] == "Hi Ann"
    assert digests(await world.waiting()) == []


async def test_screening_passed_before_its_join_is_handled_is_greeted(world: World) -> None:
    joined_at = world.clock.now()
    await world.service.screening_passed(GUILD, ANN)
    await world.service.member_joined(Arrival(GUILD, ANN, joined_at, pending=True))

    assert len(await world.said()) == 1
    assert not world.service.is_screening(GUILD, ANN.id)


async def test_screening_passed_while_its_join_is_handled_is_greeted(world: World) -> None:
    arrival = Arrival(GUILD, ANN, world.clock.now(), pending=True)
    await asyncio.gather(
        world.service.member_joined(arrival), world.service.screening_passed(GUILD, ANN)
    )

    assert len(await world.said()) == 1


async def test_screening_passed_in_an_earlier_stay_does_not_count(world: World) -> None:
    await world.service.screening_passed(GUILD, ANN)
    world.service.note_arrival(GUILD, ANN.id, pending=True)
    await world.join(pending=True)

    assert await world.said() == []
    assert world.service.is_screening(GUILD, ANN.id)


async def test_pending_member_of_long_ago_is_not_waited_for_after_a_restart(world: World) -> None:
    await world.join(pending=True)
    world.clock.advance(2 * 3600)

    restarted = World(world.database, world.clock, world.discord)
    await restarted.service.start()

    assert not restarted.service.is_screening(GUILD, ANN.id)


async def test_pending_member_is_not_waited_for_long_when_news_may_be_missing(
    world: World,
) -> None:
    world.service.note_arrival(GUILD, ANN.id, pending=True)
    await world.join(pending=True)
    world.service.doubt_screening()
    assert world.service.is_screening(GUILD, ANN.id)

    world.clock.advance(2 * 3600)

    assert not world.service.is_screening(GUILD, ANN.id)


async def test_join_and_departure_in_one_burst_say_nothing(world: World) -> None:
    await world.set(leave_enabled=True)
    await asyncio.gather(world.join(), world.leave())

    assert await world.waiting() == []


async def test_departure_after_a_delivered_greeting_is_told(world: World) -> None:
    await world.set(leave_enabled=True)
    await world.join()
    await world.outbox.run_due()
    await world.leave()

    assert len(await world.waiting()) == 1


async def test_departure_takes_back_the_removal_too(world: World) -> None:
    await world.set(delete_after="10 minutes")
    await world.join()
    await world.leave()

    async with world.database.read() as session:
        (job,) = await list_jobs(session, kind="welcome.delete")
    assert job.state == "cancelled"


async def test_message_is_deleted_counting_from_its_delivery(world: World) -> None:
    await world.set(delete_after="10 minutes")
    await world.join()
    world.clock.advance(30)
    await world.outbox.run_due()
    await world.pass_time(570)
    await world.outbox.run_due()
    early = [entry.kind for entry in world.courier.delivered]
    await world.pass_time(30)
    await world.outbox.run_due()

    assert early == ["message.send"]
    assert world.courier.delivered[-1].kind == "message.delete"


async def test_joins_of_a_burst_count_on_from_their_own_event(world: World) -> None:
    await world.set(join_texts=["{ordinal} of {count}"])
    for number in range(3):
        joined_at = world.clock.now()
        await world.service.member_joined(
            Arrival(GUILD, raider(number), joined_at, member_count=100 + number)
        )

    assert await world.said() == ["100th of 100", "101st of 101", "102nd of 102"]


async def test_purge_forgets_visits_of_guilds_where_nothing_happens(world: World) -> None:
    await world.join()
    await world.join(raider(1), pending=True)
    world.clock.advance(timedelta(days=2).total_seconds())
    assert FEATURE.purge is not None
    async with world.database.write() as session:
        await FEATURE.purge(session, world.clock.now())
        assert await get_last_visit(session, GUILD, ANN.id) is None
        assert await get_last_visit(session, GUILD, raider(1).id) is not None
    world.clock.advance(timedelta(days=60).total_seconds())
    async with world.database.write() as session:
        await FEATURE.purge(session, world.clock.now())
        assert (await session.scalars(select(WelcomeVisit))).all() == []


async def test_only_the_latest_of_two_waiting_stays_is_greeted(world: World) -> None:
    await world.join(pending=True)
    world.clock.advance(600)
    await world.join(pending=True)
    async with world.database.write() as session:
        await session.execute(update(WelcomeVisit).values(state=State.SCREENING))
    await world.service.screening_passed(GUILD, ANN)

    (message,) = await world.queued()
    assert message.dedupe_key.endswith(str(round(world.clock.now().timestamp() * 1000)))
