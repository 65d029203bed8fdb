"""What is said in a ticket's room and about it, as payloads; pure, in the guild's language.

Names, reasons and answers are strangers' words: they are escaped, and mention nobody.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.core.fields.text import escape_markdown, shorten
from bot.core.i18n import N_, Message, _
from bot.core.templates import cut
from bot.core.templates import render as render_template
from cogs.tickets.machine import Action, Status
from cogs.tickets.panel import Panel
from cogs.tickets.questions import Kind
from db.tickets import Ticket

_ROW, _BUTTON = 1, 2
_BLURPLE, _GREY, _GREEN, _RED = 1, 2, 3, 4
_COLOURS = {"low": 0x95A5A6, "normal": 0x5865F2, "high": 0xE67E22, "urgent": 0xE74C3C}
_CLOSED_COLOUR = 0x747F8D
# Limits of Discord: an embed's field, its fields, and all characters of a message's embeds.
# https://discord.com/developers/docs/resources/message#embed-object-embed-limits
_MOST_VALUE, _MOST_FIELDS, _MOST_CHARACTERS = 1024, 25, 6000
# What a panel says first; the form's answers take what is left.
_LONGEST_GREETING = 2000
_LONGEST_QUOTE = 900
# As many roles are called in one message: some twenty characters each, of two thousand.
MOST_CALLED = 50

_MENTIONING = frozenset({Kind.ROLE, Kind.CHANNEL, Kind.USER})

PRIORITIES: Mapping[str, str] = {
    "low": N_("low"),
    "normal": N_("medium"),
    "high": N_("high"),
    "urgent": N_("urgent"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the messages of a ticket are made of."""

    ticket: Ticket
    panel: Panel
    guild_name: str
    locale: str | None
    opens_at: datetime | None = None


def _say(text: Message | str, locale: str | None) -> str:
    return text.render(locale) if isinstance(text, Message) else text


def welcome_payload(scene: Scene, *, roles: Collection[int]) -> dict[str, Any]:
    """Return the first message of a room: it calls the opener and `roles`, and nobody else."""
    ticket = scene.ticket
    opener = f"<@{ticket.user_id}>"
    calls = " ".join([opener, *(f"<@&{one}>" for one in sorted(roles))])
    return {
        "content": calls,
        **_control(scene),
        "allowed_mentions": {
            "parse": [],
            "users": [str(ticket.user_id)],
            "roles": [str(one) for one in sorted(roles)],
        },
    }


def control_payload(scene: Scene) -> dict[str, Any]:
    """Return the first message as it is to look now; an edit notifies nobody."""
    return {**_control(scene), "allowed_mentions": {"parse": []}}


def _control(scene: Scene) -> dict[str, Any]:
    embeds = [_card(scene)]
    if answers := _answers(scene, _MOST_CHARACTERS - _size_of(embeds[0])):
        embeds.append(answers)
    return {"embeds": embeds, "components": _buttons(scene)}


def _card(scene: Scene) -> dict[str, Any]:
    ticket, locale = scene.ticket, scene.locale
    is_over = ticket.status in (Status.CLOSING, Status.CLOSED)
    title = _("{panel} · ticket {number}", panel=scene.panel.name, number=ticket.number)
    fields = [
        (_("Opened by"), _opener(ticket)),
        (_("Seen to by"), f"<@{ticket.claimed_by}>" if ticket.claimed_by else _("nobody yet")),
        (_("Priority"), _(PRIORITIES[ticket.priority])),
    ]
    if ticket.labels:
        fields.append((_("Labels"), ", ".join(escape_markdown(one) for one in ticket.labels)))
    if ticket.origin:
        fields.append((_("About"), _quote_origin(ticket.origin)))
    return {
        "title": shorten(escape_markdown(_say(title, locale)), 256),
        "description": _greeting(scene),
        "color": _CLOSED_COLOUR if is_over else _COLOURS[ticket.priority],
        "fields": [
            {
                "name": _say(name, locale),
                "value": cut(_say(value, locale), _MOST_VALUE),
                "inline": True,
            }
            for name, value in fields
        ],
    }


