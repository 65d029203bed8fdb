"""Let opening hours be of their panel's zone: one that they named themselves is refused now.

It never counted, so what is left out of them changes nothing.
"""

from __future__ import annotations

from datetime import time
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

_PANELS = sa.table(
    "ticket_panels",
    sa.column("id", sa.BigInteger()),
    sa.column("config", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")),
)


def upgrade() -> None:
    connection = op.get_bind()
    for panel_id, config in connection.execute(sa.select(_PANELS.c.id, _PANELS.c.config)).all():
        hours = [_on_the_wall(one) for one in config.get("hours") or ()]
        if hours and hours != config["hours"]:
            changed = sa.update(_PANELS).where(_PANELS.c.id == panel_id)
            connection.execute(changed.values(config={**config, "hours": hours}))


def _on_the_wall(hours: dict[str, Any]) -> dict[str, Any]:
    return {**hours, **{name: _without_zone(hours[name]) for name in ("opens", "closes")}}


def _without_zone(text: str) -> str:
    at = time.fromisoformat(text)
    return text if at.tzinfo is None else at.replace(tzinfo=None).isoformat()


def downgrade() -> None:
    raise RuntimeError("Migrations go forward only: restore the copy made before this one.")
