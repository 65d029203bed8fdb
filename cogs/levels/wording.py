"""Standings in words, as cards and as pages of boards."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.core.i18n import N_, Message, _
from cogs.levels.card import Card
from cogs.levels.describing import Number, number
from cogs.levels.standings import Period, Rank
from db.level_boards import Place

_PER_PAGE = 10
_TITLES: dict[Period, str] = {
    "all": N_("🏆 Most experience"),
    "week": N_("🏆 Most experience this week"),
    "month": N_("🏆 Most experience this month"),
}


def card_of(rank: Rank, name: str, username: str, accent: int, locale: str) -> Card:
    """Return the card of somebody who stands so."""
    progress = rank.progress
    return Card(
        name=name,
        username=username,
        level=_("Level {level}", level=number(progress.level, locale)).render(locale),
        rank=f"#{number(rank.rank, locale)}" if rank.rank else "-",
        progress=_progress(rank).render(locale),
        # In hundredths, so that a point more is no other picture.
        share=round(progress.done / progress.need, 2),
        accent=accent,
    )


def _progress(rank: Rank) -> Message:
    return _(
        "{done} of {need} to level {next}",
        done=Number(rank.progress.done),
        need=Number(rank.progress.need),
        next=Number(rank.progress.level + 1),
    )


def rank_line(rank: Rank, user_id: int, locale: str) -> str:
    """Return how somebody stands as a line, for those who see no picture."""
    if not rank.rank:
        text = _("<@{user}> has earned no experience yet.", user=user_id)
    else:
        text = _(
            "<@{user}>: level {level}, rank {rank}, {xp} experience; {progress}",
            user=user_id,
            level=Number(rank.progress.level),
            rank=Number(rank.rank),
            xp=Number(rank.xp),
            progress=_progress(rank),
        )
    return text.render(locale)


def board_pages(
    places: Sequence[Place], period: Period, own: int, colour: int, locale: str
) -> list[discord.Embed]:
    """Return a board as pages of ten; `own` is the reader's place on it, 0 for none."""
    title = _(_TITLES[period]).render(locale)
    foot = _("You: rank {rank}", rank=Number(own)).render(locale) if own else ""
    pages = []
    for start in range(0, len(places), _PER_PAGE):
        lines = [
            _board_line(start + index, one).render(locale)
            for index, one in enumerate(places[start : start + _PER_PAGE], 1)
        ]
        embed = discord.Embed(title=title, description="\n".join(lines), colour=colour)
        count = -(-len(places) // _PER_PAGE)
        page = _("Page {page} of {pages}", page=start // _PER_PAGE + 1, pages=count)
        embed.set_footer(text=" · ".join(filter(None, [foot, page.render(locale)])))
        pages.append(embed)
    return pages


def _board_line(place: int, one: Place) -> Message:
    return _(
        "**{place}.** <@{user}> · level {level} · {xp}",
        place=place,
        user=one.user_id,
        level=Number(one.level),
        xp=Number(one.xp),
    )
