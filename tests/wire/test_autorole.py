"""Autorole over the wire: members join, leave and come back; roles wait, move and return."""

from __future__ import annotations

from bot.core.contracts import SYSTEM
from bot.core.kernel import Kernel
from bot.sandbox import RestFault, Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import config_for, running, until


async def set_up(kernel: Kernel, guild: Guild, *role_ids: int, delay: int = 0) -> None:
    await until(lambda: kernel.state().guild(guild.id), what="the guild")
    roles = [{"role_id": str(one), "delay": delay} for one in role_ids]
    changes = {"join_roles": roles, "sticky_enabled": True}
    await kernel.settings.change(guild.id, "autorole", changes, actor=SYSTEM)
    await kernel.settings.get(guild.id, "autorole")


async def test_newcomer_gets_the_role_after_its_delay(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    role = guild.add_role("Sailor", permissions=0)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot.kernel, guild, role.id, delay=2)

        ann = sandbox.join(guild, "ann")

        async def waits() -> bool:
            snapshot = await bot.kernel.roles.snapshot(guild.id)
            return (snapshot.waiting, snapshot.due) == (1, 0)

        await until(waits, what="the wish")
        assert ann.member.roles == ()
        await until(lambda: role.id in ann.member.roles, what="the role")


async def test_join_role_above_the_bot_is_told_and_given_once_it_is_moved(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    role = guild.add_role("Sailor", permissions=0)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot.kernel, guild, role.id)
        guild.update_role(role, position=50)

        def is_above() -> bool:
            found = bot.kernel.state().role(guild.id, role.id)
            return found is not None and found.position == 50

        await until(is_above, what="the move")

        ann = sandbox.join(guild, "ann")

        async def problems() -> list[str]:
            found = await bot.kernel.problems.list(guild.id)
            return [
                one.problem.fix.render("en") for one in found if one.problem.feature == "general"
            ]

        [fix] = await until(problems, what="the problem")
        assert "Drag my role above Sailor" in fix
        assert ann.member.roles == ()

        guild.update_role(role, position=1)

        await until(lambda: role.id in ann.member.roles, what="the role")

        async def is_solved() -> bool:
            return not await problems()

        await until(is_solved, what="the end of the problem")


async def test_who_comes_back_has_the_roles_that_they_had(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    harmless = guild.add_role("Sailor", permissions=0)
    powerful = guild.add_role("Mate", permissions=1 << 2)
    ann = sandbox.join(guild, "ann")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot.kernel, guild)
        guild.add_member_role(ann.member, harmless)
        guild.add_member_role(ann.member, powerful)
        ann.leave()
        ann.join()

        await until(lambda: ann.member.roles, what="the role")
        assert ann.member.roles == (harmless.id,)


async def test_who_comes_back_into_screening_gets_them_after_it(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    role = guild.add_role("Sailor", permissions=0)
    ann = sandbox.join(guild, "ann")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot.kernel, guild)
        guild.add_member_role(ann.member, role)
        ann.leave()
        ann.join(pending=True)

        async def waits() -> bool:
            return (await bot.kernel.roles.snapshot(guild.id)).screening == 1

        await until(waits, what="the look at the member")
        assert (ann.member.pending, ann.member.roles) == (True, ())

        ann.pass_screening()

        await until(lambda: role.id in ann.member.roles, what="the role")


async def test_who_joined_while_the_bot_was_away_gets_the_role(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    role = guild.add_role("Sailor", permissions=0)
    old, ann = sandbox.join(guild, "old"), sandbox.join(guild, "ann")
    config = config_for(sandbox, sqlite_url)
    async with running(config) as bot:
        await set_up(bot.kernel, guild, role.id)

    ann.leave()
    ann.join()
    bob = sandbox.join(guild, "bob")
    async with running(config):
        await until(lambda: role.id in bob.member.roles, what="the role of who came first")
        await until(lambda: role.id in ann.member.roles, what="the role of who came back")
    assert old.member.roles == ()


async def test_back_fill_waits_for_discords_rate_limit(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    role = guild.add_role("Sailor", permissions=0)
    people = [sandbox.join(guild, f"sailor{number}") for number in range(12)]
    owner = sandbox.actor(guild.members[guild.owner_id].user, guild)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await set_up(bot.kernel, guild, role.id)
        # Discord says once that it is too much; whoever did not wait would be told so again.
        sandbox.faults.add(RestFault(429, "PUT", "*/members/*/roles/*", retry_after=2))

        asked = await owner.slash(guild.channel("general"), "autorole backfill")
        await owner.click(asked, "Yes, go ahead")

        await until(
            lambda: all(role.id in one.member.roles for one in people), within=60, what="the roles"
        )
    calls = sandbox.recorder.calls_to("PUT", "*/members/*/roles/*")
    assert sum(one.status == 429 for one in calls) == 1
    assert sum(one.status == 204 for one in calls) == len(people) + 1
