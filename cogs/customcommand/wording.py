"""How commands are shown to admins: in a line, and whole."""

from __future__ import annotations

from collections.abc import Sequence

from babel.numbers import format_decimal

from bot.core.durations import format_duration
from bot.core.fields.text import escape_markdown, shorten
from bot.core.fields.values import VARIANT_LINE
from bot.core.i18n import Message, _, babel_locale, ngettext
from cogs.customcommand.language import POSITIONS, VARIABLES
from cogs.customcommand.rules import Command, Draft

_MAX_SOURCE = 1200
_MOST_MENTIONS = 10
_MAX_NAMES = 120
Fact = tuple[Message, str]


def describe(draft: Draft, locale: str) -> str:
    """Return what a command is called and for whom it is, in a few lines of markdown."""
    lines = [f"**/{escape_markdown(draft.name)}** {escape_markdown(draft.description)}".rstrip()]
    lines += [f"{title.render(locale)}: {text}" for title, text in _facts(draft, locale)]
    return "\n".join(lines)


def _facts(draft: Draft, locale: str) -> list[Fact]:
    facts: list[Fact] = []
    if draft.aliases:
        aliases = ", ".join(f"/{escape_markdown(one)}" for one in draft.aliases)
        facts.append((_("Aliases"), aliases))
    if draft.cooldown:
        facts.append((_("Cooldown"), format_duration(draft.cooldown, locale)))
    if draft.role_ids:
        facts.append((_("Only for"), _joined("<@&{}>", draft.role_ids)))
    if draft.channel_ids:
        facts.append((_("Only in"), _joined("<#{}>", draft.channel_ids)))
    if not draft.enabled:
        facts.append((_("Switched on"), _("no").render(locale)))
    return facts


def _joined(mention: str, ids: Sequence[int]) -> str:
    shown = " ".join(mention.format(one) for one in ids[:_MOST_MENTIONS])
    return shown if len(ids) <= _MOST_MENTIONS else f"{shown} +{len(ids) - _MOST_MENTIONS}"


def cheat_sheet(locale: str) -> str:
    """Return a line for each thing that an answer can hold."""
    last = max(POSITIONS)
    rows: list[tuple[str, Message]] = [
        *((f"{{{name}}}", _(meaning)) for name, meaning in VARIABLES.items()),
        ("{1}", _("the first word after the command, up to {last}", last=f"{{{last}}}")),
        ("{random: a|b|c}", _("one of several, by chance")),
        ("{if args}…{else}…{end}", _("one thing or another")),
        ('{if 1 == "red" and not 2}…{end}', _("one thing or another")),
        ("{{", _("a plain brace")),
    ]
    return "\n".join(f"`{code}` {meaning.render(locale)}" for code, meaning in rows)


def list_line(command: Command, locale: str) -> str:
    """Return a command in one line of a list."""
    uses = ngettext("{count} use", "{count} uses", command.uses).render(locale)
    draft = command.draft
    sign = "🟢" if draft.enabled else "⚪"
    # Escaping may double a text, and a page of lines has to fit into an embed.
    names = escape_markdown(shorten(", ".join(f"/{one}" for one in draft.names), _MAX_NAMES))
    said = f": {escape_markdown(shorten(draft.description, 80))}" if draft.description else ""
    return f"{sign} **{names}**{said} · {uses}"


def info(command: Command, locale: str) -> str:
    """Return everything about a command, in markdown."""
    number = format_decimal(command.uses, locale=babel_locale(locale))
    lines = [describe(command.draft, locale)]
    facts: list[Fact] = [(_("Uses"), number)]
    if command.last_used_at is not None:
        facts.append((_("Last used"), f"<t:{round(command.last_used_at.timestamp())}:R>"))
    facts.append((_("Added"), _by(command.created_at.timestamp(), command.created_by)))
    if command.revision > 1 and command.updated_at is not None:
        facts.append((_("Changed"), _by(command.updated_at.timestamp(), command.updated_by)))
    lines += [f"{title.render(locale)}: {text}" for title, text in facts]
    response = command.draft.response
    parts = [*response.texts]
    if response.embed is not None:
        parts += [text for text in (response.embed.title, response.embed.body) if text]
    source = shorten(f"\n{VARIANT_LINE}\n".join(parts).replace("```", "'''"), _MAX_SOURCE)
    return "\n".join(lines) + (f"\n```\n{source}\n```" if source else "")


def _by(timestamp: float, user_id: int | None) -> str:
    when = f"<t:{round(timestamp)}:D>"
    return f"{when} <@{user_id}>" if user_id else when
