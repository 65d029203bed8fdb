"""What staff are shown of the books: what an audit found, where money came from and went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import discord
from babel.numbers import format_percent

from bot.core.i18n import Message, _, babel_locale, ngettext
from bot.core.ledger import TransactionKind
from cogs.economy.wording import Currency, signed

if TYPE_CHECKING:
    from cogs.economy.auditing import Finding
    from cogs.economy.reporting import Report

_MOST_FINDINGS = 15
_SIGNED_PERCENT = "+0.0%;\N{MINUS SIGN}0.0%"


def findings_text(findings: Sequence[Finding], locale: str | None) -> str:
    """Return what an audit has found, as a text of at most Discord's length."""
    if not findings:
        return _(
            "✅ The books balance: every transaction sums to zero, every account holds what was "
            "posted to it, and escrow holds what games and offers say."
        ).render(locale)
    head = ngettext(
        "⚠️ The books don't balance: {count} thing is wrong.",
        "⚠️ The books don't balance: {count} things are wrong.",
        len(findings),
    )
    lines = [head.render(locale)]
    lines += [f"- {_finding(one).render(locale)}" for one in findings[:_MOST_FINDINGS]]
    if len(findings) > _MOST_FINDINGS:
        lines.append("- …")
    return "\n".join(lines)


def _finding(one: Finding) -> Message:
    values = {"number": one.number, "held": one.held, "expected": one.expected}
    if one.what == "balance":
        return _("Account {number} holds {held}; {expected} was posted to it.", **values)
    if one.what == "transaction":
        return _("Transaction {number} sums to {held}.", **values)
    return _("Escrow holds {held}; games and offers say {expected}.", **values)


def report_embed(report: Report, currency: Currency, locale: str) -> discord.Embed:
    """Return where money came from and where it went."""
    title = ngettext("Economy, last {count} day", "Economy, last {count} days", report.days)
    embed = discord.Embed(title=title.render(locale))
    rows = [
        _("There is {amount}.", amount=currency.amount(report.supply)),
        ngettext(
            "{count} member has {amount} of it.",
            "{count} members have {amount} of it.",
            report.members,
            amount=currency.amount(report.held),
        ),
        _("In escrow: {amount}", amount=currency.amount(report.escrow)),
        _("In the house of games: {amount}", amount=currency.amount(report.house)),
    ]
    if report.held:
        share = format_percent(report.richest / report.held, locale=babel_locale(locale))
        rows.append(_("The ten richest have {share} of what members have.", share=share))
    growth = signed(currency, report.growth)
    rows.append(_("In this time: {growth}", growth=growth))
    if report.growth_percent is not None:
        percent = format_percent(
            report.growth_percent / 100,
            format="+0.0%;\N{MINUS SIGN}0.0%",
            locale=babel_locale(locale),
        )
        rows.append(_("That is {percent} of what there was.", percent=percent))
    embed.description = "\n".join(row.render(locale) for row in rows)
    for name, flows in ((_("Created"), report.minted), (_("Destroyed"), report.sunk)):
        embed.add_field(name=name.render(locale), value=_flows(flows, currency, locale))
    return embed


def _flows(flows: Mapping[str, int], currency: Currency, locale: str) -> str:
    lines = [
        _(
            "{kind}: {amount}",
            kind=_(TransactionKind(kind).label),
            amount=signed(currency, amount) if amount < 0 else currency.amount(amount),
        ).render(locale)
        for kind, amount in sorted(flows.items(), key=lambda one: -one[1])
    ]
    return "\n".join(lines)[:1024] or _("Nothing").render(locale)
