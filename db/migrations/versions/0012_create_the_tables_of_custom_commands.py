"""Create the tables of custom commands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_INDEXED = {
    "custom_commands": (("created_by",), ("updated_by",)),
    "custom_command_cooldowns": (("ready_at",), ("user_id",)),
}


def upgrade() -> None:
    op.create_table(
        "custom_commands",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("response", _JSON, nullable=False),
        sa.Column("description", sa.String(length=100), nullable=False),
        sa.Column("cooldown", sa.Integer(), nullable=False),
        sa.Column("aliases", _JSON, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("restricted_channels", _JSON, nullable=False),
        sa.Column("restricted_roles", _JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("uses", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_custom_commands")),
        sa.UniqueConstraint("guild_id", "name", name=op.f("uq_custom_commands_guild_id_name")),
    )
    op.create_table(
        "custom_command_guilds",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("registered", sa.String(length=64), nullable=True),
        sa.Column("creations", sa.Integer(), nullable=False),
        sa.Column("creations_since", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_custom_command_guilds")),
    )
    op.create_table(
        "custom_command_cooldowns",
        sa.Column("command_id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("command_id", "user_id", name=op.f("pk_custom_command_cooldowns")),
    )
    for table, indexes in _INDEXED.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            for columns in indexes:
                name = batch_op.f(f"ix_{table}_{'_'.join(columns)}")
                batch_op.create_index(name, list(columns), unique=False)


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
