"""Writes a new revision from what the tables in code have and the migrations lack.

For developers: `python -m db.revision "add reminders"`; read the result before committing it.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from db.engine import Database
from db.migrate import make_config, upgrade


async def write_revision(message: str) -> Path:
    """Compare the code's tables with a newly migrated database; return the revision's file."""
    config = make_config()
    history = list(ScriptDirectory.from_config(config).walk_revisions())
    number = f"{len(history) + 1:04d}"
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/empty.db")
        try:
            if history:
                await upgrade(database)
            async with database.engine.connect() as connection:
                await connection.run_sync(_generate, config, message, number)
        finally:
            await database.close()
    slug = re.sub(r"\W+", "_", message.lower()).strip("_")
    return Path(ScriptDirectory.from_config(config).versions) / f"{number}_{slug}.py"


def _generate(connection: Connection, config: Config, message: str, number: str) -> None:
    config.attributes["connection"] = connection
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    command.revision(config, message, autogenerate=True, rev_id=number)


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(write_revision(' '.join(sys.argv[1:])))}\n")
