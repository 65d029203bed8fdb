"""Boards and histories by pages that are read when they are turned to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import discord

from bot.checks import guild_id_of
from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import Message, _
from bot.core.ledger import TransactionKind
from bot.localization import locale_of
from bot.replies import OwnedView, answer, unique_id
from cogs.economy.desk import public_locale
from cogs.economy.wording import Currency, plain, signed
from db import economy as table
from db import economy_books as books
from db.economy_books import Line

if TYPE_CHECKING:
    from cogs.economy.desk import Interaction

PAGE = 10
_MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}
_MAX_REASON = 80

# Returns the embed of a page, counted from 0, and whether there is one after it.
Reader = Callable[[int], Awaitable[tuple[discord.Embed, bool]]]


class Browser(OwnedView):
    """Turns pages that are read from the database one at a time."""

    def __init__(self, owner_id: int, read: Reader, *, locale: str | None) -> None:
        super().__init__(owner_id, timeout=600)
        self._read = read
        self._page = 0
        self._back: discord.ui.Button[Browser] = discord.ui.Button(
            label=_("Back").render(locale), custom_id=unique_id("economy-page")
        )
        self._next: discord.ui.Button[Browser] = discord.ui.Button(
            label=_("Next").render(locale), custom_id=unique_id("economy-page")
        )
        self._back.callback = self._turn_back
        self._next.callback = self._turn_on
        self.add_item(self._back).add_item(self._next)

    async def load(self, page: int) -> tuple[discord.Embed, bool]:
        """Return a page; the second value tells whether there are others."""
        embed, more = await self._read(page)
        self._page = page
        self._back.disabled, self._next.disabled = page == 0, not more
        return embed, more

    async def _turn_back(self, interaction: discord.Interaction) -> None:
        await self._show(interaction, max(0, self._page - 1))

    async def _turn_on(self, interaction: discord.Interaction) -> None:
        # A second press may come when the first has shown the last page.
        await self._show(interaction, self._page + (not self._next.disabled))

    async def _show(self, interaction: discord.Interaction, page: int) -> None:
        await interaction.response.defer()
        embed, _more = await self.load(page)
        await interaction.edit_original_response(embed=embed, view=self)


async def browse(interaction: Interaction, read: Reader, locale: str | None) -> None:
    """Answer with the first page, and with buttons where there are more."""
    view = Browser(interaction.user.id, read, locale=locale)
    embed, more = await view.load(0)
    if more:
        await answer(interaction, embed=embed, view=view)
    else:
        await answer(interaction, embed=embed)


async def show_board(interaction: Interaction, currency: Currency) -> None:
    """Show the richest members who are in the guild, and where the reader stands."""
    guild_id, locale = guild_id_of(interaction), await public_locale(interaction)
    database, reader_id = interaction.client.kernel.database, interaction.user.id

    async def read(page: int) -> tuple[discord.Embed, bool]:
        async with database.read() as session:
            rows = await books.list_richest(session, guild_id, offset=page * PAGE, limit=PAGE + 1)
            own = await table.get_balance(session, guild_id, reader_id)
            place = 1 + await books.count_ranked(session, guild_id, above=own)
        lines = [
            f"{_MEDALS.get(rank, f'**{rank}.**')} <@{user_id}> · "
            f"{currency.amount(balance).render(locale)}"
            for rank, (user_id, balance) in enumerate(rows[:PAGE], page * PAGE + 1)
        ]
        text = "\n".join(lines) or _("Nobody has anything yet. /daily is a beginning.").render(
            locale
        )
        embed = discord.Embed(title=_("The richest members").render(locale), description=text)
        if own:
            words = _("You: {amount}, place {place}", amount=currency.amount(own), place=place)
            embed.set_footer(text=plain(words, locale))
        return embed, len(rows) > PAGE

    await browse(interaction, read, locale)


async def show_history(
    interaction: Interaction, currency: Currency, who: discord.User | discord.Member
) -> None:
    """Show what came into somebody's account and went out of it, the newest first."""
    guild_id, locale = guild_id_of(interaction), locale_of(interaction)
    database = interaction.client.kernel.database
    # Where each page that was seen begins: new transactions don't move the pages.
    starts: list[int | None] = [None]

    async def read(page: int) -> tuple[discord.Embed, bool]:
        async with database.read() as session:
            lines = await books.list_lines(
                session, guild_id, who.id, before=starts[page], limit=PAGE + 1
            )
            balance = await table.get_balance(session, guild_id, who.id)
        more, shown = len(lines) > PAGE, lines[:PAGE]
        if more and len(starts) == page + 1:
            starts.append(shown[-1].transaction.id)
        text = "\n".join(line_of(one, currency).render(locale) for one in shown)
        title = _("Transactions of {name}", name=escape_markdown(who.display_name))
        embed = discord.Embed(
            title=title.render(locale), description=text or _("Nothing yet.").render(locale)
        )
        footer = _("Balance: {amount}", amount=currency.amount(balance))
        embed.set_footer(text=plain(footer, locale))
        return embed, more

    await browse(interaction, read, locale)


def line_of(line: Line, currency: Currency) -> Message:
    """Return one line of a history."""
    one = line.transaction
    text = _(
        "`#{number}` {when} · {kind} **{amount}**",
        number=one.id,
        when=discord.utils.format_dt(one.created_at, "d"),
        kind=_(TransactionKind(one.kind).label),
        amount=signed(currency, line.amount),
    )
    if line.other_id is not None:
        text = Message("{line} · <@{other}>", {"line": text, "other": line.other_id})
    if one.counter_id is not None:
        text = Message("~~{line}~~", {"line": text})
    if one.reason:
        reason = escape_markdown(shorten(one.reason, _MAX_REASON))
        text = Message("{line}\n-# {reason}", {"line": text, "reason": reason})
    return text
