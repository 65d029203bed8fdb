"""The transcript of a ticket as a page that needs nothing and runs nothing; pure.

Every text is escaped by the template; what is markup comes from `markdown` alone. The page refers
to nothing outside itself, and its policy would let it fetch nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bot.core.fields.text import shorten
from bot.core.i18n import Message, _, babel_locale, ngettext
from cogs.tickets.attachments import Handles, command_of, size_text
from cogs.tickets.markdown import render as render_markdown
from cogs.tickets.retelling import Told, find_told
from cogs.tickets.wording import PRIORITIES, line_of
from db.ticket_messages import (
    GONE,
    OVER_QUOTA,
    PENDING,
    TOO_LARGE,
    TicketFile,
    TicketMessage,
    TicketVersion,
)
from db.tickets import Ticket, TicketEvent

_TEMPLATES = Path(__file__).with_name("templates")
# Pictures are in the page itself: so many bytes of them, as they are stored.
IMAGE_BUDGET = 4 * 1024 * 1024
_IMAGES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_LONGEST_QUOTE = 120
# Events that only the staff read.
STAFF_ONLY = frozenset({"note"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that a transcript is made of.

    `names` are people's, roles' and channels' names by `@id`, `@&id` and `#id`; `pictures` the
    contents of images by their SHA-256. `left_out` counts the oldest messages, which are not there
    for want of room. Without `for_staff` notes are left out. `room_locale` is the language in which
    the bot spoke in the room.
    """

    ticket: Ticket
    guild_name: str
    messages: Sequence[TicketMessage]
    versions: Sequence[TicketVersion] = ()
    files: Sequence[TicketFile] = ()
    events: Sequence[TicketEvent] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    locale: str | None = None
    room_locale: str | None = None
    zone: str = "UTC"
    for_staff: bool = False
    left_out: int = 0


# --- HTML ----------------------------------------------------------------------------------------


def to_html(record: Record) -> str:
    """Return the page. It takes about 0.1 ms a message: call it in a thread."""
    writer = _Writer(record)
    template, style = _template()
    ticket = record.ticket
    lines = writer.lines()
    count = sum(one["kind"] == "message" for one in lines)
    title = _(
        "{panel} · ticket {number} · {server}",
        panel=ticket.category,
        number=ticket.number,
        server=record.guild_name,
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return template.render(
        lang=(record.locale or "en").partition("-")[0],
        title=writer.say(title),
        style=Markup(style),  # noqa: S704 - a file of ours
        style_hash=digest,
        facts=writer.facts(),
        answers=writer.answers(),
        left_out=writer.left_out(),
        lines=lines,
        footer=writer.say(
            ngettext(
                "{count} message · times in {zone}",
                "{count} messages · times in {zone}",
                count,
                zone=record.zone,
            )
        ),
    )


@cache
def _template() -> tuple[Any, str]:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined
    )
    style = (_TEMPLATES / "transcript.css").read_text(encoding="utf-8")
    return environment.get_template("transcript.html"), style


