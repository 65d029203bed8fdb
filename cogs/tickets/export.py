"""The transcript of a ticket for machines, as JSON; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cogs.tickets.transcript import STAFF_ONLY, Record, grouped
from db.ticket_messages import TicketFile, TicketMessage, TicketVersion
from db.tickets import Ticket, TicketEvent


def to_json(record: Record) -> str:
    """Return the transcript: ids as strings, instants in ISO 8601."""
    versions = grouped(record.versions, "message_id")
    files = grouped(record.files, "message_id")
    body = {
        **_ticket(record.ticket),
        "events": [
            _event(one) for one in record.events if record.for_staff or one.kind not in STAFF_ONLY
        ],
        "messages": [
            {
                **_message(one),
                "versions": [_version(it) for it in versions.get(one.message_id, ())],
                "versions_left_out": one.versions_left_out or 0,
                "files": [_file(it) for it in files.get(one.message_id, ())],
            }
            for one in record.messages
        ],
        "form_files": [_file(one) for one in record.files if one.question is not None],
    }
    return json.dumps(body, ensure_ascii=False, indent=1)


def _ticket(ticket: Ticket) -> Mapping[str, Any]:
    return {
        "number": ticket.number,
        "panel": ticket.category,
        "status": ticket.status,
        "opener_id": str(ticket.user_id),
        "claimed_by": str(ticket.claimed_by) if ticket.claimed_by else None,
        "priority": ticket.priority,
        "labels": list(ticket.labels),
        "created_at": ticket.created_at.isoformat(),
        "closed_at": ticket.closed_at.isoformat() if ticket.closed_at else None,
        "close_reason": ticket.close_reason,
        "answers": [
            {key: one.get(key) for key in ("key", "label", "kind", "shown")}
            for one in list(ticket.answers or ())
        ],
    }


def _event(event: TicketEvent) -> Mapping[str, Any]:
    return {
        "kind": event.kind,
        "actor_id": str(event.actor_id) if event.actor_id else None,
        "subject_id": str(event.subject_id) if event.subject_id else None,
        "at": event.at.isoformat(),
        "text": event.text,
        "details": event.details,
    }


def _message(message: TicketMessage) -> Mapping[str, Any]:
    return {
        "id": str(message.message_id),
        "author_id": str(message.author_id),
        "author": message.author_name,
        "is_bot": message.is_bot,
        "is_staff": message.is_staff,
        "content": message.content,
        "extras": message.extras,
        "reply_to": str(message.reply_to) if message.reply_to else None,
        "created_at": message.created_at.isoformat(),
        "edited_at": message.edited_at.isoformat() if message.edited_at else None,
        "deleted_at": message.deleted_at.isoformat() if message.deleted_at else None,
        "redacted": message.redacted_at is not None,
    }


def _version(version: TicketVersion) -> Mapping[str, Any]:
    return {"content": version.content, "replaced_at": version.replaced_at.isoformat()}


def _file(file: TicketFile) -> Mapping[str, Any]:
    return {
        "id": str(file.id),
        "name": file.name,
        "content_type": file.content_type,
        "size": file.size,
        "sha256": file.sha256,
        "state": file.state,
        "question": file.question,
    }
