"""Erase later what is still needed when somebody has their data erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures_owed",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("table_name", sa.String(length=64), nullable=False),
        sa.Column("column_name", sa.String(length=64), nullable=False),
        sa.Column("row_key", sa.String(length=200), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures_owed")),
        sa.UniqueConstraint(
            "user_id",
            "table_name",
            "column_name",
            "row_key",
            name=op.f("uq_erasures_owed_user_id_table_name_column_name_row_key"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_erasures_owed_user_id"), "erasures_owed", ["user_id"], unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