def _greeting(scene: Scene) -> str:
    ticket, locale = scene.ticket, scene.locale
    if scene.panel.welcome:
        text = render_template(
            scene.panel.welcome,
            {
                "opener": f"<@{ticket.user_id}>",
                "number": str(ticket.number),
                "panel": escape_markdown(scene.panel.name),
                "server": escape_markdown(scene.guild_name),
            },
        )
    else:
        text = _("Tell us what this is about. Somebody will answer you here.").render(locale)
    lines = [cut(text, _LONGEST_GREETING)]
    if scene.opens_at is not None and ticket.status == Status.OPEN:
        when = f"<t:{int(scene.opens_at.timestamp())}:R>"
        lines.append(
            _("The staff are not there now; they are back {when}.", when=when).render(locale)
        )
    return "\n\n".join(lines)


def _quote_origin(origin: Mapping[str, Any]) -> str:
    place = f"{origin['guild_id']}/{origin['channel_id']}/{origin['message_id']}"
    link = f"https://discord.com/channels/{place}"
    quoted = escape_markdown(shorten(str(origin.get("content") or ""), 300)).replace("\n", " ")
    return f"{link}\n<@{origin['author_id']}>: {quoted}" if quoted else link


def _answers(scene: Scene, room: int) -> dict[str, Any] | None:
    """Return the form as it was filled in, as far as so many characters hold it."""
    answers = list(scene.ticket.answers or ())
    if not answers:
        return None
    note = _("…: all of it is in the transcript.").render(scene.locale)
    room -= len(note)
    shown = answers[:_MOST_FIELDS]
    names = _fit([escape_markdown(str(one["label"])) for one in shown], room // 2, 256)
    texts = list(map(_answer_of, shown))
    values = _fit(texts, room - sum(map(len, names)), _MOST_VALUE)
    fields = [
        {"name": name, "value": value, "inline": False}
        for name, value in zip(names, values, strict=True)
    ]
    is_whole = texts == values and len(shown) == len(answers)
    return {"fields": fields} if is_whole else {"fields": fields, "footer": {"text": note}}


def _answer_of(answer: Mapping[str, Any]) -> str:
    text = ", ".join(str(one) for one in answer.get("shown") or ()) or "-"
    return text if answer.get("kind") in _MENTIONING else escape_markdown(text)


def _fit(texts: Sequence[str], room: int, most: int) -> list[str]:
    """Return the texts in so many characters together, the longest of them cut to the same size."""
    limit = most
    for done, length in enumerate(sorted(map(len, texts))):
        share = room // (len(texts) - done)
        if min(length, most) > share:
            limit = share
            break
        room -= min(length, most)
    return [cut(one, max(limit, 1)) for one in texts]


def _size_of(embed: Mapping[str, Any]) -> int:
    fields = [one[part] for one in embed["fields"] for part in ("name", "value")]
    return sum(map(len, (embed["title"], embed["description"], *fields)))


def _buttons(scene: Scene) -> list[dict[str, Any]]:
    ticket, locale = scene.ticket, scene.locale
    match ticket.status:
        case Status.OPEN:
            claim = (
                (_("Let go"), _GREY, "unclaim")
                if ticket.claimed_by
                else (_("Claim"), _GREEN, "claim")
            )
            buttons = [(_("Close"), _RED, "close"), claim]
        case Status.CLOSING | Status.CLOSED if ticket.channel_id is not None:
            buttons = [(_("Open again"), _GREEN, "reopen")]
        case _:
            buttons = []
    return _row(
        [(text, style, f"tickets:{verb}:{ticket.id}") for text, style, verb in buttons], locale
    )


def _row(buttons: Sequence[tuple[Message, int, str]], locale: str | None) -> list[dict[str, Any]]:
    if not buttons:
        return []
    return [
        {
            "type": _ROW,
            "components": [
                {
                    "type": _BUTTON,
                    "style": style,
                    "label": text.render(locale),
                    "custom_id": custom_id,
                }
                for text, style, custom_id in buttons
            ],
        }
    ]


# --- lines in the room ---------------------------------------------------------------------------

# What was done, by whom and to whom; also the lines of a transcript.
_LINES: Mapping[str, str] = {
    Action.OPEN: N_("{actor} opened the ticket."),
    Action.ROOM_READY: N_("The room is ready."),
    Action.REQUEST_CLOSE: N_("{actor} asks whether this can be closed."),
    Action.DECLINE_CLOSE: N_("{actor} would like to go on."),
    Action.SCHEDULE_CLOSE: N_("{actor} has set an end to this ticket: it is closed {when}."),
    Action.KEEP_OPEN: N_("{actor} keeps this open."),
    Action.CLOSE: N_("{actor} closed the ticket."),
    Action.ROOM_SHUT: N_("The room is locked."),
    Action.ROOM_LOST: N_("The room was deleted in Discord; the ticket is closed."),
    Action.ROOM_REMOVED: N_("The room was removed."),
    Action.REOPEN: N_("{actor} opened the ticket again."),
    Action.REOPENING_FAILED: N_("The ticket could not be opened again."),
    Action.CLAIM: N_("{actor} sees to this ticket."),
    Action.UNCLAIM: N_("{actor} let go of this ticket."),
    Action.TRANSFER: N_("{actor} handed this ticket to {subject}."),
    Action.GIVE_TO: N_("{actor} made this the ticket of {subject}."),
    Action.ADD: N_("{actor} added {subject}."),
    Action.REMOVE: N_("{actor} took {subject} out."),
    Action.MOVE: N_("{actor} moved this ticket to {value}."),
    Action.RENAME: N_("{actor} named this ticket {value}."),
    Action.PRIORITY: N_("{actor} set the priority to {value}."),
    Action.LABEL: N_("{actor} set the labels: {value}"),
    Action.EXEMPT: N_("{actor} has this ticket stay open without messages."),
    Action.REMIND: N_("Nobody of the staff has answered yet."),
    Action.ESCALATE: N_("Nobody of the staff has answered for long: others are called."),
    Action.LEAD: N_("Nobody of the staff has answered for long: the leads are called."),
    Action.WARN_INACTIVE: N_("Without a message this ticket is closed {when}."),
    Action.REDACT: N_("{actor} removed a message from the record."),
    Action.RATE: N_("{actor} rated the ticket."),
    Action.NOTE: N_("{actor} left a note for the staff."),
    Action.OPENING_FAILED: N_("The room could not be made."),
}
# Of a ticket that somebody else let go of than whoever saw to it.
_TAKEN = N_("{actor} took this ticket from {subject}.")


def line_of(
    action: str,
    *,
    actor_id: int | None,
    subject_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> Message:
    """Return what an event says in one line; whoever acted is mentioned, the bot by what it is."""
    details = details or {}
    value = details.get("value")
    if action == Action.PRIORITY and isinstance(value, str):
        value = _(PRIORITIES[value])
    elif isinstance(value, list):
        value = ", ".join(escape_markdown(str(one)) for one in value) or _("none")
    elif value is not None:
        value = escape_markdown(str(value))
    when = details.get("when")
    return _(
        _TAKEN if action == Action.UNCLAIM and subject_id else _LINES[action],
        actor=f"<@{actor_id}>" if actor_id else _("Pegasus"),
        subject=f"<@{subject_id}>" if subject_id else _("somebody"),
        value=value if value is not None else "…",
        when=f"<t:{int(when)}:R>" if when is not None else "",
    )


def request_line(opener_id: int, actor_id: int | None) -> Message:
    """Return the question to an opener whether their ticket can be closed."""
    return _(
        "{opener}, {actor} thinks that this is settled. Can the ticket be closed?",
        opener=f"<@{opener_id}>",
        actor=f"<@{actor_id}>" if actor_id else _("Pegasus"),
    )


def going_on_line(opener_id: int) -> Message:
    """Return what is said when an opener writes on instead of answering that question."""
    return _("{actor} has written again: the ticket stays open.", actor=f"<@{opener_id}>")


def line_payload(
    text: Message, locale: str | None, *, reason: str | None = None, users: Collection[int] = ()
) -> dict[str, Any]:
    """Return a line in the room; `users` are notified, called first unless it names them."""
    content = text.render(locale)
    # Discord notifies nobody whom the text does not mention.
    calls = [f"<@{one}>" for one in sorted(users) if f"<@{one}>" not in content]
    content = " ".join([*calls, content])
    if reason:
        content += f"\n> {shorten(escape_markdown(' '.join(reason.split())), _LONGEST_QUOTE)}"
    return {
        "content": content,
        "allowed_mentions": {"parse": [], "users": [str(one) for one in sorted(users)]},
    }


def keep_row(ticket_id: int, locale: str | None) -> list[dict[str, Any]]:
    """Return the button that takes back a planned end."""
    return _row([(_("Keep it open"), _GREY, f"tickets:keep:{ticket_id}")], locale)


def call_payload(
    text: Message, locale: str | None, *, roles: Collection[int], users: Collection[int] = ()
) -> dict[str, Any]:
    """Return a line that calls roles or members to the room."""
    calls = [f"<@&{one}>" for one in sorted(roles)] + [f"<@{one}>" for one in sorted(users)]
    return {
        "content": " ".join([*calls, text.render(locale)]),
        "allowed_mentions": {
            "parse": [],
            "roles": [str(one) for one in sorted(roles)],
            "users": [str(one) for one in sorted(users)],
        },
    }


def request_payload(
    scene: Scene, *, by: int | None, reason: str | None, calls: bool = True
) -> dict[str, Any]:
    """Return the question whether the ticket can be closed; `calls` notifies its opener."""
    ticket, locale = scene.ticket, scene.locale
    text = request_line(ticket.user_id, by)
    payload = line_payload(text, locale, reason=reason, users=[ticket.user_id] if calls else [])
    if ticket.close_at is not None:
        when = f"<t:{int(ticket.close_at.timestamp())}:R>"
        note = _("Without an answer it is closed {when}.", when=when)
        payload["content"] += f"\n-# {note.render(locale)}"
    payload["components"] = _row(
        [
            (_("Close"), _GREEN, f"tickets:accept:{ticket.id}"),
            (_("Not yet"), _GREY, f"tickets:decline:{ticket.id}"),
        ],
        locale,
    )
    return payload


def _opener(ticket: Ticket) -> Message | str:
    return f"<@{ticket.user_id}>" if ticket.user_id else _("somebody whose data was erased")


def log_payload(scene: Scene, *, filename: str, renderer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the log channel is told of a closed ticket, with its transcript."""
    ticket, locale = scene.ticket, scene.locale
    title = _("{panel} · ticket {number} is closed", panel=scene.panel.name, number=ticket.number)
    fields = [
        (_("Opened by"), f"{_say(_opener(ticket), locale)} · {_stamp(ticket.created_at)}"),
        (_("Closed by"), f"<@{ticket.closed_by}>" if ticket.closed_by else "Pegasus"),
        (_("Seen to by"), f"<@{ticket.claimed_by}>" if ticket.claimed_by else _("nobody")),
    ]
    if ticket.close_reason:
        fields.append((_("Reason"), escape_markdown(ticket.close_reason)))
    embed = {
        "title": shorten(escape_markdown(_say(title, locale)), 256),
        "color": _CLOSED_COLOUR,
        "fields": [
            {"name": _say(name, locale), "value": shorten(_say(value, locale), _MOST_VALUE)}
            for name, value in fields
        ],
    }
    return {
        "embeds": [embed],
        "attachments": [{"filename": filename, **renderer}],
        "allowed_mentions": {"parse": []},
    }


def farewell_payload(
    scene: Scene, *, filename: str | None, renderer: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the opener is written of the end: the transcript, and a question for stars."""
    ticket, locale = scene.ticket, scene.locale
    text = _(
        "Your ticket {number} ({panel}) in {server} is closed.",
        number=ticket.number,
        panel=escape_markdown(scene.panel.name),
        server=escape_markdown(scene.guild_name),
    )
    payload = line_payload(text, locale, reason=ticket.close_reason)
    if filename is not None:
        payload["attachments"] = [{"filename": filename, **renderer}]
    if scene.panel.rating:
        payload["content"] += "\n" + _("How was it?").render(locale)
        stars = [
            (Message("★" * count), _GREY, f"tickets:rate:{ticket.id}:{count}")
            for count in range(1, 6)
        ]
        payload["components"] = _row(stars, locale)
    return payload


def failed_payload(scene: Scene, error: str) -> dict[str, Any]:
    """Return what somebody is written whose ticket could not be opened."""
    text = _(
        "Your ticket in {server} could not be opened.", server=escape_markdown(scene.guild_name)
    )
    return line_payload(text, scene.locale, reason=error)


def _stamp(instant: datetime) -> str:
    return f"<t:{int(instant.timestamp())}:f>"
