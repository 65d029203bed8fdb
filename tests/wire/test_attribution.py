"""Staff act in Discord's own client; the audit log's event makes cases of it, over the wire."""

from __future__ import annotations

from datetime import timedelta

from bot.core.cases import Case, CaseKind, CaseState, Order, SanctionKind, Target
from bot.core.contracts import SYSTEM, Actor
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import config_for, running, until


async def test_staff_deeds_become_cases_and_end_what_the_bot_has_made(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, bob = sandbox.join(guild, "ann"), sandbox.join(guild, "bob")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    muted = guild.add_role("Muted", permissions=0)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = bot.kernel
        await until(lambda: kernel.state().guild(guild.id), what="the guild")
        await kernel.settings.change(
            guild.id, "moderation", {"mute_role_id": str(muted.id)}, actor=SYSTEM
        )

        async def latest(number: int) -> Case:
            async def look() -> list[Case]:
                return [one for one in await kernel.cases.list(guild.id) if one.number == number]

            return (await until(look, what=f"case {number}"))[0]

        owner.time_out(ann, timedelta(hours=1), reason="spoilers")
        case = await latest(1)
        assert (case.kind, case.target.name, case.reason) == (CaseKind.TIMEOUT, "ann", "spoilers")
        assert case.moderator_id == owner.id
        owner.give_role(ann, muted)
        assert (await latest(2)).kind is CaseKind.MUTE
        owner.kick(ann)
        assert (await latest(3)).kind is CaseKind.KICK

        ban = await kernel.cases.order(
            Order(
                guild_id=guild.id,
                kind=CaseKind.TEMPBAN,
                target=Target(bob.id, "bob"),
                moderator=Actor(owner.id, "command", "captain"),
                source="command",
                dedupe_key="interaction:1",
                duration=timedelta(days=1),
            )
        )
        owner.unban(bob)
        assert (await latest(5)).kind is CaseKind.UNBAN
        # The bot's own ban, which came before in the audit log, made no second case.
        assert ban.number == 4
        assert (await kernel.cases.get(guild.id, 4)).state is CaseState.ENDED
        assert await kernel.cases.sanction_of(guild.id, bob.id, SanctionKind.BAN) is None


async def test_staff_deeds_while_the_bot_was_away_become_cases(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    ann, bob = sandbox.join(guild, "ann"), sandbox.join(guild, "bob")
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        owner.kick(ann, reason="before")
        await until(lambda: bot.kernel.cases.list(guild.id), what="the first case")
    owner.ban(bob, reason="meanwhile")

    async with running(config_for(sandbox, sqlite_url)) as bot:

        async def look() -> bool:
            return len(await bot.kernel.cases.list(guild.id)) == 2

        await until(look, what="the missed case")
        missed = await bot.kernel.cases.get(guild.id, 2)
        assert (missed.kind, missed.reason) == (CaseKind.BAN, "meanwhile")
        assert missed.moderator_id == owner.id
