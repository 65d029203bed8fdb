"""Follows each interaction to its first answer: how long Discord waited, and that there was one.

discord.py tells nobody when a button's or a form's callback is done; the answer on the wire does.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
import structlog

from bot.core.i18n import _
from bot.replies import answer

if TYPE_CHECKING:
    from bot.core.metrics import Metrics

log = structlog.get_logger(__name__)

Interaction = discord.Interaction[Any]
Kind = discord.InteractionType
_KINDS = {
    Kind.application_command: "command",
    Kind.autocomplete: "autocomplete",
    Kind.component: "component",
    Kind.modal_submit: "modal",
}
_OF_VIEWS = frozenset({Kind.component, Kind.modal_submit})
# Discord gives up after 3 s: https://discord.com/developers/docs/interactions/receiving-and-responding
GIVE_UP_SECONDS = 2.5
MOST_OPEN = 1000


@dataclass(slots=True)
class _Open:
    kind: str
    namespace: str | None
    created_at: datetime


class Acknowledgements:
    """Counts the uses of buttons, menus and forms, and measures how soon anything is answered.

    While `run` runs, a use that nothing answers is answered here: the components of a message
    outlive the process that knew what they are for.
    """

    def __init__(self, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._metrics = metrics
        self._now = now
        self._open: OrderedDict[int, _Open] = OrderedDict()
        self._watched: deque[tuple[float, Interaction]] = deque(maxlen=MOST_OPEN)
        self._arrived = asyncio.Event()

    def trace_config(self, config: aiohttp.TraceConfig) -> aiohttp.TraceConfig:
        """Add this to the hook of the session that answers are sent through, and return it."""
        config.on_request_end.append(self._note_request)
        return config

    def note(self, interaction: Interaction) -> None:
        """Take an interaction that has arrived."""
        kind = _KINDS.get(interaction.type, "other")
        entry = self._open[interaction.id] = _Open(kind, None, interaction.created_at)
        while len(self._open) > MOST_OPEN:
            self._open.popitem(last=False)
        if interaction.type in _OF_VIEWS:
            entry.namespace = namespace_of(interaction)
            deadline = asyncio.get_running_loop().time() + GIVE_UP_SECONDS
            self._watched.append((deadline, interaction))
            self._arrived.set()

    async def run(self) -> None:
        """Answer what nothing else has answered, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._watched:
                deadline, interaction = self._watched.popleft()
                await asyncio.sleep(max(0.0, deadline - loop.time()))
                if not interaction.response.is_done():
                    await self.answer_unhandled(interaction)

    def failed(self, interaction: Interaction, outcome: str) -> None:
        """Count the use of a component or form as failed, unless it was answered well before."""
        entry = self._open.get(interaction.id)
        if entry is not None and entry.namespace is not None:
            self._metrics.component_used(entry.namespace, outcome)
            entry.namespace = None

    async def answer_unhandled(self, interaction: Interaction, *, outdated: bool = False) -> None:
        """Answer what nothing else will: in words, or not at all for what is no longer shown."""
        self.failed(interaction, "user_error")
        try:
            if outdated:
                await interaction.response.defer()
                return
            await answer(
                interaction, _("This is no longer active. Please run the command for it again.")
            )
        except (discord.DiscordException, aiohttp.ClientError, OSError, RuntimeError) as error:
            # Too late after all, or the client was closed meanwhile.
            log.info("expiry_not_told", error=type(error).__name__)

    async def _note_request(
        self,
        _session: aiohttp.ClientSession,
        _context: SimpleNamespace,
        params: aiohttp.TraceRequestEndParams,
    ) -> None:
        parts = params.url.parts
        # …/interactions/{id}/{token}/callback
        if len(parts) < 4 or parts[-1] != "callback" or parts[-4] != "interactions":
            return
        if params.response.status >= 400:
            return
        entry = self._open.pop(int(parts[-3]), None)
        if entry is None:
            return
        # The id was made by Discord's clock, which may be a little ahead of ours.
        waited = max(0.0, (self._now() - entry.created_at).total_seconds())
        self._metrics.interaction_acknowledged(entry.kind, waited)
        if entry.namespace is not None:
            self._metrics.component_used(entry.namespace, "ok")


def namespace_of(interaction: Interaction) -> str:
    """Return what a custom id begins with, up to the first colon; random ids have none."""
    custom_id = str((interaction.data or {}).get("custom_id", ""))
    namespace, colon, _rest = custom_id.partition(":")
    return namespace if colon else ""
