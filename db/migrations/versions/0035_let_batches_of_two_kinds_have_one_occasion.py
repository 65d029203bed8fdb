"""Let batches of two kinds have one occasion, such as the guild.

Those of levels had the guild's id below zero, so as not to meet those of join roles.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_TABLE = "moderation_batches"


def upgrade() -> None:
    highest = _highest_number()
    with op.batch_alter_table(_TABLE, table_kwargs={"sqlite_autoincrement": True}) as batch_op:
        batch_op.drop_constraint(batch_op.f(f"uq_{_TABLE}_occasion"), type_="unique")
        batch_op.create_unique_constraint(
            batch_op.f(f"uq_{_TABLE}_kind_occasion"), ["kind", "occasion"]
        )
    _keep_numbers(highest)
    op.execute(f"UPDATE {_TABLE} SET occasion = -occasion WHERE occasion < 0")  # noqa: S608 - ours


def _highest_number() -> int | None:
    """Return the highest number that was ever given, where the table itself does not keep it."""
    if op.get_bind().dialect.name != "sqlite":
        return None
    query = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    return op.get_bind().scalar(query, {"name": _TABLE})


def _keep_numbers(highest: int | None) -> None:
    if highest is None:
        return
    connection = op.get_bind()
    forget = sa.text("DELETE FROM sqlite_sequence WHERE name = :name")
    note = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)")
    connection.execute(forget, {"name": _TABLE})
    connection.execute(note, {"name": _TABLE, "seq": highest})


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
