"""Role changes over the wire: what waits for the bot's place goes on when it is moved."""

from __future__ import annotations

from bot.core.kernel import Kernel
from bot.core.roles import RoleChange, RoleSource
from bot.sandbox import Sandbox
from bot.sandbox.actor import Actor as Person
from bot.sandbox.guild import Guild
from tests.wire.running import config_for, running, until


async def want(
    kernel: Kernel, guild: Guild, role_id: int, *people: Person, after_screening: bool = False
) -> None:
    async with kernel.database.write() as session:
        await kernel.roles.want(
            session,
            [
                RoleChange(
                    guild_id=guild.id,
                    user_id=person.id,
                    role_id=role_id,
                    want=True,
                    source=RoleSource.AUTOMATIC,
                    reason="Join role",
                    after_screening=after_screening,
                )
                for person in people
            ],
        )


async def test_role_above_the_bot_waits_and_is_given_to_all_when_it_is_moved(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    people = [sandbox.join(guild, name) for name in ("ann", "bob", "cyd")]
    role = guild.add_role("Sailor", permissions=0)
    guild.update_role(role, position=50)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = bot.kernel
        await until(lambda: kernel.state().guild(guild.id), what="the guild")
        await want(kernel, guild, role.id, *people)

        [problem] = await until(lambda: kernel.problems.list(guild.id), what="the problem")
        assert "Drag my role above Sailor" in problem.problem.fix.render("en")
        assert (await kernel.roles.snapshot()).parked == len(people)
        assert not any("/roles/" in call.path for call in sandbox.recorder.calls_to())

        guild.update_role(role, position=1)

        await until(
            lambda: all(role.id in person.member.roles for person in people), what="the roles"
        )

        async def is_solved() -> bool:
            snapshot = await kernel.roles.snapshot()
            left = snapshot.waiting + snapshot.parked
            return not left and not await kernel.problems.list(guild.id)

        await until(is_solved, what="the end")


async def test_deleted_role_is_told(sandbox: Sandbox, guild: Guild, sqlite_url: str):
    ann = sandbox.join(guild, "ann")
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = bot.kernel
        await until(lambda: kernel.state().guild(guild.id), what="the guild")
        await want(kernel, guild, 999_999, ann)

        [problem] = await until(lambda: kernel.problems.list(guild.id), what="the problem")
        assert problem.problem.subject == "999999"
        assert (await kernel.roles.snapshot()).waiting == 0


async def test_member_in_screening_gets_the_role_when_they_have_passed(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    ann = sandbox.join(guild, "ann")
    role = guild.add_role("Sailor", permissions=0)
    ann.leave()
    ann.join(pending=True)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = bot.kernel
        await until(lambda: kernel.state().guild(guild.id), what="the guild")
        await want(kernel, guild, role.id, ann, after_screening=True)

        async def waits() -> bool:
            return (await kernel.roles.snapshot()).screening == 1

        await until(waits, what="the look at the member")
        assert (ann.member.pending, ann.member.roles) == (True, ())

        ann.pass_screening()

        await until(lambda: role.id in ann.member.roles, what="the role")


async def test_guild_that_the_bot_leaves_is_wanted_nothing_of(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
):
    ann = sandbox.join(guild, "ann")
    role = guild.add_role("Sailor", permissions=0)
    guild.update_role(role, position=50)
    async with running(config_for(sandbox, sqlite_url)) as bot:
        kernel = bot.kernel
        await until(lambda: kernel.state().guild(guild.id), what="the guild")
        await want(kernel, guild, role.id, ann)

        async def parked() -> bool:
            return (await kernel.roles.snapshot()).parked == 1

        await until(parked, what="the parked wish")
        sandbox.world.remove_guild(guild)

        async def forgotten() -> bool:
            return (await kernel.roles.snapshot()).parked == 0

        await until(forgotten, what="the end of the wish")
