"""Create the tables of tickets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticket_blocks",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=512), nullable=True),
        sa.Column("blocked_by", sa.BigInteger(), nullable=True),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", name=op.f("pk_ticket_blocks")),
    )
    with op.batch_alter_table("ticket_blocks", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ticket_blocks_blocked_by"), ["blocked_by"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_ticket_blocks_user_id"), ["user_id"], unique=False)

    op.create_table(
        "ticket_counters",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_ticket_counters")),
    )
    op.create_table(
        "ticket_drafts",
        sa.Column(
            "panel_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "answers", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "context", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("panel_id", "user_id", name=op.f("pk_ticket_drafts")),
    )
    with op.batch_alter_table("ticket_drafts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ticket_drafts_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_ticket_drafts_user_id"), ["user_id"], unique=False)

    op.create_table(
        "ticket_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "ticket_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column(
            "details", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_events")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("ticket_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_events_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_ticket_events_guild_id_at"), ["guild_id", "at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_ticket_events_subject_id"), ["subject_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_ticket_events_ticket_id_id"), ["ticket_id", "id"], unique=False
        )

    op.create_table(
        "ticket_members",
        sa.Column(
            "ticket_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("added_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_id", "user_id", name=op.f("pk_ticket_members")),
    )
    with op.batch_alter_table("ticket_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_members_added_by"), ["added_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_members_user_id"), ["user_id"], unique=False)

    op.create_table(
        "ticket_panels",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=45), nullable=False),
        sa.Column("name_key", sa.String(length=100), nullable=False),
        sa.Column(
            "config", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_panels")),
        sa.UniqueConstraint(
            "guild_id", "name_key", name=op.f("uq_ticket_panels_guild_id_name_key")
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "ticket_posts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("style", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("colour", sa.Integer(), nullable=True),
        sa.Column(
            "panel_ids", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_posts")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("ticket_posts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_posts_guild_id"), ["guild_id"], unique=False)

    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("panel_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("category", sa.String(length=50), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.Column("room_lost", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column(
            "renamed_at", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "room_state", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("claimed_by", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column(
            "labels", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "staff_roles", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "answers", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "origin", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_reply_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opener_wrote_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("staff_wrote_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_requested_by", sa.BigInteger(), nullable=True),
        sa.Column("close_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remove_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("exempt", sa.Boolean(), nullable=False),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("channel_id", name=op.f("uq_tickets_channel_id")),
        sa.UniqueConstraint("guild_id", "number", name=op.f("uq_tickets_guild_id_number")),
        sa.UniqueConstraint("request_id", name=op.f("uq_tickets_request_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tickets_claimed_by"), ["claimed_by"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_tickets_close_requested_by"), ["close_requested_by"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_tickets_closed_by"), ["closed_by"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_tickets_guild_id_status"), ["guild_id", "status"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_tickets_guild_id_user_id_panel_id"),
            ["guild_id", "user_id", "panel_id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_tickets_opened_by"), ["opened_by"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_panel_id"), ["panel_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_tickets_status_closed_at"), ["status", "closed_at"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_tickets_user_id"), ["user_id"], unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
