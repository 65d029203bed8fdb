"""The declarative base and the column types that every table shares.

Knows SQLAlchemy only; which engine runs underneath is decided in `db.engine`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, Select, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

# Constraint names must be the same on every engine: SQLite's batch migrations find them by name.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# jsonb on PostgreSQL, JSON text on SQLite; a Python None is stored as SQL NULL on both.
Json: TypeEngine[Any] = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

# A row's own number: 64 bits, except that SQLite numbers rows by itself only in a plain INTEGER.
RowId: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")


class Snowflake(TypeDecorator[int]):
    """Stores a Discord id as a signed 64-bit integer.

    Discord's ids stay below 2^63 until the year 2084, so no unsigned type is needed.
    """

    impl = BigInteger
    cache_ok = True


class UtcDateTime(TypeDecorator[datetime]):
    """Stores an instant and always gives it back aware, in UTC.

    Raises `ValueError` for a naive datetime: its meaning would depend on the machine.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the instant in UTC for storing."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: instants are stored as aware UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return a stored instant, aware and in UTC."""
        if value is None:
            return None
        # SQLite has no time zone type and hands back what was written, without the zone.
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What becomes of a row when the person in one of its columns is erased.

    `deletes` removes the row; otherwise the column takes `replacement` and the columns named in
    `clears` are emptied: a JSON column to `{}`, any other to NULL. `kept_while` names a column and
    the values with which the row stays whole: it is still needed, such as to lift what it says.
    `kept_until` names the column with the instant until which it does, or NULL; `kept_above_zero`
    names the columns with counts, any of which keeps the row while it is above 0.
    `is_record` says that a guild's staff hold the row against the person, who can't erase it,
    `is_anothers` that it tells of somebody else, and is not exported to this person.
    """

    deletes: bool = False
    replacement: int | None = None
    clears: tuple[str, ...] = ()
    kept_while: tuple[str, tuple[str, ...]] | None = None
    kept_until: str | None = None
    kept_above_zero: tuple[str, ...] = ()
    is_record: bool = False
    is_anothers: bool = False

    @property
    def may_wait(self) -> bool:
        """Whether a row can be needed for longer than its person wants it to be there."""
        return bool(self.kept_while or self.kept_until or self.kept_above_zero)


DELETE_ROW = Erasure(deletes=True)
DELETE_RECORD = Erasure(deletes=True, is_record=True)
FORGET_PERSON = Erasure()
NOBODY = 0


def person(erasure: Erasure) -> dict[str, Any]:
    """Return the `info` of a column that holds a person's id, for `db.people`."""
    return {"erasure": erasure}


@dataclass(frozen=True, slots=True)
class Secret:
    """A column that is kept from the person whose row it is, or only `held_while` it matters.

    `held_while` names a column and the values with which it does, such as those of a hand of cards
    that is not over.
    """

    held_while: tuple[str, tuple[str, ...]] | None = None

    def is_held(self, row: Mapping[Any, Any]) -> bool:
        """Tell whether the column of this row is kept from its person."""
        if self.held_while is None:
            return True
        column, values = self.held_while
        return row[column] in values


def secret(held: Secret | None = None) -> dict[str, Any]:
    """Return the `info` of a column that no export of a person's data tells."""
    return {"secret": held or Secret()}


class Base(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Eraser(Protocol):
    """Does what the declarations of a table's columns can't say, when a person is erased."""

    async def __call__(
        self, session: AsyncSession, user_id: int, at: datetime, *, records: bool
    ) -> int:
        """Erase, and return how many rows were changed; `records` as in `db.people`."""
        ...


def erasing(entity: type[Base]) -> Callable[[Eraser], Eraser]:
    """Have a function run before the columns of a table are erased as they declare."""

    def note(eraser: Eraser) -> Eraser:
        cast("Table", entity.__table__).info["eraser"] = eraser
        return eraser

    return note


Exporter = Callable[[int], Select[*tuple[Any, ...]]]


def exporting(entity: type[Base]) -> Callable[[Exporter], Exporter]:
    """Have what a table keeps of a person, without naming them, be selected by a function."""

    def note(exporter: Exporter) -> Exporter:
        cast("Table", entity.__table__).info["exporter"] = exporter
        return exporter

    return note
