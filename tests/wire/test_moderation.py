"""Moderators' commands over the wire: the whole process, real requests, Discord's own limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.cases import CaseState
from bot.sandbox import Actor, NotPossibleError, Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.interactions import Interaction
from bot.sandbox.permissions import Permission
from tests.wire.running import Bot, config_for, running, until

POWERS = (
    Permission.KICK_MEMBERS
    | Permission.BAN_MEMBERS
    | Permission.MODERATE_MEMBERS
    | Permission.MANAGE_MESSAGES
    | Permission.MANAGE_CHANNELS
)


@pytest.fixture
async def bot(sandbox: Sandbox, guild: Guild, sqlite_url: str) -> AsyncIterator[Bot]:
    async with running(config_for(sandbox, sqlite_url)) as running_bot:
        await until(lambda: sandbox.application.commands)
        yield running_bot


@pytest.fixture
def mod(sandbox: Sandbox, guild: Guild) -> Actor:
    actor = sandbox.join(guild, "mod")
    guild.add_member_role(actor.member, guild.add_role("staff", permissions=POWERS))
    return actor


@pytest.fixture
def ada(sandbox: Sandbox, guild: Guild) -> Actor:
    return sandbox.join(guild, "ada")


def said(interaction: Interaction) -> str:
    assert interaction.response is not None
    assert interaction.response.ephemeral
    return interaction.response.text()


async def test_ban_writes_bans_and_keeps_a_case(
    sandbox: Sandbox, guild: Guild, bot: Bot, mod: Actor, ada: Actor
) -> None:
    general = guild.channel("general")
    ada.send(general, "buy my coins")

    done = await mod.slash(general, "ban", user=ada.member, reason="Scam", delete=3600)

    assert "Case 1" in said(done)
    assert "I wrote to them" in said(done)
    assert ada.id in guild.bans
    assert general.messages == {}
    entry = guild.audit_log[-1]
    assert entry["reason"] == "Scam [case 1]"
    case = await bot.kernel.cases.get(guild.id, 1)
    assert (case.state, case.moderator_id) == (CaseState.APPLIED, mod.id)
    lifted = await mod.slash(general, "unban", user=ada.user)
    assert "ban is lifted" in said(lifted)
    assert ada.id not in guild.bans


async def test_purge_past_fourteen_days_and_a_hundred_messages(
    sandbox: Sandbox, guild: Guild, bot: Bot, mod: Actor, ada: Actor
) -> None:
    general = guild.channel("general")
    long_ago = datetime.now(UTC) - timedelta(days=20)
    for number in range(3):
        general.backdate_message(ada.user, f"old {number}", sent_at=long_ago)
    for number in range(120):
        ada.send(general, f"new {number}")
    kept = mod.send(general, "Stop it")

    asked = await mod.slash(general, "purge", amount=500, user=ada.member)
    assert "Delete 123 messages" in said(asked)
    assert "3 of them have to go one by one" in said(asked)
    await mod.click(asked, "Yes, go ahead")

    await until(lambda: list(general.messages.values()) == [kept], within=20)
    bulk = sandbox.recorder.calls_to("POST", "*/bulk-delete")
    assert [len(call.body["messages"]) for call in bulk] == [100, 20]


async def test_lock_is_put_back_exactly_by_a_later_process(
    sandbox: Sandbox, guild: Guild, mod: Actor, ada: Actor, sqlite_url: str
) -> None:
    general = guild.channel("general")
    before = dict(general.overwrites)
    async with running(config_for(sandbox, sqlite_url)):
        await until(lambda: sandbox.application.commands)
        assert "is locked" in said(await mod.slash(general, "lock", reason="Storm"))
        with pytest.raises(NotPossibleError):
            ada.send(general, "hello?")
        mod.send(general, "Staff can")
    async with running(config_for(sandbox, sqlite_url)):
        assert "open again" in said(await mod.slash(general, "unlock"))

    assert general.overwrites == before
    ada.send(general, "hello!")


async def test_warn_menu_over_the_wire(guild: Guild, bot: Bot, mod: Actor, ada: Actor) -> None:
    form = await mod.context_menu(guild.channel("general"), "Warn", ada.member)
    done = await mod.submit_modal(form, {"reason": "Spoilers"})

    assert "was warned" in said(done)


async def test_massban_over_the_wire(sandbox: Sandbox, guild: Guild, bot: Bot, mod: Actor) -> None:
    raiders = [sandbox.join(guild, f"raider{number}") for number in range(5)]
    users = " ".join(str(one.id) for one in raiders)

    asked = await mod.slash(guild.channel("general"), "massban", users=users, reason="Raid")
    assert "**5 people**" in said(asked)
    await mod.click(asked, "Yes, go ahead")

    await until(lambda: len(guild.bans) == 5)
    assert len(sandbox.recorder.calls_to("POST", "*/bulk-ban")) == 1


async def test_question_pressed_twice_at_once_is_answered_once(
    sandbox: Sandbox, guild: Guild, bot: Bot, mod: Actor, ada: Actor
) -> None:
    general = guild.channel("general")
    for number in range(4):
        ada.send(general, f"spam {number}")
    raiders = [sandbox.join(guild, f"raider{number}") for number in range(3)]
    users = " ".join(str(one.id) for one in raiders)

    purge = await mod.slash(general, "purge", amount=2)
    await press_twice(mod, purge)
    massban = await mod.slash(general, "massban", users=users)
    await press_twice(mod, massban)

    await until(lambda: len(guild.bans) == 3)
    await until(lambda: len(general.messages) == 2)
    await until(lambda: "3 people are banned" in shown(massban), what="the report")
    assert "2 messages are gone" in shown(purge)
    assert len(sandbox.recorder.calls_to("POST", "*/bulk-ban")) == 1
    assert len(sandbox.recorder.calls_to("POST", "*/bulk-delete")) == 1
    assert len(await bot.kernel.cases.list(guild.id)) == 3


def shown(interaction: Interaction) -> str:
    """Return all that a command shows by now."""
    return "\n".join(one.text() for one in interaction.followups)


async def press_twice(who: Actor, asked: Interaction) -> None:
    """Press a yes twice, the second time before the first is answered."""
    pressed = [asyncio.ensure_future(who.click(asked, "Yes, go ahead")) for _ in range(2)]
    await asyncio.gather(*pressed, return_exceptions=True)
