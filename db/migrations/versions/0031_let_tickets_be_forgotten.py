"""Remember of which tickets what was written is deleted, or is to be, and whom they quote.

Of a message's versions it is counted how many are not kept.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("purged_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("erase_asked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("quoted_author_id", sa.BigInteger(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_tickets_guild_id_purged_at_closed_at"),
            ["guild_id", "purged_at", "closed_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_tickets_quoted_author_id"), ["quoted_author_id"], unique=False
        )
    with op.batch_alter_table("ticket_messages", schema=None) as batch_op:
        batch_op.add_column(sa.Column("versions_left_out", sa.Integer(), nullable=True))
    _name_the_quoted()


def _name_the_quoted() -> None:
    tickets = sa.table(
        "tickets",
        sa.column("id", sa.BigInteger()),
        sa.column("origin", sa.JSON()),
        sa.column("quoted_author_id", sa.BigInteger()),
    )
    connection = op.get_bind()
    rows = connection.execute(sa.select(tickets.c.id, tickets.c.origin)).all()
    for ticket_id, origin in rows:
        if origin and "author_id" in origin:
            connection.execute(
                sa.update(tickets)
                .where(tickets.c.id == ticket_id)
                .values(quoted_author_id=int(origin["author_id"]))
            )


def downgrade() -> None:
    with op.batch_alter_table("ticket_messages", schema=None) as batch_op:
        batch_op.drop_column("versions_left_out")
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tickets_quoted_author_id"))
        batch_op.drop_index(batch_op.f("ix_tickets_guild_id_purged_at_closed_at"))
        batch_op.drop_column("quoted_author_id")
        batch_op.drop_column("erase_asked_at")
        batch_op.drop_column("purged_at")
