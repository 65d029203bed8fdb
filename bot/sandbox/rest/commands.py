"""Application commands: global ones and those of a guild."""

from __future__ import annotations

from typing import Any

from ..models import Application
from .call import Call, Reply
from .command_rules import CHAT_INPUT, MESSAGE, USER, check_command
from .errors import FormCheck, RestError, error, missing_access, not_found
from .routing import route

Json = dict[str, Any]

_LIMITS = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}
_GLOBAL = "/applications/{application_id}/commands"
_LOCAL = "/applications/{application_id}/guilds/{guild_id}/commands"
_OPTIONAL: Json = {
    "name_localizations": None,
    "description_localizations": None,
    "default_member_permissions": None,
    "dm_permission": True,
    "nsfw": False,
    "contexts": None,
    "integration_types": [0],
}


def _application(call: Call) -> Application:
    if call.snowflake("application_id") != call.caller.id:
        raise RestError(
            403, 20012, "You are not authorized to perform this action on this application"
        )
    return call.caller


def _shelf(call: Call) -> dict[int, Json]:
    """Return the commands the path is about: global, or those of its guild."""
    application = _application(call)
    if "guild_id" not in call.params:
        return application.commands
    guild_id = call.snowflake("guild_id")
    guild = call.world.guilds.get(guild_id)
    if guild is None or call.bot.id not in guild.members:
        raise missing_access()
    return application.guild_commands.setdefault(guild_id, {})


def _check(commands: list[Json], *, numbered: bool) -> None:
    check = FormCheck()
    for index, command in enumerate(commands):
        check_command(check, f"{index}." if numbered else "", command)
    check.finish()
    names = [(command.get("type") or CHAT_INPUT, command.get("name")) for command in commands]
    for index, name in enumerate(names):
        if name in names[:index]:
            check.fail(
                f"{index}.name",
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            )
    check.finish()
    for kind, limit in _LIMITS.items():
        if sum(name[0] == kind for name in names) > limit:
            raise error(400, 30032)


def _stored(call: Call, command: Json, command_id: int) -> Json:
    entry: Json = {
        key: command.get(key) if command.get(key) is not None else default
        for key, default in _OPTIONAL.items()
    }
    entry |= {
        "id": str(command_id),
        "application_id": call.params["application_id"],
        "version": str(call.world.snowflakes.next()),
        "type": command.get("type") or CHAT_INPUT,
        "name": command["name"],
        "description": command.get("description") or "",
    }
    if entry["default_member_permissions"] is not None:
        entry["default_member_permissions"] = str(entry["default_member_permissions"])
    if command.get("options"):
        entry["options"] = command["options"]
    if "guild_id" in call.params:
        entry["guild_id"] = call.params["guild_id"]
    return entry


def _store(call: Call, shelf: dict[int, Json], command: Json) -> tuple[Json, bool]:
    """Add a command, or replace the one of its name and type; return it and whether it is new."""
    kind = command.get("type") or CHAT_INPUT
    for command_id, known in shelf.items():
        if (known["type"], known["name"]) == (kind, command["name"]):
            shelf[command_id] = _stored(call, command, command_id)
            return shelf[command_id], False
    if sum(entry["type"] == kind for entry in shelf.values()) >= _LIMITS.get(kind, 1):
        raise error(400, 30032)
    command_id = call.world.snowflakes.next()
    shelf[command_id] = _stored(call, command, command_id)
    return shelf[command_id], True


@route("GET", _GLOBAL)
@route("GET", _LOCAL)
def list_commands(call: Call) -> list[Json]:
    """Return the registered commands."""
    shown = list(_shelf(call).values())
    if call.query.get("with_localizations", "").lower() in ("true", "1"):
        return shown
    hidden = ("name_localizations", "description_localizations")
    return [{key: value for key, value in entry.items() if key not in hidden} for entry in shown]


@route("PUT", _GLOBAL)
@route("PUT", _LOCAL)
def replace_commands(call: Call) -> list[Json]:
    """Register exactly these commands; known ones keep their ids."""
    shelf = _shelf(call)
    commands = call.body
    if not isinstance(commands, list):
        raise RestError(400, 50109, "The request body contains invalid JSON.")
    _check(commands, numbered=True)
    kept = {(entry["type"], entry["name"]): command_id for command_id, entry in shelf.items()}
    shelf.clear()
    for command in commands:
        key = (command.get("type") or CHAT_INPUT, command["name"])
        command_id = kept.get(key) or call.world.snowflakes.next()
        shelf[command_id] = _stored(call, command, command_id)
    return list(shelf.values())


@route("POST", _GLOBAL)
@route("POST", _LOCAL)
def create_command(call: Call) -> Reply:
    """Register a command, or replace the one of its name."""
    _check([call.json], numbered=False)
    stored, created = _store(call, _shelf(call), call.json)
    return Reply(201 if created else 200, stored)


def _find(call: Call) -> tuple[dict[int, Json], int]:
    shelf, command_id = _shelf(call), call.snowflake("command_id")
    if command_id not in shelf:
        raise not_found(10063)
    return shelf, command_id


@route("GET", _GLOBAL + "/{command_id}")
@route("GET", _LOCAL + "/{command_id}")
def get_command(call: Call) -> Json:
    """Return a command."""
    shelf, command_id = _find(call)
    return shelf[command_id]


@route("PATCH", _GLOBAL + "/{command_id}")
@route("PATCH", _LOCAL + "/{command_id}")
def edit_command(call: Call) -> Json:
    """Change a command."""
    shelf, command_id = _find(call)
    merged = {**shelf[command_id], **call.json, "type": shelf[command_id]["type"]}
    _check([merged], numbered=False)
    shelf[command_id] = _stored(call, merged, command_id)
    return shelf[command_id]


@route("DELETE", _GLOBAL + "/{command_id}")
@route("DELETE", _LOCAL + "/{command_id}")
def delete_command(call: Call) -> None:
    """Remove a command."""
    shelf, command_id = _find(call)
    del shelf[command_id]


@route("GET", _LOCAL + "/permissions")
def list_command_permissions(call: Call) -> list[Json]:
    """Return the permissions of single commands, and of the bot as a whole under its own id."""
    _shelf(call)
    guild_id = call.snowflake("guild_id")
    return [
        {
            "id": str(one),
            "application_id": str(call.caller.id),
            "guild_id": str(guild_id),
            "permissions": permissions,
        }
        for one, permissions in call.caller.command_permissions.get(guild_id, {}).items()
    ]


@route("GET", _LOCAL + "/{command_id}/permissions")
def get_command_permissions(call: Call) -> Json:
    """Answer 10066: nobody has set permissions for single commands here."""
    _application(call)
    raise not_found(10066)
