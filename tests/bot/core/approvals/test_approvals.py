"""A request for a second yes: decided once, by another person, carried out once, told of."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from bot.core.approvals import ApprovalKind, ApprovalOrder, ApprovalService, Approved
from bot.core.audit import AuditLog
from bot.core.cases import CaseKind, Order, Target
from bot.core.contracts import Actor
from bot.core.errors import Conflict, Denied, NotFound
from bot.core.i18n import Message, ngettext
from bot.core.preflight import Action
from db.approvals import APPROVED, DONE, EXPIRED, REFUSED, delete_old_approvals, list_subjects
from db.engine import Database
from db.people import erase_person, export_person
from tests.bot.core.cases.world import ANN, BOB, GUILD, LOG, FakeDiscord, World
from tests.fakes import FakeClock

MONA, NILS = Actor(2001, "command", "mo*na"), Actor(2002, "command", "nils")
TITLE = ngettext("Ban {count} person", "Ban {count} people", 0)


class Policy:
    """Two people or more need a second yes, within an hour."""

    channel: int | None = LOG

    async def approve_from(self, guild_id: int) -> int:
        return 2

    async def patience(self, guild_id: int) -> timedelta:
        return timedelta(hours=1)

    async def channel_id(self, guild_id: int) -> int | None:
        return self.channel


class Asked(World):
    """One process; a second one can be made over the same database, clock and Discord."""

    def __init__(
        self, database: Database, clock: FakeClock, discord: FakeDiscord | None = None
    ) -> None:
        super().__init__(database, clock, discord)
        self.approvals = ApprovalService(
            database,
            clock,
            self.settings,
            jobs=self.jobs,
            outbox=self.outbox,
            audit=AuditLog(clock, self.bus, self.supervisor),
            bus=self.bus,
            state=lambda: self.view,
        )
        self.policy = Policy()
        self.approvals.use_policy(self.policy)
        self.approvals.register("test.ban", ApprovalKind(TITLE, Action.BAN, self.execute))

    async def execute(self, approved: Approved) -> Message:
        for user_id, name in approved.people:
            await self.cases.order(
                Order(
                    guild_id=approved.guild_id,
                    kind=CaseKind.BAN,
                    target=Target(user_id, name),
                    moderator=approved.requester,
                    source="command",
                    dedupe_key=f"{approved.payload['occasion']}:{user_id}",
                )
            )
        return ngettext("{count} member is banned.", "{count} members are banned.", 2)

    async def ask(self, key: str = "one") -> int:
        order = ApprovalOrder(
            guild_id=GUILD,
            kind="test.ban",
            requester=MONA,
            dedupe_key=key,
            people=[(ANN.id, ANN.name), (BOB.id, BOB.name)],
            reason="*raid*",
            payload={"occasion": key},
        )
        return (await self.approvals.ask(order)).id

    async def card(self) -> str:
        """Return the latest state of the card."""
        await self.outbox.run_due()
        return json.dumps([e.payload for e in self.courier.delivered if e.channel_id == LOG][-1])

    async def letters(self) -> list[str]:
        await self.outbox.run_due()
        return [e.payload["content"] for e in self.courier.delivered if e.user_id == MONA.user_id]

    async def state(self, approval_id: int = 1) -> str:
        return (await self.approvals.get(GUILD, approval_id)).state


@pytest.fixture
async def world(database: Database, clock: FakeClock) -> Asked:
    world = Asked(database, clock)
    await world.start(log=False)
    return world


async def test_another_persons_yes_has_it_done_once(world: Asked) -> None:
    await world.ask()
    card = await world.card()
    assert "Ban 2 people" in card
    assert "bob\\\\_\\\\*" in card
    assert world.discord.calls == []

    await world.approvals.approve(GUILD, 1, NILS)
    await world.jobs.run_due()

    assert world.discord.bans == {ANN.id, BOB.id}
    assert await world.state() == DONE
    (letter,) = await world.letters()
    assert "was approved: Ban 2 people. 2 members are banned." in letter
    assert '"components": []' in await world.card()
    case = await world.cases.get(GUILD, 1)
    assert case.moderator_id == MONA.user_id


async def test_nobody_approves_their_own_request_but_may_take_it_back(world: Asked) -> None:
    await world.ask()
    with pytest.raises(Denied):
        await world.approvals.approve(GUILD, 1, MONA)
    await world.approvals.refuse(GUILD, 1, MONA)
    await world.jobs.run_due()

    assert await world.state() == REFUSED
    assert world.discord.calls == []
    assert await world.letters() == []


async def test_refused_request_is_told_and_not_done(world: Asked) -> None:
    await world.ask()
    await world.approvals.refuse(GUILD, 1, NILS)
    await world.jobs.run_due()

    (letter,) = await world.letters()
    assert "was refused" in letter
    assert world.discord.calls == []


async def test_of_several_decisions_at_once_one_counts(world: Asked, clock: FakeClock) -> None:
    other = Asked(world.database, clock, world.discord)
    await world.ask()
    third = Actor(2003, "command", "tom")

    outcomes = await asyncio.gather(
        world.approvals.approve(GUILD, 1, NILS),
        other.approvals.approve(GUILD, 1, third),
        other.approvals.approve(GUILD, 1, NILS),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes if one is not None] == [Conflict, Conflict]
    await asyncio.gather(world.jobs.run_due(), other.jobs.run_due())

    assert sorted(call[1] for call in world.discord.calls) == [ANN.id, BOB.id]


async def test_request_expires_and_the_requester_is_told(world: Asked) -> None:
    await world.ask()
    world.clock.advance(timedelta(hours=1))
    # Not even when the job that closes it is late.
    with pytest.raises(Conflict):
        await world.approvals.approve(GUILD, 1, NILS)
    await world.jobs.run_due()

    assert await world.state() == EXPIRED
    assert world.discord.calls == []
    (letter,) = await world.letters()
    assert "not approved in time" in letter


async def test_approved_request_does_not_expire(world: Asked) -> None:
    await world.ask()
    await world.approvals.approve(GUILD, 1, NILS)
    assert await world.state() == APPROVED
    await world.pass_time(timedelta(hours=2))

    assert await world.state() == DONE


async def test_asked_twice_there_is_one_request(world: Asked) -> None:
    outcomes: list[Any] = await asyncio.gather(
        *(world.ask() for _ in range(3)), return_exceptions=True
    )

    assert len([one for one in outcomes if isinstance(one, int)]) == 1


async def test_without_a_channel_nothing_is_asked(world: Asked) -> None:
    world.policy.channel = None
    with pytest.raises(NotFound):
        await world.ask()


async def test_requests_that_wait_are_bounded(world: Asked) -> None:
    for number in range(10):
        await world.ask(str(number))
    with pytest.raises(Conflict):
        await world.ask("one more")


async def test_need_begins_where_the_guild_says(world: Asked) -> None:
    assert [await world.approvals.is_needed(GUILD, count) for count in (1, 2, 3)] == [
        False,
        True,
        True,
    ]


async def test_request_of_another_guild_is_not_found(world: Asked) -> None:
    await world.ask()
    with pytest.raises(NotFound):
        await world.approvals.approve(GUILD + 1, 1, NILS)


async def test_erasing_is_no_way_out_and_afterwards_nothing_is_left(world: Asked) -> None:
    await world.ask()
    async with world.database.write() as session:
        await erase_person(session, ANN.id)
        await erase_person(session, MONA.user_id)
    await world.approvals.approve(GUILD, 1, NILS)
    await world.jobs.run_due()

    assert ANN.id in world.discord.bans
    async with world.database.write() as session:
        assert await list_subjects(session, 1) == []
        await erase_person(session, MONA.user_id)
        assert "approvals" not in await export_person(session, MONA.user_id)
        assert await delete_old_approvals(session, world.clock.now() + timedelta(days=1)) == 1


async def test_failure_for_good_ends_the_request_and_says_so(world: Asked) -> None:
    async def broken(_approved: Approved) -> Message:
        raise RuntimeError("broken")

    world.approvals.register("test.ban", ApprovalKind(TITLE, Action.BAN, broken))
    await world.ask()
    await world.approvals.approve(GUILD, 1, NILS)
    for _ in range(12):
        await world.pass_time(timedelta(hours=2))

    assert await world.state() == DONE
    (letter,) = await world.letters()
    assert "Something went wrong" in letter
