"""What keeps Automod from acting, told once with the fix; found by looking, or by a refusal."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.core.contracts import BotState
from bot.core.i18n import Message, _
from bot.core.places import ChannelList, label_of
from bot.core.preflight import missing_permissions
from bot.core.problems.rules import Problem
from cogs.automod.planning import KEY, Json

if TYPE_CHECKING:
    from bot.core.cases import Order
    from bot.core.errors import AppError
    from bot.core.problems import ProblemService
    from bot.core.settings.model import FeatureState
    from cogs.automod.rules.values import Action
    from cogs.automod.settings import Rule

_NEEDS: dict[str, tuple[str, ...]] = {
    "delete": ("manage_messages",),
    "timeout": ("moderate_members",),
    "mute": ("manage_roles",),
    "add_role": ("manage_roles",),
    "remove_role": ("manage_roles",),
    "kick": ("kick_members",),
    "tempban": ("ban_members",),
    "ban": ("ban_members",),
    "slowmode": ("manage_channels",),
    "lock": ("manage_roles", "manage_channels"),
    "pause_invites": ("manage_guild",),
}
# A thread has no overwrites and no settings of its own kind: it is changed as a thread.
_THREAD_NEEDS = ("view_channel", "manage_threads")
_DELETING = ("view_channel", "manage_messages")
_MOST_KNOWN = 5_000
# The cause of the problem that a rule's pattern can't be run.
REFUSED_PATTERN = "refused_pattern"


def find_automod_problems(state: FeatureState, bot_state: BotState, guild_id: int) -> list[Problem]:
    """Return a problem for the permissions that the rules' actions need and the bot lacks."""
    me = bot_state.me(guild_id)
    if me is None:
        return []
    needs = dict.fromkeys(
        need
        for rule in state.settings.rules
        if rule.enabled and not rule.shadow
        for action in _all_actions(rule)
        for need in _NEEDS.get(action.type, ())
    )
    refusal = missing_permissions(needs, me.permissions, None)
    if refusal is None:
        return []
    return [Problem(KEY, "missing_permissions", "guild", refusal.message, refusal.fix)]


def _all_actions(rule: Rule) -> Iterator[Action]:
    yield from rule.actions
    for step in rule.escalation:
        yield from step.actions


class Troubles:
    """Reports what Discord refused, and that it works again; once each."""

    def __init__(self, problems: ProblemService, state: Callable[[], BotState]) -> None:
        self._problems = problems
        self._state = state
        # What is known to work or not, so that the database is not asked for every message.
        self._known: OrderedDict[tuple[int, str, str], bool] = OrderedDict()

    async def cannot_delete(self, guild_id: int, channel_id: int) -> None:
        """Report that messages can't be deleted in a channel."""
        channel = self._state().channel(guild_id, channel_id)
        granted = channel.bot_permissions if channel is not None else frozenset()
        refusal = missing_permissions(_DELETING, granted, channel)
        name = str(channel_id) if channel is None else label_of(channel)
        message = _("I could not delete messages in {channel}.", channel=ChannelList((name,)))
        fix = _("Allow Manage Messages and View Channel for my role there.")
        if refusal is not None:
            message, fix = refusal.message, refusal.fix
        await self._report(guild_id, Problem(KEY, "cannot_delete", str(channel_id), message, fix))

    async def could_delete(self, guild_id: int, channel_id: int) -> None:
        """Take back that messages can't be deleted in a channel."""
        await self._solve(guild_id, "cannot_delete", str(channel_id))

    async def cannot_punish(self, order: Order, error: AppError) -> None:
        """Report that Discord refused a case for good."""
        fix = error.hint or _("Check my permissions and the place of my role.")
        subject, message = str(order.kind), error.message
        if "member" in message.values:
            # An error's name is made harmless already; a problem's texts are where they are shown.
            name = order.target.name or str(order.target.id)
            message = replace(message, values={**message.values, "member": name})
        await self._report(order.guild_id, Problem(KEY, "cannot_act", subject, message, fix))

    async def could_punish(self, order: Order) -> None:
        """Take back that this kind of case is refused."""
        await self._solve(order.guild_id, "cannot_act", str(order.kind))

    async def cannot_change(self, guild_id: int, effect: Json) -> Message:
        """Report that a channel or the guild can't be changed; returns it in words."""
        channel_id = int(effect["channel_id"])
        channel = self._state().channel(guild_id, channel_id) if channel_id else None
        me = self._state().me(guild_id)
        granted = me.permissions if me is not None else frozenset()
        in_thread = channel is not None and channel.kind == "thread"
        needs = _THREAD_NEEDS if in_thread else _NEEDS[effect["kind"]]
        refusal = missing_permissions(needs, granted, channel)
        message = _("Discord did not let me change the channel or the server.")
        fix = _("Allow Manage Channels and Manage Roles for my role.")
        if in_thread:
            message = _("Discord did not let me change the thread.")
            fix = _("Allow Manage Threads for my role there.")
        if refusal is not None:
            message, fix = refusal.message, refusal.fix
        subject = f"{effect['kind']}:{channel_id}"
        await self._report(guild_id, Problem(KEY, "cannot_change", subject, message, fix))
        return message

    async def refused_pattern(self, guild_id: int, rule: str, reason: str) -> None:
        """Report that a rule's pattern can't be run, so that the rules before are kept."""
        message = _(
            "The rule {rule} has a pattern that can't be run: {reason}.", rule=rule, reason=reason
        )
        fix = _("Change it with /automod rule edit; until then the rules as they were apply.")
        await self._report(guild_id, Problem(KEY, REFUSED_PATTERN, "rules", message, fix))

    async def accepted_patterns(self, guild_id: int) -> None:
        """Take back that a pattern can't be run."""
        await self._solve(guild_id, REFUSED_PATTERN, "rules")

    async def lacks_blocklist(self, guild_id: int) -> None:
        """Report that rules look for what the operator blocks, who blocks nothing."""
        message = _("A rule looks for sites that this bot's operator blocks, and there is no list.")
        fix = _("Ask the operator to set automod.blocked_domains, or list the sites yourself.")
        await self._report(guild_id, Problem(KEY, "no_blocklist", "rules", message, fix))

    async def has_blocklist(self, guild_id: int) -> None:
        """Take back that rules look for what nobody has listed."""
        await self._solve(guild_id, "no_blocklist", "rules")

    async def _report(self, guild_id: int, problem: Problem) -> None:
        key = (guild_id, problem.cause, problem.subject)
        if self._known.get(key) is False:
            return
        self._note(key, works=False)
        await self._problems.report(guild_id, problem)

    async def _solve(self, guild_id: int, cause: str, subject: str) -> None:
        key = (guild_id, cause, subject)
        if self._known.get(key):
            return
        self._note(key, works=True)
        await self._problems.solve(guild_id, KEY, cause, subject)

    def _note(self, key: tuple[int, str, str], *, works: bool) -> None:
        self._known[key] = works
        self._known.move_to_end(key)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
