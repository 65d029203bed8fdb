"""The panel of one rule: what it is, a menu of what can be changed, and its switches.

Every change is saved at once, and only if the rule still is what the panel shows. What is typed
and refused stays in its form until the form is opened again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import discord
from discord import ui

from bot.checks import actor_of, ensure_manages, guild_id_of, in_time
from bot.core.durations import compact_duration
from bot.core.errors import AppError, Conflict, InvalidInput, NotFound
from bot.core.fields.text import quote, shorten_marked
from bot.core.i18n import N_, Message, _
from bot.forms import MAX_INPUT, Input, Interaction, Question, Values, ask
from bot.panels.owned import OwnedPanel, message_of
from cogs.automod.editing import (
    find_rule,
    read_rule_json,
    read_steps,
    slug_of,
    updated,
    write_rule_json,
    write_steps,
)
from cogs.automod.expressions import (
    read_actions,
    read_expression,
    write_actions,
    write_expression,
)
from cogs.automod.rulebook import KEY, Rulebook
from cogs.automod.summaries import summary

if TYPE_CHECKING:
    from cogs.automod.settings import Rule

_ID = "automod:panel:{}"

Reader = Callable[["Rule", Values], "Rule"]

_WHEN_HELP = _(
    "For example `words(idiot, moron) and not has_roles(@role's ID)`. Join parts with **and**, "
    "**or**, **not** and brackets; JSON works, too."
)
_ACTIONS_HELP = _(
    "One on each line: delete · warn 2 · timeout 10m · mute 1h · kick · tempban 7d · ban · "
    "add_role ID 1d · remove_role ID · alert · slowmode 10 10m · lock 10m · pause_invites 1h"
)
_STEPS_HELP = _(
    "What follows instead from the second hit of a member on, for example\n`2: delete, timeout 1h`"
    "\n`4: ban`"
)


# --- what each form asks for and makes of the answers -------------------------------------------


def _when_question(rule: Rule) -> Question:
    text = write_expression(rule.when)
    if len(text) > MAX_INPUT:
        raise _too_long()
    line = Input("when", _("What to look for"), value=text, kind="paragraph", required=True)
    return Question(_("What to look for"), [line], _WHEN_HELP)


def _read_when(rule: Rule, values: Values) -> Rule:
    return updated(rule, when=read_expression(values["when"]))


def _actions_question(rule: Rule) -> Question:
    text = write_actions(rule.actions).replace("), ", ")\n")
    lines = Input("actions", _("What follows"), value=text, kind="paragraph", required=True)
    reason = Input("reason", _("Reason that members are told"), value=rule.reason)
    return Question(_("What follows"), [lines, reason], _ACTIONS_HELP)


def _read_actions(rule: Rule, values: Values) -> Rule:
    return updated(rule, actions=read_actions(values["actions"]), reason=values["reason"].strip())


def _steps_question(rule: Rule) -> Question:
    text = write_steps(rule.escalation)
    window = compact_duration(rule.strikes_window)
    return Question(
        _("Repeated hits"),
        [
            Input("steps", _("Steps; empty for none"), value=text, kind="paragraph"),
            Input("window", _("Hits are forgotten after"), value=window, required=True),
        ],
        _STEPS_HELP,
    )


def _read_steps(rule: Rule, values: Values) -> Rule:
    return updated(rule, escalation=read_steps(values["steps"]), strikes_window=values["window"])


def _spared_question(rule: Rule) -> Question:
    return Question(
        _("Whom it spares"),
        [
            Input("exempt_roles", _("Roles"), value=rule.exempt_roles, kind="roles"),
            Input("exempt_channels", _("Channels"), value=rule.exempt_channels, kind="channels"),
            Input("exempt_members", _("Members"), value=rule.exempt_members, kind="members"),
        ],
        _("The exemptions of all rules are in /automod settings."),
    )


def _read_spared(rule: Rule, values: Values) -> Rule:
    return updated(rule, **values)


def _name_question(rule: Rule) -> Question:
    name = Input("name", _("Name"), value=rule.name, required=True)
    return Question(_("Name"), [name])


def _read_name(rule: Rule, values: Values) -> Rule:
    return updated(rule, name=slug_of(values["name"]))


def _json_question(rule: Rule) -> Question:
    text = write_rule_json(rule)
    if len(text) > MAX_INPUT:
        raise _too_long()
    return Question(
        _("The whole rule"),
        [Input("json", _("JSON"), value=text, kind="paragraph", required=True)],
    )


def _read_json(_rule: Rule, values: Values) -> Rule:
    return read_rule_json(values["json"])


def _too_long() -> InvalidInput:
    return InvalidInput(
        _("This is too long for a form."),
        hint=_("Take it out with /automod export, change the file, and use /automod import."),
    )


_PARTS: Mapping[str, tuple[str, str, Callable[[Rule], Question], Reader]] = {
    "when": (N_("What to look for"), "🔎", _when_question, _read_when),
    "actions": (N_("What follows"), "🔨", _actions_question, _read_actions),
    "steps": (N_("Repeated hits"), "📈", _steps_question, _read_steps),
    "spared": (N_("Whom it spares"), "🛟", _spared_question, _read_spared),
    "name": (N_("Name"), "🏷️", _name_question, _read_name),
    "json": (N_("The whole rule"), "🧩", _json_question, _read_json),
}


class RulePanel(OwnedPanel):
    """Shows and changes one rule for the person who opened it."""

    def __init__(self, interaction: Interaction, rule: Rule) -> None:
        super().__init__(interaction)
        self._book = Rulebook(interaction.client.kernel.settings)
        self._guild_id = guild_id_of(interaction)
        self._rule = rule
        self._notice = ""
        self._refused: dict[str, Values] = {}
        self._draw()

    async def ensure_may(self, interaction: Interaction) -> None:
        """Raise `Denied` for who does not manage this any more."""
        async with in_time():
            await ensure_manages(interaction, KEY)

    def closed(self) -> ui.Item[Any]:
        """Return what the rule is, without the controls that are dead by now."""
        return ui.Container(ui.TextDisplay(self._text()))

    # --- drawing ------------------------------------------------------------------------------

    def _draw(self) -> None:
        rule, locale = self._rule, self._locale
        menu: ui.Select[Any] = ui.Select(
            custom_id=_ID.format("edit"),
            placeholder=_("What do you want to change?").render(locale),
            options=[
                discord.SelectOption(label=_(title).render(locale), value=key, emoji=emoji)
                for key, (title, emoji, _question, _read) in _PARTS.items()
            ],
        )
        menu.callback = self._edit
        self._menu = menu
        switches = [
            self._switch("enabled", _("Switch off") if rule.enabled else _("Switch on")),
            self._switch("shadow", _("Act in earnest") if rule.shadow else _("Only report")),
            self._switch("bots", _("Leave bots alone") if rule.bots else _("Judge bots, too")),
        ]
        container: ui.Container[Any] = ui.Container(ui.TextDisplay(self._text()))
        if self._notice:
            container.add_item(ui.Separator()).add_item(ui.TextDisplay(self._notice))
        container.add_item(ui.ActionRow(menu)).add_item(ui.ActionRow(*switches))
        self.clear_items().add_item(container)

    def _text(self) -> str:
        title = _("Rule {name}", name=quote(self._rule.name)).render(self._locale)
        return f"### {title}\n{shorten_marked(summary(self._rule, self._locale), 3000)}"

    def _switch(self, name: str, label: Message) -> ui.Button[Any]:
        button: ui.Button[Any] = ui.Button(
            label=label.render(self._locale), custom_id=_ID.format(name)
        )

        async def press(interaction: Interaction) -> None:
            value = not getattr(self._rule, name)
            await interaction.response.defer()
            await self._save(lambda: updated(self._rule, **{name: value}), interaction)

        button.callback = press
        return button

    # --- changing -----------------------------------------------------------------------------

    async def _edit(self, interaction: Interaction) -> None:
        part = self._menu.values[0]
        _title, _emoji, question, read = _PARTS[part]
        asked = question(self._rule).filled(self._refused.get(part, {}))
        home = message_of(interaction)

        async def submitted(pressed: Interaction, values: Values) -> None:
            # First: what the form was opened by can't show the panel any more.
            await pressed.response.defer()
            if is_here := message_of(pressed) == home:
                self._latest = pressed
            await ensure_manages(pressed, KEY)
            self._refused[part] = values
            if await self._save(lambda: read(self._rule, values), pressed):
                del self._refused[part]
            if not is_here:
                # Sent from the answer to an earlier try, which is not the panel's message.
                await pressed.edit_original_response(content=self._notice, view=None)

        await ask(interaction, KEY, asked, submitted)

    async def _save(self, make: Callable[[], Rule], interaction: Interaction) -> bool:
        """Save what is made of the rule, and show it or what is wrong with it in the panel."""
        try:
            changed = make()
            if changed != self._rule:
                actor = actor_of(interaction)
                await self._book.replace(self._guild_id, self._rule, changed, actor)
            self._rule = changed
            self._notice = f"✅ {_('Saved.').render(self._locale)}"
        except (InvalidInput, NotFound) as error:
            await self._take_over(error)
        self._draw()
        await self._latest.edit_original_response(view=self)
        return self._notice.startswith("✅")

    async def _take_over(self, error: AppError) -> None:
        """Say what is wrong; after somebody else's change, show the rule as it is now."""
        lines = [f"⚠️ {error.render(self._locale)}"]
        if isinstance(error, Conflict):
            rules = await self._book.rules(self._guild_id)
            self._rule = find_rule(rules, self._rule.name)
        elif isinstance(error, InvalidInput):
            kept = _("Nothing was saved; the form keeps what you wrote.")
            lines.append(f"-# {kept.render(self._locale)}")
        self._notice = "\n".join(lines)
