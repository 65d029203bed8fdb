"""Create the tables of levels, and give members' experience 64 bits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_INDEXES = (
    ("levels_days", ("guild_id", "day")),
    ("levels_days", ("user_id",)),
    ("levels_members", ("user_id",)),
    ("levels_boosts", ("begun_by",)),
    ("levels_imports", ("created_at",)),
    ("levels_imports", ("user_id",)),
    ("guild_members", ("guild_id", "xp")),
)


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "levels_days",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("xp", sa.BigInteger(), nullable=False),
        sa.Column("voice_minutes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", "day", name=op.f("pk_levels_days")),
    )
    op.create_table(
        "levels_members",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("notify", sa.String(length=8), nullable=True),
        sa.Column("last_minute", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", name=op.f("pk_levels_members")),
    )
    op.create_table(
        "levels_boosts",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("ends_at", instant, nullable=False),
        sa.Column("begun_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_levels_boosts")),
    )
    op.create_table(
        "levels_imports",
        sa.Column("occasion", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("xp", sa.BigInteger(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("occasion", "position", name=op.f("pk_levels_imports")),
    )
    with op.batch_alter_table("guild_members", schema=None) as batch_op:
        batch_op.alter_column("xp", type_=sa.BigInteger(), existing_nullable=False)
    for table, columns in _INDEXES:
        name = op.f(f"ix_{table}_{'_'.join(columns)}")
        op.create_index(name, table, list(columns))


def downgrade() -> None:
    op.drop_index(op.f("ix_guild_members_guild_id_xp"), "guild_members")
    with op.batch_alter_table("guild_members", schema=None) as batch_op:
        batch_op.alter_column("xp", type_=sa.Integer(), existing_nullable=False)
    for table in ("levels_imports", "levels_boosts", "levels_members", "levels_days"):
        op.drop_table(table)
