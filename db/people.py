"""A person's data in every table: exported whole, and erased.

What erasing does to a row is declared at the column that holds the person's id, with
`info=person(…)` of `db.base`; this module finds those columns and knows no table by name.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    Delete,
    RowMapping,
    Table,
    Update,
    delete,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db import schema
from db.base import Eraser, Erasure, Exporter, Secret, Snowflake
from db.erasures import OwedErasure, Place, add_owed, drop_owed, list_owed
from db.statements import count_changed

_OWED_AT_ONCE = 500


async def export_person(session: AsyncSession, user_id: int) -> dict[str, list[dict[str, Any]]]:
    """Return every row that is about a person, by table, ready to be written as JSON.

    Discord ids are strings and instants ISO 8601, as everywhere in Pegasus' JSON. What a column
    declares as secret is left out.
    """
    export: dict[str, list[dict[str, Any]]] = {}
    for table, columns in _tables_with_people():
        named = [column == user_id for column, erasure in columns if not erasure.is_anothers]
        rows = (await session.execute(select(table).where(or_(*named)))).mappings().all()
        if rows:
            export[table.name] = [_told(table, row) for row in rows]
    for table in schema.metadata().sorted_tables:
        exporter: Exporter | None = table.info.get("exporter")
        if exporter is None:
            continue
        query = exporter(user_id)
        columns = list(query.selected_columns)
        if rows := (await session.execute(query)).all():
            export[table.name] = [
                {
                    str(one.key): _to_json(one, value)
                    for one, value in zip(columns, row, strict=True)
                }
                for row in rows
            ]
    return export


async def erase_person(
    session: AsyncSession, user_id: int, *, now: datetime | None = None, records: bool = True
) -> dict[str, int]:
    """Erase a person from every table, each in its declared way; return rows changed by table.

    Rows that are kept until an instant after `now`, or after the present one, stay, as do those
    that are still needed; `erase_owed` erases these later. Without `records`, what staff hold
    against the person stays for good.
    """
    counts: dict[str, int] = {}
    at = now or datetime.now(UTC)
    for table in schema.metadata().sorted_tables:
        eraser: Eraser | None = table.info.get("eraser")
        if eraser and (changed := await eraser(session, user_id, at, records=records)):
            counts[table.name] = changed
    for table, _columns in _tables_with_people():
        if changed := await erase_in(session, table, user_id, at, records=records):
            counts[table.name] = counts.get(table.name, 0) + changed
    await add_owed(session, user_id, await _list_kept(session, user_id, records=records), at)
    return counts


async def erase_owed(session: AsyncSession, at: datetime) -> int:
    """Erase what was kept when its person was erased and is not needed any more; return how much.

    Only the rows of then: what a person has done since is not touched.
    """
    erased = last = 0
    while owed := await list_owed(session, after=last, limit=_OWED_AT_ONCE):
        last = owed[-1].id
        columns: defaultdict[tuple[str, str], list[OwedErasure]] = defaultdict(list)
        for one in owed:
            columns[one.table_name, one.column_name].append(one)
        for (table_name, column_name), rows in columns.items():
            erased += await _erase_rows(session, table_name, column_name, rows, at)
    return erased


async def _erase_rows(
    session: AsyncSession,
    table_name: str,
    column_name: str,
    owed: Sequence[OwedErasure],
    at: datetime,
) -> int:
    table = schema.metadata().tables.get(table_name)
    column = None if table is None else table.columns.get(column_name)
    erasure: Erasure | None = None if column is None else column.info.get("erasure")
    if table is None or column is None or erasure is None:
        # An earlier version had it.
        await drop_owed(session, [one.id for one in owed])
        return 0
    places = {one.id: (*json.loads(one.row_key), one.user_id) for one in owed}
    whole_key = (*table.primary_key.columns, column)
    named = tuple_(*whole_key).in_(list(places.values()))
    changed = await count_changed(session, _erasing(table, column, erasure, named, at))
    left = {tuple(row) for row in await session.execute(select(*whole_key).where(named))}
    await drop_owed(session, [id_ for id_, place in places.items() if place not in left])
    return changed


async def _list_kept(session: AsyncSession, user_id: int, *, records: bool) -> list[Place]:
    """Return where a person's id stands after an erasure, only because it is still needed."""
    kept: list[Place] = []
    for table, columns in _tables_with_people():
        for column, erasure in columns:
            if not erasure.may_wait or (erasure.is_record and not records):
                continue
            query = select(*table.primary_key.columns).where(column == user_id)
            kept += [
                Place(table.name, column.name, json.dumps(list(key)))
                for key in await session.execute(query)
            ]
    return kept


async def erase_in(
    session: AsyncSession,
    table: Table,
    user_id: int,
    at: datetime,
    *,
    records: bool,
    where: ColumnElement[bool] | None = None,
) -> int:
    """Erase a person from one table, or from some of its rows, as its columns declare."""
    changed = 0
    for column, erasure in list_person_columns(table):
        if erasure.is_record and not records:
            continue
        statement = _erasing(table, column, erasure, column == user_id, at)
        if where is not None:
            statement = statement.where(where)
        changed += await count_changed(session, statement)
    return changed


def list_person_columns(table: Table) -> list[tuple[Column[Any], Erasure]]:
    """Return the columns of a table that are declared to hold a person's id."""
    return [
        (column, column.info["erasure"]) for column in table.columns if "erasure" in column.info
    ]


def _tables_with_people() -> Iterator[tuple[Table, list[tuple[Column[Any], Erasure]]]]:
    # Children before parents, so that a deleted row leaves no other pointing at it.
    for table in reversed(schema.metadata().sorted_tables):
        columns = list_person_columns(table)
        if columns:
            yield table, columns


def _erasing(
    table: Table,
    column: Column[Any],
    erasure: Erasure,
    named: ColumnElement[bool],
    at: datetime,
) -> Delete | Update:
    if erasure.kept_while is not None:
        state, kept = erasure.kept_while
        named &= table.columns[state].not_in(kept)
    if erasure.kept_until is not None:
        until = table.columns[erasure.kept_until]
        named &= or_(until.is_(None), until <= at)
    for name in erasure.kept_above_zero:
        named &= table.columns[name] <= 0
    if erasure.deletes:
        return delete(table).where(named)
    values: dict[str, Any] = {name: _emptied(table.columns[name]) for name in erasure.clears}
    values[column.name] = erasure.replacement
    return update(table).where(named).values(values)


def _emptied(column: Column[Any]) -> dict[str, Any] | None:
    return {} if isinstance(column.type, JSON) else None


def _told(table: Table, row: RowMapping) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for column in table.columns:
        held: Secret | None = column.info.get("secret")
        if held is None or not held.is_held(row):
            values[column.name] = _to_json(column, row[column])
    return values


def _to_json(column: ColumnElement[Any], value: Any) -> Any:
    if isinstance(column.type, Snowflake) and value is not None:
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value
