"""From the words after a command to the options that Discord would have sent, checked as it checks.

People are named by a mention or an id, roles and channels also by their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import discord

from bot.core.errors import InvalidInput
from bot.core.fields.text import quote
from bot.core.i18n import LANGUAGES, Message, _, catalogue_for
from bot.written import WRITTEN
from bot.written.reading import Shape, Usage

if TYPE_CHECKING:
    from bot.client import Pegasus

Kind = discord.AppCommandOptionType
Command = discord.app_commands.Command[Any, ..., Any]

_PERSON = re.compile(r"<@!?(\d{15,20})>|(\d{15,20})")
_ROLE = re.compile(r"<@&(\d{15,20})>|(\d{15,20})")
_CHANNEL = re.compile(r"<#(\d{15,20})>|(\d{15,20})")
_NUMBER = re.compile(r"-?\d{1,15}")
_YES = frozenset({"yes", "true", "on", "sí", "si"})
_NO = frozenset({"no", "false", "off"})
_BOOLEAN = re.compile("|".join(sorted(_YES | _NO)), re.IGNORECASE)
_FITS: Mapping[Kind, re.Pattern[str]] = {
    Kind.user: _PERSON,
    Kind.role: _ROLE,
    Kind.channel: _CHANNEL,
    Kind.integer: _NUMBER,
    Kind.boolean: _BOOLEAN,
}
_KINDS = frozenset({*_FITS, Kind.string})
_GONE = {10007, 10013}


def usage_of(command: Command, prefix: str, locale: str | None) -> Usage:
    """Return how a command is written, in the reader's language."""
    catalogue = catalogue_for(locale)
    words = command.qualified_name.split()
    name = " ".join(catalogue.pgettext("command-name", one) for one in words)
    shapes = {one.name: _shape(one, locale) for one in command.parameters}
    order = [shapes[one].name for one in command.extras[WRITTEN]]
    return Usage(f"{prefix}{name}", list(shapes.values()), order)


def check_written(command: Command) -> None:
    """Raise `ValueError` for a command that can't be written as its extras say."""
    known = {one.name: one for one in command.parameters}
    unknown = set(command.extras[WRITTEN]) - known.keys()
    strange = [one.name for one in known.values() if one.type not in _KINDS]
    if unknown or strange:
        raise ValueError(f"/{command.qualified_name} can't be written: {unknown or strange}")


def _shape(parameter: Any, locale: str | None) -> Shape:
    names = {parameter.name} | {
        catalogue_for(one).pgettext("parameter-name", parameter.name) for one in LANGUAGES
    }
    return Shape(
        catalogue_for(locale).pgettext("parameter-name", parameter.name),
        frozenset(one.casefold() for one in names),
        parameter.required,
        is_text=parameter.type is Kind.string and not parameter.choices,
        fits=_FITS.get(parameter.type),
    )


