"""Create the tables of what staff ask about appeals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXED = {
    "moderation_appeal_questions": (("appeal_id",), ("user_id",), ("asked_by",)),
}


def upgrade() -> None:
    op.create_table(
        "moderation_appeal_questions",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("appeal_id", _ROW_ID, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unreached", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_appeal_questions")),
    )
    for table, indexes in _INDEXED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for columns in indexes:
                name = batch_op.f(f"ix_{table}_{'_'.join(columns)}")
                batch_op.create_index(name, list(columns), unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
