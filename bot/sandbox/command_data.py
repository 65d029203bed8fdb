"""From a person's input to the data of an interaction: commands with options, selects and modals.

It refuses what Discord's own client would not let a person do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .channel import Channel
from .files import keep_file
from .guild import Guild
from .models import Application, Json, Member, Message, Role, User
from .payloads import (
    render_attachment,
    render_channel,
    render_member,
    render_message,
    render_role,
    render_user,
)
from .permissions import Permission, channel_permissions
from .world import World

_SUBCOMMAND, _GROUP = 1, 2
_STRING, _INTEGER, _BOOLEAN, _USER, _CHANNEL, _ROLE, _MENTIONABLE, _NUMBER, _ATTACHMENT = (
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
)
CHAT_INPUT, USER_COMMAND, MESSAGE_COMMAND = 1, 2, 3


class NotPossibleError(Exception):
    """Discord's own client would not let the person do this; the text says why."""


@dataclass(slots=True)
class Resolved:
    """The full objects that ids in an interaction's data stand for."""

    world: World
    guild: Guild | None
    channel: Channel
    data: dict[str, Json] = field(default_factory=dict)

    def add(self, thing: Any, kind: int) -> str:
        """Resolve an object, its id or a `(filename, bytes)` file; return its id as text."""
        if isinstance(thing, int):
            thing = self._look_up(thing, kind)
        if isinstance(thing, Member | User):
            return self._add_user(thing.user if isinstance(thing, Member) else thing)
        if isinstance(thing, Role):
            return self._put("roles", thing.id, render_role(thing))
        if isinstance(thing, Channel):
            return self._put(
                "channels", thing.id, render_channel(thing) | {"permissions": str(Permission.ALL)}
            )
        if isinstance(thing, Message):
            return self._put("messages", thing.id, render_message(thing))
        return self._add_attachment(thing)

    def _look_up(self, snowflake: int, kind: int) -> Any:
        guild_roles = self.guild.roles if self.guild else {}
        sources: dict[int, list[Any]] = {
            _USER: [self.world.users],
            _CHANNEL: [self.world.channels],
            _ROLE: [guild_roles],
            _MENTIONABLE: [guild_roles, self.world.users],
        }
        for source in sources.get(kind, []):
            if snowflake in source:
                return source[snowflake]
        raise NotPossibleError(f"there is no {snowflake} to choose")

    def _add_user(self, user: User) -> str:
        member = self.guild.members.get(user.id) if self.guild else None
        if member is not None:
            bits = str(channel_permissions(member, self.channel))
            self._put(
                "members", user.id, render_member(member, with_user=False) | {"permissions": bits}
            )
        return self._put("users", user.id, render_user(user))

    def _add_attachment(self, file: Any) -> str:
        filename, content = file
        attachment = keep_file(self.world, filename, content)
        payload = render_attachment(attachment, self.channel.id, self.world.cdn_url)
        return self._put("attachments", attachment.id, payload)

    def _put(self, kind: str, snowflake: int, payload: Json) -> str:
        self.data.setdefault(kind, {})[str(snowflake)] = payload
        return str(snowflake)


def find_command(
    application: Application, guild: Guild | None, name: str, kind: int = CHAT_INPUT
) -> Json:
    """Return a registered command.

    Raises NotPossibleError when the bot has registered none of this name.
    """
    for command in application.commands_in(guild.id if guild else None):
        if command["name"] == name and command["type"] == kind:
            return command
    raise NotPossibleError(f"no command /{name} is registered")


def check_may_use(command: Json, member: Member | None, channel: Channel) -> None:
    """Raise NotPossibleError when the command is hidden from the member here."""
    if member is None:
        if not _usable_directly(command):
            raise NotPossibleError(f"/{command['name']} can't be used in direct messages")
        return
    bits = channel_permissions(member, channel)
    if not bits & Permission.USE_APPLICATION_COMMANDS:
        raise NotPossibleError("missing the permission to use application commands here")
    needed = command.get("default_member_permissions")
    if needed is None or bits == Permission.ALL:
        return
    if int(needed) == 0 or bits & int(needed) != int(needed):
        raise NotPossibleError(f"/{command['name']} is not for this member")


def _usable_directly(command: Json) -> bool:
    """Whether direct messages offer the command; `contexts` go before the older `dm_permission`."""
    contexts = command.get("contexts")
    return command.get("dm_permission") is not False if contexts is None else 1 in contexts


def command_data(command: Json, path: list[str], values: Json, resolved: Resolved) -> Json:
    """Return the data of a slash command.

    `path` names subcommand group and subcommand, `values` the options.
    """
    declared, wrappers = command.get("options") or [], []
    for name in path:
        step = next(
            (o for o in declared if o["name"] == name and o["type"] in (_SUBCOMMAND, _GROUP)), None
        )
        if step is None:
            raise NotPossibleError(f"/{command['name']} has no subcommand {name}")
        wrappers.append({"name": name, "type": step["type"]})
        declared = step.get("options") or []
    if any(option["type"] in (_SUBCOMMAND, _GROUP) for option in declared):
        raise NotPossibleError(f"/{' '.join([command['name'], *path])} needs a subcommand")
    options = _options(declared, values, resolved)
    for wrapper in reversed(wrappers):
        options = [wrapper | {"options": options}]
    data: Json = {
        "id": command["id"],
        "name": command["name"],
        "type": CHAT_INPUT,
        "options": options,
    }
    return _finish(data, command, resolved)


