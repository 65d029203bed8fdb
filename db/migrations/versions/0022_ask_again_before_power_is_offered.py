"""Ask again before power is offered.

Every role that an admin had a menu offer was stored as agreed to, whatever it allowed, so one that
got power later was given to whoever pressed. Nobody knows any more who was asked.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    options = sa.table("role_menu_options", sa.column("trusted", sa.Boolean()))
    op.execute(options.update().values(trusted=sa.false()))


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
