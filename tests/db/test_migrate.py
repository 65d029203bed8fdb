"""Migrations: they make what the code describes, once, whole or not at all."""

from __future__ import annotations

import asyncio
import shutil
import textwrap
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    BigInteger,
    Connection,
    MetaData,
    Table,
    delete,
    insert,
    inspect,
    select,
    text,
)

from db import migrations, schema
from db.engine import Database
from db.migrate import MigrationError, is_known, make_config, upgrade
from db.ticket_panels import TicketPanel
from db.version import current, head, is_at_head, starts_at_head

PARENT = "9001"


def differences(connection: Connection) -> list[Any]:
    options = {"compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata())


def table_names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


@pytest.fixture
async def empty(empty_url: str) -> Any:
    database = Database(empty_url)
    yield database
    await database.close()


@pytest.fixture
def longer_history(tmp_path: Path) -> Config:
    """The migrations with two more: one makes a parent and a child, one rebuilds the parent."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    add_revision(
        folder,
        PARENT,
        head(),
        """
        op.create_table("parents", sa.Column("id", sa.Integer(), primary_key=True),
                        sa.Column("name", sa.String(10)))
        op.create_table("children", sa.Column("id", sa.Integer(), primary_key=True),
                        sa.Column("parent_id", sa.Integer(),
                                  sa.ForeignKey("parents.id", ondelete="CASCADE")))
        """,
    )
    add_revision(
        folder,
        "9002",
        PARENT,
        """
        with op.batch_alter_table("parents", recreate="auto") as batch:
            batch.alter_column("name", type_=sa.String(50), nullable=False)
        """,
    )
    config = make_config()
    config.set_main_option("script_location", str(folder))
    return config


def add_revision(folder: Path, revision: str, after: str, body: str) -> None:
    lines = [
        "import sqlalchemy as sa",
        "from alembic import op",
        f"revision, down_revision = {revision!r}, {after!r}",
        "def upgrade():",
        textwrap.indent(textwrap.dedent(body), "    "),
    ]
    (folder / "versions" / f"{revision}.py").write_text("\n".join(lines))


async def test_migrated_schema_is_what_the_tables_say(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_number_of_a_deleted_row_is_given_to_no_other(sqlite_database: Database) -> None:
    """Keys of deliveries and ids of buttons are made from them; SQLite would repeat them."""
    async with sqlite_database.engine.connect() as connection:
        made = (await connection.execute(text("SELECT name, sql FROM sqlite_master"))).all()
    statements = {name: sql or "" for name, sql in made}
    numbered = [
        one.name
        for one in schema.metadata().sorted_tables
        if [key.name for key in one.primary_key] == ["id"]
        and isinstance(one.c.id.type, BigInteger)
        and one.c.id.autoincrement == "auto"
    ]
    assert "role_menu_posts" in numbered
    assert [one for one in numbered if "AUTOINCREMENT" not in statements[one]] == []


async def test_tables_of_the_economy_say_that_numbers_last(sqlite_database: Database) -> None:
    """A table that is made from the code gives no number twice either."""
    async with sqlite_database.engine.connect() as connection:
        made = (await connection.execute(text("SELECT name, sql FROM sqlite_master"))).all()
    lasting = {name for name, sql in made if "AUTOINCREMENT" in (sql or "")}
    tables = [one for one in schema.metadata().sorted_tables if one.name.startswith("economy_")]
    said = {one.name for one in tables if one.dialect_options["sqlite"]["autoincrement"]}
    assert said == {one.name for one in tables} & lasting


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = make_config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_rows_keep_their_numbers_when_those_become_lasting(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.db")
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(_upgrade_to, "0020")
        async with database.write() as session:
            await session.execute(
                text(
                    "INSERT INTO giveaway_series VALUES (1, 2, 3, 4, '{}', 'a', 'b', 5, 6, NULL), "
                    "(7, 2, 3, 4, '{}', 'a', 'b', 5, 6, 8)"
                )
            )
        await upgrade(database)
        async with database.write() as session:
            rows = await session.execute(text("SELECT id, stopped_at FROM giveaway_series"))
            assert [tuple(row) for row in rows] == [(1, None), (7, 8)]
            await session.execute(text("DELETE FROM giveaway_series"))
            insert = text(
                "INSERT INTO giveaway_series (guild_id, channel_id, host_id, plan, rule, timezone, "
                "created_at) VALUES (2, 3, 4, '{}', 'a', 'b', 6) RETURNING id"
            )
            assert await session.scalar(insert) > 1000
    finally:
        await database.close()


async def test_agreements_to_offer_power_that_nobody_gave_are_void(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/old.db")
    try:
        async with database.engine.begin() as connection:
            await connection.run_sync(_upgrade_to, "0021")
            await connection.execute(
                text("INSERT INTO role_menu_options VALUES (1, 2, 0, NULL, NULL, NULL, NULL, 1)")
            )
        await upgrade(database)
        async with database.read() as session:
            assert await session.scalar(text("SELECT trusted FROM role_menu_options")) == 0
    finally:
        await database.close()


def _insert_quoting_ticket(connection: Connection) -> None:
    tickets = Table("tickets", MetaData(), autoload_with=connection)
    made: dict[str, Any] = {
        "id": 1,
        "created_at": datetime(2026, 6, 1, tzinfo=UTC),
        "origin": {"author_id": "9"},
        "room_lost": False,
        "exempt": False,
    }
    for column in tickets.columns:
        is_text = column.type.python_type is str
        if not column.nullable and column.name not in made:
            made[column.name] = [] if "JSON" in str(column.type) else "x" if is_text else 1
    connection.execute(insert(tickets).values(made))


def _insert_giveaway(connection: Connection) -> None:
    giveaways = Table("giveaways", MetaData(), autoload_with=connection)
    made: dict[str, Any] = {
        "id": UUID(int=1).hex,
        "title": "ÁRBOL",
        "prize": "Straße",
        "created_at": datetime(2026, 6, 1, tzinfo=UTC),
        "starts_at": datetime(2026, 6, 1, tzinfo=UTC),
    }
    for column in giveaways.columns:
        is_text = column.type.python_type is str
        if not column.nullable and column.name not in made:
            made[column.name] = [] if "JSON" in str(column.type) else "x" if is_text else 1
    connection.execute(insert(giveaways).values(made))


async def test_giveaways_of_before_are_found_on_upgrade(empty: Database) -> None:
    async with empty.engine.begin() as connection:
        await connection.run_sync(_upgrade_to, "0033")
        await connection.run_sync(_insert_giveaway)
    await upgrade(empty)
    async with empty.read() as session:
        key = await session.scalar(text("SELECT search_key FROM giveaways"))
    assert key == "árbol\nstrasse"


def _insert_batches(connection: Connection) -> None:
    batches = Table("moderation_batches", MetaData(), autoload_with=connection)
    made = {
        "channel_id": 5,
        "locale": "en",
        "work": {},
        "total": 1,
        "done": 0,
        "state": "running",
        "outcome": {},
        "begun_at": datetime(2026, 6, 1, tzinfo=UTC),
    }
    for id_, kind, occasion in ((1, "autorole", 7), (2, "levels.sync", -7), (9, "autorole", 8)):
        row = {"id": id_, "kind": kind, "occasion": occasion, "guild_id": abs(occasion)}
        connection.execute(insert(batches).values(made | row))
    connection.execute(delete(batches).where(batches.c.id == 9))


async def test_batches_of_before_keep_their_guild_and_numbers(empty: Database) -> None:
    async with empty.engine.begin() as connection:
        await connection.run_sync(_upgrade_to, "0034")
        await connection.run_sync(_insert_batches)
    await upgrade(empty)
    async with empty.write() as session:
        rows = await session.execute(
            text("SELECT kind, occasion FROM moderation_batches ORDER BY id")
        )
        assert [tuple(row) for row in rows] == [("autorole", 7), ("levels.sync", 7)]
    if empty.engine.dialect.name == "sqlite":
        async with empty.read() as session:
            kept = text("SELECT seq FROM sqlite_sequence WHERE name = 'moderation_batches'")
            assert await session.scalar(kept) == 9


async def test_whom_tickets_quote_is_found_on_upgrade(empty: Database) -> None:
    async with empty.engine.begin() as connection:
        await connection.run_sync(_upgrade_to, "0030")
        await connection.run_sync(_insert_quoting_ticket)
    await upgrade(empty)
    async with empty.read() as session:
        assert await session.scalar(text("SELECT quoted_author_id FROM tickets")) == 9


def _insert_panels(connection: Connection) -> None:
    panels = Table("ticket_panels", MetaData(), autoload_with=connection)
    made = {"guild_id": 1, "revision": 1, "created_at": datetime(2026, 6, 1, tzinfo=UTC)}
    spans = (("09:00:00Z", "17:00:00+02:00"), ("09:00:00", "17:00:00"))
    for number, (opens, closes) in enumerate(spans, 1):
        hours = [{"day": 0, "opens": opens, "closes": closes}]
        named = {"id": number, "name": str(number), "name_key": str(number)}
        connection.execute(insert(panels).values(made | named | {"config": {"hours": hours}}))
    bare = {"id": 3, "name": "3", "name_key": "3", "config": {"name": "Help"}}
    connection.execute(insert(panels).values(made | bare))


async def test_opening_hours_of_before_lose_the_zone_that_never_counted(empty: Database) -> None:
    async with empty.engine.begin() as connection:
        await connection.run_sync(_upgrade_to, "0038")
        await connection.run_sync(_insert_panels)
    await upgrade(empty)
    async with empty.read() as session:
        configs = (await session.scalars(select(TicketPanel.config).order_by(TicketPanel.id))).all()
    hours = [{"day": 0, "opens": "09:00:00", "closes": "17:00:00"}]
    assert configs == [{"hours": hours}, {"hours": hours}, {"name": "Help"}]


async def test_upgrade_from_empty_reaches_the_head_once(empty: Database) -> None:
    assert await upgrade(empty)
    assert await current(empty) == head()
    assert await is_at_head(empty)
    assert await starts_at_head(empty)
    assert not await upgrade(empty)


async def test_concurrent_upgrades_migrate_once(empty_url: str) -> None:
    databases = [Database(empty_url) for _ in range(3)]
    try:
        await asyncio.gather(*(upgrade(database) for database in databases))
        assert await is_at_head(databases[0])
    finally:
        for database in databases:
            await database.close()


async def test_child_rows_survive_the_rebuilding_of_their_parent(
    database: Database, longer_history: Config
) -> None:
    await step_to(database, longer_history, PARENT)
    async with database.write() as session:
        await session.execute(text("INSERT INTO parents VALUES (1, 'a')"))
        await session.execute(text("INSERT INTO children VALUES (1, 1), (2, 1)"))
    assert await upgrade(database, longer_history)
    async with database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM children")) == 2


async def test_migration_that_breaks_references_is_undone(
    sqlite_database: Database, longer_history: Config, tmp_path: Path
) -> None:
    folder = tmp_path / "migrations"
    add_revision(folder, "9003", "9002", "op.execute('DELETE FROM parents')")
    await step_to(sqlite_database, longer_history, PARENT)
    async with sqlite_database.write() as session:
        await session.execute(text("INSERT INTO parents VALUES (1, 'a')"))
        await session.execute(text("INSERT INTO children VALUES (1, 1)"))
    with pytest.raises(MigrationError, match="children"):
        await upgrade(sqlite_database, longer_history)
    assert await current(sqlite_database) == PARENT
    async with sqlite_database.read() as session:
        assert await session.scalar(text("SELECT count(*) FROM parents")) == 1


async def test_failing_migration_leaves_nothing_behind(
    database: Database, longer_history: Config, tmp_path: Path
) -> None:
    add_revision(tmp_path / "migrations", "9003", "9002", "op.execute('SELECT * FROM nowhere')")
    with pytest.raises(Exception, match="nowhere"):
        await upgrade(database, longer_history)
    assert await is_at_head(database)
    async with database.engine.connect() as connection:
        assert "parents" not in await connection.run_sync(table_names)


async def test_newer_database_is_refused(database: Database, longer_history: Config) -> None:
    await upgrade(database, longer_history)
    with pytest.raises(MigrationError, match=r"9002.*newer"):
        await upgrade(database)
    assert not await is_at_head(database)


async def test_older_sqlite_file_is_copied_before_it_is_changed(
    sqlite_database: Database, longer_history: Config
) -> None:
    assert sqlite_database.path is not None
    await upgrade(sqlite_database, longer_history)
    copy = sqlite_database.path.with_name("pegasus.db.before-9002")
    assert copy.stat().st_mode & 0o777 == 0o600
    before = Database(f"sqlite:///{copy}")
    try:
        assert await current(before) == head()
    finally:
        await before.close()


async def test_new_sqlite_file_is_not_copied(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new.db")
    try:
        await upgrade(database)
        assert not list(tmp_path.glob("*.before-*"))
    finally:
        await database.close()


async def test_migrations_go_forward_only(sqlite_database: Database) -> None:
    def downgrade(connection: Connection) -> None:
        config = make_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    with pytest.raises(RuntimeError, match="forward only"):
        async with sqlite_database.engine.begin() as connection:
            await connection.run_sync(downgrade)
    assert await is_at_head(sqlite_database)


def test_history_is_known() -> None:
    assert is_known(head())
    assert not is_known("9999")


async def step_to(database: Database, config: Config, revision: str) -> None:
    def step(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with database.engine.begin() as connection:
        await connection.run_sync(step)


def test_head_without_alembic_is_alembics_head() -> None:
    scripts = ScriptDirectory.from_config(make_config())
    assert head() == scripts.get_current_head()
