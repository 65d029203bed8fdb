"""What Discord's own AutoMod blocked: what our rules want beside the deletion follows."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.contracts import SYSTEM
from cogs.automod.directory import Membership
from tests.cogs.automod.world import ANN, BOB, GUILD, ROOM, STAFF, World, rule, words

WARN = {"type": "warn", "points": 2}
TIMEOUT = {"type": "timeout", "duration": 600}
STEPS = [{"after": 2, "actions": [{"type": "delete"}, TIMEOUT]}]


@pytest.fixture(autouse=True)
def members(world: World) -> None:
    world.bridge.members[ANN.id] = Membership(frozenset(), "ann")
    world.bridge.members[BOB.id] = Membership(frozenset({STAFF}), "bob")


def told(content: str, author: Any = ANN, *, action: int = 1, **more: Any) -> dict[str, Any]:
    """Return an AUTO_MODERATION_ACTION_EXECUTION."""
    return {
        "guild_id": str(GUILD),
        "rule_id": "5",
        "rule_trigger_type": 1,
        "user_id": str(author.id),
        "channel_id": str(ROOM),
        "action": {"type": action},
        "content": content,
        "matched_keyword": content,
        **more,
    }


async def hear(world: World, content: str, author: Any = ANN, **more: Any) -> None:
    world.gate.hear_native(told(content, author, **more))
    await world.rest()


async def kinds(world: World) -> list[str]:
    return [case.kind for case in await world.all_cases()]


async def test_points_of_a_rule_follow_once_for_all_actions_of_discords(world: World) -> None:
    await world.start(rule("insults", words("idiot"), "delete", WARN))
    for action in (2, 1, 3):
        await hear(world, "you idiot", action=action)
    # Another of Discord's rules finds something in the same message.
    await hear(world, "you idiot", rule_id="6")

    [case] = await world.all_cases()
    assert (case.kind, case.target_id, case.points) == ("warn", ANN.id, 2)
    assert world.bridge.calls == []
    assert len(await world.incidents()) == 1


async def test_what_is_blocked_is_a_strike(world: World) -> None:
    await world.start(rule("insults", words("idiot"), "delete", escalation=STEPS))
    await hear(world, "you idiot")
    assert await kinds(world) == []
    await world.pass_time(30)
    await hear(world, "what an idiot")
    assert await kinds(world) == ["timeout"]


async def test_what_is_blocked_and_what_is_written_are_strikes_alike(world: World) -> None:
    await world.start(rule("insults", words("idiot"), "delete", escalation=STEPS))
    await world.say("you idiot")
    await world.pass_time(30)
    await hear(world, "what an idiot")
    assert await kinds(world) == ["timeout"]


async def test_nothing_follows_where_a_rule_only_deletes_or_spares(world: World) -> None:
    await world.start(
        rule("plain", words("idiot"), "delete", "alert"),
        rule("shadowed", words("moron"), "delete", WARN, shadow=True),
        rule("often", {"type": "rate", "limit": 2, "window": 60}, "delete", WARN),
        rule("insults", words("scum"), "delete", WARN),
    )
    for content in ("idiot", "moron", "hello", "hello you"):
        await hear(world, content)
    await hear(world, "scum", BOB)

    assert await world.incidents() == []


async def test_message_that_came_is_judged_by_itself_and_a_name_is_none(world: World) -> None:
    await world.start(rule("insults", words("idiot"), "delete", WARN))
    await hear(world, "idiot", message_id="900")
    await hear(world, "idiot", rule_trigger_type=6, channel_id=None)

    assert await world.all_cases() == []


async def test_log_of_what_was_blocked_says_what_followed(world: World) -> None:
    await world.start(rule("insults", words("idiot"), "delete", WARN))
    await hear(world, "you idiot")
    await world.pass_time(30)
    shown = await world.shown()
    assert "insults" in shown
    assert "AutoMod blocked the message" in shown
    assert "warned (case" in shown
    assert "you idiot" in shown


async def test_what_is_blocked_before_the_engine_is_there_is_judged_late(world: World) -> None:
    await world.cases.start()
    world.service.start()
    values = {"rules": [rule("insults", words("idiot"), "delete", WARN)]}
    await world.settings.change(GUILD, "automod", values, enabled=True, actor=SYSTEM)
    await hear(world, "you idiot")

    assert await kinds(world) == ["warn"]
