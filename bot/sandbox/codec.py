"""JSON to and from bytes, with orjson where it is installed; knows nothing of what it carries."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

try:
    import orjson
except ImportError:
    orjson = None


def encode(value: Any) -> bytes:
    """Return `value` as compact JSON in UTF-8."""
    if orjson is not None:
        return orjson.dumps(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def decode(data: bytes | str) -> Any:
    """Parse JSON; raises ValueError when it is not JSON."""
    return orjson.loads(data) if orjson is not None else json.loads(data)


def isoformat(moment: datetime) -> str:
    """Return an instant as Discord writes it: ISO 8601 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse_time(text: str) -> datetime:
    """Return the UTC instant that an ISO 8601 text names; raises ValueError when it names none."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
