"""A giveaway that is ended over the API is drawn as if a command had ended it, and once with it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.audit import AuditLog
from bot.core.contracts import Actor, ChannelSummary
from bot.core.errors import Conflict
from cogs.giveaways.bodies import DrawAgainBody
from cogs.giveaways.bodychecks import BodyChecks
from cogs.giveaways.items import ItemCheck
from cogs.giveaways.opening import Opening
from cogs.giveaways.proof import Proofs
from cogs.giveaways.resource import GiveawayResource
from cogs.giveaways.stocking import Stocking
from cogs.giveaways.verify import check_proof
from db.audit import list_audit_entries
from db.engine import Database
from db.giveaways import ENDED, REPLACED, WON
from tests.cogs.giveaways.stage import GUILD, HOST, HOUR, Stage, View, make_stage
from tests.cogs.giveaways.test_giveaway_drawing import check

ADMIN = Actor(HOST, "web", "host")
RIGHTS = frozenset({"view_channel", "send_messages", "embed_links"})


class _View(View):
    def channel(self, guild_id: int, channel_id: int) -> ChannelSummary | None:
        return ChannelSummary(channel_id, guild_id, "general", "text", bot_permissions=RIGHTS)


async def nobody_is_muted(_guild_id: int) -> int | None:
    return None


def resource_of(stage: Stage) -> GiveawayResource:
    """Return the API's side of a process."""
    stage.view = _View()
    audit = AuditLog(stage.clock, stage.bus, stage.supervisor)
    opening = Opening(
        stage.database,
        stage.clock,
        stage.settings,
        jobs=stage.jobs,
        audit=audit,
        board=stage.board,  # pyright: ignore[reportArgumentType]
    )
    return GiveawayResource(
        stage.database,
        stage.clock,
        opening=opening,
        drawing=stage.drawing,
        winning=stage.winning,
        proofs=Proofs(stage.database),
        stocking=Stocking(
            stage.database,
            audit,
            vault=stage.vault,  # pyright: ignore[reportArgumentType]
            winning=stage.winning,
        ),
        audit=audit,
        checks=BodyChecks(
            stage.settings,
            lambda: stage.view,
            nobody_is_muted,
            items=ItemCheck(stage.database, stage.settings),
        ),
    )


async def end_over_the_web(resource: GiveawayResource, revision: int | None = None) -> None:
    seen = await resource.get(GUILD, 1)
    seen = seen if revision is None else replace(seen, revision=revision)
    await resource.act(GUILD, seen, "end", None, ADMIN)


@pytest.mark.parametrize("turn", range(3))
async def test_web_command_timer_and_a_second_process_draw_once(
    database: Database, turn: int
) -> None:
    stage = make_stage(database)
    other = Stage(database, stage.clock, stage.members)
    giveaway = await stage.add(winner_count=2)
    await stage.fill(giveaway, 5)
    stage.clock.advance(HOUR - timedelta(milliseconds=1))
    # What the other process delivers is only seen when the time is up.
    stage.drawing.patience = other.drawing.patience = 1.0

    async def by_time() -> None:
        stage.clock.advance(timedelta(milliseconds=1))
        await asyncio.gather(stage.settle(), other.settle())

    ways = [
        end_over_the_web(resource_of(stage)),
        end_over_the_web(resource_of(other)),
        stage.end(giveaway),
        by_time(),
    ]
    ended = await asyncio.gather(*ways[turn:], *ways[:turn], return_exceptions=True)
    for one in (stage, other, stage):
        await one.settle()

    assert all(isinstance(one, Conflict) for one in ended if isinstance(one, BaseException))
    assert (await stage.get(giveaway)).status == ENDED
    assert [one.state for one in await stage.drawn(giveaway)] == [WON, WON]
    assert len(stage.said() + other.said()) == 2
    await check(stage, giveaway)


async def test_who_ended_it_over_the_web_is_in_the_audit_log(database: Database) -> None:
    stage = make_stage(database)
    giveaway = await stage.add()
    await end_over_the_web(resource_of(stage))
    with pytest.raises(Conflict):
        await end_over_the_web(resource_of(stage))
    with pytest.raises(Conflict):
        await end_over_the_web(resource_of(stage), 0)

    async with database.read() as session:
        (entry,) = await list_audit_entries(session, guild_id=GUILD)
    assert (entry.action, entry.user_id) == ("giveaways.end", HOST)
    assert entry.details == {"giveaway": (await stage.get(giveaway)).number}


async def test_another_is_drawn_in_a_winners_place_over_the_web(database: Database) -> None:
    stage = make_stage(database)
    giveaway = await stage.add()
    await stage.fill(giveaway, 3)
    await stage.end(giveaway)
    (first,) = await stage.drawn(giveaway)
    resource = resource_of(stage)
    instead = DrawAgainBody(instead_of=str(first.user_id))
    await resource.act(GUILD, await resource.get(GUILD, 1), "draw-again", instead, ADMIN)
    await stage.settle()

    assert [one.state for one in await stage.drawn(giveaway)] == [REPLACED, WON]
    async with database.read() as session:
        (entry,) = await list_audit_entries(session, guild_id=GUILD)
    assert (entry.action, entry.user_id, entry.target_id) == (
        "giveaways.reroll",
        HOST,
        first.user_id,
    )
    document = await resource.document(GUILD, 1, ADMIN)
    assert check_proof(json.loads(document.data))


async def test_further_winners_are_drawn_once_by_two_presses(database: Database) -> None:
    """Both were meant for the giveaway as it was before either of them."""
    stage = make_stage(database)
    giveaway = await stage.add()
    await stage.fill(giveaway, 6)
    await stage.end(giveaway)
    resource = resource_of(stage)
    seen = await resource.get(GUILD, 1)
    presses = [
        resource.act(GUILD, seen, "draw-again", DrawAgainBody(count=2), ADMIN) for _press in "ab"
    ]
    told = await asyncio.gather(*presses, return_exceptions=True)
    await stage.settle()

    assert sorted(type(one) is Conflict for one in told) == [False, True]
    assert [one.state for one in await stage.drawn(giveaway)] == [WON, WON, WON]
