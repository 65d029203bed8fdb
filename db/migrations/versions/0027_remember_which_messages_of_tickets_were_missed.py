"""Remember which messages of tickets were missed and when they were reopened.

Words are sorted by code points, whatever the database's language.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("missed_after", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("ticket_words", "word", type_=sa.String(length=40, collation="C"))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("ticket_words", "word", type_=sa.String(length=40, collation="default"))
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_column("reopened_at")
        batch_op.drop_column("missed_after")