class _Writer:
    """Makes the values that the template shows."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._zone = ZoneInfo(record.zone)
        self._babel = babel_locale(record.locale or "en")
        self._messages = {one.message_id: one for one in record.messages}
        self._versions = grouped(record.versions, "message_id")
        self._files = grouped(record.files, "message_id")
        self._handles = Handles(record.files)
        self._budget = IMAGE_BUDGET

    def say(self, text: Message | str) -> str:
        return text.render(self._record.locale) if isinstance(text, Message) else text

    def at(self, instant: datetime) -> str:
        return format_datetime(
            instant.astimezone(self._zone), "medium", locale=self._babel, tzinfo=self._zone
        )

    def mark(self, text: str) -> Markup:
        return render_markdown(text, self._record.names, self._stamp)

    def _stamp(self, seconds: int) -> str:
        try:
            return self.at(datetime.fromtimestamp(seconds, UTC))
        except (OverflowError, ValueError, OSError):
            return str(seconds)

    def _name(self, user_id: int | None) -> str:
        if not user_id:
            return "Pegasus" if user_id is None else self.say(_("somebody"))
        return self._record.names.get(f"@{user_id}", str(user_id))

    def facts(self) -> list[tuple[str, str]]:
        ticket = self._record.ticket
        found: list[tuple[Message, Message | str]] = [
            (_("Opened by"), self._name(ticket.user_id)),
            (_("Opened at"), self.at(ticket.created_at)),
            (_("Priority"), _(PRIORITIES[ticket.priority])),
        ]
        if ticket.claimed_by:
            found.append((_("Seen to by"), self._name(ticket.claimed_by)))
        if ticket.labels:
            found.append((_("Labels"), ", ".join(ticket.labels)))
        if ticket.closed_at is not None:
            found += [
                (_("Closed by"), self._name(ticket.closed_by)),
                (_("Closed at"), self.at(ticket.closed_at)),
            ]
        # Of an open ticket it is only what somebody would have it closed for.
        if ticket.close_reason and ticket.closed_at is not None:
            found.append((_("Reason"), ticket.close_reason))
        return [(self.say(name), self.say(value)) for name, value in found]

    def answers(self) -> list[dict[str, Any]]:
        answers = list(self._record.ticket.answers or ())
        files = [one for one in self._record.files if one.question is not None]
        return [
            {
                "label": one["label"],
                "shown": self.mark(", ".join(str(it) for it in one.get("shown") or ())),
                "files": [self._file(it) for it in files if it.question == one["key"]],
            }
            for one in answers
        ]

    def left_out(self) -> str:
        count = self._record.left_out
        if not count:
            return ""
        text = ngettext(
            "The oldest message is left out: Discord takes only 10 MB from me.",
            "The oldest {count} messages are left out: Discord takes only 10 MB from me.",
            count,
        )
        return self.say(text)

    def lines(self) -> list[dict[str, Any]]:
        events = [
            one
            for one in self._record.events
            if self._record.for_staff or one.kind not in STAFF_ONLY
        ]
        told = find_told(
            events,
            self._record.messages,
            opener_id=self._record.ticket.user_id,
            locale=self._record.room_locale,
        )
        # Each is shown once: as the event where its line says it all, or else as the message.
        merged = {place: one.message for place, one in told.items() if self._is_said(one)}
        left_out = {one.message_id for one in merged.values()}
        shown = [one for one in self._record.messages if one.message_id not in left_out]
        found = [(one.created_at, 1, self._message(one)) for one in shown]
        found += [
            (event.at, 0, self._event(event, merged.get(place)))
            for place, event in enumerate(events)
            if place in merged or place not in told
        ]
        found.sort(key=lambda line: (line[0], line[1]))
        return [line for _at, _order, line in found]

    def _is_said(self, told: Told) -> bool:
        return told.in_full and told.message.message_id not in self._files

    def _event(self, event: TicketEvent, message: TicketMessage | None) -> dict[str, Any]:
        line = line_of(
            event.kind,
            actor_id=event.actor_id,
            subject_id=event.subject_id,
            details=event.details,
        )
        text = self.mark(self.say(line))
        if event.text:
            text += Markup("<br>") + self.mark(event.text)
        message_id = message.message_id if message is not None else None
        return {"kind": "event", "id": message_id, "at": self.at(event.at), "text": text}

    def _message(self, one: TicketMessage) -> dict[str, Any]:
        notes: list[Message] = []
        if one.edited_at is not None:
            notes.append(_("edited"))
        if one.deleted_at is not None:
            notes.append(_("deleted"))
        return {
            "kind": "message",
            "id": one.message_id,
            "author": one.author_name or self.say(_("somebody whose data was erased")),
            "is_staff": one.is_staff,
            "badge": self.say(_("bot")) if one.is_bot else "",
            "at": self.at(one.created_at),
            "notes": [self.say(note) for note in notes],
            "deleted": one.deleted_at is not None,
            "reply": self._reply(one),
            "body": self._body(one),
            "embeds": [self._embed(it) for it in (one.extras or {}).get("embeds") or ()],
            "extras": self._extras(one.extras or {}),
            "files": [self._file(it) for it in self._files.get(one.message_id, ())],
            "versions": [
                {"at": self.at(it.replaced_at), "text": self.mark(it.content)}
                for it in self._versions.get(one.message_id, ())
            ],
            "versions_title": self.say(_("Earlier versions")),
            "versions_left_out": self._versions_left_out(one.versions_left_out or 0),
        }

    def _versions_left_out(self, count: int) -> str:
        if not count:
            return ""
        text = ngettext("One version is not kept.", "{count} versions are not kept.", count)
        return self.say(text)

    def _body(self, one: TicketMessage) -> Markup | str:
        if one.redacted_at is not None:
            return self.say(_("Removed by the staff."))
        if one.content is None and one.is_bot:
            return self.say(_("Erased with the data of somebody whom it named."))
        if one.content is None:
            return self.say(_("Erased at the author's wish."))
        return self.mark(one.content)

    def _reply(self, one: TicketMessage) -> dict[str, Any] | None:
        answered = self._messages.get(one.reply_to or 0)
        if answered is None:
            return None
        quoted = shorten(" ".join((answered.content or "…").split()), _LONGEST_QUOTE)
        text = f"{answered.author_name or '?'}: {quoted}"
        return {"id": answered.message_id, "text": text}

    def _embed(self, embed: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "author": embed.get("author", ""),
            "title": embed.get("title", ""),
            "description": self.mark(embed.get("description", "")),
            "footer": embed.get("footer", ""),
            "fields": [(one["name"], self.mark(one["value"])) for one in embed.get("fields") or ()],
        }

    def _extras(self, extras: Mapping[str, Any]) -> list[str]:
        found: list[str] = []
        if forwarded := extras.get("forwarded"):
            found.append(self.say(_("Forwarded: {text}", text=forwarded)))
        if stickers := extras.get("stickers"):
            found.append(self.say(_("Sticker: {names}", names=", ".join(stickers))))
        if poll := extras.get("poll"):
            answers = " / ".join(poll["answers"])
            text = _("Poll: {question} ({answers})", question=poll["question"], answers=answers)
            found.append(self.say(text))
        return found

    def _file(self, file: TicketFile) -> dict[str, Any]:
        notes = {
            PENDING: _("still on its way"),
            TOO_LARGE: _("too large to be kept"),
            OVER_QUOTA: _("not kept: there was no space left"),
            GONE: _("could not be fetched"),
        }
        note = notes.get(file.state)
        image = self._image(file)
        if note is None and not image:
            note = _("get it with {command}", command=self._command(file))
        size = size_text(file.size)
        shown = size if note is None else f"{size} · {self.say(note)}"
        return {"name": file.name, "note": shown, "image": image}

    def _command(self, file: TicketFile) -> str:
        return command_of(self._record.ticket.number, self._handles.of(file))

    def _image(self, file: TicketFile) -> str:
        data = self._record.pictures.get(file.sha256 or "")
        if data is None or file.content_type not in _IMAGES or len(data) > self._budget:
            return ""
        if not data.startswith(_MAGIC):
            return ""
        self._budget -= len(data)
        return f"data:{file.content_type};base64,{base64.b64encode(data).decode()}"


def grouped(rows: Sequence[Any], name: str) -> dict[int, list[Any]]:
    """Return rows by one of their ids."""
    found: dict[int, list[Any]] = {}
    for one in rows:
        found.setdefault(getattr(one, name), []).append(one)
    return found


def wanted_pictures(files: Sequence[TicketFile]) -> list[str]:
    """Return the contents of the images that fit into a page, the first first."""
    found: list[str] = []
    rest = IMAGE_BUDGET
    for one in files:
        if one.sha256 and one.content_type in _IMAGES and one.size <= rest:
            found.append(one.sha256)
            rest -= one.size
    return list(dict.fromkeys(found))
