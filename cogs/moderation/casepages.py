"""Leafs through cases, which are read a page at a time: a guild may have 100,000 of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import discord

from bot.checks import guild_id_of
from bot.core.cases import Case, CaseKind
from bot.core.i18n import Message, _
from bot.localization import locale_of
from bot.replies import OwnedView, answer, unique_id
from cogs.moderation.people import Interaction
from cogs.moderation.wording import case_line

PAGE = 10
_MAX_DESCRIPTION = 4000
_OPEN_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases are listed; with `or_points` also those of other kinds that gave points."""

    target_id: int | None = None
    moderator_id: int | None = None
    kinds: Collection[CaseKind] | None = None
    or_points: bool = False


@dataclass(frozen=True, slots=True)
class _Page:
    cases: tuple[Case, ...]
    is_last: bool


class CasePages(OwnedView):
    """A list of cases with buttons; each page is one query, whatever came before it."""

    def __init__(self, owner_id: int, chosen: CaseFilter, heading: str, locale: str) -> None:
        super().__init__(owner_id, timeout=_OPEN_SECONDS)
        self._filter = chosen
        self._heading = heading
        # Before which number each page up to the present one begins.
        self._starts: list[int | None] = [None]
        self._page = _Page((), is_last=True)
        self._newer: discord.ui.Button[CasePages] = discord.ui.Button(
            label=_("Newer").render(locale), custom_id=unique_id("cases")
        )
        self._older: discord.ui.Button[CasePages] = discord.ui.Button(
            label=_("Older").render(locale), custom_id=unique_id("cases")
        )
        self._newer.callback = self._turn_back
        self._older.callback = self._turn_on
        self.add_item(self._newer).add_item(self._older)

    async def load(self, interaction: Interaction) -> discord.Embed:
        """Read the present page and return it."""
        found = await interaction.client.kernel.cases.list(
            guild_id_of(interaction),
            target_id=self._filter.target_id,
            moderator_id=self._filter.moderator_id,
            kinds=self._filter.kinds,
            or_points=self._filter.or_points,
            before_number=self._starts[-1],
            # One more than is shown tells whether there are more.
            limit=PAGE + 1,
        )
        self._page = _Page(tuple(found[:PAGE]), is_last=len(found) <= PAGE)
        self._newer.disabled = len(self._starts) == 1
        self._older.disabled = self._page.is_last
        locale = locale_of(interaction)
        lines = [case_line(case, locale) for case in self._page.cases]
        text = "\n".join(lines) or _("No cases.").render(locale)
        return discord.Embed(title=self._heading, description=text[:_MAX_DESCRIPTION])

    @property
    def is_needed(self) -> bool:
        """Whether there is more than one page."""
        return not self._page.is_last

    async def _turn_on(self, interaction: Interaction) -> None:
        if not self._page.is_last and self._page.cases:
            self._starts.append(self._page.cases[-1].number)
        await self._show(interaction)

    async def _turn_back(self, interaction: Interaction) -> None:
        if len(self._starts) > 1:
            self._starts.pop()
        await self._show(interaction)

    async def _show(self, interaction: Interaction) -> None:
        await interaction.response.defer()
        embed = await self.load(interaction)
        await interaction.edit_original_response(embed=embed, view=self)


async def show_cases(
    interaction: Interaction,
    *,
    target_id: int | None = None,
    moderator_id: int | None = None,
    kinds: Collection[CaseKind] | None = None,
    or_points: bool = False,
    heading: Message | None = None,
) -> None:
    """Answer with the newest cases, and with buttons when there are more."""
    locale = locale_of(interaction)
    title = (heading or _("Cases")).render(locale)
    chosen = CaseFilter(
        target_id=target_id, moderator_id=moderator_id, kinds=kinds, or_points=or_points
    )
    pages = CasePages(interaction.user.id, chosen, title, locale)
    embed = await pages.load(interaction)
    if pages.is_needed:
        await answer(interaction, embed=embed, view=pages)
    else:
        await answer(interaction, embed=embed)
