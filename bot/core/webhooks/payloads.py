"""The bodies of the webhook messages: pure, redacted first and then cut to what Discord takes.

Their shapes are those of the API document.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bot.core.audit import AuditRecorded
from bot.core.i18n import ngettext

ERROR_COLOUR = 0xFF0000
AUDIT_COLOUR = 0x0099FF
# Discord's limits of an embed: https://discord.com/developers/docs/resources/message#embed-object
LONGEST_DESCRIPTION = 4096
LONGEST_VALUE = 1024


def error_payload(
    where: str,
    error: BaseException | str,
    at: datetime,
    redact: Callable[[str], str],
    *,
    repeats: int = 0,
    reference: str = "",
) -> dict[str, Any]:
    """Return the body of an error message; everything is redacted before it is cut to size."""
    text = str(error) if isinstance(error, BaseException) else error
    place = f"{where} ({reference})" if reference else where
    description = redact(f"{place}: {text}" if text else place)
    if repeats:
        again = ngettext(
            "It happened once more before.", "It happened {count} times more before.", repeats
        )
        description = f"{_cut(description, LONGEST_DESCRIPTION - 200)}\n{again}"
    kind = type(error).__name__ if isinstance(error, BaseException) else "Error"
    fields = [_field("Error Type", kind, inline=True)]
    if isinstance(error, BaseException):
        trace = redact("".join(traceback.format_exception(error)))
        fields.append(_field("Stack Trace", _code_block(trace), inline=False))
    embed = {"title": "Critical Error", "description": _cut(description, LONGEST_DESCRIPTION)}
    return _message(embed | {"color": ERROR_COLOUR, "fields": fields}, at)


def audit_payload(entry: AuditRecorded, redact: Callable[[str], str]) -> dict[str, Any]:
    """Return the body of an audit message: who did what; the rest is in the audit log."""
    fields = [
        _field("Action", redact(entry.action), inline=True),
        _field("User ID", str(entry.actor.user_id), inline=True),
    ]
    embed = {"title": "Audit Log Entry", "color": AUDIT_COLOUR, "fields": fields}
    return _message(embed, entry.at)


def signature(error: BaseException | str) -> str:
    """Return what makes two errors the same: type and place, not the words, which hold ids."""
    if isinstance(error, str):
        return error
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    place = f"{frames[0].filename}:{frames[0].lineno}" if frames else str(error)
    return f"{type(error).__qualname__} {place}"


def _message(embed: dict[str, Any], at: datetime) -> dict[str, Any]:
    timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"embeds": [embed | {"timestamp": timestamp}], "allowed_mentions": {"parse": []}}


def _field(name: str, value: str, *, inline: bool) -> dict[str, Any]:
    # Discord refuses an empty value.
    return {"name": name, "value": _cut(value, LONGEST_VALUE) or "-", "inline": inline}


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _code_block(trace: str) -> str:
    """The end of a trace, which says most, in a block that it can't break out of."""
    room = LONGEST_VALUE - len("```\n…\n```")
    safe = trace.strip().replace("```", "'''")
    tail = safe if len(safe) <= room else "…" + safe[-room:]
    return f"```\n{tail}\n```"
