"""What is said in a room of a form's files that can't be shown there; pure, in its language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import N_, _
from cogs.tickets.attachments import command_of, size_text
from cogs.tickets.wording import line_payload
from db.ticket_messages import OVER_QUOTA, TOO_LARGE, TicketFile
from db.tickets import Ticket

# By what has become of the file.
_LOST_FILES: Mapping[str, str] = {
    OVER_QUOTA: N_(
        "{member}, {name} ({size}) came with your form, but there is no space left to keep it. "
        "Please send it here."
    ),
    TOO_LARGE: N_(
        "{member}, {name} ({size}) came with your form, but is too large to be kept. Please send a "
        "smaller one here, or a link."
    ),
}
_NOT_FETCHED = N_(
    "{member}, {name} ({size}) came with your form, but I could not fetch it from Discord. Please "
    "send it here again."
)


def large_file_payload(
    ticket: Ticket, file: TicketFile, handle: str, locale: str | None
) -> dict[str, Any]:
    """Return what stands in the room for a form's file that Discord does not take from a bot."""
    text = _(
        "{name} ({size}) came with the form, and is too large for me to post. Get it: {command}",
        name=escape_markdown(shorten(file.name, 100)),
        size=size_text(file.size),
        command=f"`{command_of(ticket.number, handle).replace('`', chr(39))}`",
    )
    return line_payload(text, locale)


def lost_file_payload(file: TicketFile, state: str, locale: str | None) -> dict[str, Any]:
    """Return what stands in the room for a form's file that could not be kept."""
    text = _(
        _LOST_FILES.get(state, _NOT_FETCHED),
        member=f"<@{file.author_id}>",
        name=escape_markdown(shorten(file.name, 100)),
        size=size_text(file.size),
    )
    return line_payload(text, locale, users=[file.author_id] if file.author_id else ())
