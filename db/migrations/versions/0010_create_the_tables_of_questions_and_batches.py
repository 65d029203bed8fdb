"""Create the tables of what staff ask about appeals, of batches, and of audit marks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_INDEXED = {
    "moderation_appeal_questions": (("appeal_id",), ("user_id",), ("asked_by",)),
    "moderation_batches": (("guild_id",), ("begun_at",), ("actor_id",)),
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
    op.create_table(
        "moderation_batches",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("occasion", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=True),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("work", _JSON, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", _JSON, nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moderation_batches")),
        sa.UniqueConstraint("occasion", name=op.f("uq_moderation_batches_occasion")),
    )
    op.create_table(
        "moderation_audit_marks",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_moderation_audit_marks")),
    )
    for table, indexes in _INDEXED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for columns in indexes:
                name = batch_op.f(f"ix_{table}_{'_'.join(columns)}")
                batch_op.create_index(name, list(columns), unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
