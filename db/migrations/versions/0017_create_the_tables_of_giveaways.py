"""Create the tables of giveaways."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "giveaway_blocks",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=512), nullable=True),
        sa.Column("blocked_by", sa.BigInteger(), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", name=op.f("pk_giveaway_blocks")),
    )
    with op.batch_alter_table("giveaway_blocks", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_giveaway_blocks_blocked_by"), ["blocked_by"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_giveaway_blocks_user_id"), ["user_id"], unique=False)

    op.create_table(
        "giveaway_numbers",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_giveaway_numbers")),
    )
    op.create_table(
        "giveaway_series",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("host_id", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("rule", sa.String(length=100), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_giveaway_series")),
    )
    with op.batch_alter_table("giveaway_series", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_giveaway_series_created_by"), ["created_by"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_giveaway_series_guild_id_stopped_at"),
            ["guild_id", "stopped_at"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_giveaway_series_host_id"), ["host_id"], unique=False)

    op.create_table(
        "giveaway_templates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("name_key", sa.String(length=100), nullable=False),
        sa.Column("plan", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_giveaway_templates")),
        sa.UniqueConstraint(
            "guild_id", "name_key", name=op.f("uq_giveaway_templates_guild_id_name_key")
        ),
    )
    with op.batch_alter_table("giveaway_templates", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_giveaway_templates_created_by"), ["created_by"], unique=False
        )

    op.create_table(
        "giveaways",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("host_id", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.String(length=256), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("prize", sa.String(length=256), nullable=False),
        sa.Column("winner_count", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remaining", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "requirements", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "bonus_entries",
            sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "embed_config", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("max_entries", sa.Integer(), nullable=True),
        sa.Column("end_at_entries", sa.Integer(), nullable=True),
        sa.Column("claim_seconds", sa.Integer(), nullable=True),
        sa.Column("reward_role_id", sa.BigInteger(), nullable=True),
        sa.Column("seed", sa.String(length=64), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("posts", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_giveaways")),
        sa.UniqueConstraint("guild_id", "number", name=op.f("uq_giveaways_guild_id_number")),
    )
    with op.batch_alter_table("giveaways", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_giveaways_created_by"), ["created_by"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_giveaways_guild_id_status"), ["guild_id", "status"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_giveaways_host_id"), ["host_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_giveaways_series_id"), ["series_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_giveaways_status_ends_at"), ["status", "ends_at"], unique=False
        )

    op.create_table(
        "giveaway_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("giveaway_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("salt", sa.String(length=32), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_giveaway_entries")),
        sa.UniqueConstraint(
            "giveaway_id", "user_id", name=op.f("uq_giveaway_entries_giveaway_id_user_id")
        ),
    )
    with op.batch_alter_table("giveaway_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_giveaway_entries_user_id"), ["user_id"], unique=False)

    op.create_table(
        "giveaway_messages",
        sa.Column("giveaway_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("giveaway_id", "user_id", name=op.f("pk_giveaway_messages")),
    )
    with op.batch_alter_table("giveaway_messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_giveaway_messages_user_id"), ["user_id"], unique=False)

    op.create_table(
        "giveaway_rounds",
        sa.Column("giveaway_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("entries_root", sa.String(length=64), nullable=False),
        sa.Column("entry_count", sa.Integer(), nullable=False),
        sa.Column("total_weight", sa.Integer(), nullable=False),
        sa.Column("seed", sa.String(length=64), nullable=True),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("giveaway_id", "round", name=op.f("pk_giveaway_rounds")),
    )
    with op.batch_alter_table("giveaway_rounds", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_giveaway_rounds_requested_by"), ["requested_by"], unique=False
        )

    op.create_table(
        "giveaway_winners",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("giveaway_id", sa.Uuid(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_giveaway_winners")),
        sa.UniqueConstraint(
            "giveaway_id", "digest", name=op.f("uq_giveaway_winners_giveaway_id_digest")
        ),
        sa.UniqueConstraint(
            "giveaway_id",
            "round",
            "position",
            name=op.f("uq_giveaway_winners_giveaway_id_round_position"),
        ),
    )
    with op.batch_alter_table("giveaway_winners", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_giveaway_winners_state_claim_until"),
            ["state", "claim_until"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_giveaway_winners_user_id"), ["user_id"], unique=False)

    op.create_table(
        "giveaway_prizes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("giveaway_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("winner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_giveaway_prizes")),
        sa.UniqueConstraint(
            "giveaway_id", "position", name=op.f("uq_giveaway_prizes_giveaway_id_position")
        ),
        sa.UniqueConstraint("winner_id", name=op.f("uq_giveaway_prizes_winner_id")),
    )


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
