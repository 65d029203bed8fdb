"""The /automod commands in one group; the modules beside this one do their work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from cogs.automod.commands_native import NativeCommands
from cogs.automod.commands_rules import RuleCommands, ShadowCommands
from cogs.automod.commands_sets import send_file, take_file, take_preset
from cogs.automod.commands_trying import MAX_MESSAGES, run_replay, run_test
from cogs.automod.desk import MANAGED, complete_rule
from cogs.automod.presets import TITLES, Preset

if TYPE_CHECKING:
    from bot.client import Pegasus

Interaction: TypeAlias = "discord.Interaction[Pegasus]"


@app_commands.guild_only()
class AutomodCommands(
    commands.GroupCog, group_name="automod", group_description="Rules for messages and names"
):
    """Declares the commands by which a guild's rules are made and looked after."""

    def __init__(self, bot: Pegasus) -> None:
        self.bot = bot
        group: Any = self.__cog_app_commands_group__  # a GroupCog's own group
        for one in (RuleCommands(), ShadowCommands(), NativeCommands()):
            group.add_command(one)

    @app_commands.command(
        description="Take over a whole set of rules, after a look at it", extras={**MANAGED}
    )
    @app_commands.describe(
        level="How strict it is to be", shadow="Only report what the rules would do, to begin with"
    )
    @app_commands.choices(
        level=[app_commands.Choice(name=title, value=key.value) for key, title in TITLES.items()]
    )
    async def preset(
        self, interaction: Interaction, level: app_commands.Choice[str], shadow: bool = False
    ) -> None:
        """Show what the preset does and would change, then take it over."""
        await take_preset(interaction, Preset(level.value), shadow=shadow)

    @app_commands.command(
        description="See what the rules make of a text, without doing it", extras={**MANAGED}
    )
    @app_commands.describe(
        text="The text to judge",
        member="Who would write it; an ordinary member if left out",
        channel="Where it would be written; here if left out",
    )
    async def test(
        self,
        interaction: Interaction,
        text: app_commands.Range[str, 1, 4000],
        member: discord.Member | None = None,
        channel: discord.TextChannel | discord.Thread | discord.VoiceChannel | None = None,
    ) -> None:
        """Judge a text by all rules and answer with each one's reasons."""
        await run_test(interaction, text, member, channel)

    @app_commands.command(
        description="See what a rule would have done to a channel's latest messages",
        extras={**MANAGED},
    )
    @app_commands.describe(
        rule="The rule, also one that is off; a form asks for a draft if left out",
        channel="The channel to look through; this one if left out",
        messages="How many messages to look at; 200 if left out",
    )
    @app_commands.autocomplete(rule=complete_rule)
    async def replay(
        self,
        interaction: Interaction,
        rule: str | None = None,
        channel: discord.TextChannel | discord.Thread | discord.VoiceChannel | None = None,
        messages: app_commands.Range[int, 1, MAX_MESSAGES] = 200,
    ) -> None:
        """Run a rule, or a draft of one, over what was written lately."""
        await run_replay(interaction, rule, channel, messages)

    @app_commands.command(description="Get all rules and settings as a file", extras={**MANAGED})
    async def export(self, interaction: Interaction) -> None:
        """Answer with the file."""
        await send_file(interaction)

    @app_commands.command(
        name="import",
        description="Take rules over from a file, after a look at it",
        extras={**MANAGED},
    )
    @app_commands.describe(
        file="A file from /automod export, at most 1 MiB",
        mode="Add to what is here, or put the file in its place; adds if left out",
    )
    @app_commands.choices(
        mode=[
            app_commands.Choice(
                name="Add its rules, and change those of the same name", value="merge"
            ),
            app_commands.Choice(name="Replace all rules and settings", value="replace"),
        ]
    )
    async def import_rules(
        self,
        interaction: Interaction,
        file: discord.Attachment,
        mode: app_commands.Choice[str] | None = None,
    ) -> None:
        """Check the whole file, show what would change, and take it over after a yes."""
        replaces = mode is not None and mode.value == "replace"
        await take_file(interaction, file, "replace" if replaces else "merge")
