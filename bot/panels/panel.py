"""The panel itself: one person's view of one feature's settings, which reacts to what they press.

Every press is answered at once, waits for the presses before it and asks again whether the person
may still do this. A change names the revision that the panel shows, so that nobody's change is
overwritten unseen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Self, TypeAlias

import discord
import structlog
from discord import ui

from bot.checks import actor_of, ensure_manages, guild_id_of, in_time
from bot.core.contracts import Actor
from bot.core.errors import InvalidInput
from bot.core.features import Feature
from bot.core.fields import FieldInfo, Widget, describe_fields
from bot.core.fields.text import edited_by, escape_markdown, shorten
from bot.core.i18n import Message, _
from bot.core.problems.merging import merge_places
from bot.core.settings import Change, Diff, FeatureState, Revision, StaleSettings
from bot.core.settings.model import diff_between
from bot.panels.forms import FieldModal, fits_a_modal
from bot.panels.owned import Interaction, OwnedPanel
from bot.panels.paging import pages_of
from bot.panels.screens import (
    Buttons,
    Content,
    Notice,
    changed_titles,
    closed_screen,
    confirm_screen,
    edit_label,
    history_screen,
    settings_screen,
)
from bot.panels.wording import outcome_text, revision_label, stale_text
from bot.replies import answer

log = structlog.get_logger(__name__)

HISTORY_LENGTH = 10
# What the metrics count the panel's components under.
NAMESPACE = "panel"

Press: TypeAlias = "Callable[[Interaction], Awaitable[None]]"


class SettingsPanel(OwnedPanel):
    """Shows and changes a feature's settings for the person who opened it."""

    def __init__(self, interaction: Interaction, feature: Feature, state: FeatureState) -> None:
        super().__init__(interaction)
        self._kernel = interaction.client.kernel
        self._feature = feature
        self._guild_id = guild_id_of(interaction)
        self._state = state
        self._page = 0
        self._notice: Notice | None = None
        self._typed: str | None = None
        self._fields = describe_fields(feature.settings)
        self._last_page = len(pages_of(self._fields)) - 1
        # How often the panel was drawn; a press knows which drawing it was made on.
        self._drawing = 0
        self._turns = asyncio.Lock()

    @classmethod
    async def create(cls, interaction: Interaction, feature: Feature) -> Self:
        """Return a panel that shows the settings as they are now."""
        kernel = interaction.client.kernel
        state = await kernel.settings.get(guild_id_of(interaction), feature.key)
        panel = cls(interaction, feature, state)
        await panel._draw_settings()
        return panel

    def closed(self) -> ui.Item[Any]:
        """Return the settings without what could be pressed."""
        return closed_screen(self._content())

    # --- what is pressed ----------------------------------------------------------------------

    def _in_turn(self, work: Press, *, once: bool = False) -> Press:
        """Return a press that answers Discord, then works when the presses before it are done.

        With `once`, it does nothing when one of those has drawn the panel anew: it was not meant
        for what is shown by then.
        """
        drawing = self._drawing

        async def press(interaction: Interaction) -> None:
            await interaction.response.defer()
            async with self._turns:
                if once and drawing != self._drawing:
                    return
                await ensure_manages(interaction, self._feature.key)
                await work(interaction)

        return press

    async def _edit(self, interaction: Interaction, field: FieldInfo) -> None:
        value = self._content().values[field.name]
        if field.form.widget is Widget.DOCUMENT:
            await answer(interaction, edited_by(field))
        elif fits_a_modal(field, value):
            await self._open_form(interaction, self._form(field, value, None))
        else:
            text = _("This is too long to edit here. Use the dashboard, or reset it first.")
            await answer(interaction, text)

    async def _correct(self, interaction: Interaction) -> None:
        field = self._notice.field if self._notice else None
        if field is None:  # corrected by a press just before
            await interaction.response.defer()
            return
        value = self._content().values[field.name]
        await self._open_form(interaction, self._form(field, value, self._typed))

    async def _open_form(self, interaction: Interaction, form: FieldModal) -> None:
        # Discord takes no form after a deferral.
        async with in_time():
            await ensure_manages(interaction, self._feature.key)
        await interaction.response.send_modal(form)

    async def _submitted(
        self, interaction: Interaction, field: FieldInfo, value: Any, typed: str | None
    ) -> None:
        self._latest = interaction
        revision = self._state.revision

        async def change(pressed: Interaction) -> None:
            self._typed = typed
            # Only what was typed can be shown again to be corrected.
            await self._change(
                pressed, {field.name: value}, revision, None if typed is None else field
            )

        await self._in_turn(change)(interaction)

    async def _change(
        self,
        interaction: Interaction,
        changes: Mapping[str, Any],
        revision: int,
        corrected: FieldInfo | None = None,
    ) -> None:
        await self._attempt(
            lambda: self._kernel.settings.change(
                self._guild_id,
                self._feature.key,
                changes,
                actor=self._actor(interaction),
                expected_revision=revision,
            ),
            corrected,
        )
        await self._show(interaction)

    async def _switch(self, interaction: Interaction) -> None:
        await self._attempt(
            lambda: self._kernel.settings.change(
                self._guild_id,
                self._feature.key,
                {},
                actor=self._actor(interaction),
                enabled=not self._state.enabled,
                expected_revision=self._state.revision,
            )
        )
        await self._show(interaction)

    async def _attempt(
        self, change: Callable[[], Awaitable[Change]], field: FieldInfo | None = None
    ) -> None:
        """Make a change and turn what came of it into the panel's notice."""
        try:
            made = await change()
        except StaleSettings as error:
            self._notice = Notice(stale_text(self._feature, error, self._owner_id, self._locale))
        except InvalidInput as error:
            problem = escape_markdown(error.render(self._locale))
            self._notice = Notice(f"❌ {problem}", field)
        else:
            self._notice = Notice(outcome_text(self._feature, made, self._locale))

    async def _turn(self, interaction: Interaction, step: int) -> None:
        self._page = min(max(self._page + step, 0), self._last_page)
        self._notice = None
        await self._show(interaction)

    # --- history, rollback, reset -------------------------------------------------------------

    async def _show_history(self, interaction: Interaction) -> None:
        await self._read_state()
        revisions = await self._kernel.settings.history(
            self._guild_id, self._feature.key, HISTORY_LENGTH
        )
        self._begin_drawing()
        back = self._button("back", _("Back"), self._show_settings)
        menu = self._revision_menu(revisions) if revisions else None
        self.add_item(history_screen(self._content(), revisions, menu, back))
        await interaction.edit_original_response(view=self)

    def _revision_menu(self, revisions: list[Revision]) -> ui.Select[Any]:
        menu: ui.Select[Any] = ui.Select(
            custom_id=f"{NAMESPACE}:revision", placeholder=self._say(_("Go back to…"))
        )
        for one in revisions[1:]:
            titles = changed_titles(self._feature, one.diff)
            described = ", ".join(self._say(title) for title in titles)
            menu.add_option(
                label=revision_label(one, self._owner_id, self._locale),
                value=str(one.revision),
                description=shorten(described, 100),
            )
        menu.add_option(label=self._say(_("As it was before all changes")), value="0")

        async def choose(interaction: Interaction) -> None:
            await self._ask_rollback(interaction, int(menu.values[0]))

        menu.callback = self._in_turn(choose, once=True)  # pyright: ignore[reportAttributeAccessIssue]
        return menu

    async def _ask_rollback(self, interaction: Interaction, number: int) -> None:
        await self._read_state()
        settings = self._kernel.settings
        diff = await settings.preview_rollback(self._guild_id, self._feature.key, number)
        question = _("Go back to revision {number}?", number=number)

        async def rollback(pressed: Interaction) -> None:
            await self._attempt(
                lambda: settings.rollback(
                    self._guild_id,
                    self._feature.key,
                    number,
                    actor=self._actor(pressed),
                    expected_revision=self._state.revision,
                )
            )
            await self._show(pressed)

        await self._ask(interaction, question, diff, _("Go back"), rollback)

    async def _ask_reset(self, interaction: Interaction) -> None:
        await self._read_state()
        default = self._feature.settings()
        enabled = (self._state.enabled, self._state.enabled)
        diff = diff_between(self._state.settings, default, enabled)
        question = _("Reset all settings of {feature}?", feature=_(self._feature.title))

        async def reset(pressed: Interaction) -> None:
            await self._attempt(
                lambda: self._kernel.settings.reset(
                    self._guild_id,
                    self._feature.key,
                    None,
                    actor=self._actor(pressed),
                    expected_revision=self._state.revision,
                )
            )
            await self._show(pressed)

        await self._ask(interaction, question, diff, _("Reset"), reset)

    async def _ask(
        self, interaction: Interaction, question: Message, diff: Diff, yes: Message, then: Press
    ) -> None:
        self._begin_drawing()
        danger = discord.ButtonStyle.danger
        accept = self._button("accept", yes, then, style=danger, once=True)
        refuse = self._button("back", _("Cancel"), self._show_settings)
        self.add_item(confirm_screen(self._content(), question, diff, accept, refuse))
        await interaction.edit_original_response(view=self)

    # --- drawing ------------------------------------------------------------------------------

    async def _show_settings(self, interaction: Interaction) -> None:
        self._notice = None
        await self._show(interaction)

    async def _show(self, interaction: Interaction) -> None:
        await self._draw_settings()
        await interaction.edit_original_response(view=self)

    async def _draw_settings(self) -> None:
        await self._read_state()
        problems = merge_places(await self._kernel.problems.find(self._guild_id, self._feature.key))
        self._begin_drawing()
        content = self._content(problems)
        self.add_item(settings_screen(content, self._buttons(content)))

    async def _read_state(self) -> None:
        self._state = await self._kernel.settings.get(self._guild_id, self._feature.key)

    def _begin_drawing(self) -> None:
        self._drawing += 1
        drawn = self.children
        self.clear_items()
        for item in drawn:
            # Until Discord shows the new drawing the old one can be pressed, and belongs here.
            item._update_view(self)

    def _content(self, problems: Any = ()) -> Content:
        return Content(
            feature=self._feature,
            state=self._state,
            locale=self._locale,
            page=self._page,
            problems=problems,
            notice=self._notice,
            values=self._state.settings.to_json(),
        )

    def _buttons(self, content: Content) -> Buttons:
        pages = pages_of(self._fields)
        edit = {field.name: self._edit_button(content, field) for field in pages[self._page]}
        correct = None
        if self._notice and self._notice.field:
            correct = self._button("correct", _("Correct it"), self._correct, immediate=True)
        tools = (
            self._button("history", _("History"), self._show_history),
            self._button("reset", _("Reset"), self._ask_reset),
            self._button("refresh", _("Refresh"), self._show_settings),
        )
        turn = self._turn_buttons()
        return Buttons(edit, correct, self._switch_button(), tools, turn)

    def _edit_button(self, content: Content, field: FieldInfo) -> ui.Button[Any]:
        async def edit(interaction: Interaction) -> None:
            await self._edit(interaction, field)

        async def toggle(interaction: Interaction) -> None:
            value = not content.values[field.name]
            await self._change(interaction, {field.name: value}, self._state.revision)

        name, label = f"edit:{field.name}", edit_label(content, field)
        if field.form.widget is Widget.TOGGLE:
            return self._button(name, label, toggle, once=True)
        return self._button(name, label, edit, immediate=True)

    def _switch_button(self) -> ui.Button[Any] | None:
        if self._feature.always_on:
            return None
        on = self._state.enabled
        label = _("Switch the feature off") if on else _("Switch the feature on")
        style = discord.ButtonStyle.secondary if on else discord.ButtonStyle.success
        return self._button("switch", label, self._switch, style=style, once=True)

    def _turn_buttons(self) -> tuple[ui.Button[Any], ...]:
        if self._last_page == 0:
            return ()
        back = self._button("previous", _("Back"), lambda pressed: self._turn(pressed, -1))
        on = self._button("next", _("Next"), lambda pressed: self._turn(pressed, 1))
        place = _("Page {page} of {pages}", page=self._page + 1, pages=self._last_page + 1)
        here = ui.Button[Any](label=self._say(place), disabled=True, custom_id=f"{NAMESPACE}:page")
        back.disabled, on.disabled = self._page == 0, self._page == self._last_page
        return (back, here, on)

    def _button(
        self,
        name: str,
        label: Message,
        press: Press,
        *,
        style: discord.ButtonStyle = discord.ButtonStyle.secondary,
        once: bool = False,
        immediate: bool = False,
    ) -> ui.Button[Any]:
        """Make a button; an `immediate` press answers for itself instead of taking its turn."""
        button: ui.Button[Any] = ui.Button(
            label=self._say(label)[:80], style=style, custom_id=f"{NAMESPACE}:{name}"
        )
        callback = press if immediate else self._in_turn(press, once=once)
        button.callback = callback  # pyright: ignore[reportAttributeAccessIssue]
        return button

    def _form(self, field: FieldInfo, value: Any, typed: str | None) -> FieldModal:
        return FieldModal(
            field,
            value,
            state=self._kernel.state(),
            guild_id=self._guild_id,
            locale=self._locale,
            submitted=self._submitted,
            typed=typed,
        )

    def _actor(self, interaction: Interaction) -> Actor:
        return replace(actor_of(interaction), source="panel")

    def _say(self, message: Message) -> str:
        return message.render(self._locale)