class Resolver:
    """Turns the words of one message into options, with what they stand for."""

    def __init__(self, bot: Pegasus, guild: discord.Guild, raw: Mapping[str, Any]) -> None:
        self._bot = bot
        self._guild = guild
        self._mentioned = {int(one["id"]): one for one in raw.get("mentions") or ()}
        self.resolved: dict[str, dict[str, Any]] = {}

    async def option(self, parameter: Any, text: str) -> dict[str, Any]:
        """Return an option with its value; raises `InvalidInput` for what Discord would refuse."""
        value = await self._value(parameter, text.strip())
        return {"name": parameter.display_name, "type": parameter.type.value, "value": value}

    async def _value(self, parameter: Any, text: str) -> Any:
        if parameter.choices:
            return _choice(parameter, text)
        if parameter.type is Kind.user:
            return await self._person(text)
        if parameter.type is Kind.role:
            return self._role(text)
        if parameter.type is Kind.channel:
            return self._channel(parameter, text)
        return _PLAIN[parameter.type](parameter, text)

    async def _person(self, text: str) -> str:
        found = _PERSON.fullmatch(text)
        if found is None:
            raise _unknown(text, _("Mention a member, or give their id."))
        user_id = int(found[1] or found[2])
        known = self._mentioned.get(user_id)
        member = dict(known["member"]) if known and known.get("member") else None
        user = {name: one for name, one in known.items() if name != "member"} if known else None
        if member is None:
            user, member = await self._ask_for(user_id, text, user)
        self._put("users", user_id, user)
        if member is not None:
            self._put("members", user_id, {**member, "permissions": "0"})
        return str(user_id)

    async def _ask_for(
        self, user_id: int, text: str, user: dict[str, Any] | None
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        http: Any = self._bot.http
        try:
            member = await http.get_member(self._guild.id, user_id)
        except discord.HTTPException as error:
            if error.code not in _GONE and error.status != 404:
                raise
        else:
            return member["user"], {name: one for name, one in member.items() if name != "user"}
        try:
            return user or await http.get_user(user_id), None
        except discord.NotFound as error:
            raise _unknown(text, _("Mention a member, or give their id.")) from error

    def _role(self, text: str) -> str:
        found = _ROLE.fullmatch(text)
        role = self._guild.get_role(int(found[1] or found[2])) if found else None
        role = role or _only(self._guild.roles, text.removeprefix("@"))
        if role is None:
            raise _unknown(text, _("Mention a role, or write its name in quotation marks."))
        return self._put("roles", role.id, _role_payload(role))

    def _channel(self, parameter: Any, text: str) -> str:
        found = _CHANNEL.fullmatch(text)
        places = [*self._guild.channels, *self._guild.threads]
        wanted = int(found[1] or found[2]) if found else 0
        channel: Any = next((one for one in places if one.id == wanted), None)
        channel = channel or _only(places, text.removeprefix("#"))
        kinds = parameter.channel_types
        if channel is None or (kinds and channel.type not in kinds):
            raise _unknown(text, _("Mention a channel that I can see."))
        return self._put("channels", channel.id, _channel_payload(channel))

    def _put(self, kind: str, one: int, payload: Any) -> str:
        self.resolved.setdefault(kind, {})[str(one)] = payload
        return str(one)


def _only(things: Any, name: str) -> Any:
    """Return the one thing of a name, `None` where there are none or several."""
    found = [one for one in things if one.name.casefold() == name.casefold()]
    return found[0] if len(found) == 1 else None


def _choice(parameter: Any, text: str) -> Any:
    wanted = text.casefold()
    for choice in parameter.choices:
        shown = {catalogue_for(one).gettext(choice.name) for one in LANGUAGES}
        if wanted in {one.casefold() for one in (str(choice.value), choice.name, *shown)}:
            return choice.value
    names = ", ".join(choice.name for choice in parameter.choices)
    raise _unknown(text, _("It can be: {names}", names=names))


def _text(parameter: Any, text: str) -> str:
    shortest, longest = parameter.min_value, parameter.max_value
    if (shortest and len(text) < shortest) or (longest and len(text) > longest):
        raise InvalidInput(
            _("{word} has the wrong length.", word=quote(text, 60)),
            hint=_(
                "It takes {least} to {most} characters.", least=shortest or 0, most=longest or 6000
            ),
        )
    return text


def _whole_number(parameter: Any, text: str) -> int:
    least, most = parameter.min_value, parameter.max_value
    number = int(text) if _NUMBER.fullmatch(text) else None
    too_small = number is not None and least is not None and number < least
    too_large = number is not None and most is not None and number > most
    if number is None or too_small or too_large:
        hint = _("Give a whole number.")
        if least is not None and most is not None:
            hint = _("Give a whole number from {least} to {most}.", least=least, most=most)
        raise _unknown(text, hint)
    return number


def _yes_or_no(_parameter: Any, text: str) -> bool:
    if not _BOOLEAN.fullmatch(text):
        raise _unknown(text, _("Write yes or no."))
    return text.casefold() in _YES


_PLAIN: Mapping[Kind, Callable[[Any, str], Any]] = {
    Kind.string: _text,
    Kind.integer: _whole_number,
    Kind.boolean: _yes_or_no,
}


def _unknown(text: str, hint: Message) -> InvalidInput:
    return InvalidInput(_("{word} can't be used here.", word=quote(text, 60)), hint=hint)


def _role_payload(role: discord.Role) -> dict[str, Any]:
    return {
        "id": str(role.id),
        "name": role.name,
        "permissions": str(role.permissions.value),
        "position": role.position,
        "color": role.colour.value,
        "colors": {"primary_color": role.colour.value},
        "hoist": role.hoist,
        "managed": role.managed,
        "mentionable": role.mentionable,
        "flags": role.flags.value,
    }


def _channel_payload(channel: Any) -> dict[str, Any]:
    payload = {
        "id": str(channel.id),
        "name": channel.name,
        "type": channel.type.value,
        "permissions": "0",
        "flags": 0,
    }
    if isinstance(channel, discord.Thread):
        return payload | {
            "parent_id": str(channel.parent_id),
            "owner_id": str(channel.owner_id),
            "thread_metadata": {
                "archived": channel.archived,
                "auto_archive_duration": channel.auto_archive_duration,
                "archive_timestamp": channel.archive_timestamp.isoformat(),
                "locked": channel.locked,
            },
        }
    return payload | {"position": channel.position, "parent_id": str(channel.category_id or 0)}
