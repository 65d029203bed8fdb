"""Keeps files with cases, in the database: links to Discord's files expire."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence

from bot.core.cases.desk import Desk
from bot.core.cases.values import MAX_EVIDENCE, MAX_EVIDENCE_BYTES, Evidence
from bot.core.contracts import Actor
from bot.core.errors import InvalidInput, NotFound
from bot.core.i18n import _
from db import case_evidence as table
from db.cases import Case as CaseRow
from db.cases import lock_numbers

MIB = 1024 * 1024
# What one guild may keep altogether.
GUILD_QUOTA = 500 * MIB
_UNSAFE = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")
_TYPE = re.compile(r"[\w.+-]{1,50}/[\w.+-]{1,49}", re.ASCII)
_PLAIN_TYPE = "application/octet-stream"


class EvidenceLocker:
    """Stores and gives back files; each guild has a bound."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def add(
        self, case: CaseRow, filename: str, content_type: str, data: bytes, actor: Actor
    ) -> Evidence:
        """Keep a file with a case; raises `InvalidInput` past a bound."""
        if not data:
            raise InvalidInput(_("That file is empty."))
        if len(data) > MAX_EVIDENCE_BYTES:
            raise InvalidInput(
                _("A file may have {limit} MB at most.", limit=MAX_EVIDENCE_BYTES // MIB)
            )
        # Ten megabytes take longer than the loop may be held up.
        sha256 = await asyncio.to_thread(lambda: hashlib.sha256(data).hexdigest())
        async with self._desk.database.write() as session:
            await lock_numbers(session, case.guild_id)
            known = await table.list_evidence(session, case.id)
            if (same := next((one for one in known if one.sha256 == sha256), None)) is not None:
                return _read(same)
            if len(known) >= MAX_EVIDENCE:
                raise InvalidInput(_("A case keeps {limit} files at most.", limit=MAX_EVIDENCE))
            if await table.sum_evidence(session, case.guild_id) + len(data) > GUILD_QUOTA:
                raise InvalidInput(
                    _("This server keeps {limit} MB of evidence already.", limit=GUILD_QUOTA // MIB)
                )
            row = await table.add_evidence(
                session,
                case_id=case.id,
                guild_id=case.guild_id,
                target_id=case.target_id,
                filename=_safe_name(filename),
                content_type=_safe_type(content_type),
                data=data,
                sha256=sha256,
                added_by=actor.user_id,
                now=self._desk.clock.now(),
            )
        return _read(row)

    async def list(self, case_id: int) -> Sequence[Evidence]:
        """Return what is kept with a case, oldest first."""
        async with self._desk.database.read() as session:
            return [_read(row) for row in await table.list_evidence(session, case_id)]

    async def read(self, guild_id: int, evidence_id: int) -> tuple[Evidence, bytes]:
        """Return a file of the guild; raises `NotFound`."""
        async with self._desk.database.read() as session:
            found = await table.get_evidence(session, guild_id, evidence_id)
        if found is None:
            raise NotFound(_("There is no such file."))
        row, data = found
        return _read(row), data


def _safe_name(filename: str) -> str:
    """Return a name that is no path and no trick, with its extension."""
    name = _UNSAFE.sub("_", filename).strip(". ") or "file"
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension) > 20:
        return name[:100]
    return f"{stem[: 99 - len(extension)]}.{extension}"


def _safe_type(content_type: str) -> str:
    plain = content_type.partition(";")[0].strip()
    return plain if _TYPE.fullmatch(plain) else _PLAIN_TYPE


def _read(row: table.CaseEvidence) -> Evidence:
    return Evidence(
        row.id,
        row.case_id,
        row.filename,
        row.content_type,
        row.size,
        row.sha256,
        row.added_by,
        row.added_at,
    )
