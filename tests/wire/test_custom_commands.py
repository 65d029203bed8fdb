"""Custom commands over the wire: written, registered, used, there after a restart, and gone."""

from __future__ import annotations

import pytest

from bot.core.contracts import SYSTEM
from bot.sandbox import Actor, NotPossibleError, Sandbox
from bot.sandbox.guild import Guild
from bot.sandbox.permissions import Permission
from tests.wire.running import Bot, config_for, running, until

REGISTER = "/applications/*/guilds/*/commands*"


@pytest.fixture
def boss(sandbox: Sandbox, guild: Guild) -> Actor:
    actor = sandbox.join(guild, "boss")
    power = guild.add_role("boss", permissions=Permission.MANAGE_GUILD)
    guild.add_member_role(actor.member, power)
    return actor


def names(sandbox: Sandbox, guild: Guild) -> set[str]:
    """Return the guild's commands as its members see them."""
    shelf = sandbox.application.guild_commands.get(guild.id, {})
    return {command["name"] for command in shelf.values()}


async def ready(bot: Bot, sandbox: Sandbox, guild: Guild) -> None:
    await until(lambda: sandbox.application.commands)
    await until(lambda: bot.kernel.state().guild(guild.id) is not None)


async def test_command_is_written_used_kept_and_removed(
    sandbox: Sandbox, guild: Guild, boss: Actor, sqlite_url: str
) -> None:
    general, ada = guild.channel("general"), sandbox.join(guild, "ada")
    config = config_for(sandbox, sqlite_url)
    async with running(config) as bot:
        await ready(bot, sandbox, guild)
        await bot.kernel.settings.change(guild.id, "customcommand", {}, enabled=True, actor=SYSTEM)
        form = await boss.slash(general, "customcommand add", name="hug", aliases="cuddle")
        preview = await boss.submit_modal(
            form, {"text": "{user.mention} hugs {if 1}{1}{else}everybody{end}", "title": "A hug"}
        )
        saved = await boss.click(preview, "Save")
        assert "/hug is saved" in saved.text
        await until(lambda: names(sandbox, guild) == {"hug", "cuddle"})

        used = await ada.slash(general, "cuddle", text="<@&1> @everyone")
        assert used.response is not None
        assert used.content == f"<@{ada.id}> hugs <@&1>"
        assert not used.ephemeral
        assert used.response.embeds[0]["title"] == "A hug"
        assert used.response.mentions == (ada.id,)
        assert (await ada.slash(general, "hug")).content == f"<@{ada.id}> hugs everybody"

        await bot.kernel.settings.change(guild.id, "general", {"prefix": "!"}, actor=SYSTEM)
        ada.send(general, "!hugs")
        asking = ada.send(general, "!hug Bo")
        replies = await until(lambda: [one for one in general.messages.values() if one.reference])
        assert [one.content for one in replies] == [f"<@{ada.id}> hugs Bo"]
        assert replies[0].reference is not None
        assert replies[0].reference["message_id"] == str(asking.id)

    calls = len(sandbox.recorder.calls_to(None, REGISTER))
    async with running(config) as bot:
        await ready(bot, sandbox, guild)
        assert (await ada.slash(general, "hug")).content == f"<@{ada.id}> hugs everybody"
        # Nothing differed, so Discord was not even asked.
        assert len(sandbox.recorder.calls_to(None, REGISTER)) == calls
        asked = await boss.slash(general, "customcommand remove", command="hug")
        assert "used 4 times" in asked.text
        await boss.click(asked, "Yes, go ahead")
        await until(lambda: names(sandbox, guild) == set())
    with pytest.raises(NotPossibleError, match="no command /hug"):
        await ada.slash(general, "hug")
