"""Polls as Discord keeps them, from what somebody asks.

https://discord.com/developers/docs/resources/poll
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from .codec import isoformat
from .models import Json

_HOURS = 24


def start_poll(asked: Json | None) -> Json | None:
    """Return a poll that runs from now, numbered and without votes; None for none."""
    if asked is None:
        return None
    expiry = datetime.now(UTC) + timedelta(hours=asked.get("duration") or _HOURS)
    answers = [
        {**answer, "answer_id": number} for number, answer in enumerate(asked["answers"], start=1)
    ]
    return {
        "question": asked["question"],
        "answers": answers,
        "expiry": isoformat(expiry),
        "allow_multiselect": bool(asked.get("allow_multiselect")),
        "layout_type": asked.get("layout_type") or 1,
        "results": {"is_finalized": False, "answer_counts": []},
    }


def plain_poll(question: str, answers: tuple[str, ...]) -> Json:
    """Return what somebody asks who gives a question and the texts of its answers."""
    return {
        "question": {"text": question},
        "answers": [{"poll_media": {"text": text}} for text in answers],
    }
