"""Create the table of the economy's games."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INDEXES = (("guild_id", "user_id", "status", "ended_at"), ("ended_at",), ("user_id",))


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.create_table(
        "economy_games",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("game", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("stake", sa.BigInteger(), nullable=False),
        sa.Column("staked", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("state", json, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("moved_at", instant, nullable=False),
        sa.Column("ended_at", instant, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_economy_games")),
        sa.UniqueConstraint(
            "guild_id", "request_id", name=op.f("uq_economy_games_guild_id_request_id")
        ),
        sqlite_autoincrement=True,
    )
    is_open = sa.text("status = 'open'")
    with op.batch_alter_table("economy_games", schema=None) as batch_op:
        for columns in _INDEXES:
            name = batch_op.f(f"ix_economy_games_{'_'.join(columns)}")
            batch_op.create_index(name, list(columns), unique=False)
        batch_op.create_index(
            "uq_economy_games_open",
            ["guild_id", "user_id"],
            unique=True,
            sqlite_where=is_open,
            postgresql_where=is_open,
        )


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
