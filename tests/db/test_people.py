"""A person's data: every table declares what becomes of it, and it can be taken out and erased."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    Date,
    Float,
    Integer,
    Table,
    Uuid,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from db import people, schema
from db.base import Snowflake, UtcDateTime
from db.engine import Database

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
PERSON, OTHER = 1234567890123456789, 42
TABLES = schema.metadata().sorted_tables
# The ids that are of no person. Any other id column must be declared with `person(…)`.
IMPERSONAL = {
    "guild_id",
    "open_guild_id",
    "overwrite_id",
    "channel_id",
    "message_id",
    "role_id",
    "for_role_id",
    "required_role_id",
    "reward_role_id",
    "category_id",
    "parent_id",
    "thread_id",
    "log_channel_id",
    "log_message_id",
    "card_channel_id",
    # Interactions, and one of Discord's audit log entries.
    "occasion",
    "request_id",
    # Discord's names of a file, of the message that is answered, and of the last one on record.
    "attachment_id",
    "reply_to",
    "missed_after",
    "entry_id",
    # The bot itself.
    "bot_id",
}
WITH_PEOPLE = [table for table in TABLES if people.list_person_columns(table)]
# A row of these can be needed for longer than its person wants it to be there.
KEEPING = [
    table
    for table in WITH_PEOPLE
    if any(erasure.may_wait for _column, erasure in people.list_person_columns(table))
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_id_of_a_person_is_declared(table: Table) -> None:
    declared = {column.name for column, _ in people.list_person_columns(table)}
    suspects = {
        column.name
        for column in table.columns
        if (isinstance(column.type, Snowflake) and column.name not in IMPERSONAL)
        or column.name.endswith(("user_id", "_by", "actor_id", "member_id", "author_id"))
    }
    if table.name == "guilds":
        suspects.discard("id")
    assert suspects <= declared


@pytest.mark.parametrize("table", WITH_PEOPLE, ids=lambda table: table.name)
def test_every_declaration_fits_its_table(table: Table) -> None:
    for column, erasure in people.list_person_columns(table):
        assert {*erasure.clears, *erasure.kept_above_zero} <= set(table.columns.keys())
        assert erasure.deletes or erasure.replacement is not None or column.nullable


async def test_erased_person_is_in_no_row(database: Database) -> None:
    """Of all tables at once: each of these steps looks at every table anyway."""
    names = {table.name for table in WITH_PEOPLE}
    async with database.write() as session:
        for table in WITH_PEOPLE:
            await insert_row(session, table, PERSON)
            await insert_row(session, table, OTHER)
        other = await people.export_person(session, OTHER)
        mine = await people.export_person(session, PERSON)
        assert {name: len(rows) for name, rows in mine.items()} == dict.fromkeys(names, 1)
        assert set(await people.erase_person(session, PERSON)) == names
        assert await people.export_person(session, PERSON) == {}
        assert await people.export_person(session, OTHER) == other
        assert await people.erase_person(session, PERSON) == {}


async def test_record_of_staff_is_not_erased_by_the_person(database: Database) -> None:
    async with database.write() as session:
        for table in WITH_PEOPLE:
            await insert_row(session, table, PERSON)
        before = await people.export_person(session, PERSON)
        await people.erase_person(session, PERSON, records=False)
        after = await people.export_person(session, PERSON)
    records = {
        table.name
        for table in WITH_PEOPLE
        if any(erasure.is_record for _column, erasure in people.list_person_columns(table))
    }
    assert set(after) == records
    assert after["cases"][0]["reason"] == before["cases"][0]["reason"]


async def test_audit_row_stays_without_the_person(database: Database) -> None:
    table = schema.metadata().tables["audit_logs"]
    async with database.write() as session:
        await insert_row(session, table, PERSON)
        await people.erase_person(session, PERSON)
        row = (await session.execute(select(table))).mappings().one()
    assert (row["user_id"], row["details"], row["ip"], row["user_agent"]) == (0, {}, None, None)
    assert row["action"] == "text"


async def test_sanction_in_force_outlives_the_erasure_of_the_person(database: Database) -> None:
    table = schema.metadata().tables["sanctions"]
    async with database.write() as session:
        await insert_row(session, table, PERSON)
        await session.execute(update(table).values(state="holding"))
        await people.erase_person(session, PERSON)
        assert "sanctions" in await people.export_person(session, PERSON)
        await session.execute(update(table).values(state="over"))
        await people.erase_person(session, PERSON)
        assert await people.export_person(session, PERSON) == {}


async def test_block_outlives_the_erasure_of_the_person_until_it_ends(database: Database) -> None:
    table = schema.metadata().tables["rate_limit_blocks"]
    async with database.write() as session:
        await insert_row(session, table, PERSON)
        await people.erase_person(session, PERSON, now=NOW - timedelta(seconds=1))
        assert "rate_limit_blocks" in await people.export_person(session, PERSON)
        await people.erase_person(session, PERSON, now=NOW)
        assert await people.export_person(session, PERSON) == {}


async def test_what_was_kept_for_a_while_is_erased_once_it_is_over(database: Database) -> None:
    """Of all tables at once; what the person has done since is not theirs to lose."""
    later = NOW + timedelta(days=1)
    async with database.write() as session:
        for table in KEEPING:
            await insert_row(session, table, PERSON)
            await session.execute(update(table).values(_in_force(table)))
        await people.erase_person(session, PERSON, now=NOW - timedelta(hours=1))
        kept = await people.export_person(session, PERSON)
        assert set(kept) == {table.name for table in KEEPING} | {"erasures_owed"}

        assert await people.erase_owed(session, NOW - timedelta(hours=1)) == 0
        assert await people.export_person(session, PERSON) == kept

        for table in KEEPING:
            await session.execute(update(table).values(_in_force(table, over=True)))
        assert await people.erase_owed(session, later) >= len(KEEPING)
        assert await people.export_person(session, PERSON) == {}

        for table in KEEPING:
            await session.execute(delete(table))
            await insert_row(session, table, PERSON)
        assert await people.erase_owed(session, later) == 0
        assert set(await people.export_person(session, PERSON)) == {one.name for one in KEEPING}


async def test_nothing_is_owed_for_a_row_that_is_gone(database: Database) -> None:
    table = schema.metadata().tables["sanctions"]
    async with database.write() as session:
        await insert_row(session, table, PERSON)
        await session.execute(update(table).values(state="holding"))
        await people.erase_person(session, PERSON)
        await session.execute(delete(table))
        assert await people.erase_owed(session, NOW) == 0
        assert await people.export_person(session, PERSON) == {}


def _in_force(table: Table, *, over: bool = False) -> dict[str, Any]:
    """Return the values with which a row is kept, or those with which it is not any more."""
    values: dict[str, Any] = {}
    for _column, erasure in people.list_person_columns(table):
        if erasure.kept_while is not None:
            name, states = erasure.kept_while
            values[name] = "over" if over else states[0]
        if erasure.kept_until is not None:
            values[erasure.kept_until] = NOW
        values |= dict.fromkeys(erasure.kept_above_zero, 0 if over else 1)
    return values


async def test_erased_case_keeps_number_and_kind_only(database: Database) -> None:
    table = schema.metadata().tables["cases"]
    async with database.write() as session:
        await insert_row(session, table, PERSON)
        await people.erase_person(session, PERSON)
        row = (await session.execute(select(table))).mappings().one()
    assert (row["target_id"], row["target_name"], row["reason"], row["details"]) == (
        0,
        None,
        None,
        {},
    )
    assert (row["number"], row["kind"], row["dedupe_key"]) == (1, "text", None)


async def test_erased_use_of_a_command_still_counts(database: Database) -> None:
    table = schema.metadata().tables["command_usage"]
    async with database.write() as session:
        await insert_row(session, table, PERSON)
        await people.erase_person(session, PERSON)
        assert await session.scalar(select(func.count()).select_from(table)) == 1


async def test_export_is_json_with_ids_as_strings(database: Database) -> None:
    async with database.write() as session:
        for table in WITH_PEOPLE:
            await insert_row(session, table, PERSON)
        export = json.loads(json.dumps(await people.export_person(session, PERSON)))
    assert set(export) == {table.name for table in WITH_PEOPLE}
    [user] = export["users"]
    assert user["id"] == str(PERSON)
    assert user["created_at"] == NOW.isoformat()


async def test_no_export_tells_what_would_spoil_a_draw_or_a_game(database: Database) -> None:
    """The host of a giveaway would know who wins, a player what the dealer holds."""
    game = schema.metadata().tables["economy_games"]
    async with database.write() as session:
        for name in ("giveaways", "economy_games"):
            await insert_row(session, schema.metadata().tables[name], PERSON)
        await session.execute(update(game).values(status="open"))
        export = await people.export_person(session, PERSON)
        assert "seed" not in export["giveaways"][0]
        assert export["giveaways"][0]["prize"] == "text"
        assert "state" not in export["economy_games"][0]

        await session.execute(update(game).values(status="settled"))
        export = await people.export_person(session, PERSON)
    assert export["economy_games"][0]["state"] == {"key": "value"}


async def insert_row(session: AsyncSession, table: Table, user_id: int) -> None:
    """Add a row with a value in every column and the person in every column for one.

    Counts that keep a row are 0, so that nothing keeps it.
    """
    values = {
        column.name: user_id if "erasure" in column.info else _value(column, user_id)
        for column in table.columns
        if column is not table.autoincrement_column or isinstance(column.type, Snowflake)
    }
    if "ticket_id" in values and table.name != "tickets":
        # Erasing somebody also erases what others wrote about their ticket.
        values["ticket_id"] = 1 if user_id == PERSON else 2
    if "is_bot" in values:
        values["is_bot"] = False
    for _column, erasure in people.list_person_columns(table):
        values |= dict.fromkeys(erasure.kept_above_zero, 0)
    await session.execute(insert(table).values(values))


def _value(column: Column[Any], number: int) -> Any:
    made: dict[type, Any] = {
        UtcDateTime: NOW,
        Date: NOW.date(),
        Boolean: True,
        Integer: 1,
        Snowflake: number,
        Float: 1.0,
        Uuid: uuid.uuid4(),
    }
    for kind, value in made.items():
        if isinstance(column.type, kind):
            return value
    if hasattr(column.type, "none_as_null"):
        return {"key": "value"}
    unique = column.unique or column.primary_key
    length = getattr(column.type, "length", None) or 25
    return str(number)[-length:] if unique else "text"
