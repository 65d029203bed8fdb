"""Giveaways in lists, and what is said of one: texts for answers, pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from bot.core.durations import Span
from bot.core.fields.text import escape_markdown, quote, shorten
from bot.core.i18n import Message, _, ngettext
from bot.core.money import Currency
from cogs.giveaways.columns import plan_of
from cogs.giveaways.mentions import people
from cogs.giveaways.wording import (
    bonus_lines,
    link_to,
    moment,
    requirement_lines,
    rewards_of,
)
from db.giveaways import (
    ACTIVE,
    CANCELLED,
    DRAWING,
    ENDED,
    OPEN_STATUSES,
    PAUSED,
    SCHEDULED,
    Giveaway,
    GiveawaySeries,
)

PER_PAGE = 8
_LONGEST_PRIZE = 80
_LONGEST_TEXT = 300
# Fifty winners are 1,150 characters.
_LONGEST_PAGE = 1900

STATES = {
    SCHEDULED: _("not begun yet"),
    ACTIVE: _("goes on"),
    PAUSED: _("paused"),
    DRAWING: _("being drawn"),
    ENDED: _("over"),
    CANCELLED: _("cancelled"),
}


def pages_of(
    giveaways: Sequence[Giveaway],
    entries: Mapping[UUID, int],
    series: Sequence[tuple[GiveawaySeries, datetime]],
    locale: str | None,
) -> list[str]:
    """Return the open giveaways of a guild and what comes again, a page each."""
    lines = [_line(one, entries.get(one.id, 0)).render(locale) for one in giveaways]
    lines += [_series_line(one, at).render(locale) for one, at in series]
    return ["\n".join(lines[at : at + PER_PAGE]) for at in range(0, len(lines), PER_PAGE)]


def _line(giveaway: Giveaway, entries: int) -> Message:
    link = link_to(giveaway)
    name = f"**#{giveaway.number}** {_prize(giveaway.prize)}"
    return _(
        "- {name}: {state}, {when}; {entries}, {winners}",
        name=f"{name} ([↗]({link}))" if link else name,
        state=STATES[giveaway.status],
        when=_when(giveaway),
        entries=ngettext("{count} person in", "{count} people in", entries),
        winners=ngettext("{count} winner", "{count} winners", giveaway.winner_count),
    )


def _when(giveaway: Giveaway) -> Message:
    if giveaway.status == SCHEDULED and giveaway.ends_at is not None:
        begins, ends = moment(giveaway.starts_at), moment(giveaway.ends_at)
        return _("begins {when} and ends {end}", when=begins, end=ends)
    if giveaway.status == SCHEDULED:
        return _("begins {when}", when=moment(giveaway.starts_at))
    if giveaway.ends_at is not None:
        return _("ends {when}", when=moment(giveaway.ends_at))
    if giveaway.remaining is not None:
        return _("{time} left", time=Span(timedelta(seconds=giveaway.remaining)))
    if giveaway.end_at_entries is not None:
        return ngettext(
            "ends with {count} entry", "ends with {count} entries", giveaway.end_at_entries
        )
    return _("ends when the host says so")


def _series_line(series: GiveawaySeries, at: datetime) -> Message:
    return _(
        "- 🔁 {prize}: comes again, next {when} ({zone}), in {channel}",
        prize=_prize(series.plan["prize"]),
        when=moment(at),
        zone=series.timezone,
        channel=f"<#{series.channel_id}>",
    )


def describe(
    giveaway: Giveaway,
    currency: Currency,
    entries: int,
    winner_ids: Sequence[int],
    locale: str | None,
    *,
    items: Mapping[int, str] | None = None,
) -> list[str]:
    """Return all that is public of a giveaway, in pages that fit into a message each.

    `items` are titles of items of the shop by their ids.
    """
    facts = [
        _("**#{number}** {prize}", number=giveaway.number, prize=_prize(giveaway.prize)),
        _("State: {state}, {when}", state=STATES[giveaway.status], when=_when(giveaway))
        if giveaway.status in (SCHEDULED, ACTIVE, PAUSED)
        else _("State: {state}", state=STATES[giveaway.status]),
        _("Entries: {count}", count=_of_most(entries, giveaway.max_entries)),
        *(
            [_("Winners to be drawn: {count}", count=giveaway.winner_count)]
            if giveaway.status in OPEN_STATUSES
            else []
        ),
        *_optional_facts(giveaway, currency, winner_ids, items or {}),
        _("Commitment: {commitment}", commitment=f"`{giveaway.commitment}`"),
    ]
    lines = [one.render(locale) for one in facts]
    if giveaway.description:
        lines.append(f"> {quote(giveaway.description, _LONGEST_TEXT)}")
    return _paged(lines)


def _paged(lines: Sequence[str]) -> list[str]:
    """Return lines as pages; no single one is longer than a page."""
    pages = [""]
    for line in lines:
        if pages[-1] and len(pages[-1]) + len(line) >= _LONGEST_PAGE:
            pages.append("")
        pages[-1] += f"\n{line}" if pages[-1] else line
    return pages


def _optional_facts(
    giveaway: Giveaway,
    currency: Currency,
    winner_ids: Sequence[int],
    items: Mapping[int, str],
) -> list[Message]:
    plan, facts = plan_of(giveaway), []
    if giveaway.host_id:
        facts.append(_("Host: {host}", host=people([giveaway.host_id])))
    if link := link_to(giveaway):
        facts.append(_("Message: {link}", link=link))
    facts += [_("To enter: {what}", what=one) for one in requirement_lines(plan.requirements)]
    facts += [_("More chances: {what}", what=one) for one in bonus_lines(plan.bonuses, items)]
    if plan.claim_window:
        facts.append(_("Time to claim: {time}", time=Span(plan.claim_window)))
    if given := rewards_of(giveaway, currency):
        facts.append(_("Each winner gets: {what}", what=given))
    if winner_ids:
        facts.append(_("Won by {people}", people=people(winner_ids)))
    return facts


def _of_most(entries: int, most: int | None) -> str:
    return f"{entries:,}" if most is None else f"{entries:,} / {most:,}"


def _prize(prize: str) -> str:
    return escape_markdown(shorten(prize, _LONGEST_PRIZE))
