"""News of problems for a guild's staff: one message in the log channel, through the outbox."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bot.core.contracts import BotState
from bot.core.fields.text import escape_markdown
from bot.core.i18n import _, ngettext
from bot.core.outbox.deliveries import Delivery
from bot.core.preflight import can_post
from bot.core.problems.merging import merge_places
from bot.core.problems.rules import Problem

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from bot.core.clock import Clock
    from bot.core.features import FeatureRegistry
    from bot.core.outbox import OutboxService
    from bot.core.settings import SettingsStore

# The feature that holds the guild's basics, and what is read of its settings.
BASICS = "general"
LOG_CHANNEL = "log_channel_id"
LANGUAGE = "language"
_LIMIT = 2000


class LogChannelTeller:
    """Tells problems in the channel that the guild chose for its log."""

    def __init__(
        self,
        settings: SettingsStore,
        registry: FeatureRegistry,
        outbox: OutboxService,
        clock: Clock,
        state: Callable[[], BotState],
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._outbox = outbox
        self._clock = clock
        self._state = state

    async def find_channel(self, guild_id: int) -> int | None:
        """Return the log channel when the bot can post there, else `None`."""
        channel_id = await self._basic(guild_id, LOG_CHANNEL)
        channel = channel_id and self._state().channel(guild_id, channel_id)
        return channel.id if channel and can_post(channel) is None else None

    async def tell(
        self, session: AsyncSession, guild_id: int, channel_id: int, problems: Sequence[Problem]
    ) -> None:
        """Put one message about the problems into the outbox."""
        guild = self._state().guild(guild_id)
        locale = await self._basic(guild_id, LANGUAGE) or (guild.locale if guild else None)
        instant = self._clock.now().isoformat()
        await self._outbox.send(
            session,
            Delivery.message(
                channel_id,
                {"content": news_of(problems, self._registry, locale)},
                guild_id=guild_id,
                dedupe_key=f"problems:{guild_id}:{instant}",
            ),
        )

    async def _basic(self, guild_id: int, name: str) -> Any:
        if BASICS not in self._registry:
            return None
        state = await self._settings.get(guild_id, BASICS)
        return getattr(state.settings, name, None)


def news_of(problems: Sequence[Problem], registry: FeatureRegistry, locale: str | None) -> str:
    """Return the message about problems, at most 2000 characters, in the guild's language."""
    problems = merge_places(problems)
    text = ngettext(
        "I found a problem with my settings here:",
        "I found {count} problems with my settings here:",
        len(problems),
    ).render(locale)
    for number, one in enumerate(problems):
        entry = "\n" + _entry(one, registry, locale)
        rest = _("…and {count} more, see /settings show.", count=len(problems) - number)
        closing = "\n" + rest.render(locale)
        if len(text) + len(entry) + len(closing) > _LIMIT:
            return text + closing
        text += entry
    return text


def _entry(problem: Problem, registry: FeatureRegistry, locale: str | None) -> str:
    key = problem.feature
    title = _(registry.get(key).title).render(locale) if key in registry else key
    message = escape_markdown(problem.message.render(locale))
    fix = escape_markdown(problem.fix.render(locale))
    return f"- **{title}**: {message}\n  {fix}"
