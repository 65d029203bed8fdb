"""Who may use a command that was written: what Discord asks where it is chosen from the list.

Admins change that under Server Settings > Integrations. Their rules are read from Discord, kept for
some minutes, and read again when Discord tells of a change.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog

from bot.core.errors import Denied, DiscordFailed
from bot.core.i18n import _
from bot.core.permission_names import PermissionList

if TYPE_CHECKING:
    from bot.client import Pegasus

log = structlog.get_logger(__name__)

_KEPT = timedelta(minutes=5)
_MOST = 1000
_ROLE, _USER, _CHANNEL = 1, 2, 3

# What was allowed or denied, by kind and id of role, user or channel.
Rules = Mapping[tuple[int, int], bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who wants to use a command where; a thread counts as its parent."""

    guild_id: int
    channel_id: int
    user_id: int
    role_ids: frozenset[int]


def is_open_here(rules: Rules, asked: Asked) -> bool:
    """Return whether a command may be used in the channel: a rule for it outweighs one for all."""
    # The guild's id less one stands for all channels.
    everywhere = rules.get((_CHANNEL, asked.guild_id - 1), True)
    return rules.get((_CHANNEL, asked.channel_id), everywhere)


def verdict_on(rules: Rules, asked: Asked) -> bool | None:
    """Return whether rules allow or deny a person a command, `None` where they say nothing."""
    if (verdict := rules.get((_USER, asked.user_id))) is not None:
        return verdict
    verdicts = [rules[_ROLE, one] for one in asked.role_ids if (_ROLE, one) in rules]
    if verdicts:
        return any(verdicts)
    return rules.get((_ROLE, asked.guild_id))


class CommandAccess:
    """Asks Discord for the rules of guilds; one per client."""

    def __init__(self, bot: Pegasus) -> None:
        self._bot = bot
        self._rules: OrderedDict[int, tuple[float, Mapping[int, Rules]]] = OrderedDict()
        self._ids: Mapping[str, int] = {}

    def forget(self, guild_id: int) -> None:
        """Have a guild's rules read anew."""
        self._rules.pop(guild_id, None)

    async def ensure(self, command: Any, interaction: discord.Interaction[Any]) -> None:
        """Raise `Denied` unless the person could choose the command from the list here."""
        root = command.root_parent or command
        permissions = interaction.permissions
        if permissions.administrator:
            return
        if not permissions.use_application_commands:
            raise Denied(_("You can't use this command here."))
        asked = _asked_by(interaction)
        rules = await self._rules_of(asked.guild_id)
        own = rules.get(await self._id_of(root.name), {})
        # What holds for the whole bot holds for commands that have no rules of their own.
        present = own or rules.get(self._bot.application_id or 0, {})
        verdict = verdict_on(present, asked)
        if verdict is False or not is_open_here(present, asked):
            raise Denied(_("You can't use this command here."))
        needed = root.default_permissions
        is_allowed = bool(own) and verdict is True
        if needed is not None and not is_allowed and not needed <= permissions:
            names = PermissionList(name for name, is_needed in needed if is_needed)
            raise Denied(_("You need {permissions} for this command.", permissions=names))

    async def _rules_of(self, guild_id: int) -> Mapping[int, Rules]:
        now = self._bot.kernel.clock.monotonic()
        known = self._rules.get(guild_id)
        if known is not None and now - known[0] < _KEPT.total_seconds():
            return known[1]
        try:
            listed: Any = await self._bot.http.get_guild_application_command_permissions(
                self._bot.application_id or 0, guild_id
            )
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.info("command_rules_not_read", guild_id=guild_id, error=type(error).__name__)
            raise DiscordFailed(
                _("I can't find out at the moment whether you may use this command."),
                hint=_("Use it with a slash, or try again in a minute."),
            ) from error
        rules = {int(one["id"]): _rules_in(one["permissions"]) for one in listed}
        self._rules[guild_id] = now, rules
        self._rules.move_to_end(guild_id)
        while len(self._rules) > _MOST:
            self._rules.popitem(last=False)
        return rules

    async def _id_of(self, name: str) -> int:
        if name not in self._ids:
            listed: Any = await self._bot.http.get_global_commands(self._bot.application_id or 0)
            self._ids = {one["name"]: int(one["id"]) for one in listed if one.get("type", 1) == 1}
        return self._ids.get(name, 0)


def _asked_by(interaction: discord.Interaction[Any]) -> Asked:
    channel, place_id = interaction.channel, interaction.channel_id or 0
    return Asked(
        interaction.guild_id or 0,
        channel.parent_id if isinstance(channel, discord.Thread) else place_id,
        interaction.user.id,
        frozenset(role.id for role in getattr(interaction.user, "roles", ())),
    )


def _rules_in(permissions: Sequence[Mapping[str, Any]]) -> Rules:
    return {(one["type"], int(one["id"])): one["permission"] for one in permissions}
