"""The table of custom commands holds what the plan that it follows asks of it."""

from __future__ import annotations

from sqlalchemy import JSON, UniqueConstraint

from db.custom_commands import CustomCommand

# Of the plan, the id of a server is `guild_id` here, and what is answered is more than a text.
PLANNED = {
    *("id", "guild_id", "name", "response", "description", "cooldown", "aliases", "enabled"),
    *("restricted_channels", "restricted_roles"),
    *("created_at", "created_by", "updated_at", "updated_by"),
}


def test_planned_columns_are_there_and_names_are_unique_in_a_guild() -> None:
    table = CustomCommand.__table__
    assert PLANNED - {one.name for one in table.columns} == set()
    unique = [one for one in table.constraints if isinstance(one, UniqueConstraint)]  # type: ignore[attr-defined]
    assert [[one.name for one in names.columns] for names in unique] == [["guild_id", "name"]]
    listed = ("aliases", "restricted_channels", "restricted_roles")
    assert all(isinstance(table.c[one].type, JSON) for one in listed)
