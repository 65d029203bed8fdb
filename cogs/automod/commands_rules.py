"""/automod rule: rules made from a few options, shown, switched, changed and removed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import discord
from discord import app_commands

from bot.checks import actor_of, guild_id_of
from bot.core.errors import InvalidInput
from bot.core.fields.text import quote, shorten, shorten_marked
from bot.core.i18n import Message, _, ngettext
from bot.forms import Input, Question, Values, ask
from bot.localization import locale_of
from bot.replies import answer, confirm, paginate
from cogs.automod.desk import (
    MANAGED,
    Interaction,
    begin,
    begin_form,
    complete_rule,
    recheck,
    report,
    rulebook_of,
)
from cogs.automod.editing import ASKED, OPTIONAL_TEXT, Wish, find_rule, rule_from, usual_action
from cogs.automod.expressions import write_actions, write_expression
from cogs.automod.panel import RulePanel
from cogs.automod.rulebook import KEY
from cogs.automod.summaries import TRIGGERS, summary, summary_line

if TYPE_CHECKING:
    from cogs.automod.settings import Rule

_PAGE_RULES = 8
_MAX_CODE = 1500
# The actions offered for a new rule; the panel knows all of them.
_ACTIONS = {
    "Delete the message": "delete",
    "Delete and warn": "delete, warn",
    "Delete and time out": "delete, timeout {duration}",
    "Delete and mute": "delete, mute {duration}",
    "Delete and kick": "delete, kick",
    "Delete and ban": "delete, ban",
    "Delete and ban for a time": "delete, tempban {duration}",
    "Only tell staff": "alert",
}
_DURATIONS = {"timeout": "10m", "tempban": "7d"}


class RuleCommands(app_commands.Group):
    """The commands about single rules."""

    def __init__(self) -> None:
        super().__init__(name="rule", description="Add, change and switch single rules")

    @app_commands.command(description="Add a rule", extras={**MANAGED})
    @app_commands.describe(
        trigger="What to look for",
        action="What to do; left out, the message is deleted, or staff is told where there is none",
        text="Words, patterns or sites to look for; a form asks for them if left out",
        name="What to call the rule",
        limit="From how many on",
        window="Within which time, such as 10s or 1m",
        duration="How long to time out, mute or ban, such as 10m or 7d",
        channel="The trap channel",
        shadow="Only report what the rule would do",
    )
    @app_commands.choices(
        trigger=[app_commands.Choice(name=title, value=key) for key, title in TRIGGERS.items()],
        action=[app_commands.Choice(name=name, value=line) for name, line in _ACTIONS.items()],
    )
    async def add(  # noqa: PLR0917 - the options of the command
        self,
        interaction: Interaction,
        trigger: app_commands.Choice[str],
        action: app_commands.Choice[str] | None = None,
        text: app_commands.Range[str, 1, 4000] | None = None,
        name: app_commands.Range[str, 1, 32] | None = None,
        limit: app_commands.Range[int, 1, 100_000] | None = None,
        window: str | None = None,
        duration: str | None = None,
        channel: discord.TextChannel | None = None,
        shadow: bool = False,
    ) -> None:
        """Make a rule, after asking for what its trigger needs in a form."""
        wish = Wish(
            trigger.value,
            _actions_line(action.value if action else usual_action(trigger.value), duration),
            name,
            text or "",
            limit,
            window,
            (channel.id,) if channel else (),
            shadow,
        )
        if text is None and wish.trigger in ASKED:
            await begin_form(interaction)
            await _ask_for_text(interaction, wish)
            return
        await begin(interaction)
        await _add(interaction, wish)

    @app_commands.command(description="Change everything about a rule", extras={**MANAGED})
    @app_commands.describe(rule="The rule to change")
    @app_commands.autocomplete(rule=complete_rule)
    async def edit(self, interaction: Interaction, rule: str) -> None:
        """Open the panel of a rule."""
        guild_id = await begin(interaction)
        found = find_rule(await rulebook_of(interaction).rules(guild_id), rule)
        await interaction.followup.send(view=RulePanel(interaction, found), ephemeral=True)

    @app_commands.command(description="Remove a rule for good", extras={**MANAGED})
    @app_commands.describe(rule="The rule to remove")
    @app_commands.autocomplete(rule=complete_rule)
    async def remove(self, interaction: Interaction, rule: str) -> None:
        """Ask, with the rule itself, then remove it."""
        guild_id = await begin(interaction)
        book = rulebook_of(interaction)
        found = find_rule(await book.rules(guild_id), rule)
        shown = shorten_marked(summary(found, locale_of(interaction)), 1500)
        question = _("Remove the rule `{name}`?\n{rule}", name=found.name, rule=shown)
        if not await confirm(interaction, question, recheck=recheck):
            return
        await book.remove(guild_id, found, actor_of(interaction))
        done = _(
            "✅ The rule `{name}` is gone. /settings rollback brings it back.", name=found.name
        )
        await answer(interaction, done)

    @app_commands.command(name="list", description="Show all rules", extras={**MANAGED})
    async def list_rules(self, interaction: Interaction) -> None:
        """Show the rules in a few lines each."""
        guild_id = await begin(interaction)
        state = await rulebook_of(interaction).state(guild_id)
        rules = state.settings.rules
        if not rules:
            await answer(
                interaction,
                _(
                    "There are no rules yet. Add one with /automod rule add, or a whole set with "
                    "/automod preset."
                ),
            )
            return
        await paginate(interaction, _pages(rules, state.enabled, locale_of(interaction)))

    @app_commands.command(description="Show all about a rule", extras={**MANAGED})
    @app_commands.describe(rule="The rule to show")
    @app_commands.autocomplete(rule=complete_rule)
    async def show(self, interaction: Interaction, rule: str) -> None:
        """Show a rule in words and as the line that it is written in."""
        guild_id = await begin(interaction)
        found = find_rule(await rulebook_of(interaction).rules(guild_id), rule)
        locale = locale_of(interaction)
        line = f"{write_expression(found.when)}\n➜ {write_actions(found.actions)}"
        code = shorten(line.replace("```", "'''"), _MAX_CODE)
        embed = discord.Embed(
            title=quote(found.name),
            description=f"{shorten_marked(summary(found, locale), 2400)}\n{_folded_away(code)}",
        )
        await answer(interaction, embed=embed)

    @app_commands.command(description="Let a rule act", extras={**MANAGED})
    @app_commands.describe(rule="The rule to switch on")
    @app_commands.autocomplete(rule=complete_rule)
    async def enable(self, interaction: Interaction, rule: str) -> None:
        """Switch a rule on."""
        await switch(interaction, rule, _("The rule `{name}` is on.", name=rule), enabled=True)

    @app_commands.command(description="Have a rule rest; it is kept", extras={**MANAGED})
    @app_commands.describe(rule="The rule to switch off")
    @app_commands.autocomplete(rule=complete_rule)
    async def disable(self, interaction: Interaction, rule: str) -> None:
        """Switch a rule off."""
        await switch(interaction, rule, _("The rule `{name}` is off.", name=rule), enabled=False)


class ShadowCommands(app_commands.Group):
    """The commands that try a rule out in earnest conditions."""

    def __init__(self) -> None:
        super().__init__(name="shadow", description="Have a rule report only, to try it out")

    @app_commands.command(description="Only report what the rule would do", extras={**MANAGED})
    @app_commands.describe(rule="The rule to try out")
    @app_commands.autocomplete(rule=complete_rule)
    async def on(self, interaction: Interaction, rule: str) -> None:
        """Put a rule in shadow."""
        done = _("The rule `{name}` only reports from now on.", name=rule)
        await switch(interaction, rule, done, shadow=True)

    @app_commands.command(description="Let the rule act in earnest", extras={**MANAGED})
    @app_commands.describe(rule="The rule that is to act")
    @app_commands.autocomplete(rule=complete_rule)
    async def off(self, interaction: Interaction, rule: str) -> None:
        """Take a rule out of the shadow."""
        done = _("The rule `{name}` acts from now on.", name=rule)
        await switch(interaction, rule, done, shadow=False)


async def switch(interaction: Interaction, name: str, done: Message, **switches: bool) -> None:
    """Set switches of a rule and answer; says so when they were set already."""
    guild_id = await begin(interaction)
    book = rulebook_of(interaction)
    seen = find_rule(await book.rules(guild_id), name)
    changed = seen.model_copy(update=switches)
    if changed == seen:
        await answer(interaction, _("Nothing was different."))
        return
    await book.replace(guild_id, seen, changed, actor_of(interaction))
    await report(interaction, Message(done.msgid, {"name": seen.name}), changed)


def _folded_away(code: str) -> str:
    """Return a rule as it is written, to be shown by a press: it may hold slurs."""
    block = f"```\n{code}\n```"
    # Two bars in a pattern would end the mark in its midst.
    return block if "||" in code else f"||{block}||"


def _actions_line(line: str, duration: str | None) -> str:
    if "{duration}" not in line:
        if duration is not None:
            raise InvalidInput(
                _("This action has no duration."),
                hint=_("Leave it out, or choose to time out, to mute or to ban for a time."),
            )
        return line
    kind = line.removesuffix(" {duration}").rpartition(" ")[2]
    wanted = _DURATIONS.get(kind, "") if duration is None else f'"{duration.replace(chr(34), "")}"'
    return line.replace(" {duration}", f"({wanted})" if wanted else "")


async def _ask_for_text(interaction: Interaction, wish: Wish) -> None:
    text = Input(
        "text",
        _(TRIGGERS[wish.trigger]),
        _(ASKED[wish.trigger]),
        kind="paragraph",
        required=wish.trigger not in OPTIONAL_TEXT,
    )

    async def submitted(pressed: Interaction, values: Values) -> None:
        await begin(pressed)
        await _add(pressed, replace(wish, text=values["text"]))

    await ask(interaction, KEY, Question(_("A new rule"), [text]), submitted)


async def _add(interaction: Interaction, wish: Wish) -> None:
    guild_id = guild_id_of(interaction)
    book = rulebook_of(interaction)
    rule = rule_from(wish, [one.name for one in await book.rules(guild_id)])
    await book.add(guild_id, rule, actor_of(interaction))
    await report(
        interaction,
        _("The rule `{name}` is there.", name=rule.name),
        rule,
        _("Try it out with /automod test, and change it with /automod rule edit."),
    )


def _pages(rules: tuple[Rule, ...], enabled: bool, locale: str) -> list[discord.Embed]:
    title = ngettext("{count} rule", "{count} rules", len(rules)).render(locale)
    note = "" if enabled else f"⚠️ {_('Automod is switched off here.').render(locale)}\n\n"
    lines = [summary_line(one, locale) for one in rules]
    legend = _("🟢 on · 👁️ shadow · ⚪ off").render(locale)
    return [
        discord.Embed(
            title=title, description=note + "\n".join(lines[start : start + _PAGE_RULES])
        ).set_footer(text=legend)
        for start in range(0, len(lines), _PAGE_RULES)
    ]
