"""Create the tables of Autorole."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), "postgresql"
)
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = (
    ("autorole_members", ("kept_until",)),
    ("autorole_members", ("user_id",)),
    ("autorole_waiting", ("since",)),
    ("autorole_waiting", ("user_id",)),
    ("autorole_temporary", ("guild_id", "ends_at")),
    ("autorole_temporary", ("user_id",)),
    ("autorole_temporary", ("given_by",)),
)


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "autorole_members",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role_ids", _JSON, nullable=False),
        sa.Column("kept_until", instant, nullable=True),
        sa.PrimaryKeyConstraint("guild_id", "user_id", name=op.f("pk_autorole_members")),
    )
    op.create_table(
        "autorole_waiting",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("for_role_id", sa.BigInteger(), nullable=False),
        sa.Column("since", instant, nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", "role_id", name=op.f("pk_autorole_waiting")),
    )
    op.create_table(
        "autorole_temporary",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("given_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_autorole_temporary")),
        sa.UniqueConstraint(
            "guild_id",
            "user_id",
            "role_id",
            name=op.f("uq_autorole_temporary_guild_id_user_id_role_id"),
        ),
    )
    for table, columns in _INDEXES:
        with op.batch_alter_table(table, schema=None) as batch_op:
            name = batch_op.f(f"ix_{table}_{'_'.join(columns)}")
            batch_op.create_index(name, list(columns), unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