def _finish(data: Json, command: Json, resolved: Resolved) -> Json:
    if command.get("guild_id"):
        data["guild_id"] = command["guild_id"]
    if resolved.data:
        data["resolved"] = resolved.data
    return data


def _options(declared: list[Json], values: Json, resolved: Resolved) -> list[Json]:
    unknown = set(values) - {option["name"] for option in declared}
    if unknown:
        raise NotPossibleError(f"unknown options: {', '.join(sorted(unknown))}")
    options = []
    for option in declared:
        if values.get(option["name"]) is None:
            if option.get("required"):
                raise NotPossibleError(f"the option {option['name']} is required")
            continue
        value = _option_value(option, values[option["name"]], resolved)
        options.append({"name": option["name"], "type": option["type"], "value": value})
    return options


def _option_value(option: Json, value: Any, resolved: Resolved) -> Any:
    kind = option["type"]
    if option.get("typing") and kind in (_STRING, _INTEGER, _NUMBER):
        return str(value)
    if kind in (_USER, _CHANNEL, _ROLE, _MENTIONABLE, _ATTACHMENT):
        return resolved.add(int(value) if isinstance(value, str) else value, kind)
    converted = _convert(kind, value, option["name"])
    choices = option.get("choices") or []
    if choices and converted not in [choice["value"] for choice in choices]:
        raise NotPossibleError(f"{converted!r} is no choice of {option['name']}")
    _check_range(option, converted)
    return converted


def _convert(kind: int, value: Any, name: str) -> Any:
    wanted = {_STRING: str, _INTEGER: int, _NUMBER: float, _BOOLEAN: bool}[kind]
    if kind == _BOOLEAN and not isinstance(value, bool):
        raise NotPossibleError(f"{name} must be true or false")
    try:
        return wanted(value)
    except ValueError:
        raise NotPossibleError(f"{name} must be a number") from None


def _check_range(option: Json, value: Any) -> None:
    measure = len(value) if isinstance(value, str) else value
    low = option.get("min_length" if isinstance(value, str) else "min_value")
    high = option.get("max_length" if isinstance(value, str) else "max_value")
    if (low is not None and measure < low) or (high is not None and measure > high):
        raise NotPossibleError(f"{option['name']} is out of range")


def autocomplete_data(
    command: Json, path: list[str], resolved: Resolved, *, focused: str, text: Any, values: Json
) -> Json:
    """Return the data sent while a person types `text` into the option `focused`."""
    relaxed = _relax(command)
    data = command_data(relaxed, path, {**values, focused: text}, resolved)
    options = data["options"]
    while options and options[0]["type"] in (_SUBCOMMAND, _GROUP):
        options = options[0]["options"]
    for option in options:
        if option["name"] == focused:
            option["focused"] = True
            return data
    raise NotPossibleError(f"there is no option {focused}")


def offered_without_asking(
    command: Json, path: list[str], focused: str, typed: object
) -> list[Json] | None:
    """Return what the client itself offers for an option, None when it asks the bot.

    Those are the fixed choices that contain what was typed; without any there is nothing to offer.
    """
    declared = command.get("options") or []
    for name in path:
        declared = next((o.get("options") or [] for o in declared if o["name"] == name), [])
    option = next((o for o in declared if o["name"] == focused), None)
    if option is None:
        raise NotPossibleError(f"there is no option {focused}")
    if option.get("autocomplete"):
        return None
    part = str(typed).casefold()
    return [one for one in option.get("choices") or [] if part in one["name"].casefold()]


def _relax(command: Json) -> Json:
    """Return the command with no required options and no ranges.

    What is being typed stays text, even for numbers.
    """
    options = []
    for option in command.get("options") or []:
        kept = {key: value for key, value in option.items() if key in ("name", "type", "options")}
        kept["typing"] = option.get("autocomplete", False)
        options.append(_relax(kept))
    return {**command, "options": options}


def context_data(command: Json, target: Member | User | Message, resolved: Resolved) -> Json:
    """Return the data of a user or message context menu command."""
    target_id = resolved.add(target, _USER)
    data: Json = {
        "id": command["id"],
        "name": command["name"],
        "type": command["type"],
        "target_id": target_id,
    }
    return _finish(data, command, resolved)


_SELECT_KINDS = {5: _USER, 6: _ROLE, 7: _MENTIONABLE, 8: _CHANNEL}


def component_data(component: Json, values: list[Any] | None, resolved: Resolved) -> Json:
    """Return the data of a click (no values) or a selection.

    Raises NotPossibleError for values not on offer.
    """
    if component.get("disabled"):
        raise NotPossibleError(f"{component['custom_id']} is disabled")
    data: Json = {
        "custom_id": component["custom_id"],
        "component_type": component["type"],
        "id": component.get("id", 0),
    }
    if values is None:
        return data
    data["values"] = select_values(component, values, resolved)
    if resolved.data:
        data["resolved"] = resolved.data
    return data


def select_values(component: Json, values: list[Any], resolved: Resolved) -> list[str]:
    """Return the chosen values as text, checked against a select's options and limits."""
    low = component.get("min_values", 1)
    if not (low if low is not None else 1) <= len(values) <= (component.get("max_values") or 1):
        raise NotPossibleError(f"{component['custom_id']} does not take {len(values)} values")
    if "options" in component:
        offered = [option["value"] for option in component["options"]]
        for value in values:
            if value not in offered:
                raise NotPossibleError(f"{value!r} is not on offer")
        return [str(value) for value in values]
    kind = _SELECT_KINDS.get(component["type"], _ATTACHMENT)
    return [resolved.add(int(value) if isinstance(value, str) else value, kind) for value in values]
