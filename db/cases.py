"""Cases: numbered records of what was done to members, with their edits and notes.

What a kind or state means is decided in `bot.core.cases`; what holds a member is in `db.sanctions`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Index,
    Integer,
    Select,
    String,
    Text,
    UniqueConstraint,
    func,
    insert,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import (
    DELETE_RECORD,
    NOBODY,
    Base,
    Erasure,
    Json,
    RowId,
    Snowflake,
    UtcDateTime,
    person,
)
from db.statements import insert_for

_WITHOUT_TARGET = Erasure(
    replacement=NOBODY,
    clears=("target_name", "reason", "details", "dedupe_key"),
    is_record=True,
)
_WITHOUT_MODERATOR = Erasure(replacement=NOBODY, clears=("moderator_name",))


class CaseCounter(Base):
    """The last case number that a guild gave; whoever adds cases lines up at its row."""

    __tablename__ = "case_counters"

    guild_id: Mapped[int] = mapped_column(Snowflake, primary_key=True)
    last_number: Mapped[int] = mapped_column(Integer, default=0)


class Case(Base):
    """One case; `revision` grows with every change to it.

    A person's erasure leaves the number, what was done and when. `replaces_id` is the case that
    held the member before this one. The log message is in `channel_id`; `log_revision` is the
    revision that sent it and part of its key. `delete_seconds` is how far back a ban deletes.
    """

    __tablename__ = "cases"
    __table_args__ = (
        UniqueConstraint("guild_id", "number"),
        # A person first: that serves their erasure, too.
        Index(None, "target_id", "guild_id", "number"),
        Index(None, "moderator_id", "guild_id", "number"),
        Index(None, "guild_id", "kind", "number"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    guild_id: Mapped[int] = mapped_column(Snowflake)
    number: Mapped[int] = mapped_column(Integer)
    dedupe_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    target_id: Mapped[int] = mapped_column(Snowflake, info=person(_WITHOUT_TARGET))
    target_name: Mapped[str | None] = mapped_column(String(100))
    target_is_bot: Mapped[bool] = mapped_column(Boolean, default=False)
    moderator_id: Mapped[int] = mapped_column(Snowflake, info=person(_WITHOUT_MODERATOR))
    moderator_name: Mapped[str | None] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str | None] = mapped_column(Text)
    points: Mapped[int] = mapped_column(Integer, default=0)
    points_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_by: Mapped[int | None] = mapped_column(Snowflake, info=person(Erasure()))
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_by: Mapped[int | None] = mapped_column(Snowflake, info=person(Erasure()))
    failure: Mapped[str | None] = mapped_column(String(64))
    role_id: Mapped[int | None] = mapped_column(Snowflake)
    delete_seconds: Mapped[int] = mapped_column(Integer, default=0)
    notify: Mapped[bool] = mapped_column(Boolean, default=False)
    replaces_id: Mapped[int | None] = mapped_column(RowId)
    channel_id: Mapped[int | None] = mapped_column(Snowflake)
    log_revision: Mapped[int | None] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer, default=0)
    details: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class CaseEdit(Base):
    """One change that staff made to a case."""

    __tablename__ = "case_edits"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    case_id: Mapped[int] = mapped_column(RowId, index=True)
    # Whom the case is about, since the texts are, too.
    target_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_RECORD))
    field: Mapped[str] = mapped_column(String(32))
    before: Mapped[str | None] = mapped_column(Text)
    after: Mapped[str | None] = mapped_column(Text)
    editor_id: Mapped[int | None] = mapped_column(Snowflake, info=person(Erasure()))
    edited_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CaseNote(Base):
    """What somebody of the staff wrote under a case."""

    __tablename__ = "case_notes"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    case_id: Mapped[int] = mapped_column(RowId, index=True)
    target_id: Mapped[int] = mapped_column(Snowflake, index=True, info=person(DELETE_RECORD))
    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int | None] = mapped_column(
        Snowflake, info=person(Erasure(clears=("author_name",)))
    )
    author_name: Mapped[str | None] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


# --- adding -----------------------------------------------------------------------------------


async def lock_numbers(session: AsyncSession, guild_id: int) -> int:
    """Wait for whoever else adds cases to the guild, and return the last number given."""
    statement = (
        insert_for(session, CaseCounter)
        .values(guild_id=guild_id, last_number=0)
        .on_conflict_do_update(
            index_elements=["guild_id"], set_={"last_number": CaseCounter.last_number}
        )
        .returning(CaseCounter.last_number)
    )
    return (await session.execute(statement)).scalar_one()


async def add_cases(
    session: AsyncSession, guild_id: int, cases: Sequence[Mapping[str, Any]]
) -> Sequence[Case]:
    """Add cases with the guild's next numbers, in their order, and return them.

    The caller holds the guild's numbers (`lock_numbers`) and has seen that no key is taken.
    """
    statement = (
        update(CaseCounter)
        .where(CaseCounter.guild_id == guild_id)
        .values(last_number=CaseCounter.last_number + len(cases))
        .returning(CaseCounter.last_number)
    )
    last = (await session.execute(statement)).scalar_one()
    first = last - len(cases) + 1
    rows = [
        {"guild_id": guild_id, "number": number, **values}
        for number, values in enumerate(cases, first)
    ]
    added = await session.scalars(insert(Case).returning(Case), rows)
    return sorted(added, key=lambda case: case.number)


async def list_by_keys(session: AsyncSession, dedupe_keys: Collection[str]) -> dict[str, Case]:
    """Return the cases that have one of the keys, by key."""
    query = select(Case).where(Case.dedupe_key.in_(dedupe_keys))
    return {case.dedupe_key: case for case in await session.scalars(query) if case.dedupe_key}


# --- changing ---------------------------------------------------------------------------------


async def change_case(
    session: AsyncSession, case_id: int, *, expected: Collection[str], **values: Any
) -> Case | None:
    """Change a case that is in one of the expected states and return it; `None` in another."""
    statement = (
        update(Case)
        .where(Case.id == case_id, Case.state.in_(expected))
        .values(revision=Case.revision + 1, **values)
        .returning(Case)
    )
    rows = await session.scalars(statement, execution_options={"populate_existing": True})
    return rows.one_or_none()


async def change_cases(
    session: AsyncSession, case_ids: Collection[int], *, expected: Collection[str], **values: Any
) -> Sequence[Case]:
    """Change those of the cases that are in one of the expected states and return them."""
    statement = (
        update(Case)
        .where(Case.id.in_(case_ids), Case.state.in_(expected))
        .values(revision=Case.revision + 1, **values)
        .returning(Case)
    )
    rows = await session.scalars(statement, execution_options={"populate_existing": True})
    return rows.all()


async def set_details(session: AsyncSession, case_id: int, details: Mapping[str, Any]) -> Case:
    """Set the details of a case that was just added, and return it."""
    statement = update(Case).where(Case.id == case_id).values(details=dict(details)).returning(Case)
    rows = await session.scalars(statement, execution_options={"populate_existing": True})
    return rows.one()


async def note_log(
    session: AsyncSession, case_id: int, *, channel_id: int, log_revision: int
) -> None:
    """Remember where the log message of a case is and under which revision's key."""
    statement = update(Case).where(Case.id == case_id)
    await session.execute(
        statement.values(channel_id=channel_id, log_revision=log_revision),
        execution_options={"synchronize_session": False},
    )


