"""Never give a row's number twice.

SQLite gives the number of a deleted last row to the next one. Keys of deliveries and jobs, and the
ids of buttons in old messages, are made from such numbers: what was meant for one row reached
another. PostgreSQL never does this.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Numbers that were given to rows which are deleted by now, and may still stand in keys.
_PASSED_OVER = 1000


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    tables = connection.execute(
        sa.text("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
    ).all()
    for name, sql in tables:
        if (numbered := _with_lasting_numbers(name, sql)) is not None:
            _rebuild(connection, name, numbered)


def _with_lasting_numbers(name: str, sql: str) -> str | None:
    """Return the statement that makes the table with numbers of its own; `None` if it has none."""
    key = re.search(rf",?\s*CONSTRAINT pk_{name} PRIMARY KEY \(id\)", sql)
    column = re.search(r"^(\s*)id INTEGER NOT NULL", sql, re.MULTILINE)
    if key is None or column is None or "AUTOINCREMENT" in sql:
        return None
    without = sql[: key.start()] + sql[key.end() :]
    return without.replace(
        column[0], f"{column[1]}id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", 1
    )


def _rebuild(connection: sa.Connection, name: str, sql: str) -> None:
    """Do as https://www.sqlite.org/lang_altertable.html says, in its section 7."""
    indexes = connection.execute(
        sa.text(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND tbl_name = :name "
            "AND sql IS NOT NULL"
        ),
        {"name": name},
    ).scalars()
    statements = list(indexes)
    new = f"_new_{name}"
    op.execute(re.sub(rf'CREATE TABLE "?{name}"?', f"CREATE TABLE {new}", sql, count=1))
    op.execute(f"INSERT INTO {new} SELECT * FROM {name}")  # noqa: S608 - names from the schema
    op.execute(f"DROP TABLE {name}")
    op.execute(f"ALTER TABLE {new} RENAME TO {name}")
    for statement in statements:
        op.execute(statement)
    highest = connection.scalar(sa.text(f"SELECT coalesce(max(id), 0) FROM {name}"))  # noqa: S608
    connection.execute(
        sa.text("DELETE FROM sqlite_sequence WHERE name IN (:name, :new)"),
        {"name": name, "new": new},
    )
    connection.execute(
        sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"),
        {"name": name, "seq": highest + _PASSED_OVER if highest else 0},
    )


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
