"""The panels with which hosts change a giveaway, or make one: a button for each form.

A draft is only its maker's until it is started; then everything in it holds from the first second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import discord
import structlog

from bot.checks import actor_of, guild_id_of
from bot.core.i18n import Message, _
from bot.core.money import currency_of
from bot.forms import Question, Values, ask
from bot.localization import locale_of
from bot.replies import OwnedView, answer, unique_id
from cogs.giveaways.access import Interaction, ensure_host, ensure_may_handle
from cogs.giveaways.columns import plan_of, window_of
from cogs.giveaways.desk import ensure_may_promise, is_never, make_order, read_times
from cogs.giveaways.items import titles_in
from cogs.giveaways.listing import describe
from cogs.giveaways.opening import Opening
from cogs.giveaways.plan import Plan
from cogs.giveaways.questions import FORMS
from cogs.giveaways.rules import checked_plan
from cogs.giveaways.settings import KEY
from cogs.giveaways.typed import Change, Edit
from cogs.giveaways.wording import View, draft_embed
from db import giveaway_hosting as table
from db.giveaways import Giveaway

if TYPE_CHECKING:
    from bot.client import Pegasus

log = structlog.get_logger(__name__)

# As long as an interaction's token lives, nearly.
_SECONDS = 840.0
_PER_ROW = 3
Open = Callable[[Interaction, Plan, int, None], Awaitable[None]]


class PlanPanel(OwnedView):
    """One person's panel over a plan: a button for each form."""

    def __init__(self, interaction: Interaction) -> None:
        super().__init__(interaction.user.id, timeout=_SECONDS)
        self._shown = interaction
        self._locale = locale_of(interaction)
        for at, (label, form, edit) in enumerate(FORMS):
            self.add_button(label, self._opener(form, edit), row=at // _PER_ROW)

    @property
    def plan(self) -> Plan:
        """What is changed, as it is now."""
        raise NotImplementedError

    async def check(self, pressed: Interaction) -> None:
        """Raise unless the person may still do it: they were asked when the panel opened."""
        raise NotImplementedError

    async def take(self, pressed: Interaction, change: Change) -> None:
        """Keep what a form says, and answer; raises `InvalidInput` for what can't be."""
        raise NotImplementedError

    async def show(self) -> None:
        """Show it as it is now."""
        raise NotImplementedError

    def add_button(self, label: Message, callback: Any, **options: Any) -> None:
        """Add a button."""
        button: discord.ui.Button[PlanPanel] = discord.ui.Button(
            label=label.render(self._locale), custom_id=unique_id(KEY), **options
        )
        button.callback = callback
        self.add_item(button)

    def _opener(self, form: Callable[[Plan], Question], edit: Edit) -> Any:
        async def submitted(pressed: Interaction, values: Values) -> None:
            await pressed.response.defer(ephemeral=True, thinking=True)
            await self.check(pressed)
            change = await edit(pressed, self.plan, values)
            await ensure_may_promise(pressed, change.plan, self.plan)
            await self.take(pressed, change)
            await self.show()

        async def open_form(pressed: Interaction) -> None:
            await ask(pressed, KEY, form(self.plan), submitted)

        return open_form


# --- a giveaway that there is --------------------------------------------------------------------


class EditPanel(PlanPanel):
    """The panel over a giveaway."""

    def __init__(self, interaction: Interaction, opening: Opening, giveaway: Giveaway) -> None:
        super().__init__(interaction)
        self._opening = opening
        self._giveaway = giveaway

    @property
    def plan(self) -> Plan:
        """What the giveaway is."""
        return plan_of(self._giveaway)

    async def check(self, pressed: Interaction) -> None:
        """Raise unless the person may handle the giveaway."""
        await ensure_may_handle(pressed, self._giveaway)

    async def take(self, pressed: Interaction, change: Change) -> None:
        """Change the giveaway."""
        self._giveaway = await self._opening.change(
            self._giveaway,
            actor_of(pressed),
            change.plan,
            ends_at=change.ends_at,
            is_untimed=is_never(change.ends),
        )
        await answer(pressed, _("✅ Saved. The message shows it in a moment."))

    async def show(self) -> None:
        """Show the giveaway as it is now."""
        text, *more = await pages_about(self._shown.client, self._giveaway, self._locale)
        if more:
            text += "\n" + _("All of it: /giveaway info.").render(self._locale)
        await self._shown.edit_original_response(
            content=text, view=self, allowed_mentions=discord.AllowedMentions.none()
        )


async def pages_about(bot: Pegasus, giveaway: Giveaway, locale: str) -> list[str]:
    """Return what is said of a giveaway, in pages."""
    currency = await currency_of(bot.kernel.settings, giveaway.guild_id)
    async with bot.kernel.database.read() as session:
        entries = await table.count_entries(session, giveaway.id)
        winners = await table.list_winner_ids(session, giveaway.id)
        items = await titles_in(session, giveaway)
    return describe(giveaway, currency, entries, winners, locale, items=items)


async def open_panel(interaction: Interaction, opening: Opening, giveaway: Giveaway) -> None:
    """Answer a deferred command with the panel."""
    await EditPanel(interaction, opening, giveaway).show()


# --- a draft -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draft:
    """A giveaway that is being made; `ends` is when it ends in the words of its maker."""

    plan: Plan
    ends: str
    channel_id: int


class DraftPanel(PlanPanel):
    """The panel over a draft, which nobody else sees."""

    def __init__(
        self, interaction: Interaction, opening: Opening, draft: Draft, start: Open
    ) -> None:
        super().__init__(interaction)
        self._opening = opening
        self._draft = draft
        self._start = start
        self._is_starting = False
        row = len(FORMS) // _PER_ROW
        self.add_button(_("Start it"), self._begin, row=row, style=discord.ButtonStyle.success)
        self.add_button(_("Discard"), self._discard, row=row)

    @property
    def plan(self) -> Plan:
        """What the draft says."""
        return self._draft.plan

    async def check(self, pressed: Interaction) -> None:
        """Raise unless the person may start giveaways."""
        await ensure_host(pressed)

    async def take(self, pressed: Interaction, change: Change) -> None:
        """Change the draft."""
        draft = replace(self._draft, plan=change.plan, ends=change.ends or self._draft.ends)
        self._draft = await _read_again(pressed, draft)
        await answer(pressed, _("✅ Kept. It is not started yet."))

    async def show(self) -> None:
        """Show how the message would look."""
        embed = await _preview(self._shown, self._opening, self._draft, self._locale)
        text = _(
            "This is how it will look in {channel}. Nobody sees it yet: change what you like, then "
            "start it.",
            channel=f"<#{self._draft.channel_id}>",
        )
        await self._shown.edit_original_response(
            content=text.render(self._locale),
            embed=embed,
            view=self,
            allowed_mentions=discord.AllowedMentions.none(),
        )

    async def _begin(self, pressed: Interaction) -> None:
        await pressed.response.defer(ephemeral=True, thinking=True)
        await self.check(pressed)
        if self._is_starting:
            # Pressed twice in a row.
            await pressed.delete_original_response()
            return
        self._is_starting = True
        try:
            # "Friday 8pm" is nearer now than when it was written.
            draft = await _read_again(pressed, self._draft)
            await self._start(pressed, draft.plan, draft.channel_id, None)
        except BaseException:
            self._is_starting = False
            raise
        await self._close(_("This giveaway was started."))

    async def _discard(self, pressed: Interaction) -> None:
        await pressed.response.defer()
        await self._close(_("Discarded: nothing was started."))

    async def on_timeout(self) -> None:
        """Say that the buttons answer no more."""
        await self._close(_("Not started in time. /giveaway create makes another."))

    async def _close(self, words: Message) -> None:
        self.stop()
        try:
            await self._shown.edit_original_response(
                content=words.render(self._locale), embed=None, view=None
            )
        except discord.HTTPException as error:
            # Dismissed by its reader.
            log.info("draft_not_closed", code=error.code)


async def _read_again(interaction: Interaction, draft: Draft) -> Draft:
    """Return the draft with how long it lasts from now on; raises `InvalidInput`."""
    times = await read_times(interaction, None, draft.ends)
    return replace(draft, plan=checked_plan(replace(draft.plan, duration=times.duration)))


async def _preview(
    interaction: Interaction, opening: Opening, draft: Draft, locale: str
) -> discord.Embed:
    order = make_order(interaction, draft.plan, draft.channel_id)
    kernel, guild_id = interaction.client.kernel, guild_id_of(interaction)
    giveaway = await opening.preview(order)
    async with kernel.database.read() as session:
        items = await titles_in(session, giveaway)
    view = View(
        giveaway=giveaway,
        settings=(await kernel.settings.get(guild_id, KEY)).settings,
        currency=await currency_of(kernel.settings, guild_id),
        items=items,
    )
    return discord.Embed.from_dict(draft_embed(view, locale))


async def open_draft(interaction: Interaction, opening: Opening, draft: Draft, start: Open) -> None:
    """Answer a deferred form with the draft; raises `InvalidInput` for a plan with mistakes."""
    # What the guild has set is shown in the form, and can be taken out of it.
    state = await interaction.client.kernel.settings.get(guild_id_of(interaction), KEY)
    plan = replace(draft.plan, claim_window=window_of(draft.plan, state.settings))
    draft = await _read_again(interaction, replace(draft, plan=plan))
    await DraftPanel(interaction, opening, draft, start).show()