async def add_edit(
    session: AsyncSession,
    case: Case,
    *,
    field: str,
    before: str | None,
    after: str | None,
    editor_id: int,
    now: datetime,
) -> None:
    """Add a change to a case's history."""
    edit = CaseEdit(case_id=case.id, target_id=case.target_id, field=field)
    edit.before, edit.after, edit.editor_id, edit.edited_at = before, after, editor_id, now
    session.add(edit)
    await session.flush()


async def add_note(
    session: AsyncSession, case: Case, *, text: str, author_id: int, author_name: str, now: datetime
) -> CaseNote:
    """Add a note under a case and return it."""
    note = CaseNote(case_id=case.id, target_id=case.target_id, text=text)
    note.author_id, note.author_name, note.created_at = author_id, author_name, now
    session.add(note)
    await session.flush()
    return note


# --- reading ----------------------------------------------------------------------------------


async def get_case(session: AsyncSession, guild_id: int, number: int) -> Case | None:
    """Return a guild's case by its number, deleted or not."""
    query = select(Case).where(Case.guild_id == guild_id, Case.number == number)
    return await session.scalar(query, execution_options={"populate_existing": True})


async def get_case_by_id(session: AsyncSession, case_id: int) -> Case | None:
    """Return a case by its id, deleted or not."""
    query = select(Case).where(Case.id == case_id)
    return await session.scalar(query, execution_options={"populate_existing": True})


async def list_cases_by_id(session: AsyncSession, case_ids: Collection[int]) -> Sequence[Case]:
    """Return cases by their ids."""
    return (await session.scalars(select(Case).where(Case.id.in_(case_ids)))).all()


async def list_in_state(session: AsyncSession, guild_id: int, state: str) -> Sequence[Case]:
    """Return a guild's cases in one state, for what is to be taken up again."""
    query = select(Case).where(Case.guild_id == guild_id, Case.state == state)
    return (await session.scalars(query)).all()


