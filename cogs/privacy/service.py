"""Exports and erases what is stored about one person; which tables that is, `db.people` knows."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from io import BytesIO
from typing import Any

from bot.core.clock import Clock
from bot.core.ratelimit import CommandLimiter
from bot.core.unwritten import Unwritten
from db.engine import Database
from db.people import erase_person, export_person


class PrivacyService:
    """Serves a person's right to see and to erase their data."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        unwritten: Unwritten,
        limits: CommandLimiter,
    ) -> None:
        self._database = database
        self._clock = clock
        self._unwritten = unwritten
        self._limits = limits

    async def export(self, user_id: int) -> BytesIO:
        """Return a UTF-8 JSON document with every stored row that is about the person."""
        await self._unwritten.flush()
        async with self._database.read() as session:
            tables = await export_person(session, user_id)
        document = {"user_id": str(user_id), "exported_at": self._clock.now(), "data": tables}
        # Years of rows make megabytes of text, which would hold up the loop.
        return BytesIO(await asyncio.to_thread(_to_json, document))

    async def erase(self, user_id: int) -> int:
        """Erase or pseudonymise the person's rows in one transaction; returns how many.

        What staff hold against them stays: nobody clears their own name by themselves. What still
        holds for them, such as a block, stays until it ends.
        """
        # What is in memory would come after the answer.
        await self._unwritten.flush()
        async with self._database.write() as session:
            counts = await erase_person(session, user_id, now=self._clock.now(), records=False)
        self._limits.forget(user_id)
        return sum(counts.values())


def _to_json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=2, default=_as_text).encode()


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
