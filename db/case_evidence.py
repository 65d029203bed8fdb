"""Files kept with cases: what they are in one table, their bytes in another.

So a list of them, or a person's export, never reads megabytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import DELETE_RECORD, Base, Erasure, RowId, Snowflake, UtcDateTime, person


class CaseEvidence(Base):
    """A file that was put down to a case; `size` is in bytes, `sha256` hexadecimal."""

    __tablename__ = "case_evidence"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    case_id: Mapped[int] = mapped_column(RowId, index=True)
    guild_id: Mapped[int] = mapped_column(Snowflake, index=True)
    # Whom the case is about.
    target_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_RECORD))
    filename: Mapped[str] = mapped_column(String(200))
    content_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    added_by: Mapped[int | None] = mapped_column(Snowflake, info=person(Erasure()))
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CaseEvidenceData(Base):
    """The bytes of a file, which go when it goes."""

    __tablename__ = "case_evidence_data"

    evidence_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("case_evidence.id", ondelete="CASCADE"), primary_key=True
    )
    data: Mapped[bytes] = mapped_column(LargeBinary)


async def add_evidence(
    session: AsyncSession,
    *,
    case_id: int,
    guild_id: int,
    target_id: int,
    filename: str,
    content_type: str,
    data: bytes,
    sha256: str,
    added_by: int,
    now: datetime,
) -> CaseEvidence:
    """Keep a file with a case and return what is known of it."""
    evidence = CaseEvidence(
        case_id=case_id,
        guild_id=guild_id,
        target_id=target_id,
        filename=filename,
        content_type=content_type,
        size=len(data),
        sha256=sha256,
        added_by=added_by,
        added_at=now,
    )
    session.add(evidence)
    await session.flush()
    await session.execute(insert(CaseEvidenceData).values(evidence_id=evidence.id, data=data))
    return evidence


async def list_evidence(session: AsyncSession, case_id: int) -> Sequence[CaseEvidence]:
    """Return what is kept with a case, oldest first, without the bytes."""
    query = select(CaseEvidence).where(CaseEvidence.case_id == case_id).order_by(CaseEvidence.id)
    return (await session.scalars(query)).all()


async def get_evidence(
    session: AsyncSession, guild_id: int, evidence_id: int
) -> tuple[CaseEvidence, bytes] | None:
    """Return a file of the guild with its bytes."""
    query = (
        select(CaseEvidence, CaseEvidenceData.data)
        .join(CaseEvidenceData, CaseEvidenceData.evidence_id == CaseEvidence.id)
        .where(CaseEvidence.id == evidence_id, CaseEvidence.guild_id == guild_id)
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else (row[0], row[1])


async def sum_evidence(session: AsyncSession, guild_id: int) -> int:
    """Return how many bytes a guild keeps."""
    query = select(func.coalesce(func.sum(CaseEvidence.size), 0))
    return int((await session.execute(query.where(CaseEvidence.guild_id == guild_id))).scalar_one())
