"""The audit finds what was changed past the ledger, tells it, and forgets it once it is right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from bot.core.ledger import Holder, Move
from cogs.economy.auditing import UNEVEN
from tests.cogs.economy.world import ANN, BEN, GUILD, EconomyWorld


async def _tamper(world: EconomyWorld, statement: str) -> None:
    async with world.database.write() as session:
        await session.execute(text(statement))


async def _problems(world: EconomyWorld) -> list[str]:
    return [one.problem.cause for one in await world.problems.list(GUILD)]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE economy_accounts SET balance = balance + 5 WHERE user_id = 11", {"balance"}),
        (
            "UPDATE economy_postings SET amount = amount + 5 WHERE amount = 40",
            {"balance", "transaction"},
        ),
        ("DELETE FROM economy_postings WHERE amount = -40", {"balance", "transaction"}),
    ],
)
async def test_what_was_changed_past_the_ledger_is_found(
    world: EconomyWorld, statement: str, found: set[str]
) -> None:
    await world.give(ANN, 100)
    await world.pay(ANN, BEN, 40)
    await _tamper(world, statement)
    findings = await world.auditing.audit(GUILD)
    assert {one.what for one in findings} == found
    assert all(one.guild_id == GUILD for one in findings)


async def test_escrow_that_belongs_to_nobody_is_found(world: EconomyWorld) -> None:
    await world.give(ANN, 100)
    await world.post(Move(Holder.user(ANN), Holder.ESCROW, 30))
    (finding,) = await world.auditing.audit(GUILD)
    assert (finding.what, finding.held, finding.expected) == ("escrow", 30, 0)

    async def claims(_session: object, _guild_id: int) -> int:
        return 30

    world.auditing.claims.append(claims)
    assert await world.auditing.audit(GUILD) == []


async def test_nightly_audit_tells_and_forgets(world: EconomyWorld) -> None:
    await world.auditing.start()
    await world.give(ANN, 100)
    await _tamper(world, "UPDATE economy_accounts SET balance = 99 WHERE user_id = 11")
    world.clock.advance(timedelta(days=1))
    await world.jobs.run_due()
    assert world.audited == [1]
    assert await _problems(world) == [UNEVEN]

    await _tamper(world, "UPDATE economy_accounts SET balance = 100 WHERE user_id = 11")
    world.clock.advance(timedelta(days=1))
    await world.jobs.run_due()
    assert world.audited == [1, 0]
    assert await _problems(world) == []


async def test_report_tells_where_money_comes_from_and_goes(world: EconomyWorld) -> None:
    await world.give(ANN, 1000)
    world.clock.advance(timedelta(days=40))
    await world.earning.daily(GUILD, BEN, world.settings, "UTC")
    world.use(pay_tax=10)
    number = await world.pay(ANN, BEN, 500)
    await world.treasury.take(world.order(BEN), 50)
    report = await world.reporting.report(GUILD, 30)
    assert (dict(report.minted), dict(report.sunk)) == ({"daily": 200}, {"pay": 50, "take": 50})
    assert (report.supply, report.growth, report.members) == (1100, 100, 2)
    assert report.growth_percent == pytest.approx(10)
    await world.treasury.undo(world.order(0), number)
    report = await world.reporting.report(GUILD, 30)
    assert sum(report.sunk.values()) == 50
    assert report.supply == 1150
