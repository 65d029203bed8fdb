"""Create the tables of raids and lockdowns."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def _row_id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _json() -> sa.types.TypeEngine[Any]:
    return sa.JSON(none_as_null=True).with_variant(
        postgresql.JSONB(none_as_null=True), "postgresql"
    )


def upgrade() -> None:
    op.create_table(
        "lockdowns",
        sa.Column("id", _row_id(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("open_guild_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("raid_id", _row_id(), nullable=True),
        sa.Column("started_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lockdowns")),
        sa.UniqueConstraint("open_guild_id", name=op.f("uq_lockdowns_open_guild_id")),
    )
    with op.batch_alter_table("lockdowns", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lockdowns_guild_id"), ["guild_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_lockdowns_ended_at"), ["ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_lockdowns_started_by"), ["started_by"], unique=False)

    op.create_table(
        "lockdown_changes",
        sa.Column("lockdown_id", _row_id(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("overwrite_id", sa.BigInteger(), nullable=False),
        sa.Column("overwrite_type", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("original", _json(), nullable=True),
        sa.Column("allowed", sa.BigInteger(), nullable=False),
        sa.Column("denied", sa.BigInteger(), nullable=False),
        sa.Column("cleared", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint(
            "lockdown_id", "channel_id", "overwrite_id", name=op.f("pk_lockdown_changes")
        ),
    )
    op.create_table(
        "raids",
        sa.Column("id", _row_id(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("open_guild_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("trigger", sa.String(length=16), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_join_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.Column("joins", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.Column("measures", _json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raids")),
        sa.UniqueConstraint("open_guild_id", name=op.f("uq_raids_open_guild_id")),
    )
    with op.batch_alter_table("raids", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_raids_guild_id_opened_at"), ["guild_id", "opened_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_raids_ended_at"), ["ended_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_raids_ended_by"), ["ended_by"], unique=False)

    op.create_table(
        "raid_members",
        sa.Column("raid_id", _row_id(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("avatar", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("raid_id", "user_id", name=op.f("pk_raid_members")),
    )
    with op.batch_alter_table("raid_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_raid_members_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
