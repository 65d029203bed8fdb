"""What /help shows: one entry per command that the person could run, in their language."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands

from bot.checks import ANY_FEATURE, FOR_OWNERS, MANAGES, managed_keys
from bot.core.features import Feature
from bot.core.fields.text import escape_markdown
from bot.core.i18n import Message, _, catalogue_for
from bot.core.permission_names import PermissionList
from bot.localization import description_in

if TYPE_CHECKING:
    from bot.client import Pegasus
    from bot.tree import OwnCommand

SlashCommand = app_commands.Command[Any, ..., Any]
COMMANDS_PER_PAGE = 15
# The feature that a guild's own commands belong to.
_OWN = "customcommand"
# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
LONGEST_FIELD = 1024


@dataclass(frozen=True, slots=True)
class HelpEntry:
    """One command: `name` is how it is registered, `shown` how the reader's client shows it."""

    name: str
    shown: str
    description: str
    feature: Feature | None
    parameters: tuple[tuple[str, str, bool], ...]
    users: Message


async def entries_of(
    bot: Pegasus, interaction: discord.Interaction[Pegasus], locale: str
) -> list[HelpEntry]:
    """Return an entry for each slash command that this person may use, the guild's own included."""
    managed = await managed_keys(interaction)
    entries = [
        _entry(command, bot.feature_of(command), locale)
        for command in _commands_of(bot)
        if _is_offered(command, interaction) and _is_permitted(command, managed)
    ]
    if bot.own_commands is not None:
        entries += [_own_entry(bot, one, locale) for one in await bot.own_commands(interaction)]
    return entries


def find_entries(entries: Sequence[HelpEntry], wanted: str) -> list[HelpEntry]:
    """Return the command of that name, or else those in the group of that name."""
    exact = [one for one in entries if wanted in (one.name, one.shown.casefold())]
    return exact or [
        one
        for one in entries
        if one.name.startswith(f"{wanted} ") or one.shown.casefold().startswith(f"{wanted} ")
    ]


def find_others(bot: Pegasus, wanted: str, locale: str) -> list[HelpEntry]:
    """Return the same of all commands, whoever may use them."""
    known = [_entry(one, bot.feature_of(one), locale) for one in _commands_of(bot)]
    return find_entries(known, wanted)


def _commands_of(bot: Pegasus) -> Iterator[SlashCommand]:
    return _walk(bot.tree.get_commands(type=discord.AppCommandType.chat_input))


def _walk(commands: Sequence[Any]) -> Iterator[SlashCommand]:
    for command in sorted(commands, key=lambda one: one.name):
        if isinstance(command, app_commands.Group):
            yield from _walk(command.commands)
        else:
            yield command


def _is_offered(command: SlashCommand, interaction: discord.Interaction[Any]) -> bool:
    root = command.root_parent or command
    if root.guild_only and interaction.guild_id is None:
        return False
    needed = root.default_permissions
    return needed is None or needed <= interaction.permissions


def _is_permitted(command: SlashCommand, managed: Collection[str]) -> bool:
    wanted = command.extras.get(MANAGES)
    if wanted == ANY_FEATURE:
        return bool(managed)
    return wanted is None or wanted in managed


def _entry(command: SlashCommand, feature: Feature | None, locale: str) -> HelpEntry:
    catalogue = catalogue_for(locale)
    words = command.qualified_name.split()
    parameters = tuple(
        (
            catalogue.pgettext("parameter-name", parameter.name),
            catalogue.gettext(str(parameter.description)),
            parameter.required,
        )
        for parameter in command.parameters
    )
    return HelpEntry(
        name=command.qualified_name,
        shown=" ".join(catalogue.pgettext("command-name", word) for word in words),
        description=description_in(command._locale_description or command.description, locale),
        feature=feature,
        parameters=parameters,
        users=_users_of(command),
    )


def _users_of(command: SlashCommand) -> Message:
    """Return who may use a command, as far as it is not everybody."""
    wanted = command.extras.get(MANAGES)
    if command.extras.get(FOR_OWNERS):
        return _("the owners of this bot")
    if wanted == ANY_FEATURE:
        return _("those with Manage Server, and members who were granted a feature")
    if wanted is not None:
        return _("those with Manage Server, and members who were granted this feature")
    needed = (command.root_parent or command).default_permissions
    if needed is not None:
        return PermissionList(name for name, is_needed in needed if is_needed)
    return _("everybody")


def _own_entry(bot: Pegasus, own: OwnCommand, locale: str) -> HelpEntry:
    text = _("What to say to the command").render(locale)
    chosen = _("members with a role that was chosen for it")
    return HelpEntry(
        name=own.name,
        shown=own.name,
        description=escape_markdown(own.description)
        or _("A command of this server").render(locale),
        feature=bot.kernel.registry.get(_OWN),
        parameters=(("text", text, False),) if own.takes_text else (),
        users=chosen if own.for_roles else _("everybody"),
    )


def overview_embeds(bot: Pegasus, entries: Sequence[HelpEntry], locale: str) -> list[discord.Embed]:
    """Return the pages of the overview, a section per feature."""
    pages, shown = [_page(locale)], 0
    for feature in bot.kernel.registry.all():
        lines = [f"`/{one.shown}` {one.description}" for one in entries if one.feature is feature]
        for block in blocks_of(lines):
            if shown and shown + len(block) > COMMANDS_PER_PAGE:
                pages.append(_page(locale))
                shown = 0
            title = _(feature.title).render(locale)
            pages[-1].add_field(name=title, value="\n".join(block), inline=False)
            shown += len(block)
    return pages


def blocks_of(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines in as few lists as each fit into one field and one page."""
    block: list[str] = []
    for line in lines:
        length = sum(len(one) + 1 for one in block) + len(line)
        if block and (length > LONGEST_FIELD or len(block) == COMMANDS_PER_PAGE):
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def _page(locale: str) -> discord.Embed:
    return discord.Embed(
        title=_("What I can do").render(locale),
        description=_("Type `/help` and a command's name to learn more about it.").render(locale),
        colour=discord.Colour.blurple(),
    )


def group_embed(entries: Sequence[HelpEntry], group: str, locale: str) -> discord.Embed:
    """Return the page that lists the commands of a group; `group` is its name as registered."""
    size = len(group.split())
    shown = " ".join(entries[0].shown.split()[:size])
    embed = discord.Embed(title=f"/{shown}", colour=discord.Colour.blurple())
    embed.description = _("Type `/help` and a command's name to learn more about it.").render(
        locale
    )
    lines = [f"`/{one.shown}` {one.description}" for one in entries]
    for block in blocks_of(lines):
        embed.add_field(name="\u200b", value="\n".join(block), inline=False)
    return embed


def entry_embed(entry: HelpEntry, locale: str) -> discord.Embed:
    """Return the page that explains one command."""
    options = "".join(
        f" {name}" if required else f" [{name}]" for name, _text, required in entry.parameters
    )
    embed = discord.Embed(
        title=f"/{entry.shown}",
        description=f"{entry.description}\n`/{entry.shown}{options}`",
        colour=discord.Colour.blurple(),
    )
    for name, description, required in entry.parameters:
        label = name if required else _("{name} (optional)", name=name).render(locale)
        embed.add_field(name=label, value=description, inline=False)
    embed.add_field(
        name=_("Who may use it").render(locale), value=entry.users.render(locale), inline=False
    )
    if entry.feature is not None:
        embed.set_footer(text=_(entry.feature.title).render(locale))
    return embed