async def list_cases(
    session: AsyncSession,
    guild_id: int,
    *,
    target_id: int | None = None,
    moderator_id: int | None = None,
    kinds: Collection[str] | None = None,
    or_points: bool = False,
    before_number: int | None = None,
    limit: int = 25,
    include_deleted: bool = False,
) -> Sequence[Case]:
    """Return a guild's cases from the newest on, those before a number if one is given.

    With `or_points` those of other kinds are among them that gave a member warn points.
    """
    query = pick_cases(
        guild_id,
        target_id=target_id,
        moderator_id=moderator_id,
        kinds=kinds,
        or_points=or_points,
        before_number=before_number,
        limit=limit,
        include_deleted=include_deleted,
    )
    return (await session.scalars(query)).all()


def pick_cases(
    guild_id: int,
    *,
    target_id: int | None = None,
    moderator_id: int | None = None,
    kinds: Collection[str] | None = None,
    or_points: bool = False,
    before_number: int | None = None,
    limit: int = 25,
    include_deleted: bool = False,
) -> Select[Case]:
    """Return the query of `list_cases`: each of its forms reads along one index, and stops."""
    filters = [Case.guild_id == guild_id]
    if target_id is not None:
        filters.append(Case.target_id == target_id)
    if moderator_id is not None:
        filters.append(Case.moderator_id == moderator_id)
    if before_number is not None:
        filters.append(Case.number < before_number)
    if not include_deleted:
        filters.append(Case.deleted_at.is_(None))
    if kinds is None or target_id is not None or moderator_id is not None:
        if kinds is not None:
            chosen = Case.kind.in_(sorted(kinds))
            filters.append(or_(chosen, Case.points > 0) if or_points else chosen)
        return select(Case).where(*filters).order_by(Case.number.desc()).limit(limit)
    return _pick_kinds(sorted(kinds), filters, limit)


def _pick_kinds(
    kinds: Sequence[str], filters: Sequence[ColumnElement[bool]], limit: int
) -> Select[Case]:
    # The newest of each kind come along the index; an IN would have all of them sorted.
    newest = [
        select(Case.id, Case.number)
        .where(*filters, Case.kind == kind)
        .order_by(Case.number.desc())
        .limit(limit)
        .subquery()
        for kind in kinds
    ]
    if not newest:
        return select(Case).where(Case.id.is_(None))
    ids = union_all(*(select(one.c.id) for one in newest)).subquery()
    query = select(Case).where(Case.id.in_(select(ids.c.id)))
    return query.order_by(Case.number.desc()).limit(limit)


def pick_points(guild_id: int, user_id: int, now: datetime, states: Collection[str]) -> Select[int]:
    """Return the query of `sum_points`."""
    return select(func.coalesce(func.sum(Case.points), 0)).where(
        Case.target_id == user_id,
        Case.guild_id == guild_id,
        Case.state.in_(sorted(states)),
        Case.deleted_at.is_(None),
        or_(Case.points_until.is_(None), Case.points_until > now),
    )


async def sum_points(
    session: AsyncSession, guild_id: int, user_id: int, now: datetime, states: Collection[str]
) -> int:
    """Return the points of a member's cases in these states that are not deleted or expired."""
    return (await session.execute(pick_points(guild_id, user_id, now, states))).scalar_one()


async def sum_points_of(
    session: AsyncSession,
    guild_id: int,
    user_ids: Collection[int],
    now: datetime,
    states: Collection[str],
) -> dict[int, int]:
    """Return the same for many members at once; those without points are left out."""
    query = (
        select(Case.target_id, func.sum(Case.points))
        .where(
            Case.target_id.in_(user_ids),
            Case.guild_id == guild_id,
            Case.state.in_(sorted(states)),
            Case.deleted_at.is_(None),
            or_(Case.points_until.is_(None), Case.points_until > now),
        )
        .group_by(Case.target_id)
    )
    return {who: int(points) for who, points in await session.execute(query)}


async def count_by_kind(
    session: AsyncSession, guild_id: int, *, moderator_id: int | None, since: datetime
) -> dict[tuple[int, str], int]:
    """Return how many cases there are since an instant, by moderator and kind.

    What could not be carried out is left out.
    """
    query = (
        select(Case.moderator_id, Case.kind, func.count())
        .where(
            Case.guild_id == guild_id,
            Case.created_at >= since,
            Case.deleted_at.is_(None),
            Case.state != "failed",
        )
        .group_by(Case.moderator_id, Case.kind)
    )
    if moderator_id is not None:
        query = query.where(Case.moderator_id == moderator_id)
    return {(who, kind): count for who, kind, count in await session.execute(query)}


async def list_edits(session: AsyncSession, case_id: int) -> Sequence[CaseEdit]:
    """Return the changes to a case, oldest first."""
    query = select(CaseEdit).where(CaseEdit.case_id == case_id).order_by(CaseEdit.id)
    return (await session.scalars(query)).all()


async def list_notes(session: AsyncSession, case_id: int) -> Sequence[CaseNote]:
    """Return the notes under a case, oldest first."""
    query = select(CaseNote).where(CaseNote.case_id == case_id).order_by(CaseNote.id)
    return (await session.scalars(query)).all()
