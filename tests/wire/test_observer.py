"""What is remembered of guilds and people, and what becomes of problems, over the wire."""

from __future__ import annotations

from bot.core.contracts import SYSTEM
from bot.sandbox import Sandbox
from bot.sandbox.guild import Guild
from tests.wire.running import config_for, running, scalar, until


async def test_guilds_and_people_are_remembered(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)):
        ada = sandbox.join(guild, "ada", global_name="Ada", avatar=True)
        member = f"FROM guild_members WHERE user_id = {ada.id}"
        await until(lambda: scalar(sqlite_url, f"SELECT count(*) {member}"))
        assert await scalar(sqlite_url, f"SELECT name FROM guilds WHERE id = {guild.id}") == (
            "Harbour"
        )
        avatar = await scalar(sqlite_url, f"SELECT avatar_url FROM users WHERE id = {ada.id}")
        assert avatar.startswith(sandbox.cdn_url)
        assert not await scalar(sqlite_url, f"SELECT left_at {member}")
        ada.leave()
        await until(lambda: scalar(sqlite_url, f"SELECT left_at {member}"))


async def test_guild_joined_later_is_served_at_once(sandbox: Sandbox, sqlite_url: str) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        await until(lambda: sandbox.application.commands)
        guild = sandbox.add_guild("Atelier", channels=("general",))
        ada = sandbox.join(guild, "ada")
        answer = await ada.slash(guild.channel("general"), "about")
        assert answer.response is not None
        query = f"SELECT count(*) FROM guilds WHERE id = {guild.id} AND left_at IS NULL"
        await until(lambda: scalar(sqlite_url, query))
        assert bot.kernel.state().guild(guild.id) is not None


async def test_who_has_no_display_name_is_known_by_their_username(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)):
        await until(lambda: sandbox.application.commands)
        sam = sandbox.join(guild, "sam_sailor")
        await sam.slash(guild.channel("general"), "about")
        query = f"SELECT count(*) FROM users WHERE id = {sam.id}"
        await until(lambda: scalar(sqlite_url, query))
        name = f"SELECT global_name FROM users WHERE id = {sam.id}"
        assert await scalar(sqlite_url, name) == "sam_sailor"


async def test_deleted_channel_becomes_a_problem_that_is_told_once(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        settings = bot.kernel.settings
        staff, welcome = guild.channel("staff"), guild.channel("welcome")
        await settings.change(guild.id, "general", {"log_channel_id": staff.id}, actor=SYSTEM)
        await settings.change(
            guild.id, "welcome", {"join_channel_id": welcome.id}, actor=SYSTEM, enabled=True
        )
        guild.remove_channel(welcome)
        await sandbox.wait_for_message(staff, containing="Welcome channel")
        assert [one.problem.feature for one in await bot.kernel.problems.list(guild.id)] == [
            "welcome"
        ]
        await settings.change(
            guild.id, "welcome", {"join_channel_id": guild.channel("general").id}, actor=SYSTEM
        )

        async def solved() -> bool:
            return not await bot.kernel.problems.list(guild.id)

        await until(solved)
        assert len(staff.messages) == 1


async def test_role_given_to_the_bot_makes_it_look_again(
    sandbox: Sandbox, guild: Guild, sqlite_url: str
) -> None:
    async with running(config_for(sandbox, sqlite_url)) as bot:
        looked: list[int] = []
        recheck = bot.kernel.problems.recheck

        def note(guild_id: int) -> None:
            looked.append(guild_id)
            recheck(guild_id)

        bot.kernel.problems.recheck = note  # pyright: ignore[reportAttributeAccessIssue]
        role = guild.add_role("Helper")
        guild.add_member_role(guild.members[sandbox.application.user.id], role)
        await until(lambda: guild.id in looked)
